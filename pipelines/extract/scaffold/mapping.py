"""Which column each field of an entity comes from, with a confidence and the reason.

Comes in: a table, the entity that it is taken for, and, for references, the tables that they may point to.
Goes out: at most one column per field and one field per column, the best pairs first. A pair's score is how
well the name (or the comment) says the field, times how well the values agree with it; a declared foreign key
outranks names, and values that leave no doubt (mobile numbers, e-mail addresses, credit codes) stand for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from pipelines.extract.scaffold.profile import Profile, profile
from pipelines.extract.scaffold.survey import SourceColumn, SourceTable
from pipelines.extract.scaffold.words import dictionary, readings
from pipelines.i18n import t

CERTAIN = 0.8  # from here on nobody is asked
TWO_NAMES = frozenset({"first_name", "last_name"})
LEAST = 0.5  # below, a column is left out

_OWN: dict[str, frozenset[str]] = {
    "customers": frozenset({"customer", "member", "account"}),
    "contacts": frozenset({"contact", "person"}),
    "staff": frozenset({"staff", "user", "person"}),
    "products": frozenset({"product", "service"}),
    "orders": frozenset({"order", "sale", "document", "invoice"}),
    "order_lines": frozenset({"line"}),
    "payments": frozenset({"payment", "document", "received"}),
    "receivables": frozenset({"receivable"}),
    "contracts": frozenset({"contract"}),
    "interactions": frozenset({"interaction", "visit", "call", "contact"}),
    "tickets": frozenset({"ticket", "service"}),
    "quotes": frozenset({"quote"}),
    "surveys": frozenset({"survey"}),
    "service_costs": frozenset({"cost"}),
    "referrals": frozenset({"referral"}),
}


@dataclass(frozen=True)
class Field:
    """A field of an entity, as the dictionary describes it."""

    name: str
    kind: str
    to: str
    patterns: tuple[frozenset[str], ...]
    refused: frozenset[str]


@dataclass(frozen=True)
class Match:
    """A field and its column.

    Attributes:
        target: for a reference, the table and column that it points to, where known.
    """

    field: str
    column: str
    confidence: float
    reason: str
    target: tuple[str, str] | None = None


@dataclass(frozen=True)
class Targets:
    """Where references may point: entity -> its table, and per table the columns whose values are unique."""

    tables: Mapping[str, SourceTable]

    def of(self, entity: str) -> SourceTable | None:
        return self.tables.get(entity)


@cache
def fields_of(entity: str) -> tuple[Field, ...]:
    """The fields of `entity`, in the order of the dictionary."""
    never = frozenset(dictionary()["never"])
    found = []
    for name, entry in dictionary()["fields"].get(entity, {}).items():
        patterns = tuple(frozenset(words.split()) for words in entry["names"])
        refused = (never - frozenset(entry.get("may", ()))) | frozenset(entry.get("not", ()))
        found.append(Field(name, entry["kind"], entry.get("to", ""), patterns, refused))
    return tuple(found)


def name_score(name: str, entity: str, field: Field) -> float:
    """How well `name` says `field`, from 0 to 1."""
    own = _OWN.get(entity, frozenset())
    return max(
        (reading.weight * _score(reading.concepts, own, field) for reading in readings(name)), default=0
    )


def _score(concepts: frozenset[str], own: frozenset[str], field: Field) -> float:
    best = 0.0
    for rank, pattern in enumerate(field.patterns):
        wanted = pattern - {"own"}
        if (concepts - pattern) & field.refused or not wanted <= concepts:
            continue
        owned = (concepts & own) - wanted
        if not wanted and not owned:
            continue
        rest = concepts - wanted - own
        spare = sum(0.28 if word.startswith("?") else 0.34 for word in rest)
        own_word = 0.0 if bool(owned) == ("own" in pattern) else 0.03
        best = max(best, 1 - spare - own_word - min(0.012 * rank, 0.2))
    return max(best, 0.0)


def map_columns(entity: str, table: SourceTable, targets: Targets) -> list[Match]:
    """The best column for each field of `entity` that has one."""
    pairs = [
        match
        for field in fields_of(entity)
        for column in table.columns
        if (field.name != "line_no" or (column.name,) != table.key)
        and (match := _match(entity, field, table, column, targets)).confidence >= LEAST
    ]
    return _dated_by_delivery(_without_typist(_without_login(_assign(pairs))))


def match_of(entity: str, name: str, table: SourceTable, column: str, targets: Targets) -> Match:
    """What `column` is to the field `name`, however unlikely: for a reference also where it points."""
    field = next(field for field in fields_of(entity) if field.name == name)
    return _match(entity, field, table, table.column(column), targets)


def _dated_by_delivery(matches: list[Match]) -> list[Match]:
    """An order of which nothing but the delivery is dated counts from then: 发货单."""
    if any(match.field == "ordered_at" for match in matches):
        return matches
    return [
        replace(match, field="ordered_at", confidence=round(0.75 * match.confidence, 2))
        if match.field == "delivered_on"
        else match
        for match in matches
    ]


def _without_login(matches: list[Match]) -> list[Match]:
    """A first and a last name are a better name than a user's login."""
    if not {match.field for match in matches} >= TWO_NAMES:
        return matches
    logins = [match for match in matches if match.field == "staff_name"]
    return [match for match in matches if match not in logins]


def _without_typist(matches: list[Match]) -> list[Match]:
    """Who typed a document in is not its salesperson where another column says who that is."""
    if not any(match.field == "staff_source_id" for match in matches):
        return matches
    return [
        match for match in matches
        if match.field != "staff_name"
        or not all("creator" in reading.concepts for reading in readings(match.column)[:1])
    ]  # fmt: skip


def _assign(pairs: Iterable[Match]) -> list[Match]:
    """The best pairs, so that no field and no column is used twice; ties go to the earlier one."""
    chosen: list[Match] = []
    fields: set[str] = set()
    columns: set[str] = set()
    for pair in sorted(pairs, key=lambda match: -match.confidence):
        if pair.field not in fields and pair.column not in columns:
            chosen.append(pair)
            fields.add(pair.field)
            columns.add(pair.column)
    return chosen


def _match(entity: str, field: Field, table: SourceTable, column: SourceColumn, targets: Targets) -> Match:
    by_name = name_score(_stem(table, column.name), entity, field)
    by_comment = 0.97 * name_score(_head(column.comment), entity, field) if column.comment else 0.0
    shape = profile(column.values)
    named, reason = (by_name, t("its name")) if by_name >= by_comment else (by_comment, t("its comment"))
    if field.kind == "ref":
        return _reference(field, table, column, targets, named, reason)
    fit = _fit(field.kind, shape)
    confidence = named * fit
    if fit == 1 and named >= LEAST and shape.count:
        reason = t("{reason}, and its values agree", reason=reason)
    evidence = _evidence(field, shape)
    if evidence > confidence and not _rules_out(column, field):
        confidence, reason = evidence, t("its values")
    return Match(field.name, column.name, round(min(confidence, 0.99), 2), reason)


def _stem(table: SourceTable, name: str) -> str:
    """The name without an f that begins all of the table's columns (FName, fkhmc)."""
    names = [column.name for column in table.columns]
    prefixed = sum(other[:1] in "fF" for other in names)
    return name[1:] if len(names) >= 4 and prefixed >= 0.9 * len(names) and len(name) > 2 else name


def _head(comment: str) -> str:
    """The comment's first words: what follows is an explanation."""
    for sign in "，,；;：:。（( \n":
        comment = comment.partition(sign)[0] or comment
    return comment[:20]


def _rules_out(column: SourceColumn, field: Field) -> bool:
    heard = readings(column.name)
    return bool(heard) and all(reading.concepts & field.refused for reading in heard)


def _reference(
    field: Field, table: SourceTable, column: SourceColumn, targets: Targets, named: float, reason: str
) -> Match:
    """A column that points to another entity's rows: declared, or by name and values that are keys there."""
    target = targets.of(field.to)
    declared = table.references.get(column.name)
    if declared:
        if target is not None and declared[0] == target.name:
            score = 0.999 if named >= LEAST else 0.9
            return Match(
                field.name, column.name, score, t("a foreign key to {table}", table=target.name), declared
            )
        if target is not None or named < LEAST:
            return Match(field.name, column.name, 0.0, "")
    if (column.name,) == table.key:
        # Small numbers are keys of any table; a row's own number points to nothing.
        return Match(field.name, column.name, 0.0, "")
    values = {value.strip() for value in column.values if value and value.strip() and value != "0"}
    if target is None:
        return Match(field.name, column.name, round(named * 0.85, 2), reason)
    # Of keys with the same values the one that is called the same.
    shared, is_repeated, pointed = max(
        ((_shared(values, key), _is_repeated(column, key, target), key.name) for key in _keys(target)),
        key=lambda found: found[:2],
        default=(0.0, False, ""),
    )
    if not values or not target.rows:
        return Match(field.name, column.name, round(named * 0.8, 2), reason)
    if shared >= 0.9 and is_repeated:
        named, reason = max(named, 0.85), t("it is called like the key of {table}", table=target.name)
    weight = 1.0 if shared >= 0.9 else 0.85 if not target.is_whole else 0.75 if shared >= 0.5 else 0.3
    told = t("{reason}, and its values are keys of {table}", reason=reason, table=target.name)
    at = (target.name, pointed) if shared >= 0.5 else None
    # Above any name: a column called after a person that holds that person's key is the key.
    sure = named >= LEAST and shared >= 0.9
    confidence = (
        round(0.99 + 0.008 * named, 4) if sure and named >= CERTAIN else round(min(named * weight, 0.98), 2)
    )
    return Match(field.name, column.name, confidence, told if shared >= 0.9 else reason, at)


def _is_repeated(column: SourceColumn, key: SourceColumn, target: SourceTable) -> bool:
    """Whether the column is called like the key of another table (FInterID, orderNumber) and refers to it."""
    if column.name != key.name or len(key.name) <= len("FID"):
        return False
    shape = profile(column.values)
    return target.key == (key.name,) or shape.distinct < shape.count


def _keys(table: SourceTable) -> list[SourceColumn]:
    """Columns whose filled values are all different: what others may point to; the primary key first."""
    unique = []
    for column in table.columns:
        shape = profile(column.values)
        if shape.count and shape.distinct == shape.count and shape.filled > 0.9:
            unique.append(column)
    return sorted(unique, key=lambda column: column.name not in table.key)


def _shared(values: set[str], column: SourceColumn) -> float:
    known = {value.strip() for value in column.values if value}
    return len(values & known) / len(values) if values else 0.0


def _evidence(field: Field, shape: Profile) -> float:
    """The score of values that say by themselves what they are."""
    share = {"mobile": shape.mobile, "email": shape.email, "credit_code": shape.credit_code}.get(
        field.kind, 0
    )
    if field.name in ("customer_phone", "customer_email"):
        share = {"customer_phone": shape.mobile, "customer_email": shape.email}[field.name]
    return 0.62 if share >= 0.8 and shape.count >= 3 else 0.0


def _fit(kind: str, shape: Profile) -> float:
    """How well the values agree with what the field holds: 1 fully, 0 not at all."""
    if not shape.count:
        return 0.75
    return float(_FITS.get(kind, lambda _: 1.0)(shape))


def _money(shape: Profile) -> float:
    if shape.number < 0.8 or (shape.date >= 0.9 and shape.largest > 19_000_000 and shape.distinct > 3):
        return 0.0
    return 0.55 if shape.is_all_zero else 1.0


def _name(shape: Profile) -> float:
    return (
        0.3
        if shape.number > 0.8 or shape.date > 0.8 or shape.email > 0.8
        else 0.8
        if shape.length > 80
        else 1.0
    )


def _phone(shape: Profile) -> float:
    return 1.0 if max(shape.phone, shape.mobile) >= 0.4 else 0.3


_FITS: dict[str, Any] = {
    "money": _money,
    "number": lambda shape: 1.0 if shape.number >= 0.8 else 0.0,
    "date": lambda shape: 1.0 if shape.date >= 0.7 else 0.85 if shape.date >= 0.3 else 0.0,
    "time": lambda shape: 1.0 if shape.date >= 0.7 else 0.85 if shape.date >= 0.3 else 0.0,
    "name": _name,
    "phone": _phone,
    "mobile": lambda shape: 1.0 if shape.mobile >= 0.4 else 0.9 if shape.phone >= 0.4 else 0.3,
    "email": lambda shape: 1.0 if shape.email >= 0.4 else 0.2,
    "credit_code": lambda shape: (
        1.0 if shape.credit_code >= 0.4 else 0.85 if 13 <= shape.length <= 21 else 0.3
    ),
    "status": lambda shape: 1.0 if shape.is_small_set else 0.4,
    "flag": lambda shape: 1.0 if shape.flag >= 0.9 else 0.85 if shape.is_small_set else 0.2,
    "category": lambda shape: (
        0.6
        if shape.length > 60 or shape.date > 0.9 and shape.distinct > 5
        else 0.5
        if shape.count >= 20 and shape.distinct == shape.count
        else 1.0
    ),
    "code": lambda shape: 0.3 if shape.length > 40 else 1.0,
}
