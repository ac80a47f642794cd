"""Which records are one customer: edges between nodes, by exact keys.

Comes in: the TEMP tables of `records.py`. Goes out: the TEMP table `edges` (left_node, right_node, method,
score). A matcher gives edges and nothing else; ids are the business of `resolve.py`, so another matcher
(scores of a trained model, say) takes this one's place without a change elsewhere.

The rules: a valid credit code joins without condition; an e-mail address joins what is of one kind (person
or firm); a phone joins people of one surname, and firms whose names begin alike or of which one contains the
other; a registered firm name in full joins. Two valid credit codes keep firms apart that only phone, mail or
name would join. A person joins a firm whose contact has that surname at that number, and a record without a
name joins by its number, a firm of which only a short name is known by that name: but only where exactly one
customer can be meant, so that none of them ever bridges two.
Edges are stars around each group's smallest node: their number grows with the records, never with pairs.
"""

from __future__ import annotations

import logging
from typing import Protocol

import duckdb

from pipelines.i18n import t
from pipelines.identity.cluster import connect_components

_log = logging.getLogger("guike.identity")
LARGEST_CUSTOMER = 500
"""Records of one customer; a larger component is taken for a mistake and cut back to its credit codes."""


class Matcher(Protocol):
    """Fills the TEMP table `edges` from `nodes`, `node_identifiers` and `shared_values`."""

    def __call__(self, con: duckdb.DuckDBPyConnection) -> None: ...


# One row per record and key that may join it. `group_key` says which of the records with the same value
# may join at all; records without one (no name, unknown kind) wait for `_NAMELESS`.
_KEYED = """
    create or replace temp table keyed as
    with usable as (
        select identifiers.kind, identifiers.value, nodes.node, nodes.core_name, nodes.party_type,
            nodes.name_key, nodes.credit_code_normalised as code, nodes.surname, identifiers.contact_surname
        from node_identifiers as identifiers
        inner join nodes using (node)
        where (identifiers.kind, identifiers.value) not in (select (kind, value) from shared_values)
        union all
        select 'name', firm_key, node, core_name, party_type, name_key, credit_code_normalised, null, null
        from nodes where firm_key is not null),
    lettered as (
        select *,
            case when kind = 'phone' then name_key
                when kind = 'email' then case when name_key is not null then coalesce(party_type, '?') end
                else '' end as letter
        from usable)
    select *,
        case when kind in ('credit_code', 'tax_number') then ''
            when min(code) over same <> max(code) over same then letter || ' ' || coalesce(code, '')
            else letter end as group_key
    from lettered
    window same as (partition by kind, value, letter)
"""

_STARS = """
    create or replace temp table edges as
    select hub as left_node, node as right_node, kind as method, null::double as score
    from keyed inner join (
        select kind, value, group_key, min(node) as hub from keyed where group_key is not null group by all
    ) using (kind, value, group_key)
    where node <> hub
"""

# Firms at one number whose names don't begin alike, but one name contains the other.
_CONTAINED = """
    insert into edges
    with spellings as (
        select value, group_key, core_name, min(node) as hub, min(code) as code
        from keyed
        where kind = 'phone' and party_type = 'organisation' and group_key is not null
            and length(core_name) > 1
        group by all)
    select distinct one.hub, other.hub, 'phone', null::double
    from spellings as one
    inner join spellings as other on one.value = other.value and one.group_key < other.group_key
    where (contains(one.core_name, other.core_name) or contains(other.core_name, one.core_name))
        and (one.code is null or other.code is null or one.code = other.code)
"""

# People at a firm's number whose surname is the contact's.
_PEOPLE_OF_FIRMS = """
    create or replace temp table candidates as
    with labelled as (
        select keyed.*, coalesce(components.cluster, keyed.node) as cluster
        from keyed left join components using (node)
        where kind in ('phone', 'email'))
    select distinct people.cluster as cluster, firms.cluster as other, people.kind as method
    from labelled as people
    inner join labelled as firms on people.kind = firms.kind and people.value = firms.value
    where people.party_type = 'person' and firms.party_type = 'organisation'
        and people.surname = firms.contact_surname
"""

# Records without a usable name at somebody's number or address.
_NAMELESS = """
    create or replace temp table candidates as
    with labelled as (
        select keyed.*, coalesce(components.cluster, keyed.node) as cluster
        from keyed left join components using (node)
        where kind in ('phone', 'email')),
    named as (
        select distinct coalesce(components.cluster, nodes.node) as cluster
        from nodes left join components using (node) where nodes.name_key is not null)
    select distinct nameless.cluster as cluster, others.cluster as other, nameless.kind as method
    from labelled as nameless
    inner join labelled as others on nameless.kind = others.kind and nameless.value = others.value
    where nameless.cluster not in (from named) and others.cluster in (from named)
"""

# … and those that share a value among themselves only.
_NAMELESS_STARS = """
    insert into edges
    select hub, node, kind, null::double
    from (
        select kind, node, min(node) over same as hub, bool_and(name_key is null) over same as all_nameless
        from keyed where kind in ('phone', 'email') window same as (partition by kind, value))
    where all_nameless and node <> hub
"""

# Firms of which nothing but a name is known, and that without place or legal form: the one firm of that name.
_BARE_NAMES = """
    create or replace temp table candidates as
    with firms as (
        select nodes.node, coalesce(components.cluster, nodes.node) as cluster, core_name,
            place is null and node not in (select node from node_identifiers) as is_bare
        from nodes left join components using (node)
        where party_type = 'organisation' and length(core_name) > 2),
    known as (select core_name, cluster, bool_and(is_bare) over (partition by cluster) as is_bare from firms)
    select distinct bare.cluster as cluster, known.cluster as other, 'name' as method
    from firms as bare inner join known using (core_name)
    where bare.is_bare and not known.is_bare
        and bare.cluster in (select cluster from known where is_bare)
"""

_UNAMBIGUOUS = """
    insert into edges
    select cluster, min(other), min(method), 0.85
    from candidates
    group by cluster
    having min(other) = max(other)
"""

_SCORES = """
    update edges set
        method = case method when 'tax_number' then 'credit_code' else method end,
        score = coalesce(score, case method
            when 'credit_code' then 1.0 when 'tax_number' then 0.98 when 'email' then 0.97
            when 'phone' then 0.95 else 0.92 end)
"""


def match_exactly(con: duckdb.DuckDBPyConnection) -> None:
    """The `Matcher` of exact keys; see the module's docstring for its rules."""
    for statement in (_KEYED, _STARS, _CONTAINED, _NAMELESS_STARS):
        con.execute(statement)
    for candidates in (_PEOPLE_OF_FIRMS, _NAMELESS, _BARE_NAMES):
        connect_components(con, "edges", "components")
        con.execute(candidates)
        con.execute(_UNAMBIGUOUS)
    con.execute(_SCORES)
    for table in ("keyed", "candidates", "components"):
        con.execute(f"drop table {table}")


def guard_size(con: duckdb.DuckDBPyConnection, largest: int = LARGEST_CUSTOMER) -> int:
    """Find the components of `edges` as `components`; cut those over `largest` records back to credit codes.

    Returns:
        How many components were cut back.
    """
    connect_components(con, "edges", "components")
    row = con.execute(
        "select count(*) from (select cluster from components group by cluster having count(*) > ?)",
        [largest],
    ).fetchone()
    oversized = int(row[0]) if row else 0
    if oversized:
        _log.warning(
            t(
                "{count} groups of records that would be one customer have more than {largest} records; "
                "only their credit codes are believed.",
                count=oversized, largest=largest,
            )
        )  # fmt: skip
        con.execute(
            "delete from edges where method <> 'credit_code' and left_node in "
            "(select node from components where cluster in "
            "(select cluster from components group by cluster having count(*) > ?))",
            [largest],
        )
        connect_components(con, "edges", "components")
    return oversized
