"""A small demo company, run once from nothing to published marts; the tests look at what came out."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock

from pipelines.demo import make_demo
from pipelines.settings import ROOT, environment
from warehouse.store import content_hash

CUSTOMERS = 600
MARTS = (
    "core.dim_customers", "core.attribute_lineage", "core.fct_orders", "core.fct_payments",
    "core.customer_hierarchy", "core.customer_groups", "core.customer_links",
    "marts.customer_tiers", "marts.tier_movement", "marts.customer_churn", "marts.churn_by_quarter",
)  # fmt: skip


@dataclass(frozen=True)
class Company:
    """A company with its data folder, and the truth about it where the pipeline can't see it."""

    home: Path
    truth: Path

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start `guike …` in a process of its own, progress and result in one stream."""
        clean = {name: value for name, value in environment().items() if not name.startswith("GUIKE_")}
        return subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "--lang", "en", *arguments],
            cwd=ROOT, env=clean | {"GUIKE_HOME": str(self.home), **(env or {})}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def guike(self, *arguments: str, env: Mapping[str, str] | None = None, expect: int = 0) -> str:
        """Run `guike …` to its end and return what it printed."""
        process = self.start(*arguments, env=env)
        output, _ = process.communicate(timeout=900)
        assert process.returncode == expect, output
        return output

    def published(self) -> duckdb.DuckDBPyConnection:
        """The file that readers open."""
        return duckdb.connect(str(self.home / "published" / "current.duckdb"), read_only=True)

    def marts(self) -> dict[str, str]:
        """A hash of the content of each core and mart relation, the moment of loading left out."""
        with self.published() as con:
            return {relation: content_hash(con, relation, ["loaded_at"]) for relation in MARTS}


def make_company(folder: Path, *, crm_url: str | None = None, erp_url: str | None = None) -> Company:
    """The demo's sources in `folder` (CRM and ERP on servers, where URLs say so), its truth beside it."""
    home, truth = folder / "home", folder / "truth"
    make_demo(home / "demo", CUSTOMERS, 7, crm_url=crm_url, erp_url=erp_url)
    shutil.move(home / "demo" / "truth", truth)
    return Company(home, truth)


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Company:
    """The company after its first run, one for all workers; tests must leave it as it is."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "company"
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "made").exists():
            make_company(folder).guike("run")
            (folder / "made").touch()
    return Company(folder / "home", folder / "truth")


@pytest.fixture
def copy(company: Company, tmp_path: Path) -> Company:
    """The same company after its first run, to be spoilt."""
    home = tmp_path / "home"
    shutil.copytree(company.home, home)
    return Company(home, company.truth)
