"""The words that normalisation knows, and how they become SQL.

Comes in: `lexicon.yml`, `english.yml` and `places.yml`. Goes out: the lists by name, literals and regular
expressions (RE2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILES = [Path(__file__).with_name(name) for name in ("lexicon.yml", "english.yml", "places.yml")]
HAN = "[一-鿿]"


@cache
def lexicon() -> dict[str, Any]:
    """The words of all files, by list name."""
    words: dict[str, Any] = {}
    for file in _FILES:
        words |= yaml.safe_load(file.read_text(encoding="utf-8"))
    return words


def cities() -> list[str]:
    """All cities, those within another one last."""
    words = lexicon()
    return [city for known in words["cities"].values() for city in known] + list(words["county_cities"])


def quoted(text: str) -> str:
    """`text` as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def text_list(words: Iterable[str]) -> str:
    """`words` as an SQL list of literals."""
    return "[" + ", ".join(quoted(str(word)) for word in words) + "]"


def text_map(words: Mapping[str, str]) -> str:
    """`words` as an SQL map of literals."""
    return "map {" + ", ".join(f"{quoted(key)}: {quoted(value)}" for key, value in words.items()) + "}"


def text_lookup(words: Mapping[str, str]) -> str:
    """`words` as an SQL literal for the macro `looked_up`: |key=value|key=value|."""
    return quoted("|" + "".join(f"{key}={value}|" for key, value in words.items()))


def any_of(words: Iterable[str]) -> str:
    """A regular expression for any of the words, the longest first."""
    return "|".join(re.escape(str(word)) for word in sorted(words, key=lambda word: (-len(word), word)))
