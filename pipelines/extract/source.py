"""What every kind of source offers to the load.

Comes in: a spec. Goes out: per table a fingerprint, where one can be had without reading the rows, and the
rows as Arrow batches of text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

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
