"""Gate 1: every record is checked; errors are set aside, warnings flagged, nothing is deleted.

Comes in: `input.*`, dbt's `quality.check__*` and the catalogue. Goes out: the tables of `quality.issues`, the
views `quality.passed_<entity>` that everything downstream reads, and a `GateResult`. If too many records of
one entity are set aside, or fail one rule, the gate doesn't pass; its tables are written all the same, so
that one can look.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.extract.specs import ENTITIES
from pipelines.i18n import t
from pipelines.settings import Settings
from quality import issues, waivers
from quality.catalogue import Catalogue, load_catalogue
from quality.evaluate import evaluate_gate
from quality.frames import columns_of, prepare
from quality.verdict import RuleResult, rule_results, stops
from warehouse import store

STAGE = "gate_1"
_SET_ASIDE = "select entity, count(*) from quality.set_aside group by entity"
_FLAGGED = """
    select entity, count(distinct (system, source_table, source_id)) from quality.record_issues
    anti join quality.set_aside using (entity, system, source_table, source_id)
    where severity = 'warn' and rule_id not in (select rule_id from quality.rules where gate = 2)
    group by entity"""
_REASONS = """
    select entity, reason, count(*) as records
    from (select entity, unnest(string_split(rule_ids, ', ')) as reason from quality.set_aside)
    group by entity, reason
    qualify row_number() over (partition by entity order by records desc, reason) = 1"""
_log = logging.getLogger("guike.quality")


@dataclass(frozen=True)
class GateResult:
    """What gate 1 found.

    Attributes:
        passed: False if more was set aside, or failed a rule, than the catalogue allows.
        rules: every rule of this gate, in the catalogue's order.
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
            evaluate_gate(con, catalogue, 1)
        con.begin()
        if not is_unchanged:
            issues.finish(con, catalogue, 1, run_id)
            store.set_stage_fingerprint(con, STAGE, fingerprint, run_id)
        issues.create_passed_views(con)
        con.commit()
        return _result(con, catalogue)


def _fingerprint(con: duckdb.DuckDBPyConnection, settings: Settings, catalogue: Catalogue) -> str:
    """Changes with the records, their checks, the rules, waivers, this package's code or the as-of date."""
    about = f"{settings.as_of} {settings.timezone} {waivers.fingerprint(settings)}"
    digest = hashlib.sha256(about.encode())
    for file in sorted(Path(__file__).parent.rglob("*")):
        if file.suffix in (".py", ".sql", ".yml"):
            digest.update(file.read_bytes())
    for schema, prefix in (("input", ""), ("quality", "check__")):
        for entity in ENTITIES:
            if columns := columns_of(con, schema, prefix + entity):
                relation = f"{schema}.{prefix}{entity}"
                digest.update(f"{relation} {columns} {store.content_hash(con, relation)}".encode())
    return digest.hexdigest()


def _result(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> GateResult:
    """Read back what the tables say; the same whether this run wrote them or an earlier one."""
    rules = rule_results(con, catalogue, 1)
    checked = catalogue.checked_at(1)
    rows = counted_rows(con, catalogue)
    set_aside = dict.fromkeys(rows, 0) | _counts(con, _SET_ASIDE)
    flagged = dict.fromkeys(rows, 0) | _counts(con, _FLAGGED)
    messages = stops(catalogue, 1, rules, rows, set_aside, reasons_set_aside(con))
    fine = t("Gate 1 passed: {rows} records checked, {aside} set aside, {flagged} flagged.",
             rows=f"{sum(rows[entity] for entity in checked):,}", aside=f"{sum(set_aside.values()):,}",
             flagged=f"{sum(flagged.values()):,}")  # fmt: skip
    return GateResult(not messages, rules, set_aside, flagged, "\n".join(messages) or fine, rows)


def gate_stops(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> list[str]:
    """Why a run can't pass this gate, by what its tables say and the catalogue allows now."""
    rows = counted_rows(con, catalogue)
    set_aside = dict.fromkeys(rows, 0) | _counts(con, _SET_ASIDE)
    return stops(catalogue, 1, rule_results(con, catalogue, 1), rows, set_aside, reasons_set_aside(con))


def reasons_set_aside(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, int]]:
    """Entity -> the most frequent reason for which its records are set aside, and how many those are."""
    return {entity: (reason, count) for entity, reason, count in con.execute(_REASONS).fetchall()}


def counted_rows(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> dict[str, int]:
    """Entity -> records that came in, of all from which gate 1 may set some aside."""
    entities = dict.fromkeys([*catalogue.checked_at(1), *(entity for entity, _ in catalogue.links)])
    return {
        entity: _count(con, f"select count(*) from input.{entity}")
        for entity in entities
        if columns_of(con, "input", entity)
    }


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0


def _counts(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    return dict(con.execute(query).fetchall())
