"""Why two records are one customer, or two.

Comes in: the names of two records, the working file and the judgements. Goes out: all that decided about
them, as data: what people said, what keeps them apart, what the model weighed, the steps between them, and
the question to people that may be waiting. Printing it is the business of `pipelines/commands/why.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import duckdb

from pipelines.identity.constrain import CLAIMS
from pipelines.identity.judgement_rules import Judgement, in_force
from pipelines.identity.why_path import Link, find_path
from pipelines.identity.why_weighed import Weighed, weigh
from pipelines.lookup import has
from pipelines.record_name import RecordName


@dataclass(frozen=True)
class Side:
    """One of the two records.

    Attributes:
        node: its number in identity.nodes.
        name: as normalised; None where it has none that can be used.
        method, score: how it came to its customer, as in identity.customer_xref.
    """

    record: str
    node: int
    customer_id: str
    party_type: str | None
    name: str | None
    method: str
    score: float


@dataclass(frozen=True)
class Said:
    """A judgement that bears on the two.

    Attributes:
        is_on_these: it is on these very records, and not on others of their customers.
        is_obeyed: the last run knew it; if not, the next one will.
    """

    judgement_id: str
    verdict: str
    left: str
    right: str
    judged_by: str
    judged_at: datetime
    reason: str
    is_on_these: bool
    is_obeyed: bool


@dataclass(frozen=True)
class Obstacle:
    """What the records of the two customers say that can't be true of one.

    Attributes:
        claim: credit code, personal id or branch; a head office has the branch ''.
        left, right: the records that say so, which may be others of the same customers.
    """

    claim: str
    left: str
    left_value: str
    right: str
    right_value: str


@dataclass(frozen=True)
class Question:
    """A pair of records of the two customers that waits for a person; `reason` as in the review queue."""

    left: str
    right: str
    score: float
    reason: str
    queued_at: datetime


@dataclass(frozen=True)
class LinkedPerson:
    """A person and the firm he buys for: two customers, linked; from core.customer_links."""

    method: str
    evidence: str | None


@dataclass(frozen=True)
class Explanation:
    """All that decided about two records.

    Attributes:
        weighed: None where no model compares the two.
        path: the steps from left to right where they are one customer.
    """

    left: Side
    right: Side
    one_customer: bool
    said: list[Said]
    obstacles: list[Obstacle]
    question: Question | None
    weighed: Weighed | None
    path: list[Link]
    linked: LinkedPerson | None

    @property
    def kinds(self) -> tuple[str | None, str | None]:
        """What the two are taken for: person, organisation or None."""
        return self.left.party_type, self.right.party_type


_SIDE = """
    select concat_ws('.', system, source_table, source_id), node, customer_id, party_type,
        case when name_key is not null then coalesce(name_normalised, surname) end, method, score
    from identity.nodes inner join identity.customer_xref using (system, source_table, source_id)
    where system = ? and source_table = ? and source_id = ?
"""

_MEMBERS = """
    create or replace temp table members as
    select concat_ws('.', system, source_table, source_id) as record, customer_id, method, score, nodes.*
    from identity.nodes inner join identity.customer_xref using (system, source_table, source_id)
    where customer_id in ($left, $right)
"""

# A record that was asked about goes before others of its customer.
_OBSTACLES = """
    with said as (
        select customer_id, claim, value, arg_min(record, (node not in ($one, $other), node)) as record
        from claims_made inner join members using (node) group by all)
    select one.claim, one.record, one.value, other.record, other.value
    from said as one inner join said as other using (claim)
    where one.customer_id = $left and other.customer_id = $right and one.value <> other.value
    qualify row_number() over (partition by one.claim order by one.value = '', one.value, other.value) = 1
    order by one.claim desc
"""

_QUESTION = """
    select one.record, other.record, queue.score, reason, queued_at
    from identity.review_queue as queue
    inner join members as one
        on left_system = one.system and left_table = one.source_table and left_id = one.source_id
    inner join members as other
        on right_system = other.system and right_table = other.source_table and right_id = other.source_id
    where one.customer_id <> other.customer_id
    order by queue.score desc limit 1
"""


def explain(
    con: duckdb.DuckDBPyConnection, left: RecordName, right: RecordName, made: Iterable[Judgement]
) -> Explanation | None:
    """All that decided about the two records; None where one of them is no customers record of the last run.

    Args:
        con: the working file; read only will do.
        made: the judgements of the file.
    """
    one, other = _side(con, left), _side(con, right)
    if one is None or other is None:
        return None
    ids = {"left": one.customer_id, "right": other.customer_id}
    con.execute(_MEMBERS, ids)
    is_one = one.customer_id == other.customer_id
    said = _said(con, one, other, made)
    question = None if is_one else con.execute(_QUESTION).fetchone()
    return Explanation(
        left=one, right=other, one_customer=is_one, said=said,
        obstacles=[] if is_one else _obstacles(con, one, other),
        question=Question(*question) if question else None,
        weighed=weigh(con, one.node, other.node),
        path=find_path(con, one.node, other.node, _nodes_said_same(con, said)) if is_one else [],
        linked=None if is_one else _linked(con, ids),
    )  # fmt: skip


def _side(con: duckdb.DuckDBPyConnection, name: RecordName) -> Side | None:
    row = con.execute(_SIDE, [name.system, name.source_table, name.source_id]).fetchone()
    return Side(*row) if row else None


def _obstacles(con: duckdb.DuckDBPyConnection, one: Side, other: Side) -> list[Obstacle]:
    con.execute("create or replace temp view nodes as from members")
    con.execute(CLAIMS)
    con.execute("drop view temp.nodes")
    rows = con.execute(
        _OBSTACLES,
        {"one": one.node, "other": other.node, "left": one.customer_id, "right": other.customer_id},
    ).fetchall()
    return [Obstacle(*row) for row in rows]


def _said(con: duckdb.DuckDBPyConnection, one: Side, other: Side, made: Iterable[Judgement]) -> list[Said]:
    """The judgements on the two; those between others of one customer, or of two, where they decided."""
    owners = dict(con.execute("select record, customer_id from members").fetchall())
    found = []
    for judgement in in_force(made):
        left, right = str(judgement.left), str(judgement.right)
        if left not in owners or right not in owners:
            continue
        is_on_these = {left, right} == {one.record, other.record}
        is_obeyed = (owners[left] == owners[right]) == (judgement.verdict == "same")
        apart = one.customer_id != other.customer_id and owners[left] != owners[right]
        together = one.customer_id == other.customer_id and judgement.verdict == "same"
        if is_on_these or apart or together:
            found.append(
                Said(judgement.judgement_id, judgement.verdict, left, right, judgement.judged_by,
                     judgement.judged_at, judgement.reason, is_on_these, is_obeyed)
            )  # fmt: skip
    return sorted(found, key=lambda one: not one.is_on_these)


def _nodes_said_same(con: duckdb.DuckDBPyConnection, said: Iterable[Said]) -> list[tuple[int, int]]:
    nodes = dict(con.execute("select record, node from members").fetchall())
    return [(nodes[one.left], nodes[one.right]) for one in said if one.verdict == "same"]


def _linked(con: duckdb.DuckDBPyConnection, ids: dict[str, str]) -> LinkedPerson | None:
    if not has(con, "core.customer_links"):
        return None
    row = con.execute(
        "select method, evidence from core.customer_links "
        "where (person_customer_id, firm_customer_id) in (($left, $right), ($right, $left))",
        ids,
    ).fetchone()
    return LinkedPerson(*row) if row else None
