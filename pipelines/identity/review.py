"""The pairs of records that a person should look at.

Comes in: TEMP `pairs`, `cut_edges`, `judged`, `clusters`, `reached`, `relabelled`. Goes out:
`identity.review_queue`, one row for any two groups of records that may be one customer: the likeliest pair of
records between them, what agrees and what doesn't, in words, and why it wasn't decided. What a person has
judged is not asked again; what no change concerns stays asked.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import duckdb

from pipelines.identity.match import MODELS
from pipelines.identity.model import Comparison, Model, load_model
from pipelines.identity.normalise import quoted
from pipelines.identity.records import nothing_kept

# Customers of whom something is new, also that a record has left them, and their records, those that have
# gone, too.
_CONCERNED = (
    """
    create or replace temp table asked_clusters as
    select distinct cluster from clusters
    where node in (from reached)
        or cluster in (select unnest([cluster, earlier]) from relabelled)
""",
    """
    create or replace temp table asked_nodes as
    select node from clusters where cluster in (from asked_clusters)
    union all select node from relabelled where cluster is null
""",
)

_QUEUE = """
    create or replace temp table queue_now as
    with doubtful as (
        select left_node, right_node, score, method,
            case when is_capped and score >= {merge} then 'names differ' else 'not sure' end as reason,
            model, levels
        from pairs where not is_match
        union all
        select cut.left_node, cut.right_node, cut.score, cut.method, cut.reason, model, levels
        from cut_edges as cut left join pairs using (left_node, right_node)),
    apart as (
        select doubtful.*, least(one.cluster, other.cluster) as low, greatest(one.cluster,
            other.cluster) as high
        from doubtful
        inner join clusters as one on left_node = one.node
        inner join clusters as other on right_node = other.node
        where one.cluster <> other.cluster
            and (one.cluster in (from asked_clusters) or other.cluster in (from asked_clusters))),
    -- In an order that doesn't depend on when a record came: a question that waits stays the same.
    named as (
        select apart.*, row(one_node.system, one_node.source_table, one_node.source_id) as left_key,
            row(other_node.system, other_node.source_table, other_node.source_id) as right_key,
            case when left_key < right_key then left_key else right_key end as one,
            case when left_key < right_key then right_key else left_key end as other
        from apart
        inner join nodes as one_node on left_node = one_node.node
        inner join nodes as other_node on right_node = other_node.node
        qualify row_number() over (partition by low, high order by score desc, one, other) = 1)
    select one[1] as left_system, one[2] as left_table, one[3] as left_id,
        other[1] as right_system, other[2] as right_table, other[3] as right_id,
        score, method, reason, {evidence_en} as evidence, {evidence_zh} as evidence_zh, left_node, right_node
    from named
    where (low, high) not in (
        select (least(a.cluster, b.cluster), greatest(a.cluster, b.cluster))
        from judged inner join clusters as a on left_node = a.node
            inner join clusters as b on right_node = b.node)
"""

TABLES = """
    create table if not exists identity.review_queue (
        left_system varchar not null, left_table varchar not null, left_id varchar not null,
        right_system varchar not null, right_table varchar not null, right_id varchar not null,
        score double not null, method varchar not null, reason varchar not null, evidence varchar,
        evidence_zh varchar, queued_at timestamp not null, run_id varchar not null);
    alter table identity.review_queue add column if not exists left_node bigint;
    alter table identity.review_queue add column if not exists right_node bigint;
"""


def build_queue(con: duckdb.DuckDBPyConnection) -> None:
    """Make TEMP `queue_now`: the questions about customers of whom something is new."""
    for statement in _CONCERNED:
        con.execute(statement)
    con.execute(
        _QUEUE.format(
            merge=min(load_model(name).merge for name in MODELS),
            evidence_en=_evidence("en"), evidence_zh=_evidence("zh"),
        )
    )  # fmt: skip


def _evidence(language: Literal["en", "zh"]) -> str:
    """The SQL for what the levels of a pair say, in words."""
    cases = " ".join(f"when {quoted(name)} then {_said(load_model(name), language)}" for name in MODELS)
    return f"case model {cases} end"


def _said(model: Model, language: Literal["en", "zh"]) -> str:
    parts = [_level(comparison, number, language) for number, comparison in enumerate(model.comparisons, 1)]
    return f"concat_ws({quoted('; ' if language == 'en' else '；')}, {', '.join(parts)})"


def _level(comparison: Comparison, place: int, language: Literal["en", "zh"]) -> str:
    cases = []
    for number in range(comparison.highest + 1):
        title = comparison.level(number).title
        assert title is not None
        cases.append(f"when {number} then {quoted(getattr(title, language))}")
    return f"case levels[{place}] {' '.join(cases)} end"


def keep_queue(con: duckdb.DuckDBPyConnection, run_id: str, moment: datetime) -> None:
    """Bring identity.review_queue to what `build_queue` found; a question that waits keeps its date.

    Call it in a transaction.
    """
    question = (
        "left_system", "left_table", "left_id", "right_system", "right_table", "right_id", "score", "reason",
        "evidence",
    )  # fmt: skip
    same = " and ".join(f"queue_now.{name} is not distinct from earlier.{name}" for name in question)
    settled = "left_node not in (from asked_nodes) and right_node not in (from asked_nodes)"
    con.execute(
        "create or replace temp table asked_before as select *, rowid as row_number "
        f"from identity.review_queue where $all or ({settled}) is not true",
        {"all": nothing_kept(con)},
    )
    con.execute("delete from identity.review_queue where rowid in (select row_number from asked_before)")
    con.execute(
        "insert into identity.review_queue by name "
        "select queue_now.*, coalesce(earlier.queued_at, $moment) as queued_at, "
        "coalesce(earlier.run_id, $run) as run_id "
        f"from queue_now left join asked_before as earlier on {same}",
        {"moment": moment, "run": run_id},
    )
    for table in ("asked_before", "asked_clusters", "asked_nodes"):
        con.execute(f"drop table {table}")
