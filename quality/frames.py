"""What Great Expectations looks at: one frame per entity and condition, read from DuckDB through Arrow.

Comes in: `input.<entity>` with its join checks, and the entity's part of the catalogue. Goes out: the
temporary table `gate_rows` (every input row once, numbered, with the helper columns the rules need), and
pandas frames cut from it whose index is the row number. Only columns that a rule looks at are read.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd

from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import Settings
from quality.catalogue import Catalogue, Rule

HELPERS_FILE = Path(__file__).parent / "helpers.sql"
KEY = ("system", "source_table", "source_id")


def prepare(con: duckdb.DuckDBPyConnection, settings: Settings, catalogue: Catalogue) -> None:
    """Make the catalogue's macros, patterns, as-of date and time zone known to this connection."""
    zone = ZoneInfo(settings.timezone)
    next_day = datetime.combine(settings.as_of + timedelta(days=1), time(), tzinfo=zone)
    as_of_end = next_day.astimezone(UTC).replace(tzinfo=None)
    con.execute("set variable as_of_end = ?::timestamp", [as_of_end])
    con.execute("set variable timezone = ?", [settings.timezone])
    for name, regex in catalogue.patterns.items():
        con.execute(f"set variable pattern_{name} = ?", [regex])
    con.execute(HELPERS_FILE.read_text(encoding="utf-8"))


def number_rows(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, entity: str) -> int:
    """Write the temporary table `gate_rows` for `entity`; gives the number of rows.

    Columns: row_number BIGINT from 1, the key, loaded_at, staff, and per rule its frame column, the value it
    shows and, where it has a condition, `applies_<n>` (n = the rule's place among the entity's rules).

    Raises:
        GuikeError: a column that a rule names isn't there, an SQL expression of the catalogue is wrong, the
            key isn't unique, or the join checks aren't those of these rows.
    """
    rules = catalogue.of(entity)
    checks = _check_columns(con, catalogue, entity)
    query = _rows_query(con, catalogue, entity, checks)
    try:
        con.execute(f"create or replace temp table gate_rows as {query}")
    except duckdb.Error as error:
        raise GuikeError(
            t("{file}: an SQL expression for {entity} doesn't work: {reason}",
              file=catalogue.path.name, entity=entity, reason=str(error).splitlines()[0]),
            t("Mend the entity's helpers, or the where of one of its rules ({rules}).",
              rules=", ".join(rule.rule_id for rule in rules)),
        ) from error  # fmt: skip
    _refuse_unequal_checks(con, entity, bool(checks))
    return _refuse_double_keys(con, entity)


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


def columns_of(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> list[str]:
    """The columns of a table or view in order; empty where it doesn't exist."""
    rows = con.execute(
        "select column_name from information_schema.columns "
        "where table_schema = ? and table_name = ? order by ordinal_position",
        [schema, table],
    ).fetchall()
    return [row[0] for row in rows]


def condition_name(rules: tuple[Rule, ...], rule: Rule) -> str | None:
    """The column of `gate_rows` that says whether a rule's condition holds; equal conditions share one."""
    conditions = list(dict.fromkeys(other.where for other in rules if other.where))
    return f"applies_{conditions.index(rule.where)}" if rule.where else None


def _rows_query(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, entity: str, checks: list[str]) -> str:
    plan, rules = catalogue.entities[entity], catalogue.of(entity)
    inputs = columns_of(con, "input", entity)
    if not inputs:
        raise GuikeError(
            t("The table input.{entity} is missing.", entity=entity),
            t("Run `guike run --from staging`."),
        )
    known = {*inputs, *plan.helpers, *checks}
    for rule in rules:
        for column in (rule.field, rule.expected.column, rule.shown_column):
            if column not in known:
                raise GuikeError(
                    t("{place}: {entity} has no column {column}.",
                      place=catalogue.where(rule), entity=entity, column=column),
                    t("Its columns are: {columns}.", columns=", ".join(sorted(known))),
                )  # fmt: skip
    wanted = dict.fromkeys(name for rule in rules for name in (rule.expected.column, rule.shown_column))
    plain = [f"i.{name}" for name in wanted if name in inputs and name not in plan.helpers]
    joined = [f"c.{name}" for name in checks]
    helpers = [f"{sql} as {name}" for name, sql in plan.helpers.items()]
    conditions = {condition_name(rules, rule): rule.where for rule in rules if rule.where}
    selected = [
        "row_number() over () as row_number", *(f"i.{name} as {name}" for name in KEY), "i.loaded_at",
        f"{'i.' + plan.staff if plan.staff else 'cast(null as varchar)'} as gate_staff",
        *plain, *joined, *helpers, *(f"coalesce({sql}, false) as {name}" for name, sql in conditions.items()),
    ]  # fmt: skip
    join = f"left join quality.check__{entity} as c using ({', '.join(KEY)})" if checks else ""
    marker = ", c.source_table is null as is_unchecked" if checks else ""
    return f"select {', '.join(selected)}{marker} from input.{entity} as i {join}"


def _check_columns(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, entity: str) -> list[str]:
    """The columns of the entity's join checks that its rules name; they need dbt's check table."""
    plan = catalogue.entities[entity]
    named = [rule for rule in catalogue.of(entity) if rule.check and rule.check not in plan.helpers]
    available = columns_of(con, "quality", f"check__{entity}")
    for rule in named:
        if rule.check not in available:
            raise GuikeError(
                t("{place}: neither the helpers of {entity} nor quality.check__{entity} have {column}.",
                  place=catalogue.where(rule), entity=entity, column=rule.check),
                t("Add it to dbt's model check__{entity}, then run `guike run --from staging`.",
                  entity=entity),
            )  # fmt: skip
    return list(dict.fromkeys(rule.check for rule in named if rule.check))


def _refuse_unequal_checks(con: duckdb.DuckDBPyConnection, entity: str, has_checks: bool) -> None:
    if not has_checks:
        return
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


def _refuse_double_keys(con: duckdb.DuckDBPyConnection, entity: str) -> int:
    (rows,) = _one(con, "select count(*) from gate_rows")
    double = con.execute(
        f"select {', '.join(KEY)}, count(*) from gate_rows group by all "
        "having count(*) > 1 or source_id is null order by all limit 1"
    ).fetchone()
    if double:
        raise GuikeError(
            t("input.{entity} has no usable key: {count} rows of {system}, {table} are {source_id}.",
              entity=entity, count=double[3], system=double[0], table=double[1], source_id=double[2]),
            t("Let the staging model of {table} build source_id from more columns, or from _row_id.",
              table=double[1]),
        )  # fmt: skip
    return int(rows)


def _one(con: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = con.execute(query).fetchone()
    assert row is not None
    return row
