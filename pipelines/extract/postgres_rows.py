"""The rows that PostgreSQL sends for COPY … TO STDOUT, parsed in blocks.

Comes in: an open psycopg connection and a query. Goes out: per block of some megabytes, each column's
values as an Arrow array of bytes. COPY is the fastest way out of PostgreSQL, and its CSV keeps NULL
(nothing) and the empty string ("") apart. The server sends each row as a message of its own, so blocks end
where rows do and Arrow can parse one without the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.csv

_BLOCK_BYTES = 4 * 1024 * 1024
# Arrow takes a byte order mark at the very beginning away; this line keeps it from looking at a value.
_FIRST_LINE = b"rows\n"


def read_columns(connection: Any, query: str, width: int) -> Iterator[list[pa.Array]]:
    """The columns of `query`'s rows, `width` of them, in blocks.

    Raises:
        psycopg.Error: the server refuses the query, fails in the midst of it, or goes away.
    """
    with connection.cursor() as cursor, cursor.copy(f"copy ({query}) to stdout (format csv)") as copy:
        rows, size = [_FIRST_LINE], 0
        for row in copy:
            rows.append(row)
            size += len(row)
            if size >= _BLOCK_BYTES:
                yield _parsed(rows, width)
                rows, size = [_FIRST_LINE], 0
        if size:
            yield _parsed(rows, width)


def _parsed(rows: list[bytes], width: int) -> list[pa.Array]:
    block = b"".join(rows)
    names = [str(number) for number in range(width)]
    table = pa.csv.read_csv(
        pa.BufferReader(block),
        read_options=pa.csv.ReadOptions(
            column_names=names, skip_rows=1, block_size=len(block) + 1, use_threads=False
        ),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pa.csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.binary()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return [column.combine_chunks() for column in table.columns]
