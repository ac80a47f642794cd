"""The demo company's truth beside what the identity stage decided.

Comes in: a demo home after `guike run` (warehouse and `demo/truth`). Goes out: the TEMP table `labelled`, one
row per source row that the truth names and gate 1 let through: its keys, `truth`, `cluster` (NULL: not
resolved), `is_record` (of a system's customer list; the others are mentions), `is_organisation` and `half`
by the truth, `is_branch` and `is_private` (see below), and `is_resolvable`.

Resolvable is a row with a value that could tell. Two things are asked of it, over all rows that the truth
names. It tells one customer: a name or code is of one true customer only, a number or an address of two at
most (couples share). And there is something to compare with: a record's value stands in another record of
the customer as well, a mention's in any record of his, unless he has no such record. A firm's name need not
stand there letter by letter: that it is no other firm's will do. Values are compared as a careful clerk would
type them again: letters and digits, in one width and case, without +86, extension or `.0`; a mention that
points at a record by its id has that for a value. So 王小姐, 测试, 13800000000, a switchboard, a WeChat id that
no other system has, or an address and a telephone number that each stand in one record only, tell nothing,
whatever the matcher makes of them. `why_not` of `labelled` says which of the two is missing. Rows that gate 1
has set aside never reach the stage and aren't in `labelled`; `set_aside` counts them.

Two kinds of records are one customer by the truth, but customers of their own, linked, by Guike's rules: an
office of a firm (`is_branch`), and the member card of a firm's buyer (`is_private`). `apart` is the truth
with these split off.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.demo.truth import customer_names
from pipelines.demo.world import make_customers, make_staff
from pipelines.identity.mentions import ENTITIES

_NARROW = "".join(map(chr, range(0x21, 0x7F)))
_WIDE = "".join(chr(ord(letter) + 0xFEE0) for letter in _NARROW)

# Rows without a key of their own are counted by the truth; WeChat's keys are hashed in staging.
_TRUTH = """
    create or replace temp table truth_rows as
    with named as (from read_parquet($file)),
    numbered as (
        select 'ledger' as system, 'receipts' as source_table, _row_number::varchar as number, _row_id as source_id
        from raw_ledger.receipts
        union all select 'ledger', 'projects', _row_number::varchar, _row_id from raw_ledger.projects
        union all select 'ledger', 'receivables', _row_number::varchar, _row_id from raw_ledger.receivables
        union all select 'ledger', 'service_costs', _row_number::varchar, _row_id from raw_ledger.service_costs
        union all
        select 'platform', 'logins', _row_number::varchar, concat(account_id, ' ', day) from raw_platform.logins
        union all select 'wechat', 'contacts', wechat_id, md5(wechat_id) from raw_wechat.contacts)
    select named.system, named.source_table, coalesce(numbered.source_id, named.source_id) as source_id,
        min(true_customer) as truth
    from named left join numbered
        on named.system = numbered.system and named.source_table = numbered.source_table
        and named.source_id = numbered.number
    group by all
"""

_RECORD_VALUES = """
    select system, source_table, source_id, 'name' as kind, customer_name as value from {records}
    union all select system, source_table, source_id, 'code', credit_code from {records}
    union all select system, source_table, source_id, 'phone', mobile from {records}
    union all select system, source_table, source_id, 'phone', phone from {records}
    union all select system, source_table, source_id, 'email', email from {records}
    union all select system, source_table, source_id, 'wechat', wechat_id from {records}
"""
_MENTION_VALUES = """
    select system, source_table, source_id, 'name' as kind, customer_name as value from {rows}
    union all select system, source_table, source_id, 'phone', customer_phone from {rows}
    union all select system, source_table, source_id, 'email', customer_email from {rows}
    union all
    select system, source_table, source_id, 'reference', system || ' ' || customer_source_id from {rows}
"""

_CLEANED = """
    create or replace temp table values_told as
    with plain as (
        select system, source_table, source_id, kind, 
            lower(translate(value, $wide, $narrow)) as value from values_said),
    cleaned as (
        select system, source_table, source_id, kind,
            case kind
                when 'phone' then regexp_replace(regexp_replace(regexp_replace(
                    value, '(\\.0$)|((-|#|转| ?ext\\.?)\\d{3,4}$)', ''), '[^0-9]', '', 'g'), '^(00)?86(1\\d{10})$', '\\2')
                when 'name' then regexp_replace(value, '[\\s()（）·.,，\\-]', '', 'g')
                else trim(value) end as value
        from plain)
    select distinct * from cleaned where value <> ''
"""

_TELLING = """
    create or replace temp table telling as
    with owned as (
        select kind, value, truth, is_record, is_firm, source_id, system
        from values_told
        inner join truth_rows using (system, source_table, source_id)
        inner join entity_keys using (system, source_table, source_id)
        inner join parties using (truth)),
    owners as (
        select kind, value from owned group by all
        having count(distinct truth) <= case when kind in ('phone', 'email') then 2 else 1 end)
    select kind, value, truth, is_firm and kind = 'name' as is_firm_name,
        count(distinct (system, source_id)) filter (is_record) as records
    from owned semi join owners using (kind, value)
    group by all
"""

_TOLD = """
    create or replace temp table told as
    with known as (
        select truth, count(*) as records
        from truth_rows inner join entity_keys using (system, source_table, source_id)
        where is_record group by truth)
    select system, source_table, source_id,
        bool_or(telling.value is not null) as tells,
        bool_or(telling.value is not null and (
            is_firm_name or (kind = 'reference' and not is_record) or telling.records > is_record::int
            or coalesce(known.records, 0) <= is_record::int)) as is_comparable
    from values_told
    inner join truth_rows using (system, source_table, source_id)
    inner join entity_keys using (system, source_table, source_id)
    left join telling using (kind, value, truth)
    left join known using (truth)
    group by all
"""

_LABELLED = """
    create or replace temp table labelled as
    with offices as (
        select system, source_table, source_id from read_parquet($defects) where defect = 'office_as_customer')
    select system, source_table, source_id, truth_rows.truth, customer_id as cluster,
        is_record, is_firm as is_organisation, half,
        offices.source_id is not null as is_branch,
        is_firm and is_record and system = 'members' as is_private,
        truth || case when offices.source_id is not null then ' branch ' || source_id
            when is_firm and is_record and system = 'members' then ' private' else '' end as apart,
        coalesce(is_comparable, false) as is_resolvable,
        case when is_comparable then null when tells then 'stands in no other record'
            else 'nothing that tells' end as why_not
    from truth_rows
    inner join entity_keys using (system, source_table, source_id)
    inner join parties using (truth)
    left join identity.customer_xref using (system, source_table, source_id)
    left join offices using (system, source_table, source_id)
    left join told using (system, source_table, source_id)
"""


def label(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make `labelled` from the warehouse behind `con` and the truth in `folder`."""
    con.execute(_TRUTH, {"file": str(folder / "entity_records.parquet")})
    con.register("parties_made", parties(folder))
    con.execute(
        "create or replace temp table parties as select *, "
        "case when hash(truth) % 2 = 0 then 'tune' else 'report' end as half from parties_made"
    )
    keys = ["select system, source_table, source_id, true as is_record from quality.passed_customers"]
    keys += [
        f"select system, source_table, source_id, false from quality.passed_{entity}" for entity in ENTITIES
    ]
    con.execute(
        "create or replace temp table entity_keys as "
        "select system, source_table, source_id, bool_or(is_record) as is_record "
        f"from ({' union all '.join(keys)}) group by all"
    )
    _say_values(con)
    con.execute(_LABELLED, {"defects": str(folder / "defects.parquet")})


def parties(folder: Path) -> pa.Table:
    """truth, is_firm of every true customer: the world is made again from its number and seed."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    count, seed = int(summary["customers"]), int(summary["seed"])
    world = make_customers(count, make_staff(count, seed), seed)
    return pa.table(
        {"truth": pa.array(customer_names(np.arange(count)), pa.string()), "is_firm": pa.array(world.is_firm)}
    )


def _say_values(con: duckdb.DuckDBPyConnection) -> None:
    """TEMP `told`: of each row, whether it holds a value that tells one customer, and one to compare."""
    parts = [_RECORD_VALUES.format(records="quality.passed_customers")]
    parts += [_MENTION_VALUES.format(rows=f"quality.passed_{entity}") for entity in ENTITIES]
    con.execute(f"create or replace temp table values_said as {' union all '.join(parts)}")
    con.execute(_CLEANED, {"wide": _WIDE, "narrow": _NARROW})
    con.execute(_TELLING)
    con.execute(_TOLD)
