"""Salespeople's remarks on their contacts, taken apart: 张总-锡城机械-网站续费.

Comes in: texts. Goes out: per text the person, honorific, company, project, phone and region that it
names, each with a confidence; the text itself stays where it was. Nothing is looked up: a remark is read by
its own words, so the same text always says the same. Several values of a part are joined by 、.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.extract import remark_names as names
from pipelines.extract.remark_cleaning import clean
from pipelines.extract.remark_found import COLUMNS, PARTS, Found, person
from pipelines.extract.remark_pieces import read_piece
from pipelines.extract.remark_words import compiled, lexicon, word_set

_JOINED_BY = "、"
_PHONE_CONFIDENCE = 0.98


class Part(NamedTuple):
    """One part of a remark: its values, and how sure the least sure of them is."""

    values: tuple[str, ...]
    confidence: float


Remark = dict[str, Part]


def parse_remark(text: str) -> Remark:
    """The parts that `text` names; those that it doesn't are not there."""
    pieces, phones = clean(text)
    founds = [found for piece in pieces for found in read_piece(piece)]
    founds = _one_person(_decided(founds, bool(phones), len(pieces) == 1 and not phones))
    founds = _joined_regions(founds)
    said: dict[str, list[tuple[str, float]]] = {part: [] for part in PARTS}
    said["phone"] = [(phone, _PHONE_CONFIDENCE) for phone in phones]
    for found in founds:
        if found.kind in said:
            said[found.kind].append((found.value, found.confidence))
        if found.title:
            said["honorific"].append((found.title, found.confidence))
    return {
        part: Part(tuple(dict.fromkeys(value for value, _ in some)), min(sure for _, sure in some))
        for part, some in said.items()
        if some
    }


def remark_columns(texts: pa.Array) -> list[pa.Array]:
    """COLUMNS for a column of remarks; each distinct text is parsed once."""
    coded = pc.dictionary_encode(texts)
    distinct = coded.dictionary.to_pylist()
    rows = remark_rows(distinct)
    values = zip(*(rows[text] for text in distinct), strict=True) if distinct else [()] * len(COLUMNS)
    return [pa.array(column, pa.string()).take(coded.indices) for column in values]


def remark_rows(texts: Iterable[str]) -> dict[str, tuple[str | None, ...]]:
    """Per distinct text the values of COLUMNS; the last is JSON: part -> confidence."""
    rows = {}
    for text in set(texts):
        parts = parse_remark(text)
        sure = tuple((part, found.confidence) for part, found in parts.items())
        values = [_JOINED_BY.join(parts[part].values) if part in parts else None for part in PARTS]
        rows[text] = (*values, _confidence(sure))
    return rows


@cache
def _confidence(sure: tuple[tuple[str, float], ...]) -> str | None:
    return json.dumps(dict(sure)) if sure else None


def _decided(founds: list[Found], has_phone: bool, is_alone: bool) -> list[Found]:
    """The same with every plain text made a person, a firm, or nothing, by what else the remark holds."""
    kinds = {found.kind for found in founds}
    decided = [_surely_person(found) if found.kind == "plain" else found for found in founds]
    persons = any(found.kind == "person" for found in decided)
    firms = "company" in kinds
    context = persons or firms or has_phone or bool(kinds & {"project", "honorific"}) or not is_alone
    unknown = ""
    result: list[Found] = []
    for found in decided:
        if found.kind == "plain":
            found = _guess(found, persons, firms, context)
            persons |= found.kind == "person"
            firms |= found.kind == "company"
            unknown = found.value if found.kind == "nothing" else ""
        elif unknown and found.kind == "project" and found.written == unknown + found.value:
            # A word that names nobody, right before what is wanted, says more of it: 陶瓷基板打样.
            found = Found("project", found.written, 0.6)
            unknown = ""
        else:
            unknown = ""
        result.append(found)
    return result


def _surely_person(found: Found) -> Found:
    text = found.value
    if compiled("note").search(text):
        return Found("nothing", text, 0.0)
    if nick := names.nickname(text):
        return person(*nick, 0.8)
    if text.isascii():
        return found
    score = names.name_score(text)
    if score >= names.NAME and (score - names.brand_score(text) >= 3 or names.is_strictly_given(text[-1])):
        return person(text, "", 0.9)
    if len(text) == 1 and names.is_surname(text):
        return person(text, "", 0.6)
    return found


def _guess(found: Found, persons: bool, firms: bool, context: bool) -> Found:
    text, score = found.value, names.name_score(found.value)
    if not persons and (score >= 1 or names.is_given_name(text)):
        return person(text, "", 0.6)
    if not firms and persons and 2 <= len(text) <= 24 and _may_be_firm(text):
        return Found("company", found.written or text, 0.5)
    if score >= 2 and context and firms:
        return person(text, "", 0.55)
    return Found("nothing", text, 0.0)


def _may_be_firm(text: str) -> bool:
    """Whether an unknown word is likelier a firm than a thing: most of it is what brands are made of."""
    if text.isascii():
        return len(text) > 2 and not text.islower()
    if len(text) > 2 and text[-1] in lexicon()["firm_endings"]:
        return True
    return names.brand_score(text) > (0 if len(text) < 4 else -1) and not any(c.isdigit() for c in text)


def _one_person(founds: list[Found]) -> list[Found]:
    """张总 and 张建国 are one: the surname goes where a whole name of it stands."""
    full = {f.value[:1] for f in founds if f.kind == "person" and len(f.value) > 1}
    merged = []
    for found in founds:
        if found.kind == "person" and len(found.value) == 1 and found.value in full and found.title:
            found = Found("honorific", found.title, found.confidence)
        merged.append(found)
    return merged


def _joined_regions(founds: list[Found]) -> list[Found]:
    """江苏 and 苏州, one after the other, are one region."""
    provinces = word_set("provinces")
    joined: list[Found] = []
    for found in founds:
        before = joined[-1] if joined else found
        if (
            found.kind == before.kind == "region"
            and before.value in provinces
            and found.value not in provinces
        ):
            joined[-1] = Found("region", before.value + found.value, min(before.confidence, found.confidence))
        else:
            joined.append(found)
    return joined
