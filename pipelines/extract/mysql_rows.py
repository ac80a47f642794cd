"""The rows that MariaDB or MySQL sends, a block of the wire at a time instead of a value at a time.

Comes in: an open pymysql connection and a query. Goes out: per block of some megabytes, each column's
values as an Arrow array of bytes. MySQL's text protocol already writes every value as text behind its
length, so what a block needs is not parsing but finding where the values lie: numpy follows the lengths for
all rows of the block at once, column by column, and Arrow copies them out. A Python object per value, as
the driver makes, costs about ten times the time. The protocol: MySQL's "Text Resultset", rows as length-
encoded strings.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.extract.gather import Positions, gather

_BLOCK_BYTES = 4 * 1024 * 1024
_HEADER_BYTES = 4  # of a packet: three bytes of length, one that counts
_LONGEST_PACKET = 0xFFFFFF  # a longer row goes on in the next packet
_END_BYTES = 9  # a packet that begins with 0xFE and is shorter ends the rows
_END, _ERROR, _NULL, _TWO_BYTES, _THREE_BYTES, _EIGHT_BYTES = 0xFE, 0xFF, 0xFB, 0xFC, 0xFD, 0xFE
_LENGTH = struct.Struct("<I").unpack_from


def read_columns(connection: Any, query: str, width: int) -> Iterator[list[pa.Array]]:
    """The columns of `query`'s rows, `width` of them, in blocks.

    Raises:
        pymysql.err.Error: the server refuses the query, fails in the midst of it, or goes away.
    """
    from pymysql import cursors, err

    cursor = connection.cursor(cursors.SSCursor)
    cursor.execute(query)
    result, file = cursor._result, connection._rfile
    block = _Block()
    try:
        # What the driver has buffered comes first; everything else is read past its buffer.
        block.take(file.read1(_BLOCK_BYTES))
        while not block.ended:
            block.fill(file.raw)
            if block.starts:
                yield block.columns(width)
            block.forget_rows()
        if block.error:
            err.raise_mysql_exception(block.error)
    except OSError as error:
        raise err.OperationalError(2013, f"Lost connection to MySQL server during query ({error})") from None
    finally:
        # The driver must not look for the rest of an answer whose packets were taken past it.
        result.unbuffered_active, result.connection = False, None
        if not block.ended:
            connection._force_close()


class _Block:
    """Bytes as received: whole rows, whose places are in `starts`, then the beginning of the next one."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ended = False
        self.error = b""
        self._bytes = bytearray(_BLOCK_BYTES)
        self._filled = 0
        self._scanned = 0

    def take(self, first: bytes) -> None:
        """Begin with what has been received already."""
        self._bytes[: len(first)] = first
        self._filled = len(first)

    def fill(self, file: Any) -> None:
        """Receive until the block is full or the rows have ended."""
        self._scan()
        while not self.ended and not (self.starts and self._filled == len(self._bytes)):
            if self._filled == len(self._bytes):
                self._bytes.extend(bytes(len(self._bytes)))  # a row longer than the block
            with memoryview(self._bytes) as view:
                received = file.readinto(view[self._filled :])
            if not received:
                raise ConnectionResetError("the server closed it")
            self._filled += received
            self._scan()

    def _scan(self) -> None:
        """Note where the rows begin that have arrived whole."""
        block, at, filled, note = self._bytes, self._scanned, self._filled, self.starts.append
        while at + _HEADER_BYTES < filled:
            start = at + _HEADER_BYTES
            length = _LENGTH(block, at)[0] & 0xFFFFFF
            if length == _LONGEST_PACKET and not (length := self._joined(start)):
                break
            if start + length > self._filled:
                break
            if block[start] >= _END and self._is_last(start, length):
                break
            note(start)
            at = start + length
            filled = self._filled
        self._scanned = at

    def _is_last(self, start: int, length: int) -> bool:
        if self._bytes[start] == _ERROR:
            self.error = bytes(self._bytes[start : start + length])
        self.ended = bool(self.error) or length < _END_BYTES
        return self.ended

    def _joined(self, start: int) -> int:
        """The length of a row of several packets, whose headers are taken out; 0 until all of it is there."""
        inner, at, length = [], start, _LONGEST_PACKET
        while length == _LONGEST_PACKET:
            at += length
            if at + _HEADER_BYTES > self._filled:
                return 0
            inner.append(at)
            length = _LENGTH(self._bytes, at)[0] & 0xFFFFFF
            at += _HEADER_BYTES
        if at + length > self._filled:
            return 0
        for header in reversed(inner):
            del self._bytes[header : header + _HEADER_BYTES]
        self._filled -= _HEADER_BYTES * len(inner)
        return at + length - start - _HEADER_BYTES * len(inner)

    def columns(self, width: int) -> list[pa.Array]:
        """The values of the rows in the block, column by column."""
        held = memoryview(self._bytes)[: self._scanned]
        block, buffer = np.frombuffer(held, np.uint8), pa.py_buffer(held)
        at, columns = np.array(self.starts, np.int64), []
        for _ in range(width):
            starts, lengths, is_null = _places(block, at)
            at = starts + lengths
            columns.append(gather(buffer, starts, at, is_null))
        if at[-1] != self._scanned or not np.array_equal(at[:-1] + _HEADER_BYTES, self.starts[1:]):
            raise RuntimeError("rows of the MySQL protocol don't end where they should")
        return columns

    def forget_rows(self) -> None:
        """Keep only what has not been read yet."""
        rest = self._bytes[self._scanned : self._filled]
        self._bytes = bytearray(max(_BLOCK_BYTES, 2 * len(rest)))
        self._bytes[: len(rest)] = rest
        self._filled, self._scanned = len(rest), 0
        self.starts = []


def _places(block: npt.NDArray[np.uint8], at: Positions) -> tuple[Positions, Positions, Any]:
    """Where the values lie whose lengths stand at `at`: starts, lengths, and which are NULL (None: none)."""
    first = block[at]
    starts, lengths = at + 1, first.astype(np.int64)
    if first.max() < _NULL:
        return starts, lengths, None
    is_null = first == _NULL
    lengths[is_null] = 0
    for mark, size in ((_TWO_BYTES, 2), (_THREE_BYTES, 3), (_EIGHT_BYTES, 8)):
        rows = np.flatnonzero(first == mark)
        if len(rows):
            lengths[rows] = sum(
                block[at[rows] + 1 + byte].astype(np.int64) << (8 * byte) for byte in range(size)
            )
            starts[rows] += size
    return starts, lengths, is_null
