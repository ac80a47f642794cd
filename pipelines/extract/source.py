"""What every kind of source offers to the load.

Comes in: a spec. Goes out: per table a fingerprint, where one can be had without reading the rows, and the
rows as Arrow batches of text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import pyarrow as pa

from pipelines.extract.specs import TableSpec


class Source(Protocol):
    """A legacy system that is open for reading."""

    def fingerprint(self, table: TableSpec) -> str | None:
        """The same text as long as nothing has changed for sure, or None where only reading tells."""

    def read(self, table: TableSpec) -> Iterator[pa.RecordBatch]:
        """The table's rows.

        Raises:
            GuikeError: the table is missing, has other columns, or holds what can't be read as text.
        """


@runtime_checkable
class ChangingSource(Source, Protocol):
    """A source that can also give the part of a table that has changed, at the same moment of its state."""

    def read_since(self, table: TableSpec, column: str, since: str | int) -> Iterator[pa.RecordBatch]:
        """The rows whose `column` is empty or not below `since`."""

    def read_keys(self, table: TableSpec) -> Iterator[pa.RecordBatch]:
        """The key columns of all rows, in the order of `keys_only(table)`."""

    def newest(self, table: TableSpec, column: str) -> str | None:
        """The highest value of `column`, None where all rows leave it empty."""


def keys_only(table: TableSpec) -> TableSpec:
    """The same table with no columns but those of its key."""
    return table.model_copy(update={"columns": tuple(c for c in table.columns if c.name in table.key)})
