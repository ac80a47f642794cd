"""One system from its source into raw_<system>.

Comes in: a spec, and the warehouse with what earlier runs noted in ops.loads. Goes out: raw_<system> as the
source has it now, and a `SystemLoad`. All of a system's tables are read and checked before the first one is
replaced, so a source that fails half-way, or delivers too little, leaves yesterday's rows as they were; the
system is then "stale", and the others go on.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import duckdb

from pipelines.errors import GuikeError
from pipelines.extract import raw
from pipelines.extract.batches import spool
from pipelines.extract.database import open_database
from pipelines.extract.files import FileSource, open_files
from pipelines.extract.guards import check_row_count
from pipelines.extract.hashes import FileHashes
from pipelines.extract.rest import open_rest
from pipelines.extract.source import Source
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.extract.verdict import FileVerdict, note_verdicts
from pipelines.i18n import t
from pipelines.settings import Settings
from warehouse import store

LoadStatus = Literal["loaded", "unchanged", "stale"]

_log = logging.getLogger("guike.extract")


@dataclass(frozen=True)
class TableLoad:
    """What happened to one table; `loaded_at` (UTC) is when the rows now in raw were read."""

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


@dataclass(frozen=True)
class _Job:
    """One extraction: what is to be read, when, where it is spooled, and what raw holds already."""

    settings: Settings
    spec: SystemSpec
    run_id: str
    loaded_at: datetime
    folder: Path
    held: dict[str, raw.Held]
    verdicts: list[FileVerdict] = field(default_factory=list)


@dataclass(frozen=True)
class _Read:
    """A table as read: its rows wait in `path`, or are the ones already in raw (path None)."""

    table: TableSpec
    fingerprint: str
    rows: int
    path: Path | None


def extract_system(settings: Settings, spec: SystemSpec, run_id: str) -> SystemLoad:
    """Bring raw_<system> up to date and note it in ops.loads and ops.systems.

    Raises:
        GuikeError: the warehouse can't be written. A source that can't be read is no error but "stale".
    """
    started = time.monotonic()
    folder = settings.home / "extract" / spec.name / "spool"
    with store.writer_lock(settings, f"extract {spec.name}"):
        with _warehouse(settings) as con:
            raw.ensure_tables(con, spec)
            held = raw.held(con, spec)
        job = _Job(settings, spec, run_id, store.now(), folder, held)
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
    try:
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


def _read_all(job: _Job) -> list[_Read]:
    try:
        with open_source(job.settings, job.spec) as source:
            reads = [_read(job, source, table) for table in job.spec.tables]
            if isinstance(source, FileSource):
                job.verdicts.extend(source.verdicts)
            return reads
    except GuikeError as error:
        raise _Unreadable(str(error)) from error


def _read(job: _Job, source: Source, table: TableSpec) -> _Read:
    spec, held = job.spec, job.held[table.name]
    fingerprint = source.fingerprint(table)
    if fingerprint is not None and fingerprint == held.fingerprint:
        return _Read(table, fingerprint, held.rows, None)
    started, path = time.monotonic(), job.folder / f"{table.name}.parquet"
    rows = spool(table, source.read(table), path, job.loaded_at, job.run_id)
    check_row_count(spec, table, rows, held.rows)
    seconds = time.monotonic() - started
    _log.info(
        t("{table}: {rows} rows read in {seconds:.1f} s", table=f"{spec.name}.{table.name}", rows=rows,
          seconds=seconds)
    )  # fmt: skip
    if fingerprint is None:
        fingerprint = f"{spec.signature(table)}-{_content(job.settings, table, path)}"
    return _Read(table, fingerprint, rows, None if fingerprint == held.fingerprint else path)


def _content(settings: Settings, table: TableSpec, path: Path) -> str:
    """A hash of the rows read, whatever their order where a key tells them apart."""
    exclude = ["_loaded_at", "_run_id", *(["_row_number"] if table.key else [])]
    with duckdb.connect(config={"threads": settings.threads, "memory_limit": settings.memory_limit}) as con:
        con.read_parquet(str(path)).create_view("rows_read")
        return store.content_hash(con, "rows_read", exclude)


def _load(job: _Job, reads: list[_Read]) -> SystemLoad:
    with _warehouse(job.settings) as con:
        fresh = {read.table.name: read.path for read in reads if read.path is not None}
        raw.replace(con, job.settings, job.spec, fresh)
        tables = [_loaded(job, read) for read in reads]
        load = SystemLoad(job.spec.name, "loaded" if fresh else "unchanged", tables, None, _newest(tables))
        _note(con, job.run_id, load)
        note_verdicts(con, job.run_id, job.spec.name, job.loaded_at, job.verdicts)
    return load


def _loaded(job: _Job, read: _Read) -> TableLoad:
    name = read.table.name
    if read.path is None:
        return TableLoad(name, "unchanged", read.rows, read.fingerprint, job.held[name].loaded_at)
    return TableLoad(name, "loaded", read.rows, read.fingerprint, job.loaded_at)


def _stale(job: _Job, message: str) -> SystemLoad:
    tables = [
        TableLoad(name, "stale", held.rows, held.fingerprint, held.loaded_at)
        for name, held in job.held.items()
    ]
    load = SystemLoad(job.spec.name, "stale", tables, message, _newest(tables))
    with _warehouse(job.settings) as con:
        _note(con, job.run_id, load)
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
