"""A suite is all rules on one entity at one gate: what came of each, for Dagster and whoever else shows them.

Comes in: the tables that a gate has written, and the catalogue. Goes out: per suite its counts, what may be
set aside or fail, and why it stops the run, if it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from quality.catalogue import Catalogue
from quality.frames import columns_of
from quality.gate import counted_rows, reasons_set_aside
from quality.rule import Gate
from quality.verdict import RuleResult, rule_results, stops


@dataclass(frozen=True)
class Suite:
    """One entity at one gate.

    Attributes:
        rows: records that came in. set_aside: of those, at gate 1. limit: the share that may be.
        rules: every rule, with what it checked and what failed. limits: rule_id -> the share that may fail.
        stops: why the run must not go on because of it; empty where it may.
    """

    entity: str
    gate: Gate
    rows: int
    set_aside: int
    limit: float
    rules: list[RuleResult]
    limits: Mapping[str, float | None]
    stops: list[str]

    @property
    def failed(self) -> int:
        """How much fails rules that aren't there for information only."""
        return sum(rule.failed for rule in self.rules if rule.severity != "info")


def suites(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, gate: Gate) -> list[Suite]:
    """The suites of a gate; none where it has written nothing yet."""
    if not columns_of(con, "quality", "check_counts"):
        return []
    results = {result.rule_id: result for result in rule_results(con, catalogue, gate)}
    rows, aside = counted_rows(con, catalogue), {}
    if gate == 1:
        aside = dict(con.execute("select entity, count(*) from quality.set_aside group by entity").fetchall())
    reasons = reasons_set_aside(con)
    found = []
    for entity in catalogue.checked_at(gate):
        rules = catalogue.of(entity, gate)
        own = [results[rule.rule_id] for rule in rules]
        came, held = rows.get(entity, 0), aside.get(entity, 0)
        counted = {entity: came} if gate == 1 else {}
        why = stops(catalogue, gate, own, counted, {entity: held}, reasons)
        limits = {rule.rule_id: rule.max_failed for rule in rules}
        found.append(Suite(entity, gate, came, held, catalogue.limit(entity), own, limits, why))
    return found
