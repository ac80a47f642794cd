"""Why the last run went on or stopped, from what the gates wrote down.

Comes in: the working file, the catalogue and the file of waivers. Goes out: facts as plain values: per entity
what came in, went through and was set aside, the rules that fail most, the waivers in force and what they
cover, the figures that don't agree, and what stops the run.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import Settings
from quality import waivers
from quality.catalogue import Catalogue
from quality.frames import columns_of
from quality.gate import counted_rows, gate_stops
from quality.rule import Gate
from quality.verdict import RuleResult, rule_results, stops
from quality.waivers import Waiver


@dataclass(frozen=True)
class EntityLine:
    """One entity at gate 1: records, the share set aside and what is allowed of it.

    Attributes:
        hanging: of those set aside, the ones that hang on another record and have no fault of their own.
    """

    entity: str
    rows: int
    set_aside: int
    hanging: int
    flagged: int
    limit: float

    @property
    def through(self) -> int:
        """What the rest of the run works with."""
        return self.rows - self.set_aside

    @property
    def share(self) -> float:
        """The share set aside."""
        return self.set_aside / max(self.rows, 1)


@dataclass(frozen=True)
class Explanation:
    """What `guike quality gate` tells.

    Attributes:
        run_id: the run that evaluated the rules last.
        stops: gate -> why a run can't pass it; empty where it can. A gate that was never reached is missing.
        rules: those that something fails, the worst first: errors, then by how many fail.
        waivers: those in force, each with how many issues it covers.
        unreconciled: lines of `quality.reconciliation` that don't agree: system, measure, difference.
    """

    run_id: str | None
    stops: dict[Gate, list[str]]
    entities: list[EntityLine]
    rules: list[RuleResult]
    waivers: list[tuple[Waiver, int]]
    unreconciled: list[tuple[str, str, object]]

    @property
    def passed(self) -> bool:
        """Whether nothing stops a run."""
        return not any(self.stops.values())


def explain(con: duckdb.DuckDBPyConnection, settings: Settings, catalogue: Catalogue) -> Explanation:
    """Read what the gates have written.

    Raises:
        GuikeError: no run has reached a gate yet, or the warehouse is from before there were waivers.
    """
    if not columns_of(con, "quality", "check_counts"):
        raise GuikeError(t("No run has reached the gates yet."), t("Run `guike run` first."))
    found: dict[Gate, list[str]] = {1: gate_stops(con, catalogue)}
    off = []
    if columns_of(con, "quality", "reconciliation"):
        off = con.execute(
            "select system, measure, difference from quality.reconciliation where not is_reconciled "
            "order by system, measure"
        ).fetchall()
        found[2] = stops(catalogue, 2, rule_results(con, catalogue, 2), {}, {}, {})
    run = con.execute("select max(run_id) from quality.rule_results").fetchone()
    both = (*rule_results(con, catalogue, 1), *rule_results(con, catalogue, 2))
    rules = [result for result in both if result.failed]
    rules.sort(
        key=lambda rule: (rule.severity != "error", rule.severity == "info", -rule.failed, rule.rule_id)
    )
    return Explanation(
        run[0] if run else None, found, _entities(con, catalogue), rules, _waivers(con, settings), off
    )


def _entities(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> list[EntityLine]:
    aside = {
        entity: (count, hanging)
        for entity, count, hanging in con.execute(
            "select entity, count(*), count(hangs_on) from quality.set_aside group by entity"
        ).fetchall()
    }
    flagged = dict(
        con.execute(
            "select entity, count(distinct (system, source_table, source_id)) from quality.record_issues "
            "where severity = 'warn' group by entity"
        ).fetchall()
    )
    return [
        EntityLine(entity, rows, *aside.get(entity, (0, 0)), flagged.get(entity, 0), catalogue.limit(entity))
        for entity, rows in counted_rows(con, catalogue).items()
        if rows
    ]


def _waivers(con: duckdb.DuckDBPyConnection, settings: Settings) -> list[tuple[Waiver, int]]:
    covered = dict(
        con.execute("select waiver_id, count(*) from quality.waived_issues group by waiver_id").fetchall()
    )
    valid = waivers.in_force(waivers.read(settings), settings.as_of)
    return [(one, covered.get(one.waiver_id, 0)) for one in valid]
