"""A new company's first system, done word for word as docs/add-a-system.md says.

If this fails, a newcomer who follows that page is stuck, or Guike's figures for a real database with known
answers are wrong. Needs PostgreSQL and the Northwind dump; skips, saying so, without them.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.settings import ROOT, environment
from tests.services import postgres_url

DUMP = ROOT.parent / "shared" / "data" / "northwind.sql"
GUIDE = ROOT / "docs" / "add-a-system.md"
DATABASE = "guike_test_northwind"
_FILE_BLOCK = re.compile(r"`(?P<path>[\w./]+)`:\n\n```\w+\n(?P<text>.*?)```", re.S)
_COMMANDS = re.compile(r"```bash\n(?P<text>.*?)```", re.S)

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def northwind_url() -> Iterator[str]:
    """A PostgreSQL database with the dump in it; dropped afterwards."""
    if not DUMP.exists():
        pytest.skip("the Northwind dump is not on this machine (shared/data/northwind.sql)")
    psycopg = pytest.importorskip("psycopg")
    server = postgres_url()
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"drop database if exists {DATABASE} with (force)")
        admin.execute(f"create database {DATABASE}")
    url = server.rsplit("/", 1)[0] + "/" + DATABASE
    with psycopg.connect(url.replace("+psycopg", "")) as con:
        con.execute(DUMP.read_text(encoding="utf-8"))
    yield url
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"drop database {DATABASE} with (force)")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of the project: what a clone would hold, without data and without an environment."""
    copy = tmp_path_factory.mktemp("northwind") / "guike"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("not a git checkout, so there is nothing to copy a clean project from")
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return copy


def _guike(company: Path, *arguments: str) -> str:
    clean = {name: value for name, value in environment().items() if not name.startswith("GUIKE_")}
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "--lang", "en", *arguments],
        cwd=company, env=clean | {"PYTHONPATH": str(company)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"guike {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_a_new_company_gets_northwinds_known_figures(company: Path, northwind_url: str) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    _guike(company, "system", "remove", "--all", "--yes")
    assert not list((company / "pipelines" / "systems").glob("*.yml"))
    for block in _FILE_BLOCK.finditer(guide):
        target = company / block["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block["text"], encoding="utf-8")
    (company / ".env").write_text(f"GUIKE_NORTHWIND_URL={northwind_url}\n", encoding="utf-8")

    _guike(company, "run")
    query = next(match["text"] for match in _COMMANDS.finditer(guide) if "guike sql" in match["text"])
    (row,) = json.loads(_guike(company, "sql", "--json", query.split('"')[1]))

    assert row["customers"] == 91
    assert row["customers_who_ordered"] == 89
    assert row["orders"] == 830
    assert str(row["revenue"]) == "1265793.04"


def test_every_file_of_the_guide_is_found() -> None:
    """The pattern must see all nine files, or the test above would test less than it says."""
    paths = [block["path"] for block in _FILE_BLOCK.finditer(GUIDE.read_text(encoding="utf-8"))]
    assert len(paths) == 9
    assert "pipelines/systems/northwind.yml" in paths
