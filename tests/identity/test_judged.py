"""What people say goes before what the scores say; what can't be one customer never is.

Failing means that a wrong merge which somebody has undone comes back, that two firms, a branch and its head,
or a firm and its buyer become one customer, or that a record which says next to nothing ties two together.
"""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.identity import constrain, match
from pipelines.identity.ledger import replay
from tests.identity.conftest import World, firm, person, sets
from warehouse import store

_CODES = ("91350100M000100Y43", "91320200MA0000001G")
_PERSONAL_IDS = ("990000198001010012", "990000199002020022")


def _queued(world: World) -> set[tuple[frozenset[str], str]]:
    rows = world.rows("select left_id, right_id, reason from identity.review_queue")
    return {(frozenset((left, right)), reason) for left, right, reason in rows}


def _replays(world: World) -> bool:
    with store.connect(world.settings) as con:
        return replay(con) == 0


_A = person("a", "王伟", mobile="13912345678")
_B = person("b", "王伟", mobile="13912345678", region="江苏无锡")
_BRIDGE = person("c", "王伟", mobile="13912345678", email="wei88@example.com")


def test_a_wrong_merge_undone_by_a_judgement_never_returns(world: World) -> None:
    world.put([_A, _B])
    world.run()
    assert world.partition() == sets("ab")
    merged = world.owners()["a"]

    world.judge("different", "a", "b")
    assert world.run().split == 1
    owners = world.owners()
    assert owners["a"] == merged != owners["b"]  # of equal parts the elder keeps the id
    assert _replays(world)

    for evidence in (
        [_A, _B, _BRIDGE],  # a third record at both
        [_A | {"email": "wei88@example.com"}, _B | {"email": "wei88@example.com"}, _BRIDGE],
        [_A | {"credit_code": _PERSONAL_IDS[0]}, _B | {"credit_code": _PERSONAL_IDS[0]}, _BRIDGE],
        [_A, _B],
    ):
        world.put(evidence)
        world.run()
        now = world.owners()
        assert (now["a"], now["b"]) == (owners["a"], owners["b"])
        assert frozenset("ab") not in {pair for pair, _ in _queued(world)}
        assert _replays(world)


def test_an_undone_merge_of_two_old_customers_gives_both_ids_back(world: World) -> None:
    world.put([_A, _B | {"mobile": "13881726354"}])
    world.run()
    old = world.owners()
    assert old["a"] != old["b"]
    world.put([_A, _B])
    assert world.run().merged == 1
    world.judge("different", "a", "b")
    assert world.run().minted == 0
    assert world.owners() == old
    world.put([_A, _B, _BRIDGE])
    assert world.run().merged == 0
    assert {one: world.owners()[one] for one in "ab"} == old


def test_a_judgement_is_obeyed_by_whoever_is_attached_later(world: World) -> None:
    """Two short names of one firm, judged to be two customers."""
    full = firm("f", "无锡鑫源机械有限公司", phone="0510-81234567")
    world.put([full, firm("a", "鑫源机械", system="erp"), firm("b", "鑫源机械", system="oa")])
    world.run()
    assert world.partition() == sets("fab")
    world.judge("different", "erp.customers.a", "oa.customers.b")
    world.run()
    owners = world.owners()
    assert owners["a"] != owners["b"]


def test_records_without_a_name_obey_judgements(world: World) -> None:
    nameless = [person(one, None, mobile="13912345678") for one in "bcd"]
    world.put([person("a", "李娜", email="na66@example.com"), *nameless])
    world.run()
    assert world.partition() == sets("a", "bcd")
    world.judge("different", "b", "c")
    world.run()
    assert world.owners()["b"] != world.owners()["c"]
    world.judge("same", "a", "c")
    world.run()
    owners = world.owners()
    assert owners["a"] == owners["c"] != owners["b"]


def test_the_same_without_any_evidence_until_it_is_withdrawn(world: World) -> None:
    one, other = person("a", "王伟", mobile="13912345678"), person("b", "李娜", email="na66@example.com")
    world.put([one, other])
    world.run()
    before = world.owners()
    world.judge("same", "a", "b")
    assert world.run().merged == 1
    assert world.partition() == sets("ab")
    [(method,)] = world.rows("select distinct method from identity.customer_xref")
    assert method == "judgement"

    world.put([one | {"customer_name": "王大伟", "mobile": "13800138123"}, other | {"region": "江苏苏州"}])
    world.run()
    assert world.partition() == sets("ab")

    world.judge("withdrawn", "b", "a")
    world.run()
    assert world.owners() == before
    assert _replays(world)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            firm("a", "无锡鑫源机械有限公司", credit_code=_CODES[0]),
            firm("b", "无锡鑫源机械有限公司", credit_code=_CODES[1]),
        ),
        (
            person("a", "王伟", credit_code=_PERSONAL_IDS[0]),
            person("b", "王伟", credit_code=_PERSONAL_IDS[1]),
        ),
        (firm("a", "无锡鑫源机械有限公司"), firm("b", "无锡鑫源机械有限公司苏州分公司")),
    ],
    ids=["credit codes", "personal ids", "branch and head"],
)  # fmt: skip
def test_a_hard_conflict_is_never_one_customer(
    world: World, one: dict[str, Any], other: dict[str, Any]
) -> None:
    reached = {"mobile": "13912345678", "email": "wei88@example.com"}
    bridge = {key: value for key, value in one.items() if key != "credit_code"} | {"source_id": "c"}
    world.put([one | reached, other | reached, bridge | reached])
    world.run()
    owners = world.owners()
    assert owners["a"] != owners["b"]
    assert owners["c"] in (owners["a"], owners["b"])
    world.judge("same", "a", "b")
    world.run()
    assert world.partition() == sets("abc")


def test_a_record_without_a_name_brings_no_second_code_in(world: World) -> None:
    phone = {"phone": "0510-81234567"}
    world.put([
        firm("a", "无锡鑫源机械有限公司", credit_code=_CODES[0], **phone),
        firm("b", None, credit_code=_CODES[1], **phone),
    ])  # fmt: skip
    world.run()
    assert world.partition() == sets("a", "b")


def test_two_records_with_two_codes_are_not_attached_to_one_customer(world: World) -> None:
    world.put([
        person("a", "欧阳雪梅", mobile="13912345678"),
        person("b", "欧阳雪梅", system="erp", credit_code=_PERSONAL_IDS[0]),
        person("c", "欧阳雪梅", system="oa", credit_code=_PERSONAL_IDS[1]),
    ])  # fmt: skip
    world.run()
    owners = world.owners()
    assert owners["b"] != owners["c"]


def test_a_weak_bridge_between_two_strong_groups_is_cut_and_queued(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = {"mobile": "13912345678", "email": "wei88@example.com"}
    others = {"mobile": "13881726354", "email": "wang77@example.com"}
    world.put([
        *(person(one, "王伟", **reached) for one in "abc"),
        *(person(one, "王玮", **others) for one in "xyz"),
        person("s", "李娜", mobile="13765023491"),
    ])  # fmt: skip
    bridge = (
        "; insert into edges select one.node, two.node, 'name', 0.96 from nodes as one, nodes as two where "
    )
    monkeypatch.setattr(
        match, "_OF_EITHER_KIND",
        match._OF_EITHER_KIND + bridge + "(one.source_id, two.source_id) in (('c', 'x'), ('a', 's'))",
    )  # fmt: skip
    world.run()
    assert world.partition() == sets("abcs", "xyz")  # one record more is no strong group
    assert (frozenset("cx"), "weak bridge") in _queued(world)
    world.judge("same", "a", "z")
    world.run()
    assert world.partition() == sets("abcsxyz")
    assert not _queued(world)


@pytest.mark.parametrize("name", ["王先生", None, "测试"])
def test_a_sparse_person_never_joins_two_customers(world: World, name: str | None) -> None:
    world.put([
        person("a", "王伟", mobile="13912345678"), person("b", "王娜", email="na66@example.com"),
        person("s", name, mobile="13912345678", email="na66@example.com"),
    ])  # fmt: skip
    world.run()
    assert world.partition() == sets("a", "b", "s")


def test_a_bare_firm_name_never_joins_two_customers(world: World) -> None:
    world.put([
        firm("a", "无锡鑫源机械有限公司", phone="0510-81234567"),
        firm("b", "苏州鑫源机械有限公司", phone="0512-67654321"),
        firm("s", "鑫源机械"),
    ])  # fmt: skip
    world.run()
    assert world.partition() == sets("a", "b", "s")


def test_too_large_a_group_falls_apart(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(constrain.guard_size, "__defaults__", (3,))
    world.put([person(one, "王伟", mobile="13912345678") for one in "abcd"])
    world.run()
    assert len(world.partition()) == 4
    world.put([person(one, "王伟", mobile="13912345678") for one in "abc"])
    world.run()
    assert world.partition() == sets("abc")


def test_a_wechat_entry_belongs_to_the_firm_and_a_buyers_own_card_does_not(world: World) -> None:
    customer = firm(
        "f", "无锡鑫源机械有限公司", contact_name="张伟", mobile="13912345678", credit_code=_CODES[0]
    )
    entry = person("w", "张伟", system="wechat", mobile="13912345678", wechat_id="zhangwei_88")
    buyer = person("p", "张伟", mobile="13912345678", email="zhang88@example.com")
    world.put(
        [customer, entry, buyer],
        orders=[
            {"source_id": "1", "customer_source_id": "p"}, {"source_id": "2", "customer_source_id": "f"},
        ],
    )  # fmt: skip
    world.run()
    owners = world.owners()
    assert owners["p"] != owners["f"]
    world.put([customer, entry], orders=[{"source_id": "2", "customer_source_id": "f"}])
    world.run()
    owners = world.owners()
    assert owners["w"] == owners["f"]
