"""Fix lists: one workbook per owner, with what is wrong in which record, and what to do about it.

Comes in: the working file after a run. Goes out: `<folder>/<owner>.xlsx`, for people who have Excel or WPS
and nothing else. Values are plain, unless asked otherwise: who is to mend a telephone number must read it.
Rows are streamed, so that a hundred thousand of them take no more memory than ten; a workbook is written
beside and put in place in one step. Lists of owners who have nothing left to mend are deleted, if they were
made by this.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from pipelines.errors import GuikeError
from pipelines.i18n import language, t
from pipelines.settings import Settings
from quality.fix_rows import COLUMNS, make_fix_rows
from quality.fix_workbook import Overview, write_workbook
from quality.frames import columns_of

_MADE = ".guike-fix-lists.json"
_AT_ONCE = 5_000
_LONGEST_NAME = 60
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u200b-\u200f\u202a-\u202e\u2060\ufeff]')
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


@dataclass(frozen=True)
class FixList:
    """One owner's workbook.

    Attributes:
        owner: the employee's name; empty for what is nobody's.
        records: how many records are in it; issues: how many rows.
        set_aside: issues that keep their record out of all figures.
    """

    owner: str
    department: str | None
    records: int
    issues: int
    set_aside: int
    path: Path


def write_fix_lists(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    folder: Path,
    *,
    owner: str | None = None,
    masked: bool = False,
) -> list[FixList]:
    """Write the workbooks of all owners, or of one; gives them, the longest first.

    Args:
        con: the working file; nothing in it is changed.
        owner: an employee's name as the systems write it, or the word for nobody.

    Raises:
        GuikeError: no gate has run yet, or nobody of that name has anything to mend.
    """
    if not columns_of(con, "quality", "record_issues"):
        raise GuikeError(t("No gate has run yet."), t("Run `guike run` first."))
    make_fix_rows(con, settings, masked=masked)
    lists = _planned(con, folder)
    if owner is not None:
        lists = [one for one in lists if owner in (one.owner, one.owner or t("nobody"))]
        if not lists:
            raise GuikeError(
                t("There is nothing to mend for {owner}.", owner=owner),
                t("`guike quality fixlist` without --owner writes everybody's list and names them."),
            )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_all(con, settings, lists, None if owner is None else lists[0].owner)
        _remember(folder, lists, is_complete=owner is None)
    except OSError as error:
        raise GuikeError(
            t("Nothing can be written to {folder}: {reason}", folder=folder, reason=error.strerror or error),
            t("Give another folder with --folder, or see that there is room and that you may write there."),
        ) from error
    return sorted(lists, key=lambda one: (-one.issues, one.owner))


def _planned(con: duckdb.DuckDBPyConnection, folder: Path) -> list[FixList]:
    rows = con.execute(
        """select owner, max(department), count(distinct (system, source_table, source_id)), count(*),
            count(*) filter (where severity = 'error')
        from fix_rows group by owner order by owner = '', owner"""
    ).fetchall()
    names = _file_names([row[0] for row in rows])
    return [
        FixList(owner, department, records, issues, set_aside, folder / name)
        for (owner, department, records, issues, set_aside), name in zip(rows, names, strict=True)
    ]


def _file_names(owners: list[str]) -> list[str]:
    """A file name for each owner that every operating system takes, no two alike."""
    taken: set[str] = set()
    names = []
    for owner in owners:
        stem = _NOT_IN_NAMES.sub("_", owner or t("nobody")).strip(" .")[:_LONGEST_NAME].rstrip(" .")
        if not stem or _DEVICES.fullmatch(stem):
            stem = f"_{stem}"
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem} ({number})"
        taken.add(name.casefold())
        names.append(f"{name}.xlsx")
    return names


def _write_all(
    con: duckdb.DuckDBPyConnection, settings: Settings, lists: list[FixList], only: str | None
) -> None:
    by_owner = {one.owner: one for one in lists}
    rules = _by_rule(con)
    titles = _system_titles(con)
    zone = ZoneInfo(settings.timezone)
    for owner, rows in groupby(_rows(con, only), key=lambda row: str(row["owner"])):
        one = by_owner[owner]
        overview = Overview(
            settings.company[language()], owner, one.department, settings.as_of, one.records, rules[owner]
        )
        write_workbook(one.path, overview, rows, titles, zone)


def _rows(con: duckdb.DuckDBPyConnection, only: str | None) -> Iterator[dict[str, str | datetime | None]]:
    """The rows of all owners or of one, as they are ordered, some at a time."""
    where, values = ("where owner = ?", [only]) if only is not None else ("", [])
    # Not by a cursor of its own: temporary tables are the connection's.
    con.execute(f"select {', '.join(COLUMNS)} from fix_rows {where} order by place", values)
    while rows := con.fetchmany(_AT_ONCE):
        for row in rows:
            yield dict(zip(COLUMNS, row, strict=True))


def _by_rule(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[str, str, int]]]:
    """Owner -> title, severity and number of rows of each rule, the most frequent first."""
    found: dict[str, list[tuple[str, str, int]]] = {}
    rows = con.execute(
        f"select owner, coalesce(title_{language()}, rule_id), severity, count(*) as issues from fix_rows "
        "group by all order by owner, severity, issues desc, 2"
    ).fetchall()
    for owner, title, severity, issues in rows:
        found.setdefault(owner, []).append((title, severity, issues))
    return found


def _system_titles(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(con.execute(f"select system, title_{language()} from ops.systems").fetchall())


def _remember(folder: Path, lists: list[FixList], *, is_complete: bool) -> None:
    """Keep which files were made here; of a complete set, those made before and not now are out of date."""
    note = folder / _MADE
    try:
        before = {str(name) for name in json.loads(note.read_text(encoding="utf-8"))}
    except (OSError, ValueError, TypeError):
        before = set()
    now = {one.path.name for one in lists}
    if is_complete:
        for name in before - now:
            if Path(name).name == name and name.endswith(".xlsx"):
                (folder / name).unlink(missing_ok=True)
    beside = folder / f"{_MADE}.new"
    beside.write_text(json.dumps(sorted(now if is_complete else before | now), ensure_ascii=False), "utf-8")
    os.replace(beside, note)
