"""What a table must look like before it may replace yesterday's rows.

Comes in: the columns and the number of rows that a source delivered. Goes out: nothing, or a GuikeError,
after which the system keeps the rows of its last good load.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import duckdb

from pipelines.errors import GuikeError
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.i18n import t


def match_columns(
    spec: SystemSpec, table: TableSpec, found: Sequence[str], where: str, *, any_case: bool = False
) -> list[str]:
    """The source's own names of the table's columns, in the order of the spec.

    Args:
        found: the source's column names; blank ones count for nothing.
        where: the file, sheet or table for the message.
        any_case: whether names that differ in case only are the same, as in databases.

    Raises:
        GuikeError: columns are missing, stand there twice, or are new where the system refuses new ones;
            with both lists.
    """
    names = [name for name in found if name.strip()]
    in_lower = {name.lower(): name for name in names} if any_case else {}
    wanted = [c.source if c.source in names else in_lower.get(c.source.lower(), "") for c in table.columns]
    missing = [c.source for c, name in zip(table.columns, wanted, strict=True) if not name]
    extra = sorted(set(names) - set(wanted))
    if missing or (extra and not spec.allows_extra_columns):
        raise GuikeError(
            t("{where}: the columns have changed. Missing: {missing}. New: {extra}.", where=where,
              missing=", ".join(missing) or "–",
              extra=", ".join(extra) or "–"),
            t("Mend the export, or the columns of table {table} in pipelines/systems/{system}.yml.",
              table=table.name, system=spec.name),
        )  # fmt: skip
    twice = sorted({name for name in wanted if names.count(name) > 1})
    if twice:
        raise GuikeError(
            t("{where}: these columns stand there twice: {columns}.", where=where, columns=", ".join(twice)),
            t("Give them different names in the source."),
        )
    return wanted


def check_row_count(spec: SystemSpec, table: TableSpec, rows: int, last_rows: int) -> None:
    """Refuse a load with suspiciously few rows; a truncated fetch looks like mass deletion.

    Args:
        last_rows: the rows of the last good load, 0 if there was none.

    Raises:
        GuikeError: fewer rows than the table's floor allows; with both numbers.
    """
    if table.floor == 0 or not last_rows:
        return
    least = max(1, math.ceil(table.floor * last_rows))
    if rows < least:
        raise GuikeError(
            t("{system}.{table}: {rows} rows after {last} the time before; expected are at least {least}.",
              system=spec.name, table=table.name, rows=rows, last=last_rows, least=least),
            t("Check the export. If the rows were really deleted, set floor: 0 for this table and run once."),
        )  # fmt: skip


def check_key(con: duckdb.DuckDBPyConnection, spec: SystemSpec, table: TableSpec, relation: str) -> None:
    """Refuse rows that the declared key doesn't tell apart.

    Refused here rather than by a gate: by such a key rows would be compared with the wrong ones, and changed
    rows would replace too many or too few. One system is then stale; at dbt's test the whole run would end.

    Raises:
        GuikeError: with how many keys, and where the first stands; not its value, which may be a phone.
    """
    key = ", ".join(f'"{name}"' for name in table.key)
    repeated = f"select {key}, count(*) as times from {relation} group by {key} having count(*) > 1"
    row = con.execute(f"select count(*) from ({repeated})").fetchone()
    if row is None or row[0] == 0:
        return
    where = con.execute(
        f"select min(_row_number), max(_row_number) from {relation} group by {key} having count(*) > 1 "
        "order by 1 limit 1"
    ).fetchone()
    assert where is not None
    raise GuikeError(
        t("{system}.{table}: {count} keys ({key}) stand there more than once, the first in rows {one} and "
          "{other}.", system=spec.name, table=table.name, count=row[0], key=", ".join(table.key),
          one=where[0], other=where[1]),
        t("Mend the source, or give the table in pipelines/systems/{system}.yml a key that tells its rows "
          "apart (none, for a file that has none).", system=spec.name),
    )  # fmt: skip
