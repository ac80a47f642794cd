"""Settings with a home of their own, specs from a few lines of YAML, and a look into raw."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pipelines import i18n
from pipelines.extract import raw
from pipelines.extract.hashes import FileHashes
from pipelines.extract.load import SystemLoad, extract_system, open_source
from pipelines.extract.specs import SystemSpec, load_spec
from pipelines.settings import Settings, load_settings
from tests.services import mariadb_url, own_database, postgres_url
from warehouse import store

MakeSpec = Callable[..., SystemSpec]


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    i18n.set_language("en")
    yield
    i18n.set_language(None)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an empty home, and of a project without systems."""
    root = tmp_path / "project"
    (root / "pipelines" / "systems").mkdir(parents=True)
    return replace(load_settings(), root=root, home=tmp_path / "home", memory_limit="1GB")


@pytest.fixture
def make_spec(tmp_path: Path) -> MakeSpec:
    """A spec of the system `legacy`, from its kind, location, tables and further lines."""

    def make(kind: str, location: object, tables: str, **options: object) -> SystemSpec:
        lines = [f"{name}: {value}" for name, value in options.items()]
        path = tmp_path / "legacy.yml"
        path.write_text(
            "name: legacy\ntitle: {en: Legacy, zh: 旧系统}\ntrust: 50\ntimezone: Asia/Shanghai\n"
            f"kind: {kind}\nlocation: '{location}'\n" + "".join(f"{line}\n" for line in lines)
            + "tables:\n" + textwrap.indent(textwrap.dedent(tables).strip("\n"), "  ") + "\n",
            encoding="utf-8",
        )  # fmt: skip
        return load_spec(path)

    return make


@dataclass
class Extraction:
    """Runs extractions of one home, numbering the runs."""

    settings: Settings
    runs: int = 0

    def __call__(self, spec: SystemSpec, *, whole: bool = False) -> SystemLoad:
        self.runs += 1
        return extract_system(self.settings, spec, f"run-{self.runs}", whole=whole)

    def forget(self, system: str) -> None:
        """Begin anew with a system that earlier runs have loaded."""
        con = store.connect(self.settings)
        try:
            store.ensure_schemas(con)
            raw.drop(con, self.settings, system)
        finally:
            con.close()

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query on the warehouse."""
        con = store.connect(self.settings)
        try:
            return con.execute(sql).fetchall()
        finally:
            con.close()


@pytest.fixture
def extract(settings: Settings) -> Extraction:
    """Extract a system, and ask the warehouse."""
    return Extraction(settings)


@pytest.fixture
def read_rows(settings: Settings) -> Callable[[SystemSpec], list[tuple[str | None, ...]]]:
    """The rows of a spec's first table, straight from its reader."""

    def read(spec: SystemSpec) -> list[tuple[str | None, ...]]:
        with open_source(settings, spec) as source:
            batches = list(source.read(spec.tables[0]))
        return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]

    return read


@pytest.fixture
def hashes(tmp_path: Path) -> FileHashes:
    return FileHashes(tmp_path / "hashes.json")


@pytest.fixture
def mariadb() -> Iterator[str]:
    """The URL of an empty database in MariaDB."""
    with own_database(mariadb_url(), "guike_test_extract") as url:
        yield url


@pytest.fixture
def postgres() -> Iterator[str]:
    """The URL of an empty database in PostgreSQL."""
    with own_database(postgres_url(), "guike_test_extract") as url:
        yield url
