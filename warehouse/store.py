"""The warehouse file: open it, lock it, name its schemas, remember what each stage has done.

One process writes at a time (DuckDB's own rule, made friendly here): `writer_lock` says who holds it.
`ops.stage_state` keeps, per stage, the fingerprint of the inputs it last finished with; a stage whose
fingerprint is unchanged has nothing to do, and a stage that was killed has none and runs again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import Settings

SCHEMAS = ("staging", "input", "identity", "core", "quality", "marts", "ops")
_LEFTOVER_WAIT_SECONDS = 60.0

_OPS_TABLES = """
create table if not exists ops.runs (
    run_id varchar primary key, started_at timestamp not null, finished_at timestamp,
    status varchar not null, as_of date not null, trigger varchar not null, guike_version varchar not null,
    dagster_run_id varchar, snapshot varchar, message varchar);
create table if not exists ops.stage_state (
    stage varchar primary key, fingerprint varchar not null, run_id varchar not null,
    finished_at timestamp not null);
create table if not exists ops.run_stages (
    run_id varchar not null, stage varchar not null, status varchar not null,
    started_at timestamp not null, finished_at timestamp not null, seconds double not null,
    peak_memory_mb double, rows_written bigint);
create table if not exists ops.loads (
    run_id varchar not null, system varchar not null, source_table varchar not null,
    status varchar not null, rows_read bigint, fingerprint varchar, loaded_at timestamp, message varchar);
create table if not exists ops.file_verdicts (
    system varchar not null, source_table varchar not null, file varchar not null,
    content_hash varchar not null, encoding varchar, delimiter varchar, header_row integer,
    confidence double not null, rows bigint not null, left_out bigint not null,
    read_at timestamp not null, run_id varchar not null);
create table if not exists ops.table_loads (
    run_id varchar not null, system varchar not null, source_table varchar not null,
    mode varchar not null, rows_read bigint not null, keys_read bigint not null, inserted bigint not null,
    updated bigint not null, unchanged bigint not null, deleted bigint not null, returned bigint not null);
create table if not exists ops.table_state (
    system varchar not null, source_table varchar not null, signature varchar not null,
    fingerprint varchar not null, row_count bigint not null, loaded_at timestamp not null,
    checked_at timestamp not null, full_at timestamp not null, cursor_column varchar, cursor_value varchar,
    profile varchar not null, primary key (system, source_table));
create table if not exists ops.freshness (
    system varchar primary key, newest_row_at timestamp, last_success_at timestamp,
    warn_after_hours double);
create table if not exists ops.snapshots (
    run_id varchar primary key, as_of date not null, published_at timestamp not null,
    content_hash varchar not null, relations integer not null, row_count bigint not null,
    bytes bigint not null, is_masked boolean not null, rolled_back_at timestamp);
create table if not exists ops.systems (
    system varchar primary key, title_en varchar not null, title_zh varchar not null,
    kind varchar not null, trust integer not null);
"""

_held: dict[Path, int] = {}


class BusyError(GuikeError):
    """Another process writes to the warehouse."""


def now() -> datetime:
    """The present moment in UTC without a zone, as all `…_at` columns are kept."""
    return datetime.now(UTC).replace(tzinfo=None)


@contextmanager
def writer_lock(settings: Settings, purpose: str) -> Iterator[None]:
    """Be the only writer while the block runs; entered again in the same process, it is a no-op.

    The lock is the operating system's, so a killed process leaves none behind.

    Raises:
        BusyError: another process writes; the message says which, since when and for what.
        GuikeError: nothing can be written in the home folder.
    """
    try:
        make_home(settings)
    except OSError as error:
        raise _unwritable(settings, error) from error
    path = settings.home / "writer.lock"
    if _held.get(path):
        _held[path] += 1
        try:
            yield
        finally:
            _held[path] -= 1
        return
    lock, note = FileLock(path, timeout=0), settings.home / "writer.json"
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(_holder(note), t("Wait until it has finished, or stop it, then try again.")) from None
    except OSError as error:
        raise _unwritable(settings, error) from error
    try:
        _held[path] = 1
        about = {"pid": os.getpid(), "purpose": purpose, "since": now().isoformat(timespec="seconds")}
        note.write_text(json.dumps(about), encoding="utf-8")
        yield
    finally:
        _held.pop(path, None)
        note.unlink(missing_ok=True)
        lock.release()


def make_home(settings: Settings) -> None:
    """Create the home folder where it isn't there, for its owner alone: it holds personal data."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)


def _unwritable(settings: Settings, error: OSError) -> GuikeError:
    return GuikeError(
        t(
            "Nothing can be written in the data folder {folder} (GUIKE_HOME): {reason}",
            folder=settings.home,
            reason=error.strerror or error,
        ),
        t("Set GUIKE_HOME to a folder you may write to."),
    )


def _holder(note: Path) -> str:
    try:
        about = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return t("Another process is writing to the warehouse.")
    return t(
        "Process {pid} has been writing to the warehouse since {since} UTC ({purpose}).",
        pid=about["pid"], since=about["since"], purpose=about["purpose"],
    )  # fmt: skip


def limit_memory(con: duckdb.DuckDBPyConnection, megabytes: int) -> None:
    """Let `con` take no more than that for each of its threads, and no more than it may take already."""
    row = con.execute(
        "select least(parse_formatted_bytes(current_setting('memory_limit')), "
        "current_setting('threads') * ?::bigint * 1000000)",
        [megabytes],
    ).fetchone()
    assert row is not None
    con.execute(f"set memory_limit = '{row[0]}B'")


def connect(
    settings: Settings, *, path: Path | None = None, read_only: bool = False
) -> duckdb.DuckDBPyConnection:
    """Open the warehouse (or `path`) with the memory limit, threads and spill folder of the settings.

    A dbt process that outlived a killed run may still hold the file: it is waited for, a minute at most.

    Raises:
        GuikeError: the file is held by another program, or is not a DuckDB file of a version we read.
    """
    target = path or settings.warehouse
    if target.parent == settings.home:
        make_home(settings)
    target.parent.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.memory_limit,
        "threads": settings.threads,
        "temp_directory": str(settings.home / "tmp"),
        "preserve_insertion_order": False,
    }
    deadline = time.monotonic() + _LEFTOVER_WAIT_SECONDS
    while True:
        try:
            con = duckdb.connect(str(target), read_only=read_only, config=config)
            break
        except duckdb.IOException as error:
            # No less: the path is in the message, too, and may be below /srv/blocks.
            if "could not set lock" not in str(error).lower():
                raise GuikeError(
                    t(
                        "The file {file} can't be opened: {reason}",
                        file=target,
                        reason=str(error).splitlines()[0],
                    ),
                    t("Restore it from a backup, or move it away and run again to rebuild it."),
                ) from error
            if time.monotonic() > deadline:
                raise GuikeError(
                    t(
                        "Another program holds {file} open: {reason}",
                        file=target,
                        reason=str(error).splitlines()[0],
                    ),
                    t("Close that program; to read data, open the published file instead."),
                ) from error
            time.sleep(0.5)
    con.execute("set timezone = 'UTC'")
    return con


def ensure_schemas(con: duckdb.DuckDBPyConnection) -> None:
    """Create the schemas and the bookkeeping tables that aren't there yet."""
    for schema in SCHEMAS:
        con.execute(f"create schema if not exists {schema}")
    con.execute(_OPS_TABLES)


def stage_fingerprint(con: duckdb.DuckDBPyConnection, stage: str) -> str | None:
    """The input fingerprint `stage` last finished with, or None."""
    row = con.execute("select fingerprint from ops.stage_state where stage = ?", [stage]).fetchone()
    return row[0] if row else None


def clear_stage_fingerprint(con: duckdb.DuckDBPyConnection, stage: str) -> None:
    """Forget that `stage` has ever finished: from here until it does, what it writes counts as half done."""
    con.execute("delete from ops.stage_state where stage = ?", [stage])


def set_stage_fingerprint(con: duckdb.DuckDBPyConnection, stage: str, fingerprint: str, run_id: str) -> None:
    """Remember that `stage` has finished for these inputs."""
    con.execute(
        "insert or replace into ops.stage_state values (?, ?, ?, ?)", [stage, fingerprint, run_id, now()]
    )


def content_hash(con: duckdb.DuckDBPyConnection, relation: str, exclude: Sequence[str] = ()) -> str:
    """A fingerprint of all rows of `relation` (schema.table, quoted by the caller), whatever their order.

    Sum and xor of per-row hashes, with the row count: equal for equal multisets of rows; a chance
    collision needs both to agree. `exclude` names columns left out.
    """
    columns = f"columns(c -> c not in ({', '.join(repr(c) for c in exclude)}))" if exclude else "*"
    row = con.execute(
        f"select count(*), coalesce(sum(h::hugeint), 0), coalesce(bit_xor(h), 0) "
        f"from (select hash(t) as h from (select {columns} from {relation}) as t)"
    ).fetchone()
    assert row is not None
    return f"{row[0]}-{row[1]:x}-{row[2]:x}"
