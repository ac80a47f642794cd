"""Which tables hold the entities of the input contract, and why the others are left out.

Comes in: the survey of a source. Goes out: entity -> tables, each with a score and a reason, and the
tables left out. The name (or comment) of a table and the fields that its columns would give are weighed
together, so that a well named table without the columns is none, and a badly named one with them may be
one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.extract.scaffold.mapping import TWO_NAMES, Match, Targets, fields_of, map_columns, name_score
from pipelines.extract.scaffold.survey import SourceTable, Survey
from pipelines.extract.scaffold.words import INITIALS_WEIGHT, dictionary, readings
from pipelines.i18n import t

LEAST_SCORE = 0.5
_SOFT = frozenset({"archive", "head"})
# Of these a system may well keep several kinds in tables of their own: calls, visits, complaints, repairs.
_SEVERAL = frozenset({"interactions", "tickets"})
_NAME_WEIGHT = 0.55
_POINTED_WEIGHT = 0.8


@dataclass(frozen=True)
class Candidate:
    """A table taken for an entity.

    Attributes:
        score: from 0 to 1.
    """

    entity: str
    table: str
    score: float
    reason: str


@dataclass(frozen=True)
class Classification:
    """What each table is, table -> why it is nothing, and what else it might be."""

    chosen: tuple[Candidate, ...]
    left_out: Mapping[str, str]
    others: Mapping[str, tuple[Candidate, ...]]


def common_prefix(names: Sequence[str]) -> str:
    """What most tables begin with and what says nothing: the product's own mark (jsh_, wk_crm_)."""
    prefix = ""
    while True:
        starts = Counter(
            name[: name.index("_", len(prefix)) + 1] for name in names if "_" in name[len(prefix) :]
        )
        best, count = starts.most_common(1)[0] if starts else ("", 0)
        told = readings(best[len(prefix) :])
        # Three letters are nearly always some word's pinyin initials; that doesn't count here.
        words = [reading for reading in told if reading.weight > INITIALS_WEIGHT]
        known = any(not concept.startswith("?") for reading in words for concept in reading.concepts)
        if count < 3 or count < 0.6 * len(names) or known or not best.startswith(prefix):
            return prefix
        prefix = best


def name_scores(table: SourceTable, prefix: str = "") -> dict[str, float]:
    """How well the table's name without the prefix, or its comment, says each entity."""
    name = table.name.removeprefix(prefix)
    scores = {}
    for entity, entry in dictionary()["entities"].items():
        patterns = [frozenset(pattern.split()) for pattern in entry["tables"]]
        refused = frozenset(entry.get("not", ()))
        by_name = _pattern_score(name, patterns, refused)
        by_comment = 0.95 * _pattern_score(table.comment, patterns, refused) if table.comment else 0.0
        scores[entity] = max(by_name, by_comment)
    return scores


def _pattern_score(name: str, patterns: list[frozenset[str]], refused: frozenset[str]) -> float:
    best = 0.0
    for reading in readings(name):
        for rank, pattern in enumerate(patterns):
            if (reading.concepts - pattern) & refused:
                continue
            told = reading.concepts - (_SOFT - pattern) or reading.concepts
            if pattern <= told:
                spare = sum(0.2 if word.startswith("?") else 0.3 for word in told - pattern)
                best = max(best, reading.weight * (1 - spare - min(0.01 * rank, 0.1)))
    return best


def _is_ruled_out(table: SourceTable, entity: str) -> bool:
    """Whether every reading of the name says something that this entity's tables never are called."""
    refused = frozenset(dictionary()["entities"][entity].get("not", ()))
    heard = readings(table.name)
    return bool(heard) and all(reading.concepts & refused for reading in heard)


def classify(survey: Survey) -> Classification:
    """Decide for every table; of two tables for one entity the better one is taken.

    A second look at the tables that may point to others: where so_lines.so_id leads is known only then.
    """
    prefix = common_prefix([table.name for table in survey.tables])
    pointed = _pointed_at(survey)
    candidates = [
        one for table in survey.tables
        for one in _candidates(table, prefix, pointed.get(table.name, {}), Targets({}))
    ]  # fmt: skip
    chosen: dict[str, Candidate] = {}
    _choose(candidates, chosen)
    by_name = {table.name: table for table in survey.tables}
    known = Targets({one.entity: by_name[one.table] for one in reversed(chosen.values())})
    open_ones = [
        table for table in survey.tables
        if table.name not in chosen
        and (table.references or max(name_scores(table, prefix).values()) >= LEAST_SCORE)
    ]  # fmt: skip
    names = {table.name for table in open_ones}
    candidates = [one for one in candidates if one.table not in names] + [
        one for table in open_ones for one in _candidates(table, prefix, pointed.get(table.name, {}), known)
    ]
    _choose(candidates, chosen)
    left_out = {
        table.name: _why_not(table, candidates, chosen) for table in survey.tables if table.name not in chosen
    }
    others = {
        table.name: tuple(
            sorted((one for one in candidates if one.table == table.name), key=lambda one: -one.score)
        )
        for table in survey.tables
    }
    return Classification(tuple(chosen.values()), left_out, others)


def _choose(candidates: Sequence[Candidate], chosen: dict[str, Candidate]) -> None:
    """Add the best candidates for what is still free."""
    entities = {one.entity for one in chosen.values()}
    for candidate in sorted(candidates, key=lambda one: -one.score):
        free = candidate.entity not in entities or (candidate.entity in _SEVERAL and candidate.score >= 0.75)
        if candidate.score >= LEAST_SCORE and candidate.table not in chosen and free:
            chosen[candidate.table] = candidate
            entities.add(candidate.entity)


def _pointed_at(survey: Survey) -> dict[str, dict[str, float]]:
    """Table -> entity -> how well the columns with foreign keys to it say that it is one: rep_id."""
    found: dict[str, dict[str, float]] = {}
    for table in survey.tables:
        for column, (target, _) in table.references.items():
            if target == table.name:
                continue
            scores = found.setdefault(target, {})
            for entity in dictionary()["entities"]:
                for field in fields_of(entity):
                    if field.kind == "ref":
                        scores[field.to] = max(scores.get(field.to, 0.0), name_score(column, entity, field))
    return found


def _candidates(
    table: SourceTable, prefix: str, pointed: Mapping[str, float], targets: Targets
) -> list[Candidate]:
    """What the table may be."""
    named = name_scores(table, prefix)
    for entity, score in pointed.items():
        if not _is_ruled_out(table, entity):
            named[entity] = max(named[entity], _POINTED_WEIGHT * score)
    speaks = max(named.values()) >= LEAST_SCORE or _says_something(table.name.removeprefix(prefix))
    return [
        _candidate(entity, table, named[entity], speaks, targets)
        for entity in named
        if named[entity] > 0 or not _is_ruled_out(table, entity)
    ]


def _says_something(name: str) -> bool:
    """Whether the name is made of known words: then it says what the table is, and columns alone don't."""
    return any(
        not any(concept.startswith("?") for concept in reading.concepts) and reading.concepts - _SOFT
        for reading in readings(name)[:1]
    )


def _candidate(entity: str, table: SourceTable, named: float, speaks: bool, targets: Targets) -> Candidate:
    found = {match.field: match for match in map_columns(entity, table, targets)}
    fit = _column_score(entity, found)
    linked = 0.06 if table.references and entity in ("orders", "order_lines", "payments", "contacts") else 0.0
    telling = dictionary()["entities"][entity].get("telling", ())
    if named >= LEAST_SCORE:
        score = (_NAME_WEIGHT * named + (1 - _NAME_WEIGHT) * fit) * (1 if fit else 0.4)
        reason = t("its name, and {count} columns that fit", count=len(found))
    else:
        score, reason = (
            (0.45 if speaks else 0.62) * fit * (not telling or any(f in found for f in telling))
            + 0.1 * named
            + linked,
            t("{count} columns that fit", count=len(found)),
        )
    if not table.rows:
        score *= 0.8 if named >= 0.95 else 0.4
    return Candidate(entity, table.name, round(min(score, 0.99), 2), reason)


def _column_score(entity: str, found: Mapping[str, Match]) -> float:
    """0 without the needed fields; else how many of the telling fields there are, and how surely."""
    entry = dictionary()["entities"][entity]
    needs, wants = entry.get("needs", []), entry.get("wants", [])
    if found.keys() >= TWO_NAMES:
        needs = [field for field in needs if not field.endswith("_name")]
    if any(field not in found for field in needs):
        return 0.0
    sure = sum(found[field].confidence for field in needs) / len(needs) if needs else 1.0
    wanted = sum(found[field].confidence for field in wants if field in found)
    if wants and not wanted:
        return 0.0
    least_wanted = min(len(wants), 2)
    wide = min(len(found) / 6, 1.0)
    return 0.5 * sure + 0.3 * (min(wanted / least_wanted, 1.0) if wants else sure) + 0.2 * wide


def _why_not(table: SourceTable, candidates: list[Candidate], chosen: Mapping[str, Candidate]) -> str:
    best = max(
        (one for one in candidates if one.table == table.name), key=lambda one: one.score, default=None
    )
    if best and best.score >= LEAST_SCORE:
        taken = next(one.table for one in chosen.values() if one.entity == best.entity)
        return t("looks like {entity}, but {table} is the better one", entity=best.entity, table=taken)
    if not table.rows:
        return t("holds no row")
    words = frozenset().union(*(reading.concepts for reading in readings(table.name)[:1]))
    for concept, why in (
        ("supplier", t("is about suppliers")), ("purchase", t("is about purchases")),
        ("log", t("is a log or a copy")), ("system", t("is a setting of the program")),
        ("stock", t("is about stock")), ("category", t("is a list of categories")),
    ):  # fmt: skip
        if concept in words:
            return why
    return t("fits none of Guike's entities")
