"""How a CSV is written: encoding, delimiter, and the line of the column names.

Comes in: a file and the spec. Goes out: a `Dialect`; what the spec names is taken as it is, the rest is
found. The columns that the spec asks for are the best evidence there is: the delimiter and the line that give
all of them are the right ones. Only where none does, consistency decides, so that the message about the
drifted header shows the header.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from io import StringIO
from itertools import islice

from pipelines.extract.headers import SEARCHED_LINES, find_header, likeliest_header
from pipelines.extract.parts import Part
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.extract.text_encoding import find_encoding

_DELIMITERS = (",", ";", "\t", "|", "^")
_CONSISTENT_LINES = 200
FIELD_LIMIT = 64 << 20


@dataclass(frozen=True)
class Dialect:
    """How one CSV is written; `header_row` counts from 1, `confidence` from 0 to 1."""

    encoding: str
    delimiter: str
    header_row: int
    confidence: float


def encoding_of(spec: SystemSpec, table: TableSpec, part: Part) -> tuple[str, float]:
    """The encoding that the spec names, else the one found, with its confidence."""
    if spec.encoding:
        # A BOM is no part of the first column's name, whether or not the spec thought of it.
        return ("utf-8-sig" if spec.encoding == "utf-8" else spec.encoding), 1.0
    return find_encoding(part.path, [column.source for column in table.columns if column.source[0] != "@"])


def find_layout(spec: SystemSpec, table: TableSpec, head: str) -> tuple[str, int, float]:
    """Delimiter, header row and confidence, from the text of the first lines."""
    candidates = (spec.delimiter,) if spec.delimiter else _DELIMITERS
    best: tuple[str, int, float] | None = None
    for delimiter in candidates:
        lines = first_lines(head, delimiter, table.header_row or SEARCHED_LINES)
        if table.header_row:
            lines = [[]] * (table.header_row - 1) + lines[table.header_row - 1 : table.header_row]
        found = find_header(table, lines)
        if found is not None and (best is None or len(lines[found]) > 1):
            best = (delimiter, found + 1, 1.0)
            if len(lines[found]) > 1:
                break
    if best:
        return best
    delimiter = max(candidates, key=lambda one: (_consistency(head, one), -candidates.index(one)))
    likeliest = likeliest_header(table, first_lines(head, delimiter)) + 1
    return delimiter, table.header_row or likeliest, 0.3


def first_lines(head: str, delimiter: str, count: int = SEARCHED_LINES) -> list[list[str]]:
    """The first records as they would be with this delimiter, blank lines as empty ones."""
    reader = csv.reader(StringIO(head, newline=""), delimiter=delimiter)
    lines: list[list[str]] = []
    try:
        for line in islice(reader, count):
            lines.append(line)
    except csv.Error:
        pass
    return lines


def _consistency(head: str, delimiter: str) -> float:
    """The share of lines that have the commonest number of fields, nothing where that is one."""
    widths = Counter(len(line) for line in first_lines(head, delimiter, _CONSISTENT_LINES) if line)
    if not widths:
        return 0.0
    width, lines = widths.most_common(1)[0]
    return lines / sum(widths.values()) if width > 1 else 0.0
