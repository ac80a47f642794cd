"""Values of file formats that know types, as text.

Comes in: what a JSON or Excel reader gives. Goes out: the text to store, None for nothing. Whole numbers have
no decimals, others every digit that tells them from their neighbours; dates are ISO.
"""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any


class Number(str):
    """A number of a JSON document, as it is written there."""


def json_text(value: Any) -> str | None:
    """A JSON value as text; objects and lists as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, dict | list):
        return _json_document(value)
    return str(value)


def _json_document(value: Any) -> str:
    """A value as JSON; numbers as written."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        items = (
            f"{json.dumps(key, ensure_ascii=False)}: {_json_document(item)}" for key, item in value.items()
        )
        return f"{{{', '.join(items)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_json_document(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False, default=str)


def number_text(value: float) -> str:
    """13812345678.0 -> 13812345678, 0.1 -> 0.1, 1e-07 -> 0.0000001."""
    return str(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")


def cell_text(value: Any) -> str | None:
    """An Excel cell as text; None where it is empty."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        minutes, seconds = divmod(int(value.total_seconds()), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return None if value is None else str(value)


def bytes_text(data: bytes, charset: str | None = None) -> str:
    """Bytes as text: in the charset that is named if they are, else in UTF-8, else in GB18030.

    GB18030 stands in for its subsets: what calls itself GB2312 often holds more. Bytes that are none of the
    three come out with marks for what can't be read.
    """
    named = (
        "gb18030" if (charset or "").lower().replace("_", "").startswith(("gb", "x-gb", "cp936")) else charset
    )
    for candidate in (named, "utf-8", "gb18030"):
        try:
            if candidate:
                return data.decode(candidate)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("gb18030", "replace")
