"""Gate 1: every record is checked; errors are set aside, warnings flagged, nothing is deleted.

Comes in: `input.*`, dbt's `quality.check__*` and the catalogue. Goes out: the tables of `quality.issues`, the
views `quality.passed_<entity>` that everything downstream reads, and a `GateResult`. If too many records of
one entity are set aside the gate doesn't pass; its tables are written all the same, so that one can look.
"""

from __future__ import annotations

import hashlib
import logging
import time
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import duckdb

from pipelines.i18n import t
from pipelines.settings import Settings
from quality import issues
from quality.catalogue import Catalogue, Severity, load_catalogue
from quality.expectations import Outcome, evaluate
from quality.frames import columns_of, condition_name, number_rows, prepare, read_frame
from warehouse import store

STAGE = "gate_1"
_SET_ASIDE = "select entity, count(*) from quality.set_aside group by entity"
_FLAGGED = """
    select entity, count(distinct (system, source_table, source_id)) from quality.record_issues
    anti join quality.set_aside using (entity, system, source_table, source_id) group by entity"""
_log = logging.getLogger("guike.quality")


@dataclass(frozen=True)
class RuleResult:
    """One rule over all systems: how many values it looked at, and how many failed."""

    rule_id: str
    severity: Severity
    checked: int
    failed: int


@dataclass(frozen=True)
class GateResult:
    """What gate 1 found.

    Attributes:
        passed: False if more of an entity was set aside than the catalogue allows.
        rules: every rule of the catalogue, in its order.
        set_aside: entity -> records set aside.
        flagged: entity -> records that passed with at least one warning.
        message: for the user, in the language in force.
        rows: entity -> records that came in.
    """

    passed: bool
    rules: list[RuleResult]
    set_aside: dict[str, int]
    flagged: dict[str, int]
    message: str
    rows: dict[str, int]


def run_gate_1(settings: Settings, run_id: str) -> GateResult:
    """Check all records, unless neither they nor the rules have changed since the last time.

    Raises:
        GuikeError: the catalogue can't work, or doesn't fit the input tables.
    """
    catalogue = load_catalogue()
    with closing(store.connect(settings)) as con:
        store.ensure_schemas(con)
        prepare(con, settings, catalogue)
        fingerprint = _fingerprint(con, settings, catalogue)
        is_unchanged = store.stage_fingerprint(con, STAGE) == fingerprint
        if is_unchanged:
            _log.info(t("Gate 1: records and rules are unchanged"))
        else:
            _check_all(con, catalogue)
        con.begin()
        if not is_unchanged:
            issues.finish(con, catalogue, run_id)
            store.set_stage_fingerprint(con, STAGE, fingerprint, run_id)
        issues.create_passed_views(con)
        con.commit()
        return _result(con, catalogue)


def _check_all(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    """Fill the temporary tables of `issues`; not in a transaction, which would keep all entities' rows."""
    issues.begin(con, catalogue)
    for entity in catalogue.entities:
        if rules := catalogue.of(entity):
            started = time.monotonic()
            rows = number_rows(con, catalogue, entity)
            outcomes = _evaluate(con, catalogue, entity)
            issues.collect(con, rules, entity, outcomes)
            _log.info(
                t("Gate 1: {entity}: {rows} records, {rules} rules, {failures} failures, {seconds} s",
                  entity=entity, rows=f"{rows:,}", rules=len(rules),
                  failures=f"{sum(len(outcome.failing) for outcome in outcomes.values()):,}",
                  seconds=f"{time.monotonic() - started:.1f}")
            )  # fmt: skip
    con.execute("drop table if exists gate_rows")


def _evaluate(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, entity: str) -> dict[str, Outcome]:
    """One frame per condition, one after the other, so that only one is in memory."""
    rules = catalogue.of(entity)
    ordered = sorted(rules, key=lambda rule: condition_name(rules, rule) or "")
    outcomes: dict[str, Outcome] = {}
    for condition, group in groupby(ordered, key=lambda rule: condition_name(rules, rule)):
        together = list(group)
        columns = list(dict.fromkeys(rule.expected.column for rule in together))
        outcomes |= evaluate(read_frame(con, columns, condition), together)
    return outcomes


def _fingerprint(con: duckdb.DuckDBPyConnection, settings: Settings, catalogue: Catalogue) -> str:
    """Changes with the records, their join checks, the rules, the code of this package or the as-of date."""
    digest = hashlib.sha256(f"{settings.as_of} {settings.timezone}".encode())
    for file in sorted(Path(__file__).parent.iterdir()):
        if file.suffix in (".py", ".sql", ".yml"):
            digest.update(file.read_bytes())
    for schema, prefix in (("input", ""), ("quality", "check__")):
        for entity in catalogue.entities:
            if columns := columns_of(con, schema, prefix + entity):
                relation = f"{schema}.{prefix}{entity}"
                digest.update(f"{relation} {columns} {store.content_hash(con, relation)}".encode())
    return digest.hexdigest()


def _result(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> GateResult:
    """Read back what the tables say; the same whether this run wrote them or an earlier one."""
    totals = {
        rule_id: (checked, failed)
        for rule_id, checked, failed in con.execute(
            "select rule_id, sum(checked)::bigint, sum(failed)::bigint from quality.rule_results group by 1"
        ).fetchall()
    }
    rules = [
        RuleResult(rule.rule_id, rule.severity, *totals.get(rule.rule_id, (0, 0))) for rule in catalogue.rules
    ]
    checked = [entity for entity in catalogue.entities if catalogue.of(entity)]
    rows = {entity: _count(con, f"select count(*) from input.{entity}") for entity in checked}
    set_aside = dict.fromkeys(checked, 0) | _counts(con, _SET_ASIDE)
    flagged = dict.fromkeys(checked, 0) | _counts(con, _FLAGGED)
    stops = [_stop(catalogue, entity, rules, rows[entity], set_aside[entity]) for entity in checked]
    messages = [message for message in stops if message]
    fine = t("Gate 1 passed: {rows} records checked, {aside} set aside, {flagged} flagged.",
             rows=f"{sum(rows.values()):,}", aside=f"{sum(set_aside.values()):,}",
             flagged=f"{sum(flagged.values()):,}")  # fmt: skip
    return GateResult(not messages, rules, set_aside, flagged, "\n".join(messages) or fine, rows)


def _stop(
    catalogue: Catalogue, entity: str, rules: list[RuleResult], rows: int, set_aside: int
) -> str | None:
    """Why the run must not go on because of `entity`, and what to do; None where it may."""
    share, limit = set_aside / max(rows, 1), catalogue.limit(entity)
    if share <= limit:
        return None
    own = [rule for rule in rules if rule.severity == "error" and rule.rule_id.startswith(f"{entity}.")]
    worst = max(own, key=lambda rule: rule.failed)
    return t(
        "Gate 1 stops the run: {aside} of {rows} {entity} are set aside ({share}; at most {limit} may be), "
        "{failed} of them by {rule}. `guike sql --working \"from quality.set_aside\"` shows them; mend them "
        "in their system or the staging model, and run again; if they are right, raise max_set_aside in "
        "quality/rules.yml.",
        aside=f"{set_aside:,}", rows=f"{rows:,}", entity=entity, share=f"{share:.1%}",
        limit=f"{limit:.1%}", failed=f"{worst.failed:,}", rule=worst.rule_id,
    )  # fmt: skip


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0


def _counts(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    return dict(con.execute(query).fetchall())
