"""What a status, kind or channel of a source means in the input contract.

Comes in: a column with its sample and comment. Goes out: source value -> canonical value, from the
dictionary, with the explanation that many Chinese schemas carry in the comment (0:待审核 1:已审核 2:作废)
read first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from pipelines.extract.scaffold.survey import SourceColumn
from pipelines.extract.scaffold.words import dictionary

_LEGEND = re.compile(
    r"(?<![\w.])([A-Za-z]|\d{1,3})\s*[:：=、.\-—－]*\s*(?:代表|表示)?([一-鿿A-Za-z][一-鿿A-Za-z ]*)"
)
_MOST_UNKNOWN = 12


@dataclass(frozen=True)
class ValueMap:
    """How a column is decoded.

    Attributes:
        known: canonical value -> the source's values for it, in lower case.
        foreign: values of documents that are no sale at all.
        unknown: values that the dictionary doesn't know; they pass through in lower case.
    """

    known: dict[str, tuple[str, ...]]
    foreign: tuple[str, ...]
    unknown: tuple[str, ...]


@cache
def _meanings(name: str) -> dict[str, str]:
    """Source word -> canonical value, for `orders.status` and its like."""
    return {
        "".join(word.lower().split()): canonical
        for canonical, words in dictionary()["values"][name].items()
        for word in [canonical, *words]
    }


def value_map(name: str, column: SourceColumn, *, is_whole: bool = True) -> ValueMap:
    """Decode the values of `column` as the field `name` (entity.field).

    Args:
        is_whole: whether the sample is all there is. If not, a column of words is decoded by all that the
            dictionary knows: a return or a purchase may come after the first thousand rows.
    """
    meanings, legend = _meanings(name), dict(_LEGEND.findall(column.comment))
    foreign_words = dictionary()["foreign_documents"] if name.endswith("document_kind") else []
    known: dict[str, list[str]] = {}
    foreign, unknown = [], []
    seen = [value.strip() for value in column.values if value and value.strip()]
    for value in dict.fromkeys(value.lower() for value in [*seen, *legend]):
        label = legend.get(value) or legend.get(value.upper()) or value
        word = "".join(label.lower().split())
        if word in meanings:
            known.setdefault(meanings[word], []).append(value)
        elif any(word.startswith(start) for start in foreign_words):
            foreign.append(value)
        else:
            unknown.append(value)
    if not is_whole and known and not legend:
        in_chinese = any(not value.isascii() for values in known.values() for value in values)
        for canonical, words in dictionary()["values"][name].items():
            told = known.setdefault(canonical, [])
            told += [word for word in words if word.isascii() != in_chinese and word not in told]
        foreign += [word for word in foreign_words if word.isascii() != in_chinese and word not in foreign]
    frozen = {canonical: tuple(values) for canonical, values in known.items() if values}
    return ValueMap(frozen, tuple(foreign), tuple(unknown[:_MOST_UNKNOWN]))


def yes_values(name: str, column: SourceColumn) -> tuple[tuple[str, ...], bool]:
    """The values, in lower case, with which `column` says yes to the flag `name`.

    What the comment says (0正常 1停用, 0代表存在 2代表删除) goes before the usual words.

    Returns:
        The values, and whether the comment calls them by what they mean, rather than yes and no.
    """
    words = dictionary()["flags"][name]
    legend = {code.lower(): "".join(label.lower().split()) for code, label in _LEGEND.findall(column.comment)}
    told = tuple(code for code, label in legend.items() if label in words["yes"])
    denied = tuple(code for code, label in legend.items() if label in words["no"])
    if not told and not denied:
        return tuple(words["yes"]), False
    named = {legend[code] for code in (*told, *denied)} - {"是", "否", "yes", "no", "true", "false"}
    return told or tuple(code for code in legend if code not in denied), bool(named)
