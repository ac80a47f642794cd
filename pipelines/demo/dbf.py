"""A vectorised writer of FoxPro DBF files in GBK.

Comes in: columns and their field definitions. Goes out: a .dbf as the membership program of the 1990s
wrote it (dBASE III layout, code page mark 0x7A = 936, deleted rows marked with `*` and still there).
Layout after the dBASE file format: 32-byte header, 32 bytes per field, 0x0D, fixed-width rows, 0x1A.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.demo.fabric import Booleans, Integers, Objects, money_text

_GBK_MARK = 0x7A
_LAST_UPDATE = (126, 6, 30)  # years since 1900, month, day


@dataclass(frozen=True)
class Field:
    """A field: kind C text, D date (given as YYYY-MM-DD), N number (decimals 2: given in cents)."""

    name: str
    kind: str
    width: int
    decimals: int = 0


def write_dbf(
    path: Path, fields: list[Field], columns: dict[str, Objects | Integers], deleted: Booleans
) -> None:
    """Write all rows at once.

    Raises:
        ValueError: a text that doesn't fit its field, which would be cut in the middle of a character.
    """
    count = len(deleted)
    width = 1 + sum(field.width for field in fields)
    rows = np.full((count, width), ord(" "), dtype=np.uint8)
    rows[deleted, 0] = ord("*")
    offset = 1
    for field in fields:
        rows[:, offset : offset + field.width] = _bytes(field, columns[field.name], count)
        offset += field.width
    header = struct.pack("<B3BIHH17xBxx", 0x03, *_LAST_UPDATE, count, 33 + 32 * len(fields), width, _GBK_MARK)
    with path.open("wb") as file:
        file.write(header)
        for field in fields:
            name = field.name.encode().ljust(11, b"\0")
            file.write(struct.pack("<11sc4xBB14x", name, field.kind.encode(), field.width, field.decimals))
        file.write(b"\r")
        file.write(rows.tobytes())
        file.write(b"\x1a")


def _bytes(field: Field, column: Objects | Integers, count: int) -> NDArray[np.uint8]:
    """The field's bytes, `width` per row: text padded on the right, numbers on the left."""
    if field.kind == "N":
        text = money_text(column) if field.decimals else np.asarray(column).astype("U").astype(object)
        encoded = np.char.rjust(text.astype("S"), field.width)
    elif field.kind == "D":
        encoded = np.array([value[:10].replace("-", "") for value in column], dtype=f"S{field.width}")
    else:
        encoded = np.array([value.encode("gbk") for value in column], dtype="S")
        encoded = np.char.ljust(encoded, field.width)
    if encoded.dtype.itemsize != field.width:
        raise ValueError(f"a value of {field.name} is longer than {field.width} bytes")
    return encoded.view(np.uint8).reshape(count, field.width)
