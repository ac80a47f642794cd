"""How far a change reaches: which records are matched anew, and about which customers' ids is decided anew.

Comes in: `touched`, `left_behind`, `nodes`, `usable`, `pairs`, `judged` of this run, and what the last one
found (`kept_node_clusters`, `kept_node_identifiers`). Goes out: TEMP `reached` (node), closed in itself: no
record in it matches, shares a number, an address or a WeChat id with, is judged about with, or was one
customer with a record outside. So whatever `match.py` decides about records by more than a bare name can be
decided among these alone, and all others keep what they had.

Then, from `clusters` and `mention_members`: TEMP `concerned_ids` (customer_id) and `members_now`, the members
of all clusters of which a member is reached, has another cluster than before, or had one of these ids. Ids
outside keep their members, and `ledger.py` needs to know nothing of them.
"""

from __future__ import annotations

import duckdb

from pipelines.identity.records import is_true, nothing_kept

SALES = ("orders", "payments", "receivables", "contracts", "service_costs")
"""Entities whose rows say that somebody buys; a system in which nobody does is an address book."""

# Records that have bought, and the systems in which nobody does.
_BUYERS = f"""
    create or replace temp table buyers as
    select distinct node from naming_rows where node is not null and entity in {SALES}
"""
_ADDRESS_BOOKS = """
    create or replace temp table address_books as
    select distinct system from nodes
    where system not in (select system from nodes semi join buyers using (node))
"""

# Whether other systems are address books than when the last run asked, whose people other rules attach.
_HAS_NEW_BOOKS = """
    with kept_books as (
        select distinct system from kept_nodes
        where system not in (
            select system from kept_nodes inner join kept_node_clusters using (node) where is_buyer))
    select exists ((from address_books except from kept_books)
        union all (from kept_books except from address_books))
"""

# What has come or changed, and whom that or what has gone was compared with; who shared a value with it; who
# has begun or ceased to buy; the two of whom a person says something else than before.
_SEEDS = """
    create or replace temp table reached as
    select node from touched
    union
    select usable.node
    from kept_node_identifiers as said
    semi join left_behind using (node)
    inner join usable using (kind, value)
    union
    select node from kept_node_clusters
    where is_buyer <> (node in (from buyers))
    union
    select unnest([left_node, right_node])
    from ((from judged except from kept_judged_pairs) union all (from kept_judged_pairs except from judged))
"""

_STEP = """
    create or replace temp table reached_now as
    select mates.node
    from frontier
    inner join kept_node_clusters as own using (node)
    inner join kept_node_clusters as mates using (component)
    union
    select other.node
    from frontier
    inner join usable as one using (node)
    inner join usable as other using (kind, value)
    where kind in ('phone', 'email', 'wechat')
    union
    select right_node from frontier inner join pairs on node = left_node where is_match
    union
    select left_node from frontier inner join pairs on node = right_node where is_match
    union
    select right_node from frontier inner join judged on node = left_node
    union
    select left_node from frontier inner join judged on node = right_node
"""

# Who is in another cluster than by the last run, as numbered then and now; NULL where there is none.
_RELABELLED = """
    create or replace temp table relabelled as
    select node, now.cluster, kept.cluster as earlier
    from clusters as now full join kept_node_clusters as kept using (node)
    where now.cluster is distinct from kept.cluster
"""

# Clusters, as numbered now or by the last run, with a member that has changed or moved.
_LABELS = """
    create or replace temp table concerned_labels as
    select cluster from relabelled where cluster is not null
    union
    select earlier from relabelled where earlier is not null
    union
    select cluster from clusters semi join touched using (node)
    union
    select cluster from mention_members where cluster <= (select max(node) from nodes)
"""

# A mention whose name is a customer by itself, as it was, concerns nobody.
_MENTIONS = """
    create or replace temp table mentions_known as
    select known.source_id, now.cluster, known.customer_id, known.is_current and not coalesce(
        now.cluster <= (select max(node) from nodes)
            or known.customer_id in (select customer_id from kept_node_clusters), true) as is_settled
    from identity.members as known left join mention_members as now using (source_id)
    where source_table = $mention
"""

_IDS = """
    create or replace temp table concerned_ids as
    with own as (
        select customer_id from kept_node_clusters semi join concerned_labels using (cluster)
        union
        select members.customer_id
        from identity.members as members
        inner join (from fresh_nodes anti join kept_node_clusters using (node))
            using (system, source_table, source_id)
        union
        select customer_id from mentions_known where not is_settled)
    select customer_id from own
    union
    select merged_into from identity.customer_ids semi join own using (customer_id)
    where merged_into is not null
"""
_ALL_IDS = "create or replace temp table concerned_ids as select customer_id from identity.customer_ids"

_MEMBERS_NOW = """
    create or replace temp table members_now as
    with concerned as (
        select node, cluster from clusters
        where $everybody or cluster in (from concerned_labels)
            or node in (select node from kept_node_clusters semi join concerned_ids using (customer_id)))
    select system, source_table, source_id, cluster, node as rank, true as is_record, party_type
    from nodes inner join concerned using (node)
    union all
    select '*', $mention, source_id, cluster, rank, false, party_type
    from (
        select *, (select coalesce(max(node), 0) from nodes) + row_number() over (order by source_id) as rank
        from mention_members)
    where $everybody or source_id not in (
        select source_id from mentions_known
        where is_settled and customer_id not in (from concerned_ids))
"""

# Whose each cluster is, once the ledger has decided.
_OWNERS = """
    create or replace temp table owners as
    select cluster, customer_id from decided
    union all
    select cluster, customer_id from kept_node_clusters semi join nodes using (node)
    where node = cluster and cluster not in (select cluster from decided)
    union all
    select cluster, customer_id from mentions_known
    where is_settled and cluster not in (select cluster from decided)
"""


def find_reached(con: duckdb.DuckDBPyConnection) -> None:
    """Make `reached`, and `buyers` (node) and `address_books` (system), by which it is told, too."""
    con.execute(_BUYERS)
    con.execute(_ADDRESS_BOOKS)
    if nothing_kept(con) or is_true(con, _HAS_NEW_BOOKS):
        con.execute("create or replace temp table reached as select node from nodes")
        return
    con.execute(_SEEDS)
    con.execute("delete from reached where node not in (select node from nodes)")
    con.execute("create or replace temp table frontier as from reached")
    while _grow(con):
        pass
    con.execute("drop table frontier")
    con.execute("drop table reached_now")


def _grow(con: duckdb.DuckDBPyConnection) -> bool:
    """One step further; False when there is none."""
    con.execute(_STEP)
    con.execute(
        "create or replace temp table frontier as "
        "select node from reached_now semi join nodes using (node) anti join reached using (node)"
    )
    con.execute("insert into reached from frontier")
    return bool(con.execute("select 1 from frontier limit 1").fetchone())


def list_relabelled(con: duckdb.DuckDBPyConnection) -> None:
    """Make TEMP `relabelled` (node, cluster, earlier): who is in another cluster than by the last run."""
    con.execute(_RELABELLED)


def find_concerned(con: duckdb.DuckDBPyConnection, mention: str) -> None:
    """Make `concerned_ids` and `members_now`, after `list_relabelled`.

    `mention` is the source_table of members that are no record.
    """
    everybody = nothing_kept(con)
    con.execute(_LABELS)
    con.execute(_MENTIONS, {"mention": mention})
    con.execute(_ALL_IDS if everybody else _IDS)
    con.execute(_MEMBERS_NOW, {"everybody": everybody, "mention": mention})
    con.execute("drop table concerned_labels")
    con.execute("drop table relabelled")


def list_owners(con: duckdb.DuckDBPyConnection) -> None:
    """Make `owners` (cluster, customer_id) for every cluster there is, from `decided` and the last run.

    And `moved` (node), outside of which no record's customer, method or score is another than it was.
    """
    con.execute(_OWNERS)
    con.execute(
        "create or replace temp table moved as select node from reached "
        "union select rank from members_now where is_record"
    )
    con.execute("drop table mentions_known")
