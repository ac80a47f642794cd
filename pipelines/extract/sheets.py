"""Rows of a sheet of an Excel workbook (xlsx, xls, xlsb, ods), as text.

Comes in: a workbook, the sheet's name, the line of the column names, the words that mark totals. Goes out:
the header and the data rows. Blank rows and rows of totals are left out: a total counts money twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import python_calamine

from pipelines.errors import GuikeError
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.extract.text_values import cell_text
from pipelines.i18n import t


def read_sheet(
    spec: SystemSpec, table: TableSpec, path: Path
) -> tuple[list[str], Iterator[Sequence[str | None]]]:
    """The header and the rows of the sheet `table.source`.

    Raises:
        GuikeError: no workbook, no such sheet, no such header row.
    """
    try:
        book = python_calamine.CalamineWorkbook.from_path(path)
    except python_calamine.CalamineError as error:
        raise GuikeError(
            t("{file} is no readable workbook: {reason}", file=path.name, reason=error),
            t("Open it in Excel, save it as .xlsx, and without a password."),
        ) from None
    if table.source not in book.sheet_names:
        raise GuikeError(
            t("{file} has no sheet '{sheet}'. It has: {sheets}.", file=path.name, sheet=table.source,
              sheets=", ".join(book.sheet_names)),
            t("Put the source of table {table} in pipelines/systems/{system}.yml right.",
              table=table.name, system=spec.name),
        )  # fmt: skip
    lines = iter(book.get_sheet_by_name(table.source).iter_rows())
    header = next(islice(lines, table.header_row - 1, None), None)
    if header is None or not any(cell_text(cell) for cell in header):
        raise GuikeError(
            t("{file}, {sheet}: line {line} has no column names.", file=path.name, sheet=table.source,
              line=table.header_row),
            t("Put header_row of table {table} in pipelines/systems/{system}.yml right.",
              table=table.name, system=spec.name),
        )  # fmt: skip
    rows = ([cell_text(cell) for cell in line] for line in lines)
    return [(cell_text(cell) or "").strip() for cell in header], skip_totals(rows, table.skip_totals)


def skip_totals(rows: Iterable[Sequence[str | None]], words: Sequence[str]) -> Iterator[Sequence[str | None]]:
    """The rows that aren't blank and whose first filled cell isn't one of `words` (spaces, colon aside)."""
    for row in rows:
        first = next((cell for cell in row if cell and cell.strip()), None)
        if first is not None and "".join(first.split()).rstrip(":：") not in words:
            yield row
