"""From row numbers to rows: what failed, what is set aside, what is waived, what has been mended.

Comes in: the rows that failed which rule of one gate, entity by entity, while `gate_rows` holds that entity.
Goes out: `quality.record_issues`, `waived_issues`, `resolved_issues`, `rule_results`, `check_counts`,
`rules`, and at gate 1 `set_aside` and the views `passed_<entity>`. Either gate writes only its own rules'
rows. `collect` fills temporary tables only; `finish` writes, in the caller's transaction, so that a killed
run leaves the tables of the run before. No clock: an issue is seen when its record was loaded, so the same
input always gives the same tables.

The life of an issue: `first_seen_at` is the first time ever; once its record is mended or gone it stands in
`resolved_issues`, and if it fails again, `returned_at` says since when and `returns` how often that happened.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.extract.specs import ENTITIES
from quality.catalogue import Catalogue
from quality.expectations import Outcome
from quality.frames import KEY, columns_of, condition_name
from quality.rule import Gate, Rule

_KEYS = ", ".join(KEY)
_ISSUE_KEY = f"rule_id, {_KEYS}"

_ISSUE = """
    rule_id varchar, severity varchar, dimension varchar, system varchar, source_table varchar,
    source_id varchar, field varchar, message varchar, message_zh varchar, value_masked varchar,
    staff varchar, first_seen_at timestamp, last_seen_at timestamp, entity varchar, run_id varchar,
    rules_version varchar"""
# Columns that a warehouse from before there were waivers doesn't have yet.
_LATER = (
    ("remedy", "varchar"), ("remedy_zh", "varchar"), ("department", "varchar"), ("returned_at", "timestamp"),
    ("returns", "integer"),
)  # fmt: skip
_LIFE = ", ".join(f"{name} {kind}" for name, kind in _LATER)
_WAIVER = "waiver_id varchar, reason varchar, waived_by varchar, waived_until date"
_FOUND = f"""
    rule_id varchar, {", ".join(f"{name} varchar" for name in KEY)}, value_masked varchar, staff varchar,
    month date, loaded_at timestamp"""

_TABLES = f"""
create table if not exists quality.record_issues ({_ISSUE}, {_LIFE});
create table if not exists quality.waived_issues ({_ISSUE}, {_LIFE}, {_WAIVER});
create table if not exists quality.resolved_issues (
    {_ISSUE}, resolved_at timestamp, resolution varchar, {_LIFE});
create table if not exists quality.set_aside (
    entity varchar, system varchar, source_table varchar, source_id varchar, rule_ids varchar, record varchar,
    set_aside_at timestamp, hangs_on varchar);
create table if not exists quality.rule_results (
    run_id varchar, rule_id varchar, entity varchar, system varchar, severity varchar, dimension varchar,
    checked bigint, failed bigint, rules_version varchar);
create table if not exists quality.check_counts (
    rule_id varchar, entity varchar, dimension varchar, severity varchar, system varchar, staff varchar,
    month date, checked bigint, failed bigint);
create or replace temp table gate_issues ({_FOUND});
create or replace temp table gate_waived ({_FOUND}, {_WAIVER});
create or replace temp table gate_set_aside (
    entity varchar, system varchar, source_table varchar, source_id varchar, rule_ids varchar, record varchar,
    loaded_at timestamp, hangs_on varchar);
create or replace temp table gate_checked (
    rule_id varchar, entity varchar, system varchar, staff varchar, month date, checked bigint);
"""


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Create what isn't there yet, and add the columns that an older warehouse lacks."""
    con.execute(_TABLES)
    for table in ("record_issues", "resolved_issues"):
        for name, kind in _LATER:
            con.execute(f"alter table quality.{table} add column if not exists {name} {kind}")
    con.execute("alter table quality.set_aside add column if not exists hangs_on varchar")


def begin(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    """Make the tables ready, and empty the temporary ones that `collect` fills."""
    create_tables(con)
    rows = [
        {
            "rule_id": rule.rule_id, "entity": rule.entity, "field": rule.field, "severity": rule.severity,
            "dimension": rule.dimension, "title_en": rule.title.en, "title_zh": rule.title.zh,
            "meaning_en": rule.meaning.en, "meaning_zh": rule.meaning.zh,
            "protects": ", ".join(rule.protects), "rules_version": catalogue.rules_version,
            "remedy_en": rule.remedy.en, "remedy_zh": rule.remedy.zh, "gate": rule.gate,
            "max_failed": rule.max_failed,
        }
        for rule in catalogue.rules
    ]  # fmt: skip
    schema = pa.schema([
        (name, pa.int64() if name == "gate" else pa.float64() if name == "max_failed" else pa.string())
        for name in rows[0]
    ])  # fmt: skip
    table = pa.Table.from_pylist(rows, schema=schema)
    _create_from(con, "create or replace temp table gate_rules as from arrow_rows", table)


def collect(
    con: duckdb.DuckDBPyConnection, rules: tuple[Rule, ...], entity: str, outcomes: Mapping[str, Outcome]
) -> None:
    """Turn the failing row numbers of `entity` into issues, waived or not, and records set aside."""
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
        f"case f.rule_number {values} end, r.gate_staff, r.gate_month, r.loaded_at "
        f"from arrow_rows as f inner join gate_rows as r using (row_number)",
        failing,
    )
    _waive(con)
    _collect_checked(con, rules, entity)
    _collect_set_aside(con, entity)


def finish(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, gate: Gate, run_id: str) -> None:
    """Write the tables from what was collected; issues seen before keep when and by which run that was."""
    con.execute("create or replace table quality.rules as from gate_rules")
    own = _own(gate)
    _remember(con)
    _write_resolved(con, own, run_id)
    life = _life(catalogue, run_id)
    _replace(con, "record_issues", own, f"select {life[0]} from gate_issues as n {life[1]}")
    waiver = "n.waiver_id, n.reason, n.waived_by, n.waived_until"
    _replace(con, "waived_issues", own, f"select {life[0]}, {waiver} from gate_waived as n {life[1]}")
    if gate == 1:
        con.execute(
            f"""create or replace table quality.set_aside as
            select
                entity, system, source_table, source_id, n.rule_ids, n.record,
                coalesce(o.set_aside_at, n.loaded_at) as set_aside_at, n.hangs_on
            from gate_set_aside as n left join quality.set_aside as o using (entity, {_KEYS})
            order by entity, {_KEYS}"""
        )
    _replace(
        con, "check_counts", own,
        """select c.rule_id, r.entity, r.dimension, r.severity, c.system, c.staff, c.month,
            sum(c.checked)::bigint as checked, sum(c.failed)::bigint as failed
        from (
            select rule_id, system, staff, month, checked, 0 as failed from gate_checked
            union all select rule_id, system, staff, month, 0, 1 from gate_issues) as c
        inner join gate_rules as r using (rule_id)
        group by all having sum(c.checked) > 0 order by all""",
    )  # fmt: skip
    _replace(
        con, "rule_results", own,
        f"""select '{run_id}' as run_id, rule_id, c.entity, c.system, r.severity, r.dimension, c.checked,
            coalesce(f.failed, 0) as failed, r.rules_version
        from (
            select rule_id, entity, system, sum(checked)::bigint as checked from gate_checked group by all
        ) as c
        inner join gate_rules as r using (rule_id)
        left join (select rule_id, system, count(*) as failed from gate_issues group by all) as f
            using (rule_id, system)
        order by rule_id, system""",
    )  # fmt: skip


def create_passed_views(con: duckdb.DuckDBPyConnection) -> None:
    """`quality.passed_<entity>` for every entity of the input contract: its rows without those set aside."""
    for entity in ENTITIES:
        if columns_of(con, "input", entity):
            con.execute(
                f"create or replace view quality.passed_{entity} as "
                f"select i.* from input.{entity} as i anti join "
                f"(select {_KEYS} from quality.set_aside where entity = '{entity}') as s using ({_KEYS})"
            )


def _own(gate: Gate) -> str:
    """Whose rows a gate writes: its rules', and gate 1 also those of rules that there are no more."""
    if gate == 2:
        return "rule_id in (select rule_id from gate_rules where gate = 2)"
    return "rule_id not in (select rule_id from gate_rules where gate = 2)"


def _replace(con: duckdb.DuckDBPyConnection, table: str, own: str, query: str) -> None:
    """Put what `query` gives in the place of a gate's own rows; `query` may still read those."""
    con.execute(f"create or replace temp table gate_fresh as {query}")
    con.execute(f"delete from quality.{table} where {own}")
    con.execute(f"insert into quality.{table} by name from gate_fresh")
    con.execute("drop table gate_fresh")


def _life(catalogue: Catalogue, run_id: str) -> tuple[str, str]:
    """SQL of the columns of an issue `n`, and of the joins that they need."""
    columns = f"""
        rule_id, r.severity, r.dimension, system, source_table, source_id, r.field,
        r.meaning_en as message, r.meaning_zh as message_zh, n.value_masked, n.staff,
        coalesce(o.first_seen_at, b.first_seen_at, n.loaded_at) as first_seen_at,
        n.loaded_at as last_seen_at, r.entity, coalesce(o.run_id, '{run_id}') as run_id,
        '{catalogue.rules_version}' as rules_version, r.remedy_en as remedy, r.remedy_zh, d.department,
        case when o.rule_id is not null then o.returned_at when b.rule_id is not null then n.loaded_at end
            as returned_at,
        coalesce(o.returns, b.returns, 0)::integer as returns"""
    joins = f"""
        inner join gate_rules as r using (rule_id)
        left join gate_before as o using ({_ISSUE_KEY})
        left join gate_back as b using ({_ISSUE_KEY})
        left join gate_departments as d on d.staff_name = trim(n.staff)
        order by {_ISSUE_KEY}"""
    return columns, joins


def _remember(con: duckdb.DuckDBPyConnection) -> None:
    """TEMP `gate_before`, issues that stood or were waived, and `gate_back`, those that once were mended."""
    con.execute(
        f"""create or replace temp table gate_before as
        select {_ISSUE_KEY}, first_seen_at, run_id, returned_at, coalesce(returns, 0) as returns
        from quality.record_issues
        union all
        select {_ISSUE_KEY}, first_seen_at, run_id, returned_at, returns from quality.waived_issues"""
    )
    con.execute(
        f"""create or replace temp table gate_back as
        select {_ISSUE_KEY}, min(first_seen_at) as first_seen_at, count(*) as returns
        from quality.resolved_issues where resolution in ('mended', 'record gone') group by all"""
    )


def _write_resolved(con: duckdb.DuckDBPyConnection, own: str, run_id: str) -> None:
    """Issues of the run before that no longer stand; resolved by the newest load of their system."""
    _collect_departments(con)
    con.execute(
        f"create or replace temp table gate_gone as select o.* from quality.record_issues as o "
        f"anti join gate_issues using ({_ISSUE_KEY}) where {own}"
    )
    entities = con.execute("select distinct entity from gate_gone order by entity").fetchall()
    for (entity,) in entities:
        con.execute(
            f"""insert into quality.resolved_issues by name
            select o.* exclude (run_id), '{run_id}' as run_id,
                coalesce(loads.newest, o.last_seen_at) as resolved_at,
                case
                    when o.rule_id not in (select rule_id from gate_rules) then 'rule withdrawn'
                    when w.rule_id is not null then 'waived'
                    when i.source_id is null then 'record gone'
                    else 'mended'
                end as resolution
            from (select * from gate_gone where entity = '{entity}') as o
            left join (select {_ISSUE_KEY} from gate_waived) as w using ({_ISSUE_KEY})
            left join (select {_KEYS} from input.{entity}) as i using ({_KEYS})
            left join (select system, max(loaded_at) as newest from input.{entity} group by system) as loads
                using (system)
            order by {_ISSUE_KEY}"""
        )
    con.execute("drop table gate_gone")


def _collect_departments(con: duckdb.DuckDBPyConnection) -> None:
    """The department of each employee's name; not of a name that several departments have."""
    known = columns_of(con, "input", "staff")
    source = "input.staff" if known else "(select null::varchar as staff_name, null::varchar as department)"
    con.execute(
        f"create or replace temp table gate_departments as "
        f"select trim(staff_name) as staff_name, min(department) as department from {source} "
        f"where department is not null group by 1 having count(distinct department) = 1"
    )


def _waive(con: duckdb.DuckDBPyConnection) -> None:
    """Move what a waiver is about out of the issues; of several, the narrowest that lasts longest counts."""
    con.execute(
        f"""insert into gate_waived
        select n.*, w.waiver_id, w.reason, w.waived_by, w.waived_until
        from gate_issues as n inner join waivers as w
            on n.rule_id = w.rule_id and coalesce(w.system = n.system, true)
            and coalesce(w.source_table = n.source_table and w.source_id = n.source_id, true)
        qualify row_number() over (
            partition by {", ".join(f"n.{name}" for name in ("rule_id", *KEY))}
            order by w.source_id nulls last, w.system nulls last, w.waived_until desc, w.waiver_id) = 1"""
    )
    con.execute(f"delete from gate_issues where ({_ISSUE_KEY}) in (select ({_ISSUE_KEY}) from gate_waived)")


def _collect_checked(con: duckdb.DuckDBPyConnection, rules: tuple[Rule, ...], entity: str) -> None:
    """How many values each rule looked at, as Great Expectations counts, by system, employee and month."""
    counts = []
    for rule in rules:
        tests = [condition_name(rules, rule)] if rule.where else []
        if not rule.is_about_missing:
            tests.append(f"{rule.expected.column} is not null")
        counts.append(f"count(*) filter (where {' and '.join(str(test) for test in tests) or 'true'})")
    ids = ", ".join(f"'{rule.rule_id}'" for rule in rules)
    con.execute(
        f"insert into gate_checked "
        f"select unnest([{ids}]), '{entity}', system, gate_staff, gate_month, unnest([{', '.join(counts)}]) "
        f"from gate_rows group by system, gate_staff, gate_month"
    )


def _collect_set_aside(con: duckdb.DuckDBPyConnection, entity: str) -> None:
    con.execute(
        f"""insert into gate_set_aside
        select '{entity}', i.system, i.source_table, i.source_id, failed.rule_ids, to_json(i), i.loaded_at,
            null
        from (
            select {_KEYS}, string_agg(rule_id, ', ' order by rule_id) as rule_ids
            from gate_issues inner join gate_rules using (rule_id)
            where entity = '{entity}' and severity = 'error' group by {_KEYS}
        ) as failed
        inner join input.{entity} as i
            on i.source_id = failed.source_id
            and i.system = failed.system and i.source_table = failed.source_table"""
    )


def _create_from(con: duckdb.DuckDBPyConnection, statement: str, rows: pa.Table) -> None:
    """Run a statement that reads `arrow_rows`."""
    con.register("arrow_rows", rows)
    try:
        con.execute(statement)
    finally:
        con.unregister("arrow_rows")
