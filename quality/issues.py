"""From row numbers to rows: what failed, what is set aside, what has been mended.

Comes in: the rows that failed which rule, entity by entity, while `gate_rows` holds that entity. Goes out:
`quality.record_issues`, `set_aside`, `resolved_issues`, `rule_results`, `rules`, the views `passed_<entity>`.
`collect` fills temporary tables only; `finish` writes, in the caller's transaction, so that a killed run
leaves the tables of the run before. No clock: an issue is seen when its record was loaded, so the same input
always gives the same tables.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.extract.specs import ENTITIES
from quality.catalogue import Catalogue, Rule
from quality.expectations import Outcome
from quality.frames import KEY, columns_of, condition_name

_KEYS = ", ".join(KEY)
_ISSUE_KEY = f"rule_id, {_KEYS}"

_TABLES = """
create table if not exists quality.record_issues (
    rule_id varchar, severity varchar, dimension varchar, system varchar, source_table varchar,
    source_id varchar, field varchar, message varchar, message_zh varchar, value_masked varchar,
    staff varchar, first_seen_at timestamp, last_seen_at timestamp, entity varchar, run_id varchar,
    rules_version varchar);
create table if not exists quality.resolved_issues (
    rule_id varchar, severity varchar, dimension varchar, system varchar, source_table varchar,
    source_id varchar, field varchar, message varchar, message_zh varchar, value_masked varchar,
    staff varchar, first_seen_at timestamp, last_seen_at timestamp, entity varchar, run_id varchar,
    rules_version varchar,
    resolved_at timestamp, resolution varchar);
create table if not exists quality.set_aside (
    entity varchar, system varchar, source_table varchar, source_id varchar, rule_ids varchar, record varchar,
    set_aside_at timestamp);
create table if not exists quality.rule_results (
    run_id varchar, rule_id varchar, entity varchar, system varchar, severity varchar, dimension varchar,
    checked bigint, failed bigint, rules_version varchar);
create or replace temp table gate_issues (
    rule_id varchar, system varchar, source_table varchar, source_id varchar, value_masked varchar,
    staff varchar, loaded_at timestamp);
create or replace temp table gate_set_aside (
    entity varchar, system varchar, source_table varchar, source_id varchar, rule_ids varchar, record varchar,
    loaded_at timestamp);
create or replace temp table gate_checked (rule_id varchar, entity varchar, system varchar, checked bigint);
create or replace temp table gate_resolved as
    select *, cast(null as timestamp) as resolved_at, cast(null as varchar) as resolution
    from quality.record_issues limit 0;
"""


def begin(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    """Create what isn't there yet, and empty the temporary tables that `collect` fills."""
    con.execute(_TABLES)
    rows = [
        {
            "rule_id": rule.rule_id, "entity": rule.entity, "field": rule.field, "severity": rule.severity,
            "dimension": rule.dimension, "title_en": rule.title.en, "title_zh": rule.title.zh,
            "meaning_en": rule.meaning.en, "meaning_zh": rule.meaning.zh,
            "protects": ", ".join(rule.protects), "rules_version": catalogue.rules_version,
        }
        for rule in catalogue.rules
    ]  # fmt: skip
    table = pa.Table.from_pylist(rows)
    _create_from(con, "create or replace temp table gate_rules as from arrow_rows", table)


def collect(
    con: duckdb.DuckDBPyConnection, rules: tuple[Rule, ...], entity: str, outcomes: Mapping[str, Outcome]
) -> None:
    """Turn the failing row numbers of `entity` into issues, records set aside, and issues resolved."""
    failing = pa.table({
        "rule_number": np.concatenate(
            [np.full(len(outcomes[rule.rule_id].failing), n, np.int32) for n, rule in enumerate(rules)]
        ),
        "row_number": np.concatenate([outcomes[rule.rule_id].failing for rule in rules]),
    })  # fmt: skip
    ids = ", ".join(f"'{rule.rule_id}'" for rule in rules)
    values = " ".join(
        f"when {n} then mask_{rule.mask}(cast(r.{rule.shown_column} as varchar))"
        for n, rule in enumerate(rules)
    )
    _create_from(
        con,
        f"insert into gate_issues "
        f"select [{ids}][f.rule_number + 1], r.system, r.source_table, r.source_id, "
        f"case f.rule_number {values} end, r.gate_staff, r.loaded_at "
        f"from arrow_rows as f inner join gate_rows as r using (row_number)",
        failing,
    )
    _collect_checked(con, rules, entity)
    _collect_set_aside(con, entity)
    _collect_resolved(con, entity)


def finish(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, run_id: str) -> None:
    """Write the tables from what was collected; earlier issues keep when and by which run they were found."""
    con.execute("create or replace table quality.rules as from gate_rules")
    con.execute(
        f"insert into quality.resolved_issues "
        f"select * exclude (run_id, rules_version, resolved_at, resolution), $run, rules_version, "
        f"coalesce(resolved_at, last_seen_at), resolution from gate_resolved order by {_ISSUE_KEY}",
        {"run": run_id},
    )
    version = {"version": catalogue.rules_version}
    con.execute(
        f"""create or replace table quality.record_issues as
        select
            rule_id, r.severity, r.dimension, system, source_table, source_id, r.field,
            r.meaning_en as message, r.meaning_zh as message_zh, n.value_masked, n.staff,
            coalesce(o.first_seen_at, n.loaded_at) as first_seen_at, n.loaded_at as last_seen_at,
            r.entity, coalesce(o.run_id, $run) as run_id, $version as rules_version
        from gate_issues as n
        inner join gate_rules as r using (rule_id)
        left join quality.record_issues as o using ({_ISSUE_KEY})
        order by {_ISSUE_KEY}""",
        version | {"run": run_id},
    )
    con.execute(
        f"""create or replace table quality.set_aside as
        select
            entity, system, source_table, source_id, n.rule_ids, n.record,
            coalesce(o.set_aside_at, n.loaded_at) as set_aside_at
        from gate_set_aside as n left join quality.set_aside as o using (entity, {_KEYS})
        order by entity, {_KEYS}"""
    )
    con.execute(
        """create or replace table quality.rule_results as
        select
            $run as run_id, rule_id, c.entity, system, r.severity, r.dimension, c.checked,
            coalesce(f.failed, 0) as failed, $version as rules_version
        from gate_checked as c
        inner join gate_rules as r using (rule_id)
        left join (select rule_id, system, count(*) as failed from gate_issues group by all) as f
            using (rule_id, system)
        order by rule_id, system""",
        version | {"run": run_id},
    )


def create_passed_views(con: duckdb.DuckDBPyConnection) -> None:
    """`quality.passed_<entity>` for every entity of the input contract: its rows without those set aside."""
    for entity in ENTITIES:
        if columns_of(con, "input", entity):
            con.execute(
                f"create or replace view quality.passed_{entity} as "
                f"select i.* from input.{entity} as i anti join "
                f"(select {_KEYS} from quality.set_aside where entity = '{entity}') as s using ({_KEYS})"
            )


def _collect_checked(con: duckdb.DuckDBPyConnection, rules: tuple[Rule, ...], entity: str) -> None:
    """How many values of each system each rule looked at, as Great Expectations counts them."""
    counts = []
    for rule in rules:
        tests = [condition_name(rules, rule)] if rule.where else []
        if not rule.is_about_missing:
            tests.append(f"{rule.expected.column} is not null")
        counts.append(f"count(*) filter (where {' and '.join(str(test) for test in tests) or 'true'})")
    ids = ", ".join(f"'{rule.rule_id}'" for rule in rules)
    con.execute(
        f"insert into gate_checked select unnest([{ids}]), '{entity}', system, unnest([{', '.join(counts)}]) "
        f"from gate_rows group by system"
    )


def _collect_set_aside(con: duckdb.DuckDBPyConnection, entity: str) -> None:
    con.execute(
        f"""insert into gate_set_aside
        select '{entity}', i.system, i.source_table, i.source_id, failed.rule_ids, to_json(i), i.loaded_at
        from (
            select {_KEYS}, string_agg(rule_id, ', ' order by rule_id) as rule_ids
            from gate_issues inner join gate_rules using (rule_id)
            where entity = '{entity}' and severity = 'error' group by {_KEYS}
        ) as failed
        inner join input.{entity} as i
            on i.source_id = failed.source_id
            and i.system = failed.system and i.source_table = failed.source_table"""
    )


def _collect_resolved(con: duckdb.DuckDBPyConnection, entity: str) -> None:
    """Issues of the run before that no longer fail; resolved by the newest load of their system."""
    con.execute(
        f"""insert into gate_resolved
        select o.*, loads.newest, case
            when o.rule_id not in (select rule_id from gate_rules) then 'rule withdrawn'
            when r.source_id is null then 'record gone'
            else 'mended'
        end
        from (select * from quality.record_issues where entity = '{entity}') as o
        anti join gate_issues as n using ({_ISSUE_KEY})
        left join gate_rows as r using ({_KEYS})
        left join (select system, max(loaded_at) as newest from gate_rows group by system) as loads
            using (system)"""
    )


def _create_from(con: duckdb.DuckDBPyConnection, statement: str, rows: pa.Table) -> None:
    """Run a statement that reads `arrow_rows`."""
    con.register("arrow_rows", rows)
    try:
        con.execute(statement)
    finally:
        con.unregister("arrow_rows")
