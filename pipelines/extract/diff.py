"""A fresh load against what raw holds: which rows are new, changed, gone or back.

Comes in: the rows just read, as a relation in the warehouse. Goes out: raw_<system>.<table> with the rows
that the source has now, raw_<system>_deleted.<table> with those that it has no more, and the counts. A row
that hasn't changed is not touched: it keeps the run that brought it. All of it is SQL over whole tables; the
caller holds the transaction.

Rows are told apart by the table's key, else by `_row_id`: a hash of the row's content and its number among
equal rows. So a row inserted in the middle of a sheet leaves the ids of the others alone, which its position
would not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from pipelines.extract.specs import SystemSpec, TableSpec
from warehouse import store

_ID_CHARACTERS = 20  # 80 bits: two of a hundred million rows share an id once in 10^8 tables


@dataclass(frozen=True)
class Changes:
    """How many rows a load brought, changed and took; `returned` are among the inserted.

    `moved` are rows of a table without a key that only stand elsewhere now.
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    returned: int = 0
    moved: int = 0

    @property
    def any(self) -> bool:
        """Whether anything is different from before."""
        return bool(self.inserted or self.updated or self.deleted or self.moved)


def identity(table: TableSpec) -> tuple[str, ...]:
    """The raw columns that tell the table's rows apart."""
    return table.key or ("_row_id",)


def row_id(table: TableSpec) -> str:
    """The SQL of `_row_id` over a relation with the table's columns and `_row_number`."""
    # The length in front keeps ('ab', 'c') and ('a', 'bc') apart, and '' from NULL.
    parts = [f"coalesce(strlen(\"{c.name}\") || ':' || \"{c.name}\", '-')" for c in table.columns]
    content = f"left(md5(concat({', '.join(parts)})), {_ID_CHARACTERS})"
    return f"{content} || '-' || row_number() over (partition by {content} order by _row_number)"


def content_hash(con: duckdb.DuckDBPyConnection, relation: str, table: TableSpec) -> str:
    """A hash of the table's rows in `relation`, whatever their order where a key tells them apart."""
    names = [column.name for column in table.columns] + ([] if table.key else ["_row_number"])
    return store.content_hash(con, f"(select {_listed(names)} from {relation})")


def take_first(
    con: duckdb.DuckDBPyConnection, spec: SystemSpec, table: TableSpec, moment: datetime
) -> Changes:
    """The counts where raw was empty and dlt has filled it; rows that were gone are back."""
    raw, returned = f'raw_{spec.name}."{table.name}"', 0
    if con.execute(f'select 1 from raw_{spec.name}_deleted."{table.name}" limit 1').fetchone():
        con.execute(f"create or replace temp table changes as select {_listed(identity(table))}, 'inserted' "
                    f"as change from {raw}")  # fmt: skip
        returned = _mark_returned(con, spec, table, moment)
        con.execute("drop table changes")
    inserted = con.execute(f"select count(*) from {raw}").fetchone()
    return Changes(inserted=inserted[0] if inserted else 0, returned=returned)


def merge(
    con: duckdb.DuckDBPyConnection,
    spec: SystemSpec,
    table: TableSpec,
    incoming: str,
    present: str | None,
    moment: datetime,
    run_id: str,
) -> Changes:
    """Bring raw to what was read.

    Args:
        incoming: the relation of the rows read, with the columns of raw.
        present: the relation with the identity of every row that the source has now; None where nothing
            says which rows are gone.
    """
    raw = f'raw_{spec.name}."{table.name}"'
    if not table.key:
        con.execute(f"create or replace temp table identified as select *, {row_id(table)} as _row_id "
                    f"from {incoming}")  # fmt: skip
        incoming, present = "identified", "identified"
    _compare(con, table, raw, incoming, present)
    counts = dict(con.execute("select change, count(*) from changes group by all").fetchall())
    read = con.execute(f"select count(*) from {incoming}").fetchone()
    assert read is not None
    _apply(con, spec, table, incoming, moment, run_id)
    returned = _mark_returned(con, spec, table, moment)
    moved = 0 if table.key else _move(con, raw, incoming)
    con.execute("drop table changes")
    con.execute("drop table if exists identified")
    inserted, updated = counts.get("inserted", 0), counts.get("updated", 0)
    return Changes(inserted, updated, read[0] - inserted - updated, counts.get("deleted", 0), returned, moved)


def missed(con: duckdb.DuckDBPyConnection, spec: SystemSpec, table: TableSpec, read: Path, keys: Path) -> int:
    """How many keys the source has that neither raw holds nor the cursor has brought."""
    raw = f'raw_{spec.name}."{table.name}"'
    row = con.execute(
        f"select count(*) from {parquet(keys)} as k anti join {raw} as r on {_same(table, 'k', 'r')} "
        f"where not exists (select 1 from {parquet(read)} as i where {_same(table, 'i', 'k')})"
    ).fetchone()
    return row[0] if row else 0


def parquet(path: Path) -> str:
    """The relation of a Parquet file's rows."""
    quoted = str(path).replace("'", "''")
    return f"read_parquet('{quoted}')"


def _compare(
    con: duckdb.DuckDBPyConnection, table: TableSpec, raw: str, incoming: str, present: str | None
) -> None:
    """Fill the temporary table `changes`: the identity of each row that differs, and how."""
    names = _listed(identity(table))
    # The hash is taken before the join, so that the join carries no more than key and hash of each row.
    hashed = f"select {names}, hash(({_listed([c.name for c in table.columns])})) as content"
    con.execute(
        f"create or replace temp table changes as select {_listed(identity(table), 'i')}, "
        f"case when r.content is null then 'inserted' else 'updated' end as change "
        f"from ({hashed} from {incoming}) as i "
        f"left join ({hashed} from {raw}) as r on {_same(table, 'i', 'r')} "
        "where r.content is distinct from i.content"
    )
    if present:
        con.execute(
            f"insert into changes select {_listed(identity(table), 'r')}, 'deleted' from {raw} as r "
            f"anti join {present} as p on {_same(table, 'r', 'p')}"
        )


def _apply(
    con: duckdb.DuckDBPyConnection,
    spec: SystemSpec,
    table: TableSpec,
    incoming: str,
    moment: datetime,
    run_id: str,
) -> None:
    raw, gone = f'raw_{spec.name}."{table.name}"', f'raw_{spec.name}_deleted."{table.name}"'
    same = _same(table, "r", "c")
    con.execute(
        f"insert into {gone} by name select r.*, ?::timestamp as _deleted_at, ?::varchar as _deleted_in_run "
        f"from {raw} as r semi join (from changes where change = 'deleted') as c on {same}",
        [moment, run_id],
    )
    con.execute(
        f"delete from {raw} as r using (from changes where change <> 'inserted') as c where {same}"
    )  # fmt: skip
    columns = [column.name for column in table.columns]
    added = ["_row_number", "_loaded_at", "_run_id"] + ([] if table.key else ["_row_id"])
    con.execute(
        f"insert into {raw} by name select {_listed([*columns, *added], 'i')} from {incoming} as i "
        f"semi join (from changes where change <> 'deleted') as c on {_same(table, 'i', 'c')}"
    )


def _mark_returned(
    con: duckdb.DuckDBPyConnection, spec: SystemSpec, table: TableSpec, moment: datetime
) -> int:
    row = con.execute(
        f'update raw_{spec.name}_deleted."{table.name}" as d set _returned_at = ? from changes as c '
        f"where d._returned_at is null and c.change = 'inserted' and {_same(table, 'd', 'c')}",
        [moment],
    ).fetchone()
    return row[0] if row else 0


def _move(con: duckdb.DuckDBPyConnection, raw: str, incoming: str) -> int:
    """Give the rows of a table without a key their present place."""
    row = con.execute(
        f"update {raw} as r set _row_number = i._row_number from {incoming} as i "
        "where r._row_id = i._row_id and r._row_number <> i._row_number"
    ).fetchone()
    return row[0] if row else 0


def _listed(names: Sequence[str], alias: str = "") -> str:
    prefix = f"{alias}." if alias else ""
    return ", ".join(f'{prefix}"{name}"' for name in names)


def _same(table: TableSpec, one: str, other: str) -> str:
    """The condition that `one` and `other` are the same row; an empty part of a key equals an empty one."""
    return " and ".join(
        f'{one}."{name}" is not distinct from {other}."{name}"' for name in identity(table)
    )  # fmt: skip
