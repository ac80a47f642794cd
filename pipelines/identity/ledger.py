"""The ledger of customer ids: minted once, merged, split, retired, never reused; every change is logged.

Comes in: TEMP `members_now` (system, source_table, source_id, cluster, rank, is_record, party_type), one row
per record or mention-only customer with today's cluster, of those that may have changed hands, and
`concerned_ids`, all ids that they and those gone had (`reach.py`). Goes out: TEMP `decided` (cluster →
customer_id), and the persistent tables `identity.members`, `customer_ids`, `customer_id_changes` and
`member_changes`, brought up to date by difference; an unchanged run writes nothing.

Who keeps an id: each id goes to the cluster that holds most of its members (records before mentions, then
the eldest); of several ids that a cluster so gets, the oldest active one survives and the others become
aliases of it. A cluster that gets none revives the alias that most of its members held up to a merge, if
that alias' members are mostly there: an undone merge gives both ids back. Any other is given a new id, in the
order of its eldest member. A record that was gone and comes back still counts for the id it had.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

_TABLES = """
    create table if not exists identity.members (
        system varchar not null, source_table varchar not null, source_id varchar not null,
        customer_id varchar not null, is_current boolean not null);
    create table if not exists identity.member_changes (
        change_id bigint not null, run_id varchar not null, changed_at timestamp not null,
        system varchar not null, source_table varchar not null, source_id varchar not null,
        customer_id varchar);
    create table if not exists identity.customer_ids (
        customer_id varchar not null, party_type varchar, minted_at timestamp not null,
        minted_run_id varchar not null, status varchar not null, merged_into varchar);
    create table if not exists identity.customer_id_changes (
        change_id bigint not null, run_id varchar not null, changed_at timestamp not null,
        kind varchar not null, customer_id varchar not null, other_customer_id varchar,
        records bigint not null, reason varchar not null);
"""

_CLAIMS = """
    create or replace temp table claims as
    select now.cluster, coalesce(ids.merged_into, earlier.customer_id) as customer_id, count(*) as members,
        count(*) filter (earlier.is_current) as current_members,
        row_number() over (
            partition by coalesce(ids.merged_into, earlier.customer_id)
            order by count(*) filter (now.is_record) desc, count(*) desc, min(now.rank)) = 1 as is_kept
    from members_now as now
    inner join identity.members as earlier using (system, source_table, source_id)
    inner join identity.customer_ids as ids using (customer_id)
    group by now.cluster, coalesce(ids.merged_into, earlier.customer_id)
"""

_KEPT = """
    create or replace temp table kept as
    select cluster, customer_id, false as is_revived
    from claims inner join identity.customer_ids using (customer_id)
    where is_kept
    qualify row_number() over (partition by cluster order by status = 'active' desc, customer_id) = 1
"""

# Where a cluster of known members kept no id: all members, in whatever cluster, of the ids that were split.
_PARTS = """
    create or replace temp table parts as
    select now.cluster, now.rank, system, source_table, source_id,
        coalesce(ids.merged_into, earlier.customer_id) as customer_id
    from members_now as now
    inner join identity.members as earlier using (system, source_table, source_id)
    inner join identity.customer_ids as ids using (customer_id)
    where coalesce(ids.merged_into, earlier.customer_id) in (
        select customer_id from claims anti join kept using (cluster))
"""

# Who held each alias when it was merged. The alias goes to the cluster with most of its holders; that cluster
# revives it if it kept no id and most of its members, of those known before the merge, were holders.
_REVIVED = """
    insert into kept
    with merges as (
        select customer_id, merged_into, max(changed_at) as moment
        from identity.customer_ids inner join identity.customer_id_changes using (customer_id)
        where status = 'merged' and kind = 'merged' and merged_into in (select customer_id from parts)
        group by all),
    spans as (
        select cluster, rank, parts.customer_id as merged_into, changes.customer_id, changed_at as since,
            min(changed_at) over (partition by rank) as first_seen,
            lead(changed_at) over (partition by rank order by change_id) as until
        from parts inner join identity.member_changes as changes using (system, source_table, source_id)
        where changes.customer_id is not null),
    held as (
        select cluster, customer_id, moment, count(distinct rank) as holders, min(rank) as eldest
        from spans inner join merges using (customer_id, merged_into)
        where since < moment and coalesce(until >= moment, true)
        group by cluster, customer_id, moment
        qualify row_number() over (partition by customer_id order by holders desc, eldest) = 1),
    voters as (
        select cluster, held.customer_id, holders, count(distinct rank) as voters
        from held anti join kept using (cluster) inner join spans using (cluster)
        where first_seen < moment
        group by cluster, held.customer_id, holders)
    select cluster, customer_id, true from voters
    where 2 * holders > voters
    qualify row_number() over (partition by cluster order by holders desc, customer_id) = 1
"""

_DECIDED = """
    create or replace temp table decided as
    with clusters as (
        select cluster, min(rank) as eldest, count(*) as members,
            case when bool_or(party_type = 'organisation') then 'organisation'
                else max(party_type) end as party_type
        from members_now group by cluster),
    minted as (
        select cluster, row_number() over (order by eldest) + (
            select coalesce(max(customer_id[2:]::bigint), 0) from identity.customer_ids) as number
        from clusters anti join kept using (cluster))
    select cluster, members, party_type, number is not null as is_minted,
        coalesce(is_revived, false) as is_revived,
        coalesce(customer_id, format('C{:08d}', number)) as customer_id
    from clusters left join kept using (cluster) left join minted using (cluster)
"""

# Which keys tie together what had been apart, for the reason of a merge.
_TIES = """
    create or replace temp table ties as
    with merging as (
        select distinct cluster from claims inner join decided using (cluster)
        where is_kept and claims.customer_id <> decided.customer_id),
    sides as (
        select nodes.node, members.customer_id
        from nodes inner join clusters using (node) inner join merging using (cluster)
        left join identity.members as members using (system, source_table, source_id))
    select clusters.cluster, string_agg(distinct edges.method, ', ' order by edges.method) as methods
    from edges
    inner join sides as one on edges.left_node = one.node
    inner join sides as other on edges.right_node = other.node
    inner join clusters on clusters.node = one.node
    where one.customer_id is distinct from other.customer_id
    group by clusters.cluster
"""

_CHANGES = """
    create or replace temp table id_changes as
    with changes as (
        select 1 as rank, 'minted' as kind, customer_id, null::varchar as other, members,
            'first seen' as reason
        from decided where is_minted
        union all
        select 2, 'restored', customer_id, null, members,
            case when is_revived then 'merge undone' else 'its records came back' end
        from decided inner join identity.customer_ids as ids using (customer_id)
        where is_revived or ids.status = 'retired'
        union all
        select case when is_minted or is_revived then 3 else 4 end,
            case when is_minted or is_revived then 'split' else 'moved' end,
            claims.customer_id, decided.customer_id, claims.members, 'no common key any more'
        from claims inner join decided using (cluster)
        where not is_kept and current_members > 0 and claims.customer_id <> decided.customer_id
        union all
        select 5, 'merged', claims.customer_id, decided.customer_id, claims.members, coalesce(methods, 'name')
        from claims inner join decided using (cluster) left join ties using (cluster)
        where is_kept and claims.customer_id <> decided.customer_id
        union all
        select 6, 'retired', ids.customer_id, null, 0, 'no records left'
        from identity.customer_ids as ids
        where ids.status = 'active' and ids.customer_id in (from concerned_ids)
            and ids.customer_id not in (select customer_id from decided)
            and ids.customer_id not in (select customer_id from claims where is_kept))
    select *, row_number() over (order by rank, customer_id, other) + (
        select coalesce(max(change_id), 0) from identity.customer_id_changes) as change_id
    from changes
"""

_MEMBER_CHANGES = """
    create or replace temp table membership as
    with changes as (
        select now.system, now.source_table, now.source_id, decided.customer_id,
            earlier.customer_id is not null as is_known
        from members_now as now
        inner join decided using (cluster)
        left join identity.members as earlier using (system, source_table, source_id)
        where not coalesce(earlier.is_current, false) or earlier.customer_id <> decided.customer_id
        union all
        select system, source_table, source_id, null, true
        from identity.members anti join members_now using (system, source_table, source_id)
        where is_current and customer_id in (from concerned_ids))
    select *, row_number() over (order by system, source_table, source_id) + (
        select coalesce(max(change_id), 0) from identity.member_changes) as change_id
    from changes
"""


@dataclass(frozen=True)
class LedgerChanges:
    """How many ids a run minted, merged, split off and retired."""

    minted: int
    merged: int
    split: int
    retired: int


def ensure_ledger(con: duckdb.DuckDBPyConnection) -> None:
    """Create the ledger's tables where they aren't there yet."""
    con.execute(_TABLES)


def decide(con: duckdb.DuckDBPyConnection) -> LedgerChanges:
    """Give each cluster of `members_now` its id, as TEMP `decided`, and note what has to change.

    Writes nothing yet. Also needs `nodes`, `clusters` and `edges`, for the reasons of merges.
    """
    for statement in (_CLAIMS, _KEPT, _PARTS):
        con.execute(statement)
    if con.execute("select 1 from parts limit 1").fetchone():
        con.execute(_REVIVED)
    for statement in (_DECIDED, _TIES, _CHANGES, _MEMBER_CHANGES):
        con.execute(statement)
    counts = dict(con.execute("select kind, count(*) from id_changes group by kind").fetchall())
    return LedgerChanges(*(int(counts.get(kind, 0)) for kind in ("minted", "merged", "split", "retired")))


def record(con: duckdb.DuckDBPyConnection, run_id: str, moment: datetime) -> None:
    """Write what `decide` found: into the logs, then into ids and members. Call it in a transaction."""
    about = {"run": run_id, "moment": moment}
    con.execute(
        "insert into identity.customer_id_changes "
        "select change_id, $run, $moment, kind, customer_id, other, members, reason "
        "from id_changes order by change_id",
        about,
    )
    con.execute(
        "insert into identity.member_changes "
        "select change_id, $run, $moment, system, source_table, source_id, customer_id "
        "from membership order by change_id",
        about,
    )
    con.execute(
        "insert into identity.customer_ids select customer_id, party_type, $moment, $run, 'active', null "
        "from decided where is_minted order by customer_id",
        about,
    )
    con.execute(_NEW_STATUS)
    if con.execute("select 1 from decided where is_revived limit 1").fetchone():
        con.execute(_NEW_ALIASES.format(replayed=REPLAYED_IDS), {"as_of": datetime.max})
    con.execute(
        "update identity.customer_ids as ids set party_type = decided.party_type from decided "
        "where ids.customer_id = decided.customer_id and ids.party_type is distinct from decided.party_type"
    )
    con.execute(_NEW_MEMBERS)


_NEW_STATUS = """
    update identity.customer_ids as ids
    set status = case kind when 'restored' then 'active' else kind end,
        merged_into = case when kind = 'merged' then other end
    from id_changes as changes
    where ids.customer_id = changes.customer_id and kind in ('merged', 'retired', 'restored');
    update identity.customer_ids as ids set merged_into = changes.other
    from id_changes as changes where kind = 'merged' and ids.merged_into = changes.customer_id;
"""

# What had been merged into a revived id before that was merged itself points at it again, as the log says.
_NEW_ALIASES = """
    update identity.customer_ids as ids set merged_into = replayed.merged_into
    from ({replayed}) as replayed
    where ids.customer_id = replayed.customer_id and ids.merged_into <> replayed.merged_into
"""

_NEW_MEMBERS = """
    update identity.members as members
    set customer_id = coalesce(changes.customer_id, members.customer_id),
        is_current = changes.customer_id is not null
    from membership as changes
    where changes.is_known and members.system = changes.system and members.source_table = changes.source_table
        and members.source_id = changes.source_id;
    insert into identity.members
    select system, source_table, source_id, customer_id, true
    from membership where not is_known order by change_id;
"""

REPLAYED_IDS = """
    with recursive last_words as (
        select customer_id, arg_max(kind, change_id) as kind,
            arg_max_null(other_customer_id, change_id) as other
        from identity.customer_id_changes
        where kind in ('minted', 'merged', 'retired', 'restored') and changed_at <= $as_of
        group by customer_id),
    followed as (
        select customer_id, kind, other from last_words
        union all
        select followed.customer_id, followed.kind, next.other
        from followed inner join last_words as next on followed.other = next.customer_id
        where next.kind = 'merged')
    select customer_id,
        case max(kind) when 'merged' then 'merged' when 'retired' then 'retired' else 'active' end as status,
        max(other) filter (other not in (select customer_id from last_words where kind = 'merged'))
            as merged_into
    from followed group by customer_id
"""
"""From the log alone: every id's status and final alias target as of the moment $as_of (UTC)."""

REPLAYED_MEMBERS = """
    select system, source_table, source_id, arg_max_null(customer_id, change_id) as customer_id
    from identity.member_changes
    where changed_at <= $as_of
    group by all
    having arg_max_null(customer_id, change_id) is not null
"""
"""From the log alone: which member was whose as of the moment $as_of (UTC)."""


def replay(con: duckdb.DuckDBPyConnection) -> int:
    """Rebuild ids and members from the logs and compare them with the tables.

    Returns:
        How many rows differ; 0 unless somebody has edited a table by hand.
    """
    total = 0
    for replayed, kept in (
        (REPLAYED_IDS, "select customer_id, status, merged_into from identity.customer_ids"),
        (
            REPLAYED_MEMBERS,
            "select system, source_table, source_id, customer_id from identity.members where is_current",
        ),
    ):
        row = con.execute(
            f"with replayed as ({replayed}), kept as ({kept}) select count(*) from "
            "((from replayed except from kept) union all (from kept except from replayed))",
            {"as_of": datetime.max},
        ).fetchone()
        total += int(row[0]) if row else 0
    return total
