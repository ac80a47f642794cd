"""Rows of delimited text, as text.

Comes in: a CSV in any encoding, with any of the usual delimiters, titles above the header or not. Goes out:
Arrow batches. Blocks of whole records are parsed by Arrow. A block that Arrow finds fault with, or whose
quotation marks are not where the standard wants them, goes to Python's csv, which is slow, forgives more, and
knows the line that it can't forgive.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import chain, islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from pipelines.errors import GuikeError
from pipelines.extract.batches import BATCH_ROWS, batch_from_columns
from pipelines.extract.dialect import FIELD_LIMIT, encoding_of, find_layout
from pipelines.extract.headers import FILE_NAME, pick_columns
from pipelines.extract.parts import Findings, Part
from pipelines.extract.rows import RowFilter
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.extract.text_encoding import LONGEST_LINE, count_lines, endless, utf8_blocks
from pipelines.i18n import t

_HEAD_CHARACTERS = 4 << 20
_LF, _CR, _QUOTE = 10, 13, 34


def read_csv(spec: SystemSpec, table: TableSpec, part: Part, findings: Findings) -> Iterator[pa.RecordBatch]:
    """The rows of one file.

    Raises:
        GuikeError: bytes that are no text, no header, other columns, a line that has too many fields or,
            unless the table fills them, too few; with file and line.
    """
    csv.field_size_limit(FIELD_LIMIT)
    encoding, sure = encoding_of(spec, table, part)
    remedy = (
        t("Put encoding in pipelines/systems/{system}.yml right, or leave it out to have it found.",
          system=spec.name)
        if spec.encoding
        else t("Export the file again, all of it in one encoding.")
    )  # fmt: skip
    blocks = utf8_blocks(part, encoding, remedy)
    first = next(blocks, b"")
    head = first[:_HEAD_CHARACTERS].decode("utf-8", "ignore")
    delimiter, header_row, likely = find_layout(spec, table, head)
    findings.encoding, findings.delimiter = encoding.removesuffix("-sig"), delimiter
    findings.header_row, findings.confidence = header_row, round(sure * likely, 2)
    header, lines = _header(spec, part, head, delimiter, header_row)
    body = first.split(b"\n", lines)[lines] if first.count(b"\n") >= lines else b""
    picks = pick_columns(spec, table, header, part.name)
    rows = RowFilter(table, header, picks, part.name)
    parser = _Parser(table, part, delimiter, len(header), lines)
    for columns in parser.parse(chain([body], blocks)):
        kept = rows.keep(columns, may_be_rounded=parser.may_be_rounded)
        count = len(kept[0]) if kept else 0
        arrays = [pa.repeat(part.name, count) if pick == FILE_NAME else kept[int(pick)] for pick in picks]
        findings.left_out = rows.left_out
        if count:
            yield batch_from_columns(table, arrays)


def _header(
    spec: SystemSpec, part: Part, head: str, delimiter: str, header_row: int
) -> tuple[list[str], int]:
    """The names of the columns, and how many lines of the file they and all above them take."""
    reader = csv.reader(StringIO(head, newline=""), delimiter=delimiter)
    header = next(islice((row for row in reader), header_row - 1, None), None)
    if not header:
        raise GuikeError(
            t("{system}: {file} has no line {line} with the column names.", system=spec.name, file=part.name,
              line=header_row),
            t("Export the file again, or put header_row in pipelines/systems/{system}.yml right.",
              system=spec.name),
        )  # fmt: skip
    return header, reader.line_num


class _Parser:
    """Records of one file, in columns.

    `lines` is how many lines of it are behind; `may_be_rounded` whether the columns last given can hold
    numbers that a spreadsheet has rounded.
    """

    def __init__(self, table: TableSpec, part: Part, delimiter: str, width: int, lines: int) -> None:
        self._part, self._delimiter, self._width, self._lines = part, delimiter, width, lines
        self._fills = table.short_rows == "fill"
        self.may_be_rounded = True
        names = [str(index) for index in range(width)]
        self._reading = arrow_csv.ReadOptions(column_names=names)
        self._converting = arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
        )

    def parse(self, blocks: Iterator[bytes]) -> Iterator[list[pa.Array]]:
        """The columns of each block's records."""
        rest = b""
        for block in blocks:
            rest += block
            cut = _whole_records(rest, self._delimiter)
            if cut is None or (cut == 0 and len(rest) > LONGEST_LINE):
                yield from self._slowly(chain([rest], blocks))
                return
            if cut:
                yield from self._block(rest[:cut])
                rest = rest[cut:]
        if rest:
            yield from self._slowly([rest])

    def _block(self, block: bytes) -> Iterator[list[pa.Array]]:
        """Whole records whose quotation marks are in order."""
        parsing = arrow_csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=b'"' in block)
        try:
            if b"\0" in block:
                raise pa.ArrowInvalid("NUL")
            parsed = arrow_csv.read_csv(pa.BufferReader(block), self._reading, parsing, self._converting)
        except pa.ArrowInvalid:
            yield from self._slowly([block])
            return
        self._lines += count_lines(block)
        self.may_be_rounded = b"E+1" in block
        yield [_one_array(column) for column in parsed.columns]

    def _slowly(self, blocks: Iterable[bytes]) -> Iterator[list[pa.Array]]:
        """The same, record by record; the only place that knows in which line a fault is."""
        before, self.may_be_rounded = self._lines, True
        reader = csv.reader(_lines(blocks), delimiter=self._delimiter, strict=True)
        try:
            while some := list(islice(self._records(reader, before), BATCH_ROWS)):
                yield [pa.array(column, pa.string()) for column in zip(*some, strict=True)]
        except csv.Error as error:
            if "field larger than field limit" in str(error):
                raise endless(self._part, before + reader.line_num) from None
            raise GuikeError(
                t("{file}, line {line}: {reason}", file=self._part.name, line=before + reader.line_num,
                  reason=error),
                t("Mend the line, or export the file again."),
            ) from None  # fmt: skip
        self._lines = before + reader.line_num

    def _records(self, reader: Any, before: int) -> Iterator[list[str]]:
        for row in reader:
            if len(row) < self._width and row and self._fills:
                row += [""] * (self._width - len(row))
            elif len(row) > self._width and not any(cell.strip() for cell in row[self._width :]):
                row = row[: self._width]
            if len(row) == self._width:
                if any("\0" in cell for cell in row):
                    raise self._nul(before + reader.line_num)
                yield row
            elif row:
                raise self._ragged(before + reader.line_num, len(row))

    def _ragged(self, line: int, found: int) -> GuikeError:
        return GuikeError(
            t("{file}, line {line}: {found} fields where the header has {wanted}.", file=self._part.name,
              line=line, found=found, wanted=self._width),
            t("Mend the line, or export the file again; text with a separator in it needs quotes. "
              "If only empty last fields are left out, set short_rows: fill.")
            if found < self._width
            else t("Mend the line, or export the file again; text with a separator in it needs quotes."),
        )  # fmt: skip

    def _nul(self, line: int) -> GuikeError:
        return GuikeError(
            t("{file}, line {line}: a NUL byte stands in the text.", file=self._part.name, line=line),
            t("Export the file again; this one was damaged, or written by a program that broke off."),
        )


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _lines(blocks: Iterable[bytes]) -> Iterator[str]:
    for block in blocks:
        yield from StringIO(block.decode("utf-8", "surrogatepass"), newline="")


def _whole_records(text: bytes, delimiter: str) -> int | None:
    """How many bytes of `text` are whole records, or None where quotation marks are out of order.

    In order means: each that opens follows a delimiter, a line's end or its own kind, each that closes is
    followed by one. Only then does counting them tell which line ends are inside a value.
    """
    if b'"' not in text:
        return len(text) if text.endswith(b"\n") else text.rfind(b"\n") + 1
    data = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(data == _QUOTE)
    ends = np.flatnonzero(data == _LF)
    outside = ends[np.searchsorted(quotes, ends) % 2 == 0]
    cut = int(outside[-1]) + 1 if len(outside) else 0
    quotes = quotes[: int(np.searchsorted(quotes, cut))]
    allowed = (_LF, _CR, _QUOTE, ord(delimiter) if ord(delimiter) < 128 else _LF)
    opening, closing = quotes[0::2], quotes[1::2]
    before, after = data[np.maximum(opening - 1, 0)], data[closing + 1]
    is_first = opening == 0
    if not (is_first | np.isin(before, allowed)).all() or not np.isin(after, allowed).all():
        return None
    return cut
