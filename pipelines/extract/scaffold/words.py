"""Names of tables and columns as sequences of concepts.

Comes in: a name as a legacy system has it: customer_name, CustName, 客户名称, kehumingcheng, KHMC, FKhmc.
Goes out: its readings, each a set of concepts of `dictionary.yml` ({customer, name}) and of words that the
dictionary doesn't know, with a weight: pinyin initials may be read in several ways, and are less certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import yaml
from pypinyin import lazy_pinyin

_DICTIONARY = Path(__file__).with_name("dictionary.yml")
_BRACKETS = re.compile(r"[(（\[【][^)）\]】]*[)）\]】]?")
_PIECES = re.compile(r"[一-鿿]+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[A-Z]+")
_MOST_READINGS = 24
INITIALS_WEIGHT, _PINYIN_WEIGHT = 0.94, 0.97
_LAST_INITIALS = frozenset("hmrdl")  # 号 名 人 单 率: one letter, and only at the end of initials


@dataclass(frozen=True)
class Reading:
    """One way to read a name.

    Attributes:
        concepts: what it says; a word that the dictionary doesn't know stands there with a ? in front.
        weight: how sure the reading is, up to 1.
    """

    concepts: frozenset[str]
    weight: float


@cache
def dictionary() -> dict[str, Any]:
    """The whole of dictionary.yml; every scalar in it is text."""
    found: dict[str, Any] = yaml.load(_DICTIONARY.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506
    return found


@dataclass(frozen=True)
class _Index:
    """Word -> concepts, by way of writing."""

    english: dict[str, tuple[str, ...]]
    chinese: dict[str, tuple[str, ...]]
    pinyin: dict[str, tuple[str, ...]]
    initials: dict[str, tuple[str, ...]]


@cache
def _index() -> _Index:
    english: dict[str, list[str]] = {}
    chinese: dict[str, list[str]] = {}
    pinyin: dict[str, list[str]] = {}
    initials: dict[str, list[str]] = {}
    for concept, words in dictionary()["concepts"].items():
        for word in [*words["en"], *words.get("short", ())]:
            english.setdefault(word.replace("_", ""), []).append(concept)
        for word in words["zh"]:
            syllables = lazy_pinyin(word)
            for index, form in (
                (chinese, word),
                (pinyin, "".join(syllables)),
                (initials, "".join(syllable[0] for syllable in syllables)),
            ):
                known = index.setdefault(form, [])
                if concept not in known:
                    known.append(concept)
    for index in (pinyin, initials):  # HUIYUANID, KHNO
        index.setdefault("id", ["id"])
        index.setdefault("no", ["code"])
    frozen = [
        {word: tuple(found) for word, found in index.items()}
        for index in (english, chinese, pinyin, initials)
    ]
    return _Index(*frozen)


@cache
def readings(name: str) -> tuple[Reading, ...]:
    """The readings of `name`, the most certain first; none where it holds no letter."""
    pieces = _PIECES.findall(_BRACKETS.sub(" ", name)) or _PIECES.findall(name)
    noise = set(dictionary()["noise"])
    told = [
        piece for piece in pieces if piece.lower() not in noise and (len(piece) > 1 or not piece.isascii())
    ]
    options = [_of_piece(piece) for piece in told or pieces]
    if not options:
        return ()
    found: dict[frozenset[str], float] = {}
    for parts in _product(options):
        concepts = _without_tax(frozenset(concept for part in parts for concept in part.concepts))
        weight = min(part.weight for part in parts)
        found[concepts] = max(weight, found.get(concepts, 0))
    for reading in (*_whole(told or pieces), *_whole(pieces)):
        found[reading.concepts] = max(reading.weight, found.get(reading.concepts, 0))
    ordered = sorted(found.items(), key=lambda item: -item[1])
    return tuple(Reading(concepts, weight) for concepts, weight in ordered[:_MOST_READINGS])


def _without_tax(concepts: frozenset[str]) -> frozenset[str]:
    """What is said to be with or without tax is no tax: total_price_tax_incl."""
    return concepts - {"tax"} if concepts & {"gross", "net"} else concepts


def _product(options: list[tuple[Reading, ...]]) -> Iterator[tuple[Reading, ...]]:
    from itertools import product

    return islice(product(*options), _MOST_READINGS * 4)


def _whole(pieces: list[str]) -> tuple[Reading, ...]:
    """A word that is written in two pieces: tax_id, e_mail, cell_phone, lx_r."""
    joined = "".join(pieces).lower()
    known = _index().english.get(joined) or _index().pinyin.get(joined) or ()
    return tuple(Reading(frozenset({concept}), 1.0) for concept in known) if len(pieces) > 1 else ()


@cache
def _of_piece(piece: str) -> tuple[Reading, ...]:
    index = _index()
    if not piece.isascii():
        return (Reading(frozenset(_cut_chinese(piece)), 1.0),)
    word = piece.lower()
    found = [Reading(frozenset({concept}), 1.0) for concept in index.english.get(word, ())]
    if not found:
        found += [Reading(frozenset(cut), 0.98) for cut in _segment(word, index.english, 3)]
    found += [Reading(frozenset(cut), _PINYIN_WEIGHT) for cut in _segment(word, index.pinyin, 2)]
    if not found or len(word) <= 5:
        found += [Reading(frozenset(cut), INITIALS_WEIGHT) for cut in _segment(word, index.initials, 2)]
    return tuple(found) or (Reading(frozenset({f"?{word}"}), 1.0),)


def _segment(word: str, index: dict[str, tuple[str, ...]], shortest: int) -> list[tuple[str, ...]]:
    """All ways to cut `word` into words of `index` without a rest, few and long words first."""
    ways: list[tuple[str, ...]] = []

    def cut(start: int, concepts: tuple[str, ...]) -> None:
        if start == len(word):
            ways.append(concepts)
            return
        for end in range(len(word), start, -1):
            part = word[start:end]
            long_enough = len(part) >= shortest or part in ("id", "no", "dt", "nm", "cd")
            if shortest == 2 and len(part) == 1:
                long_enough = start > 0 and end == len(word) and part in _LAST_INITIALS
            if long_enough and len(ways) < 200:
                for concept in index.get(part, ()):
                    cut(end, (*concepts, concept))

    cut(0, ())
    return sorted(ways, key=len)[:_MOST_READINGS]


def _cut_chinese(text: str) -> list[str]:
    """The concepts of Chinese text, by the longest words; a character that is in none is a ?character."""
    index = _index().chinese
    best: list[tuple[int, list[str]]] = [(0, [])]
    for end in range(1, len(text) + 1):
        cost, concepts = best[end - 1]
        options = [(cost + 10, [*concepts, f"?{text[end - 1]}"])]
        for start in range(end):
            if known := index.get(text[start:end]):
                options.append((best[start][0] + 1, [*best[start][1], known[0]]))
        best.append(min(options, key=lambda option: option[0]))
    return _with_one_rest(best[-1][1])


def _with_one_rest(concepts: list[str]) -> list[str]:
    """Characters that stand together and are unknown are one unknown word."""
    joined: list[str] = []
    for concept in concepts:
        if concept.startswith("?") and joined and joined[-1].startswith("?"):
            joined[-1] += concept[1:]
        else:
            joined.append(concept)
    return joined
