"""The evaluating of either gate: every record against the rules of that gate.

Comes in: the input layer, what dbt computed about its rows, the waivers and the catalogue. Goes out: the
temporary tables of `quality.issues`, which its `finish` turns into the lasting ones. Not in a transaction:
that would keep all entities' rows until its end.
"""

from __future__ import annotations

import logging
import time
from itertools import groupby

import duckdb

from pipelines.errors import GuikeError
from pipelines.i18n import t
from quality import issues
from quality.catalogue import Catalogue
from quality.expectations import NotEvaluated, Outcome, evaluate
from quality.frames import (
    columns_of_few_values,
    condition_name,
    number_rows,
    read_frame,
    read_values,
    rows_with,
)
from quality.hanging import set_aside_what_hangs
from quality.rule import Gate, Rule

_log = logging.getLogger("guike.quality")


def evaluate_gate(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, gate: Gate) -> None:
    """Fill the temporary tables of `issues` with what each rule of this gate finds.

    Raises:
        GuikeError: the catalogue doesn't fit the tables.
    """
    issues.begin(con, catalogue)
    for entity in catalogue.checked_at(gate):
        started = time.monotonic()
        rules = catalogue.of(entity, gate)
        rows = number_rows(con, catalogue, entity, gate)
        try:
            outcomes = _evaluate(con, rules)
        except NotEvaluated as error:
            raise _unfit(catalogue, rules, error) from error
        issues.collect(con, rules, entity, outcomes)
        _log.info(
            t("Gate {gate}: {entity}: {rows} records, {rules} rules, {failures} failures, {seconds} s",
              gate=gate, entity=entity, rows=f"{rows:,}", rules=len(rules),
              failures=f"{sum(len(outcome.failing) for outcome in outcomes.values()):,}",
              seconds=f"{time.monotonic() - started:.1f}")
        )  # fmt: skip
    con.execute("drop table if exists gate_rows")
    if gate == 1:
        set_aside_what_hangs(con, catalogue)


def _unfit(catalogue: Catalogue, rules: tuple[Rule, ...], error: NotEvaluated) -> GuikeError:
    rule = next(rule for rule in rules if rule.rule_id == error.rule_id)
    return GuikeError(
        t("{place}: {rule} can't be asked of {column}: {reason}", place=catalogue.where(rule),
          rule=rule.rule_id, column=rule.expected.column, reason=error.reason.splitlines()[0][:200]),
        t("A regular expression is for a column of text, bounds are for one of numbers."),
    )  # fmt: skip


def _evaluate(con: duckdb.DuckDBPyConnection, rules: tuple[Rule, ...]) -> dict[str, Outcome]:
    """Which rows of `gate_rows` fail which rule.

    An expectation is about a value, so where a column has few of them it is asked of each value once, and not
    of each row: most columns are yes or no. What has many values is asked row by row, one frame per
    condition, one after the other, so that only one is in memory.
    """
    few = columns_of_few_values(con, {rule.expected.column for rule in rules})
    outcomes = _by_value(con, rules, [rule for rule in rules if rule.expected.column in few])
    rest = [rule for rule in rules if rule.expected.column not in few]
    ordered = sorted(rest, key=lambda rule: condition_name(rules, rule) or "")
    for condition, group in groupby(ordered, key=lambda rule: condition_name(rules, rule)):
        together = list(group)
        columns = list(dict.fromkeys(rule.expected.column for rule in together))
        outcomes |= evaluate(read_frame(con, columns, condition), together)
    return outcomes


def _by_value(
    con: duckdb.DuckDBPyConnection, rules: tuple[Rule, ...], chosen: list[Rule]
) -> dict[str, Outcome]:
    """Ask each value once, then find the rows that have one of those that fail."""
    if not chosen:
        return {}
    columns = list(dict.fromkeys(rule.expected.column for rule in chosen))
    judged = evaluate(read_values(con, columns), chosen)
    return {
        rule.rule_id: Outcome(
            judged[rule.rule_id].checked,
            rows_with(con, rule.expected.column, judged[rule.rule_id].failing, condition_name(rules, rule)),
        )
        for rule in chosen
    }
