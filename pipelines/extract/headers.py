"""Which columns of a file are the table's, although people write their names a little otherwise each time.

Comes in: the cells of a file's first lines. Goes out: the line that names the columns, and for each column of
the spec its place in that line. Width (（ or (), spaces and line breaks within a name say nothing; a unit in
brackets is looked at only where the spec names one. Everything else that differs is drift, and is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

from pipelines.errors import GuikeError
from pipelines.extract.guards import match_columns
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.i18n import t

FILE_NAME = "@file"
SHEET_NAME = "@sheet"
DELETED = "@deleted"
SEARCHED_LINES = 50

_UNIT_WORDS = "元|千元|万元|百万元|亿元|角|分|美元|万美元|%|‰|个|件|吨|公斤|千克|kg|小时|天"
_UNIT = re.compile(
    rf"(?P<base>.*?)[(\[【/:,,](?:单位:?)?(?P<unit>(?:人民币)?(?:{_UNIT_WORDS}))[)\]】]?", re.I
)
_TITLE_UNIT = re.compile(rf"单位:?(?P<unit>(?:人民币)?(?:{_UNIT_WORDS}))(?![a-z])", re.I)


@cache
def fold(name: str) -> str:
    """`name` without what people don't see: width, spaces, line breaks."""
    return "".join(unicodedata.normalize("NFKC", name).split())


def find_header(table: TableSpec, lines: Sequence[Sequence[str]]) -> int | None:
    """The index of the first line that has all the table's columns, or None."""
    wanted = [column.source for column in table.columns if not column.source.startswith("@")]
    for index, line in enumerate(lines):
        if set(wanted) <= set(_renamed(table, line)):
            return index
    return None


def likeliest_header(table: TableSpec, lines: Sequence[Sequence[str]]) -> int:
    """Where none has them all, the line with most of them, then with most cells: for the message."""
    wanted = {fold(column.source) for column in table.columns}

    def likeness(index: int) -> tuple[int, int, int]:
        cells = [fold(cell) for cell in lines[index] if cell.strip()]
        return len(wanted & set(cells)), len(cells), -index

    return max(range(len(lines)), key=likeness, default=0)


def pick_columns(
    spec: SystemSpec,
    table: TableSpec,
    header: Sequence[str],
    where: str,
    *,
    titles: Sequence[str] = (),
    offered: Sequence[str] = (FILE_NAME,),
) -> list[int | str]:
    """For each column of the table its place in `header`, or its source name where it is one of `offered`.

    Args:
        titles: the text above the header, which may name the unit of all amounts.

    Raises:
        GuikeError: columns are missing, new or there twice, or a unit isn't the one of the spec.
    """
    asked = [c.source for c in table.columns if c.source in offered]
    names = [*_renamed(table, header), *asked]
    matched = match_columns(spec, table, names, where)
    _check_units(spec, table, header, names, titles, where)
    return [name if name in asked else names.index(name) for name in matched]


def _renamed(table: TableSpec, header: Sequence[str]) -> list[str]:
    """The header with the spec's own names where they mean the same."""
    names = [name.strip() for name in header]
    folded: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        folded.setdefault(fold(name), []).append(index)
        if table.units and (match := _UNIT.fullmatch(fold(name))):
            folded.setdefault(match["base"], []).append(index)
    for column in table.columns:
        if column.source not in names:
            alike = folded.get(fold(column.source), [])
            has_unit = column.name in table.units
            for index in alike:
                if has_unit or fold(names[index]) == fold(column.source):
                    names[index] = column.source
    return names


def _check_units(
    spec: SystemSpec,
    table: TableSpec,
    header: Sequence[str],
    names: Sequence[str],
    titles: Sequence[str],
    where: str,
) -> None:
    in_title = next((m["unit"] for text in titles if (m := _TITLE_UNIT.search(fold(text)))), None)
    for column in table.columns:
        wanted = table.units.get(column.name)
        if wanted is None:
            continue
        match = _UNIT.fullmatch(fold(header[names.index(column.source)]))
        found = match["unit"] if match else in_title
        if found and found.removeprefix("人民币") != wanted.removeprefix("人民币"):
            raise GuikeError(
                t("{where}: the column {column} is in {found}, but the spec says {wanted}.", where=where,
                  column=column.source, found=found, wanted=wanted),
                t("Check the amounts, then the units of table {table} in pipelines/systems/{system}.yml.",
                  table=table.name, system=spec.name),
            )  # fmt: skip
