"""All rules over many records: seconds by rule, peak memory, and a pandas script beside them.

Comes in: a number of customer records. Goes out: tables, and what falls short of 90 s and 6 GiB. Counted
are dbt's check models and both gates' rules; core's own models and the reconciliation are other stages. A
rule's seconds are Great Expectations' on its column; the SQL that makes the columns is shared, and told by
entity and by model.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import duckdb
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks.quality_rows import make_rows
from pipelines.orchestration.dbt_project import run_dbt
from pipelines.settings import Settings, load_settings
from quality import evaluate as gates
from quality import issues
from quality.catalogue import load_catalogue
from quality.expectations import Outcome, evaluate
from quality.frames import prepare
from quality.rule import Gate, Rule
from warehouse import store

MOST_SECONDS, MOST_MIB = 90.0, 6 * 1024.0
_BY_HAND = Path(__file__).parent / "quality_by_hand.py"


def scale(home: Path, records: int, console: Console) -> list[str]:
    """Make the rows, time everything in a process of its own, print; gives what falls short."""
    console.print(f"… making {records:,} customer records and {3 * records:,} orders", highlight=False)
    home.mkdir(parents=True, exist_ok=True)
    make_rows(home / "guike.duckdb", records)
    done = subprocess.run(
        [sys.executable, str(Path(__file__)), str(home)], capture_output=True, text=True,
        env=os.environ | {"GUIKE_HOME": str(home), "GUIKE_LANG": "en"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    told = json.loads(done.stdout.splitlines()[-1])
    by_hand = _by_hand(home)
    _print(console, told, by_hand, records)
    seconds, mib = sum(told["steps"].values()), told["mib"]
    limit = MOST_SECONDS * max(1.0, records / 1_000_000)
    short = [f"scale: {seconds:.0f} s instead of {limit:.0f}"] if seconds > limit else []
    return short + ([f"scale: {mib:,.0f} MiB instead of {MOST_MIB:,.0f}"] if mib > MOST_MIB else [])


def measure(home: Path) -> dict[str, Any]:
    """Run the checks and the gates' rules; seconds by step, model and rule, and the largest peak."""
    settings = replace(load_settings(), home=home)
    told: dict[str, Any] = {"steps": {}, "models": {}, "rules": {}}
    _models(settings, told, "input.checks")
    _gate(settings, told, 1)
    # The input layer is made by `quality_rows`.
    besides = ("fqn:guike.core.checks", "fqn:guike.staging", "fqn:guike.input")
    with run_dbt(settings, "run", "--select", "+fqn:guike.core.checks", "--exclude", *besides) as command:
        said = command.lines.read()
        if command.wait():
            raise SystemExit(said[-3000:])
    _models(settings, told, "core.checks")
    _gate(settings, told, 2)
    peaks = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return told | {"mib": max(peaks) / 1024}


def _models(settings: Settings, told: dict[str, Any], folder: str) -> None:
    started = time.perf_counter()
    with run_dbt(settings, "run", "--select", f"fqn:guike.{folder}") as command:
        said = command.lines.read()
        if command.wait():
            raise SystemExit(said[-3000:])
    told["steps"][f"dbt: {folder}"] = time.perf_counter() - started
    results = json.loads((settings.home / "dbt" / "target" / "run_results.json").read_text(encoding="utf-8"))
    for one in results["results"]:
        told["models"][one["unique_id"].split(".")[-1]] = one["execution_time"]


def _gate(settings: Settings, told: dict[str, Any], gate: Gate) -> None:
    """The gate's rules as `quality.evaluate` runs them, each by itself and timed."""
    timings: dict[str, float] = {}

    def timed(frame: pd.DataFrame, rules: list[Rule]) -> dict[str, Outcome]:
        outcomes = {}
        for rule in rules:
            started = time.perf_counter()
            outcomes[rule.rule_id] = evaluate(frame, [rule])[rule.rule_id]
            timings[rule.rule_id] = time.perf_counter() - started
        return outcomes

    gates.evaluate = timed  # type: ignore[attr-defined]
    catalogue = load_catalogue()
    started = time.perf_counter()
    with closing(store.connect(settings)) as con:
        prepare(con, settings, catalogue)
        gates.evaluate_gate(con, catalogue, gate)
        con.begin()
        issues.finish(con, catalogue, gate, "bench")
        issues.create_passed_views(con)
        con.commit()
        # The gate asks a value once, however many rows have it; what was checked are rows.
        counted = con.execute(
            "select rule_id, sum(checked)::bigint, sum(failed)::bigint from quality.rule_results group by 1"
        ).fetchall()
    told["steps"][f"gate {gate}"] = time.perf_counter() - started
    told["rules"] |= {rule: (checked, failed, timings[rule]) for rule, checked, failed in counted
                      if rule in timings}  # fmt: skip


def _by_hand(home: Path) -> dict[str, Any]:
    folder = home / "by_hand"
    folder.mkdir(exist_ok=True)
    with duckdb.connect(str(home / "guike.duckdb"), read_only=True) as con:
        for entity in ("customers", "orders", "order_lines", "payments"):
            con.execute(f"copy input.{entity} to '{folder / entity}.parquet'")
    done = subprocess.run([sys.executable, str(_BY_HAND), str(folder)], capture_output=True, text=True)
    if done.returncode:
        return {"seconds": None, "mib": None, "failed": {}}
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _print(console: Console, told: dict[str, Any], by_hand: dict[str, Any], records: int) -> None:
    table = Table(title=f"Rules over {records:,} customer records, {3 * records:,} orders")
    for heading in ("rule or model", "checked", "failed", "seconds"):
        table.add_column(heading, justify="left" if heading.startswith("rule") else "right")
    for rule_id, (checked, failed, seconds) in told["rules"].items():
        if checked:
            table.add_row(rule_id, f"{checked:,}", f"{failed:,}", f"{seconds:.2f}")
    table.add_section()
    for model, seconds in told["models"].items():
        if seconds >= 0.05:
            table.add_row(f"SQL of {model}", "", "", f"{seconds:.2f}")
    table.add_section()
    asked = sum(1 for checked, _, _ in told["rules"].values() if checked)
    for step, seconds in told["steps"].items():
        table.add_row(step, "", "", f"{seconds:.1f}")
    table.add_row(
        f"[bold]all {asked} rules that had rows[/]", "", "", f"[bold]{sum(told['steps'].values()):.1f}[/]"
    )
    checks = len(by_hand["failed"])
    if by_hand["seconds"] is None:
        table.add_row("by hand, in pandas", "", "", "failed (memory?)")
    else:
        table.add_row(f"by hand, in pandas: {checks} checks", "", "", f"{by_hand['seconds']:.1f}")
    console.print(table)
    console.print(
        f"peak of the largest process: {told['mib']:,.0f} MiB; by hand {by_hand['mib'] or 0:,.0f} MiB; "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", highlight=False,
    )  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
