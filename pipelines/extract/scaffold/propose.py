"""The proposal for a system: what each table is, what each of its columns means, what is doubtful.

Comes in: a survey, and the user's answers where the caller asked. Goes out: a `Proposal` of `TablePlan`s from
which the staging SQL, the YAML and the table on the screen are made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import combinations

import duckdb

from pipelines.extract.naming import is_plain_name, normalise
from pipelines.extract.scaffold.classify import Candidate, Classification, classify
from pipelines.extract.scaffold.mapping import CERTAIN, Match, Targets, fields_of, map_columns, match_of
from pipelines.extract.scaffold.profile import profile
from pipelines.extract.scaffold.survey import SourceColumn, SourceTable, Survey
from pipelines.extract.scaffold.values import ValueMap, value_map
from pipelines.extract.scaffold.words import dictionary, readings
from pipelines.i18n import t

# Asked with what is doubtful: the entity of a table, or the column of a field; gives the choice back.
ChooseTable = Callable[[SourceTable, Sequence[Candidate]], Candidate | None]
ChooseColumn = Callable[[str, SourceTable, str, Match | None], str | None]

_NEVER_KEYS = frozenset({
    "mobile", "phone", "email", "wechat", "tax_code", "name", "address", "amount", "price", "quantity",
    "date", "time", "note", "content", "postcode", "birth",
})  # fmt: skip
_DECODED = {"status", "document_kind", "channel", "direction", "kind", "severity"}


@dataclass(frozen=True)
class TablePlan:
    """A table that becomes a staging model.

    Attributes:
        model: the end of the staging model's name: the entity, or entity__table for a second table of it.
        raw: the table's name in raw_<system>.
        names: source column -> its name there.
        key: the source columns that tell the rows apart.
        source_id: the source columns that other tables point to, the key where none does.
        values: field -> how its values are decoded.
    """

    entity: str
    model: str
    raw: str
    table: SourceTable
    score: float
    reason: str
    matches: dict[str, Match]
    names: dict[str, str]
    key: tuple[str, ...]
    source_id: tuple[str, ...]
    values: dict[str, ValueMap] = field(default_factory=dict)

    def column(self, name: str) -> SourceColumn | None:
        """The source column of a field, if it has one."""
        return self.table.column(self.matches[name].column) if name in self.matches else None

    def raw_column(self, name: str) -> str | None:
        """Its name in the warehouse."""
        return self.names[self.matches[name].column] if name in self.matches else None


@dataclass(frozen=True)
class Lookup:
    """A small table that only gives names: products.category_id -> categories.category_name."""

    raw: str
    table: SourceTable
    key: str
    name: str
    names: dict[str, str]


@dataclass(frozen=True)
class Proposal:
    """What will be written, and what to look at.

    Attributes:
        lookups: (model, field) -> the table that holds the name for the field's column.
        doubts: sentences for the user.
    """

    survey: Survey
    plans: tuple[TablePlan, ...]
    lookups: dict[tuple[str, str], Lookup]
    left_out: dict[str, str]
    doubts: tuple[str, ...]

    def plan(self, entity: str) -> TablePlan | None:
        """The entity's first plan."""
        return next((plan for plan in self.plans if plan.entity == entity), None)


def propose(
    survey: Survey, choose_table: ChooseTable | None = None, choose_column: ChooseColumn | None = None
) -> Proposal:
    """Decide what every table and column is; without choosers the best is taken."""
    verdict = classify(survey)
    if choose_table:
        verdict = _asked(survey, verdict, choose_table)
    left_out = {**survey.left_out, **verdict.left_out}
    by_name = {table.name: table for table in survey.tables}
    targets = Targets({one.entity: by_name[one.table] for one in reversed(verdict.chosen)})
    plans: list[TablePlan] = []
    for chosen in verdict.chosen:
        table = by_name[chosen.table]
        matches = {match.field: match for match in map_columns(chosen.entity, table, targets)}
        if choose_column:
            matches = _asked_columns(chosen.entity, table, matches, targets, choose_column)
        plans.append(_plan(chosen, table, matches, row_key(table), plans))
    plans = _with_references(plans)
    lookups = _lookups(plans, survey)
    return Proposal(survey, tuple(plans), lookups, left_out, tuple(_doubts(plans)))


def _plan(
    chosen: Candidate,
    table: SourceTable,
    matches: dict[str, Match],
    key: tuple[str, ...],
    before: list[TablePlan],
) -> TablePlan:
    names = raw_names(table, {match.column: match.field for match in matches.values()})
    raws = {plan.raw for plan in before}
    raw = raw_table(table, chosen.entity, raws)
    is_second = any(plan.entity == chosen.entity for plan in before)
    values = {}
    for name, match in matches.items():
        if name in _DECODED and f"{chosen.entity}.{name}" in dictionary()["values"]:
            values[name] = value_map(
                f"{chosen.entity}.{name}", table.column(match.column), is_whole=table.is_whole
            )
    model = f"{chosen.entity}__{raw}" if is_second else chosen.entity
    return TablePlan(
        chosen.entity, model, raw, table, chosen.score, chosen.reason, matches, names, key, key, values
    )


def raw_table(table: SourceTable, entity: str, taken: set[str]) -> str:
    """The table's name in the warehouse: its own where that is plain, else the entity's."""
    stem = table.name.rsplit("/", 1)[-1].rsplit(".", 1)[0] if "." in table.name else table.name
    name = normalise(stem) if stem.isascii() else entity
    name = name if is_plain_name(name) else entity
    while name in taken:
        name = f"{name}_too"
    return name


def raw_names(table: SourceTable, fields: Mapping[str, str]) -> dict[str, str]:
    """Source column -> plain English name, all different; a Chinese column is called as its field is."""
    names: dict[str, str] = {}
    for position, column in enumerate(table.columns, start=1):
        name = normalise(column.name) if column.name.isascii() else ""
        if not is_plain_name(name):
            name = fields.get(column.name, f"column_{position}")
        if name in _reserved():
            name = f"{name}_value"
        if name in names.values():
            name = f"{name}_{position}"
        names[column.name] = name
    return names


@cache
def _reserved() -> frozenset[str]:
    """Words that SQL would not take for a column."""
    with duckdb.connect() as con:
        rows = con.execute(
            "select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'"
        ).fetchall()
    return frozenset(name for (name,) in rows)


def row_key(table: SourceTable) -> tuple[str, ...]:
    """The primary key, or else the likeliest column or pair of columns whose values are all different."""
    if table.key and all(any(c.name == part for c in table.columns) for part in table.key):
        return table.key
    worded = [column.name for column in table.columns if _may_be_key(column, {"id", "code"})]
    single = [
        column.name for column in table.columns
        if (shape := profile(column.values)).count and shape.distinct == len(column.values)
    ]  # fmt: skip
    if numbered := [name for name in worded if name in single and not _counts_rows(table.column(name))]:
        return (numbered[0],)
    first = table.columns[0] if table.columns else None
    if first and first.name in single and _may_be_key(first, set()) and not _counts_rows(first):
        return (first.name,)
    for pair in combinations(worded, 2):
        rows = list(zip(*(table.column(name).values for name in pair), strict=True))
        if rows and len(set(rows)) == len(rows) and all(all(row) for row in rows):
            return pair
    return ()


def _may_be_key(column: SourceColumn, wanted: set[str]) -> bool:
    """Whether its name, and that it holds no dates, let it tell rows apart; a phone or an amount does not."""
    heard = [reading.concepts for reading in readings(column.name)]
    named = not wanted or any(wanted & concepts for concepts in heard)
    return (
        named
        and not all("id" not in concepts and concepts & _NEVER_KEYS for concepts in heard or [frozenset()])
        and profile(column.values).date < 0.8
    )


def _counts_rows(column: SourceColumn) -> bool:
    """Whether it only numbers the lines of a ledger: sorted otherwise, they would be other rows."""
    return column.name.strip().rstrip(".").lower() in ("序号", "行号", "项次", "#", "no") and all(
        value == str(number) for number, value in enumerate(column.values, start=1)
    )


def _with_references(plans: list[TablePlan]) -> list[TablePlan]:
    """Let source_id be what others point to: an old ERP's documents know customers by their code."""
    pointed: dict[str, Counter[str]] = {}
    for plan in plans:
        for match in plan.matches.values():
            if match.target:
                pointed.setdefault(match.target[0], Counter())[match.target[1]] += 1
    found = []
    for plan in plans:
        columns = pointed.get(plan.table.name)
        if columns and len(plan.key) <= 1:
            plan = replace(plan, source_id=(columns.most_common(1)[0][0],))
        if plan.entity == "orders" and "order_no" not in plan.matches and len(plan.source_id) == 1:
            number = Match(
                "order_no", plan.source_id[0], 0.85, t("the key, as no other column numbers the orders")
            )
            plan = replace(plan, matches={**plan.matches, "order_no": number})
        found.append(plan)
    return found


def _lookups(plans: Sequence[TablePlan], survey: Survey) -> dict[tuple[str, str], Lookup]:
    """Where a category is a foreign key into a table of names, that table."""
    found = {}
    taken = {plan.raw for plan in plans}
    by_name = {table.name: table for table in survey.tables}
    for plan in plans:
        for name in ("category", "region", "industry", "department", "position", "product_kind", "method"):
            column = plan.column(name)
            table = _named_by(column, plan.table, by_name) if column else None
            if column is None or table is None or table.name in {other.table.name for other in plans}:
                continue
            key, label = row_key(table), _label(table)
            if len(key) == 1 and label:
                names = raw_names(table, {})
                raw = raw_table(table, f"{name}_names", taken)
                taken.add(raw)
                found[(plan.model, name)] = Lookup(raw, table, key[0], label, names)
    return found


def _named_by(
    column: SourceColumn, table: SourceTable, by_name: Mapping[str, SourceTable]
) -> SourceTable | None:
    """The table that the column points to: declared, or by its word and values that are keys there."""
    if declared := table.references.get(column.name):
        return by_name.get(declared[0])
    words = {c for reading in readings(column.name) for c in reading.concepts} - {"id", "code", "name"}
    values = {value for value in column.values if value}
    for other in by_name.values():
        told = {c for reading in readings(other.name) for c in reading.concepts}
        key = row_key(other)
        if other is table or not words & told or len(key) != 1 or not values:
            continue
        if values <= set(other.column(key[0]).values):
            return other
    return None


def _label(table: SourceTable) -> str | None:
    """The column of a list of names that holds the name."""

    def rank(column: SourceColumn) -> int:
        concepts = {c for reading in readings(column.name) for c in reading.concepts}
        return 0 if "name" in concepts else 1 if concepts & {"content", "title", "kind"} else 2

    best = min((c for c in table.columns if profile(c.values).number < 0.5), key=rank, default=None)
    return best.name if best and rank(best) < 2 else None


def _asked(survey: Survey, verdict: Classification, choose: ChooseTable) -> Classification:
    """The verdict with the user's word on every table that is neither surely something nor surely nothing."""
    by_name = {table.name: table for table in survey.tables}
    chosen, left_out = [], dict(verdict.left_out)
    for one in verdict.chosen:
        answer = one if one.score >= CERTAIN else choose(by_name[one.table], verdict.others[one.table])
        if answer is None:
            left_out[one.table] = t("left out by you")
        else:
            chosen.append(answer)
    return Classification(tuple(chosen), left_out, verdict.others)


def _asked_columns(
    entity: str, table: SourceTable, matches: dict[str, Match], targets: Targets, choose: ChooseColumn
) -> dict[str, Match]:
    """Ask for each field whose column isn't sure, and for each needed one that has none."""
    known = {field.name for field in fields_of(entity)}
    needed = [name for name in dictionary()["entities"][entity].get("needs", []) if name in known]
    asked = dict(matches)
    for name in dict.fromkeys([*needed, *matches]):
        guess = asked.get(name)
        if (guess is None and name not in needed) or (guess and guess.confidence >= CERTAIN):
            continue
        answer = choose(entity, table, name, guess)
        asked.pop(name, None)
        if answer:
            asked = {other: match for other, match in asked.items() if match.column != answer}
            found = match_of(entity, name, table, answer, targets)
            asked[name] = replace(found, confidence=1.0, reason=t("you said so"))
    return asked


def _doubts(plans: Sequence[TablePlan]) -> list[str]:
    """What the user should look at, a sentence each."""
    doubts = []
    for plan in plans:
        if plan.score < CERTAIN:
            doubts.append(
                t("{table}: taken for {entity}, but not surely ({score}).", table=plan.table.name,
                  entity=plan.entity, score=f"{plan.score:.2f}")
            )  # fmt: skip
        for match in plan.matches.values():
            if match.confidence < CERTAIN:
                doubts.append(
                    t("{entity}.{field}: {column} is not sure ({score}).", entity=plan.entity,
                      field=match.field, column=match.column, score=f"{match.confidence:.2f}")
                )  # fmt: skip
        for name, values in plan.values.items():
            if values.unknown:
                doubts.append(
                    t("{entity}.{field}: these values are not known and stay as they are: {values}.",
                      entity=plan.entity, field=name, values=", ".join(values.unknown))
                )  # fmt: skip
    return doubts
