"""Whether a run may go on: what the rules found against what the catalogue allows.

Comes in: the tables that a gate has written, and the catalogue's limits. Goes out: per rule how much it
looked at and how much failed, and the sentences that say why a run must stop, each with what to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from pipelines.i18n import t
from quality.catalogue import Catalogue
from quality.rule import Gate, Severity


@dataclass(frozen=True)
class RuleResult:
    """One rule over all systems: how many values it looked at, and how many failed and aren't waived."""

    rule_id: str
    severity: Severity
    checked: int
    failed: int

    @property
    def share(self) -> float:
        """What failed of what was checked."""
        return self.failed / max(self.checked, 1)


def rule_results(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, gate: Gate) -> list[RuleResult]:
    """Every rule of the gate, in the catalogue's order, as this run or an earlier one has written it."""
    totals = {
        rule_id: (checked, failed)
        for rule_id, checked, failed in con.execute(
            "select rule_id, sum(checked)::bigint, sum(failed)::bigint from quality.rule_results group by 1"
        ).fetchall()
    }
    return [
        RuleResult(rule.rule_id, rule.severity, *totals.get(rule.rule_id, (0, 0)))
        for rule in catalogue.rules
        if rule.gate == gate
    ]


def stops(
    catalogue: Catalogue, gate: Gate, rules: Sequence[RuleResult], rows: Mapping[str, int],
    set_aside: Mapping[str, int], reasons: Mapping[str, tuple[str, int]],
) -> list[str]:  # fmt: skip
    """Why the run must not go on, and what to do; empty where it may.

    Args:
        rows, set_aside: entity -> records that came in, and of those the ones set aside; empty at gate 2.
        reasons: entity -> the most frequent reason, and how many have it.
    """
    found = [
        _too_many_aside(catalogue, entity, rows[entity], set_aside[entity], reasons.get(entity, ("–", 0)))
        for entity in rows
    ]
    found += [_too_many_failed(catalogue, gate, rule) for rule in rules]
    return [message for message in found if message]


def _too_many_aside(
    catalogue: Catalogue, entity: str, rows: int, set_aside: int, worst: tuple[str, int]
) -> str | None:
    share, limit = set_aside / max(rows, 1), catalogue.limit(entity)
    if share <= limit:
        return None
    return t(
        "Gate 1 stops the run: {aside} of {rows} {entity} are set aside ({share}; at most {limit} may be), "
        "{failed} of them by {rule}. `guike sql --working \"from quality.set_aside\"` shows them; mend them "
        "in their system or the staging model, and run again; if they are right, waive the rule with `guike "
        "quality waive`, or raise max_set_aside in quality/rules/.",
        aside=f"{set_aside:,}", rows=f"{rows:,}", entity=entity, share=f"{share:.1%}",
        limit=f"{limit:.1%}", failed=f"{worst[1]:,}", rule=worst[0],
    )  # fmt: skip


def _too_many_failed(catalogue: Catalogue, gate: Gate, result: RuleResult) -> str | None:
    rule = next(rule for rule in catalogue.rules if rule.rule_id == result.rule_id)
    if rule.max_failed is None or result.share <= rule.max_failed:
        return None
    return t(
        "Gate {gate} stops the run: {failed} of {checked} {entity} fail {rule} ({share}; at most {limit} "
        "may). Mend them in their system or the staging model, and run again; if they are right, waive them "
        "with `guike quality waive`, or raise max_failed ({place}).",
        gate=gate, failed=f"{result.failed:,}", checked=f"{result.checked:,}", entity=rule.entity,
        rule=rule.rule_id, share=f"{result.share:.1%}", limit=f"{rule.max_failed:.1%}",
        place=catalogue.where(rule),
    )  # fmt: skip
