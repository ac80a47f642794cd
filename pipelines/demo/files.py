"""Writers for the file systems: workbook, CSV, JSON lines, Parquet, text; the same bytes every time.

Comes in: `Table`s. Goes out: files. Nothing of the clock gets in: the workbook's zip entries and document
properties carry a fixed date.
"""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import Workbook
from openpyxl.worksheet.cell_range import CellRange

from pipelines.demo.fabric import Objects, texts
from pipelines.demo.tables import Table

_FIXED_ZIP_TIME = (2026, 6, 30, 18, 0, 0)
_FIXED_STAMP = b"2026-06-30T10:00:00Z"
_LINES_AT_ONCE = 100_000


def write_workbook(path: Path, sheets: list[tuple[str, str | None, Table, list[str]]]) -> None:
    """One workbook; each sheet is (name, title or None, rows, columns to add up in a last row 合计).

    A title stands in merged cells of row 1, with an empty row 2, so that the header is row 3; without a
    title the header is row 1.
    """
    book = Workbook(write_only=True)
    for name, title, table, totals in sheets:
        sheet = book.create_sheet(name)
        columns = list(table.columns)
        if title:
            sheet.append([title])
            sheet.append([])
            sheet.merged_cells.ranges.add(CellRange(min_col=1, min_row=1, max_col=len(columns), max_row=1))
        sheet.append(columns)
        for row in table.chunk(0, len(table)):
            sheet.append(row)
        if totals:
            sums = {column: round(float(np.sum(table.columns[column])), 6) for column in totals}
            sheet.append(["合计", *(sums.get(column) for column in columns[1:])])
    book.save(path)
    _strip_clock(path)


def _strip_clock(path: Path) -> None:
    """Rewrite the zip with fixed times, in the names' order."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in sorted(archive.namelist())}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in parts.items():
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", _FIXED_STAMP, content)
            info = zipfile.ZipInfo(name, _FIXED_ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)


def write_csv(path: Path, table: Table, encoding: str) -> None:
    """Comma-separated values with a header; the demo's values need no quotes."""
    parts: list[Any] = list(table.columns.values())
    with path.open("w", encoding=encoding, newline="") as file:
        file.write(",".join(table.columns) + "\r\n")
        for start in range(0, len(table), _LINES_AT_ONCE):
            pieces = [part[start : start + _LINES_AT_ONCE] for part in parts]
            lines = pieces[0]
            for piece in pieces[1:]:
                lines = lines + "," + piece
            file.write("\r\n".join(lines.tolist()) + "\r\n")


def write_json_lines(path: Path, table: Table) -> None:
    """One JSON object a line, in the order of the columns; None is null."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for start in range(0, len(table), _LINES_AT_ONCE):
            stop = start + _LINES_AT_ONCE
            line: Any = ""
            for position, (name, column) in enumerate(table.columns.items()):
                head = ("{" if position == 0 else ", ") + json.dumps(name) + ": "
                line = line + head + _json_values(column[start:stop])
            file.write("\n".join((line + "}").tolist()) + "\n")


def _json_values(column: Any) -> Objects:
    """JSON of each value; the demo's texts hold nothing that JSON would escape."""
    if column.dtype != object:
        return texts(column)
    missing = column == None  # noqa: E711 -- elementwise
    quoted = '"' + np.where(missing, "", column) + '"'
    return np.where(missing, "null", quoted)


def write_parquet(path: Path, table: Table) -> None:
    """One Parquet file; `day` is a date."""
    arrays = {
        name: pa.array(column.astype("datetime64[D]")) if name == "day" else pa.array(column)
        for name, column in table.columns.items()
    }
    pq.write_table(pa.table(arrays), path, compression="zstd")


def write_notes(folder: Path, table: Table) -> None:
    """One text file per row, a line per field; the column `file` names it."""
    folder.mkdir()
    names = [name for name in table.columns if name != "file"]
    for index, file_name in enumerate(table.columns["file"].tolist()):
        lines = [f"{name}：{table.columns[name][index]}" for name in names]
        (folder / file_name).write_text("\n".join(lines) + "\n", encoding="utf-8")
