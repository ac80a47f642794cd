"""The Latin words of a remark: Lily, Mr Smith, Harbor Foods Inc, website, zhangwei.

Comes in: words joined by BLANK. Goes out: `Found`s; words that nobody knows come out as one `plain`.
"""

from __future__ import annotations

from functools import cache

from pipelines.extract.remark_found import Found, person
from pipelines.extract.remark_names import is_pinyin_name
from pipelines.extract.remark_words import BLANK, lexicon, words_of


@cache
def _known(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in words_of(name) if word.isascii())


@cache
def _regions() -> dict[str, str]:
    return {name.lower(): region for name, region in lexicon()["latin_regions"].items()}


def latin_founds(text: str) -> list[Found]:
    """What a run of Latin words says."""
    words = [word for word in text.split(BLANK) if word.strip(".,'&-")]
    founds: list[Found] = []
    rest: list[str] = []
    at = 0
    while at < len(words):
        found, count = _at(words, at, bool(rest))
        if not count:
            rest.append(words[at])
            at += 1
            continue
        if rest:
            founds.append(Found("plain", " ".join(rest), 0.5))
            rest = []
        founds += [found] if found else []
        at += count
    if rest:
        founds.append(Found("plain", " ".join(rest), 0.5))
    return founds


def _at(words: list[str], at: int, goes_on: bool) -> tuple[Found | None, int]:
    """What begins at the word, and how many words that takes; 0 for nothing known."""
    word = _bare(words[at])
    if word in _known("latin_titles") and at + 1 < len(words):
        return person(words[at + 1].strip("."), words[at].strip("."), 0.95), 2
    for count in (3, 2, 1):
        phrase = " ".join(words[at : at + count])
        if len(words) - at >= count and _bare(phrase) in _known("things"):
            return Found("project", phrase, 0.85), count
    if word in _regions() and not _firm_length(words, at):
        return Found("region", _regions()[word], 0.8), 1
    if not goes_on and (count := _name_length(words, at)):
        return person(" ".join(words[at : at + count]), "", 0.85), count
    if count := _firm_length(words, at):
        return Found("company", " ".join(words[at : at + count]).rstrip(","), 0.9), count
    return None, 1 if word in _known("latin_noise") else 0


def _name_length(words: list[str], at: int) -> int:
    word, following = _bare(words[at]), _bare(words[at + 1]) if at + 1 < len(words) else ""
    if word in _known("first_names"):
        return 2 if following in _known("latin_surnames") else 1
    if following and is_pinyin_name(f"{word} {following}") and following not in _known("latin_company_words"):
        return 2
    return 1 if is_pinyin_name(word) else 0


def _firm_length(words: list[str], at: int) -> int:
    """How many words from here end in a word of firms; the next words until then are the firm's own."""
    last = -1
    for index in range(at + 1, min(at + 7, len(words))):
        if _bare(words[index]) in _known("things") and index - at > 1:
            break
        if set(_bare(words[index]).replace(".", " ").split()) & _known("latin_company_words"):
            last = index
        elif last >= 0:
            break
    return last - at + 1 if last >= 0 else 0


def _bare(text: str) -> str:
    return text.strip(".,'").lower()
