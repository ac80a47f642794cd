"""Rows of dBASE and FoxPro tables, as text.

Comes in: a .dbf file, the memo file beside it, and the encoding of its text. Goes out: Arrow batches. The
records all have one width: numpy cuts them into columns, which are decoded whole. Rows marked as deleted are
left out and counted, unless the spec has a column for the mark (source "@deleted"): then they come too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.errors import GuikeError
from pipelines.extract.batches import BATCH_ROWS, batch_from_columns
from pipelines.extract.dbf_memo import Memos
from pipelines.extract.dbf_values import BINARY_TYPES, TEXT_TYPES, Field, Texts, text_of
from pipelines.extract.guards import match_columns
from pipelines.extract.headers import DELETED, FILE_NAME
from pipelines.extract.parts import Findings, Part
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.i18n import t

_DELETED = b"*"
_LIVE = b" "
_END_OF_FIELDS = b"\r\n\0"
_NULL_FLAGS = "0"
_CODE_PAGES = {
    0x4D: "gb18030", 0x7A: "gb18030", 0x4F: "big5", 0x78: "big5", 0x4E: "cp949", 0x79: "cp949",
    0x13: "cp932", 0x7B: "cp932", 0x03: "cp1252", 0x57: "cp1252", 0x01: "cp437", 0x02: "cp850",
    0xC8: "cp1250", 0xC9: "cp1251",
}  # fmt: skip
_CHINESE = frozenset({"gb18030", "gbk", "gb2312", "big5"})


@dataclass(frozen=True)
class _Layout:
    """What the header says; `dtype` has one entry per field, named by its position."""

    records: int
    header_bytes: int
    code_page: str | None
    fields: list[Field]
    dtype: np.dtype[np.void]


def read_dbf(spec: SystemSpec, table: TableSpec, part: Part, findings: Findings) -> Iterator[pa.RecordBatch]:
    """The table's rows.

    Raises:
        GuikeError: no DBF file, one cut short or longer than its header says, other columns, a memo file that
            isn't there, or a column of a type that holds no text or number.
    """
    layout = _layout(part)
    findings.encoding, findings.confidence = _encoding(spec, layout)
    names = [field.name for field in layout.fields]
    asked = [c.source for c in table.columns if c.source in (FILE_NAME, DELETED)]
    matched = match_columns(spec, table, [*names, *asked], part.name, any_case=True)
    picks = [name if name in asked else names.index(name) for name in matched]
    used = [layout.fields[pick] for pick in picks if isinstance(pick, int)]
    _refuse_unreadable(part, used)
    memos = Memos(part) if any(field.kind == "M" for field in used) else None
    for first, records in _records(part, layout):
        deleted = records["deleted"] == _DELETED
        wanted = np.arange(len(records)) if DELETED in asked else np.flatnonzero(~deleted)
        kept, numbers = records[wanted], (wanted + first).tolist()
        findings.left_out += len(records) - len(kept)
        columns: list[Texts] = []
        for pick in picks:
            if isinstance(pick, int):
                columns.append(_column(layout, kept, pick, findings.encoding, numbers, memos))
            elif pick == DELETED:
                columns.append(["*" if mark else None for mark in deleted.tolist()])
            else:
                columns.append([part.name] * len(kept))
        yield batch_from_columns(table, columns)


def _encoding(spec: SystemSpec, layout: _Layout) -> tuple[str, float]:
    """The spec's encoding; else the header's, which many programs leave at 0 or at a Western one."""
    if spec.encoding:
        page = layout.code_page
        is_doubtful = page is not None and (page in _CHINESE) != (spec.encoding in _CHINESE)
        return spec.encoding, 0.7 if is_doubtful else 1.0
    if layout.code_page and layout.code_page not in ("cp437", "cp850", "cp1252"):
        return layout.code_page, 0.9
    return "gb18030", 0.7


def _layout(part: Part) -> _Layout:
    with part.path.open("rb") as file:
        start = file.read(32)
        if len(start) < 32:
            raise _no_dbf(part, t("it has only {n} bytes", n=len(start)))
        records, header_bytes, width = struct.unpack_from("<IHH", start, 4)
        entries = file.read(max(0, header_bytes - 32))
    fields = []
    for at in range(0, len(entries) - 31, 32):
        entry = entries[at : at + 32]
        if entry[0] in _END_OF_FIELDS:
            break
        fields.append(_field(entry))
    taken = sum(field.length for field in fields) + 1
    if not fields or taken != width or len(entries) < header_bytes - 32:
        raise _no_dbf(part, t("its header is damaged, or of a kind not known"))
    layout = [("deleted", "S1"), *((str(at), f"V{field.length}") for at, field in enumerate(fields))]
    dtype: np.dtype[np.void] = np.dtype(layout)
    return _Layout(records, header_bytes, _CODE_PAGES.get(start[29]), fields, dtype)


def _field(entry: bytes) -> Field:
    name = entry[:11].split(b"\0")[0].decode("gb18030", "replace").strip()
    kind, length, decimals = chr(entry[11]), entry[16], entry[17]
    if kind == "C":  # FoxPro and Clipper write long texts' length in both bytes
        length, decimals = length + 256 * decimals, 0
    return Field(name, kind, length, decimals, bool(entry[18] & 0x02))


def _no_dbf(part: Part, reason: str) -> GuikeError:
    return GuikeError(
        t("{file} is no readable DBF file: {reason}", file=part.name, reason=reason),
        t("Copy it again while the old program isn't running."),
    )


def _refuse_unreadable(part: Part, fields: Sequence[Field]) -> None:
    for field in fields:
        if field.kind not in TEXT_TYPES | BINARY_TYPES:
            raise GuikeError(
                t("{file}: the column {column} is of type {type}, which holds neither text nor numbers.",
                  file=part.name, column=field.name, type=field.kind),
                t("Leave the column out of the spec, or export it as a character column."),
            )  # fmt: skip


def _records(part: Part, layout: _Layout) -> Iterator[tuple[int, npt.NDArray[np.void]]]:
    """The records in blocks, each with the number of its first record, from 1."""
    width = layout.dtype.itemsize
    there = max(0, part.path.stat().st_size - layout.header_bytes) // width
    if there < layout.records:
        raise GuikeError(
            t("{file} is cut short: its header promises {n} rows, record {record} is the last one there.",
              file=part.name, n=layout.records, record=there),
            t("Copy it again while the old program isn't running."),
        )  # fmt: skip
    if there > layout.records:
        _refuse_more(part, layout, there)
    for first in range(0, layout.records, BATCH_ROWS):
        count = min(BATCH_ROWS, layout.records - first)
        offset = layout.header_bytes + first * width
        yield first + 1, np.fromfile(part.path, layout.dtype, count, offset=offset)


def _refuse_more(part: Part, layout: _Layout, there: int) -> None:
    """Records after those that the header counts were added by a program that then broke off."""
    offset = layout.header_bytes + layout.records * layout.dtype.itemsize
    beyond = np.fromfile(part.path, layout.dtype, there - layout.records, offset=offset)
    marks = beyond["deleted"]
    real = int(np.argmin((marks == _LIVE) | (marks == _DELETED))) if len(marks) else 0
    real = len(marks) if np.isin(marks, (_LIVE, _DELETED)).all() else real
    # numpy gives a space as b" ", but padding of zeros as b"": no record.
    if real:
        raise GuikeError(
            t("{file}: its header promises {n} rows, but {found} are there.", file=part.name,
              n=layout.records, found=layout.records + real),
            t("Open it once in the old program, which then counts anew (or PACK), and copy it again."),
        )  # fmt: skip


def _column(
    layout: _Layout,
    records: npt.NDArray[np.void],
    pick: int,
    encoding: str,
    numbers: Sequence[int],
    memos: Memos | None,
) -> Texts:
    field = layout.fields[pick]
    texts = text_of(np.ascontiguousarray(records[str(pick)]), field, encoding, numbers, memos)
    if not field.is_nullable:
        return texts
    flags_at = next((at for at, one in enumerate(layout.fields) if one.kind == _NULL_FLAGS), None)
    if flags_at is None:
        return texts
    bit = _null_bit(layout.fields, pick)
    flags = np.ascontiguousarray(records[str(flags_at)])
    is_null = np.frombuffer(flags.tobytes(), np.uint8).reshape(len(records), -1)[:, bit // 8] >> (bit % 8) & 1
    values = texts.to_pylist() if isinstance(texts, pa.Array) else texts
    return [None if null else text for text, null in zip(values, is_null.tolist(), strict=True)]


def _null_bit(fields: Sequence[Field], pick: int) -> int:
    """Nullable fields have a bit each, and varchar one more in front of it, in the order of the fields."""
    bit = 0
    for field in fields[: pick + 1]:
        bit += field.kind in "VQ"
        bit += field.is_nullable
    return bit - 1
