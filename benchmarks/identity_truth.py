"""The truth beside what the identity stage decided, and which rows could be told at all.

Comes in: a warehouse after identity, and the TEMP table `truth_rows`: system, source_table, source_id, truth
(the true customer), apart (the same, cut finer), is_firm. Goes out: the TEMP table `labelled`, one row per
source row that the truth names and gate 1 let through: its keys, truth, apart, `cluster` (NULL: not
resolved), `is_record` (of a system's customer list; the others are mentions), `is_organisation`, `half` (tune
or report, by a hash of the true customer), `is_resolvable` and `why_not`.

Resolvable is a row with a value that could tell. Two things are asked of it, over all rows that the truth
names. It tells one customer: a name or code is of one true customer only, a number or an address of two at
most (couples share). And there is something to compare with: a record's value stands in another record of
the customer as well, a mention's in any record of his, unless he has no such record. A firm's name need not
stand there letter by letter: that it is no other firm's will do. Values are compared as a careful clerk would
type them again: letters and digits, in one width and case, without +86, extension or `.0`; a mention that
points at a record by its id has that for a value. So 王小姐, 测试, 13800000000, a switchboard, a WeChat id
that no other system has, or an e-mail address and a telephone number that each stand in one record only,
tell nothing, whatever the matcher makes of them. `why_not` says which of the two is missing. Rows that gate 1
has set aside never reach the stage and aren't in `labelled`.
"""

from __future__ import annotations

import duckdb

from pipelines.identity.mentions import ENTITIES

_NARROW = "".join(map(chr, range(0x21, 0x7F)))
_WIDE = "".join(chr(ord(letter) + 0xFEE0) for letter in _NARROW)

_RECORD_VALUES = """
    select system, source_table, source_id, 'name' as kind, customer_name as value from {records}
    union all select system, source_table, source_id, 'code', credit_code from {records}
    union all select system, source_table, source_id, 'phone', mobile from {records}
    union all select system, source_table, source_id, 'phone', phone from {records}
    union all select system, source_table, source_id, 'email', email from {records}
    union all select system, source_table, source_id, 'wechat', wechat_id from {records}
    union all
    select system, source_table, source_id, 'address', address from {records}
    where regexp_matches(address, '[0-9]')
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
            lower(translate(value, $wide, $narrow)) as value
        from values_said),
    shortened as (
        select * replace (case when kind = 'phone'
            then regexp_replace(value, '(\\.0$)|((-|#|转| ?ext\\.?)\\d{3,4}$)', '') else value end as value)
        from plain),
    cleaned as (
        select * replace (case
            when kind = 'phone'
                then regexp_replace(regexp_replace(value, '[^0-9]', '', 'g'), '^(00)?86(1\\d{10})$', '\\2')
            when kind in ('name', 'address') then regexp_replace(value, '[\\s()（）·.,，\\-]', '', 'g')
            else trim(value) end as value)
        from shortened)
    select distinct * from cleaned where value <> ''
"""

_TELLING = """
    create or replace temp table telling as
    with owned as (
        select kind, value, truth, is_record, is_firm, source_id, system
        from values_told
        inner join truth_rows using (system, source_table, source_id)
        inner join entity_keys using (system, source_table, source_id)),
    owners as (
        select kind, value from owned group by all
        having count(distinct truth) <= case when kind in ('phone', 'email', 'address') then 2 else 1 end)
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
    select system, source_table, source_id, truth, apart, customer_id as cluster,
        is_record, is_firm as is_organisation,
        case when hash(truth) % 2 = 0 then 'tune' else 'report' end as half,
        coalesce(is_comparable, false) as is_resolvable,
        case when is_comparable then null when tells then 'stands in no other record'
            else 'nothing that tells' end as why_not
    from truth_rows
    inner join entity_keys using (system, source_table, source_id)
    left join identity.customer_xref using (system, source_table, source_id)
    left join told using (system, source_table, source_id)
"""


def label(con: duckdb.DuckDBPyConnection) -> None:
    """Make `labelled` from `truth_rows` and the warehouse behind `con`."""
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
    con.execute(_LABELLED)


def _say_values(con: duckdb.DuckDBPyConnection) -> None:
    """TEMP `told`: of each row, whether it holds a value that tells one customer, and one to compare."""
    parts = [_RECORD_VALUES.format(records="quality.passed_customers")]
    parts += [_MENTION_VALUES.format(rows=f"quality.passed_{entity}") for entity in ENTITIES]
    con.execute(f"create or replace temp table values_said as {' union all '.join(parts)}")
    con.execute(_CLEANED, {"wide": _WIDE, "narrow": _NARROW})
    con.execute(_TELLING)
    con.execute(_TOLD)
