"""Rows of dBASE and FoxPro tables, as text.

Comes in: a .dbf file and the encoding of its text. Goes out: Arrow batches, without the rows marked as
deleted. dbfread reads the header; the rows, which all have one width, are cut into columns by numpy and
decoded a column at a time. Values that no calendar knows (00000000, 20231301) come through as written.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dbfread
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.errors import GuikeError
from pipelines.extract.batches import BATCH_ROWS, batch_from_columns
from pipelines.extract.guards import match_columns
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.i18n import t

_DELETED = b"*"
_DEFAULT_ENCODING = "gbk"


def read_dbf(spec: SystemSpec, table: TableSpec, path: Path) -> Iterator[pa.RecordBatch]:
    """The table's rows that aren't marked as deleted.

    Raises:
        GuikeError: no DBF file, one cut short, other columns, or a column of a type that isn't text inside.
    """
    encoding = spec.encoding or _DEFAULT_ENCODING
    try:
        file = dbfread.DBF(path, encoding=encoding, ignore_missing_memofile=True)
    except (ValueError, struct.error) as error:
        raise GuikeError(
            t("{file} is no readable DBF file: {reason}", file=path.name, reason=error),
            t("Copy it again while the old program isn't running."),
        ) from None
    by_name = {field.name: field for field in file.fields}
    fields = [by_name[name] for name in match_columns(spec, table, list(by_name), path.name, any_case=True)]
    decoders = [_decoder(path, field, encoding) for field in fields]
    for records in _records(path, file):
        kept = records[records["@deleted"] != _DELETED]
        columns = [decode(kept[field.name]) for field, decode in zip(fields, decoders, strict=True)]
        yield batch_from_columns(table, columns)


def _records(path: Path, file: Any) -> Iterator[npt.NDArray[np.void]]:
    header = file.header
    layout = np.dtype([("@deleted", "S1"), *((field.name, f"S{field.length}") for field in file.fields)])
    if layout.itemsize != header.recordlen or path.stat().st_size < header.headerlen + (
        header.numrecords * header.recordlen
    ):
        raise GuikeError(
            t(
                "{file} is cut short: its header promises {n} rows.",
                file=path.name,
                n=header.numrecords,
            ),
            t("Copy it again while the old program isn't running."),
        )
    for first in range(0, header.numrecords, BATCH_ROWS):
        count = min(BATCH_ROWS, header.numrecords - first)
        yield np.fromfile(path, layout, count, offset=header.headerlen + first * header.recordlen)


def _decoder(path: Path, field: Any, encoding: str) -> Callable[[npt.NDArray[np.bytes_]], list[str | None]]:
    if field.type == "C":
        return lambda values: [text.rstrip(" \0") for text in _decode(values, encoding)]
    if field.type == "D":
        return lambda values: [_date(text) for text in _decode(values, "latin-1")]
    if field.type in "NFL":
        return lambda values: [text.strip(" \0") or None for text in _decode(values, "latin-1")]
    raise GuikeError(
        t("{file}: the column {column} is of type {type}, which is not stored as text.", file=path.name,
          column=field.name, type=field.type),
        t("Leave the column out of the spec, or export it as a character column."),
    )  # fmt: skip


def _decode(values: npt.NDArray[np.bytes_], encoding: str) -> list[str]:
    """All values at once, joined by line feeds (no byte of GBK's two-byte characters is one)."""
    raw: list[bytes] = values.tolist()
    joined = b"\n".join(raw)
    try:
        texts = joined.decode(encoding).split("\n")
        if len(texts) == len(raw):
            return texts
    except UnicodeDecodeError:
        pass
    # A character cut in half at the end of a field, as old programs do: it is marked, the rest is kept.
    return [value.decode(encoding, errors="replace") for value in raw]


def _date(text: str) -> str | None:
    text = text.strip(" \0")
    if len(text) == 8 and text.isdigit():
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return text or None
