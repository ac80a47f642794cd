"""The rows that PostgreSQL sends for COPY … TO STDOUT, cut into values in blocks.

Comes in: an open psycopg connection and a query. Goes out: per block of some megabytes, each column's
values as an Arrow array of bytes. COPY is the fastest way out of PostgreSQL. In its text format a tab ends
each value and a line feed each row; within values both are written with a backslash, so numpy finds all ends
at once. The format: PostgreSQL's "COPY", "Text Format". The server sends each row as a message of its own,
so blocks end where rows do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.extract.gather import gather

_BLOCK_BYTES = 4 * 1024 * 1024
_TAB, _LINE_FEED, _BACKSLASH, _N = b"\t\n\\N"
_ESCAPES = {b"\\n": b"\n", b"\\t": b"\t", b"\\r": b"\r", b"\\b": b"\b", b"\\f": b"\f", b"\\v": b"\v"}
_NEVER = b"\0"  # no text of PostgreSQL's contains it


def read_columns(connection: Any, query: str, width: int) -> Iterator[list[pa.Array]]:
    """The columns of `query`'s rows, `width` of them, in blocks.

    Raises:
        psycopg.Error: the server refuses the query, fails in the midst of it, or goes away.
    """
    with connection.cursor() as cursor, cursor.copy(f"copy ({query}) to stdout") as copy:
        block = bytearray()
        for row in copy:
            block += row
            if len(block) >= _BLOCK_BYTES:
                yield _columns(block, width)
                block = bytearray()
        if block:
            yield _columns(block, width)


def _columns(block: bytearray, width: int) -> list[pa.Array]:
    """The values of the rows in the block, column by column."""
    data, buffer = np.frombuffer(block, np.uint8), pa.py_buffer(block)
    all_ends = np.flatnonzero((data == _TAB) | (data == _LINE_FEED))
    if len(all_ends) % width or not (data[all_ends[width - 1 :: width]] == _LINE_FEED).all():
        raise RuntimeError("rows of PostgreSQL's COPY don't end where they should")
    all_starts = np.append(0, all_ends[:-1] + 1)
    backslashes = np.flatnonzero(data == _BACKSLASH)
    # \\N alone is NULL; any other backslash stands in a value to be put right.
    other = backslashes[data[backslashes + 1] != _N]
    escaped = set(np.unique(np.searchsorted(all_ends, other) % width).tolist())
    columns = []
    for index in range(width):
        starts, ends = all_starts[index::width], all_ends[index::width]
        is_null = (data[starts] == _BACKSLASH) & (data[starts + (ends > starts)] == _N)
        values = gather(buffer, starts, ends, is_null if is_null.any() else None)
        columns.append(_unescaped(values) if index in escaped else values)
    return columns


def _unescaped(values: pa.Array) -> pa.Array:
    """The values without COPY's backslashes; those that stand for themselves wait under another byte."""
    values = pc.replace_substring(values, b"\\\\", _NEVER)
    for written, meant in _ESCAPES.items():
        values = pc.replace_substring(values, written, meant)
    return pc.replace_substring(values, _NEVER, b"\\")
