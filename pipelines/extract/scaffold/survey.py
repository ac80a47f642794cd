"""What was seen of a source: its tables and columns with a bounded sample of values, as plain data.

Goes out of `introspect.py` (databases) and `introspect_files.py` (files) and into everything after it, so
that deciding what a table means needs no connection and can be tested with a few lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SourceColumn:
    """A column as the source has it.

    Attributes:
        comment: the source's own explanation, or "".
        values: the sample, as the text that a load would bring; the n-th values of a table's columns are one
            row.
    """

    name: str
    type: str
    comment: str
    values: tuple[str | None, ...]


@dataclass(frozen=True)
class SourceTable:
    """A table, sheet or file.

    Attributes:
        key: its primary key, empty where it declares none.
        references: column -> (table, column) of each declared foreign key of one column.
        rows: how many rows there are.
        options: further keys of the table in the system's YAML (header_row, skip_totals).
    """

    name: str
    comment: str
    columns: tuple[SourceColumn, ...]
    key: tuple[str, ...]
    references: dict[str, tuple[str, str]]
    rows: int
    options: dict[str, Any] = field(default_factory=dict)

    def column(self, name: str) -> SourceColumn:
        """The column `name`, which exists."""
        return next(column for column in self.columns if column.name == name)

    @property
    def is_whole(self) -> bool:
        """Whether the sample is all there is."""
        return bool(self.columns) and len(self.columns[0].values) >= self.rows


@dataclass(frozen=True)
class Survey:
    """A source.

    Attributes:
        kind: as in a system's YAML.
        options: further keys of the system there (schema, encoding, delimiter).
        left_out: table -> why it can't be read at all.
    """

    kind: str
    tables: tuple[SourceTable, ...]
    options: dict[str, Any] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
