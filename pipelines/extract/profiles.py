"""What kinds of values a column holds, so that a sudden other kind is noticed.

Comes in: the Parquet file of a load. Goes out: per column how many of the sampled values there are, are
numbers, are dates. The sample is the first and the last rows: a column that an export fills with something
else is so from end to end, and the row groups between need not be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import duckdb

from pipelines.errors import GuikeError
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.i18n import t

_SAMPLED_ROWS = 10_000  # at each end
_ENOUGH = 20  # values, below which a share says nothing
_WAS, _IS = 0.95, 0.5


class Profile(NamedTuple):
    """Counts over a sample of one column."""

    filled: int
    numbers: int
    dates: int


def profile(con: duckdb.DuckDBPyConnection, relation: str, table: TableSpec, rows: int) -> dict[str, Profile]:
    """The kinds of values in each of the table's columns in `relation`, which has `rows` rows."""
    counts = []
    for column in table.columns:
        text = f"nullif(trim(\"{column.name}\"), '')"
        counts += [
            f"count({text})",
            f"count(try_cast(replace({text}, ',', '') as double))",
            f"count(try_cast(replace({text}, '/', '-') as timestamp))",
        ]
    row = con.execute(
        f"select {', '.join(counts)} from {relation} "
        f"where _row_number <= {_SAMPLED_ROWS} or _row_number > {rows - _SAMPLED_ROWS}"
    ).fetchone()
    assert row is not None
    return {c.name: Profile(*row[3 * i : 3 * i + 3]) for i, c in enumerate(table.columns)}


def check_kinds(
    spec: SystemSpec, table: TableSpec, before: Mapping[str, Profile], now: Mapping[str, Profile]
) -> None:
    """Refuse a column that held numbers or dates and now mostly doesn't.

    Raises:
        GuikeError: with the column and both shares.
    """
    for column in table.columns:
        held, found = before.get(column.name), now[column.name]
        if held is None or column.name in table.retyped or min(held.filled, found.filled) < _ENOUGH:
            continue
        kinds = ((t("numbers"), held.numbers, found.numbers), (t("dates"), held.dates, found.dates))
        for kind, then, today in kinds:
            was, share = then / held.filled, today / found.filled
            if was >= _WAS and share < _IS:
                raise GuikeError(
                    t("{system}.{table}, column {column} ({source}): {was:.0%} of the values were {kind} the "
                      "time before, now {share:.0%}.", system=spec.name, table=table.name,
                      column=column.name, source=column.source, was=was, kind=kind, share=share),
                    t("Check the export. If the column is meant to hold something else, see that its staging "
                      "model reads it, and name it in retyped of this table."),
                )  # fmt: skip
