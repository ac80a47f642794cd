"""What may not be one customer, however well it scores.

Comes in: TEMP `edges` of the records in `reached`, and `judged` (left_node, right_node, verdict). Goes out:
`edges` without those that would join what must stay apart, TEMP `cut_edges` (the same columns, and why; with
those that earlier runs cut elsewhere), and TEMP `components`. Kept apart are records that a person has judged
different, two valid credit codes or personal ids, a head office and its branches, and two groups that are
strong in themselves and hang together by one weak edge. A person's `same` goes before all of it. Most
components hold no conflict, and are left alone; in the others edges are taken one by one, the surest first,
and those that would bring a conflict about are left out.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.i18n import t
from pipelines.identity.cluster import connect_components

_log = logging.getLogger("guike.identity")
LARGEST_CUSTOMER = 500
"""Records of one customer; a larger component is taken for a mistake and cut back to its credit codes."""
_STRONG = 0.999  # an edge that one group rests on
_GROUP = 3  # records that make a group strong in itself

# What a record says that no other record of the same customer may contradict.
CLAIMS = """
    create or replace temp table claims_made as
    select node, 'credit code' as claim, credit_code_normalised as value
    from nodes where credit_code_normalised is not null
    union all
    select node, 'personal id', personal_id from nodes where personal_id is not null
    union all
    select node, 'branch', coalesce(branch, '')
    from nodes where party_type = 'organisation' and name_key is not null
"""
"""Makes TEMP `claims_made` (node, claim, value) of `nodes`."""

_CONFLICTS = """
    create or replace temp table conflicts as
    select cluster
    from claims_made inner join components using (node)
    group by cluster, claim having min(value) <> max(value)
    union
    select one.cluster
    from judged
    inner join components as one on judged.left_node = one.node
    inner join components as other on judged.right_node = other.node
    where verdict = 'different' and one.cluster = other.cluster
"""

# Of edges that are as sure as each other the one between the eldest records goes first; nodes are numbered as
# they come, so their numbers would let a rebuild decide otherwise.
_RANKS = """
    select node, row_number() over (order by created_at nulls last, system, source_table, source_id) as rank
    from nodes where node in (from conflicting_nodes)
"""

# Two cores that hang together by a single edge which isn't strong, although each has many records that could.
_WEAK_BRIDGES = """
    create or replace temp table weak_bridges as
    with sizes as (select cluster, count(*) as records from cores group by cluster having count(*) >= $group),
    across as (
        select edges.*, least(one.cluster, other.cluster) as core, greatest(one.cluster,
            other.cluster) as other_core
        from edges
        inner join cores as one on edges.left_node = one.node
        inner join cores as other on edges.right_node = other.node
        where one.cluster <> other.cluster
            and one.cluster in (select cluster from sizes) and other.cluster in (select cluster from sizes))
    select left_node, right_node, method, score from across
    qualify count(*) over (partition by core, other_core) = 1
"""


TABLES = """
    create table if not exists identity.cut_edges (
        left_node bigint not null, right_node bigint not null, method varchar not null, score double not null,
        reason varchar not null);
"""
"""What was cut, which later runs leave as it is where nothing has changed."""


def constrain(con: duckdb.DuckDBPyConnection) -> None:
    """Take out of `edges` what may not be; make `cut_edges` and `components`."""
    con.execute(CLAIMS)
    con.execute(
        "create or replace temp table cut_edges "
        "(left_node bigint, right_node bigint, method varchar, score double, reason varchar)"
    )
    connect_components(con, f"(select * from edges where score >= {_STRONG})", "cores")
    con.execute(_WEAK_BRIDGES, {"group": _GROUP})
    _cut(con, "select *, 'weak bridge' from weak_bridges where method <> 'judgement'")
    guard_size(con)
    con.execute(_CONFLICTS)
    if con.execute("select 1 from conflicts limit 1").fetchone():
        _resolve(con)
        connect_components(con, "edges", "components")
    con.execute("insert into cut_edges from kept_cut_edges "
                "semi join nodes on left_node = node anti join reached on left_node = node")  # fmt: skip
    _tell(con)
    for table in ("cores", "weak_bridges", "conflicts"):
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
            "delete from edges where method not in ('credit_code', 'judgement') and left_node in "
            "(select node from components where cluster in "
            "(select cluster from components group by cluster having count(*) > ?))",
            [largest],
        )
        connect_components(con, "edges", "components")
    return oversized


def _cut(con: duckdb.DuckDBPyConnection, query: str) -> None:
    con.execute(f"insert into cut_edges {query}")
    con.execute(
        "delete from edges where method <> 'judgement' "
        "and (left_node, right_node) in (select (left_node, right_node) from cut_edges)"
    )


class _Groups:
    """Union of nodes that refuses to join what may not be one; a few thousand nodes at most."""

    def __init__(self, claims: list[Any], apart: list[Any]) -> None:
        self._parent: dict[int, int] = {}
        self._claims: defaultdict[int, dict[str, set[str]]] = defaultdict(dict)
        self._apart: defaultdict[int, set[int]] = defaultdict(set)
        for node, claim, value in claims:
            self._claims[node].setdefault(claim, set()).add(value)
        for one, other in apart:
            self._apart[one].add(other)
            self._apart[other].add(one)

    def find(self, node: int) -> int:
        while (parent := self._parent.get(node, node)) != node:
            self._parent[node] = self._parent.get(parent, parent)
            node = parent
        return node

    def conflict(self, one: int, other: int) -> str | None:
        """Why the groups of the two nodes can't be one, None if they can."""
        one, other = self.find(one), self.find(other)
        if any(self.find(node) == other for node in self._apart[one]):
            return "judged different"
        for claim, values in self._claims[one].items():
            others = self._claims[other].get(claim)
            if others and not (values <= others or others <= values):  # several, where a person said `same`
                return claim
        return None

    def join(self, one: int, other: int) -> None:
        one, other = sorted((self.find(one), self.find(other)))
        if one == other:
            return
        self._parent[other] = one
        self._apart[one] |= self._apart.pop(other, set())
        for claim, values in self._claims.pop(other, {}).items():
            self._claims[one].setdefault(claim, set()).update(values)


def _resolve(con: duckdb.DuckDBPyConnection) -> None:
    """Take the edges of components with a conflict one by one, and cut those that would bring it about."""
    con.execute(
        "create or replace temp table conflicting_nodes as "
        "select node from components semi join conflicts using (cluster)"
    )
    groups = _Groups(
        con.execute("from claims_made semi join conflicting_nodes using (node) order by all").fetchall(),
        con.execute(
            "select left_node, right_node from judged where verdict = 'different' order by all"
        ).fetchall(),
    )  # fmt: skip
    cut = []
    for left, right, method, score in con.execute(
        f"with ranks as ({_RANKS}) select edges.* from edges "
        "inner join ranks as one on left_node = one.node "
        "inner join ranks as other on right_node = other.node "
        "where left_node in (from conflicting_nodes) order by method = 'judgement' desc, score desc, "
        "least(one.rank, other.rank), greatest(one.rank, other.rank), method"
    ).fetchall():
        reason = None if method == "judgement" else groups.conflict(left, right)
        if reason is None:
            groups.join(left, right)
        else:
            cut.append((left, right, method, score, reason))
    names = ("left_node", "right_node", "method", "score", "reason")
    found = pa.table(dict(zip(names, map(list, zip(*cut, strict=True)), strict=True))) if cut else None
    if found:
        con.register("found_conflicts", found)
        _cut(con, "from found_conflicts")
        con.unregister("found_conflicts")
    con.execute("drop table conflicting_nodes")


def _tell(con: duckdb.DuckDBPyConnection) -> None:
    for reason, count in con.execute(
        "select reason, count(*) from cut_edges group by reason order by reason"
    ).fetchall():
        _log.info(t("identity: {count} pairs kept apart: {reason}", count=count, reason=_in_words(reason)))


def _in_words(reason: str) -> str:
    return {
        "judged different": t("judged different"), "credit code": t("two credit codes"),
        "personal id": t("two personal ids"), "branch": t("a head office and its branch"),
        "weak bridge": t("two groups with one weak link"),
    }[reason]  # fmt: skip
