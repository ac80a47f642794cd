"""The schemas raw_<system>: made, filled by dlt, and asked what they hold.

Comes in: Parquet files that have passed their checks. Goes out: raw tables, replaced one by one, each in one
transaction. `held` trusts ops.loads only where the table itself agrees with it (row count and run id): a run
that was killed between loading a table and noting it has not loaded it.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow.parquet as pq

from pipelines.extract.batches import spool_schema
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.settings import Settings

_TYPES = {"_row_number": "bigint", "_loaded_at": "timestamp"}


@dataclass(frozen=True)
class Held:
    """What raw holds of a table; no rows, and None for the rest, where it was never loaded."""

    rows: int
    fingerprint: str | None
    loaded_at: datetime | None


def ensure_tables(con: duckdb.DuckDBPyConnection, spec: SystemSpec) -> None:
    """Have every raw table there with every column, empty if need be, and the system's row in ops.systems."""
    con.execute(f"create schema if not exists raw_{spec.name}")
    there = set(
        con.execute(
            "select table_name, column_name from duckdb_columns() "
            "where database_name = current_database() and schema_name = ?",
            [f"raw_{spec.name}"],
        ).fetchall()
    )
    tables_there = {name for name, _ in there}
    for table in spec.tables:
        relation = f'raw_{spec.name}."{table.name}"'
        columns = {name: _TYPES.get(name, "varchar") for name in spool_schema(table).names}
        listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        if table.name not in tables_there:
            con.execute(f"create table {relation} ({listed})")
            continue
        for name, kind in columns.items():
            if (table.name, name) not in there:
                con.execute(f'alter table {relation} add column "{name}" {kind}')
    con.execute(
        "insert or replace into ops.systems values (?, ?, ?, ?, ?)",
        [spec.name, spec.title.en, spec.title.zh, spec.kind, spec.trust],
    )


def held(con: duckdb.DuckDBPyConnection, spec: SystemSpec) -> dict[str, Held]:
    """What raw holds, by table."""
    return {table.name: _held(con, spec, table) for table in spec.tables}


def _held(con: duckdb.DuckDBPyConnection, spec: SystemSpec, table: TableSpec) -> Held:
    noted = con.execute(
        "select run_id, rows_read, fingerprint, loaded_at from ops.loads "
        "where system = ? and source_table = ? and status = 'loaded' order by loaded_at desc limit 1",
        [spec.name, table.name],
    ).fetchone()
    there = con.execute(
        f'select count(*), min(_run_id), max(_run_id), max(_loaded_at) from raw_{spec.name}."{table.name}"'
    ).fetchone()
    assert there is not None
    if noted is None:
        return Held(there[0], None, there[3])
    run_id, rows, fingerprint, loaded_at = noted
    as_noted = there == (rows, *([run_id, run_id, loaded_at] if rows else [None] * 3))
    if as_noted:
        return Held(rows, fingerprint, loaded_at)
    return Held(there[0], None, there[3])


def replace(
    con: duckdb.DuckDBPyConnection, settings: Settings, spec: SystemSpec, files: Mapping[str, Path]
) -> None:
    """Replace the rows of the tables named in `files` by those in the Parquet files.

    Each table changes in one transaction: a process that dies in between leaves whole tables, old or new.
    """
    if not files:
        return
    tables = [table for table in spec.tables if table.name in files]
    schema = f"raw_{spec.name}"
    has_rows = any(con.execute(f'select 1 from {schema}."{t.name}" limit 1').fetchone() for t in tables)
    # Where nothing can be lost, the rows needn't be written twice.
    _configure_dlt("insert-from-staging" if has_rows else "truncate-and-insert")
    # What a killed run has left would be loaded first, or, half-written, stop dlt. Nothing is lost by it:
    # the spec says what the tables look like, and ops.loads what they hold.
    shutil.rmtree(settings.home / "dlt" / f"guike_{spec.name}", ignore_errors=True)
    pipeline = dlt.pipeline(
        f"guike_{spec.name}",
        pipelines_dir=str(settings.home / "dlt"),
        destination=dlt.destinations.duckdb(con),
        dataset_name=schema,
    )
    pipeline.run([_resource(table, files[table.name]) for table in tables])


def _resource(table: TableSpec, path: Path) -> Any:
    def rows() -> Iterator[Any]:
        count = pq.ParquetFile(path).metadata.num_rows
        yield dlt.mark.with_file_import(str(path), "parquet", count, hints=spool_schema(table).empty_table())

    return dlt.resource(
        rows,
        name=table.name,
        write_disposition="replace",
        columns={"_loaded_at": {"data_type": "timestamp", "timezone": False}},
    )


def _configure_dlt(replace_strategy: str) -> None:
    """No telemetry, no log of its own, nothing left behind."""
    dlt.config["runtime.dlthub_telemetry"] = False
    dlt.config["runtime.log_level"] = "CRITICAL"
    dlt.config["destination.replace_strategy"] = replace_strategy
    dlt.config["restore_from_destination"] = False
    dlt.config["enable_runtime_trace"] = False
    dlt.config["load.truncate_staging_dataset"] = True
    dlt.config["load.delete_completed_jobs"] = True
    dlt.config["load.raise_on_failed_jobs"] = True
    dlt.config["load.workers"] = 1
    logging.getLogger("dlt").setLevel(logging.CRITICAL)


def drop(con: duckdb.DuckDBPyConnection, settings: Settings, name: str) -> bool:
    """Remove everything of a system but its history in ops; returns whether there was something."""
    schemas = con.execute(
        "select schema_name from duckdb_schemas() where database_name = current_database() "
        "and schema_name in (?, ?)",
        [f"raw_{name}", f"raw_{name}_staging"],
    ).fetchall()
    for (schema,) in schemas:
        con.execute(f'drop schema "{schema}" cascade')
    con.execute("delete from ops.systems where system = ?", [name])
    shutil.rmtree(settings.home / "dlt" / f"guike_{name}", ignore_errors=True)
    shutil.rmtree(settings.home / "extract" / name, ignore_errors=True)
    return bool(schemas)
