"""Rows of sheets of an Excel workbook (xlsx, xls, xlsb, ods), as text.

Comes in: a workbook and the sheet's name, or a pattern for several sheets (1月, 2月, …) of one form. Goes
out: Arrow batches. calamine reads the cells; they become text a column at a time. What calamine would give
as an empty cell without a word (#N/A, a formula never calculated) is looked up in the file's XML.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from glob import has_magic
from itertools import chain, islice
from typing import Any

import pyarrow as pa
import python_calamine

from pipelines.errors import GuikeError
from pipelines.extract.batches import BATCH_ROWS, batch_from_columns
from pipelines.extract.headers import (
    FILE_NAME,
    SEARCHED_LINES,
    SHEET_NAME,
    find_header,
    likeliest_header,
    pick_columns,
)
from pipelines.extract.parts import Findings, Part
from pipelines.extract.rows import RowFilter
from pipelines.extract.sheet_faults import refuse_faults
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.extract.text_values import cell_text, column_text
from pipelines.i18n import t

_COMPOUND_FILE = bytes.fromhex("D0CF11E0A1B11AE1")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_DIRECTORY_BYTES = 4 << 20


def read_excel(
    spec: SystemSpec, table: TableSpec, part: Part, findings: Findings
) -> Iterator[pa.RecordBatch]:
    """The rows of the sheet `table.source`, or of all visible sheets that the pattern fits.

    Raises:
        GuikeError: no workbook, a password, no such sheet, no header, other columns, cells without a value.
    """
    book = _open(part)
    for name in _sheets(spec, table, part, book):
        yield from _read_sheet(spec, table, part, book.get_sheet_by_name(name), findings)


def _read_sheet(
    spec: SystemSpec, table: TableSpec, part: Part, sheet: python_calamine.CalamineSheet, findings: Findings
) -> Iterator[pa.RecordBatch]:
    where = f"{part.name}, {sheet.name}"
    lines = iter(sheet.iter_rows())
    top = list(islice(lines, table.header_row or SEARCHED_LINES))
    texts = [[(cell_text(cell) or "").strip() for cell in line] for line in top]
    found = table.header_row - 1 if table.header_row else find_header(table, texts)
    at = likeliest_header(table, texts) if found is None else found
    if at >= len(texts) or not any(texts[at]):
        raise GuikeError(
            t("{file}, {sheet}: line {line} has no column names.", file=part.name, sheet=sheet.name,
              line=at + 1),
            t("Put header_row of table {table} in pipelines/systems/{system}.yml right.",
              table=table.name, system=spec.name),
        )  # fmt: skip
    header, titles = texts[at], [cell for line in texts[:at] for cell in line]
    offered = (FILE_NAME, SHEET_NAME)
    picks = pick_columns(spec, table, header, where, titles=titles, offered=offered)
    findings.header_row = at + 1
    refuse_faults(spec, table, part, sheet.name, at + 1, [pick for pick in picks if isinstance(pick, int)])
    rows, left_out = RowFilter(table, header, picks, where), findings.left_out
    named = {FILE_NAME: part.name, SHEET_NAME: sheet.name}
    data = chain(top[at + 1 :], lines)
    while some := list(islice(data, BATCH_ROWS)):
        kept = rows.keep([column_text(column) for column in zip(*some, strict=True)])
        findings.left_out = left_out + rows.left_out
        arrays = [kept[p] if isinstance(p, int) else pa.repeat(named[p], len(kept[0])) for p in picks]
        if len(kept[0]):
            yield batch_from_columns(table, arrays)


def _open(part: Part) -> Any:
    with part.path.open("rb") as file:
        start = file.read(_DIRECTORY_BYTES)
    try:
        if start.startswith(_COMPOUND_FILE) and _ENCRYPTED in start:
            raise python_calamine.PasswordError
        with part.path.open("rb") as file:
            return python_calamine.CalamineWorkbook.from_filelike(file)
    except python_calamine.PasswordError:
        raise GuikeError(
            t("{file} is protected by a password.", file=part.name),
            t("Save it without a password (File, Info, Protect Workbook), or have it exported so."),
        ) from None
    except (python_calamine.CalamineError, ValueError, OSError) as error:
        if isinstance(error, OSError) and error.filename:
            raise
        raise GuikeError(
            t("{file} is no readable workbook: {reason}", file=part.name, reason=error),
            t("Open it in Excel, save it as .xlsx, and without a password."),
        ) from None


def _sheets(
    spec: SystemSpec, table: TableSpec, part: Part, book: python_calamine.CalamineWorkbook
) -> Sequence[str]:
    """A sheet that is named is read although hidden; a pattern takes those that people see."""
    if table.source in book.sheet_names:
        return [table.source]
    visible = python_calamine.SheetVisibleEnum.Visible
    fitting = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible == visible and fnmatchcase(sheet.name, table.source)
    ]
    if not fitting or not has_magic(table.source):
        raise GuikeError(
            t("{file} has no sheet '{sheet}'. It has: {sheets}.", file=part.name, sheet=table.source,
              sheets=", ".join(book.sheet_names)),
            t("Put the source of table {table} in pipelines/systems/{system}.yml right.",
              table=table.name, system=spec.name),
        )  # fmt: skip
    return fitting
