"""The identity stage: which records and rows are one customer, under ids that last.

Comes in: the `quality.passed_<entity>` views. Goes out: `identity.records`, `identity.identifiers`,
`identity.customer_xref` (one row per source row that names a customer), `identity.unresolved`, and the
ledger of ids (`ledger.py`). normalise → match → resolve; all of it SQL, written in one transaction, each
table by difference, so that a killed run leaves nothing and an unchanged one changes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import duckdb

from pipelines.i18n import t
from pipelines.identity import (
    constrain,
    history,
    judgements,
    ledger,
    match,
    mentions,
    namesakes,
    records,
    review,
)
from pipelines.identity.match import MODELS, Matcher, keep_clusters, keep_matches, match_by_models
from pipelines.identity.mentions import MENTION, keep_mentions, read_rows, resolve_mentions
from pipelines.identity.model import load_model
from pipelines.identity.namesakes import keep_shares
from pipelines.identity.normalise import install_macros
from pipelines.identity.reach import find_concerned, list_owners, list_relabelled
from pipelines.identity.records import (
    build_records,
    define_views,
    is_true,
    keep_records,
    repeats_key,
    rules_signature,
)
from pipelines.identity.review import build_queue, keep_queue
from pipelines.settings import Settings
from warehouse import store

_log = logging.getLogger("guike.identity")
MOST_NAMES = 5
"""A phone number or e-mail address under more distinct names than this is a switchboard's: nobody's own."""

_TABLES = """
    create table if not exists identity.customer_xref (
        system varchar not null, source_table varchar not null, source_id varchar not null,
        customer_id varchar not null, method varchar not null, score double not null,
        decided_at timestamp not null, run_id varchar not null, valid_from timestamp);
    alter table identity.customer_xref add column if not exists valid_from timestamp;
    create table if not exists identity.unresolved (
        entity varchar not null, system varchar not null, source_table varchar not null,
        rows bigint not null);
    create table if not exists identity.matcher_state (
        signature varchar not null, records bigint not null, matched_at timestamp not null);
"""

_KEPT = (
    "nodes", "node_identifiers", "shared_values", "pairs", "blocking_keys", "frequencies", "cut_edges",
    "node_clusters", "judged_pairs", "name_shares", "mentions", "mention_names", "mention_values",
)  # fmt: skip
_REBUILD_SHARE = 0.2
"""Beyond so many new or changed records all is matched anew, and names are counted anew."""

_JUDGED = """
    create or replace temp table judged as
    select distinct least(one.node, other.node) as left_node, greatest(one.node, other.node) as right_node,
        verdict
    from judgements
    inner join nodes as one
        on left_system = one.system and left_table = one.source_table and left_id = one.source_id
    inner join nodes as other
        on right_system = other.system and right_table = other.source_table and right_id = other.source_id
    where one.node <> other.node
"""

# Source tables with nothing but customers' records, now and before: of these only those that moved are
# looked at.
_RECORD_TABLES = """
    create or replace temp table record_tables as
    with kept as (select system, source_table, count(*) as rows from kept_nodes group by all)
    select system, source_table
    from (select system, source_table, count(*) as rows from identity.customer_xref group by all)
    semi join kept using (system, source_table, rows)
    anti join xref_now using (system, source_table)
"""

_RECORD_ROWS = """
    insert into xref_now
    with wanted as (
        select node, system, source_table, source_id from nodes
        where node in (from moved) or (system, source_table) not in (from record_tables)),
    named as (
        select node, method, max(score) as score
        from (
            select left_node as node, method, score from edges where method = 'name'
            union all select right_node, method, score from edges where method = 'name')
        group by all)
    select system, source_table, source_id, customer_id,
        coalesce(case when named.score > coalesce(node_clusters.score, 0) then named.method end,
            node_clusters.method, 'own') as method,
        coalesce(greatest(node_clusters.score, named.score), 1.0) as score
    from wanted
    inner join node_clusters using (node)
    inner join owners using (cluster)
    left join named using (node)
"""

# One row per source row: the reference to a record of its own system, else what its mention means.
_ENTITY_ROWS = """
    create or replace temp table entity_rows as
    with referenced as (
        select node, customer_id from clusters inner join owners using (cluster)
        where node in (select node from naming_rows)),
    mentioned as (
        select mention, customer_id, method, score from mentions inner join owners using (cluster))
    select rank, entity, system, source_table, source_id,
        coalesce(referenced.customer_id, mentioned.customer_id) as customer_id,
        case when node is null then mentioned.method else 'reference' end as method,
        cast(case when node is null then mentioned.score else 1 end as double) as score
    from naming_rows
    left join referenced using (node)
    left join mentioned using (mention)
"""


@dataclass(frozen=True)
class IdentityResult:
    """What the stage found.

    Attributes:
        records: customers records, mentions: rows of other entities that name a customer.
        customers: ids in force. minted, merged, split: changes of this run.
        unresolved: rows whose customer could not be told.
    """

    records: int
    mentions: int
    customers: int
    minted: int
    merged: int
    split: int
    unresolved: int


def run_identity(
    settings: Settings, run_id: str, matcher: Matcher = match_by_models, *, rebuild: bool = False
) -> IdentityResult:
    """Resolve all records and rows that gate 1 let through, and keep the result.

    New and changed records are matched against all, the others keep their pairs; but all are matched anew
    when the rules have changed, or more than a fifth of the records.

    Args:
        settings: where the warehouse is.
        run_id: written beside everything that this run decides.
        matcher: gives the edges between records.
        rebuild: match all records anew, whatever earlier runs found.
    """
    with store.connect(settings) as con:
        store.ensure_schemas(con)
        con.execute(_TABLES)
        ledger.ensure_ledger(con)
        history.ensure_history(con)
        for module in (records, match, constrain, namesakes, mentions, review):
            con.execute(module.TABLES)
        install_macros(con)
        judgements.load(con, settings)
        with _told(t("names, numbers and codes normalised")):
            is_new = _normalise(con, rebuild)
            read_rows(con)
        with _told(t("records matched")):
            con.execute(_JUDGED)
            matcher(con)
            list_relabelled(con)
            build_queue(con)
        with _told(t("mentions resolved")):
            resolve_mentions(con)
        find_concerned(con, MENTION)
        changes = ledger.decide(con)
        list_owners(con)
        with _told(t("rows given their customer")):
            _build_xref(con)
        with _told(t("identity written")):
            _write(con, run_id, store.now(), is_new)
        return _result(con, changes)


def _signature() -> str:
    return "-".join([rules_signature(), *(load_model(name).signature() for name in MODELS)])


def _normalise(con: duckdb.DuckDBPyConnection, rebuild: bool) -> bool:
    """Make the records; returns whether all of them are matched anew."""
    state = con.execute("select signature, records from identity.matcher_state").fetchone()
    is_same = state is not None and state[0] == _signature()
    _look_back(con, nothing=rebuild or not is_same)
    build_records(con, MOST_NAMES)
    if rebuild or state is None or not is_same:
        return True
    row = con.execute("select (select count(*) from fresh_inputs), (select count(*) from nodes)").fetchone()
    assert row is not None
    fresh, now = row
    if fresh > _REBUILD_SHARE * now or abs(now - state[1]) > _REBUILD_SHARE * state[1]:
        _look_back(con, nothing=True)
        build_records(con, MOST_NAMES)
        return True
    return False


def _look_back(con: duckdb.DuckDBPyConnection, *, nothing: bool) -> None:
    """The views kept_…: what earlier runs found, or nothing."""
    for name in _KEPT:
        con.execute(
            f"create or replace temp view kept_{name} as select * from identity.{name} where {not nothing}"
        )


@contextmanager
def _told(what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    _log.info(t("identity: {what}, {seconds:.1f} s", what=what, seconds=time.monotonic() - started))


def _build_xref(con: duckdb.DuckDBPyConnection) -> None:
    """TEMP `xref_now`: every row with its customer; TEMP `unresolved_now`: the others, counted.

    Records that have not moved are left out, but where their table has other rows, too.
    """
    con.execute(_ENTITY_ROWS)
    con.execute(
        "create or replace temp table unresolved_now as "
        "select entity, system, source_table, count(*) as rows from entity_rows "
        "where customer_id is null group by all"
    )
    _add_rows(con)
    con.execute("drop table entity_rows")
    con.execute(_RECORD_TABLES)
    con.execute(_RECORD_ROWS)


def _add_rows(con: duckdb.DuckDBPyConnection) -> None:
    """Make `xref_now` from `entity_rows`, but no key a second time, and no record's.

    Rows of one source table may be two entities', and a careless source repeats a key; only where either is
    the case, the keys are compared.
    """
    key = "system, source_table, source_id"
    source = "entity_rows where customer_id is not null"
    if repeats_key(con, "entity_rows"):
        source += (
            f" qualify row_number() over (partition by {key} order by rank, score desc, customer_id, method)"
            " = 1"
        )
    con.execute(
        f"create or replace temp table xref_now as select {key}, customer_id, method, score from {source}"
    )
    tables = "(select distinct system, source_table from entity_rows)"
    if is_true(con, f"select exists (from nodes semi join {tables} using (system, source_table))"):
        con.execute(f"delete from xref_now where ({key}) in (select ({key}) from nodes)")


def _write(con: duckdb.DuckDBPyConnection, run_id: str, moment: datetime, is_new: bool) -> None:
    """Everything in one transaction, each table by difference."""
    con.begin()
    try:
        ledger.record(con, run_id, moment)
        _write_xref(con, run_id, moment)
        keep_matches(con)
        keep_shares(con)
        keep_mentions(con)
        keep_clusters(con)
        keep_queue(con, run_id, moment)
        if is_new:
            con.execute("delete from identity.matcher_state")
            con.execute(
                "insert into identity.matcher_state select ?, count(*), ? from nodes", [_signature(), moment]
            )
        con.execute("delete from identity.unresolved")
        con.execute("insert into identity.unresolved from unresolved_now")
        keep_records(con)
        define_views(con)
        con.commit()
    except BaseException:
        con.rollback()
        raise


def _write_xref(con: duckdb.DuckDBPyConnection, run_id: str, moment: datetime) -> None:
    """Delete what is gone or different and insert what is new; unchanged source tables are left alone.

    A table is unchanged when the hashes of its rows agree (see `store.content_hash`), which costs a fraction
    of comparing row by row. Of `record_tables`, the records that have moved are compared.
    """
    group_hash = (
        "select system, source_table, count(*) as rows, sum(h::hugeint) as total, bit_xor(h) as mixed "
        "from (select system, source_table, hash(source_id, customer_id, method, score) as h from {table} "
        "anti join record_tables using (system, source_table)) group by all"
    )
    con.execute(
        f"""
        create or replace temp table changed_tables as
        with now as ({group_hash.format(table="xref_now")}),
        kept as ({group_hash.format(table="identity.customer_xref")})
        select distinct system, source_table
        from ((from now except from kept) union all (from kept except from now));
        create or replace temp table moved_keys as
        select system, source_table, source_id from nodes semi join moved using (node)
        union all
        select system, source_table, source_id from kept_nodes semi join left_behind using (node)
        """
    )
    con.execute(
        """
        create or replace temp table xref_differing as
        with kept as (
            select rowid as row_number, * from identity.customer_xref
            semi join changed_tables using (system, source_table)
            union all
            select rowid, * from identity.customer_xref
            semi join record_tables using (system, source_table)
            semi join moved_keys using (system, source_table, source_id)),
        now as (
            select * from xref_now
            semi join (from changed_tables union all from record_tables) using (system, source_table))
        select system, source_table, source_id, customer_id, method, score, row_number,
            coalesce(kept.valid_from, kept.decided_at) as valid_from
        from now
        full join kept using (system, source_table, source_id, customer_id, method, score)
        where row_number is null or now.system is null;
        create or replace temp table xref_new as
        select * exclude (row_number, valid_from) from xref_differing where row_number is null;
        create or replace temp table xref_gone as
        select * exclude (method, score) from xref_differing where row_number is not null;
        """
    )
    history.keep_past(con, moment)
    con.execute("delete from identity.customer_xref where rowid in (select row_number from xref_gone)")
    con.execute(
        "insert into identity.customer_xref "
        "select system, source_table, source_id, customer_id, method, score, "
        "$moment, $run, coalesce(gone.valid_from, $moment) "
        "from xref_new left join xref_gone as gone using (system, source_table, source_id, customer_id)",
        {"moment": moment, "run": run_id},
    )


def _result(con: duckdb.DuckDBPyConnection, changes: ledger.LedgerChanges) -> IdentityResult:
    row = con.execute(
        """
        select (select count(*) from identity.nodes),
            (select count(*) from identity.customer_xref) - (select count(*) from identity.nodes),
            (select count(*) from identity.customer_ids where status = 'active'),
            (select coalesce(sum(rows), 0)::bigint from identity.unresolved)
        """
    ).fetchone()
    assert row is not None
    records, mentions, customers, unresolved = (int(value) for value in row)
    _log.info(
        t(
            "identity: {records} records and {mentions} rows belong to {customers} customers; "
            "{minted} new, {merged} merged, {split} split off; {unresolved} rows could not be told",
            records=records, mentions=mentions, customers=customers, minted=changes.minted,
            merged=changes.merged, split=changes.split, unresolved=unresolved,
        )
    )  # fmt: skip
    return IdentityResult(
        records, mentions, customers, changes.minted, changes.merged, changes.split, unresolved
    )
