"""Tables on their way into the warehouse: Arrow batches of text, spooled to one Parquet file per table.

Comes in: record batches whose columns are the table's, all text. Goes out: a Parquet file with `_row_number`,
`_loaded_at` and `_run_id` added, and what remarks say where the table has them; and the number of rows. The
file lets every check run before anything in the warehouse is touched, keeps memory bounded, and is what dlt
then loads as it is. One thread reads, another writes: Parquet encoding leaves Python's lock free.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.extract.remark_found import COLUMNS
from pipelines.extract.remarks import remark_columns
from pipelines.extract.specs import TableSpec

BATCH_ROWS = 50_000
# DuckDB keeps what it has read or written for as long as there is room. A load has no use for that: with this
# much for each of its threads it takes no longer, and no more memory for a long table than for a short one.
DUCKDB_MEGABYTES = 200
_ROW_GROUP_ROWS = 122_880  # DuckDB's own
_QUEUED_BATCHES = 4


def text_schema(table: TableSpec) -> pa.Schema:
    """The table's columns, all text."""
    return pa.schema([pa.field(column.name, pa.string()) for column in table.columns])


def spool_schema(table: TableSpec) -> pa.Schema:
    """The columns of raw_<system>.<table>."""
    parsed = [(name, pa.string()) for name in (COLUMNS if table.parse_remark else ())]
    added = [("_row_number", pa.int64()), ("_loaded_at", pa.timestamp("us")), ("_run_id", pa.string())]
    return pa.schema([*text_schema(table), *(pa.field(name, kind) for name, kind in [*parsed, *added])])


def batch_from_rows(table: TableSpec, rows: Sequence[Sequence[str | None]]) -> pa.RecordBatch:
    """Rows of text, in the order of the table's columns, as a batch."""
    return batch_from_columns(table, list(zip(*rows, strict=True)))


def batch_from_columns(table: TableSpec, columns: Sequence[Any]) -> pa.RecordBatch:
    """Columns of text (sequences of str or None, or Arrow arrays), in the table's order, as a batch."""
    arrays = [pa.array(column, type=pa.string()) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=text_schema(table))


class _Writer(Thread):
    """Writes queued batches to `path`; keeps what went wrong for the thread that waits."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        super().__init__(name=f"spool {path.stem}", daemon=True)
        self.queue: Queue[pa.Table | None] = Queue(_QUEUED_BATCHES)
        self.failure: BaseException | None = None
        self._path, self._schema = path, schema

    def run(self) -> None:
        try:
            # Read a few times, then deleted: dictionaries, compression and statistics would cost more than
            # they save, but for those by which `profile` finds the first and the last rows.
            with pq.ParquetWriter(
                self._path,
                self._schema,
                use_dictionary=False,
                compression="none",
                write_statistics=["_row_number"],
            ) as file:
                for group in _row_groups(iter(self.queue.get, None)):
                    file.write_table(group, row_group_size=_ROW_GROUP_ROWS)
        except BaseException as error:
            self.failure = error
            while self.queue.get() is not None:
                pass


def _row_groups(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of exactly a row group each, the last one aside.

    DuckDB takes row groups over as they come; it would write smaller ones anew when the warehouse is closed.
    """
    waiting: list[pa.Table] = []
    rows = 0
    for table in tables:
        waiting.append(table)
        rows += table.num_rows
        while rows >= _ROW_GROUP_ROWS:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, _ROW_GROUP_ROWS)
            waiting, rows = [whole.slice(_ROW_GROUP_ROWS)], rows - _ROW_GROUP_ROWS
    if rows:
        yield pa.concat_tables(waiting)


def spool(
    table: TableSpec, batches: Iterable[pa.RecordBatch], path: Path, loaded_at: datetime, run_id: str
) -> int:
    """Write `batches` to `path` and return the number of rows.

    Raises:
        whatever reading or writing raised; the file is then not to be used.
    """
    schema, rows = spool_schema(table), 0
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = _Writer(path, schema)
    writer.start()
    try:
        for batch in batches:
            added = [
                pa.array(np.arange(rows + 1, rows + 1 + batch.num_rows, dtype=np.int64)),
                pa.repeat(pa.scalar(loaded_at, type=pa.timestamp("us")), batch.num_rows),
                pa.repeat(pa.scalar(run_id, type=pa.string()), batch.num_rows),
            ]
            parsed = remark_columns(batch.column(table.parse_remark)) if table.parse_remark else []
            writer.queue.put(pa.Table.from_arrays([*batch.columns, *parsed, *added], schema=schema))
            rows += batch.num_rows
            if writer.failure:
                break
    finally:
        writer.queue.put(None)
        writer.join()
    if writer.failure:
        raise writer.failure
    return rows
