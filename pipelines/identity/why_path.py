"""By which steps two records of one customer hang together.

Comes in: TEMP `members` (the customer's records) and the judgements. Goes out: the shortest way from one
record to the other. A run keeps the pairs it scored but not the steps by which it attached records of which
too little is known; those are found again by what the two sides share. A customer has a few hundred records
at most.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

_DETOUR = 10_000
"""A record was attached only where nothing stronger held it: a way without such a step goes before."""

_FACTS = """
    select node, kind, value, 0 as rank
    from identity.node_identifiers semi join members using (node)
        anti join identity.shared_values using (kind, value)
    union all select node, 'name', name_normalised, 1 from members where length(name_normalised) > 1
    union all select node, 'core name', core_name, 2 from members where length(core_name) > 1
    union all select node, 'brand', brand, 3 from members where length(brand) > 1
    order by rank, kind, value, node
"""
_PAIRS = """
    select left_node, right_node, pairs.method, pairs.score,
        is_sparse and not (one.given_name is null and other.given_name is null)
    from identity.pairs
    inner join members as one on left_node = one.node
    inner join members as other on right_node = other.node
    where is_match
    order by pairs.score desc, left_node, right_node
"""
_MEMBERS = "select node, record, coalesce(party_type, ''), method, score from members"


@dataclass(frozen=True)
class Link:
    """One step from a record to the next.

    Attributes:
        kind: pair (the two were compared), judgement, twin (a person's and a firm's with one name and
            number), or attached (too little is known of one side to compare it).
        method: what identifies; probability: of a pair, or the score given to what was attached.
        shared: what the two have in common, as (kind, value).
    """

    left: str
    right: str
    kind: str
    method: str
    probability: float
    shared: list[tuple[str, str]]


@dataclass(frozen=True, order=True)
class _Edge:
    kind: str
    method: str
    probability: float


_About = tuple[str, str, str, float]


def find_path(
    con: duckdb.DuckDBPyConnection, one: int, other: int, said_same: Iterable[tuple[int, int]]
) -> list[Link]:
    """The shortest way from one node to the other, with the fewest attachments; empty where none is found."""
    about: dict[int, _About] = {row[0]: row[1:] for row in con.execute(_MEMBERS).fetchall()}
    facts: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    bearers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for node, kind, value, _rank in con.execute(_FACTS).fetchall():
        if (kind, value) not in facts[node]:
            facts[node].append((kind, value))
            bearers[kind, value].append(node)
    edges: dict[tuple[int, int], _Edge] = {}
    for left, right in said_same:
        edges[min(left, right), max(left, right)] = _Edge("judgement", "judgement", 1.0)
    for left, right, method, score, is_vague in con.execute(_PAIRS).fetchall():
        edges.setdefault((left, right), _Edge("attached" if is_vague else "pair", method, score))
    for nodes in bearers.values():
        for place, left in enumerate(nodes):
            for right in nodes[place + 1 :]:
                shared = [fact for fact in facts[left] if fact in facts[right]]
                edges.setdefault((left, right), _without_a_pair(about[left], about[right], shared))
    return [
        Link(about[left][0], about[right][0], edge.kind, edge.method, edge.probability,
             [fact for fact in facts[left] if fact in facts[right]])
        for left, right, edge in _shortest(edges, one, other)
    ]  # fmt: skip


def _without_a_pair(one: _About, other: _About, shared: list[tuple[str, str]]) -> _Edge:
    """What may hold two members of one customer together that were never a matched pair."""
    _, one_type, one_method, one_score = one
    _, other_type, other_method, other_score = other
    kinds = [kind for kind, _ in shared]
    if one_type != other_type and "name" in kinds and kinds[0] in ("phone", "email", "wechat"):
        return _Edge("twin", kinds[0], max(one_score, other_score))
    score, method = min((one_score, one_method), (other_score, other_method))
    return _Edge("attached", method, score)


def _shortest(edges: Mapping[tuple[int, int], _Edge], one: int, other: int) -> list[tuple[int, int, _Edge]]:
    neighbours: defaultdict[int, list[tuple[int, _Edge]]] = defaultdict(list)
    for (left, right), edge in edges.items():
        neighbours[left].append((right, edge))
        neighbours[right].append((left, edge))
    came_by: dict[int, tuple[int, _Edge] | None] = {}
    waiting: list[tuple[int, int, int, _Edge | None]] = [(0, one, one, None)]
    while waiting and other not in came_by:
        cost, here, before, edge_here = heapq.heappop(waiting)
        if here in came_by:
            continue
        came_by[here] = (before, edge_here) if edge_here else None
        for node, edge in neighbours[here]:
            if node not in came_by:
                heapq.heappush(waiting, (cost + _DETOUR * (edge.kind == "attached") + 1, node, here, edge))
    steps: list[tuple[int, int, _Edge]] = []
    step = came_by.get(other)
    while step:
        steps.insert(0, (step[0], other, step[1]))
        other = step[0]
        step = came_by[other]
    return steps
