"""Groups of options in a system's YAML, each a small frozen model of its own.

Comes in: mappings from the spec file. Goes out: validated values, put together
by `pipelines.extract.specs`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Title(Frozen):
    """What users call the system."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class Paging(Frozen):
    """How a REST system pages: names of its query parameters and of the fields in its answer."""

    page: str = "page"
    size: str = "size"
    first: int = 1
    data: str = "data"
    pages: str = "pages"
    total: str = "total"


class FileOptions(Frozen):
    """How the files of a table are read; docs/operations.md, "Files", explains each with an example.

    Attributes:
        header_row: the line of the column names, from 1; None has it found by the names of the columns.
        skip_totals: rows whose first filled cell is one of these words are no data.
        short_rows: whether a line with too few fields is refused or filled with nothing.
        fill_down: columns whose empty cells repeat the one above, as below a merged cell.
        units: column -> the unit that its amounts must be in, where header or title names one.
        error_cells: whether #N/A, #REF! and their like are refused or read as nothing.
        vanished: whether the rows of a file that is gone from a drop folder go with it.
    """

    header_row: int | None = Field(default=None, ge=1, le=1000)
    skip_totals: tuple[str, ...] = ()
    short_rows: Literal["refuse", "fill"] = "refuse"
    fill_down: tuple[str, ...] = ()
    units: dict[str, str] = {}
    error_cells: Literal["refuse", "empty"] = "refuse"
    vanished: Literal["drop", "keep"] = "drop"


FILE_OPTIONS: dict[str, frozenset[str]] = {
    "header_row": frozenset({"csv", "excel"}),
    "skip_totals": frozenset({"csv", "excel"}),
    "short_rows": frozenset({"csv"}),
    "fill_down": frozenset({"csv", "excel"}),
    "units": frozenset({"csv", "excel"}),
    "error_cells": frozenset({"excel"}),
    "vanished": frozenset({"csv", "excel", "dbf", "jsonl", "parquet"}),
}
