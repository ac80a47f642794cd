"""The customers' records with their keys: what the matcher compares.

Comes in: `quality.passed_customers`, `passed_contacts`, `passed_staff`, and what earlier runs made of the
same records. Goes out: TEMP tables `nodes` (one row per customers record, normalised; numbered in the order
in which ids are minted: earliest created, then system, source_table, source_id), `node_identifiers` (each
node's phones, e-mail addresses, WeChat ids and codes, a contact's counted as the customer's) and
`shared_values` (those that too many share). Only records whose text has changed are normalised; the others
come from identity.nodes. `identity.records` and `identity.identifiers`, for the marts and for people, are
views of what is kept.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb

from pipelines.identity.names import parse_names
from pipelines.identity.phones import MOBILE

_INPUTS = """
    create or replace temp view record_inputs as
    with said as (
        select system, customer_source_id,
            list_sort(list({'name': contact_name, 'phone': customer_phone,
                'email': customer_email})) as contacts
        from quality.passed_contacts group by all),
    contacts as (
        select owner.system, min(owner.source_table) as source_table, owner.source_id,
            any_value(said.contacts) as contacts
        from quality.passed_customers as owner
        inner join said on owner.system = said.system and owner.source_id = said.customer_source_id
        group by all)
    select system, source_table, source_id, created_at, party_type, customer_name, contact_name, mobile,
        phone, email, wechat_id, credit_code, region, address, contacts.contacts,
        hash(created_at, party_type, customer_name, contact_name, mobile, phone, email, wechat_id,
            credit_code, region, address, contacts.contacts) as content
    from quality.passed_customers
    left join contacts using (system, source_table, source_id)
"""

# Where a careless source repeats a key, the first such record stands for all of them.
_ONE_PER_KEY = """
    select * from record_inputs
    qualify row_number() over (
        partition by system, source_table, source_id
        order by created_at nulls last, customer_name, mobile, phone, email, content) = 1
"""

# A row of any entity points at a customer by its source_id alone; where two tables of one system have the
# same, the table that comes first by name is meant.
_REFERENCES = """
    create or replace temp view customer_references as
    select system, source_id as customer_source_id, arg_min(node, source_table) as node
    from nodes group by all
"""

# What has come, changed or gone since the last run; content is null where it has gone.
_DIFFERING = """
    create or replace temp table differing as
    select inputs.*, kept.node as earlier
    from {inputs} as inputs
    full join kept_nodes as kept using (system, source_table, source_id)
    where kept.content is distinct from inputs.content
"""

_FRESH = """
    create or replace temp table fresh_inputs as
    select * exclude (earlier), coalesce(earlier, (select coalesce(max(node), 0) from kept_nodes)
        + row_number() over (
            partition by earlier is null order by created_at nulls last, system, source_table,
                source_id)) as node
    from differing
    where content is not null
"""

_NAMES = """
    select distinct raw, given_type from (
        select customer_name as raw, party_type as given_type from fresh_inputs
        union all select contact_name, 'person' from fresh_inputs
        union all select unnest(contacts).name, 'person' from fresh_inputs)
    where raw is not null
"""

# Each value is put right once, however many records have it; and one kind by itself, because DuckDB, given
# several of the macros in one query, takes the long way of each for every value.
_SAID = {
    "places": ("address_parts", ("address", "region")),
    "numbers": ("phone_number", ("mobile", "phone")),
    "mails": ("email_address", ("email",)),
    "wechats": ("wechat_id", ("wechat_id",)),
    "credit_codes": ("credit_code", ("credit_code",)),
    "tax_numbers": ("tax_number", ("credit_code",)),
    "personal_ids": ("personal_id", ("credit_code",)),
}

# 王小姐 whose contact is 王莉 is 王莉.
_NAMED = """
    create or replace temp table named_inputs as
    select inputs.*, coalesce(contacts.given_name is not null and called.given_name is null
        and coalesce(called.surname, contacts.surname) = contacts.surname
        and coalesce(called.party_type, inputs.party_type) = 'person', false) as is_contact
    from fresh_inputs as inputs
    left join record_names as called
        on customer_name = called.raw and coalesce(inputs.party_type, '') = coalesce(called.given_type, '')
    left join record_names as contacts on contact_name = contacts.raw and contacts.given_type = 'person'
"""

_NODES = """
    create or replace temp table fresh_nodes as
    with said as (
        select inputs.*, by_address.value as place_of_address, by_region.value as place_of_region,
            mobiles.value as first_number, phones.value as second_number, said_mails.value as address_of_mail,
            said_wechats.value as wechat, said_credit_codes.value as credit, said_tax_numbers.value as tax,
            said_personal_ids.value as person,
            case when is_contact then contact_name else customer_name end as name_said,
            case when is_contact then 'person' else coalesce(party_type, '') end as type_said
        from named_inputs as inputs
        left join said_places as by_address on inputs.address = by_address.raw
        left join said_places as by_region on inputs.region = by_region.raw
        left join said_numbers as mobiles on inputs.mobile = mobiles.raw
        left join said_numbers as phones on inputs.phone = phones.raw
        left join said_mails on inputs.email = said_mails.raw
        left join said_wechats on inputs.wechat_id = said_wechats.raw
        left join said_credit_codes on inputs.credit_code = said_credit_codes.raw
        left join said_tax_numbers on inputs.credit_code = said_tax_numbers.raw
        left join said_personal_ids on inputs.credit_code = said_personal_ids.raw)
    select
        said.node, said.system, said.source_table, said.source_id, said.created_at, said.content,
        coalesce(names.party_type, said.party_type) as party_type,
        names.name_normalised, names.surname, names.given_name, names.given_key,
            names.pinyin, names.core_name, names.brand,
        names.trade, names.firm_key, names.head_key, names.branch, names.place, names.name_key,
        case when coalesce(names.party_type, '') <> 'person' then contacts.surname end as contact_surname,
        case when coalesce(names.party_type, '') <> 'person' and contacts.given_name is not null
            then contacts.name_normalised end as contact_name,
        case when coalesce(names.party_type, '') <> 'person' and contacts.given_name is not null
            then contacts.pinyin end as contact_pinyin,
        first_number, second_number, address_of_mail as email_normalised, wechat,
        credit as credit_code_normalised, tax as tax_number_normalised,
        case when coalesce(names.party_type, said.party_type, '') <> 'organisation'
            then person end as personal_id,
        coalesce(place_of_region.province, place_of_address.province) as province,
        coalesce(place_of_region.city, place_of_address.city) as city,
        place_of_address.rest as address
    from said
    left join record_names as names
        on said.name_said = names.raw and said.type_said = coalesce(names.given_type, '')
    left join record_names as contacts
        on said.contact_name = contacts.raw and contacts.given_type = 'person'
"""

_IDENTIFIERS = """
    create or replace temp table fresh_identifiers as
    with contacts as (
        select node, phone_number(contact.phone) as number, email_address(contact.email) as address,
            names.surname
        from (select node, unnest(contacts) as contact from fresh_inputs)
        left join record_names as names on contact.name = names.raw and names.given_type = 'person'),
    every as (
        select node, 'phone' as kind, first_number as value, contact_surname from fresh_nodes
        union all select node, 'phone', second_number, contact_surname from fresh_nodes
        union all select node, 'email', email_normalised, contact_surname from fresh_nodes
        union all select node, 'wechat', wechat, contact_surname from fresh_nodes
        union all select node, 'credit_code', credit_code_normalised, null from fresh_nodes
        union all select node, 'personal_id', personal_id, null from fresh_nodes
        union all select node, 'tax_number', tax_number_normalised, null from fresh_nodes
        union all select node, 'tax_number', credit_code_normalised[3:17], null from fresh_nodes
        union all select node, 'phone', number, surname from contacts
        union all select node, 'email', address, surname from contacts)
    select distinct kind, value, node, contact_surname from every where value is not null
"""

# Records that are not what they were, or gone.
_LEFT_BEHIND = """
    create or replace temp table left_behind as
    select earlier as node from differing where earlier is not null
"""

# What a record that has changed or gone said before, and what is said by those that have come or changed; a
# value that was shared may be so no longer.
_RECOUNTED = """
    create or replace temp table recounted as
    select kind, value from node_identifiers semi join fresh_inputs using (node)
    union select kind, value from kept_node_identifiers semi join left_behind using (node)
    union select kind, value from kept_shared_values
"""

# Beyond so many names a value is a switchboard, a hot line or a filler, not a customer's own. One firm's
# name is spelled in several ways: whole names are counted with more patience.
_SHARED = """
    create or replace temp table shared_values as
    with often as (
        select kind, value, list(node) as nodes
        from node_identifiers semi join recounted using (kind, value)
        group by all having count(*) > $most),
    bearers as (select kind, value, unnest(nodes) as node from often)
    select kind, value
    from bearers inner join nodes using (node)
    group by all
    having count(distinct nodes.name_key)
            > $most * case when kind in ('credit_code', 'tax_number', 'personal_id') then 4 else 1 end
        or count(distinct nodes.name_normalised) > 4 * $most
    union
    select * from (
        select 'phone', phone_number(mobile) as value from quality.passed_staff
        union all
        select 'email', email_address(email) from quality.passed_staff)
    where value is not null
"""

# A value that has become shared, or isn't any more, changes what its records have in common with others.
# Whom a record that has changed or gone was compared with, may have been compared with no other, in a crowd.
_TOUCHED = """
    create or replace temp table touched as
    with partners as (
        select left_node as node from kept_pairs semi join left_behind on right_node = node
        union
        select right_node from kept_pairs semi join left_behind on left_node = node)
    select node from fresh_inputs
    union
    select node from partners anti join left_behind using (node)
    union
    select identifiers.node
    from node_identifiers as identifiers
    inner join (
        (from shared_values except from kept_shared_values)
        union all (from kept_shared_values except from shared_values)) using (kind, value)
"""

TABLES = """
    create table if not exists identity.nodes (
        node bigint not null, system varchar not null, source_table varchar not null,
        source_id varchar not null, created_at timestamp, content ubigint not null, party_type varchar,
        name_normalised varchar, surname varchar, given_name varchar, given_key varchar, pinyin varchar,
            core_name varchar,
        brand varchar, trade varchar, firm_key varchar, head_key varchar, branch varchar, place varchar,
        name_key varchar, contact_surname varchar, contact_name varchar, contact_pinyin varchar,
            first_number varchar,
        second_number varchar, email_normalised varchar, wechat varchar, credit_code_normalised varchar,
        tax_number_normalised varchar, personal_id varchar, province varchar, city varchar, address varchar);
    create table if not exists identity.node_identifiers (
        kind varchar not null, value varchar not null, node bigint not null, contact_surname varchar);
    create table if not exists identity.shared_values (kind varchar not null, value varchar not null);
"""
"""What the next run needs to normalise and compare only what has changed."""


def rules_signature() -> str:
    """A hash of everything that decides about a record, but for the models, which have signatures."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted(p for pattern in ("*.py", "*.yml") for p in folder.glob(pattern)):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def nothing_kept(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether all is matched anew, because no run has matched anything, or not by these rules."""
    return not con.execute("select 1 from kept_nodes limit 1").fetchone()


def is_true(con: duckdb.DuckDBPyConnection, question: str) -> bool:
    """The answer to a query for one yes or no."""
    row = con.execute(question).fetchone()
    return bool(row and row[0])


def repeats_key(con: duckdb.DuckDBPyConnection, rows: str) -> bool:
    """Whether several of the rows have one key, as in a careless source."""
    key = "hash(system, source_table, source_id)"
    return is_true(con, f"select count(*) > count(distinct {key}) from {rows}")


def build_records(con: duckdb.DuckDBPyConnection, most_names: int) -> None:
    """Make `nodes`, `node_identifiers`, `shared_values`, `customer_references`, `left_behind`, `touched`.

    All are TEMP tables, but the first two, which are TEMP views of what is kept and what is fresh, and the
    references, a view of the first.
    `left_behind` has the nodes that are not what they were, or gone. `touched` has the nodes whose pairs must
    be found anew: new and changed ones, and those at a value that has become shared or isn't any more.

    Args:
        con: a connection with the macros of `normalise.install_macros` and the views kept_… of `resolve.py`.
        most_names: a phone number or e-mail address under more distinct names than this identifies nobody.
            An own employee's number or address identifies no customer either.
    """
    con.execute(_INPUTS)
    inputs = f"({_ONE_PER_KEY})" if repeats_key(con, "quality.passed_customers") else "record_inputs"
    con.execute(_DIFFERING.format(inputs=inputs))
    con.execute(_FRESH)
    parse_names(con, f"({_NAMES})", "record_names")
    for name, (macro, columns) in _SAID.items():
        said = " union all ".join(f"select {column} as raw from fresh_inputs" for column in columns)
        con.execute(
            f"create or replace temp table said_{name} as "
            f"select raw, {macro}(raw) as value "
            f"from (select distinct raw from ({said})) where raw is not null"
        )
    con.execute(_NAMED)
    con.execute(_NODES)
    con.execute(_IDENTIFIERS)
    con.execute(_LEFT_BEHIND)
    for name, fresh in (("nodes", "fresh_nodes"), ("node_identifiers", "fresh_identifiers")):
        con.execute(
            f"create or replace temp view {name} as "
            f"select * from kept_{name} anti join left_behind using (node) "
            f"union all by name select * from {fresh}"
        )
    con.execute(_REFERENCES)
    con.execute(_RECOUNTED)
    con.execute(_SHARED, {"most": most_names})
    con.execute(_TOUCHED)
    con.execute("drop view record_inputs")
    said_tables = [f"said_{name}" for name in _SAID]
    for table in ("record_names", "named_inputs", "differing", "recounted",
                  *said_tables):  # fmt: skip
        con.execute(f"drop table {table}")


def keep_records(con: duckdb.DuckDBPyConnection) -> None:
    """Bring identity.nodes and its companions to what `build_records` found.

    Call it in a transaction, and last: `nodes` and `node_identifiers` are no more what they were.
    """
    gone = "true" if nothing_kept(con) else "node in (select node from left_behind)"
    con.execute(f"delete from identity.node_identifiers where {gone}")
    con.execute("insert into identity.node_identifiers by name from fresh_identifiers")
    con.execute(f"delete from identity.nodes where {gone}")
    con.execute("insert into identity.nodes by name from fresh_nodes")
    con.execute("delete from identity.shared_values")
    con.execute("insert into identity.shared_values from shared_values")


# Whoever reads them has none of the macros.
_VIEWS = {
    "records": f"""
    select system, source_table, source_id, party_type, name_normalised, core_name, firm_key, head_key,
        branch,
        surname,
        case when regexp_matches(first_number, '{MOBILE}') then first_number
            when regexp_matches(second_number, '{MOBILE}') then second_number end as mobile_normalised,
        case when not regexp_matches(second_number, '{MOBILE}') then second_number
            when not regexp_matches(first_number, '{MOBILE}') then first_number end as phone_normalised,
        email_normalised, wechat as wechat_normalised, credit_code_normalised, tax_number_normalised,
        province, city, address as address_normalised
    from identity.nodes
""",
    "identifiers": """
    select distinct system, source_table, source_id, kind, value, shared.value is not null as is_shared
    from identity.node_identifiers
    inner join identity.nodes using (node)
    left join identity.shared_values as shared using (kind, value)
""",
}


def define_views(con: duckdb.DuckDBPyConnection) -> None:
    """Make identity.records and identity.identifiers; earlier versions kept them as tables."""
    for name, query in _VIEWS.items():
        kept = con.execute(
            "select 1 from duckdb_tables() where schema_name = 'identity' and table_name = ?", [name]
        ).fetchone()
        if kept:
            con.execute(f"drop table identity.{name}")
        con.execute(f"create or replace view identity.{name} as {query}")
