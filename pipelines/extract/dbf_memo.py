"""The long texts of a DBF file, which stand in a file beside it.

Comes in: a .dbf whose header says that it has memos. Goes out: the text of a memo by its block number.
FoxPro keeps them in .fpt (length first), dBASE in .dbt (III: up to a mark; IV: length first).
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from pipelines.errors import GuikeError
from pipelines.extract.parts import Part
from pipelines.i18n import t

_DBASE3_BLOCK = 512
_DBASE4_MARK = b"\xff\xff\x08\x00"
_END = b"\x1a"


class Memos:
    """The memo file of one table, read as far as it is asked for."""

    def __init__(self, part: Part) -> None:
        self._name = part.name
        path = memo_beside(part.path)
        if path is None:
            raise GuikeError(
                t("{file} keeps long texts in a memo file (.fpt or .dbt), which isn't beside it.",
                  file=part.name),
                t("Copy the memo file of the same name too, or leave its columns out of the spec."),
            )  # fmt: skip
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""
        self._is_fox = path.suffix.lower() == ".fpt"
        header = self._data[:512].ljust(24, b"\0")
        (size,) = (
            struct.unpack_from(">H", header, 6) if self._is_fox else struct.unpack_from("<H", header, 20)
        )
        self._block: int = size or (64 if self._is_fox else _DBASE3_BLOCK)

    def bytes_of(self, block: int, record: int) -> bytes:
        """The memo that begins at `block`.

        Raises:
            GuikeError: it begins or ends beyond the end of the file; `record` (from 1) names the row.
        """
        start = block * self._block
        head = self._data[start : start + 8]
        if len(head) == 8 and self._is_fox:
            length = struct.unpack_from(">I", head, 4)[0]
        elif len(head) == 8 and head.startswith(_DBASE4_MARK):
            length = struct.unpack_from("<I", head, 4)[0] - 8
        else:
            return self._up_to_mark(start, record)
        if length < 0 or start + 8 + length > len(self._data):
            raise self._cut_short(record)
        return self._data[start + 8 : start + 8 + length]

    def _up_to_mark(self, start: int, record: int) -> bytes:
        end = self._data.find(_END, start)
        if self._is_fox or start >= len(self._data) or end < 0:
            raise self._cut_short(record)
        return self._data[start:end]

    def _cut_short(self, record: int) -> GuikeError:
        return GuikeError(
            t("{file}, record {record}: its long text is not in the memo file, which is cut short.",
              file=self._name, record=record),
            t("Copy it again while the old program isn't running."),
        )  # fmt: skip


def memo_beside(path: Path) -> Path | None:
    """The memo file, whatever the case of its name."""
    wanted = {path.stem.lower() + suffix for suffix in (".fpt", ".dbt")}
    return next((other for other in sorted(path.parent.iterdir()) if other.name.lower() in wanted), None)
