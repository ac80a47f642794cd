"""What a reader found out about a file, kept so that nobody has to guess afterwards how it was read.

Comes in: verdicts of the file readers. Goes out: rows of ops.file_verdicts, one per file and run
that read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import duckdb
import pyarrow as pa


@dataclass(frozen=True)
class FileVerdict:
    """How one file was read.

    Attributes:
        table: the raw table that its rows went to.
        file: its name; for one in an archive that of the archive, a slash, and its own.
        content_hash: SHA-256 of the file on disk.
        encoding, delimiter: of its text, None where its format has none.
        header_row: the line of the column names, from 1; None where the format has no such line.
        confidence: 1 where the format or the spec says it all, less where something was found by likeness.
        rows: how many went to the table.
        left_out: rows that are there but no data: marked as deleted, totals, blank, headers once more.
    """

    table: str
    file: str
    content_hash: str
    encoding: str | None
    delimiter: str | None
    header_row: int | None
    confidence: float
    rows: int
    left_out: int


_SCHEMA = pa.schema(
    [
        ("system", pa.string()), ("table", pa.string()), ("file", pa.string()),
        ("content_hash", pa.string()), ("encoding", pa.string()), ("delimiter", pa.string()),
        ("header_row", pa.int32()), ("confidence", pa.float64()), ("rows", pa.int64()),
        ("left_out", pa.int64()), ("read_at", pa.timestamp("us")), ("run_id", pa.string()),
    ]
)  # fmt: skip


def note_verdicts(
    con: duckdb.DuckDBPyConnection,
    run_id: str,
    system: str,
    read_at: datetime,
    verdicts: Sequence[FileVerdict],
) -> None:
    """Write the verdicts of one run to ops.file_verdicts."""
    if verdicts:
        rows = [{"system": system, **asdict(one), "read_at": read_at, "run_id": run_id} for one in verdicts]
        con.from_arrow(pa.Table.from_pylist(rows, _SCHEMA)).insert_into("ops.file_verdicts")
