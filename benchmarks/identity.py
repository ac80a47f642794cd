"""Identity measured: how right it is, how fast, and what else one could have used.

Four parts, each in a table; every run of the stage and of a rival in a process of its own. Scores are those
of `identity_scores.py`; "resolvable" is defined in `identity_truth.py`. The true customers are cut in two by
a hash: tune on one half, believe the other.

- shared: febrl3, febrl4, fake_1000 in ../shared/data, by English models that are data; skipped without them.
- agreement: the demo company's records and mentions against its truth; generated Chinese and English
  customers that the matcher wasn't made for.
- rivals: on the same records: exact phone match, Splink as in its tutorial, GoldenMatch with and without
  Guike's normalisation (not in the lock: `pip install goldenmatch`), each for `--patience` seconds at most.
- scale: 100,000, 300,000 and 1,000,000 customers' records, then 1 % more; only when asked for.

    make bench-identity                                                  # ten to twenty minutes
    make bench-identity ARGS="--parts agreement --data zh --customers 3000"
    make bench-identity ARGS="--parts scale"                             # on an otherwise idle machine
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks.identity_demo import demo_truth
from benchmarks.identity_rivals import GOLDENMATCH, RIVALS, is_installed
from benchmarks.identity_scores import Scores, score
from benchmarks.identity_shared import DATA_SETS, is_there, scored
from benchmarks.identity_truth import label
from benchmarks.identity_unseen import make_unseen, unseen_truth

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("shared", "agreement", "rivals", "scale")
DATA = ("demo", "zh", "en")
RECORDS_PER_CUSTOMER = 1.64
CONSOLE = Console(width=None if sys.stdout.isatty() else 150)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS[:3])
    parser.add_argument(
        "--data", nargs="+", choices=DATA, default=DATA, help="the demo, and unseen customers"
    )
    parser.add_argument("--customers", type=int, default=10_000, help="of the demo, and of each unseen set")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--records", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--patience", type=int, default=240, help="seconds for each rival")
    parser.add_argument("--home", type=Path, default=ROOT / "warehouse" / "data" / "bench-identity")
    options = parser.parse_args()
    options.home = options.home.absolute()
    if "shared" in options.parts:
        _shared()
    homes = _homes(options) if {"agreement", "rivals"} & set(options.parts) else {}
    if "agreement" in options.parts:
        for name, home in homes.items():
            _agreement(name, home)
    if "rivals" in options.parts:
        for name, home in homes.items():
            _rivals(name, home, options.patience)
    if "scale" in options.parts:
        _scale(options)


def _shared() -> None:
    if not is_there():
        CONSOLE.print("[yellow]../shared/data is not here: febrl3, febrl4 and fake_1000 are skipped.[/]")
        return
    table = _table("Public data, English models as data", "data", "wanted F1")
    short = []
    for data in DATA_SETS:
        found = scored(data)
        table.add_row(data.name, f"{data.wanted:.3f}", *_cells(found))
        if found.f1 < data.wanted:
            short.append(f"{data.name}: F1 {found.f1:.4f} instead of {data.wanted:.3f}")
    CONSOLE.print(table)
    if short:
        raise SystemExit("\n".join(short))


def _homes(options: argparse.Namespace) -> dict[str, Path]:
    """Warehouses with a fresh verdict of the stage: the demo's and the unseen ones."""
    homes = {}
    if "demo" in options.data:
        homes["demo"] = _demo_home(options)
    for language in ("zh", "en"):
        if language in options.data:
            home = options.home / f"unseen-{language}-{options.customers}-{options.seed}"
            make_unseen(home, language, options.customers, options.seed)
            homes[f"unseen {language}"] = home
    for name, home in homes.items():
        told = _child(home, "run")
        CONSOLE.print(
            f"{name}: {told['records']:,} records, {told['mentions']:,} mentions, "
            f"{told['customers']:,} customers, {told['unresolved']:,} rows unresolved; "
            f"{told['seconds']:.1f} s, {told['mib']:,.0f} MiB"
        )
    return homes


def _demo_home(options: argparse.Namespace) -> Path:
    """The demo company, made and run once; later runs work on a copy of what gate 1 let through."""
    home: Path = options.home / f"demo-{options.customers}-{options.seed}"
    kept = home / "kept.duckdb"
    if not kept.exists():
        home.mkdir(parents=True, exist_ok=True)
        make = ["-m", "pipelines.demo", "--home", str(home / "demo"), "--customers", str(options.customers),
                "--seed", str(options.seed)]  # fmt: skip
        for command in (make, ["-m", "pipelines.cli", "run"]):
            CONSOLE.print(f"… {' '.join(command[1:3])}")
            with (home / "bench.log").open("ab") as log:
                done = subprocess.run([sys.executable, *command], cwd=ROOT, stdout=log, stderr=log,
                                      env=os.environ | {"GUIKE_HOME": str(home)})  # fmt: skip
            if done.returncode:
                raise SystemExit(f"{' '.join(command)} failed; see {home / 'bench.log'}")
        (home / "guike.duckdb").rename(kept)
    shutil.copyfile(kept, home / "guike.duckdb")
    return home


def _child(home: Path, what: str, patience: int | None = None) -> dict[str, Any]:
    """What `identity_child.py` tells; an empty dict if it took longer than it may."""
    command = [sys.executable, str(ROOT / "benchmarks" / "identity_child.py"), str(home), what]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=patience,
                              env=os.environ | {"GUIKE_HOME": str(home), "GUIKE_LANG": "en"})  # fmt: skip
    except subprocess.TimeoutExpired:
        return {}
    if done.returncode:
        raise SystemExit(f"{what} in {home}:\n{done.stderr[-3000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _labelled(home: Path) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(str(home / "guike.duckdb"), read_only=True)
    if (home / "truth.parquet").exists():
        unseen_truth(con, home)
    else:
        demo_truth(con, home / "demo" / "truth")
    label(con)
    return con


def _agreement(name: str, home: Path) -> None:
    """The stage's verdict against the truth, by group."""
    with _labelled(home) as con:
        _excluded(con, name)
        for what, condition in (("customers' records", "is_record"), ("records and mentions", "true")):
            rows = f"from labelled where is_resolvable and {condition}"
            table = _table(f"{name}: resolvable {what}", "group", "rows")
            for group, where in _groups(con, rows):
                found = score(con, f"({rows})", where)
                table.add_row(group, f"{found.records:,}", *_cells(found))
            CONSOLE.print(table)


def _groups(con: duckdb.DuckDBPyConnection, rows: str) -> list[tuple[str, str]]:
    systems = con.execute(f"select distinct system from ({rows}) order by system").fetchall()
    return [
        ("all", "true"),
        ("half to tune on", "half = 'tune'"),
        ("half to report", "half = 'report'"),
        ("persons", "not is_organisation"),
        ("organisations", "is_organisation"),
        *[(system, f"system = '{system}'") for (system,) in systems],
    ]


def _excluded(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Rows that aren't resolvable, and why; rows that the stage left open."""
    rows = con.execute(
        """
        select system, count(*), count(*) filter (why_not = 'nothing that tells'),
            count(*) filter (why_not = 'stands in no other record'), count(*) filter (cluster is null),
            count(*) filter (cluster is null and is_resolvable)
        from labelled group by system order by system
        """
    ).fetchall()
    table = Table(title=f"{name}: rows that the truth names")
    for heading in (
        "system",
        "rows",
        "tell nothing",
        "nothing to compare",
        "unresolved",
        "of these resolvable",
    ):
        table.add_column(heading, justify="left" if heading == "system" else "right")
    for system, *counts in rows:
        table.add_row(system, *[f"{count:,}" for count in counts])
    CONSOLE.print(table)


def _rivals(name: str, home: Path, patience: int) -> None:
    table = _table(f"{name}: resolvable customers' records, the same for all", "matcher", "seconds")
    with _labelled(home) as con:
        told = score(con, "(from labelled where is_resolvable and is_record)")
        table.add_row("[bold]Guike[/]", "", *_cells(told))
    for rival in RIVALS:
        if not is_installed(rival):
            table.add_row(
                rival, GOLDENMATCH if rival.startswith("golden") else "not installed: pip install splink"
            )
            continue
        CONSOLE.print(f"… {name}: {rival}")
        took = _child(home, rival, patience)
        if not took:
            table.add_row(rival, f"over {patience} s")
            continue
        with _labelled(home) as con:
            rows = (
                "(select labelled.* replace (rival.cluster as cluster) from labelled inner join "
                f"read_parquet('{home / 'rival.parquet'}') as rival using (system, source_table, source_id) "
                "where is_resolvable and is_record)"
            )
            table.add_row(rival, f"{took['seconds']:.1f}", *_cells(score(con, rows)))
    CONSOLE.print(table)


def _scale(options: argparse.Namespace) -> None:
    """Time and memory of the stage by size, and of a run with 1 % new records after it."""
    table = Table(title="The identity stage by size (Chinese unseen data)")
    for heading in (
        "records",
        "seconds",
        "µs per record",
        "peak MiB",
        "1 % new: seconds",
        "share",
        "peak MiB",
    ):
        table.add_column(heading, justify="right")
    for records in options.records:
        home = options.home / "scale"
        print(f"… {records:,} records", flush=True)
        make_unseen(home, "zh", round(records / RECORDS_PER_CUSTOMER), options.seed, held_back=0.01)
        full, later = _child(home, "run"), _child(home, "later")
        table.add_row(
            f"{full['records']:,}", f"{full['seconds']:.1f}",
            f"{1e6 * full['seconds'] / full['records']:.0f}", f"{full['mib']:,.0f}",
            f"{later['seconds']:.1f}", f"{later['seconds'] / full['seconds']:.1%}", f"{later['mib']:,.0f}",
        )  # fmt: skip
        shutil.rmtree(home)
    CONSOLE.print(table)
    CONSOLE.print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def _table(title: str, *first: str) -> Table:
    table = Table(title=title)
    for heading in (*first, "precision", "recall", "F1", "B³ precision", "B³ recall", "B³ F1", "largest mix",
                    "mixes > 2"):  # fmt: skip
        table.add_column(heading, justify="left" if heading == first[0] else "right")
    return table


def _cells(found: Scores) -> list[str]:
    measures = (found.precision, found.recall, found.f1, found.b3_precision, found.b3_recall, found.b3_f1)
    return [f"{measure:.4f}" for measure in measures] + [str(found.largest_mix), str(found.mixes_over_two)]


if __name__ == "__main__":
    main()
