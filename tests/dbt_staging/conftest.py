"""The real project over empty raw tables, or a small copy of it with other staging models."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipelines.extract.raw import ensure_tables
from pipelines.extract.specs import ENTITIES, load_specs
from pipelines.settings import load_settings
from tests.dbt_staging.projects import Project
from warehouse import store

DBT_DIR = load_settings().dbt_dir


@pytest.fixture(scope="session")
def empty_company(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project as it is, over raw tables that every system's spec promises, without a row."""
    project = Project(DBT_DIR, tmp_path_factory.mktemp("empty_company"))
    settings = load_settings()
    with duckdb.connect(str(project.warehouse)) as con:
        store.ensure_schemas(con)
        for spec in load_specs(settings):
            ensure_tables(con, spec)
    return project


@pytest.fixture
def small_project(tmp_path: Path) -> Callable[[dict[str, dict[str, str]]], Project]:
    """Makes a copy of the project with the given staging models only: entity -> {model: SQL}."""

    def make(models: dict[str, dict[str, str]]) -> Project:
        folder = tmp_path / "dbt_project"
        for name in ("dbt_project.yml", "profiles.yml"):
            folder.mkdir(exist_ok=True)
            shutil.copy(DBT_DIR / name, folder / name)
        shutil.copytree(DBT_DIR / "macros", folder / "macros")
        shutil.copytree(DBT_DIR / "tests", folder / "tests")
        shutil.copytree(DBT_DIR / "models" / "input", folder / "models" / "input")
        shutil.rmtree(folder / "models" / "input" / "checks")
        (folder / "models" / "staging").mkdir()
        for name, sql in (pair for by_name in models.values() for pair in by_name.items()):
            (folder / "models" / "staging" / f"{name}.sql").write_text(sql, encoding="utf-8")
        registry = {entity: sorted(models.get(entity, {})) for entity in ENTITIES}
        text = f"{{%- macro staging_registry() -%}}{{{{ return({registry!r}) }}}}{{%- endmacro -%}}"
        text += "{%- macro system_timezones() -%}{{ return({'kyoto': 'Asia/Tokyo'}) }}{%- endmacro -%}"
        (folder / "macros" / "registry.sql").write_text(text, encoding="utf-8")
        return Project(folder, tmp_path)

    return make
