"""What Great Expectations looks at: one frame per entity and condition, read from DuckDB through Arrow.

Comes in: `input.<entity>` with what dbt computed about its rows, and the entity's part of the catalogue. At
gate 1 that is `quality.check__<entity>`, one row for each input row; at gate 2 `quality.unified__<entity>`,
one for each that is in scope. Goes out: the temporary table `gate_rows` (those rows once, numbered, with the
helper columns the rules need), and pandas frames cut from it whose index is the row number. Only columns that
a rule looks at are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import Settings
from quality import waivers
from quality.catalogue import Catalogue
from quality.rule import Gate, Rule

if TYPE_CHECKING:
    import numpy.typing as npt

HELPERS_FILE = Path(__file__).parent / "helpers.sql"
KEY = ("system", "source_table", "source_id")
CHECKS: dict[Gate, str] = {1: "check__", 2: "unified__"}
_FEW_VALUES = 20_000
_CHECKED = re.compile(r"\bc\.[a-z]")
_WORD = re.compile(r"[a-z][a-z0-9_]*")
_MODELS_STAGE: dict[Gate, str] = {1: "staging", 2: "core"}


def prepare(con: duckdb.DuckDBPyConnection, settings: Settings, catalogue: Catalogue) -> None:
    """Make the catalogue's macros, patterns and numbers known to this connection, and the waivers in force.

    Raises:
        GuikeError: the file of waivers can't be understood.
    """
    waivers.load(con, settings)
    zone = ZoneInfo(settings.timezone)
    next_day = datetime.combine(settings.as_of + timedelta(days=1), time(), tzinfo=zone)
    as_of_end = next_day.astimezone(UTC).replace(tzinfo=None)
    con.execute("set variable as_of_end = ?::timestamp", [as_of_end])
    con.execute("set variable timezone = ?", [settings.timezone])
    for name, regex in catalogue.patterns.items():
        con.execute(f"set variable pattern_{name} = ?", [regex])
    for name, number in catalogue.thresholds.items():
        con.execute(f"set variable threshold_{name} = ?", [number])
    con.execute(HELPERS_FILE.read_text(encoding="utf-8"))


def number_rows(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, entity: str, gate: Gate) -> int:
    """Write the temporary table `gate_rows` for `entity`; gives the number of rows.

    Columns: row_number BIGINT from 1, the key, loaded_at, gate_staff, gate_month DATE, and per rule its frame
    column, the value it shows and, where it has a condition, `applies_<n>` (n = the condition's place among
    the entity's).

    Raises:
        GuikeError: a column that a rule names isn't there, an SQL expression of the catalogue is wrong, the
            key isn't unique, or the join checks aren't those of these rows.
    """
    checks = _check_columns(con, catalogue, entity, gate)
    query = _rows_query(con, catalogue, entity, gate, checks)
    try:
        con.execute(f"create or replace temp table gate_rows as {query}")
    except duckdb.Error as error:
        raise GuikeError(
            t("{file}: an SQL expression for {entity} doesn't work: {reason}",
              file=catalogue.name, entity=entity, reason=str(error).splitlines()[0]),
            t("Mend the where of one of these rules, or a helper that it uses: {rules}.",
              rules=", ".join(_not_working(con, catalogue, entity, gate))),
        ) from error  # fmt: skip
    _refuse_double_keys(con, entity, gate)
    if gate == 1:
        _refuse_unequal_checks(con, entity)
    return _one(con, "select count(*) from gate_rows")[0]


def _not_working(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, entity: str, gate: Gate) -> list[str]:
    """The entity's rules whose SQL doesn't work, with file and line; all, if each works by itself."""
    found, rules = [], catalogue.of(entity, gate)
    for rule in rules:
        alone = replace(catalogue, rules=(rule,))
        try:
            query = _rows_query(con, alone, entity, gate, _check_columns(con, alone, entity, gate))
            con.execute(f"create or replace temp table gate_rows as {query}")
        except duckdb.Error:
            found.append(rule)
    return [f"{rule.rule_id} ({catalogue.where(rule)})" for rule in found or rules]


def read_frame(con: duckdb.DuckDBPyConnection, columns: list[str], condition: str | None) -> pd.DataFrame:
    """The columns of `gate_rows` as a frame; its unnamed index is the row number (int64).

    Args:
        columns: frame columns, each once.
        condition: a boolean column of `gate_rows`, to read only the rows where it is true; None for all.
    """
    only = f"where {condition}" if condition else ""
    table = con.execute(f"select row_number, {', '.join(columns)} from gate_rows {only}").to_arrow_table()
    frame: pd.DataFrame = table.to_pandas(self_destruct=True, split_blocks=True)
    index = pd.Index(frame.pop("row_number").to_numpy())
    return frame.set_axis(index, axis="index")


def columns_of_few_values(con: duckdb.DuckDBPyConnection, columns: Iterable[str]) -> set[str]:
    """Those columns of `gate_rows` that have few different values, roughly counted."""
    names = sorted(columns)
    counts = ", ".join(f"approx_count_distinct({name})" for name in names)
    row = con.execute(f"select {counts} from gate_rows").fetchone()
    assert row is not None
    return {name for name, count in zip(names, row, strict=True) if count <= _FEW_VALUES}


def read_values(con: duckdb.DuckDBPyConnection, columns: list[str]) -> pd.DataFrame:
    """The different values of each column, each column by itself; also kept in TEMP `gate_values_<column>`.

    The index is a value's place in its own column, from 0. Shorter columns are filled up with their first
    value, so that nothing is there which isn't in the data; those places are in no `gate_values_<column>`.
    """
    series = []
    for name in columns:
        con.execute(
            f"create or replace temp table gate_values_{name} as "
            f"select row_number() over () - 1 as place, value "
            f"from (select distinct {name} as value from gate_rows)"
        )
        values = con.execute(f"select value from gate_values_{name} order by place").to_arrow_table()
        series.append(values.column(0).to_pandas().rename(name))
    longest = max(len(one) for one in series)
    filled = {
        str(one.name): one.reindex(range(longest), fill_value=one.iloc[0] if len(one) else None)
        for one in series
    }
    return pd.DataFrame(filled)


def rows_with(
    con: duckdb.DuckDBPyConnection, column: str, places: npt.NDArray[np.int64], condition: str | None
) -> npt.NDArray[np.int64]:
    """The numbers of the rows of `gate_rows` whose value of `column` has one of these places."""
    if not len(places):
        return places
    con.register("failing_places", pa.table({"place": places}))
    only = f"where r.{condition}" if condition else ""
    try:
        found = con.execute(
            f"select r.row_number from gate_rows as r inner join gate_values_{column} as v "
            f"on r.{column} is not distinct from v.value semi join failing_places using (place) {only}"
        ).fetchnumpy()
    finally:
        con.unregister("failing_places")
    return np.asarray(found["row_number"], dtype=np.int64)


def columns_of(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> list[str]:
    """The columns of a table or view in order; empty where it doesn't exist."""
    return list(types_of(con, schema, table))


def types_of(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> dict[str, str]:
    """The columns of a table or view with their types; information_schema would take a tenth of a second."""
    try:
        rows = con.execute(f"pragma table_info('{schema}.{table}')").fetchall()
    except duckdb.CatalogException:
        return {}
    return {row[1]: row[2] for row in rows}


def condition_name(rules: tuple[Rule, ...], rule: Rule) -> str | None:
    """The column of `gate_rows` that says whether a rule's condition holds; equal conditions share one."""
    conditions = list(dict.fromkeys(other.where for other in rules if other.where))
    return f"applies_{conditions.index(rule.where)}" if rule.where else None


def _rows_query(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue, entity: str, gate: Gate, checks: list[str]
) -> str:
    plan, rules = catalogue.plan(entity), catalogue.of(entity, gate)
    inputs = columns_of(con, "input", entity)
    if not inputs:
        raise GuikeError(
            t("The table input.{entity} is missing.", entity=entity),
            t("Run `guike run --from staging`."),
        )
    _refuse_unknown_columns(catalogue, rules, {*inputs, *plan.helpers, *checks})
    wanted = dict.fromkeys(name for rule in rules for name in (rule.expected.column, rule.shown_column))
    always = {*KEY, "loaded_at", *plan.helpers}
    plain = [f"i.{name}" for name in wanted if name in inputs and name not in always]
    joined = [f"c.{name}" for name in checks]
    conditions = {condition_name(rules, rule): rule.where for rule in rules if rule.where}
    helpers = needed_helpers(plan.helpers, [*wanted, *conditions.values()])
    staff = plan.helpers.get(plan.staff, f"i.{plan.staff}") if plan.staff else "cast(null as varchar)"
    selected = [
        "row_number() over () as row_number", *(f"i.{name} as {name}" for name in KEY), "i.loaded_at",
        f"{staff} as gate_staff",
        f"{_month(con, entity, plan.moment)} as gate_month",
        *plain, *joined, *(f"{sql} as {name}" for name, sql in helpers.items()),
        *(f"coalesce({sql}, false) as {name}" for name, sql in conditions.items()),
    ]  # fmt: skip
    keys, relation = ", ".join(KEY), f"quality.{CHECKS[gate]}{entity}"
    if gate == 2:
        scope = f"input.{entity} as i inner join {relation} as c using ({keys})"
        return f"select {', '.join(selected)} from {scope}"
    expressions = (*helpers.values(), *conditions.values())
    needs_checks = checks or any(_CHECKED.search(str(sql)) for sql in expressions)
    join = f"left join {relation} as c using ({keys})" if needs_checks else ""
    marker = f", {'c.source_table is null' if needs_checks else 'false'} as is_unchecked"
    return f"select {', '.join(selected)}{marker} from input.{entity} as i {join}"


def _refuse_unknown_columns(catalogue: Catalogue, rules: tuple[Rule, ...], known: set[str]) -> None:
    for rule in rules:
        for column in (rule.field, rule.expected.column, rule.shown_column):
            if column not in known:
                raise GuikeError(
                    t("{place}: {entity} has no column {column}.",
                      place=catalogue.where(rule), entity=rule.entity, column=column),
                    t("Its columns are: {columns}.", columns=", ".join(sorted(known))),
                )  # fmt: skip


def needed_helpers(helpers: Mapping[str, str], used: Iterable[str | None]) -> dict[str, str]:
    """The helpers that these expressions name, and those that they name in turn, in the plan's order."""
    found: set[str] = set()
    waiting = [text for text in used if text]
    while waiting:
        fresh = {name for name in _WORD.findall(waiting.pop()) if name in helpers} - found
        found |= fresh
        waiting += [helpers[name] for name in fresh]
    return {name: sql for name, sql in helpers.items() if name in found}


def _month(con: duckdb.DuckDBPyConnection, entity: str, moment: str | None) -> str:
    """SQL for the first day of the month, on the company's calendar, in which a record was made."""
    if moment is None:
        return "cast(null as date)"
    kind = types_of(con, "input", entity).get(moment)
    if kind is None:
        raise GuikeError(
            t("The rule catalogue says that {entity} are of the moment {column}, a column they don't have.",
              entity=entity, column=moment),
            t("Name a date or time of input.{entity} under entities, or leave moment out.", entity=entity),
        )  # fmt: skip
    day = f"i.{moment}" if kind == "DATE" else f"local_date(i.{moment})"
    return f"cast(date_trunc('month', {day}) as date)"


def _check_columns(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue, entity: str, gate: Gate
) -> list[str]:
    """The columns of what dbt computed about the entity that its rules name; they need dbt's table."""
    plan, relation = catalogue.plan(entity), f"{CHECKS[gate]}{entity}"
    inputs, available = columns_of(con, "input", entity), columns_of(con, "quality", relation)
    named: dict[str, None] = {}
    for rule in catalogue.of(entity, gate):
        for column in (rule.expected.column, rule.shown_column):
            if column in plan.helpers or column in inputs:
                continue
            if column in available:
                named[column] = None
            elif column == rule.check:
                raise GuikeError(
                    t("{place}: neither the helpers of {entity} nor quality.{relation} have {column}.",
                      place=catalogue.where(rule), entity=entity, relation=relation, column=column),
                    t("Add it to dbt's model {relation}, then run `guike run --from {stage}`.",
                      relation=relation, stage=_MODELS_STAGE[gate]),
                )  # fmt: skip
    if gate == 2 and not available:
        raise GuikeError(
            t("The table quality.{relation} is missing, on which {rules} look.", relation=relation,
              rules=", ".join(catalogue.where(rule) for rule in catalogue.of(entity, gate))),
            t("Run `guike run --from core`."),
        )  # fmt: skip
    return list(named)


def _refuse_unequal_checks(con: duckdb.DuckDBPyConnection, entity: str) -> None:
    unchecked, rows, inputs = _one(
        con,
        f"select count(*) filter (where is_unchecked), count(*), (select count(*) from input.{entity}) "
        "from gate_rows",
    )
    if unchecked or rows != inputs:
        raise GuikeError(
            t("quality.check__{entity} doesn't have one row for each row of input.{entity}.", entity=entity),
            t("Run `guike run --from staging`, which builds both afresh."),
        )


def _refuse_double_keys(con: duckdb.DuckDBPyConnection, entity: str, gate: Gate) -> None:
    """Refuse a key that stands twice: in the input, or, once gate 1 has seen to that, in dbt's checks."""
    relation = f"input.{entity}" if gate == 1 else f"quality.{CHECKS[gate]}{entity}"
    double = con.execute(
        f"select {', '.join(KEY)}, count(*) from {relation} group by all "
        "having count(*) > 1 or source_id is null order by all limit 1"
    ).fetchone()
    if double and gate == 2:
        raise GuikeError(
            t("{relation} has {count} rows for {system}, {table}, {source_id}.", relation=relation,
              count=double[3], system=double[0], table=double[1], source_id=double[2]),
            t("Mend that model of dbt, then run `guike run --from core`."),
        )  # fmt: skip
    if double:
        raise GuikeError(
            t("input.{entity} has no usable key: {count} rows of {system}, {table} are {source_id}.",
              entity=entity, count=double[3], system=double[0], table=double[1], source_id=double[2]),
            t("Let the staging model of {table} build source_id from more columns, or from _row_id.",
              table=double[1]),
        )  # fmt: skip


def _one(con: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = con.execute(query).fetchone()
    assert row is not None
    return row
