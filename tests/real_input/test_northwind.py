"""A new company's first system, done word for word as docs/add-a-system.md says.

If this fails, a newcomer who follows that page is stuck, or Guike's figures for a real database with known
answers are wrong. Needs PostgreSQL and the Northwind dump; skips, saying so, without them.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.extract.scaffold.add import survey
from pipelines.extract.scaffold.propose import propose
from pipelines.settings import ROOT, environment, load_settings
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
        cwd=company, env=clean | {"PYTHONPATH": str(company)}, capture_output=True, text=True, timeout=1800,
    )  # fmt: skip
    assert done.returncode == 0, f"guike {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _commands(guide: str) -> list[list[str]]:
    """The arguments of every `guike` command on the page, in order."""
    lines = [line for match in _COMMANDS.finditer(guide) for line in match["text"].splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith(".venv/bin/guike ")]


@pytest.fixture(scope="module")
def printed(company: Path, northwind_url: str) -> dict[str, str]:
    """What each command of the page printed, by its first words; all of them were run, in order."""
    guide = GUIDE.read_text(encoding="utf-8")
    for block in _FILE_BLOCK.finditer(guide):
        (company / block["path"]).write_text(block["text"], encoding="utf-8")
    found = {}
    for arguments in _commands(guide):
        filled = [northwind_url if argument == "$URL" else argument for argument in arguments]
        if filled[0] == "sql":
            filled.insert(1, "--json")
        found[" ".join(arguments[:2]) if arguments[0] == "system" else arguments[0]] = _guike(
            company, *filled
        )
    return found


def test_a_new_company_gets_northwinds_known_figures(printed: dict[str, str]) -> None:
    (row,) = json.loads(printed["sql"])
    assert row["customers"] == 91
    assert row["customers_who_ordered"] == 89
    assert row["orders"] == 830
    assert str(row["revenue"]) == "1265793.04"


# What each field of Northwind comes from, by somebody who knows Northwind.
KNOWN = {
    "customers": {
        "customer_name": "company_name", "contact_name": "contact_name", "phone": "phone", "region": "region",
        "address": "address",
    },
    "staff": {
        "first_name": "first_name", "last_name": "last_name", "position": "title", "mobile": "home_phone",
        "hired_on": "hire_date",
    },
    "products": {
        "product_name": "product_name", "category": "category_id", "unit": "quantity_per_unit",
        "list_price": "unit_price",
    },
    "orders": {
        "order_no": "order_id", "customer_source_id": "customer_id", "staff_source_id": "employee_id",
        "ordered_at": "order_date", "promised_on": "required_date", "delivered_on": "shipped_date",
    },
    "order_lines": {
        "order_source_id": "order_id", "product_source_id": "product_id", "quantity": "quantity",
        "unit_price": "unit_price", "discount": "discount",
    },
}  # fmt: skip


def test_tables_and_columns_are_what_they_mean(northwind_url: str) -> None:
    """Every table that is an entity, no other one, and all of its columns; amounts show in the figures."""
    proposal = propose(survey(load_settings(), northwind_url))
    found = {
        plan.entity: {field: match.column for field, match in plan.matches.items()} for plan in proposal.plans
    }
    assert found == KNOWN
    assert proposal.lookups[("products", "category")].name == "category_name"


def test_the_password_stays_in_the_environment_file(printed: dict[str, str], company: Path) -> None:
    spec = (company / "pipelines" / "systems" / "northwind.yml").read_text(encoding="utf-8")
    assert "location: ${GUIKE_NORTHWIND_URL}" in spec
    assert "GUIKE_NORTHWIND_URL=postgresql+psycopg://" in (company / ".env").read_text(encoding="utf-8")


def test_every_step_of_the_guide_is_found() -> None:
    """The patterns must see every step, or the tests above would test less than they say."""
    guide = GUIDE.read_text(encoding="utf-8")
    assert [block["path"] for block in _FILE_BLOCK.finditer(guide)] == ["pipelines/company.yml"]
    assert [command[:2] for command in _commands(guide)][:5] == [
        ["system", "remove"], ["system", "add"], ["system", "test"], ["system", "preview"], ["run"],
    ]  # fmt: skip
