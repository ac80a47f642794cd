"""Rows that name a customer without pointing at a record: a ledger row's name, a call's number.

Comes in: the `quality.passed_<entity>` views with who-columns, and the clusters of the customers' records.
Goes out: TEMP tables `mentions` (every distinct mention with its cluster, or none) and `mention_members`
(customers that only mentions know of). Each distinct mention is resolved once; rows get theirs by a join.
What was found is kept, and asked again only where a change concerns whom its number, address or name belongs
to; so are the parts of its name, number and address, as long as a row says them.

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

_ROWS = """
    select {rank} as rank, '{entity}' as entity, {business} as is_business, system, source_table, source_id,
        customer_source_id, customer_name, customer_phone, customer_email
    from quality.passed_{entity}
"""

# One row per source row that names a customer: the record it points at, else the hash of what it says.
_NAMING_ROWS = """
    create or replace temp table naming_rows as
    select rank, entity, is_business, rows.system, source_table, source_id, node, case when node is null then
            hash(rows.system, coalesce(customer_name, ''), coalesce(customer_phone, ''),
                coalesce(customer_email, '')) end as mention,
        case when node is null then coalesce(customer_name, '') end as customer_name,
        case when node is null then coalesce(customer_phone, '') end as customer_phone,
        case when node is null then coalesce(customer_email, '') end as customer_email
    from ({rows}) as rows
    left join customer_references using (system, customer_source_id)
"""

_SAID_MENTIONS = """
    create or replace temp table said_mentions as
    select mention, any_value(system) as system, any_value(customer_name) as customer_name,
        any_value(customer_phone) as customer_phone, any_value(customer_email) as customer_email,
        bool_or(is_business) as is_business
    from naming_rows where mention is not null
    group by mention
"""

# Who has changed, gone, or is in another cluster than before; what they said and what is said anew, and the
# values that have become shared, or are so no longer.
_AFFECTED = (
    """
    create or replace temp table affected_nodes as
    select node from left_behind union select node from relabelled
""",
    """
    create or replace temp table affected_values as
    select kind, value from kept_node_identifiers semi join affected_nodes using (node)
    union select kind, value from fresh_identifiers
    union (from shared_values except from kept_shared_values)
    union (from kept_shared_values except from shared_values)
""",
    """
    create or replace temp table affected_names as
    with said as (
        select firm_key, name_normalised, core_name from kept_nodes semi join affected_nodes using (node)
        union all select firm_key, name_normalised, core_name from fresh_nodes),
    forms as (select distinct unnest([firm_key, name_normalised, core_name]) as form from said)
    select raw from kept_mention_names
    where exists (from forms where form = firm_key) or exists (from forms where form = name_normalised)
        or exists (from forms where form = core_name)
""",
)

# What was found for a mention that no change concerns; the rest is asked anew.
_SETTLED = """
    create or replace temp table settled_mentions as
    with numbers as (
        select raw from kept_mention_values semi join affected_values using (kind, value)
        where kind = 'phone'),
    addresses as (
        select raw from kept_mention_values semi join affected_values using (kind, value)
        where kind = 'email')
    select kept.*, is_business
    from kept_mentions as kept inner join said_mentions using (mention)
    where customer_name not in (from affected_names) and customer_phone not in (from numbers)
        and customer_email not in (from addresses)
"""

_NEW_NAMES = """
    create or replace temp table new_names as
    select distinct customer_name as raw, null::varchar as given_type
    from asked_mentions anti join kept_mention_names on customer_name = raw
    where customer_name <> ''
"""

# One kind by itself: DuckDB, given both macros in one query, takes the long way of each for every value.
_NEW_VALUES = """
    insert into fresh_mention_values
    with kept as (select raw from kept_mention_values where kind = '{kind}'),
    said as (select distinct {column} as raw from asked_mentions where {column} <> '')
    select '{kind}', raw, {macro}(raw) from said anti join kept using (raw)
"""
_MACROS = {"phone": ("customer_phone", "phone_number"), "email": ("customer_email", "email_address")}

_PARSED = """
    create or replace temp table parsed_mentions as
    with names as (from kept_mention_names union all from fresh_mention_names),
    known as (from kept_mention_values union all from fresh_mention_values),
    numbers as (select raw, value from known where kind = 'phone' and value is not null),
    addresses as (select raw, value from known where kind = 'email' and value is not null)
    select said.*, names.* exclude (raw), numbers.value as number, addresses.value as address
    from asked_mentions as said
    left join names on said.customer_name = names.raw
    left join numbers on said.customer_phone = numbers.raw
    left join addresses on said.customer_email = addresses.raw
"""

# What the mention's number or address belongs to, if its name doesn't speak against it.
_BY_IDENTIFIER = """
    create or replace temp table found_mentions as
    with asked as (
        select *, 'phone' as kind, number as value from parsed_mentions where number is not null
        union all
        select *, 'email', address from parsed_mentions where address is not null)
    select mention, kind as method, min(cluster) as cluster, min(cluster) <> max(cluster) as is_ambiguous
    from asked as said
    anti join shared_values using (kind, value)
    inner join node_identifiers as identifiers using (kind, value)
    inner join nodes as owner using (node)
    inner join clusters using (node)
    where said.name_key is null or owner.name_key is null or said.name_key = owner.name_key
        or (said.party_type = 'organisation' and owner.party_type = 'organisation'
            and (contains(said.core_name, owner.core_name) or contains(owner.core_name, said.core_name)))
        or (said.party_type = 'person' and owner.party_type = 'organisation'
            and (said.surname = identifiers.contact_surname
                or contains(owner.core_name, said.name_normalised)))
    group by mention, kind
"""

# Firms by name: the registered name in full, the name as written, or, where the mention doesn't say the
# place, the core alone if only one customer has it.
_BY_NAME = """
    insert into found_mentions
    with asked as (
        select mention, 1 as rank, firm_key as form from parsed_mentions where firm_key is not null
        union all
        select mention, 2, name_normalised from parsed_mentions where party_type is distinct from 'person'
        union all
        select mention, 3, core_name from parsed_mentions
        where party_type = 'organisation' and place is null),
    named as (
        select node, firm_key, name_normalised, core_name from nodes
        where party_type = 'organisation' and name_normalised is not null),
    forms as (
        select 1 as rank, firm_key as form, node from named
        union all select 2, name_normalised, node from named
        union all select 3, core_name, node from named where length(core_name) > 2),
    owned as (
        select rank, form, min(cluster) as cluster, min(cluster) <> max(cluster) as is_ambiguous
        from forms semi join asked using (rank, form) inner join clusters using (node)
        group by rank, form)
    select mention, 'name', arg_min(cluster, rank), arg_min(is_ambiguous, rank)
    from asked inner join owned using (rank, form)
    group by mention
"""

_FOUND = """
    create or replace temp table fresh_mentions as
    with best as (
        select mention,
            arg_min(struct_pack(cluster := cluster, method := method),
                case method when 'email' then 1 when 'phone' then 2 else 3 end
            ) filter (not is_ambiguous) as found,
            bool_or(is_ambiguous and method = 'name') as is_ambiguous
        from found_mentions group by mention)
    select mention, party_type, case when name_normalised is not null then
            case when party_type = 'organisation' then 'organisation|' || coalesce(firm_key, name_normalised)
                else coalesce(party_type, 'unknown') || '|' || system || '|' || name_normalised end
            end as name_says,
        best.found.cluster as cluster, best.found.method as method,
        coalesce(best.is_ambiguous, false) as is_ambiguous, is_business
    from parsed_mentions left join best using (mention)
"""

_RESOLVED = """
    create or replace temp table mentions as
    select mention, is_business, party_type, cluster, method,
        case method when 'email' then 0.97 when 'phone' then 0.95 when 'name' then 0.9 end as score,
        name_says, case when cluster is null and not is_ambiguous then name_says end as own_key
    from (from settled_mentions union all by name from fresh_mentions)
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


TABLES = """
    create table if not exists identity.mentions (
        mention ubigint not null, party_type varchar, name_says varchar, cluster bigint, method varchar,
        is_ambiguous boolean not null);
    create table if not exists identity.mention_names (
        raw varchar not null, party_type varchar, name_normalised varchar, core_name varchar,
        firm_key varchar, place varchar, surname varchar, name_key varchar);
    create table if not exists identity.mention_values (
        kind varchar not null, raw varchar not null, value varchar);
"""
"""What the next run needs to resolve only mentions that are new or that a change concerns, and to take apart
only names, numbers and addresses that are new. `mentions` has what was found for each (by its hash) before
any became a customer of its own."""


def read_rows(con: duckdb.DuckDBPyConnection) -> None:
    """Make TEMP `naming_rows`: every row of `ENTITIES` with its node or the hash of what it says.

    Needs `customer_references` of `records.py`. Columns: rank (its entity's place in `ENTITIES`), entity,
    is_business, the key, node or else mention, customer_name, customer_phone, customer_email ('' for NULL).
    """
    rows = " union all ".join(
        _ROWS.format(rank=rank, entity=entity, business=str(entity in BUSINESS).lower())
        for rank, entity in enumerate(ENTITIES)
    )
    con.execute(_NAMING_ROWS.format(rows=rows))


def resolve_mentions(con: duckdb.DuckDBPyConnection) -> None:
    """Make `mentions` and `mention_members` as TEMP tables, and what `keep_mentions` writes.

    Needs `naming_rows`, the tables of `records.py`, `clusters` (node, cluster: one row per node),
    `relabelled` of `reach.py`, and the views kept_… of `resolve.py`.

    `mentions`: mention (the hash), cluster, method, score; cluster is NULL for the unresolved.
    `mention_members`: source_id, party_type, cluster of customers without a record.
    """
    con.execute(_SAID_MENTIONS)
    for statement in (*_AFFECTED, _SETTLED):
        con.execute(statement)
    con.execute("create or replace temp table asked_mentions as "
                "from said_mentions anti join settled_mentions using (mention)")  # fmt: skip
    _parse_new(con)
    for statement in (_PARSED, _BY_IDENTIFIER, _BY_NAME, _FOUND, _RESOLVED):
        con.execute(statement)
    row = con.execute("select coalesce(max(node), 0) from nodes").fetchone()
    con.execute(_MEMBERS, {"last": row[0] if row else 0, "mention": MENTION})
    con.execute(
        """
        update mentions set cluster = members.cluster, method = 'name', score = 0.9
        from mention_members as members where mentions.own_key = members.source_id
        """
    )
    for table in ("affected_nodes", "affected_values", "affected_names", "asked_mentions", "parsed_mentions",
                  "found_mentions"):  # fmt: skip
        con.execute(f"drop table {table}")


def _parse_new(con: duckdb.DuckDBPyConnection) -> None:
    """TEMP `fresh_mention_names` and `fresh_mention_values`: what no earlier run has parsed."""
    for name in ("mention_names", "mention_values"):
        con.execute(f"create or replace temp table fresh_{name} as from kept_{name} limit 0")
    con.execute(_NEW_NAMES)
    # To parse no names costs as much as to parse a few thousand.
    if con.execute("select 1 from new_names limit 1").fetchone():
        parse_names(con, "new_names", "parts_of_names")
        con.execute(
            "insert into fresh_mention_names select raw, party_type, name_normalised, core_name, firm_key, "
            "place, surname, name_key from parts_of_names"
        )
        con.execute("drop table parts_of_names")
    con.execute("drop table new_names")
    for kind, (column, macro) in _MACROS.items():
        con.execute(_NEW_VALUES.format(kind=kind, column=column, macro=macro))


def keep_mentions(con: duckdb.DuckDBPyConnection) -> None:
    """Bring identity.mentions and its companions to what rows say. Call it in a transaction."""
    con.execute("delete from identity.mentions where mention not in (select mention from settled_mentions)")
    con.execute("insert into identity.mentions select * exclude (is_business) from fresh_mentions")
    con.execute(
        "delete from identity.mention_names where raw not in (select customer_name from said_mentions) "
        "or raw in (select raw from fresh_mention_names)"
    )
    for kind, (column, _) in _MACROS.items():
        con.execute(
            f"delete from identity.mention_values where kind = '{kind}' "
            f"and (raw not in (select {column} from said_mentions) "
            f"or raw in (select raw from fresh_mention_values where kind = '{kind}'))"
        )
    for name in ("mention_names", "mention_values"):
        con.execute(f"insert into identity.{name} from fresh_{name}")
