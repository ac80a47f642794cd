"""Whether a few characters are a person's name, a nickname, or what a firm calls itself.

Comes in: text without separators. Goes out: scores. Surnames count by how many people bear them, the other
characters by whether given names or brands are made of them: 张伟 is a name, 金鼎 a brand, 康达 either.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from pipelines.extract.remark_words import HAN, any_of, compiled, lexicon, surname_weights, words_of

NAME = 3.0  # a score from which on a name is believed whatever stands beside it


@cache
def _characters(name: str) -> frozenset[str]:
    return frozenset(lexicon()[name])


@cache
def _nickname() -> re.Pattern[str]:
    ordinary = any_of(words_of("not_nicknames"))
    borne = "".join(c for c, weight in surname_weights().items() if weight >= 1 and len(c) == 1)
    return re.compile(
        rf"(?!{ordinary})(?:[小阿]{HAN}{{1,2}}|[老大][{borne}]|(?P<twin>{HAN})(?P=twin))$"
        rf"|(?P<called>{HAN}{{1,2}})(?P<address>[姐哥嫂叔姨]|老师)$"
    )


def surname_of(text: str) -> str:
    """The surname that the text begins with, or nothing."""
    weights = surname_weights()
    return text[:2] if len(text) > 2 and text[:2] in weights else text[:1] if text[:1] in weights else ""


@lru_cache(100_000)
def name_score(text: str) -> float:
    """How much `text` looks like surname and given name: 张伟 4, 谭丽萍 4, 张国力 4, 锡城 -9."""
    family = surname_of(text)
    given = text[len(family) :]
    if not family or not 1 <= len(given) <= 2 or compiled("note").search(given):
        return -9.0
    usual = _characters("given")
    return surname_weights()[family] + sum(1.0 if c in usual else -1.0 for c in given)


def brand_score(text: str) -> float:
    """How many of its characters are what brands are made of, less those that aren't."""
    brand = _characters("brand")
    return sum(1.0 if c in brand else -1.0 for c in text)


def is_strictly_given(text: str) -> bool:
    """Whether every character is one of given names that brands seldom hold."""
    return all(c in _characters("given") and c not in _characters("brand") for c in text)


def is_given_name(text: str) -> bool:
    """丽萍, 梓涵: two characters, both usual in given names and in no brand."""
    return len(text) == 2 and is_strictly_given(text)


def nickname(text: str) -> tuple[str, str] | None:
    """小李, 阿强, 婷婷 and 芳姐 as (name, form of address), or None."""
    match = _nickname().match(text)
    if match is None:
        return None
    return (match["called"], match["address"]) if match["called"] else (text, "")


def is_pure_surname(text: str) -> bool:
    """Whether the character is hardly ever anything else but a surname."""
    return text in _characters("surnames_pure")


def is_surname(text: str) -> bool:
    """Whether the character alone may stand for a person: 锡城机械-王."""
    return surname_weights().get(text, 0) >= 1


@cache
def _pinyin() -> re.Pattern[str]:
    family = "|".join(sorted(map(str, words_of("latin_surnames")), key=len, reverse=True))
    given = "|".join(
        sorted({*words_of("pinyin_given"), *words_of("latin_surnames")[:110]}, key=len, reverse=True)
    )
    return re.compile(rf"(?:{family})[ ]?(?:{given}){{1,2}}", re.IGNORECASE)


def is_pinyin_name(text: str) -> bool:
    """zhangwei, Li Wei, Wang Xiaoming."""
    return _pinyin().fullmatch(text) is not None
