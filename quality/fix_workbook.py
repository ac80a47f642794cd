"""One owner's fix list as a workbook: the list, and a sheet that says how to read it.

Comes in: rows of `fix_rows` in order. Goes out: an .xlsx file in which every text is text
(quality.fix_cells), with a heading that stays, filters and widths for reading, on paper too. Written by
openpyxl's streaming mode: a sheet's rows are on the disk as soon as they are made.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
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

ROWS_PER_SHEET = 1_000_000
"""Excel takes 1,048,576."""

_INK, _PALE, _RED, _AMBER = "FF1F3A5F", "FFF1F5FA", "FFFBE3E1", "FFFDF2DC"
_LINE = Side(style="hair", color="FFB8C4D2")
_HEAD = {
    "font": Font(bold=True, color="FFFFFFFF"),
    "fill": PatternFill("solid", fgColor=_INK),
    "alignment": Alignment(vertical="center", wrap_text=True),
}
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
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            book.save(file)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _columns() -> list[tuple[str, float, dict[str, Any]]]:
    """Heading, width in characters and style of each column."""
    return [
        (t("No."), 6, _BODY), (t("Urgency"), 11, _BODY), (t("System"), 18, _WRAPPED), (t("Table"), 19, _BODY),
        (t("Record"), 16, _BODY), (t("Customer"), 24, _WRAPPED), (t("What was checked"), 22, _WRAPPED),
        (t("What is wrong"), 42, _WRAPPED), (t("What to do"), 42, _WRAPPED), (t("Field"), 15, _BODY),
        (t("Value now"), 24, _WRAPPED), (t("Best value known elsewhere"), 24, _KNOWN),
        (t("Who says so"), 20, _WRAPPED), (t("First seen"), 12, _BODY), (t("Returned"), 12, _BODY),
    ]  # fmt: skip


def _write_lists(book: Any, rows: Iterable[Row], systems: Mapping[str, str], zone: ZoneInfo) -> None:
    """As many sheets as the rows need."""
    urgency = {"error": t("Set aside"), "warn": t("Flagged")}
    sheet, written, sheets = None, 0, 0
    cells: list[Any] = []
    for number, row in enumerate(rows, start=1):
        if sheet is None or written == ROWS_PER_SHEET:
            if sheet is not None:
                _finish_list(sheet, written, urgency["error"])
            sheets += 1
            sheet, cells = _new_list(book, t("Fix list") if sheets == 1 else f"{t('Fix list')} {sheets}")
            written = 0
        for cell, value in zip(cells, _values(number, row, urgency, systems, zone), strict=True):
            cell.value = value
        sheet.append(cells)
        written += 1
    if sheet is not None:
        _finish_list(sheet, written, urgency["error"])


def _values(
    number: int, row: Row, urgency: Mapping[str, str], systems: Mapping[str, str], zone: ZoneInfo
) -> tuple[Any, ...]:
    """The cells of one row; whatever comes from a system goes through `cell_text`."""
    zh = language() == "zh"

    def text(name: str) -> str | None:
        value = row[name]
        return cell_text(None if value is None else str(value))

    def day(name: str) -> date | None:
        value = row[name]
        if not isinstance(value, datetime):
            return None
        return value.replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).date()

    def titles(names: str | None) -> str | None:
        return cell_text(", ".join(systems.get(name, name) for name in names.split(", "))) if names else None

    told_by, system = row["best_from"], str(row["system"])
    return (
        number, urgency.get(str(row["severity"]), str(row["severity"])), titles(system), text("source_table"),
        text("source_id"), text("customer_name"), text("title_zh" if zh else "title_en") or text("rule_id"),
        text("message_zh" if zh else "message"), text("remedy_zh" if zh else "remedy"), text("field"),
        text("value"), text("best_value"), titles(str(told_by)) if told_by else None,
        day("first_seen_at"), day("returned_at"),
    )  # fmt: skip


def _new_list(book: Any, title: str) -> tuple[Any, list[Any]]:
    """An empty sheet with its heading, and the cells that every row of it is written with."""
    sheet = book.create_sheet(title)
    columns = _columns()
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


def _finish_list(sheet: Any, rows: int, set_aside: str) -> None:
    last = f"{get_column_letter(len(_columns()))}{rows + 1}"
    sheet.auto_filter.ref = f"A1:{last}"
    urgent = f'$B2="{set_aside}"'
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
    words = {"error": t("Set aside"), "warn": t("Flagged")}
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
            0, t("No employee is named in these records; they are for whoever looks after the system.")
        )
    return lines


def _styled(sheet: Any, value: Any, style: Mapping[str, Any]) -> Any:
    cell = WriteOnlyCell(sheet, value)
    for name, part in style.items():
        setattr(cell, name, part)
    return cell
