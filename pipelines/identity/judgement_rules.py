"""Judgements as such: how a record is named, which judgement is in force, which contradict each other.

Comes in: judgements in any order. Goes out: those in force, and the contradiction among them, if there is
one. `same` is transitive: what is the same as the same is the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipelines.record_name import RecordName

VERDICTS = ("same", "different", "withdrawn")


Pair = tuple[RecordName, RecordName]


@dataclass(frozen=True)
class Judgement:
    """One line of the file.

    Attributes:
        judged_at: in UTC. verdict: same, different or withdrawn.
        supersedes: the judgement on the same two records that was in force before, if any.
    """

    judgement_id: str
    judged_at: datetime
    judged_by: str
    verdict: str
    left: RecordName
    right: RecordName
    reason: str
    supersedes: str | None

    @property
    def pair(self) -> Pair:
        """The two records in the order of their names: who is left says nothing."""
        return (self.left, self.right) if self.left <= self.right else (self.right, self.left)


@dataclass(frozen=True)
class Proposal:
    """A judgement that somebody wants to add; `place` says where it stands (file and line), for errors."""

    verdict: str
    left: RecordName
    right: RecordName
    by: str
    reason: str
    place: str = ""

    @property
    def pair(self) -> Pair:
        """The two records in the order of their names."""
        return (self.left, self.right) if self.left <= self.right else (self.right, self.left)


def latest(judgements: Iterable[Judgement]) -> dict[Pair, Judgement]:
    """The last judgement on each pair, the oldest first.

    The moment decides, then the order given: two copies of a file that were joined may be out of order.
    """
    found: dict[Pair, Judgement] = {}
    for one in sorted(judgements, key=lambda judgement: judgement.judged_at):
        found.pop(one.pair, None)
        found[one.pair] = one
    return found


def in_force(judgements: Iterable[Judgement]) -> list[Judgement]:
    """The last judgement on each pair, unless it takes the earlier one back."""
    return [one for one in latest(judgements).values() if one.verdict != "withdrawn"]


def find_contradiction(valid: Sequence[Judgement]) -> tuple[Judgement, list[Judgement]] | None:
    """A judgement `different` and the chain of `same` that ties its two records together; or None."""
    neighbours: dict[RecordName, list[tuple[RecordName, Judgement]]] = {}
    for one in valid:
        if one.verdict == "same":
            neighbours.setdefault(one.left, []).append((one.right, one))
            neighbours.setdefault(one.right, []).append((one.left, one))
    group: dict[RecordName, RecordName] = {}
    for start in neighbours:
        if start not in group:
            group |= dict.fromkeys(_reached(start, neighbours), start)
    for one in valid:
        if one.verdict == "different" and one.left in group and group[one.left] == group.get(one.right):
            return one, _chain(one, neighbours)
    return None


def _reached(
    start: RecordName, neighbours: dict[RecordName, list[tuple[RecordName, Judgement]]]
) -> dict[RecordName, tuple[RecordName, Judgement] | None]:
    """All records tied to `start`, each with the step that led to it by the shortest way."""
    came_by: dict[RecordName, tuple[RecordName, Judgement] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for other, judgement in neighbours[here]:
            if other not in came_by:
                came_by[other] = (here, judgement)
                waiting.append(other)
    return came_by


def _chain(
    apart: Judgement, neighbours: dict[RecordName, list[tuple[RecordName, Judgement]]]
) -> list[Judgement]:
    """The shortest chain of `same` from the left to the right record of `apart`."""
    came_by = _reached(apart.left, neighbours)
    chain: list[Judgement] = []
    step = came_by[apart.right]
    while step is not None:
        here, judgement = step
        chain.insert(0, judgement)
        step = came_by[here]
    return chain
