"""One piece of a remark, without separators in it, as what its words say: 锡城机械王总网站续费.

Comes in: simplified text. Goes out: `Found`s in the order of the text. What only the rest of the remark can
decide (锦绣 may be a firm, 田雨 a person) comes out as `plain`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from pipelines.extract import remark_names as names
from pipelines.extract.remark_found import Found, person
from pipelines.extract.remark_latin import latin_founds
from pipelines.extract.remark_words import (
    BLANK,
    CLOSED,
    OPENED,
    compiled,
    lexicon,
    surname_weights,
    word_set,
    words_of,
)

_FIRM = frozenset({"region", "plain", "trade", "business", "institution", "known"})


class _Segment(NamedTuple):
    kind: str
    text: str
    founds: tuple[Found, ...] = ()


@lru_cache(100_000)
def read_piece(piece: str) -> tuple[Found, ...]:
    """What the piece says; the same pieces (张总, 网站续费) stand in many remarks."""
    return tuple(_read(piece))


def _read(piece: str) -> list[Found]:
    if piece.isdigit():
        return []
    if region := lexicon()["abbreviated_regions"].get(piece):
        return [Found("region", region, 0.7)]
    if founds := _registered(piece):
        return founds
    if match := compiled("kin").fullmatch(piece):
        return _kin(match)
    segments = _segments(piece)
    kinds = [segment.kind for segment in segments]
    if (
        kinds in (["project", "plain", "project"], ["trade", "plain", "project"])
        and len(segments[1].text) < 3
    ):
        return [Found("project", _shown(piece), 0.7)]
    if kinds in (["plain"], ["plain", "project"]) and compiled("product").fullmatch(piece):
        return [Found("project", piece, 0.7)]
    return _assemble(segments)


def _kin(match: re.Match[str]) -> list[Found]:
    if title := compiled("titled").fullmatch(match["name"]):
        return [_titled(title)]
    return [person(match["name"], match["kin"], 0.8)]


def _registered(piece: str) -> list[Found]:
    """A firm's name with its legal form, and what stands before and after it."""
    ends = [match.end() for match in compiled("legal").finditer(piece) if match.start() > 1]
    if not ends:
        return []
    end = ends[-1]
    before, rest = _lead(piece[:end]), piece[end:]
    start = sum(len(found.written) for found in before)
    firm = piece[start:end]
    founds = list(before)
    if _is_generic(firm):
        founds += [found for found in _assemble(_segments(firm)) if found.kind == "region"]
    else:
        founds += [*_regions_in(firm), Found("company", _shown(firm), 0.95)]
    return founds + (_after_firm(rest) if rest else [])


def _lead(text: str) -> list[Found]:
    """The person, or what is wanted, that stands right before a firm's name."""
    noted = compiled("noted").match(text)
    founds = [Found("nothing", noted[0], 0.0, noted[0])] if noted and noted[0] else []
    while True:
        start = sum(len(found.written) for found in founds)
        piece = text[start:]
        if match := compiled("titled").match(piece):
            found = _titled(match)
            if found.kind != "person" or match.end() + 4 > len(piece):
                return founds
            founds.append(found)
        elif (match := compiled("project").match(piece)) and _is_wanted(match[0]) and (
            (legal := compiled("legal").search(piece)) and legal.start() - match.end() >= 2
        ):  # fmt: skip
            founds.append(Found("project", match[0], 0.8, match[0]))
        elif length := _leading_name(piece):
            founds.append(person(piece[:length], "", 0.8))
        else:
            return founds


def _after_firm(rest: str) -> list[Found]:
    founds = _assemble(_segments(rest))
    return [_as_person(found) if found.kind == "plain" else found for found in founds]


def _as_person(found: Found) -> Found:
    if names.name_score(found.value) >= 1 or (len(found.value) == 1 and names.is_surname(found.value)):
        return person(found.value, "", 0.85)
    return found


def _segments(piece: str) -> list[_Segment]:
    segments: list[_Segment] = []
    plain = at = 0
    while at < len(piece):
        match = (at == plain and compiled("start").match(piece, at)) or compiled("middle").search(piece, at)
        if not match:
            break
        segment = _segment(match, match.start() == plain) or _unnamed(piece, match.start(), plain)
        if segment is None:
            at = match.start() + 1
            continue
        if plain < match.start():
            segments.append(_Segment("plain", piece[plain : match.start()]))
        segments.append(segment)
        plain = at = match.start() + len(segment.text)
    if plain < len(piece):
        segments.append(_Segment("plain", piece[plain:]))
    return segments


def _unnamed(piece: str, at: int, plain: int) -> _Segment | None:
    """What begins where no person does after all: 家纺 of 家纺温总."""
    match = compiled("start_unnamed" if at == plain else "middle_unnamed").match(piece, at)
    return _segment(match, at == plain) if match else None


def _segment(match: re.Match[str], starts: bool) -> _Segment | None:
    kind, text = match.lastgroup or "", match[0]
    if kind == "person":
        found = _titled(match, starts)
        return None if found.kind != "person" else _Segment("person", found.written, (found,))
    if kind == "nick":
        return _Segment("person", text, (person(text, "", 0.8),))
    if kind == "latin":
        return _latin(match)
    return _Segment(kind, text)


def _latin(match: re.Match[str]) -> _Segment | None:
    """Latin words with the title right after them; unknown ones belong to the word that they touch."""
    founds = latin_founds(match[0])
    if len(founds) == 1 and founds[0].kind == "plain" and len(match[0]) < len(match.string):
        return None
    title = compiled("after_latin").match(match.string, match.end())
    if title and founds and founds[-1].kind == "person":
        founds[-1] = person(founds[-1].value, title[0], 0.9)
        return _Segment("latin", match[0] + title[0], tuple(founds))
    return _Segment("latin", match[0], tuple(founds))


def _titled(match: re.Match[str], starts: bool = True) -> Found:
    """A person with a title: 王总, 陈建华总经理; of 华宏江经理 only 江经理, where that is likelier."""
    if match["bare"]:
        return person(match["bare"], match["short"], 0.9, match["bare"] + match["short"])
    surname, given, title = match["surname"], match["given"], match["title"]
    if not given:
        return person(surname, title, 0.95, surname + title)
    full = names.name_score(surname + given) + (0.5 if starts else -1.0)
    last = given[-1]
    if names.is_surname(last):
        short = surname_weights()[last] + names.brand_score(surname + given[:-1])
        if short > full or (not starts and full < names.NAME):
            return Found("plain", surname + given[:-1], 0.5, surname + given[:-1])
    if full < 1:
        return Found("plain", surname + given, 0.5, surname + given)
    return person(surname + given, title, 0.9, surname + given + title)


@lru_cache(10_000)
def _is_wanted(chain: str) -> bool:
    """Whether a row of project words is surely no part of a firm's name."""
    return compiled("project").search(compiled("trades").sub("", chain)) is not None


def _assemble(segments: list[_Segment]) -> list[Found]:
    founds: list[Found] = []
    firm: list[_Segment] = []
    for segment, following in zip(segments, [*segments[1:], None], strict=True):
        segment = _project_or_trade(segment, firm, following is not None and following.kind == "business")
        if segment.kind in _FIRM:
            firm.append(segment)
            continue
        founds += _firm(firm)
        firm = []
        if segment.kind == "project":
            wanted = _shown(segment.text)
            before = founds[-1].value if founds and founds[-1].kind == "plain" else ""
            founds.append(Found("project", wanted, 0.85, before + wanted))
        elif segment.kind == "address":
            founds.append(Found("honorific", segment.text, 0.7))
        founds += segment.founds
    return founds + _firm(firm)


def _project_or_trade(segment: _Segment, firm: list[_Segment], followed: bool) -> _Segment:
    """广告设计 after a name is a trade, alone or after 王总 it is what is wanted."""
    if segment.kind == "trade" and not firm and not followed and compiled("project").fullmatch(segment.text):
        segment = _Segment("project", segment.text)
    if segment.kind != "project":
        return segment
    if firm and _are_names(firm):
        return segment
    if segment.text in word_set("seldom_wanted"):
        return _Segment("role" if _is_wanted(segment.text) or not firm else "trade", segment.text)
    if firm and firm[-1].kind in ("plain", "trade") and not _is_wanted(segment.text):
        return _Segment("trade", segment.text)
    return segment


def _are_names(firm: list[_Segment]) -> bool:
    """Whether what stands before is one or two persons: 王伟李娜婚礼."""
    text = firm[0].text if len(firm) == 1 and firm[0].kind == "plain" else ""
    scores = (
        [names.name_score(text)]
        if len(text) < 4
        else [names.name_score(text[:2]), names.name_score(text[2:])]
    )
    return min(scores) >= names.NAME and names.is_strictly_given(text[-1:])


def _firm(segments: list[_Segment]) -> list[Found]:
    """A run of place, name, trade and kind of business."""
    if not segments:
        return []
    kinds = [segment.kind for segment in segments]
    if not {"trade", "business", "institution", "known"} & set(kinds):
        return _nameless(segments)
    last = max(i for i, kind in enumerate(kinds) if kind not in ("region", "plain"))
    body, tail = segments[: last + 1], segments[last + 1 :]
    if len(tail) == 1 and tail[0].kind == "plain" and not _is_tail_name(tail[0].text):
        if "plain" not in kinds[:last]:  # 灯具出口: what somebody does
            return [Found("region", _place(s.text), 0.9) for s in body if s.kind == "region"]
        body, tail = segments, []
    founds: list[Found] = []
    if body[0].kind == "plain" and (length := _leading_name(body[0].text)):
        founds.append(person(body[0].text[:length], "", 0.8))
        body = [_Segment("plain", body[0].text[length:]), *body[1:]]
    name = "".join(segment.text for segment in body)
    founds += [Found("region", _place(s.text), 0.9) for s in body[:1] if s.kind == "region"]
    if not _is_generic_run(body) and not compiled("note").search(_own_words(body)):
        founds.append(Found("company", _shown(name), 0.85))
    return founds + [found for segment in tail for found in _tail(segment)]


def _own_words(body: list[_Segment]) -> str:
    return "|".join(segment.text for segment in body if segment.kind == "plain")


def _tail(segment: _Segment) -> list[Found]:
    if segment.kind == "region":
        return [Found("region", _place(segment.text), 0.9)]
    if nick := names.nickname(segment.text):
        return [person(*nick, 0.8)]
    return [person(segment.text, "", 0.8)]


def _is_tail_name(text: str) -> bool:
    if len(text) == 1:
        return names.is_surname(text)
    return names.name_score(text) >= 1 or names.nickname(text) is not None


def _nameless(segments: list[_Segment]) -> list[Found]:
    """Place and plain words only: 无锡, 宁波永固, 田雨."""
    founds = [Found("region", _place(s.text), 0.9) for s in segments if s.kind == "region"]
    plain = "".join(segment.text for segment in segments if segment.kind == "plain")
    if not plain:
        return founds
    whole = "".join(segment.text for segment in segments)
    return [*founds, *_plain(plain, whole if segments[0].kind == "region" else plain)]


def _plain(text: str, whole: str) -> list[Found]:
    for length in (3, 2):
        tail = text[-length:]
        if len(text) - length >= 2 and names.name_score(tail) >= 4 and names.is_strictly_given(tail[1:]):
            return [Found("plain", whole[:-length], 0.5), person(tail, "", 0.7)]
    if len(text) == 4 and min(names.name_score(text[:2]), names.name_score(text[2:])) >= names.NAME:
        return [person(text[:2], "", 0.7), person(text[2:], "", 0.7)]
    if len(text) == 3 and names.is_pure_surname(text[2]) and names.name_score(text) < 0:
        return [Found("plain", whole[:-1], 0.5), person(text[2], "", 0.6)]
    return [Found("plain", text, 0.5, whole)]


def _leading_name(text: str) -> int:
    """How many characters of `text` are a person's name, with at least two more after it; 0 for none."""
    for length in (3, 2):
        score = names.name_score(text[:length])
        if len(text) - length >= 2 and score >= 4 and (
            score >= length + 2 or names.is_strictly_given(text[length - 1 : length])
        ):  # fmt: skip
            return length
    return 0


def _is_generic_run(body: list[_Segment]) -> bool:
    """Whether the words name a kind of business, and no business: 火锅店, 佛山陶瓷厂."""
    kinds = {segment.kind for segment in body}
    if "known" in kinds:
        return False
    if "institution" in kinds:
        return "".join(segment.text for segment in body) in word_set("institutions")
    return "plain" not in kinds and body[-1].text not in "坊阁轩斋堂苑"


def _is_generic(firm: str) -> bool:
    form = compiled("legal").search(firm, 1)
    if firm in word_set("known_organisations"):
        return False
    return form is not None and form.start() <= 2 and "有限" not in firm


def _regions_in(firm: str) -> list[Found]:
    found = [match] if (match := compiled("place").match(firm)) else []
    found += [
        m for m in compiled("place").finditer(firm) if firm[m.start() - 1] in OPENED or _is_branch(firm, m)
    ]
    texts = dict.fromkeys(_place(match[0]) for match in found)
    return [Found("region", text, 0.9) for text in texts]


def _is_branch(firm: str, match: re.Match[str]) -> bool:
    return match.start() > 4 and firm.startswith(tuple(words_of("legal_branches")), match.end())


def _place(text: str) -> str:
    """江苏省苏州市 as 江苏苏州."""
    return re.sub("(?<=..)[省市]", "", text)


def _shown(text: str) -> str:
    return text.replace(OPENED, "(").replace(CLOSED, ")").replace(BLANK, " ")
