"""Columns of DBF records, as text.

Comes in: the raw bytes of one field over many records. Goes out: text, None for nothing. Values that no
calendar knows (00000000, 20231301) come through as written; what FoxPro keeps in binary (money, times,
integers, doubles) is written out exactly.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.extract.dbf_memo import Memos
from pipelines.extract.text_values import numbers_text

Values = npt.NDArray[np.void]
Texts: TypeAlias = Sequence[str | None] | Any  # or an Arrow array, which has no types

TEXT_TYPES = frozenset("CDNFLM")
BINARY_TYPES = frozenset("IBYTV")
_JULIAN_EPOCH = 1_721_425  # the Julian day before 0001-01-01
_LAST_DAY = 3_652_059


@dataclass(frozen=True)
class Field:
    """One field of a DBF header."""

    name: str
    kind: str
    length: int
    decimals: int
    is_nullable: bool


def text_of(
    values: Values, field: Field, encoding: str, numbers: Sequence[int], memos: Memos | None
) -> Texts:
    """The values of `field`; `numbers` are those of their records (from 1), for messages."""
    raw = values.tobytes()
    if field.kind in _BINARY and not (field.kind == "B" and field.length != 8):
        return _BINARY[field.kind](raw)
    if field.kind == "M" and memos is not None:
        return _memos(values, field, encoding, numbers, memos)
    cells = values.view(f"S{field.length}").tolist()
    if field.kind == "V":
        cells = [cell.ljust(field.length, b"\0") for cell in cells]
        cells = [cell[: cell[-1]] if cell[-1] < field.length else cell for cell in cells]
        return [text or None for text in decode(cells, encoding)]
    if field.kind == "C":
        return [text.rstrip(" \0") for text in decode(cells, encoding)]
    if field.kind == "D":
        return [_date(text) for text in decode(cells, "latin-1")]
    return [text.strip(" \0") or None for text in decode(cells, "latin-1")]


def decode(cells: list[bytes], encoding: str) -> list[str]:
    """All cells at once, joined by line feeds (no byte of GBK's two-byte characters is one)."""
    joined = b"\n".join(cells)
    try:
        texts = joined.decode(encoding).split("\n")
        if len(texts) == len(cells):
            return texts
    except UnicodeDecodeError:
        pass
    # A character cut in half at the end of a field, as old programs do: it is marked, the rest is kept.
    return [cell.decode(encoding, errors="replace") for cell in cells]


def _memos(
    values: Values, field: Field, encoding: str, numbers: Sequence[int], memos: Memos
) -> list[str | None]:
    if field.length == 4:
        blocks = np.frombuffer(values.tobytes(), "<u4").tolist()
    else:
        blocks = [int(cell.strip(b" \0") or 0) for cell in values.view(f"S{field.length}").tolist()]
    pairs = zip(blocks, numbers, strict=True)
    texts = [memos.bytes_of(block, record) if block else b"" for block, record in pairs]
    return [text.decode(encoding, "replace").rstrip(" \0\r\n") or None for text in texts]


def _date(text: str) -> str | None:
    text = text.strip(" \0")
    if len(text) == 8 and text.isdigit():
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return text or None


def _integers(raw: bytes) -> Texts:
    return [str(number) for number in np.frombuffer(raw, "<i4").tolist()]


def _doubles(raw: bytes) -> Texts:
    return numbers_text(pa.array(np.frombuffer(raw, "<f8")))


def _money(raw: bytes) -> Texts:
    """Currency: a 64-bit count of ten-thousandths."""
    counts = np.frombuffer(raw, "<i8").tolist()
    return [f"{'-' * (count < 0)}{abs(count) // 10_000}.{abs(count) % 10_000:04}" for count in counts]


def _times(raw: bytes) -> Texts:
    """A Julian day and the milliseconds since its midnight."""
    return [_time(day, milliseconds) for day, milliseconds in struct.iter_unpack("<II", raw)]


def _time(day: int, milliseconds: int) -> str | None:
    ordinal = day - _JULIAN_EPOCH
    if not 1 <= ordinal <= _LAST_DAY:
        return None if day in (0, 0x20202020) else f"{day} {milliseconds}"
    # Programs store 08:29:59.999 for 08:30:00: seconds are what the type promises.
    moment = datetime.fromordinal(ordinal) + timedelta(seconds=round(milliseconds / 1000))
    return moment.isoformat(sep=" ")


_BINARY: dict[str, Callable[[bytes], Texts]] = {"I": _integers, "B": _doubles, "Y": _money, "T": _times}
