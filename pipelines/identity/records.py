"""The customers' records with their keys: what the matcher compares.

Comes in: `quality.passed_customers`, `passed_contacts`, `passed_staff`. Goes out: TEMP tables
`nodes` (one row per customers record, numbered in the order in which ids are minted: earliest created,
then system, source_table, source_id) and `node_identifiers` (each node's phones, e-mail addresses and
codes, a contact's counted as the customer's), with the values that too many share marked.
"""

from __future__ import annotations

import duckdb

from pipelines.identity.names import parse_names

_NAMES = """
    select distinct raw, given_type from (
        select customer_name as raw, party_type as given_type from quality.passed_customers
        union all select contact_name, 'person' from quality.passed_customers
        union all select contact_name, 'person' from quality.passed_contacts)
    where raw is not null
"""

_NODES = """
    create or replace temp table nodes as
    select
        row_number() over (
            order by records.created_at nulls last, system, source_table, source_id,
                records.customer_name, records.mobile, records.phone, records.email) as node,
        system, source_table, source_id, records.created_at,
        coalesce(names.party_type, records.party_type) as party_type,
        names.name_normalised, names.core_name, names.firm_key, names.place, names.surname, names.name_key,
        case when coalesce(names.party_type, '') <> 'person' then contacts.surname end as contact_surname,
        phone_number(records.mobile) as first_number, phone_number(records.phone) as second_number,
        email_address(records.email) as email_normalised,
        credit_code(records.credit_code) as credit_code_normalised,
        tax_number(records.credit_code) as tax_number_normalised
    from quality.passed_customers as records
    left join record_names as names
        on records.customer_name = names.raw
        and coalesce(records.party_type, '') = coalesce(names.given_type, '')
    left join record_names as contacts
        on records.contact_name = contacts.raw and contacts.given_type = 'person'
"""

_IDENTIFIERS = """
    create or replace temp table node_identifiers as
    with contacts as (
        select nodes.node, phone_number(contacts.customer_phone) as number,
            email_address(contacts.customer_email) as address, names.surname
        from quality.passed_contacts as contacts
        inner join customer_references using (system, customer_source_id)
        inner join nodes using (node)
        left join record_names as names on contacts.contact_name = names.raw and names.given_type = 'person'),
    codes as (
        select node, tax_number_normalised as value from nodes
        union all
        select node, credit_code_normalised[3:17] from nodes
        where credit_code_normalised[3:17] in (select tax_number_normalised from nodes)),
    every as (
        select node, 'phone' as kind, first_number as value, contact_surname from nodes
        union all select node, 'phone', second_number, contact_surname from nodes
        union all select node, 'email', email_normalised, contact_surname from nodes
        union all select node, 'credit_code', credit_code_normalised, null from nodes
        union all select node, 'tax_number', value, null from codes
        union all select node, 'phone', number, surname from contacts
        union all select node, 'email', address, surname from contacts)
    select distinct kind, value, node, contact_surname from every where value is not null
"""

# A careless source repeats a key: the first such record stands for all of them.
_ONE_PER_KEY = """
    delete from nodes where node not in (
        select min(node) from nodes group by system, source_table, source_id)
"""

# Beyond so many names a value is a switchboard, a hot line or a filler, not a customer's own. One firm's
# name is spelled in several ways: whole names are counted with more patience.
_SHARED = """
    create or replace temp table shared_values as
    select identifiers.kind, identifiers.value
    from node_identifiers as identifiers inner join nodes using (node)
    group by all
    having count(distinct nodes.name_key)
            > $most * case when kind in ('credit_code', 'tax_number') then 4 else 1 end
        or count(distinct nodes.name_normalised) > 4 * $most
    union
    select 'phone', phone_number(mobile) from quality.passed_staff where phone_number(mobile) is not null
    union
    select 'email', email_address(email) from quality.passed_staff where email_address(email) is not null
"""

# A row of any entity points at a customer by its source_id alone; where two tables of one system have the
# same, the table that comes first by name is meant.
_REFERENCES = """
    create or replace temp table customer_references as
    select system, source_id as customer_source_id, arg_min(node, source_table) as node
    from nodes group by all
"""


def build_records(con: duckdb.DuckDBPyConnection, most_names: int) -> None:
    """Make `nodes`, `node_identifiers`, `shared_values` and `customer_references` as TEMP tables.

    Args:
        con: a connection with the macros of `normalise.install_macros`.
        most_names: a phone number or e-mail address under more distinct names than this identifies nobody.
            An own employee's number or address identifies no customer either.
    """
    parse_names(con, f"({_NAMES})", "record_names")
    con.execute(_NODES)
    repeats = con.execute(
        "select count(*) > count(distinct hash(system, source_table, source_id)) from nodes"
    ).fetchone()
    if repeats and repeats[0]:
        con.execute(_ONE_PER_KEY)
    con.execute(_REFERENCES)
    con.execute(_IDENTIFIERS)
    con.execute(_SHARED, {"most": most_names})
    con.execute("drop table record_names")


RECORDS = """
    select system, source_table, source_id, party_type, name_normalised, core_name, firm_key, surname,
        case when is_mobile(first_number) then first_number
            when is_mobile(second_number) then second_number end as mobile_normalised,
        case when not is_mobile(second_number) then second_number
            when not is_mobile(first_number) then first_number end as phone_normalised,
        email_normalised, credit_code_normalised, tax_number_normalised
    from nodes
"""
"""The query whose result is kept as identity.records."""

IDENTIFIERS = """
    select distinct system, source_table, source_id, kind, value, shared.value is not null as is_shared
    from node_identifiers as identifiers
    inner join nodes using (node)
    left join shared_values as shared using (kind, value)
"""
"""The query whose result is kept as identity.identifiers."""
