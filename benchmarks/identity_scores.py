"""How well clusters agree with the truth: pairs, B³, and the worst mixture.

Comes in: a relation with one row per record: `truth` (the true customer), `cluster` (what was decided, NULL
for a record left alone) and whatever columns a group is chosen by. Goes out: `Scores`. Counted in SQL from
the sizes of the cells truth × cluster, so that a million records take a second and no pair is ever written.

A group (one system, one kind of party, one half of the customers) is scored within the whole, record by
record: precision is the right ones among the partners that its records were given, recall the ones found
among the partners that they should have. A pair so counts once from each side, a wrong pair across two groups
half against each, and the groups' counts add up to the whole. For all records together this is pairwise
precision and recall as usual. B³ is reckoned with the whole cluster and averaged over the group's records.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import duckdb

_COUNTS = """
    with labelled as (
        select truth, cluster, row_number() over () as number, coalesce({group}, false) as is_in
        from {records}),
    cells as (
        select truth, coalesce('c' || cluster, 'r' || number) as cluster,
            count(*) as size, count(*) filter (is_in) as inside
        from labelled group by all),
    sized as (
        select *, sum(size) over (partition by truth) as truth_size,
            sum(size) over (partition by cluster) as cluster_size
        from cells),
    groups as (
        select 'cell' as kind, size, inside, 1 as truths from cells
        union all
        select 'truth', sum(size), sum(inside), 1 from cells group by truth
        union all
        select 'cluster', sum(size), sum(inside), count(*) from cells group by cluster),
    partners as (
        select kind, inside, truths, inside * (size - 1) as partners from groups)
    select
        (select coalesce(sum(inside), 0)::bigint from cells),
        (select count(*) from partners where kind = 'truth' and inside > 0),
        (select count(*) from partners where kind = 'cluster' and inside > 0),
        (select coalesce(sum(partners), 0)::bigint from partners where kind = 'truth'),
        (select coalesce(sum(partners), 0)::bigint from partners where kind = 'cluster'),
        (select coalesce(sum(partners), 0)::bigint from partners where kind = 'cell'),
        (select sum(inside * size / cluster_size) / nullif(sum(inside), 0) from sized),
        (select sum(inside * size / truth_size) / nullif(sum(inside), 0) from sized),
        (select coalesce(max(truths), 0) from partners where kind = 'cluster' and inside > 0),
        (select count(*) from partners where kind = 'cluster' and inside > 0 and truths > 2)
"""


@dataclass(frozen=True)
class Scores:
    """Counts and measures of one group; fractions from 0 to 1.

    Attributes:
        records, customers, clusters: records of the group, true customers and clusters that hold any.
        true_partners, found_partners, right_partners: of the group's records, in the truth, in the clusters,
            in both; over all records twice the number of pairs.
        b3_precision, b3_recall: B-cubed, averaged over the records (Bagga and Baldwin, 1998).
        largest_mix: most true customers in one cluster. mixes_over_two: clusters with more than two.
    """

    records: int
    customers: int
    clusters: int
    true_partners: int
    found_partners: int
    right_partners: int
    b3_precision: float
    b3_recall: float
    largest_mix: int
    mixes_over_two: int

    @property
    def precision(self) -> float:
        """Of the partners found, how many are right; 1 where none was found."""
        return self.right_partners / self.found_partners if self.found_partners else 1.0

    @property
    def recall(self) -> float:
        """Of the true partners, how many were found; 1 where there are none."""
        return self.right_partners / self.true_partners if self.true_partners else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall of pairs."""
        return _harmonic(self.precision, self.recall)

    @property
    def b3_f1(self) -> float:
        """Harmonic mean of B³ precision and recall."""
        return _harmonic(self.b3_precision, self.b3_recall)


def score(con: duckdb.DuckDBPyConnection, records: str, group: str = "true") -> Scores:
    """Score `records` (a relation, or a query in brackets) against its column `truth`.

    Args:
        con: the connection.
        records: has truth (not NULL) and cluster (NULL: alone), one row per record.
        group: a condition on its columns; only these rows' partners are counted.
    """
    row = con.execute(_COUNTS.format(records=records, group=group)).fetchone()
    assert row is not None
    measured = dict(zip((field.name for field in fields(Scores)), row, strict=True))
    for name in ("b3_precision", "b3_recall"):
        measured[name] = 1.0 if measured[name] is None else float(measured[name])
    return Scores(**measured)


def _harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0
