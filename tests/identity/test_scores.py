"""The benchmark's measures against cases counted by hand. A failure: no reported figure can be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pytest

from benchmarks.identity_scores import Scores, score

Row = tuple[str, str | None, str]


def scored(rows: Sequence[Row], group: str = "true") -> Scores:
    """Scores of rows (truth, cluster, system)."""
    with duckdb.connect() as con:
        con.execute("create table labelled (truth varchar, cluster varchar, system varchar)")
        if rows:
            con.executemany("insert into labelled values (?, ?, ?)", rows)
        return score(con, "labelled", group)


def test_perfect_clusters_score_one() -> None:
    found = scored([("a", "1", "x"), ("a", "1", "y"), ("b", "2", "x")])
    assert (found.precision, found.recall, found.f1, found.b3_f1) == (1, 1, 1, 1)
    assert (found.records, found.customers, found.clusters, found.largest_mix) == (3, 2, 2, 1)


def test_one_wrong_merge_by_hand() -> None:
    # Truth {1,2,3} {4,5}; clusters {1,2} {3,4,5}: 4 true pairs, 4 found, 2 right.
    found = scored([("a", "p", "x"), ("a", "p", "x"), ("a", "q", "x"), ("b", "q", "x"), ("b", "q", "x")])
    assert (found.true_partners, found.found_partners, found.right_partners) == (8, 8, 4)
    assert (found.precision, found.recall, found.f1) == (0.5, 0.5, 0.5)
    # Record by record: precision 1, 1, 1/3, 2/3, 2/3; recall 2/3, 2/3, 1/3, 1, 1.
    assert found.b3_precision == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3) / 5)
    assert found.b3_recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    assert (found.largest_mix, found.mixes_over_two) == (2, 0)


def test_records_without_cluster_stay_alone() -> None:
    found = scored([("a", None, "x"), ("a", None, "x"), ("b", "1", "x")])
    assert (found.found_partners, found.precision, found.recall, found.clusters) == (0, 1.0, 0.0, 3)
    assert found.f1 == 0


def test_three_customers_in_one_cluster_are_counted() -> None:
    found = scored([("a", "1", "x"), ("b", "1", "x"), ("c", "1", "x")])
    assert (found.largest_mix, found.mixes_over_two, found.recall, found.precision) == (3, 1, 1.0, 0.0)


def test_a_group_counts_the_partners_of_its_records() -> None:
    # a: crm, crm, erp together. b: one erp record, wrongly with them.
    rows = [("a", "1", "crm"), ("a", "1", "crm"), ("a", "1", "erp"), ("b", "1", "erp")]
    crm, erp = scored(rows, "system = 'crm'"), scored(rows, "system = 'erp'")
    assert (crm.found_partners, crm.true_partners, crm.right_partners) == (6, 4, 4)
    assert (erp.found_partners, erp.true_partners, erp.right_partners) == (6, 2, 2)
    every = scored(rows)
    assert every.found_partners == crm.found_partners + erp.found_partners
    assert crm.b3_precision == pytest.approx(3 / 4)
    assert erp.b3_precision == pytest.approx((3 / 4 + 1 / 4) / 2)
    assert (crm.records, erp.records) == (2, 2)


def test_nothing_to_score_is_no_error() -> None:
    found = scored([])
    assert (found.records, found.precision, found.recall, found.b3_f1) == (0, 1.0, 1.0, 1.0)
