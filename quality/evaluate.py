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

from pipelines.i18n import t
from pipelines.settings import Settings
from quality import issues, waivers
from quality.catalogue import Catalogue
from quality.expectations import Outcome, evaluate
from quality.frames import condition_name, number_rows, read_frame
from quality.hanging import set_aside_what_hangs
from quality.rule import Gate, Rule

_log = logging.getLogger("guike.quality")


def evaluate_gate(
    con: duckdb.DuckDBPyConnection, settings: Settings, catalogue: Catalogue, gate: Gate
) -> None:
    """Fill the temporary tables of `issues` with what each rule of this gate finds.

    Raises:
        GuikeError: the catalogue doesn't fit the tables, or the file of waivers can't be understood.
    """
    waivers.load(con, settings)
    issues.begin(con, catalogue)
    for entity in catalogue.checked_at(gate):
        started = time.monotonic()
        rules = catalogue.of(entity, gate)
        rows = number_rows(con, catalogue, entity, gate)
        outcomes = _evaluate(con, rules)
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


def _evaluate(con: duckdb.DuckDBPyConnection, rules: tuple[Rule, ...]) -> dict[str, Outcome]:
    """One frame per condition, one after the other, so that only one is in memory."""
    ordered = sorted(rules, key=lambda rule: condition_name(rules, rule) or "")
    outcomes: dict[str, Outcome] = {}
    for condition, group in groupby(ordered, key=lambda rule: condition_name(rules, rule)):
        together = list(group)
        columns = list(dict.fromkeys(rule.expected.column for rule in together))
        outcomes |= evaluate(read_frame(con, columns, condition), together)
    return outcomes
