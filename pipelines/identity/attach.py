"""Records of which too little is known to be compared: attached where exactly one customer can be meant.

Comes in: `reached`, their numbers and addresses as `reached_usable`, `nodes`, `pairs`, `judged`,
`claims_made`, `buyers`, `address_books`, `edges` and `components`. Goes out: `edges` with one more for each
record, or group of records, that was attached, and `components` with it in its customer's group. Nobody ever
joins two customers in this way: who could belong to several stays alone, and so does whom a person has judged
different from the only one. Those of whom nothing but a name is known come last (`namesakes.py`).
"""

from __future__ import annotations

import duckdb

_SCORE = 0.85

_LABELS = """
    create or replace temp table labels as
    select node, coalesce(components.cluster, node) as cluster
    from reached left join components using (node)
"""

# People of whom only surname or initial is known, at what fits somebody of that surname.
_SURNAMES = """
    create or replace temp table candidates as
    with vague as (
        select cluster from labels inner join nodes using (node)
        group by cluster
        having bool_and(given_name is null or regexp_matches(given_name, '^[a-z]$')))
    select distinct one.cluster, other.cluster as other, pairs.method
    from (
        select left_node, right_node, method from pairs where is_match and is_sparse
        union all
        select right_node, left_node, method from pairs where is_match and is_sparse) as pairs
    inner join labels as one on left_node = one.node
    inner join labels as other on right_node = other.node
    where one.cluster in (from vague) and other.cluster not in (from vague)
"""

# People at a firm's number whose surname is the contact's: of whom no more is known, or whom a salesperson
# has in his WeChat. Who buys, or stands elsewhere by his full name, is a customer of his own, linked to the
# firm.
_PEOPLE_OF_FIRMS = """
    create or replace temp table candidates as
    with attachable as (
        select cluster from labels inner join nodes using (node)
        group by cluster
        having bool_and(party_type is distinct from 'organisation')
            and bool_and(node not in (from buyers)) and bool_and(
                given_name is null or wechat is not null and system in (from address_books))
            and bool_or(surname is not null))
    select distinct people.cluster, firms.cluster as other, one.kind as method
    from reached_usable as one
    inner join reached_usable as two on one.kind = two.kind and one.value = two.value
    inner join nodes as person on one.node = person.node
    inner join labels as people on one.node = people.node
    inner join nodes as firm on two.node = firm.node
    inner join labels as firms on two.node = firms.node
    where one.kind in ('phone', 'email', 'wechat') and firm.party_type = 'organisation'
        and person.surname = two.contact_surname and people.cluster in (from attachable)
"""

# Records without a usable name at somebody's number or address; a person's that sells is no firm's …
_NAMELESS = """
    create or replace temp table candidates as
    with named as (
        select distinct cluster from nodes inner join labels using (node) where name_key is not null)
    select distinct nameless.cluster, others.cluster as other, one.kind as method
    from reached_usable as one
    inner join reached_usable as two on one.kind = two.kind and one.value = two.value
    inner join nodes as record on one.node = record.node
    inner join nodes as customer on two.node = customer.node
    inner join labels as nameless on one.node = nameless.node
    inner join labels as others on two.node = others.node
    where one.kind in ('phone', 'email', 'wechat')
        and nameless.cluster not in (from named) and others.cluster in (from named)
        and (coalesce(record.party_type, customer.party_type) is not distinct from customer.party_type
            or record.system in (from address_books))
"""

# … and those that share a value among themselves only.
_NAMELESS_STARS = """
    create or replace temp table nameless_stars as
    select hub as left_node, node as right_node, min(kind) as method, 0.95 as score
    from (
        select kind, node, min(node) over same as hub, bool_and(name_key is null) over same as all_nameless
        from reached_usable inner join nodes using (node)
        where kind in ('phone', 'email', 'wechat') window same as (partition by kind, value))
    where all_nameless and node <> hub
    group by all
"""

_JUDGED = """
    delete from candidates where (cluster, other) in (
        select unnest([(one.cluster, other.cluster), (other.cluster, one.cluster)])
        from judged
        inner join labels as one on left_node = one.node
        inner join labels as other on right_node = other.node
        where verdict = 'different')
"""

# Where each could be attached to the other, either must mean the other alone, whatever their order.
_ATTACHED = """
    create or replace temp table attached as
    with alone as (
        select cluster, min(other) as other, min(method) as method
        from candidates where cluster <> other
        group by cluster having min(other) = max(other))
    select alone.*
    from alone left join alone as back on alone.other = back.cluster
    where alone.other not in (select cluster from candidates)
        or back.other = alone.cluster and alone.cluster > alone.other
"""

# Two that may not be one customer are not attached to the same: who they are stays open.
_CONFLICTING = """
    delete from attached where cluster in (
        with groups as (
            select cluster, other from attached union all select distinct other, other from attached),
        said as (
            select distinct groups.other, groups.cluster, claim, value
            from groups inner join labels using (cluster) inner join claims_made using (node))
        select one.cluster
        from said as one inner join said as two using (other, claim)
        where one.cluster <> two.cluster and one.value <> two.value
        union
        select unnest([one.cluster, two.cluster])
        from judged
        inner join labels as left_one on left_node = left_one.node
        inner join labels as right_one on right_node = right_one.node
        inner join groups as one on left_one.cluster = one.cluster
        inner join groups as two on right_one.cluster = two.cluster
        where verdict = 'different' and one.other = two.other)
"""


def tie_nameless(con: duckdb.DuckDBPyConnection) -> None:
    """Add to `edges` those between records without a name at one value; `constrain` cuts what may not be."""
    con.execute(_NAMELESS_STARS)
    con.execute("insert into edges from nameless_stars")
    con.execute("drop table nameless_stars")


def attach(con: duckdb.DuckDBPyConnection) -> None:
    """Attach what can mean one customer only; `components` then has every record of `reached`."""
    con.execute(_LABELS)
    for candidates in (_SURNAMES, _PEOPLE_OF_FIRMS, _NAMELESS):
        con.execute(candidates)
        attach_candidates(con)
    con.execute("create or replace temp table components as from labels")
    for table in ("labels", "candidates", "attached"):
        con.execute(f"drop table {table}")


def attach_candidates(con: duckdb.DuckDBPyConnection) -> None:
    """Attach those of `candidates` (cluster, other, method) who can mean one only, in `labels` and `edges`.

    Also needs `judged` and `claims_made`.
    """
    con.execute(_JUDGED)
    con.execute(_ATTACHED)
    con.execute(_CONFLICTING)
    con.execute(f"insert into edges select cluster, other, method, {_SCORE} from attached")
    con.execute(
        "update labels set cluster = attached.other from attached where labels.cluster = attached.cluster"
    )
