"""One measure in a process of its own, so that its memory is its own.

Comes in: a home with a warehouse, and what to do, on the command line. Goes out: one line of JSON with
seconds and peak MiB of the process; clusters of a rival as `rival.parquet` in the home.

    python benchmarks/identity_child.py HOME run        # the identity stage
    python benchmarks/identity_child.py HOME later      # let the held-back records in, and run again
    python benchmarks/identity_child.py HOME "exact phone"
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dataclasses

import duckdb

from benchmarks.identity_rivals import RIVALS, prepare
from benchmarks.identity_unseen import let_in
from pipelines.identity.resolve import run_identity
from pipelines.settings import Settings, load_settings
from warehouse import store


def main() -> None:
    home, what = Path(sys.argv[1]), sys.argv[2]
    settings = dataclasses.replace(load_settings(), home=home)
    is_stage = what in ("run", "later")
    told = _stage(settings, what) if is_stage else _rival(settings, home, what)
    told["mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(told))


def _stage(settings: Settings, what: str) -> dict[str, Any]:
    """Seconds of the stage alone; `run` is from nothing: what an earlier run decided is dropped first."""
    with store.connect(settings) as con:
        if what == "run":
            con.execute("drop schema if exists identity cascade")
        else:
            let_in(con)
        # DuckDB loads pandas with the first list it is given; in `guike run` others have done so before.
        con.execute("select $1::varchar[]", [[""]])
    started = time.perf_counter()
    result = run_identity(settings, f"bench-{what}")
    return {"seconds": time.perf_counter() - started, **dataclasses.asdict(result)}


def _rival(settings: Settings, home: Path, name: str) -> dict[str, Any]:
    """Seconds of a rival; it reads the warehouse and writes a file of its own."""
    with duckdb.connect() as con:
        con.execute(f"attach '{settings.warehouse}' as warehouse (read_only)")
        con.execute(f"set memory_limit = '{settings.memory_limit}'")
        con.execute("use warehouse")
        prepare(con)
        con.execute("create table memory.given_rows as from given")
        con.execute("create schema memory.identity")
        con.execute("create table memory.identity.records as from warehouse.identity.records")
        con.execute("use memory")
        con.execute("create or replace temp view given as from given_rows")
        started = time.perf_counter()
        RIVALS[name](con)
        seconds = time.perf_counter() - started
        con.execute(
            "copy (select system, source_table, source_id, rival_clusters.cluster "
            "from given_rows left join rival_clusters using (record)) to "
            f"'{home / 'rival.parquet'}'"
        )
    return {"seconds": seconds}


if __name__ == "__main__":
    main()
