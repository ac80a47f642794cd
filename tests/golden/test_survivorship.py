"""Which value of a customer's attribute is believed.

Failing means that the golden record depends on the order in which rows happen to lie, or that a value is
lost.
"""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

import duckdb
import pytest

from tests.dbt_models import model_sql

_COLUMNS = """
    customer_id varchar, attribute varchar, value varchar, value_compared varchar, is_usable boolean,
    is_in_full boolean, system varchar, source_table varchar, source_id varchar, party_type varchar,
    trust double, updated_at timestamp
"""
_TRUST = {"a": 80.0, "b": 70.0, "c": 70.0, "d": 30.0}


def _lineage(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        con.execute(f"create schema core; create table core.int_attribute_candidates ({_COLUMNS})")
        con.executemany(f"insert into core.int_attribute_candidates values ({', '.join('?' * 12)})", rows)
        return con.execute(
            "select customer_id, attribute, value_rank, value, reason, source_systems, held_by, trust, "
            f"is_usable, updated_at from ({model_sql('attribute_lineage')}) order by all"
        ).fetchall()


def _candidates(rng: random.Random) -> list[tuple[Any, ...]]:
    """Rows full of ties: few values, few days, records that differ in nothing but their keys."""
    rows: list[tuple[Any, ...]] = []
    for number in range(200):
        system, value = rng.choice("abcd"), rng.choice("xyz")
        written = rng.choice((value, value.upper()))
        attribute, updated = rng.choice(("phone", "region")), rng.choice(("2024-01-01", "2025-01-01", None))
        rows.append((
            f"C{rng.randint(1, 5)}", attribute, written, value, value != "z", rng.random() < 0.2,
            system, "t", str(number), None, _TRUST[system], updated,
        ))  # fmt: skip
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_never_decides(seed: int) -> None:
    rng = random.Random(seed)
    rows = _candidates(rng)
    shuffled = rng.sample(rows, len(rows))
    assert _lineage(rows) == _lineage(shuffled)


@pytest.mark.parametrize("seed", range(5))
def test_every_value_is_there_once_and_the_rule_holds(seed: int) -> None:
    """The winner, computed the slow way from the rule as the model's description states it."""
    rows = _candidates(random.Random(seed))
    values: dict[tuple[str, str], dict[str, list[tuple[Any, ...]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        values[row[0], row[1]][row[3]].append(row)

    def strength(held: list[tuple[Any, ...]]) -> tuple[Any, ...]:
        systems = {row[6] for row in held}
        sum_of_trust = max(row[10] for row in held) + (10 if len(systems) > 1 else 0)
        return any(row[4] for row in held), sum_of_trust, len(systems), max(row[11] or "" for row in held)

    lineage = _lineage(rows)
    assert len(lineage) == sum(len(held) for held in values.values())
    for customer_id, attribute, value_rank, value, *_ in lineage:
        rivals = values[customer_id, attribute]
        if value_rank == 1:
            best = max(strength(held) for held in rivals.values())
            assert strength(rivals[value.lower()]) == best
