"""One score per system, and which of them have fallen.

Comes in: `quality.scorecard`, in the working file or in a published snapshot. Goes out: for each system
what was checked, what failed, and 1 - failed / checked; and the systems whose score has fallen by more than
a given share between two snapshots.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.settings import Settings
from warehouse import store

_IS_THERE = """
    select 1 from information_schema.tables where table_schema = 'quality' and table_name = 'scorecard'"""


@dataclass(frozen=True)
class Score:
    """A system's score over all its records.

    Attributes:
        checked: values that rules looked at, each rule by itself; failed: those that failed.
        worst: the dimension with the lowest score.
    """

    system: str
    checked: int
    failed: int
    worst: str

    @property
    def score(self) -> float:
        """1 where nothing failed, 0 where everything did."""
        return 1 - self.failed / self.checked


@dataclass(frozen=True)
class Fall:
    """A system's score in two snapshots, the earlier one first."""

    system: str
    before: float
    after: float


def read_scores(con: duckdb.DuckDBPyConnection) -> list[Score]:
    """The score of every system, the lowest first; none where there is no scorecard yet."""
    if not con.execute(_IS_THERE).fetchone():
        return []
    rows = con.execute(
        """
        with dimensions as (
            select system, dimension, sum(checked)::bigint as checked, sum(failed)::bigint as failed
            from quality.scorecard group by all)
        select system, sum(checked)::bigint, sum(failed)::bigint,
            arg_max(dimension, (failed / checked, dimension))
        from dimensions group by system order by sum(failed) / sum(checked) desc, system
        """
    ).fetchall()
    return [Score(*row) for row in rows]


def scores_in(settings: Settings, path: Path) -> list[Score]:
    """The scores in a DuckDB file; none where the file isn't there."""
    if not path.exists():
        return []
    with store.connect(settings, path=path, read_only=True) as con:
        return read_scores(con)


def fallen(before: list[Score], after: list[Score], threshold: float) -> list[Fall]:
    """The systems whose score has fallen by more than `threshold`, a share; the deepest fall first."""
    earlier = {one.system: one.score for one in before}
    falls = [Fall(one.system, earlier[one.system], one.score) for one in after if one.system in earlier]
    # A hair's breadth is no fall: floating point has its own.
    deep = [one for one in falls if one.before - one.after > threshold + 1e-12]
    return sorted(deep, key=lambda one: (one.after - one.before, one.system))
