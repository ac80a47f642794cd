"""From the demo's legacy systems to published marts: time and peak memory by stage.

Makes the demo company with about `--records` customer records (not counted), runs the whole pipeline on it
in a process of its own, and prints ops.run_stages of that run. A second, unchanged run follows. With
`--baseline`, the same sources are then read, matched and tiered by the pandas script that a user would
otherwise write (benchmarks/by_hand.py), in its own process, and stands in the same table.

    make bench                                   # 1,000,000 customer records; needs about 15 GB of disk
    .venv/bin/python benchmarks/end_to_end.py --records 100000
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
RECORDS_PER_CUSTOMER = 1.6


@dataclass(frozen=True)
class Timing:
    """One line of the table: seconds, peak memory of the process tree in MiB, rows written."""

    name: str
    seconds: float
    peak_mib: float | None
    rows: int | None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=1_000_000, help="customer records over all systems")
    parser.add_argument("--home", type=Path, default=ROOT / "warehouse" / "data" / "bench")
    parser.add_argument("--baseline", action="store_true", help="also time the pandas script")
    options = parser.parse_args()
    home: Path = options.home.absolute()
    customers = round(options.records / RECORDS_PER_CUSTOMER * 1.03)
    console = Console()

    timings = [_timed("make the demo company", [sys.executable, "-m", "pipelines.demo", "--home",
                      str(home / "demo"), "--customers", str(customers), "--seed", "7"], home)]  # fmt: skip
    guike = [sys.executable, "-m", "pipelines.cli", "run"]
    first = _timed("first run", guike, home)
    timings += [*_stages(home), first]
    timings.append(_timed("second run, nothing changed", guike, home))
    if options.baseline:
        timings.append(_timed("by hand, in pandas", [sys.executable, str(ROOT / "benchmarks" / "by_hand.py"),
                              str(home / "demo" / "sources")], home))  # fmt: skip
    _print(console, timings, home)


def _timed(name: str, command: list[str], home: Path) -> Timing:
    """Run a command to its end; its process tree's largest single process gives the memory."""
    print(f"… {name}", flush=True)
    home.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    with (home / "bench.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"GUIKE_HOME": str(home)}, stdout=log, stderr=log
        )
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{name} failed; see {home / 'bench.log'}")
    return Timing(name, seconds, usage.ru_maxrss / 1024, None)


def _stages(home: Path) -> list[Timing]:
    with duckdb.connect(str(home / "guike.duckdb"), read_only=True) as con:
        rows = con.execute(
            "select stage, seconds, peak_memory_mb, rows_written from ops.run_stages "
            "where run_id = (select max_by(run_id, started_at) from ops.runs) order by started_at"
        ).fetchall()
    return [Timing(f"  {stage}", seconds, peak, written) for stage, seconds, peak, written in rows]


def _print(console: Console, timings: list[Timing], home: Path) -> None:
    table = Table(title="Guike, end to end")
    for heading in ("step", "seconds", "peak memory (MiB)", "rows"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for timing in timings:
        table.add_row(
            timing.name,
            f"{timing.seconds:,.1f}",
            f"{timing.peak_mib:,.0f}" if timing.peak_mib else "",
            f"{timing.rows:,}" if timing.rows else "",
        )
    console.print(table)
    with duckdb.connect(str(home / "published" / "current.duckdb"), read_only=True) as con:
        figures = con.execute(
            "select (select sum(source_records) from core.dim_customers), "
            "(select count(*) from core.dim_customers), (select count(*) from core.fct_orders)"
        ).fetchone()
    assert figures is not None
    cores = os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    console.print(f"{figures[0]:,} customer records, {figures[1]:,} customers, {figures[2]:,} orders")
    console.print(f"{cores} cores, {memory:.0f} GiB")


if __name__ == "__main__":
    main()
