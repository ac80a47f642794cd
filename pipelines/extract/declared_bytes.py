"""Text whose bytes are not in the encoding that the database takes them for.

Comes in: a column's bytes, as hexadecimal digits, and the encoding that they are in really. Goes out: the
text. Old programs wrote GBK or UTF-8 into columns declared latin1; asked for text, the server would turn
every byte into a Latin letter, so it is asked for the bytes. A block is decoded as a whole, not value by
value.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

_BETWEEN = "\0"


class UndecodableBytes(ValueError):
    """Bytes that are not in the encoding they are said to be in.

    Args:
        value: the first such value of the column.
    """

    def __init__(self, value: bytes) -> None:
        super().__init__(value)
        self.value = value


def decode(digits: pa.Array, encoding: str) -> pa.Array:
    """Hexadecimal digits as text.

    Raises:
        UndecodableBytes: a value is not in `encoding`.
    """
    is_null = digits.is_null().to_numpy(zero_copy_only=False)
    values = [value or b"" for value in digits.to_pylist()]
    return pa.array(_texts(values, encoding), type=pa.string(), mask=is_null)


def _texts(values: Sequence[bytes], encoding: str) -> list[str]:
    if _BETWEEN.encode(encoding) != b"\0":
        return [_text(value, encoding) for value in values]
    block = bytes.fromhex(b"00".join(values).decode("ascii"))
    try:
        texts = block.decode(encoding).split(_BETWEEN)
    except UnicodeDecodeError:
        return [_text(value, encoding) for value in values]
    # A value may hold the separator itself.
    return texts if len(texts) == len(values) else [_text(value, encoding) for value in values]


def _text(digits: bytes, encoding: str) -> str:
    value = bytes.fromhex(digits.decode("ascii"))
    try:
        return value.decode(encoding)
    except UnicodeDecodeError:
        raise UndecodableBytes(value) from None
