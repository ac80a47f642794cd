"""The rows that PostgreSQL sends for COPY … TO STDOUT, cut into values in blocks.

Comes in: an open psycopg connection and a query. Goes out: per block of some megabytes, each column's
values as an Arrow array of bytes. COPY is the fastest way out of PostgreSQL. In its text format a tab ends
each value and a line feed each row, and within values both are written with a backslash, so Arrow's CSV
reader cuts it as it is. The format: PostgreSQL's "COPY", "Text Format". The server sends each row as a
message of its own, so blocks end where rows do; they are taken from libpq without the generators by which
psycopg hands on each of them, which took as long again.
"""

from __future__ import annotations

import selectors
from collections.abc import Iterator
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

_BLOCK_BYTES = 4 * 1024 * 1024
_WAIT_SECONDS = 1.0  # between two looks at whether somebody has pressed Ctrl-C
_ESCAPES = {b"\\n": b"\n", b"\\t": b"\t", b"\\r": b"\r", b"\\b": b"\b", b"\\f": b"\f", b"\\v": b"\v"}
_BOM = b"\xef\xbb\xbf"
_NEVER = b"\0"  # no text of PostgreSQL's contains it
_FORMAT = pyarrow.csv.ParseOptions(
    delimiter="\t", quote_char=False, double_quote=False, escape_char=False, ignore_empty_lines=False
)


def read_columns(connection: Any, query: str, width: int) -> Iterator[list[pa.Array]]:
    """The columns of `query`'s rows, `width` of them, in blocks.

    Raises:
        psycopg.Error: the server refuses the query, fails in the midst of it, or goes away.
    """
    with connection.cursor() as cursor, cursor.copy(f"copy ({query}) to stdout"):
        for block in _blocks(connection.pgconn):
            yield _columns(block, width)


def _blocks(libpq: Any) -> Iterator[bytearray]:
    """The rows of a COPY that has begun, some megabytes at a time."""
    block, row = bytearray(), libpq.get_copy_data
    with selectors.DefaultSelector() as socket:
        socket.register(libpq.socket, selectors.EVENT_READ)
        while (message := row(1))[0] >= 0:
            if message[0]:
                block += message[1]
                if len(block) >= _BLOCK_BYTES:
                    yield block
                    block = bytearray()
            else:
                while not socket.select(_WAIT_SECONDS):
                    pass
                libpq.consume_input()
    while result := libpq.get_result():
        if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result)
    if block:
        yield block


def _columns(block: bytearray, width: int) -> list[pa.Array]:
    """The values of the rows in the block, column by column."""
    names = [str(index) for index in range(width)]
    if block.startswith(_BOM):
        block = bytearray(_BOM) + block  # Arrow takes one away
    values = pyarrow.csv.read_csv(
        pa.BufferReader(pa.py_buffer(block)),
        # One thread: the others write what was read before.
        pyarrow.csv.ReadOptions(column_names=names, block_size=len(block) + 1, use_threads=False),
        _FORMAT,
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.binary()), null_values=["\\N"], strings_can_be_null=True
        ),
    )
    return [_unescaped(column.chunk(0)) for column in values.columns]


def _unescaped(values: pa.Array) -> pa.Array:
    """The values without COPY's backslashes; those that stand for themselves wait under another byte."""
    written = values.buffers()[-1].to_pybytes()
    if b"\\" not in written:
        return values
    values = pc.replace_substring(values, b"\\\\", _NEVER)
    for escape, meant in _ESCAPES.items():
        if escape in written:
            values = pc.replace_substring(values, escape, meant)
    return pc.replace_substring(values, _NEVER, b"\\")
