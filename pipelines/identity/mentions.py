"""Rows that name a customer without pointing at a record: a ledger row's name, a call's number.

Comes in: the `quality.passed_<entity>` views with who-columns, and the clusters of the customers' records.
Goes out: TEMP tables `mentions` (every distinct mention with its cluster, or none) and `mention_members`
(customers that only mentions know of). Each distinct mention is resolved once; rows get theirs by a join.

A mention that matches nobody and has a usable name becomes a customer of its own where money or service
hangs on it: one per firm name over all systems, one per person's name and system. One that could mean
several customers is left open and counted, never guessed.
"""

from __future__ import annotations

import duckdb

from pipelines.identity.names import parse_names

ENTITIES = (
    "orders", "payments", "receivables", "contracts", "service_costs", "quotes", "interactions", "tickets",
    "surveys", "account_notes", "referrals", "usage", "contacts",
)  # fmt: skip
"""All entities with who-columns, in the order in which a row that stands in two of them is read."""
BUSINESS = ("orders", "payments", "receivables", "contracts", "service_costs", "quotes")
MENTION = "(mention)"
"""The source_table of members that are no record but a name used in rows."""
WHO = ("customer_name", "customer_phone", "customer_email")

_UNREFERENCED = """
    select rows.system, coalesce(customer_name, '') as customer_name,
        coalesce(customer_phone, '') as customer_phone, coalesce(customer_email, '') as customer_email,
        {business} as is_business
    from quality.passed_{entity} as rows
    left join customer_references using (system, customer_source_id)
    where customer_references.node is null
    group by all
"""

_PARSED = """
    create or replace temp table parsed_mentions as
    select row_number() over (order by system, customer_name, customer_phone, customer_email) as mention,
        said.*, names.party_type, names.name_normalised, names.core_name, names.firm_key, names.place,
        names.surname, names.name_key,
        phone_number(said.customer_phone) as number, email_address(said.customer_email) as address
    from (
        select system, customer_name, customer_phone, customer_email, bool_or(is_business) as is_business
        from said_mentions group by all) as said
    left join mention_names as names on said.customer_name = names.raw
"""

# What the mention's number or address belongs to, if its name doesn't speak against it.
_BY_IDENTIFIER = """
    create or replace temp table found_mentions as
    with owned as (
        select distinct identifiers.kind, identifiers.value, clusters.cluster, nodes.party_type,
            nodes.name_key, nodes.core_name, identifiers.contact_surname
        from node_identifiers as identifiers
        inner join nodes using (node)
        inner join clusters using (node)
        where kind in ('phone', 'email')
            and (identifiers.kind, identifiers.value) not in (select (kind, value) from shared_values)),
    asked as (
        select mention, 'phone' as kind, number as value from parsed_mentions where number is not null
        union all
        select mention, 'email', address from parsed_mentions where address is not null)
    select mention, asked.kind as method, min(cluster) as cluster,
        min(cluster) <> max(cluster) as is_ambiguous
    from asked
    inner join owned using (kind, value)
    inner join parsed_mentions as said using (mention)
    where said.name_key is null or owned.name_key is null or said.name_key = owned.name_key
        or (said.party_type = 'organisation' and owned.party_type = 'organisation'
            and (contains(said.core_name, owned.core_name) or contains(owned.core_name, said.core_name)))
        or (said.party_type = 'person' and owned.party_type = 'organisation'
            and (said.surname = owned.contact_surname or contains(owned.core_name, said.name_normalised)))
    group by mention, asked.kind
"""

# Firms by name: the registered name in full, the name as written, or, where the mention doesn't say the
# place, the core alone if only one customer has it.
_BY_NAME = """
    insert into found_mentions
    with named as (
        select cluster, firm_key, name_normalised, core_name
        from nodes inner join clusters using (node)
        where party_type = 'organisation' and name_normalised is not null),
    forms as (
        select 1 as rank, firm_key as form, cluster from named where firm_key is not null
        union select 2, name_normalised, cluster from named
        union select 3, core_name, cluster from named where length(core_name) > 2),
    owned as (
        select rank, form, min(cluster) as cluster, min(cluster) <> max(cluster) as is_ambiguous
        from forms group by all),
    asked as (
        select mention, 1 as rank, firm_key as form from parsed_mentions where firm_key is not null
        union all
        select mention, 2, name_normalised from parsed_mentions where party_type is distinct from 'person'
        union all
        select mention, 3, core_name from parsed_mentions
        where party_type = 'organisation' and place is null)
    select mention, 'name', arg_min(cluster, rank), arg_min(is_ambiguous, rank)
    from asked inner join owned using (rank, form)
    group by mention
"""

_RESOLVED = """
    create or replace temp table mentions as
    with best as (
        select mention,
            arg_min(struct_pack(cluster := cluster, method := method),
                case method when 'email' then 1 when 'phone' then 2 else 3 end
            ) filter (not is_ambiguous) as found,
            bool_or(is_ambiguous and method = 'name') as is_ambiguous
        from found_mentions group by mention)
    select parsed.system, customer_name, customer_phone, customer_email, is_business, party_type,
        best.found.cluster as cluster, best.found.method as method,
        case best.found.method when 'email' then 0.97 when 'phone' then 0.95 when 'name' then 0.9
        end as score,
        name_says, case when best.found is null and not coalesce(best.is_ambiguous, false) then name_says
        end as own_key
    from (
        select *, case when name_normalised is not null then
            case when party_type = 'organisation' then 'organisation|' || coalesce(firm_key, name_normalised)
                else coalesce(party_type, 'unknown') || '|' || system || '|' || name_normalised end
            end as name_says
        from parsed_mentions) as parsed
    left join best using (mention)
"""

# A name that had become a customer of its own, and whose rows now all belong to one other, goes there with
# its id.
_MEMBERS = """
    create or replace temp table mention_members as
    with own as (
        select own_key as source_id, max(party_type) as party_type from mentions
        where own_key is not null group by own_key having bool_or(is_business)),
    numbered as (
        select source_id, party_type, $last + row_number() over (order by source_id) as cluster from own),
    earlier as (
        select name_says as source_id, min(cluster) as cluster, max(party_type) as party_type
        from mentions
        where name_says in (select source_id from identity.members where source_table = $mention)
            and name_says not in (select source_id from own)
        group by name_says
        having min(cluster) = max(cluster) and count(cluster) = count(*))
    select source_id, party_type, cluster from numbered
    union all select source_id, party_type, cluster from earlier
"""


def resolve_mentions(con: duckdb.DuckDBPyConnection) -> None:
    """Make `mentions` and `mention_members` as TEMP tables.

    Needs `nodes`, `node_identifiers`, `shared_values`, `customer_references` of `records.py`, and `clusters`
    (node, cluster: one row per node).

    `mentions`: system and the who-columns as written ('' for NULL), cluster, method, score; cluster is NULL
    for the unresolved. `mention_members`: source_id, party_type, cluster of customers without a record.
    """
    union = " union all ".join(
        _UNREFERENCED.format(entity=entity, business=str(entity in BUSINESS).lower()) for entity in ENTITIES
    )
    con.execute(f"create or replace temp table said_mentions as {union}")
    parse_names(
        con,
        "(select distinct customer_name as raw, null::varchar as given_type from said_mentions "
        "where customer_name <> '')",
        "mention_names",
    )
    for statement in (_PARSED, _BY_IDENTIFIER, _BY_NAME, _RESOLVED):
        con.execute(statement)
    row = con.execute("select coalesce(max(node), 0) from nodes").fetchone()
    con.execute(_MEMBERS, {"last": row[0] if row else 0, "mention": MENTION})
    con.execute(
        """
        update mentions set cluster = members.cluster, method = 'name', score = 0.9
        from mention_members as members where mentions.own_key = members.source_id
        """
    )
    for table in ("said_mentions", "mention_names", "parsed_mentions", "found_mentions"):
        con.execute(f"drop table {table}")
