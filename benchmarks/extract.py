"""Reading a source into DuckDB: Guike's own path against pandas, dlt's row-wise default, and a copy by hand.

One table of `--rows` rows and 20 columns in MariaDB and in PostgreSQL, a GB18030 CSV file of half and a
workbook of a tenth of that; each measure in a process of its own, whose peak memory stands beside its time.
Imports are not counted. "hand" is the fastest copy that a few lines can make: connectorx's Arrow stream into
DuckDB for the servers, Arrow's CSV reader, calamine. Guike's time includes everything that `guike run` does
to load a table: checks, spooling, the fingerprint of the rows, dlt, bookkeeping.

    .venv/bin/python benchmarks/extract.py                      # 2,000,000 rows; inputs are kept in --home
    .venv/bin/python benchmarks/extract.py --rows 300000
    .venv/bin/python benchmarks/extract.py --flat               # Guike's memory at --rows and at 5 × --rows

Servers elsewhere: --mariadb, --postgres (SQLAlchemy URLs of databases in which a table `orders` may be made).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from benchmarks.extract_inputs import COLUMNS, make_csv, make_table, make_workbook

ROOT = Path(__file__).resolve().parent.parent
METHODS = ("guike", "hand", "pandas", "dlt")
BATCH = 10_000


@dataclass(frozen=True)
class Input:
    """What is read: `kind` as in a system's YAML, and where."""

    name: str
    kind: str
    location: str
    rows: int


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--flat", action="store_true", help="measure Guike's memory at --rows and 5 × --rows")
    parser.add_argument("--home", type=Path, default=ROOT / "warehouse" / "data" / "bench-extract")
    parser.add_argument("--sources", nargs="+", default=["mariadb", "postgresql", "csv", "excel"])
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--mariadb", default="mysql+pymysql://root@127.0.0.1:3306/guike_bench")
    parser.add_argument("--postgres", default="postgresql+psycopg://postgres@127.0.0.1:5432/guike_bench")
    parser.add_argument("--measure", help=argparse.SUPPRESS)  # the child's part: one method, one input
    options = parser.parse_args()
    options.home = options.home.absolute()
    options.home.mkdir(parents=True, exist_ok=True)
    if options.measure:
        _measure(**json.loads(options.measure), home=options.home)
        return
    rows, methods = [options.rows], options.methods
    if options.flat:
        rows, methods = [options.rows, 5 * options.rows], ["guike"]
        options.sources = [name for name in options.sources if name in ("mariadb", "postgresql")]
    results = []
    for count in rows:
        sources = _inputs(options, count)
        # dlt's row-wise default takes minutes; what is compared closely stands close together in time.
        measured = {
            (source.name, method): _in_child(source, method, options.home)
            for slow in (False, True)
            for source in sources
            for method in methods
            if (method == "dlt") is slow
        }
        results += [(s, method, *measured[s.name, method]) for s in sources for method in methods]
    _print(results)


def _inputs(options: argparse.Namespace, rows: int) -> list[Input]:
    made = []
    for name in options.sources:
        print(f"… making {name}, {rows:,} rows", flush=True)
        if name == "csv":
            path = options.home / f"orders-{rows // 2}.csv"
            make_csv(path, rows // 2)
            made.append(Input(name, "csv", str(path), rows // 2))
        elif name == "excel":
            path = options.home / f"orders-{rows // 10}.xlsx"
            make_workbook(path, rows // 10)
            made.append(Input(name, "excel", str(path), rows // 10))
        else:
            url = options.mariadb if name == "mariadb" else options.postgres
            _make_database(url)
            make_table(url, rows)
            made.append(Input(name, "database", url, rows))
    return made


def _make_database(url: str) -> None:
    address = sa.make_url(url)
    system = "postgres" if address.get_backend_name() == "postgresql" else "mysql"
    admin = sa.create_engine(address.set(database=system), isolation_level="AUTOCOMMIT")
    with admin.connect() as con:
        if address.database not in sa.inspect(con).get_schema_names() and system == "mysql":
            con.exec_driver_sql(f"create database {address.database} character set utf8mb4")
        elif system == "postgres":
            there = con.exec_driver_sql("select datname from pg_database").scalars().all()
            if address.database not in there:
                con.exec_driver_sql(f"create database {address.database}")


def _in_child(source: Input, method: str, home: Path) -> tuple[float, float, float]:
    """Seconds, processor seconds (without the server's) and peak MiB of one method on one input."""
    print(f"… {source.name}: {method}", end="", flush=True)
    wanted = json.dumps({"method": method, "source": source.__dict__})
    command = [sys.executable, __file__, "--home", str(home), "--measure", wanted]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"GUIKE_LANG": "en"})
    if done.returncode:
        raise SystemExit(f"{source.name}, {method}:\n{done.stderr[-3000:]}")
    seconds, used, mib = json.loads(done.stdout.splitlines()[-1])
    print(f", {seconds:.1f} s", flush=True)
    return seconds, used, mib


def _measure(method: str, source: dict[str, Any], home: Path) -> None:
    found, work = Input(**source), home / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    copies: dict[str, Callable[[Input, Path], int]] = {
        "guike": by_guike, "hand": by_hand, "pandas": by_pandas, "dlt": by_dlt
    }  # fmt: skip
    copy = copies[method]
    _import_for(method)
    started, used = time.perf_counter(), time.process_time()
    rows = copy(found, work)
    seconds, used = time.perf_counter() - started, time.process_time() - used
    if rows != found.rows:
        raise SystemExit(f"{rows:,} rows came instead of {found.rows:,}")
    shutil.rmtree(work)
    print(json.dumps([seconds, used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


def _import_for(method: str) -> None:
    if method == "hand":
        import python_calamine  # noqa: F401
    if method in ("guike", "dlt"):
        import dlt  # noqa: F401
        import dlt.destinations.impl.duckdb.duck  # noqa: F401
        import dlt.pipeline.pipeline  # noqa: F401


def by_guike(source: Input, work: Path) -> int:
    """The path of `guike run`: read, spool, check, fingerprint, load with dlt, note."""
    from pipelines.extract.load import extract_system
    from pipelines.extract.specs import SystemSpec
    from pipelines.settings import load_settings

    table = {"name": "orders", "key": ["id"], "snapshot": "the benchmark reads it whole",
             "columns": list(COLUMNS)}  # fmt: skip
    location = source.location
    if source.kind != "database":
        table["source"] = Path(location).name if source.kind == "csv" else "orders"
        location = str(Path(location).parent) if source.kind == "csv" else location
    spec = SystemSpec.model_validate(
        {"name": "bench", "title": {"en": "Bench", "zh": "基准"}, "kind": source.kind, "location": location,
         "trust": 50, "timezone": "Asia/Shanghai", "tables": [table],
         **({"encoding": "gb18030"} if source.kind == "csv" else {})}
    )  # fmt: skip
    load = extract_system(replace(load_settings(), home=work), spec, "bench")
    if load.message:
        raise SystemExit(load.message)
    return load.tables[0].rows


def by_hand(source: Input, work: Path) -> int:
    """The fastest copy of a few lines."""
    import connectorx
    import python_calamine

    if source.kind == "database":
        url = sa.make_url(source.location)
        plain = url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False)
        rows = connectorx.read_sql(
            plain, "select * from orders", return_type="arrow_stream", batch_size=50_000
        )
    elif source.kind == "csv":
        rows = pa.csv.open_csv(
            source.location,
            read_options=pa.csv.ReadOptions(encoding="gb18030"),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True),
            convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(COLUMNS, pa.string())),
        )
    else:
        cells = python_calamine.load_workbook(source.location).get_sheet_by_name("orders").to_python()
        columns = [[str(cell) for cell in column] for column in zip(*cells[1:], strict=True)]
        rows = pa.table(dict(zip(cells[0], columns, strict=True)))
    return _write(rows, work)


def by_pandas(source: Input, work: Path) -> int:
    """What most scripts do."""
    if source.kind == "database":
        frame = pd.read_sql("select * from orders", sa.create_engine(source.location))
    elif source.kind == "csv":
        frame = pd.read_csv(source.location, encoding="gb18030", dtype=str)
    else:
        frame = pd.read_excel(source.location, dtype=str)
    return _write(frame, work)


def _write(rows: Any, work: Path) -> int:
    """`rows` (found by DuckDB under its name here) as a table of a new file."""
    with duckdb.connect(str(work / "copy.duckdb")) as con:
        con.execute("create table orders as select * from rows")
        counted = con.execute("select count(*) from orders").fetchone()
        assert counted is not None
        return int(counted[0])


def by_dlt(source: Input, work: Path) -> int:
    """Rows as dictionaries into dlt, its default."""
    import dlt

    def rows() -> Any:
        if source.kind == "database":
            with sa.create_engine(source.location).connect() as con:
                result = con.execution_options(yield_per=BATCH).execute(sa.text("select * from orders"))
                for part in result.mappings().partitions(BATCH):
                    yield [dict(row) for row in part]
        else:
            for frame in _frames(source):
                yield frame.to_dict("records")

    pipeline = dlt.pipeline("bench", pipelines_dir=str(work / "dlt"), dataset_name="legacy",
                            destination=dlt.destinations.duckdb(str(work / "copy.duckdb")))  # fmt: skip
    pipeline.run(dlt.resource(rows, name="orders", write_disposition="replace"))
    with duckdb.connect(str(work / "copy.duckdb")) as con:
        counted = con.execute("select count(*) from legacy.orders").fetchone()
        assert counted is not None
        return int(counted[0])


def _frames(source: Input) -> Any:
    if source.kind == "csv":
        return pd.read_csv(source.location, encoding="gb18030", dtype=str, chunksize=BATCH)
    return [pd.read_excel(source.location, dtype=str)]


def _print(results: list[tuple[Input, str, float, float, float]]) -> None:
    table = Table(title="Extraction into DuckDB")
    for heading in ("source", "rows", "method", "seconds", "CPU s", "peak MiB", "Guike's speed is"):
        table.add_column(heading, justify="left" if heading in ("source", "method") else "right")
    guike = {(source.name, source.rows): seconds for source, method, seconds, *_ in results
             if method == "guike"}  # fmt: skip
    for source, method, seconds, used, mib in results:
        own = guike.get((source.name, source.rows))
        ratio = f"{seconds / own:.2f} ×" if own and method != "guike" else ""
        table.add_row(
            source.name, f"{source.rows:,}", method, f"{seconds:,.1f}", f"{used:,.1f}", f"{mib:,.0f}", ratio
        )
    console = Console()
    console.print(table)
    console.print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
