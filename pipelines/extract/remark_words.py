"""The patterns by which a remark is taken apart, built once from the word lists.

Comes in: `remarks.yml`, and identity's lexicon for surnames, places and legal forms, so that the project has
one list of each. Goes out: compiled regular expressions over simplified, half-width text. A list of words
becomes a tree of their common beginnings: thousands of words then cost hardly more than a few.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_HERE = Path(__file__)
_IDENTITY = _HERE.parents[1] / "identity"
_LEXICONS = (_IDENTITY / "lexicon.yml", _IDENTITY / "places.yml", _HERE.with_name("remarks.yml"))

HAN = "[㐀-鿿]"
BLANK = "\ue002"  # a blank between Latin words, which ends no piece
COMMA = "\ue003"  # in co., ltd.
OPENED, CLOSED = "\ue000", "\ue001"  # brackets inside a firm's name
_LATIN_WORD = re.compile(r"[A-Za-z0-9 -]+")


@cache
def rules_fingerprint() -> str:
    """A hash of words and rules: where it differs, remarks that were read before are to be read again."""
    digest = hashlib.sha256()
    for path in [*_LEXICONS, *sorted(_HERE.parent.glob("remark*.py"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def lexicon() -> dict[str, Any]:
    """All word lists by name; texts of characters without blanks."""
    words: dict[str, Any] = {}
    for path in _LEXICONS:
        words |= yaml.safe_load(path.read_text(encoding="utf-8"))
    words["cities"] = [city for known in words["cities"].values() for city in known] + [
        *words["county_cities"]
    ]
    return {
        name: "".join(value.split()) if isinstance(value, str) else value for name, value in words.items()
    }


@cache
def words_of(name: str) -> tuple[str, ...]:
    """The list `name` as text; YAML takes 360 for a number."""
    return tuple(str(word) for word in lexicon()[name])


@cache
def word_set(name: str) -> frozenset[str]:
    """The same, to look words up."""
    return frozenset(words_of(name))


def any_of(words: Iterable[str]) -> str:
    """A pattern for any of the words, the longest possible; Latin ones must stand free of other letters."""
    han: list[str] = []
    latin: list[str] = []
    for word in words:
        (latin if _LATIN_WORD.fullmatch(word) else han).append(word)
    patterns = [_tree(set(han))] if han else []
    if latin:
        listed = "|".join(_latin(word) for word in sorted(set(latin), key=lambda word: (-len(word), word)))
        patterns.append(f"(?<![A-Za-z])(?:{listed})(?![A-Za-z])")
    return f"(?:{'|'.join(patterns)})"


def _latin(word: str) -> str:
    letters = (f"[{c.lower()}{c.upper()}]" if c.isalpha() else re.escape(c) for c in word)
    return "".join(letters).replace(r"\ ", BLANK)


def _tree(words: set[str]) -> str:
    branches: dict[str, set[str]] = {}
    for word in words:
        branches.setdefault(word[:1], set()).add(word[1:])
    may_end = bool(branches.pop("", None))
    if not branches:
        return ""
    single = [head for head, rests in branches.items() if rests == {""}]
    parts = [re.escape(head) + _tree(rests) for head, rests in sorted(branches.items()) if rests != {""}]
    if single:
        parts.append(f"[{re.escape(''.join(sorted(single)))}]")
    return f"(?:{'|'.join(parts)})" + ("?" if may_end else "")


@cache
def surname() -> str:
    """A pattern for one surname, compound ones first."""
    characters = sorted(set("".join(_surname_lists())))
    return f"(?:{any_of(words_of('compound_surnames'))}|[{''.join(characters)}])"


def _surname_lists() -> Iterator[str]:
    words = lexicon()
    yield words["surnames_frequent"]
    yield words["surnames_common"]
    yield words["surnames_seldom"]
    yield words["surnames"]


@cache
def surname_weights() -> dict[str, float]:
    """How much a surname says that a name begins here: 3 frequent, 2 common, 1 seldom, 0.5 hardly known."""
    weights: dict[str, float] = {}
    for weight, characters in zip((3.0, 2.0, 1.0, 0.5), _surname_lists(), strict=True):
        for character in characters:
            weights.setdefault(character, weight)
    return weights | dict.fromkeys(words_of("compound_surnames"), 2.5)


@cache
def titles() -> str:
    """A pattern for one form of address, unless a longer word goes on with it: 总 but not 总部."""
    forbidden = any_of(words_of("titles_not_before"))
    free = [title for title in words_of("titles") if title not in words_of("titles_after_surname_only")]
    return f"(?!{forbidden}){any_of(free)}"


@cache
def titled() -> str:
    """王总, 陈建华总经理, 林生; groups surname, given, title (or bare and short)."""
    forbidden = any_of(words_of("titles_not_before"))
    short = "".join(words_of("titles_after_surname_only"))
    return (
        f"(?:(?P<surname>{surname()})(?P<given>{HAN}{{0,2}}?)(?P<title>{titles()})"
        f"|(?P<bare>{surname()})(?P<short>(?!{forbidden})(?<![化加施重军轻木电职员竣])[{short}])"
        f"(?!{HAN}{{0,3}}(?:公司|厂$)))"
    )


@cache
def project() -> str:
    """网站续费, 企业邮箱, SEO优化: things and actions in a row, with what may go before them."""
    before = any_of(words_of("modifiers"))
    wanted = any_of([*words_of("things"), *words_of("actions")])
    return f"(?>(?:{before})*{wanted}(?:{wanted}|(?:{before})+(?={wanted}))*)(?![店馆棚室院厂坊师部])"


@cache
def place() -> str:
    """江苏省无锡市, 无锡, 浦东."""
    provinces = any_of(words_of("provinces"))
    cities = any_of([*words_of("cities"), *words_of("more_places")])
    forbidden = any_of(words_of("not_places"))
    return f"(?!{forbidden})(?:{provinces}省?(?:{cities})?|{cities})(?:市(?!场))?"


@cache
def short_nickname() -> str:
    """小马, 老李 as a part of something longer."""
    borne = "".join(c for c, weight in surname_weights().items() if weight >= 2 and len(c) == 1)
    return f"(?!{any_of(words_of('not_nicknames'))})[小老][{borne}]"


@cache
def compiled(name: str) -> re.Pattern[str]:
    """One of the patterns below, by name."""
    return re.compile(_PATTERNS[name]())


def _legal() -> str:
    forms = sorted({*lexicon()["legal_suffixes"], *words_of("legal_forms")} - {"厂"})
    branch = any_of([*words_of("branch_words"), *words_of("legal_branches")])
    return f"{any_of(forms)}(?:{OPENED}[^{CLOSED}]*{CLOSED})?(?:{HAN}{{0,6}}?{branch})?"


def _pieces(starts: bool, named: bool = True) -> str:
    """What a piece may hold; `starts` where nothing unknown goes directly before, `named` with persons."""
    trade = any_of([*words_of("trades"), *words_of("trades_too")])
    business = any_of(words_of("places_of_business"))
    nickname, follows = short_nickname(), f"$|{project()}"
    kinds = {
        "person": titled(),
        "nick": f"{nickname}(?={'.$|' if starts else ''}{follows})",
        "known": any_of(words_of("known_organisations")),
        "address": any_of([t for t in words_of("titles") if len(t) > 1])
        + f"(?!{any_of(['师', '师事', '事务'])})",
        "institution": f"(?:{any_of(words_of('institution_words'))})*{any_of(words_of('institutions'))}",
        "project": project(),
        "role": any_of([role for role in words_of("roles") if starts or len(role) > 2]),
        "business": business,
        "trade": trade,
        "latin": rf"[A-Za-z][A-Za-z0-9&'.,{BLANK}-]*",
    }
    if starts:
        notes = any_of(words_of("notes"))
        kinds = {
            "region": place(),
            "person": kinds.pop("person"),
            "known": kinds.pop("known"),
            "project": kinds.pop("project"),
            "note": f"{notes}|{any_of(words_of('verbs'))}(?={project()}|{trade}|{business})",
            **kinds,
        }
    return "|".join(f"(?P<{kind}>{words})" for kind, words in kinds.items() if named or kind != "person")


_PATTERNS: dict[str, Callable[[], str]] = {
    "start": lambda: _pieces(starts=True),
    "middle": lambda: _pieces(starts=False),
    "start_unnamed": lambda: _pieces(starts=True, named=False),
    "middle_unnamed": lambda: _pieces(starts=False, named=False),
    "legal": _legal,
    "titled": titled,
    "trades": lambda: any_of([*words_of("trades_too"), *words_of("trades")]),
    "project": project,
    "place": place,
    "after_latin": lambda: f"(?!{any_of(words_of('titles_not_before'))}){any_of(words_of('titles'))}",
    "kin": lambda: f"(?P<name>{HAN}{{1,4}}?)(?P<kin>{any_of(words_of('kin'))})",
    "product": lambda: f"{HAN}{{1,4}}[照片册板](?:{any_of(words_of('actions'))})*",
    "noted": lambda: f"(?:{any_of(words_of('notes'))})*(?:[开写是原](?={HAN}{{4}}))?",
    "note": lambda: any_of(words_of("notes")) + f"|[{lexicon()['note_characters']}]",
}
