"""Text for a spreadsheet's cell: readable, within Excel's limits, and never a formula.

Comes in: whatever a legacy system holds. Goes out: text that Excel, WPS and LibreOffice show as it is, also
after the workbook was saved as CSV and that file was opened again: then only what stands in the cell tells
text from formula, so an apostrophe stands before it (as OWASP advises against CSV injection).
"""

from __future__ import annotations

import re
import unicodedata

from openpyxl.cell.cell import ERROR_CODES

LONGEST = 32_000
"""Characters of a cell; Excel takes 32,767 units of UTF-16, and escapes below take some."""

# A formula's first sign, also as a full-width or typographic form that a program may take for one, and the
# blanks and breaks after which one begins all the same.
_FORMULA = frozenset("=+-@\t\r\n|%−–—‐‑﹣﹢")
_INVISIBLE = frozenset("\ufeff\u200b\u200c\u200d\u2060\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e")
# What XML 1.0 can't hold: control characters, halves of surrogate pairs, and two that are no characters.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


def cell_text(value: str | None) -> str | None:
    """`value` as the text of a cell; None for nothing.

    A text that a spreadsheet could take for a formula, or for one of its error codes, begins with an
    apostrophe. Characters that a workbook can't hold are left out, what is too long is cut and ends with ….
    """
    if value is None:
        return None
    text = _NOT_XML.sub("", value)
    if not text:
        return None
    if _is_dangerous(text):
        text = f"'{text}"
    # Excel reads _x003D_ in a workbook as the sign with that number.
    return _ESCAPE.sub("_x005F_", _cut(text))


def _is_dangerous(text: str) -> bool:
    if text in ERROR_CODES:
        return True
    for sign in text:
        if sign in _FORMULA or unicodedata.normalize("NFKC", sign)[:1] in _FORMULA:
            return True
        if not (sign.isspace() or sign in _INVISIBLE):
            return False
    return False


def _cut(text: str) -> str:
    """At most `LONGEST` units of UTF-16, in which a rare character counts twice."""
    if len(text) * 2 <= LONGEST or len(text.encode("utf-16-le")) // 2 <= LONGEST:
        return text
    return text.encode("utf-16-le")[: 2 * (LONGEST - 1)].decode("utf-16-le", errors="ignore") + "…"
