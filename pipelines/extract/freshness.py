"""How old a system's data is: its newest row, and when the source was last read.

Comes in: what was just loaded, and the threshold in the system's YAML. Goes out: the system's row in
ops.freshness. Whether that is too old is judged when somebody looks, by the marts' as-of date where that lies
in the past: the demo company's newest row is from the last day of its history, and not old.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from pipelines.extract.specs import SystemSpec
from pipelines.settings import Settings
from warehouse import store


def note(
    con: duckdb.DuckDBPyConnection, settings: Settings, spec: SystemSpec, success: datetime | None
) -> None:
    """Bring the system's row in ops.freshness up to date.

    Args:
        success: when the source was read (UTC); None where it couldn't be, and the last time stays.
    """
    newest = _newest_row(con, settings, spec)
    warn_after = spec.freshness.warn_after / timedelta(hours=1) if spec.freshness else None
    con.execute(
        "insert into ops.freshness values (?, ?, ?, ?) on conflict do update set newest_row_at = "
        "excluded.newest_row_at, warn_after_hours = excluded.warn_after_hours, "
        "last_success_at = coalesce(excluded.last_success_at, last_success_at)",
        [spec.name, newest, success, warn_after],
    )


def ages(con: duckdb.DuckDBPyConnection, settings: Settings) -> list[dict[str, Any]]:
    """Every system's row in ops.freshness, with `is_old`; empty in a file from before there was one.

    A system without a threshold is never old.
    """
    known = con.execute(
        "select 1 from information_schema.tables where table_schema = 'ops' and table_name = 'freshness'"
    )
    if not known.fetchall():
        return []
    cursor = con.execute(
        """
        select
            system, newest_row_at, last_success_at, warn_after_hours,
            coalesce(
                least(newest_row_at, last_success_at)
                    < ?::timestamp - to_microseconds((warn_after_hours * 3600000000)::bigint),
                false
            ) as is_old
        from ops.freshness semi join ops.systems using (system)
        order by system
        """,
        [present(settings)],
    )
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def present(settings: Settings) -> datetime:
    """The moment (UTC) by which ages are counted: now, or the end of the as-of day if that is over."""
    zone = ZoneInfo(settings.timezone)
    end = datetime.combine(settings.as_of, time_of_day.max, zone).astimezone(UTC).replace(tzinfo=None)
    return min(store.now(), end)


def _newest_row(con: duckdb.DuckDBPyConnection, settings: Settings, spec: SystemSpec) -> datetime | None:
    """The time of the newest row (UTC); rows dated in the future say nothing."""
    if spec.freshness is None or spec.freshness.column is None:
        return None
    table, column = spec.freshness.column.split(".")
    row = con.execute(
        f"""
        with written as (
            select timezone('{spec.timezone}', try_cast(replace("{column}", '/', '-') as timestamp))
                at time zone 'UTC' as happened_at
            from raw_{spec.name}."{table}"
        )
        select max(happened_at) from written where happened_at <= ?::timestamp
        """,
        [present(settings)],
    ).fetchone()
    return row[0] if row else None
