"""An input layer of any size for timing the rules, made in DuckDB in seconds.

Comes in: a number of customer records. Goes out: a warehouse with `input.*` by the input contract, three
orders per customer record with lines and payments, and what identity would have decided. Some three records
in a hundred have a fault; who is who isn't the question here.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import yaml

from pipelines.settings import ROOT
from warehouse import store

_CONTRACT = ROOT / "dbt_project" / "models" / "input" / "_input.yml"
_LOADED = "timestamp '2026-07-01 01:00:00'"
_MACROS = """
create or replace temp macro draw(n, what, many) as hash(n, what) % many;
create or replace temp macro one_of(words, n, what) as words[1 + (hash(n, what) % len(words))::integer];
create or replace temp macro person(n) as one_of(['王','李','张','刘','陈','杨','黄','赵','吴','周'], n, 's')
    || one_of(['伟','芳','秀英','敏','静','丽','强','磊','建国','洋','艳','勇','杰','娟','涛','明',
        '超','桂英'], n, 'g')
    || one_of(['','宁','然','博','琪','轩'], n, 'h');
create or replace temp macro firm(n) as one_of(['无锡','苏州','上海','杭州','南京','常州'], n, 'c')
    || chr(20000 + draw(n, 'a', 900)::integer) || chr(21500 + draw(n, 'b', 900)::integer)
    || one_of(['机械','网络','印刷','电子','服饰','食品'], n, 't') || '有限公司';
create or replace temp macro mobile(n) as '13' || lpad((hash(n, 'm') % 1000000000)::varchar, 9, '0');
create or replace temp macro day(n, what) as timestamp '2023-01-02' + to_seconds((hash(n, what) %
    110000000)::bigint);
create or replace temp macro employee(n, what) as one_of(['陈静','林涛','周敏','何磊','马超','孙艳'], n,
    what);
"""
# System -> (share of the records, first customer as a share of the records).
_SYSTEMS = {"crm": (0.5, 0.0), "erp": (0.3, 0.0), "wechat": (0.2, 0.4)}
_CUSTOMERS = """
select '{system}' as system, 'list' as source_table, n::varchar as source_id, {loaded} as loaded_at,
    case when who % 2 = 0 then 'organisation' else 'person' end as party_type,
    case when draw(n, 'x', 100) = 0 then '测试' when who % 2 = 0 then firm(who) else person(who) end as
        customer_name,
    case when who % 2 = 0 then person(who) end as contact_name,
    case draw(n, 'p', 100) when 0 then '13800000000' when 1 then mobile(who) || '.0' when 2 then '+86 ' ||
        mobile(who)
        else mobile(who) end as mobile,
    case when who % 2 = 0 then '0510-8' || lpad(draw(who, 'l', 9999999)::varchar, 7, '0') end as phone,
    case when draw(n, 'e', 3) = 0 then 'box' || who || '@example.com' end as email,
    case when who % 2 = 0 then one_of(['江苏无锡','江苏苏州','浙江杭州','上海上海'], who, 'c') end as region,
    '1' as owner_source_id, employee(n, 'o') as owner_name, false as is_deleted, false as is_blocked,
    day(n, 'made') - interval 400 day as created_at, day(n, 'made') - interval 200 day as updated_at
from (select n, {first} + n as who from range({rows}) as r(n))
"""
_ORDERS = """
select case n % 2 when 0 then 'crm' else 'erp' end as system, 'orders' as source_table, n::varchar as
    source_id,
    {loaded} as loaded_at, (hash(n, 'whose') % {whose})::varchar as customer_source_id, 'D' || n as order_no,
    employee(n, 'o') as staff_name, case when draw(n, 'z', 200) > 0 then day(n, 'made') end as ordered_at,
    day(n, 'made')::date + 9 as promised_on, day(n, 'made')::date + 8 as delivered_on,
    case draw(n, 's', 50) when 0 then 'cancelled' when 1 then 'test' else 'confirmed' end as status,
    'sale' as document_kind, one_of(['网站','域名','相册','影片'], n, 'k') as product_name,
    (100 + draw(n, 'y', 900000) / 100)::decimal(18, 2) as amount_gross, day(n, 'made')::date::varchar as
        raw_date
from range({rows}) as r(n)
"""
_LINES = """
select system, 'lines' as source_table, source_id, loaded_at, source_id as order_source_id,
    source_table as order_source_table, 1 as line_no, '7' as product_source_id, product_name, 1 as quantity,
    amount_gross as unit_price, amount_gross, (amount_gross / 1.06)::decimal(18, 2) as amount_net
from input.orders
"""
_PAYMENTS = """
select system, 'payments' as source_table, source_id, loaded_at, customer_source_id, source_id as
    order_source_id,
    ordered_at + interval 9 day as paid_at, 'confirmed' as status, 'bank' as method,
    amount_gross + case when draw(source_id, 'v', 300) = 0 then 1000 else 0 end as amount_gross, raw_date
from input.orders where status = 'confirmed' and draw(source_id, 'paid', 2) = 0
"""
_INTERACTIONS = """
select 'crm' as system, 'visits' as source_table, n::varchar as source_id, {loaded} as loaded_at,
    (hash(n, 'whose') % {whose})::varchar as customer_source_id, '1' as staff_source_id,
    employee(n, 'o') as staff_name, one_of(['call','visit','wechat'], n, 'c') as channel, day(n, 'made') as
        occurred_at
from range({rows}) as r(n)
"""
_QUOTES = """
select 'crm' as system, 'quotes' as source_table, n::varchar as source_id, {loaded} as loaded_at,
    (hash(n, 'whose') % {whose})::varchar as customer_source_id, (1 + n % 2)::varchar as staff_source_id,
    'P' || n % 20000 as project, day(n % 20000, 'made') as quoted_at, 1000 + n % 7 as amount_gross, 'open'
        as status
from range({rows}) as r(n)
"""
_STAFF = """
select system, 'staff' as source_table, n::varchar as source_id, {loaded} as loaded_at,
    ['陈静','林涛','周敏','何磊','马超','孙艳'][n] as staff_name, n <> 6 as is_active, date '2020-01-01' as
        hired_on,
    case when n = 6 and system = 'hr' then date '2025-03-01' end as left_on
from range(1, 7) as r(n), (values ('hr'), ('crm')) as s(system)
"""
_IDENTITY = """
create table identity.customer_xref as
    select system, source_table, source_id, 'C' || customer as customer_id, 'phone' as method, 1.0 as score,
        {loaded} as decided_at, 'bench' as run_id, {loaded} as valid_from
    from ({owned});
create table identity.customer_ids as
    select 'C' || who as customer_id, case when who % 2 = 0 then 'organisation' else 'person' end as
        party_type,
        {loaded} as minted_at, 'bench' as run_id, 'active' as status, null::varchar as merged_into
    from range({customers}) as r(who);
create table identity.customer_id_changes (
    customer_id varchar, change varchar, other_id varchar, reason varchar, changed_at timestamp, run_id
    varchar);
create table identity.customer_xref_past (
    system varchar, source_table varchar, source_id varchar, customer_id varchar, method varchar, score
    double, valid_from timestamp, valid_to timestamp, run_id varchar);
create table identity.records as
    select system, source_table, source_id, party_type,
        case when customer_name <> '测试' then customer_name end as name_normalised,
        case when party_type = 'organisation' then substr(customer_name, 3, 4) end as core_name,
        case when party_type = 'organisation' then left(customer_name, 2) || '|' || substr(customer_name, 3,
            4) || '|有限公司'
            end as firm_key,
        null::varchar as head_key, null::varchar as branch,
        case when party_type = 'person' then left(customer_name, 1) end as surname,
        case when mobile <> '13800000000' then regexp_extract(mobile, '1[0-9]{{10}}') end as
            mobile_normalised,
        phone as phone_normalised, email as email_normalised, null::varchar as wechat_normalised,
        credit_code as credit_code_normalised, null::varchar as tax_number_normalised,
        left(region, 2) as province, substr(region, 3) as city, null::varchar as address_normalised
    from input.customers;
create table identity.identifiers as
    select system, source_table, source_id, 'phone' as kind, mobile_normalised as value, false as is_shared
    from identity.records where mobile_normalised is not null;
insert into ops.systems by name
    select * from (values ('crm', 'CRM', 'CRM', 'database', 80), ('erp', 'ERP', 'ERP', 'database', 70),
        ('wechat', 'WeChat', '微信', 'csv', 30), ('hr', 'HR', '人事', 'csv', 90))
        as s(system, title_en, title_zh, kind, trust);
"""


def make_rows(warehouse: Path, records: int) -> None:
    """Write the warehouse file afresh."""
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    warehouse.unlink(missing_ok=True)
    with duckdb.connect(str(warehouse), config={"preserve_insertion_order": False}) as con:
        con.execute("set timezone = 'UTC'; set memory_limit = '4GB'")
        store.ensure_schemas(con)
        con.execute(_MACROS)
        for model in yaml.safe_load(_CONTRACT.read_text(encoding="utf-8"))["models"]:
            columns = ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
            con.execute(f"create table input.{model['name'].removeprefix('input__')} ({columns})")
        _fill(con, records)
        _decide(con, records)


def _fill(con: duckdb.DuckDBPyConnection, records: int) -> None:
    for system, (share, first) in _SYSTEMS.items():
        query = _CUSTOMERS.format(
            system=system, loaded=_LOADED, first=int(first * records), rows=int(share * records)
        )
        con.execute(f"insert into input.customers by name {query}")
    whose = int(0.3 * records)
    for entity, query, rows in (
        ("orders", _ORDERS, 3 * records), ("order_lines", _LINES, 0), ("payments", _PAYMENTS, 0),
        ("interactions", _INTERACTIONS, records // 2), ("quotes", _QUOTES, records // 20),
        ("staff", _STAFF, 0),
    ):  # fmt: skip
        con.execute(
            f"insert into input.{entity} by name " + query.format(loaded=_LOADED, whose=whose, rows=rows)
        )


def _decide(con: duckdb.DuckDBPyConnection, records: int) -> None:
    """What identity would have written: the number of the customer is known here."""
    first = " ".join(
        f"when '{system}' then {int(start * records)}" for system, (_, start) in _SYSTEMS.items()
    )
    parts = [
        f"select system, source_table, source_id, case system {first} end + source_id::bigint as customer "
        "from input.customers"
    ]
    parts += [
        f"select system, source_table, source_id, customer_source_id::bigint from input.{entity} "
        "where customer_source_id is not null"
        for entity in ("orders", "payments", "interactions", "quotes")
    ]
    con.execute(_IDENTITY.format(loaded=_LOADED, owned=" union all ".join(parts), customers=records))
