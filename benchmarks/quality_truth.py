"""The demo's truth beside the warehouse it was run into: TEMP tables for `quality_agreement.py`.

Comes in: a demo home after a run, with the truth beside it. Goes out, in a connection of its own: `defects`
(defect, field), `truth` (true_customer, group_customer) and `cheats` (staff who invent) in the warehouse's
keys; `masters`, `marks`, `people`, `touches` and `true_rhythms`, out of which the SQL in
`quality_defects.yml` says what can be seen and what is true.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

# Rows without a key of their own are counted by the truth, WeChat's keys are hashed, a custom value is its
# customer's: what the truth calls a row, and what the input layer calls it.
_KEYS = """
create temp table keys as
    select 'ledger' as system, 'projects' as source_table, _row_number::varchar as named,
        _row_id as source_id, 'projects' as in_table
    from raw_ledger.projects
    union all select 'ledger', 'receipts', _row_number::varchar, _row_id, 'receipts' from raw_ledger.receipts
    union all
    select 'ledger', 'receivables', _row_number::varchar, _row_id, 'receivables' from raw_ledger.receivables
    union all
    select 'ledger', 'service_costs', _row_number::varchar, _row_id, 'service_costs'
    from raw_ledger.service_costs
    union all select 'platform', 'logins', _row_number::varchar, concat(account_id, ' ', day), 'logins'
    from raw_platform.logins
    union all select 'wechat', 'contacts', wechat_id, md5(wechat_id), 'contacts' from raw_wechat.contacts
    union all
    select 'crm', 'wk_crm_customer_data', value.id::varchar, customer.customer_id::varchar, 'wk_crm_customer'
    from raw_crm.wk_crm_customer_data as value inner join raw_crm.wk_crm_customer as customer using (batch_id)
"""
_IN_KEYS = """
create temp table {name} as
    select said.* exclude (source_table, source_id),
        coalesce(keys.in_table, said.source_table) as source_table,
        coalesce(keys.source_id, said.source_id) as source_id
    from read_parquet('{file}') as said left join keys
        on said.system = keys.system and said.source_table = keys.source_table and said.source_id = keys.named
"""
_MASTERS = """
create temp table masters as
    select system, source_table, source_id, truth.true_customer, truth.group_customer, owners.customer_id,
        records.party_type, name_normalised, mobile_normalised, phone_normalised, email_normalised, city,
        address_normalised, listed.owner_name, listed.contact_name,
        coalesce(listed.is_deleted, false) as is_deleted, listed.created_at, listed.updated_at
    from input.customers as listed
    inner join identity.records as records using (system, source_table, source_id)
    inner join identity.customer_xref as owners using (system, source_table, source_id)
    inner join truth using (system, source_table, source_id);

create temp table marks as
    select system, source_table, source_id, true_customer, is_deleted, unnest([
        mobile_normalised, phone_normalised, email_normalised,
        case when regexp_matches(address_normalised, '[0-9]') then address_normalised end
    ]) as mark
    from masters;
delete from marks where mark is null;

create temp table people as
    select * from (
        select masters.customer_id, masters.true_customer, masters.system, masters.contact_name as person
        from masters
        union all
        select customer_id, true_customer, system, name_normalised from masters where party_type = 'person'
        union all
        select owners.customer_id, truth.true_customer, named.system, named.contact_name
        from input.contacts as named
        inner join identity.customer_xref as owners using (system, source_table, source_id)
        inner join truth using (system, source_table, source_id)
    )
    where regexp_full_match(person, '[一-鿿]{2,4}')
        and not regexp_full_match(person, '.{1,2}(总|经理|小姐|先生|女士)');
"""
_DAYS = {
    "orders": "ordered_at", "payments": "paid_at", "interactions": "occurred_at", "tickets": "opened_at",
    "contracts": "signed_on", "quotes": "quoted_at", "surveys": "surveyed_at", "usage": "used_on",
}  # fmt: skip
_RHYTHMS = """
create temp table touches as {days};
create temp table true_rhythms as
    with touched as (select distinct true_customer, happened_on from touches
        where happened_on is not null and happened_on <= date '{as_of}'),
    gaps as (
        select true_customer, happened_on,
            happened_on - lag(happened_on) over (partition by true_customer order by happened_on) as gap
        from touched),
    rhythms as (
        select true_customer, count(*) as contact_days, max(happened_on) as last_on,
            median(gap) as usual_gap_days
        from gaps group by 1),
    edited as (
        select true_customer, max({local}) filter (created_at <= date '{as_of}') as created_on,
            max({changed}) filter (updated_at <= date '{as_of}') as updated_on
        from masters group by 1)
    select true_customer, coalesce(contact_days, 0) as contact_days, usual_gap_days,
        date '{as_of}' - last_on as silent_days,
        date '{as_of}' - greatest(last_on, created_on, updated_on) as untouched_days
    from edited left join rhythms using (true_customer)
"""
_ZONE = "at time zone 'UTC' at time zone 'Asia/Shanghai')::date"


def _day(moment: str) -> str:
    """SQL of the day in the company's zone; columns that end in _on are days already."""
    return moment if moment.endswith("_on") else f"({moment} {_ZONE}"


def open_with_truth(home: Path, as_of: date) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the home's warehouse, with the TEMP tables made."""
    con = duckdb.connect(str(home / "guike.duckdb"), read_only=True)
    con.execute(_KEYS)
    for name, file in (("defects", "defects"), ("truth", "entity_records")):
        con.execute(_IN_KEYS.format(name=name, file=home / "demo" / "truth" / f"{file}.parquet"))
    con.execute(
        "create temp table cheats as select 'crm' as system, staff.source_table, staff.source_id "
        "from input.staff as staff inner join read_parquet(?) as said on staff.source_id = said.crm_user_id "
        "where staff.system = 'crm' and said.is_cheat",
        [str(home / "demo" / "truth" / "cheats.parquet")],
    )
    con.execute(_MASTERS)
    parts = [
        f"select system, source_table, source_id, truth.true_customer, {_day(moment)} as happened_on "
        f"from quality.passed_{entity} inner join truth using (system, source_table, source_id)"
        for entity, moment in _DAYS.items()
    ]
    con.execute(_RHYTHMS.format(days=" union all ".join(parts), as_of=as_of, local=f"(created_at {_ZONE}",
                                changed=f"(updated_at {_ZONE}"))  # fmt: skip
    return con
