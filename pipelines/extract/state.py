"""What the warehouse knows of each source table: ops.table_state, ops.table_loads and ops.loads.

Comes in: what a load did. Goes out: rows in ops, written in the transaction that changes the rows themselves,
so that a killed run leaves both or neither. The one load that can't share that transaction, dlt's into an
empty table, is given away by its row count: a table that holds another number of rows than noted is not
trusted, and is read whole again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import duckdb

from pipelines.extract.diff import Changes
from pipelines.extract.profiles import Profile
from pipelines.extract.specs import SystemSpec, TableSpec

Mode = Literal["whole", "cursor"]


@dataclass(frozen=True)
class Held:
    """What raw holds of a table.

    Attributes:
        fingerprint: of the source as last read; None where it was never loaded, or what is there isn't what
            was noted. The attributes after it are then empty too.
        loaded_at: when the newest change in it was read (UTC).
        full_at: when the whole table was last read (UTC).
        cursor_column, cursor_value: the cursor's column then, and its highest value.
        profile: what kinds of values its columns had.
        checked_at: when it was last read, whole or in part (UTC).
    """

    rows: int
    loaded_at: datetime | None
    fingerprint: str | None = None
    signature: str | None = None
    full_at: datetime | None = None
    cursor_column: str | None = None
    cursor_value: str | None = None
    profile: Mapping[str, Profile] = field(default_factory=dict)
    checked_at: datetime | None = None


@dataclass(frozen=True)
class TableNote:
    """What is to be remembered of one table after a load."""

    signature: str
    fingerprint: str
    rows: int
    loaded_at: datetime
    checked_at: datetime
    full_at: datetime
    cursor_column: str | None
    cursor_value: str | None
    profile: Mapping[str, Profile]


def held(con: duckdb.DuckDBPyConnection, spec: SystemSpec) -> dict[str, Held]:
    """What raw holds, by table."""
    return {table.name: _held(con, spec, table) for table in spec.tables}


def _held(con: duckdb.DuckDBPyConnection, spec: SystemSpec, table: TableSpec) -> Held:
    there = con.execute(
        f'select count(*), max(_loaded_at) from raw_{spec.name}."{table.name}"'
    ).fetchone()  # fmt: skip
    assert there is not None
    noted = con.execute(
        "select row_count, loaded_at, fingerprint, signature, full_at, cursor_column, cursor_value, profile, "
        "checked_at from ops.table_state where system = ? and source_table = ?",
        [spec.name, table.name],
    ).fetchone()
    if noted is None or noted[0] != there[0]:
        return Held(*there)
    profile = {name: Profile(*counts) for name, counts in json.loads(noted[7]).items()}
    return Held(noted[0], noted[1], noted[2], noted[3], noted[4], noted[5], noted[6], profile, noted[8])


def note(con: duckdb.DuckDBPyConnection, system: str, table: str, state: TableNote) -> None:
    """Remember how `table` stands now."""
    profile = json.dumps(state.profile)
    con.execute(
        "insert or replace into ops.table_state values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            system, table, state.signature, state.fingerprint, state.rows, state.loaded_at, state.checked_at,
            state.full_at, state.cursor_column, state.cursor_value, profile,
        ],
    )  # fmt: skip


def note_changes(
    con: duckdb.DuckDBPyConnection,
    run_id: str,
    place: tuple[str, str],
    mode: Mode,
    read: tuple[int, int],
    changes: Changes,
) -> None:
    """Add a row to ops.table_loads.

    Args:
        place: the system and the table.
        read: how many rows were read, and how many keys alone.
    """
    con.execute(
        "insert into ops.table_loads values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            run_id, *place, mode, *read, changes.inserted, changes.updated, changes.unchanged,
            changes.deleted, changes.returned,
        ],
    )  # fmt: skip


def forget(con: duckdb.DuckDBPyConnection, system: str) -> None:
    """Drop what is known of a system's tables; ops.loads and ops.table_loads keep its history."""
    con.execute("delete from ops.table_state where system = ?", [system])
    con.execute("delete from ops.freshness where system = ?", [system])
