"""One owner's fix list as a workbook: the list, and a sheet that says how to read it.

Comes in: rows of `fix_rows` in order. Goes out: an .xlsx file in which every text is text
(quality.fix_cells), with a heading that stays, filters and widths for reading, on paper too. Written by
openpyxl's streaming mode: a sheet's rows are on the disk as soon as they are made.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.formatting.rule import Rule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.utils import get_column_letter

from pipelines.i18n import language, t
from quality.fix_cells import cell_text
from quality.fix_words import field_words, urgencies

ROWS_PER_SHEET = 1_000_000
"""Excel takes 1,048,576."""

_INK, _PALE, _RED, _AMBER = "FF1F3A5F", "FFF1F5FA", "FFFBE3E1", "FFFDF2DC"
_LINE = Side(style="hair", color="FFB8C4D2")
_HEAD = {
    "font": Font(bold=True, color="FFFFFFFF"),
    "fill": PatternFill("solid", fgColor=_INK),
    "alignment": Alignment(vertical="center", wrap_text=True),
}
_LINE_POINTS, _MOST_LINES = 15.0, 8
_BODY = {"alignment": Alignment(vertical="top"), "border": Border(bottom=_LINE)}
_WRAPPED = {"alignment": Alignment(vertical="top", wrap_text=True), "border": Border(bottom=_LINE)}
_KNOWN = _WRAPPED | {"font": Font(bold=True, color="FF1A6B43")}

Row = Mapping[str, str | datetime | None]


@dataclass(frozen=True)
class Overview:
    """What the second sheet says.

    Attributes:
        owner: empty for what is nobody's.
        rules: title, severity and number of rows of each rule.
    """

    company: str
    owner: str
    department: str | None
    as_of: date
    records: int
    rules: list[tuple[str, str, int]]


def write_workbook(
    path: Path, overview: Overview, rows: Iterable[Row], systems: Mapping[str, str], zone: ZoneInfo
) -> None:
    """Write the workbook beside `path` and put it there in one step, readable by its owner alone.

    Args:
        systems: name of a system -> its title.
        zone: the company's, for the days on which something was first seen.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    book = Workbook(write_only=True)
    who = overview.owner or t("nobody")
    book.properties.title = cell_text(f"{t('Fix list')}: {who}")
    book.properties.creator = "Guike"
    try:
        _write_lists(book, rows, systems, zone)
        _write_overview(book, overview)
        os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        book.save(beside)  # by name: an archive whose file is closed under it complains when collected
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        for sheet in book.worksheets:
            with suppress(Exception):
                sheet.close()  # else openpyxl complains when it is collected
        raise


def _columns() -> list[tuple[str, float, dict[str, Any]]]:
    """Heading, width in characters and style of each column."""
    return [
        (t("No."), 6, _BODY), (t("Urgency"), 11, _BODY), (t("System"), 22, _WRAPPED), (t("Table"), 19, _BODY),
        (t("Record"), 19, _WRAPPED), (t("Customer"), 26, _WRAPPED), (t("What was checked"), 22, _WRAPPED),
        (t("What is wrong"), 42, _WRAPPED), (t("What to do"), 42, _WRAPPED), (t("Field"), 15, _BODY),
        (t("Value now"), 24, _WRAPPED), (t("Best value known elsewhere"), 24, _KNOWN),
        (t("Who says so"), 20, _WRAPPED), (t("First seen"), 12, _BODY), (t("Returned"), 12, _BODY),
    ]  # fmt: skip


def _write_lists(book: Any, rows: Iterable[Row], systems: Mapping[str, str], zone: ZoneInfo) -> None:
    """As many sheets as the rows need."""
    columns, values_of = _columns(), _Values(systems, zone)
    # What can have several lines, and how wide its column is.
    wrapped = [(place, int(width)) for place, (_, width, style) in enumerate(columns) if style is not _BODY]
    sheet, written, sheets = None, 0, 0
    cells: list[Any] = []
    for number, row in enumerate(rows, start=1):
        if sheet is None or written == ROWS_PER_SHEET:
            if sheet is not None:
                _finish_list(sheet, written)
            sheets += 1
            sheet, cells = _new_list(
                book, t("Fix list") if sheets == 1 else f"{t('Fix list')} {sheets}", columns
            )
            written = 0
        values = values_of(number, row)
        for cell, value in zip(cells, values, strict=True):
            cell.value = value
        written += 1
        lines = max(_lines_of(values[place] or "", width) for place, width in wrapped)
        sheet.row_dimensions[written + 1].height = _LINE_POINTS * lines
        sheet.append(cells)
        # It has been written; kept, the heights of a hundred thousand rows would take more than the rows.
        sheet.row_dimensions.pop(written + 1)
    if sheet is not None:
        _finish_list(sheet, written)


class _Values:
    """The cells of a row; whatever comes from a system goes through `cell_text`.

    Args:
        systems: name -> title. zone: the company's.
    """

    def __init__(self, systems: Mapping[str, str], zone: ZoneInfo) -> None:
        zh = language() == "zh"
        self._texts = ("title_zh", "message_zh", "remedy_zh") if zh else ("title_en", "message", "remedy")
        self._systems, self._zone = systems, zone
        self._urgency, self._fields = urgencies(), field_words()

    def __call__(self, number: int, row: Row) -> tuple[Any, ...]:
        title, message, remedy = (self._text(row[name]) for name in self._texts)
        severity, field = str(row["severity"]), str(row["field"])
        return (
            number, self._urgency.get(severity, severity), self._titles(row["system"]),
            self._text(row["source_table"]), self._text(row["source_id"]), self._text(row["customer_name"]),
            title or self._text(row["rule_id"]), message, remedy, self._text(self._fields.get(field, field)),
            self._text(row["value"]), self._text(row["best_value"]), self._titles(row["best_from"]),
            self._day(row["first_seen_at"]), self._day(row["returned_at"]),
        )  # fmt: skip

    def _text(self, value: str | datetime | None) -> str | None:
        return cell_text(None if value is None else str(value))

    def _titles(self, names: str | datetime | None) -> str | None:
        return (
            cell_text(", ".join(self._systems.get(one, one) for one in str(names).split(", ")))
            if names
            else None
        )

    def _day(self, moment: str | datetime | None) -> date | None:
        return (
            moment.replace(tzinfo=UTC).astimezone(self._zone).date() if isinstance(moment, datetime) else None
        )


@lru_cache(maxsize=20_000)
def _lines_of(text: str, width: int) -> int:
    """Lines of `text` in a column of so many Latin letters; a Chinese character is as wide as two.

    Not every program measures wrapped text when it opens a workbook, so each row says its height.
    """
    if len(text) * 2 <= width:
        return 1
    wide = sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text[: width * _MOST_LINES])
    return min(_MOST_LINES, max(1, -(-wide // (width - 2))))


def _new_list(
    book: Any, title: str, columns: list[tuple[str, float, dict[str, Any]]]
) -> tuple[Any, list[Any]]:
    """An empty sheet with its heading, and the cells that every row of it is written with."""
    sheet = book.create_sheet(title)
    for position, (_, width, _) in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(position)].width = width
    sheet.freeze_panes = "F2"
    sheet.row_dimensions[1].height = 32
    sheet.sheet_view.zoomScale = 90
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"
    sheet.append([_styled(sheet, heading, _HEAD) for heading, _, _ in columns])
    cells = [_styled(sheet, None, style) for _, _, style in columns]
    for cell in cells[-2:]:
        cell.number_format = "yyyy-mm-dd"
    return sheet, cells


def _finish_list(sheet: Any, rows: int) -> None:
    last = f"{get_column_letter(len(_columns()))}{rows + 1}"
    sheet.auto_filter.ref = f"A1:{last}"
    urgent = f'$B2="{urgencies()["error"]}"'
    for formula, colour in ((urgent, _RED), (f"NOT({urgent})", _AMBER)):
        style = DifferentialStyle(fill=PatternFill("solid", bgColor=colour))
        sheet.conditional_formatting.add(
            f"B2:B{rows + 1}", Rule(type="expression", dxf=style, formula=[formula])
        )


def _write_overview(book: Any, overview: Overview) -> None:
    sheet = book.create_sheet(t("Overview"))
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 46, 16
    sheet.column_dimensions["C"].width = 14
    bold, title = {"font": Font(bold=True)}, {"font": Font(bold=True, size=15, color=_INK)}
    owner = overview.owner or t("nobody")
    if overview.department:
        owner = f"{owner} · {overview.department}"
    sheet.append([_styled(sheet, cell_text(f"{t('Fix list')}: {owner}"), title)])
    sheet.append([cell_text(t("{company}, as of {as_of}", company=overview.company, as_of=overview.as_of))])
    sheet.append([])
    heads = (t("What was checked"), t("Urgency"), t("Issues"))
    sheet.append([_styled(sheet, head, _HEAD) for head in heads])
    words = urgencies()
    for name, severity, issues in overview.rules:
        sheet.append([
            _styled(sheet, cell_text(name), _WRAPPED), _styled(sheet, words.get(severity, severity), _BODY),
            _styled(sheet, issues, _BODY),
        ])  # fmt: skip
    total = sum(issues for _, _, issues in overview.rules)
    sheet.append([
        _styled(sheet, t("All, in {records:,} records", records=overview.records), bold), None,
        _styled(sheet, total, bold),
    ])  # fmt: skip
    sheet.append([])
    for line in _explanations(bool(overview.owner)):
        sheet.append([_styled(sheet, line, {"alignment": Alignment(wrap_text=True, vertical="top")})])


def _explanations(has_owner: bool) -> list[str]:
    lines = [
        t("Mend each record in its own system, not in this list. The next run reads it again; what is right "
          "then leaves the list by itself."),
        t("Set aside: the record is in no figure until it is mended. Flagged: it counts, but something about "
          "it is wrong."),
        t("The best value known elsewhere comes from another system. Ask the customer before you take it."),
        t("A text that begins with ' would begin with a sign that spreadsheets take for a formula."),
    ]  # fmt: skip
    if not has_owner:
        lines.insert(
            0,
            t("No employee who is still here is named in these records; they are for whoever looks after the "
              "system."),
        )  # fmt: skip
    return lines


def _styled(sheet: Any, value: Any, style: Mapping[str, Any]) -> Any:
    cell = WriteOnlyCell(sheet, value)
    for name, part in style.items():
        setattr(cell, name, part)
    return cell
