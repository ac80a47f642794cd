"""Faults that the demo doesn't have, spoilt into a copy of its input layer; then the checks and gates again.

Comes in: a demo home after a run. Goes out: per rule of `quality_planted.yml` how many rows were spoilt for
it, how many of them it found, and how many it flags beyond those before and those spoilt (in whatever way)
since. Which customer a row is of stays as identity decided before: only what is said of it is spoilt.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import yaml

from pipelines.orchestration.dbt_project import run_dbt
from pipelines.settings import Settings, load_settings
from quality.gate import run_gate_1
from quality.reconcile import run_gate_2

PLANTED = Path(__file__).parent / "quality_planted.yml"
_KEY = "system, source_table, source_id"
_ROWS = 20


@dataclass(frozen=True)
class Spoilt:
    """One rule: rows spoilt for it, found; new flags, and those of them on rows that nobody spoilt."""

    rule_id: str
    planted: int
    found: int
    new: int
    elsewhere: int


def spoil(home: Path, work: Path) -> list[Spoilt]:
    """Spoil a copy of the home's warehouse in `work`, run the checks and both gates, and compare."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    shutil.copyfile(home / "guike.duckdb", work / "guike.duckdb")
    settings = replace(load_settings(), home=work)
    plans: dict[str, dict[str, Any]] = yaml.safe_load(PLANTED.read_text(encoding="utf-8"))
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("create schema bench; create table bench.before as select rule_id, " + _KEY
                    + " from quality.record_issues")  # fmt: skip
        con.execute(
            "create table bench.spoilt "
            "(rule_id varchar, system varchar, source_table varchar, source_id varchar)"
        )
        for rule_id, plan in plans.items():
            _plant(con, rule_id, plan)
    _dbt(settings, "fqn:guike.input.checks")
    run_gate_1(settings, "spoilt")
    _dbt(settings, "fqn:guike.core")
    run_gate_2(settings, "spoilt")
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        return [_compare(con, rule_id) for rule_id in plans]


def _plant(con: duckdb.DuckDBPyConnection, rule_id: str, plan: dict[str, Any]) -> None:
    """Choose rows that nobody has spoilt yet, in an order of their own, and change or copy them."""
    entity = rule_id.split(".")[0]
    table, count = plan.get("table", f"input.{entity}"), plan.get("rows", _ROWS)
    con.execute(
        f"create or replace temp table chosen as select {_KEY} from {table} as i where ({plan['where']}) "
        f"and ({_KEY}) not in (select ({_KEY}) from bench.spoilt) "
        f"and ({_KEY}) not in (select ({_KEY}) from bench.before) and source_id is not null "
        f"order by hash(source_id || '{rule_id}'), {_KEY} limit {count}"
    )
    con.execute(f"insert into bench.spoilt select '{rule_id}', * from chosen")
    if "set" in plan:
        con.execute(f"update {table} as i set {plan['set']} where ({_KEY}) in (select ({_KEY}) from chosen)")
        return
    con.execute(
        f"create or replace temp table copies as select * from {table} "
        f"where ({_KEY}) in (select ({_KEY}) from chosen)"
    )
    owner = "where true" if not plan["copy"] else ""
    changes = ", ".join(filter(None, ["source_id = 'copy-' || source_id", plan["copy"]]))
    con.execute(
        "insert into identity.customer_xref select x.* replace ("
        + _replaced(changes, "x")
        + f") from identity.customer_xref as x semi join chosen using ({_KEY}) {owner}"
    )
    con.execute(f"update copies set {changes}")
    con.execute(f"insert into {table} select * from copies")
    con.execute(f"insert into bench.spoilt select '{rule_id}', {_KEY} from copies")


def _replaced(changes: str, alias: str) -> str:
    """Of the changes of a copy those of its key, as `select … replace` wants them."""
    kept = [part.strip() for part in changes.split(", ") if part.split(" = ")[0].strip() in _KEY.split(", ")]
    pairs = [part.split(" = ", 1) for part in kept]
    return ", ".join(f"{value.replace('source_id', alias + '.source_id')} as {name}" for name, value in pairs)


def _dbt(settings: Settings, selection: str) -> None:
    with run_dbt(settings, "run", "--select", selection) as command:
        said = command.lines.read()
        if command.wait():
            raise SystemExit(said[-3000:])


def _compare(con: duckdb.DuckDBPyConnection, rule_id: str) -> Spoilt:
    row = con.execute(
        f"""with flags as (select {_KEY} from quality.record_issues where rule_id = $rule),
        mine as (select distinct {_KEY} from bench.spoilt where rule_id = $rule),
        new as (from flags anti join (from bench.before where rule_id = $rule) using ({_KEY})),
        touched as (select distinct {_KEY} from bench.spoilt)
        select (select count(*) from mine), (select count(*) from mine semi join flags using ({_KEY})),
            (select count(*) from new), (select count(*) from new anti join touched using ({_KEY}))""",
        {"rule": rule_id},
    ).fetchone()
    assert row is not None
    return Spoilt(rule_id, *row)
