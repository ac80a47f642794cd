"""From where a table is read again: the highest value its cursor had, less the lag.

Comes in: a table's cursor option, and what the warehouse holds of the table. Goes out: the lower bound for
the source's own comparison, or None where the whole table is to be read. Only a table that was read whole
before, by the same spec, and not too long ago, may be read in part.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pipelines.errors import GuikeError
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.extract.state import Held
from pipelines.i18n import t


def lower_bound(spec: SystemSpec, table: TableSpec, held: Held, now: datetime) -> str | int | None:
    """From which value of the cursor's column on `table` is to be read; None for all of it.

    Args:
        now: the present moment in UTC, without zone.

    Raises:
        GuikeError: the highest value seen is neither a time nor a number, as the lag wants it.
    """
    cursor = table.cursor
    if (
        cursor is None
        or held.fingerprint is None
        or held.signature != spec.signature(table)
        or held.cursor_column != cursor.column
        or held.cursor_value is None
        or held.full_at is None
        or now - held.full_at >= cursor.full_every
    ):
        return None
    try:
        if isinstance(cursor.lag, int):
            return int(held.cursor_value) - cursor.lag
        return _time_before(
            held.cursor_value, cursor.lag, ZoneInfo(spec.timezone), held.checked_at or held.full_at
        )
    except ValueError:
        raise GuikeError(
            t("{system}.{table}, column {column}: '{value}' is no value that a cursor can count from.",
              system=spec.name, table=table.name, column=cursor.column, value=held.cursor_value[:40]),
            t("Give lag as a time span for a column of times, as a number for one of numbers, or read the "
              "table as a snapshot."),
        ) from None  # fmt: skip


def _time_before(value: str, lag: timedelta, zone: ZoneInfo, last: datetime) -> str:
    """`value` less `lag`, in its own form; from the last reading (UTC) where it lies after that.

    One row dated 2099 would otherwise hide every later edit. Fractions of a second are left out: as text,
    12:00:00 is below 12:00:00.5, and too early only costs a row read twice.
    """
    seen = datetime.fromisoformat(value)
    read = last.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone)
    read = read if seen.tzinfo else read.replace(tzinfo=None)
    bound = min(seen, read) - lag
    return bound.isoformat(sep="T" if "T" in value else " ", timespec="seconds")
