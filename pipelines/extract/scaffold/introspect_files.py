"""The tables in files: one file, or a folder whose files are tables (CSV, Excel, DBF, JSON Lines, Parquet).

Comes in: a path. Goes out: a `Survey`. Only the column names are found here; the rows come through the same
readers that will load them, so that the sample shows the very text that staging will see.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import dbfread
import pyarrow as pa
import pyarrow.parquet as pq
import python_calamine

from pipelines.errors import GuikeError
from pipelines.extract.headers import fold
from pipelines.extract.load import open_source
from pipelines.extract.masking import mask_typed
from pipelines.extract.naming import normalise
from pipelines.extract.options import Title
from pipelines.extract.scaffold.survey import SourceColumn, SourceTable, Survey
from pipelines.extract.specs import Column, SystemSpec, TableSpec
from pipelines.extract.text_values import cell_text
from pipelines.i18n import t
from pipelines.settings import Settings

KINDS = {
    ".csv": "csv", ".txt": "csv", ".tsv": "csv", ".xlsx": "excel", ".xls": "excel", ".xlsb": "excel",
    ".ods": "excel", ".dbf": "dbf", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet",
}  # fmt: skip
SAMPLE_ROWS = 1000
_TOTALS = ("合计", "小计", "总计", "Total", "Grand Total")
_TITLE_UNIT = re.compile("(?:(?:单位|金额):?(?:人民币)?|[(])(千元|万元|百万元|亿元)")
_HEADER_LINES = 15
_HEAD_BYTES = 1 << 16


@dataclass(frozen=True)
class _Found:
    """A file or a sheet, with its header.

    Attributes:
        unit: what a title above the header says that amounts are in: 万元; else nothing.
    """

    source: str
    header: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)
    unit: str = ""


def survey_files(settings: Settings, path: Path) -> Survey:
    """Look at a file, or at all files of the commonest kind in a folder.

    Raises:
        GuikeError: there is nothing, or nothing of a kind that Guike reads.
    """
    files, kind, left_out = _files(path)
    options: dict[str, Any] = {"extra_columns": "allow"}
    if kind == "csv":
        delimiter = Counter(_delimiter(file) for file in files).most_common(1)[0][0]
        options |= {"delimiter": delimiter} if delimiter != "," else {}
    found: list[_Found] = []
    for file in files:
        try:
            found += _headers(kind, file, options.get("delimiter", ","))
        except (GuikeError, OSError, ValueError, csv.Error, pa.ArrowInvalid) as error:
            left_out[file.name] = getattr(error, "what", None) or str(error)
    tables = []
    for one in found:
        try:
            tables.append(_table(settings, kind, path, one, options))
        except GuikeError as error:
            left_out[one.source] = error.what
    if not tables:
        raise GuikeError(
            t("{path} holds no table that can be read: {reasons}", path=path,
              reasons="; ".join(f"{name}: {why}" for name, why in left_out.items()) or "–"),
            t("Export the data again, with the column names in one line."),
        )  # fmt: skip
    return Survey(kind, tuple(tables), options, left_out)


def _files(path: Path) -> tuple[list[Path], str, dict[str, str]]:
    """The files to look at, their kind, and those of another kind."""
    if not path.exists():
        raise GuikeError(
            t("{path} does not exist.", path=mask_typed(str(path))),
            t(
                "Give the path of a file or folder, or a database's URL such as postgresql://user:password@host/db."
            ),
        )
    if path.is_file():
        if path.suffix.lower() not in KINDS:
            raise GuikeError(
                t("{path} is not a kind of file that Guike reads.", path=path),
                t("It reads: {kinds}.", kinds=", ".join(sorted(KINDS))),
            )
        return [path], KINDS[path.suffix.lower()], {}
    known = [file for file in sorted(path.iterdir()) if file.is_file() and file.suffix.lower() in KINDS]
    if not known:
        raise GuikeError(
            t("The folder {path} holds no file that Guike reads.", path=path),
            t("It reads: {kinds}.", kinds=", ".join(sorted(KINDS))),
        )
    kind = Counter(KINDS[file.suffix.lower()] for file in known).most_common(1)[0][0]
    files = [file for file in known if KINDS[file.suffix.lower()] == kind]
    others = {file.name: t("is of another kind than the other files") for file in known if file not in files}
    if kind == "excel" and len(files) > 1:
        raise GuikeError(
            t("The folder {path} holds {count} workbooks.", path=path, count=len(files)),
            t("Add each workbook as a system of its own."),
        )
    return files, kind, others


def _headers(kind: str, file: Path, delimiter: str) -> list[_Found]:
    if kind == "csv":
        reader = csv.reader(StringIO(_head(file), newline=""), delimiter=delimiter)
        lines = list(islice(reader, _HEADER_LINES + 1))
        row = _header_row(lines) or 0
        options: dict[str, Any] = {"header_row": row + 1} if row else {}
        options |= {"skip_totals": list(_TOTALS)} if _has_totals(file, delimiter) else {}
        header = tuple(name.strip() for name in lines[row])
        return [_Found(file.name, header, options, _title_unit(lines[:row]))]
    if kind == "dbf":
        try:
            names = dbfread.DBF(file, encoding="gbk", ignore_missing_memofile=True).field_names
        except Exception as error:  # dbfread lets any error of struct and codecs through
            raise GuikeError(t("{file} is no readable DBF file: {reason}", file=file.name, reason=error),
                             t("Copy it again while the old program isn't running.")) from None  # fmt: skip
        return [_Found(file.name, tuple(names))]
    if kind == "parquet":
        return [_Found(file.name, tuple(pq.read_schema(file).names))]
    if kind == "jsonl":
        keys: dict[str, None] = {}
        for line in _head(file).splitlines()[:-1] or _head(file).splitlines():
            keys |= dict.fromkeys(json.loads(line)) if line.strip() else {}
        return [_Found(file.name, tuple(keys))]
    return _sheets(file)


def _head(file: Path) -> str:
    """The file's first lines as text, UTF-8 where that fits, else GB18030."""
    with file.open("rb") as stream:
        start = stream.read(_HEAD_BYTES)
    whole = start if len(start) < _HEAD_BYTES else start[: start.rfind(b"\n") + 1] or start
    try:
        text = whole.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = whole.decode("gb18030", errors="replace")
    if not text.strip():
        raise GuikeError(t("{file} is empty.", file=file.name), t("Export it again."))
    return text


def _delimiter(file: Path) -> str:
    """The sign that most of the first lines have equally often; a title above them has none."""
    try:
        lines = _head(file).splitlines()[:_HEADER_LINES]
    except GuikeError:
        return ","

    def evenness(sign: str) -> tuple[int, int, bool]:
        counts = Counter(count for line in lines if (count := line.count(sign)))
        often, lines_alike = counts.most_common(1)[0] if counts else (0, 0)
        return lines_alike, often, sign == ","

    return max(",;\t|", key=evenness)


def _has_totals(file: Path, delimiter: str) -> bool:
    """Whether one of the first or last lines is a total: it would count as a row more."""
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - _HEAD_BYTES))
        end = stream.read()
    words = {fold(word) for word in _TOTALS}
    for text in (_head(file), *(end.decode(encoding, "replace") for encoding in ("utf-8", "gb18030"))):
        for line in text.splitlines():
            first = next((cell for cell in line.split(delimiter) if cell.strip('" ')), "")
            if fold(first.strip('" ')).rstrip(":") in words:
                return True
    return False


def _sheets(file: Path) -> list[_Found]:
    try:
        book = python_calamine.CalamineWorkbook.from_path(file)
    except python_calamine.CalamineError as error:
        raise GuikeError(
            t("{file} is no readable workbook: {reason}", file=file.name, reason=error),
            t("Open it in Excel, save it as .xlsx, and without a password."),
        ) from None
    found = []
    for name in book.sheet_names:
        lines = [
            [cell_text(cell) for cell in row]
            for row in book.get_sheet_by_name(name).to_python(nrows=_HEADER_LINES + 1)
        ]
        row = _header_row(lines)
        if row is None:
            continue
        options: dict[str, Any] = {"skip_totals": list(_TOTALS)}
        options |= {"header_row": row + 1} if row else {}
        header = tuple((cell or "").strip() for cell in lines[row])
        found.append(_Found(name, header, options, _title_unit(lines[:row])))
    return found


def _header_row(lines: Sequence[Sequence[str | None]]) -> int | None:
    """The first line that is as full as the lines below it and holds different words; titles are narrow."""
    widths = [sum(1 for cell in line if cell and cell.strip()) for line in lines]
    widest = max(widths, default=0)
    for position, line in enumerate(lines[:_HEADER_LINES]):
        words = [cell.strip() for cell in line if cell and cell.strip()]
        numeric = sum(word.replace(".", "").replace("-", "").isdigit() for word in words)
        if len(words) >= max(2, 0.6 * widest) and len(set(words)) == len(words) and numeric <= len(words) / 5:
            return position
    return None


def _title_unit(titles: Iterable[Sequence[str | None]]) -> str:
    found = (_TITLE_UNIT.search(fold(cell)) for line in titles for cell in line if cell)
    return next((match[1] for match in found if match), "")


def _unit(found: _Found, column: str) -> str:
    """What the title says of the column's amounts, as a comment; a unit of its own goes before."""
    return f"（{found.unit}）" if found.unit and "元" not in column else ""


def _table(
    settings: Settings, kind: str, location: Path, found: _Found, options: dict[str, Any]
) -> SourceTable:
    header = tuple(name for name in dict.fromkeys(found.header) if name)
    columns = tuple(Column(f"column_{position}", name) for position, name in enumerate(header, start=1))
    if not columns:
        raise GuikeError(t("{file} has no column names.", file=found.source), t("Export it again."))
    spec = _spec(kind, location, found, columns, options)
    rows = 0
    sample: list[dict[str, Any]] = []
    with open_source(settings, spec) as source:
        for batch in source.read(spec.tables[0]):
            rows += batch.num_rows
            if len(sample) < SAMPLE_ROWS:
                sample += batch.slice(0, SAMPLE_ROWS - len(sample)).to_pylist()
    return SourceTable(
        name=found.source,
        comment="",
        columns=tuple(
            SourceColumn(column.source, "text", _unit(found, column.source), _values(sample, column.name))
            for column in columns
        ),
        key=(),
        references={},
        rows=rows,
        options=found.options,
    )


def _values(sample: Iterable[dict[str, Any]], name: str) -> tuple[str | None, ...]:
    return tuple(row[name] for row in sample)


def _spec(
    kind: str, location: Path, found: _Found, columns: tuple[Column, ...], options: dict[str, Any]
) -> SystemSpec:
    """A spec for this one table, with which the usual readers read it."""
    name = normalise(found.source) if found.source.isascii() else "sample"
    table = TableSpec.model_construct(
        name=name, source=found.source, key=(), snapshot="a look at the source", floor=0.0, columns=columns,
        header_row=found.options.get("header_row", 1),
        skip_totals=tuple(found.options.get("skip_totals", ())),
    )  # fmt: skip
    return SystemSpec.model_construct(
        name="sample", title=Title(en="sample", zh="样本"), kind=kind, location=str(location.absolute()),
        trust=0, timezone="Etc/UTC", tables=(table,), **options,
    )  # fmt: skip
