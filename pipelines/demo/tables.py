"""A source table in memory, on its way into a legacy system.

Comes in: columns as numpy arrays (or one value for all rows). Goes out: the same, with the source id of
each row and the true customer that it is about, which only the truth folder gets to see.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import numpy as np

from pipelines.demo.fabric import Booleans, Integers, Objects, texts


@dataclass
class Table:
    """One table, sheet or file of a system.

    Args:
        customer: the true customer (firm or person) per row, -1 for none.
        columns: name -> array of all rows, or a single value that every row has.
        key: the column that names a row; None where the row's number (from 1) does.
        part: which of the firm's customers per row (see `registers`); None where every row is the firm's own.
    """

    system: str
    name: str
    customer: Integers
    columns: dict[str, Any]
    key: str | None = None
    part: Integers | None = None
    taken: dict[str, Booleans] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Fixed-width text would cut what a defect makes longer.
        self.columns = {name: _as_objects(column) for name, column in self.columns.items()}

    def __len__(self) -> int:
        return len(self.customer)

    def source_ids(self, rows: Integers | None = None) -> Objects:
        """The ids of all rows, or of the given ones, as text."""
        values = np.arange(1, len(self) + 1) if self.key is None else self.columns[self.key]
        chosen = np.asarray(values if rows is None else values[rows])
        return chosen if chosen.dtype == object else texts(chosen)

    def below(self, name: str, rows: Integers, columns: dict[str, Any], key: str) -> Table:
        """A table of the same system, each of whose rows belongs to the customer of one of these `rows`."""
        part = None if self.part is None else self.part[rows]
        return Table(self.system, name, self.customer[rows], columns, key, part)

    def chunk(self, start: int, stop: int) -> list[tuple[Any, ...]]:
        """Rows `start` to `stop` as tuples of Python values, in the order of the columns."""
        parts = [
            column[start:stop].tolist() if isinstance(column, np.ndarray) else repeat(column)
            for column in self.columns.values()
        ]
        return list(zip(*parts, strict=False))


def _as_objects(column: Any) -> Any:
    return column.astype(object) if isinstance(column, np.ndarray) and column.dtype.kind == "U" else column


def ids(count: int) -> Integers:
    """Primary keys from 1."""
    return np.arange(1, count + 1)
