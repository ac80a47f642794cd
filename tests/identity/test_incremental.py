"""What a run does again when little has changed.

Failing means that the nightly run takes as long as the first, or that it leaves a customer as he was although
something about him has changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import duckdb
import pytest

from pipelines.identity import resolve
from pipelines.identity.ledger import replay
from pipelines.identity.match import match_by_models
from tests.identity.conftest import World, firm
from warehouse import store

_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国志"
_TABLES = (
    "customer_xref", "customer_ids", "customer_id_changes", "members", "member_changes", "nodes",
    "node_identifiers", "shared_values", "pairs", "blocking_keys", "cut_edges", "frequencies",
    "node_clusters", "name_shares", "mentions", "mention_names", "mention_values",
    "review_queue", "records", "identifiers", "unresolved",
)  # fmt: skip


def _person(number: int, **more: Any) -> dict[str, Any]:
    """People in pairs: 0 and 1 have one number, 2 and 3 the next."""
    pair = number // 2
    name = "王李张刘陈杨赵黄周吴"[pair % 10] + _GIVEN[pair % 30] + _GIVEN[pair // 10]
    about = {"source_id": str(number), "party_type": "person", "customer_name": name}
    return about | {"mobile": f"1391234{5000 + 7 * pair}"} | more


def _spied(world: World, rows: Sequence[dict[str, Any]], **options: Any) -> dict[str, set[str]]:
    """Run on `rows`; which records were normalised, and of which pairs were scored."""
    seen: dict[str, set[str]] = {}

    def match(con: duckdb.DuckDBPyConnection) -> None:
        match_by_models(con)
        for name, query in {
            "normalised": "select source_id from fresh_inputs",
            "compared": "select source_id from nodes semi join touched using (node)",
            "kept": "select source_id from pairs inner join nodes on node in (left_node, right_node) "
                    "where left_node not in (from touched) and right_node not in (from touched)",
        }.items():  # fmt: skip
            seen[name] = {row[0] for row in con.execute(query).fetchall()}

    world.put(rows)
    world.run(match, **options)
    return seen


def _content(world: World) -> list[str]:
    with store.connect(world.settings) as con:
        assert replay(con) == 0
        return [store.content_hash(con, f"identity.{table}") for table in _TABLES]


def test_only_what_has_changed_is_normalised_and_scored(world: World) -> None:
    rows = [_person(number) for number in range(200)]
    everybody = {row["source_id"] for row in rows}
    assert _spied(world, rows)["normalised"] == everybody
    assert len(world.partition()) == 100

    nothing = _spied(world, rows)
    assert nothing["normalised"] == nothing["compared"] == set()

    rows[0] |= {"email": "wei88@example.com"}
    changed = _spied(world, [*rows, _person(200)])
    assert changed["normalised"] == {"0", "200"}
    assert changed["compared"] <= {"0", "1", "200"}
    assert changed["kept"] == everybody - {"0", "1"}
    assert len(world.partition()) == 101


def test_new_rules_are_asked_of_all(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [_person(number) for number in range(20)]
    _spied(world, rows)
    monkeypatch.setattr(resolve, "_signature", lambda: "other rules")
    assert len(_spied(world, rows)["normalised"]) == 20
    assert not _spied(world, rows)["normalised"]


def test_when_much_has_changed_all_is_matched_anew(world: World) -> None:
    rows = [_person(number) for number in range(10)]
    _spied(world, rows)
    assert len(_spied(world, rows + [_person(number) for number in range(10, 14)])["normalised"]) == 14


def test_a_number_that_becomes_shared_ties_nobody_any_more(world: World) -> None:
    shared = {"mobile": "13800138123"}
    rows = [_person(number) for number in range(40)]
    pair = [_person(40, **shared), _person(41, **shared)]
    world.put(rows + pair)
    world.run()
    assert frozenset(("40", "41")) in world.partition()
    # Too many more names at that number, one by one, each run with few new records.
    more = [_person(42 + 2 * number, **shared) for number in range(6)]
    seen = _spied(world, rows + pair + more)
    assert {"40", "41"} <= seen["compared"]
    assert not seen["normalised"] & {"40", "41"}
    assert frozenset(("40", "41")) not in world.partition()
    assert {"40", "41"} <= _spied(world, rows + pair)["compared"]
    assert frozenset(("40", "41")) in world.partition()


def test_two_that_were_alike_and_go_together_leave_nothing_behind(world: World) -> None:
    """The dead would tie the living: one name in two cities was compared with both of them."""
    name, late = "鑫源机械有限公司", datetime(2025, 5, 5)
    here = [_person(number) for number in range(40)]
    here += [firm("x", name, region="上海"), firm("y", name, region="江苏苏州")]
    world.put([*here, firm("a", name, created_at=late), firm("b", name, created_at=late)])
    world.run()
    world.put(here)
    world.run()
    known = "(select node from identity.nodes)"
    for table, column in (("pairs", "left_node"), ("pairs", "right_node"), ("blocking_keys", "node"),
                          ("node_clusters", "node")):  # fmt: skip
        assert world.rows(f"select * from identity.{table} where {column} not in {known}") == []
    asked = "select left_id, right_id, score from identity.review_queue order by all"
    after = world.partition(), world.rows(asked)
    world.run(rebuild=True)
    assert (world.partition(), world.rows(asked)) == after


def test_a_crowd_at_one_number_outlives_the_record_it_was_compared_with(world: World) -> None:
    """More records than a key may have are compared with one of them; when that one goes, with another."""
    rows = [_person(0, source_id=f"{number:02}") for number in range(66)]
    others = [_person(number) for number in range(100, 140)]
    world.put(rows + others)
    world.run()
    customers = len(world.partition())
    world.put(rows[1:] + others)
    world.run()
    assert len(world.partition()) == customers
    rows[1] |= {"mobile": "13800138123", "customer_name": "欧阳雪梅"}
    world.put(rows[1:] + others)
    world.run()
    assert len(world.partition()) == customers + 1
    world.run()
    assert len(world.partition()) == customers + 1


@pytest.mark.parametrize(
    "last_step",
    [
        pytest.param("keep_matches", marks=pytest.mark.thorough),
        pytest.param("keep_queue", marks=pytest.mark.thorough),
        "define_views",
    ],
)
def test_a_run_that_dies_while_it_writes_leaves_all_as_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch, last_step: str
) -> None:
    rows = [_person(number) for number in range(12)]
    order = {"source_id": "1", "customer_name": "王伟", "customer_phone": "13912345000"}
    world.put(rows, orders=[order])
    world.run()
    before = _content(world)
    world.put([*rows[1:], _person(1, source_id="x"), _person(2, source_id="y")], orders=[])
    with monkeypatch.context() as patch:

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(resolve, last_step, die)
        with pytest.raises(KeyboardInterrupt):
            world.run()
    assert _content(world) == before
    world.run()
    assert _content(world) != before
    assert set(world.owners()) == {*(str(number) for number in range(1, 12)), "x", "y"}


def test_the_stated_limit_of_crowds_at_a_weak_key(world: World) -> None:
    """docs/identity.md, incremental runs: who shares an address with more than sixty is not compared."""
    crowd = [
        {"source_id": str(number), "party_type": "person", "customer_name": "欧阳翀霁",
         "address": "江苏省无锡市梁溪区中山路88号"}
        for number in range(61)
    ]  # fmt: skip
    world.put(crowd)
    world.run()
    assert len(world.partition()) == 61
    world.put(crowd[1:])
    world.run()
    assert len(world.partition()) == 60
    world.run(rebuild=True)
    assert len(world.partition()) == 1
    world.put(crowd)
    world.run()
    assert len(world.partition()) == 2
    world.run(rebuild=True)
    assert len(world.partition()) == 61


def test_the_stated_limit_of_crowds_at_a_number(world: World) -> None:
    """docs/identity.md, incremental runs: a crowd at one number is compared with its first record only."""
    crowd = [
        {"source_id": f"{number:02}", "party_type": "person", "phone": "0510-81234567",
         "customer_name": "王伟" if number < 59 else "李娜"}
        for number in range(61)
    ]  # fmt: skip
    world.put(crowd)
    world.run()
    assert len(world.partition()) == 3  # the two 李娜 are not compared with each other
    world.put(crowd[:57] + crowd[58:])
    world.run()
    assert len(world.partition()) == 3
    world.run(rebuild=True)
    assert len(world.partition()) == 2
