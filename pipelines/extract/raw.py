"""The schemas raw_<system>: made, filled by dlt, and removed.

Comes in: Parquet files that have passed their checks. Goes out: three schemas per system. raw_<system> has
the rows that the source has now, raw_<system>_deleted those that it has no more, and raw_<system>_incoming,
while a load is under way, what was just read. dlt writes into an empty raw table or into an incoming one;
what becomes of the incoming rows is decided in `pipelines.extract.diff`.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow.parquet as pq

from pipelines.extract import state
from pipelines.extract.batches import spool_schema
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.settings import Settings

_TYPES = {
    "_row_number": "bigint", "_loaded_at": "timestamp", "_deleted_at": "timestamp",
    "_returned_at": "timestamp",
}  # fmt: skip
_OF_DELETED = ("_deleted_at", "_deleted_in_run", "_returned_at")


def columns_of(table: TableSpec) -> list[str]:
    """The columns of raw_<system>.<table>."""
    return [*spool_schema(table).names, *([] if table.key else ["_row_id"])]


def ensure_tables(con: duckdb.DuckDBPyConnection, spec: SystemSpec) -> None:
    """Have every raw table there with every column, empty if need be, and the system's row in ops.systems.

    A column's comment is its name in the source, a table's the name of the table there.
    """
    for schema in (f"raw_{spec.name}", f"raw_{spec.name}_deleted"):
        con.execute(f"create schema if not exists {schema}")
        there = _columns_there(con, schema)
        for table in spec.tables:
            names = [*columns_of(table), *(_OF_DELETED if schema.endswith("_deleted") else ())]
            _ensure_table(con, f'{schema}."{table.name}"', names, there.get(table.name, {}))
            _comment(con, f'{schema}."{table.name}"', table, there.get(table.name, {}))
    con.execute(
        "insert or replace into ops.systems values (?, ?, ?, ?, ?)",
        [spec.name, spec.title.en, spec.title.zh, spec.kind, spec.trust],
    )


def _columns_there(con: duckdb.DuckDBPyConnection, schema: str) -> dict[str, dict[str, str | None]]:
    """The tables of `schema`, each with its columns and their comments."""
    there: dict[str, dict[str, str | None]] = {}
    for name, column, comment in con.execute(
        "select table_name, column_name, comment from duckdb_columns() "
        "where database_name = current_database() and schema_name = ?",
        [schema],
    ).fetchall():
        there.setdefault(name, {})[column] = comment
    return there


def _ensure_table(
    con: duckdb.DuckDBPyConnection, relation: str, names: list[str], there: Mapping[str, str | None]
) -> None:
    columns = {name: _TYPES.get(name, "varchar") for name in names}
    if not there:
        listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        con.execute(f"create table {relation} ({listed})")
        return
    for name, kind in columns.items():
        if name not in there:
            con.execute(f'alter table {relation} add column "{name}" {kind}')


def _comment(
    con: duckdb.DuckDBPyConnection, relation: str, table: TableSpec, there: Mapping[str, str | None]
) -> None:
    for column in table.columns:
        if there.get(column.name) != column.source:
            con.execute(f'comment on column {relation}."{column.name}" is {_text(column.source)}')
    if not there:
        con.execute(f"comment on table {relation} is {_text(table.source)}")


def _text(value: str) -> str:
    quoted = value.replace("'", "''")
    return f"'{quoted}'"


def forget_columns(con: duckdb.DuckDBPyConnection, spec: SystemSpec, table: TableSpec) -> None:
    """Drop the columns of a raw table that the spec doesn't name any more.

    A row that hasn't changed is not written again, and would keep their values for ever.
    """
    known = set(columns_of(table))
    for name in _columns_there(con, f"raw_{spec.name}")[table.name]:
        if name not in known:
            con.execute(f'alter table raw_{spec.name}."{table.name}" drop column "{name}"')


def is_empty(con: duckdb.DuckDBPyConnection, spec: SystemSpec, table: TableSpec) -> bool:
    """Whether raw holds no row of the table."""
    return not con.execute(f'select 1 from raw_{spec.name}."{table.name}" limit 1').fetchone()


def deliver(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    spec: SystemSpec,
    files: Mapping[str, Path],
    *,
    incoming: bool,
) -> None:
    """Have dlt fill tables of raw_<system>, or of raw_<system>_incoming, with the rows of the Parquet files.

    Each table changes in one transaction: a process that dies in between leaves whole tables, old or new.
    """
    tables = [table for table in spec.tables if table.name in files]
    if not tables:
        return
    _configure_dlt()
    # What a killed run has left would be loaded first, or, half-written, stop dlt. Nothing is lost by it:
    # the spec says what the tables look like, and ops what they hold.
    shutil.rmtree(settings.home / "dlt" / f"guike_{spec.name}", ignore_errors=True)
    pipeline = dlt.pipeline(
        f"guike_{spec.name}",
        pipelines_dir=str(settings.home / "dlt"),
        destination=dlt.destinations.duckdb(con),
        dataset_name=f"raw_{spec.name}_incoming" if incoming else f"raw_{spec.name}",
    )
    pipeline.run([_resource(table, files[table.name]) for table in tables])


def drop_incoming(con: duckdb.DuckDBPyConnection, spec: SystemSpec) -> None:
    """Remove what was read, once it is where it belongs, or a killed run has left it."""
    for suffix in ("_incoming", "_incoming_staging"):  # dlt adds the second
        con.execute(f"drop schema if exists raw_{spec.name}{suffix} cascade")


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


def _configure_dlt() -> None:
    """No telemetry, no log of its own, nothing left behind."""
    dlt.config["runtime.dlthub_telemetry"] = False
    dlt.config["runtime.log_level"] = "CRITICAL"
    # Whatever is replaced is empty or a copy: the rows needn't be written twice.
    dlt.config["destination.replace_strategy"] = "truncate-and-insert"
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
        "and schema_name in (?, ?, ?, ?)",
        [f"raw_{name}{suffix}" for suffix in ("", "_deleted", "_incoming", "_staging")],
    ).fetchall()
    for (schema,) in schemas:
        con.execute(f'drop schema "{schema}" cascade')
    con.execute("delete from ops.systems where system = ?", [name])
    state.forget(con, name)
    shutil.rmtree(settings.home / "dlt" / f"guike_{name}", ignore_errors=True)
    shutil.rmtree(settings.home / "extract" / name, ignore_errors=True)
    return bool(schemas)
