"""What would change in tiers, churn and revenue if two customers were one: computed, not estimated.

Comes in: two customer ids. Goes out: both before, the one after, and who else would change class. A copy of
the working file gets the younger id's rows under the older id, then dbt builds core and marts on the copy as
a run does: rank-based classes, rhythms and thresholds follow by themselves. The working file is locked only
while it is copied; the copy is deleted at the end, after Ctrl-C too, and by the next preview after a kill.
Only the two ids are joined: what else a judgement would draw along (records that wait for evidence) is not.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import yaml

from pipelines.customer import churn
from pipelines.errors import GuikeError
from pipelines.i18n import language, t
from pipelines.orchestration.dbt_project import run_dbt, why_it_failed
from pipelines.orchestration.stages import fingerprint
from pipelines.settings import Settings
from warehouse import store

_log = logging.getLogger("guike.preview")
_FOLDER = "preview-"
_ROOM = 2.0
_SPARE_BYTES = 200 * 2**20
_ERRORS_SHOWN = 5


@dataclass(frozen=True)
class Preview:
    """What would change.

    Attributes:
        kept: the older id, which stays. merged: the younger one, which becomes its alias.
        names: the golden names of both, before; that of the kept one after is `name_after`.
        revenue: year → revenue incl. tax of either before, and after.
        tiers: scheme and year → tier of either before, and after.
        churn: state and losses of either before (by id), and `after`.
        others: how many other customers change tier, by scheme and year; `churn`: whose losses change;
            `customers`: how many in all.
    """

    kept: str
    merged: str
    names: dict[str, str | None]
    name_after: str | None
    revenue: list[dict[str, Any]]
    tiers: list[dict[str, Any]]
    churn: dict[str, dict[str, Any]]
    others: dict[str, Any]


def preview_merge(settings: Settings, one: str, other: str) -> Preview:
    """Join two active customers on a copy, build core and marts there, and compare.

    Raises:
        BusyError: a run is writing. GuikeError: there is no room for the copy, the marts in the working file
            aren't those of the present sources and code, or dbt fails.
    """
    kept, merged = sorted((one, other), key=lambda customer_id: (len(customer_id), customer_id))
    with _scratch(settings) as folder:
        copied = _copy(settings, folder)
        with store.connect(copied) as con:
            names = {customer_id: _name(con, customer_id) for customer_id in (kept, merged)}
            churned = {customer_id: churn(con, customer_id) for customer_id in (kept, merged)}
            _remember(con)
            _join(con, kept, merged)
        _build(copied)
        with store.connect(copied, read_only=True) as con:
            both = {"kept": kept, "merged": merged}
            return Preview(
                kept, merged, names, _name(con, kept),
                _rows(con, _REVENUE, both), _rows(con, _TIERS.format(language=language()), both),
                churned | {"after": churn(con, kept)}, _others(con, both),
            )  # fmt: skip


@contextmanager
def _scratch(settings: Settings) -> Iterator[Path]:
    """A folder of this process's own under home, gone afterwards; those of killed processes go, too."""
    parent = settings.home / "tmp"
    store.make_home(settings)
    parent.mkdir(exist_ok=True)
    for left in parent.glob(f"{_FOLDER}*"):
        if not _is_alive(left.name.removeprefix(_FOLDER)):
            shutil.rmtree(left, ignore_errors=True)
    folder = parent / f"{_FOLDER}{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (OSError, ValueError):
        return False
    return True


def _copy(settings: Settings, folder: Path) -> Settings:
    """Copy the working file while nobody writes to it; gives the settings under which the copy is at home."""
    with store.writer_lock(settings, t("previewing a merge")):
        if not settings.warehouse.exists():
            raise GuikeError(
                t("There is no warehouse yet in {folder}.", folder=settings.home),
                t("Run `guike demo` for the demo company, or `guike run` for your own."),
            )
        with store.connect(settings, read_only=True) as con:
            settings = replace(settings, fixed_as_of=_as_of(con, settings))
            _expect_current(con, settings)
        # A killed run leaves a write-ahead log, without which the file is not whole.
        log = settings.warehouse.with_name(f"{settings.warehouse.name}.wal")
        files = [path for path in (settings.warehouse, log) if path.exists()]
        size = sum(path.stat().st_size for path in files)
        _expect_room(folder, size)
        _log.info(t("copying the working file, {size:,.0f} MB", size=size / 2**20))
        for path in files:  # under the same name: that is the catalogue's, which the views' SQL names
            shutil.copyfile(path, folder / path.name)
    return replace(settings, home=folder)


def _as_of(con: duckdb.DuckDBPyConnection, settings: Settings) -> Any:
    """The date that the marts in the file were built for."""
    try:
        row = con.execute(
            "select as_of from ops.runs inner join ops.stage_state using (run_id) where stage = 'marts'"
        ).fetchone()
    except duckdb.CatalogException:
        row = None
    return row[0] if row else settings.as_of


def _expect_current(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """The marts must be what dbt would build now: else the comparison would show more than the merge."""
    try:
        current = all(
            store.stage_fingerprint(con, stage) == fingerprint(con, settings, stage)
            for stage in ("core", "marts")
        )
    except (duckdb.CatalogException, GuikeError):
        current = False
    if not current:
        raise GuikeError(
            t("The marts in the working file are not finished, or older than the project's models."),
            t("Run `guike run` first."),
        )


def _expect_room(folder: Path, size: int) -> None:
    free, needed = shutil.disk_usage(folder).free, int(_ROOM * size) + _SPARE_BYTES
    if free < needed:
        raise GuikeError(
            t("There is no room for a copy in {folder}: {needed:,.0f} MB needed, {free:,.0f} MB free.",
              needed=needed / 2**20, folder=folder.parent, free=free / 2**20),
            t("Make room there, then try again."),
        )  # fmt: skip


_BEFORE = """
    create schema preview;
    create table preview.tiers as from marts.customer_tiers;
    create table preview.churn as from marts.customer_churn;
    create table preview.revenue as
    select customer_id, year(ordered_on) as year, sum(amount_gross) as revenue
    from core.fct_orders where is_revenue and customer_id is not null group by all;
"""


def _remember(con: duckdb.DuckDBPyConnection) -> None:
    """Keep the present state beside, in the copy."""
    con.execute(_BEFORE)


def _join(con: duckdb.DuckDBPyConnection, kept: str, merged: str) -> None:
    """What the ledger would have written: the younger id is an alias, all its rows are the older one's."""
    about = {"kept": kept, "merged": merged}
    con.execute("update identity.customer_xref set customer_id = $kept where customer_id = $merged", about)
    con.execute("update identity.members set customer_id = $kept where customer_id = $merged", about)
    con.execute(
        """
        update identity.customer_ids set party_type = (
            select case when bool_or(party_type = 'organisation') then 'organisation'
                else max(party_type) end
            from identity.customer_ids where customer_id in ($kept, $merged))
        where customer_id = $kept
        """,
        about,
    )
    con.execute(
        "update identity.customer_ids set status = 'merged', merged_into = $kept "
        "where customer_id = $merged or merged_into = $merged",
        about,
    )


def _build(settings: Settings) -> None:
    """Core and marts on the copy, with dbt."""
    project = yaml.safe_load((settings.dbt_dir / "dbt_project.yml").read_text(encoding="utf-8"))["name"]
    _log.info(t("building core and marts on the copy, as if they were one customer"))
    failures: list[str] = []
    told: list[str] = []
    with run_dbt(settings, "run", "--select", f"fqn:{project}.core", f"fqn:{project}.marts") as command:
        for line in command.lines:
            told = [*told[-_ERRORS_SHOWN:], line.strip()]
            _note(line, failures)
        code = command.wait()
    if code:
        words = "\n".join(failures[:_ERRORS_SHOWN] or told)
        # Ctrl-C goes to dbt as well, and dbt may have ended of it before it was noticed here.
        if "KeyboardInterrupt" in words:
            raise KeyboardInterrupt
        raise GuikeError(
            t("dbt failed on the copy:\n{reason}", reason=why_it_failed(code, words)),
            t("Run `guike run`: if that works and this doesn't, report it."),
        )


def _note(line: str, failures: list[str]) -> None:
    """Tell of each relation that is done; collect errors."""
    try:
        event = json.loads(line)
        info, data = event["info"], event.get("data") or {}
    except (ValueError, KeyError, TypeError):
        return
    if info["level"] == "error":
        failures.append(info["msg"].strip())
    elif info["name"] == "LogModelResult":
        relation = (data.get("node_info") or {}).get("node_name", "")
        _log.info(
            t("{done} of {total}: {relation}", done=data["index"], total=data["total"], relation=relation)
        )


def _name(con: duckdb.DuckDBPyConnection, customer_id: str) -> str | None:
    row = con.execute(
        "select customer_name from core.dim_customers where customer_id = ?", [customer_id]
    ).fetchone()
    return row[0] if row else None


_REVENUE = """
    with after as (
        select year(ordered_on) as year, sum(amount_gross) as revenue
        from core.fct_orders where is_revenue and customer_id = $kept group by all)
    select coalesce(before.year, after.year) as year,
        max(before.revenue) filter (customer_id = $kept) as kept,
        max(before.revenue) filter (customer_id = $merged) as merged, any_value(after.revenue) as after
    from (from preview.revenue where customer_id in ($kept, $merged)) as before full join after using (year)
    group by all
    order by year
"""

_TIERS = """
    with either as (
        select scheme, period_year, is_complete, tier_name_{language} as tier, spend_place,
            case customer_id when $kept then 'kept' else 'merged' end as who
        from preview.tiers where customer_id in ($kept, $merged)
        union all
        select scheme, period_year, is_complete, tier_name_{language}, spend_place, 'after'
        from marts.customer_tiers where customer_id = $kept)
    select scheme, period_year as year, bool_and(is_complete) as is_complete,
        max(tier) filter (who = 'kept') as kept, max(tier) filter (who = 'merged') as merged,
        max(tier) filter (who = 'after') as after,
        max(spend_place) filter (who = 'kept') as place_kept,
        max(spend_place) filter (who = 'merged') as place_merged,
        max(spend_place) filter (who = 'after') as place_after
    from either
    group by all
    order by scheme, year
"""

_OTHERS_TIERS = """
    create or replace temp table other_tiers as
    select customer_id, scheme, period_year as year,
        coalesce(after.tier_rank > before.tier_rank, before.tier_rank is null) as is_up
    from preview.tiers as before full join marts.customer_tiers as after
        using (customer_id, scheme, period_year)
    where before.tier_code is distinct from after.tier_code and customer_id not in ($kept, $merged)
"""
_OTHERS_CHURN = """
    create or replace temp table other_churn as
    select distinct customer_id from (
        (from preview.churn except from marts.customer_churn)
        union all (from marts.customer_churn except from preview.churn))
    where customer_id not in ($kept, $merged)
"""


def _others(con: duckdb.DuckDBPyConnection, both: dict[str, str]) -> dict[str, Any]:
    """Who else changes: a rank shared out anew, a threshold by share, a window that depends on the class."""
    con.execute(_OTHERS_TIERS, both)
    con.execute(_OTHERS_CHURN, both)
    row = con.execute(
        "select (select count(*) from other_churn), count(distinct customer_id) "
        "from (select customer_id from other_tiers union all select customer_id from other_churn)"
    ).fetchone()
    tiers = _rows(
        con,
        "select scheme, year, count(*) as customers, count(*) filter (is_up) as up, "
        "count(*) filter (not is_up) as down from other_tiers group by all order by scheme, year",
        {},
    )
    return {"tiers": tiers, "churn": row[0] if row else 0, "customers": row[1] if row else 0}


def _rows(con: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    cursor = con.execute(sql, parameters)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
