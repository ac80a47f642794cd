"""Files as the readers' tests need them: DBF with memos, workbooks with faults, archives."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl

Field = tuple[str, str, int, int]


def write_dbf(
    path: Path,
    fields: Sequence[Field],
    records: Sequence[Sequence[bytes]],
    *,
    promised: int | None = None,
    version: int = 0x30,
    code_page: int = 0,
    nullable: Sequence[str] = (),
) -> None:
    """A DBF; each record is its mark and one value per field (padded as its type wants)."""
    width = 1 + sum(length for _, _, length, _ in fields)
    count = len(records) if promised is None else promised
    head = struct.pack("<4BIHH17xBxx", version, 124, 1, 1, count, 33 + 32 * len(fields), width, code_page)
    for name, kind, length, decimals in fields:
        flags = 0x02 if name in nullable else 0
        head += struct.pack("<11sc4xBBB13x", name.encode("gbk"), kind.encode(), length, decimals, flags)
    body = b""
    for mark, *values in records:
        body += mark
        for value, (_, kind, length, _) in zip(values, fields, strict=True):
            body += value.rjust(length) if kind == "N" else value.ljust(length)
    path.write_bytes(head + b"\r" + body + b"\x1a")


def write_fpt(path: Path, texts: Sequence[bytes]) -> list[int]:
    """A FoxPro memo file with blocks of 64 bytes; returns the block number of each text."""
    blocks, data = [], b""
    for text in texts:
        blocks.append(8 + len(data) // 64)
        memo = struct.pack(">II", 1, len(text)) + text
        data += memo.ljust(-(-len(memo) // 64) * 64, b"\0")
    path.write_bytes(struct.pack(">IHH504x", 8 + len(data) // 64, 0, 64) + data)
    return blocks


def write_workbook(
    path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]], hidden: Sequence[str] = ()
) -> None:
    """A workbook; a cell that begins with = is a formula without a value, one with # an error."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
        for row in rows:
            sheet.append(list(row))
    book.save(path)


def write_zip(path: Path, files: Mapping[str, bytes], *, encrypted: bool = False, gbk: bool = False) -> None:
    """A .zip; `encrypted` sets the mark that says so, `gbk` writes names as Windows does."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    data = memory.getvalue()
    if gbk:
        for name in files:
            data = data.replace(name.encode(), name.encode("gbk").rjust(len(name.encode()), b"_"))
        data = _without_flag(data, 0x800)
    if encrypted:
        data = _with_flag(data, 0x1)
    path.write_bytes(data)


def _with_flag(data: bytes, flag: int) -> bytes:
    return _flags(data, lambda flags: flags | flag)


def _without_flag(data: bytes, flag: int) -> bytes:
    return _flags(data, lambda flags: flags & ~flag)


def _flags(data: bytes, change: Any) -> bytes:
    """The archive with the flags of each entry changed, in both places that hold them."""
    changed = bytearray(data)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.find(mark)
        while at >= 0:
            (flags,) = struct.unpack_from("<H", changed, at + offset)
            struct.pack_into("<H", changed, at + offset, change(flags))
            at = changed.find(mark, at + 4)
    return bytes(changed)
