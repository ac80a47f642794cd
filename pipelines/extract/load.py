"""One system from its source into raw_<system>.

Comes in: a spec, and the warehouse with what earlier runs noted in ops. Goes out: raw_<system> as the source
has it now, what it has no more in raw_<system>_deleted, and a `SystemLoad`. All of a system's tables are read
and checked before the first one is changed, so a source that fails half-way, or delivers too little, leaves
yesterday's rows as they were; the system is then "stale", and the others go on.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Literal

import duckdb

from pipelines.errors import GuikeError
from pipelines.extract import diff, freshness, raw, state
from pipelines.extract.batches import DUCKDB_MEGABYTES
from pipelines.extract.database import open_database
from pipelines.extract.files import FileSource, open_files
from pipelines.extract.hashes import FileHashes
from pipelines.extract.reading import Job, Read, read_table
from pipelines.extract.rest import open_rest
from pipelines.extract.source import Source
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.extract.verdict import note_verdicts
from pipelines.i18n import t
from pipelines.settings import Settings
from warehouse import store

LoadStatus = Literal["loaded", "unchanged", "stale"]

_log = logging.getLogger("guike.extract")


@dataclass(frozen=True)
class TableLoad:
    """What happened to one table; `loaded_at` (UTC) is when the newest change in raw was read."""

    name: str
    status: LoadStatus
    rows: int
    fingerprint: str | None
    loaded_at: datetime | None


@dataclass(frozen=True)
class SystemLoad:
    """What happened to one system; `message` says why it is stale."""

    system: str
    status: LoadStatus
    tables: list[TableLoad]
    message: str | None
    newest_loaded_at: datetime | None


def extract_system(settings: Settings, spec: SystemSpec, run_id: str, *, whole: bool = False) -> SystemLoad:
    """Bring raw_<system> up to date and note it in ops.

    Args:
        whole: read every table whole, whatever a cursor or a fingerprint says.

    Raises:
        GuikeError: the warehouse can't be written. A source that can't be read is no error but "stale".
    """
    started = time.monotonic()
    folder = settings.home / "extract" / spec.name / "spool"
    with store.writer_lock(settings, f"extract {spec.name}"):
        with _warehouse(settings) as con:
            raw.drop_incoming(con, spec)
            raw.ensure_tables(con, spec)
            held = state.held(con, spec)
        job = Job(settings, spec, run_id, store.now(), folder, held, whole)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            load = _load(job, _read_all(job))
        except _Unreadable as error:
            load = _stale(job, str(error))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    _tell(load, time.monotonic() - started)
    return load


class _Unreadable(Exception):
    """Why the source couldn't be read; errors of the warehouse itself are not meant."""


@contextmanager
def _warehouse(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    con = store.connect(settings)
    store.limit_memory(con, DUCKDB_MEGABYTES)
    try:
        # Trying it takes half as long as the load itself; FSST, which is tried as well, is nearly as small.
        con.execute("set disabled_compression_methods = 'dictionary'")
        store.ensure_schemas(con)
        yield con
    finally:
        con.close()


@contextmanager
def open_source(settings: Settings, spec: SystemSpec) -> Iterator[Source]:
    """The reader for the kind of `spec`, open while the block runs.

    Raises:
        GuikeError: it can't be opened, or what is read in the block can't be.
    """
    hashes = FileHashes(settings.home / "extract" / spec.name / "hashes.json")
    if spec.kind == "database":
        with open_database(spec, hashes) as source:
            yield source
    elif spec.kind == "rest":
        with open_rest(settings, spec) as service:
            yield service
    else:
        with open_files(spec, hashes) as files:
            yield files


def _read_all(job: Job) -> list[Read]:
    try:
        with open_source(job.settings, job.spec) as source:
            reads = [read_table(job, source, table) for table in job.spec.tables]
            if isinstance(source, FileSource):
                job.verdicts.extend(source.verdicts)
            return reads
    except GuikeError as error:
        raise _Unreadable(str(error)) from error


def _load(job: Job, reads: list[Read]) -> SystemLoad:
    """Change raw and note it: all of the system's tables in one transaction."""
    spec = job.spec
    with _warehouse(job.settings) as con:
        first = _deliver(con, job, [read for read in reads if read.path is not None])
        con.begin()
        tables = [_take(con, job, read, read.table.name in first) for read in reads]
        is_changed = any(table.status == "loaded" for table in tables)
        load = SystemLoad(spec.name, "loaded" if is_changed else "unchanged", tables, None, _newest(tables))
        _note(con, job.run_id, load)
        note_verdicts(con, job.run_id, job.spec.name, job.loaded_at, job.verdicts)
        freshness.note(con, job.settings, spec, job.loaded_at)
        con.commit()
        raw.drop_incoming(con, spec)
    return load


def _deliver(con: duckdb.DuckDBPyConnection, job: Job, reads: list[Read]) -> set[str]:
    """Have dlt write what was read; returns the tables that it has put straight into raw."""
    files = {read.table.name: read.path for read in reads if read.path is not None}
    for read in reads:
        raw.forget_columns(con, job.spec, read.table)
    first = {r.table.name for r in reads if r.table.key and raw.is_empty(con, job.spec, r.table)}
    direct = {name: path for name, path in files.items() if name in first}
    rest = {name: path for name, path in files.items() if name not in first}
    raw.deliver(con, job.settings, job.spec, direct, incoming=False)
    raw.deliver(con, job.settings, job.spec, rest, incoming=True)
    return first


def _take(con: duckdb.DuckDBPyConnection, job: Job, read: Read, is_first: bool) -> TableLoad:
    """Bring one raw table to what was read, and note what that changed."""
    spec, table, held = job.spec, read.table, job.held[read.table.name]
    if read.path is None:
        assert read.fingerprint is not None
        changes, fingerprint, rows = diff.Changes(unchanged=held.rows), read.fingerprint, held.rows
    else:
        changes = _change(con, job, read, is_first)
        rows = changes.inserted - changes.deleted + (0 if is_first else held.rows)
        fingerprint = read.fingerprint or _fingerprint(con, spec, table)
    # A table that was never loaded, or isn't what was noted, is loaded even if it proves to be the same.
    is_changed = changes.any or held.fingerprint is None
    loaded_at = job.loaded_at if is_changed else held.loaded_at or job.loaded_at
    was_whole = read.mode == "whole" and (read.path is not None or read.rows > 0)
    state.note(con, spec.name, table.name, state.TableNote(
        spec.signature(table), fingerprint, rows, loaded_at, job.loaded_at,
        job.loaded_at if was_whole else held.full_at or job.loaded_at,
        table.cursor.column if table.cursor else None, read.cursor_value, read.profile,
    ))  # fmt: skip
    place = (spec.name, table.name)
    state.note_changes(con, job.run_id, place, read.mode, (read.rows, read.keys_read), changes)
    return TableLoad(table.name, "loaded" if is_changed else "unchanged", rows, fingerprint, loaded_at)


def _change(con: duckdb.DuckDBPyConnection, job: Job, read: Read, is_first: bool) -> diff.Changes:
    spec, table = job.spec, read.table
    if is_first:
        return diff.take_first(con, spec, table, job.loaded_at)
    incoming = f'raw_{spec.name}_incoming."{table.name}"'
    present = incoming if read.mode == "whole" else diff.parquet(read.keys) if read.keys else None
    return diff.merge(con, spec, table, incoming, present, job.loaded_at, job.run_id)


def _fingerprint(con: duckdb.DuckDBPyConnection, spec: SystemSpec, table: TableSpec) -> str:
    """The same as a whole reload would give, whose rows raw now holds."""
    content = diff.content_hash(con, f'raw_{spec.name}."{table.name}"', table)
    return f"{spec.signature(table)}-{content}"


def _stale(job: Job, message: str) -> SystemLoad:
    tables = [
        TableLoad(name, "stale", held.rows, held.fingerprint, held.loaded_at)
        for name, held in job.held.items()
    ]
    load = SystemLoad(job.spec.name, "stale", tables, message, _newest(tables))
    with _warehouse(job.settings) as con:
        _note(con, job.run_id, load)
        freshness.note(con, job.settings, job.spec, None)
    return load


def _newest(tables: list[TableLoad]) -> datetime | None:
    return max((table.loaded_at for table in tables if table.loaded_at), default=None)


def _note(con: duckdb.DuckDBPyConnection, run_id: str, load: SystemLoad) -> None:
    for table in load.tables:
        con.execute(
            "insert into ops.loads values (?, ?, ?, ?, ?, ?, ?, ?)",
            [run_id, load.system, *astuple(table), load.message],
        )


def _tell(load: SystemLoad, seconds: float) -> None:
    rows = sum(table.rows for table in load.tables)
    if load.status == "stale":
        age = load.newest_loaded_at.isoformat(" ", "minutes") if load.newest_loaded_at else t("never")
        _log.warning(
            t("{system} is stale, its data is from {age} UTC: {reason}", system=load.system, age=age,
              reason=load.message)
        )  # fmt: skip
    elif load.status == "unchanged":
        _log.info(t("{system}: unchanged, {rows} rows", system=load.system, rows=rows))
    else:
        _log.info(
            t("{system}: {rows} rows loaded in {seconds:.1f} s", system=load.system, rows=rows,
              seconds=seconds)
        )  # fmt: skip
