"""One table from its source into a Parquet file that has passed its checks.

Comes in: an open source, and what raw holds of the table. Goes out: a `Read`: the whole table, the part of it
that has changed since the last time, or nothing, where a fingerprint says that nothing has. The warehouse is
only looked at; all of a system's tables are read before the first one is changed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb

from pipelines.extract import diff
from pipelines.extract.batches import DUCKDB_MEGABYTES, spool
from pipelines.extract.cursor import lower_bound
from pipelines.extract.guards import check_key, check_row_count
from pipelines.extract.profiles import Profile, check_kinds, profile
from pipelines.extract.source import ChangingSource, Source, keys_only
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.extract.state import Held, Mode
from pipelines.extract.verdict import FileVerdict
from pipelines.i18n import t
from pipelines.settings import Settings
from warehouse import store

_log = logging.getLogger("guike.extract")


@dataclass(frozen=True)
class Job:
    """One extraction: what is to be read, when, where it is spooled, and what raw holds already.

    Attributes:
        whole: read every table whole, whatever a cursor or a fingerprint says.
        verdicts: what the file readers found out; filled when all is read.
    """

    settings: Settings
    spec: SystemSpec
    run_id: str
    loaded_at: datetime
    folder: Path
    held: Mapping[str, Held]
    whole: bool
    verdicts: list[FileVerdict] = field(default_factory=list)


@dataclass(frozen=True)
class Read:
    """A table as read.

    Attributes:
        path: the rows; None where raw has them already.
        keys: the keys of all rows, where they were read.
        fingerprint: of the source; None where only the merged rows have one.
        rows, keys_read: how many were read.
        cursor_value: the highest value of the cursor's column.
    """

    table: TableSpec
    mode: Mode
    path: Path | None
    keys: Path | None
    fingerprint: str | None
    rows: int
    keys_read: int
    cursor_value: str | None
    profile: Mapping[str, Profile]


def read_table(job: Job, source: Source, table: TableSpec) -> Read:
    """Read what is needed of `table`.

    Raises:
        GuikeError: it can't be read, or what was read fails a check.
    """
    held, started = job.held[table.name], time.monotonic()
    fingerprint = source.fingerprint(table)
    if fingerprint is not None and fingerprint == held.fingerprint and not job.whole:
        known = table.cursor is not None and table.cursor.column == held.cursor_column
        newest = held.cursor_value if known else None
        return Read(table, "whole", None, None, fingerprint, 0, 0, newest, held.profile)
    read = None
    if isinstance(source, ChangingSource) and not job.whole:
        read = _read_changes(job, source, table, fingerprint)
    if read is None:
        read = _read_whole(job, source, table, fingerprint)
    _log.info(
        t("{table}: {rows} rows and {keys} keys read in {seconds:.1f} s",
          table=f"{job.spec.name}.{table.name}", rows=read.rows, keys=read.keys_read,
          seconds=time.monotonic() - started)
        if read.mode == "cursor"
        else t("{table}: {rows} rows read in {seconds:.1f} s", table=f"{job.spec.name}.{table.name}",
               rows=read.rows, seconds=time.monotonic() - started)
    )  # fmt: skip
    return read


def _read_whole(job: Job, source: Source, table: TableSpec, fingerprint: str | None) -> Read:
    spec, held, path = job.spec, job.held[table.name], job.folder / f"{table.name}.parquet"
    newest = None
    if table.cursor and isinstance(source, ChangingSource):
        newest = source.newest(table, table.cursor.column)
    rows = spool(table, source.read(table), path, job.loaded_at, job.run_id)
    check_row_count(spec, table, rows, held.rows)
    with _scratch(job.settings) as con:
        profiles = _check(con, job, table, path, rows)
        if fingerprint is None:
            fingerprint = f"{spec.signature(table)}-{diff.content_hash(con, diff.parquet(path), table)}"
    same = fingerprint == held.fingerprint and not job.whole
    return Read(table, "whole", None if same else path, None, fingerprint, rows, 0, newest, profiles)


def _read_changes(job: Job, source: ChangingSource, table: TableSpec, fingerprint: str | None) -> Read | None:
    """What the cursor says has changed; None where the table has to be read whole."""
    spec, held, cursor = job.spec, job.held[table.name], table.cursor
    since = lower_bound(spec, table, held, job.loaded_at)
    if cursor is None or since is None:
        return None
    path, keys, keys_read = job.folder / f"{table.name}.parquet", None, 0
    newest = source.newest(table, cursor.column)
    changed = source.read_since(table, cursor.column, since)
    rows = spool(table, changed, path, job.loaded_at, job.run_id)
    if cursor.deletions == "keys":
        keys, key_table = job.folder / f"{table.name}.keys.parquet", keys_only(table)
        keys_read = spool(key_table, source.read_keys(table), keys, job.loaded_at, job.run_id)
        check_row_count(spec, table, keys_read, held.rows)
    with _scratch(job.settings) as con:
        _check(con, job, table, path, rows)
        if keys:
            check_key(con, spec, table, diff.parquet(keys))
    if keys and (unseen := _unseen(job, table, path, keys)):
        _log.warning(
            t("{table}: {rows} rows are new without a new {column}; the whole table is read.",
              table=f"{spec.name}.{table.name}", rows=unseen, column=cursor.column)
        )  # fmt: skip
        return None
    return Read(table, "cursor", path, keys, fingerprint, rows, keys_read, newest, held.profile)


def _unseen(job: Job, table: TableSpec, path: Path, keys: Path) -> int:
    with store.connect(job.settings) as con:
        return diff.missed(con, job.spec, table, path, keys)


def _check(
    con: duckdb.DuckDBPyConnection, job: Job, table: TableSpec, path: Path, rows: int
) -> dict[str, Profile]:
    relation = diff.parquet(path)
    if table.key:
        check_key(con, job.spec, table, relation)
    profiles = profile(con, relation, table, rows)
    check_kinds(job.spec, table, job.held[table.name].profile, profiles)
    return profiles


def _scratch(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A connection of its own to nothing, with the settings' limits."""
    limits: dict[str, str | bool | int | float | list[str]] = {
        "threads": settings.threads, "memory_limit": settings.memory_limit,
        "temp_directory": str(settings.home / "tmp"),
    }  # fmt: skip
    con = duckdb.connect(config=limits)
    store.limit_memory(con, DUCKDB_MEGABYTES)
    return con
