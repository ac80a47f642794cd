"""What each owner has to mend, with the best that the other systems know.

Comes in: `quality.record_issues` (errors and warnings; what is waived stands elsewhere), the records
themselves in `input`, the identity cross-reference and what the core knows of each customer's attributes.
Goes out: the temporary table `fix_rows`, one row per issue, by owner. The owner of a customer's or contact's
issue is who looks after the customer, of another's who made the record; each where the other is unknown, else
nobody: those are the system's steward's. Who has left mends nothing any more and is passed over. Also the
steward's are those about an employee's own record: nobody mends that himself, and a suspicion is for others
to look into.

A value known elsewhere is proposed where it differs from the record's own, is usable, and isn't itself
flagged as wrong; of several, the one that the golden customer would take first. That two systems disagree
makes neither value wrong. And a rule may be about the record, for which its name only stands: then nothing is
proposed, and the name isn't wrong.
"""

from __future__ import annotations

import duckdb

from pipelines.settings import Settings
from quality.catalogue import Catalogue, load_catalogue
from quality.frames import CHECKS, KEY, columns_of, needed_helpers, prepare
from quality.rule import Gate, Rule

_KEYS = ", ".join(KEY)
_PLAIN = "cast({column} as varchar)"
_LOCAL = "strftime({column} at time zone 'UTC' at time zone getvariable('timezone'), '%Y-%m-%d %H:%M')"
_NAMES = ("customer_name", "staff_name")
# Field -> what the columns `<…>_other` and `<…>_from` of gate 2's checks call it, where not as the field.
_SUBJECTS = {
    "customer_name": ("name",), "contact_name": ("contact",), "mobile": ("phone",), "owner_name": ("owner",),
    "credit_code": ("code",), "amount_gross": ("amount", "price"),
}  # fmt: skip
_TWIN = "duplicate"
# Of an issue: its rule is about the record as a whole, not about the value of the field.
_ON_THE_RECORD = "(field = 'customer_name' and dimension in ('uniqueness', 'timeliness'))"
_VALUE_IS_WRONG = f"(dimension not in ('consistency', 'reconciliation') and not {_ON_THE_RECORD})"
COLUMNS = (
    "owner", "department", "severity", "system", "source_table", "source_id", "customer_name", "rule_id",
    "title_en", "title_zh", "message", "message_zh", "remedy", "remedy_zh", "field", "value", "best_value",
    "best_from", "first_seen_at", "returned_at",
)  # fmt: skip
"""Of `fix_rows`; `owner` is '' for nobody, `best_from` names systems, separated by ', '."""


def make_fix_rows(con: duckdb.DuckDBPyConnection, settings: Settings, *, masked: bool) -> None:
    """Write the temporary table `fix_rows`; `place` orders it by owner, what is set aside first, by record.

    Args:
        con: the working file; it may be open read-only.
        masked: whether values and names are as in the published issues.
    """
    catalogue = load_catalogue()
    prepare(con, settings, catalogue)
    _collect_issues(con)
    _collect_values(con, catalogue, masked)
    _collect_known(con)
    _collect_told(con, catalogue)
    name, best = (
        ("mask_name(c.customer_name)", _masked_best(catalogue)) if masked else ("c.customer_name", "b.value")
    )
    con.execute(
        f"""create or replace temp table fix_rows as
        select
            i.owner, i.department, i.severity, i.system, i.source_table, i.source_id,
            coalesce({name}, v.own_name) as customer_name, i.rule_id,
            r.title_en, r.title_zh, i.message, i.message_zh, i.remedy, i.remedy_zh, i.field, v.value,
            {best} as best_value, b.told_by as best_from, i.first_seen_at, i.returned_at,
            row_number() over (
                order by i.owner = '', i.owner, i.severity, i.system, i.source_table, length(i.source_id),
                    i.source_id, i.rule_id) as place
        from fix_issues as i
        left join quality.rules as r using (rule_id)
        left join fix_values as v using (issue)
        left join fix_customers as c using (customer_id)
        left join (
            from fix_known union all from fix_told anti join fix_known using (issue)) as b using (issue)"""
    )


def _collect_issues(con: duckdb.DuckDBPyConnection) -> None:
    """`fix_issues`: what is to be mended, with owner and customer; `fix_customers`: the golden names."""
    resolved = columns_of(con, "core", "dim_customers") and columns_of(con, "identity", "customer_xref")
    con.execute(
        "create or replace temp table fix_customers "
        "(customer_id varchar, customer_name varchar, owner_name varchar)"
    )
    xref = f"(select {_KEYS}, null::varchar as customer_id from quality.record_issues limit 0)"
    if resolved:
        con.execute(
            "insert into fix_customers "
            "select customer_id, customer_name, nullif(trim(owner_name), '') from core.dim_customers"
        )
        xref = f"(select {_KEYS}, customer_id from identity.customer_xref)"
    gone = "select null::varchar as staff_name limit 0"
    if columns_of(con, "quality", "int_leavers"):
        gone = "select distinct trim(staff_name) as staff_name from quality.int_leavers"
    con.execute(
        f"""create or replace temp table fix_issues as
        with leavers as ({gone}),
        issues as (
            select i.*, x.customer_id,
                case when i.entity <> 'staff' and leavers.staff_name is null
                    then nullif(trim(i.staff), '') end as collector
            from quality.record_issues as i
            left join {xref} as x using ({_KEYS})
            left join leavers on trim(i.staff) = leavers.staff_name
            where i.severity in ('error', 'warn')),
        caring as (from fix_customers anti join leavers on fix_customers.owner_name = leavers.staff_name)
        select
            row_number() over () as issue, i.* exclude (department, collector),
            case
                when i.entity = 'staff' then ''
                -- A customer handed over is the heir's to mend, whoever typed it.
                when i.entity in ('customers', 'contacts') then coalesce(c.owner_name, i.collector, '')
                else coalesce(i.collector, c.owner_name, '')
            end as owner,
            case when i.collector = owner then i.department end as department
        from issues as i left join caring as c using (customer_id)"""
    )


def _collect_values(con: duckdb.DuckDBPyConnection, catalogue: Catalogue, masked: bool) -> None:
    """`fix_values`: the failing value of each issue, and the name that the record itself gives."""
    con.execute("create or replace temp table fix_values (issue bigint, value varchar, own_name varchar)")
    found = con.execute(
        "select distinct entity, coalesce(gate, 1) from fix_issues "
        "left join quality.rules using (rule_id, entity) order by all"
    ).fetchall()
    for entity, gate in found:
        if columns_of(con, "input", entity):
            con.execute(f"insert into fix_values {_values_query(con, catalogue, entity, gate, masked)}")


def _values_query(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue, entity: str, gate: Gate, masked: bool
) -> str:
    """SQL of issue, value and name for the issues of one entity and gate."""
    plan, inputs = catalogue.plan(entity), columns_of(con, "input", entity)
    checks = columns_of(con, "quality", f"{CHECKS[gate]}{entity}")
    shown = {rule.rule_id: rule.shown_column for rule in catalogue.of(entity, gate)}
    helpers = needed_helpers(plan.helpers, [name for name in shown.values() if name in plan.helpers])
    extra = {name for name in shown.values() if name in checks and name not in (*inputs, *helpers)}
    selected = [
        "i.*",
        *(f"c.{name}" for name in sorted(extra)),
        *(f"{sql} as {name}" for name, sql in helpers.items()),
    ]
    join = f"left join quality.{CHECKS[gate]}{entity} as c using ({_KEYS})" if checks else ""
    moments = _moments(con, entity)
    cases = " ".join(
        f"when '{rule}' then {_LOCAL if column in moments else _PLAIN}".format(column=f"w.{column}")
        for rule, column in shown.items()
        if column in (*inputs, *helpers, *extra)
    )
    value = "f.value_masked" if masked or not cases else f"case f.rule_id {cases} else f.value_masked end"
    own_name = next(
        (f"cast(w.{name} as varchar)" for name in _NAMES if name in inputs), "cast(null as varchar)"
    )
    return f"""
        with failing as (
            select issue, rule_id, value_masked, {_KEYS}
            from fix_issues left join (select rule_id, gate from quality.rules) using (rule_id)
            where entity = '{entity}' and coalesce(gate, 1) = {gate}),
        records as (
            select {", ".join(selected)}
            from (select * from input.{entity} semi join failing using ({_KEYS})) as i {join})
        select f.issue, {value}, {f"mask_name({own_name})" if masked else own_name}
        from failing as f left join records as w using ({_KEYS})"""


def _moments(con: duckdb.DuckDBPyConnection, entity: str) -> set[str]:
    """The entity's columns that are moments in UTC; people type, and read, the company's own time."""
    rows = con.execute(
        "select column_name from information_schema.columns "
        "where table_schema = 'input' and table_name = ? and data_type like 'TIMESTAMP%'",
        [entity],
    ).fetchall()
    return {name for (name,) in rows}


def _collect_known(con: duckdb.DuckDBPyConnection) -> None:
    """`fix_known`: of a customer's attribute, the best value of another system that differs from it."""
    con.execute("create or replace temp table fix_known (issue bigint, value varchar, told_by varchar)")
    if not columns_of(con, "core", "int_attribute_candidates"):
        return
    con.execute(
        f"""insert into fix_known
        with wanted as (
            select issue, customer_id, field as attribute, {_KEYS}
            from fix_issues
            where entity = 'customers' and customer_id is not null and not {_ON_THE_RECORD}),
        said as (
            select customer_id, attribute, value_compared, is_usable, {_KEYS}
            from core.int_attribute_candidates semi join wanted using (customer_id, attribute)),
        bad as (
            select field as attribute, {_KEYS} from quality.record_issues
            where entity = 'customers' and severity in ('error', 'warn')
                and {_VALUE_IS_WRONG}),
        believed as (
            select customer_id, attribute, s.value_compared, l.value, l.value_rank
            from core.attribute_lineage as l inner join said as s using (customer_id, attribute, {_KEYS})
            qualify row_number() over (
                partition by customer_id, attribute, s.value_compared order by l.value_rank) = 1),
        own as (select customer_id, attribute, value_compared, {_KEYS} from said),
        others as (
            select w.issue, customer_id, attribute, s.value_compared,
                string_agg(distinct s.system, ', ' order by s.system) as told_by
            from wanted as w
            inner join (from said anti join bad using (attribute, {_KEYS}) where is_usable) as s
                using (customer_id, attribute)
            left join own as o
                on o.customer_id = w.customer_id and o.attribute = w.attribute and o.system = w.system
                and o.source_table = w.source_table and o.source_id = w.source_id
            where s.system <> w.system and s.value_compared is distinct from o.value_compared
            group by all)
        select issue, value, told_by
        from others inner join believed using (customer_id, attribute, value_compared)
        qualify row_number() over (partition by issue order by value_rank, value) = 1"""
    )


def _collect_told(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    """`fix_told`: what gate 2's own checks say that another system has, where they do."""
    con.execute("create or replace temp table fix_told (issue bigint, value varchar, told_by varchar)")
    for entity in catalogue.checked_at(2):
        relation = f"{CHECKS[2]}{entity}"
        known = columns_of(con, "quality", relation)
        for rule in catalogue.of(entity, 2):
            names = _subjects(rule)
            subject = next((name for name in names if f"{name}_other" in known), None)
            if subject:
                con.execute(f"insert into fix_told {_told_query(rule, relation, subject, known)}")


def _told_query(rule: Rule, relation: str, subject: str, known: list[str]) -> str:
    """SQL of issue, value and system for one rule; a value that is flagged as wrong there isn't proposed."""
    if subject == _TWIN:
        origin, is_fine = "i.system", "true"
    else:
        origin = f"cast(c.{subject}_from as varchar)" if f"{subject}_from" in known else "null"
        is_fine = f"""(i.customer_id, i.field, coalesce({origin}, '')) not in (
            select (customer_id, field, system) from fix_issues
            where customer_id is not null and {_VALUE_IS_WRONG})"""
    return f"""
        select i.issue, cast(c.{subject}_other as varchar), {origin}
        from fix_issues as i inner join quality.{relation} as c using ({_KEYS})
        where i.rule_id = '{rule.rule_id}' and c.{subject}_other is not null and {is_fine}"""


def _subjects(rule: Rule) -> tuple[str, ...]:
    """What gate 2's checks may call the rule's field; where a record stands there twice, its twin."""
    if rule.dimension == "uniqueness":
        return (_TWIN,) if rule.field == "customer_name" else ()
    return (rule.field, *_SUBJECTS.get(rule.field, ()))


def _masked_best(catalogue: Catalogue) -> str:
    """SQL that masks a proposed value as its rule masks the record's own; a record's number tells nothing."""
    masks = {rule.rule_id: "none" if _TWIN in _subjects(rule) else rule.mask for rule in catalogue.rules}
    cases = " ".join(f"when '{rule_id}' then mask_{mask}(b.value)" for rule_id, mask in masks.items())
    return f"case i.rule_id {cases} else '***' end"
