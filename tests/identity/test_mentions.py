"""Rows that name a customer without pointing at a record. Failing means money or complaints at the wrong
customer's door, or at nobody's."""

from __future__ import annotations

from typing import Any

from tests.identity.conftest import World

_FIRM = {
    "source_id": "a", "party_type": "organisation", "customer_name": "无锡鑫源机械有限公司",
    "contact_name": "张伟", "mobile": "13912345678", "email": "zhang88@example.com",
}  # fmt: skip
_PERSON = {"source_id": "b", "party_type": "person", "customer_name": "李娜", "mobile": "13881726354"}


def _said(source_id: str, name: str | None = None, phone: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "system": "ledger", "source_id": source_id, "customer_name": name, "customer_phone": phone,
    } | more  # fmt: skip


def test_a_row_that_points_at_a_record_belongs_to_its_customer(world: World) -> None:
    world.put(
        [_FIRM, _PERSON],
        orders=[{"source_id": "1", "customer_source_id": "b"}, {"source_id": "2", "customer_source_id": "a"}],
    )
    world.run()
    assert world.owners("orders") == {"1": world.owners()["b"], "2": world.owners()["a"]}
    assert world.rows(
        "select distinct method, score from identity.customer_xref where source_table = 'orders'"
    ) == [("reference", 1.0)]


def test_the_same_id_in_another_system_is_no_reference(world: World) -> None:
    world.put([_FIRM], orders=[{"system": "erp", "source_id": "1", "customer_source_id": "a"}])
    result = world.run()
    assert (world.owners("orders"), result.unresolved) == ({}, 1)


def test_firms_are_found_by_name_phone_and_mail(world: World) -> None:
    rows = [
        _said("1", "鑫源機械（無錫）有限公司"), _said("2", "鑫源机械"),
        _said("3", "张总", "+86 139 1234 5678"), _said("4", None, "13912345678"),
        _said("5", None, customer_email="ZHANG88@example.com"),
        _said("6", "鑫源", "139-1234-5678"),
    ]  # fmt: skip
    world.put([_FIRM, _PERSON], interactions=rows)
    world.run()
    assert set(world.owners("interactions").values()) == {world.owners()["a"]}
    assert len(world.owners("interactions")) == len(rows)


def test_a_name_that_speaks_against_the_number_is_not_overruled(world: World) -> None:
    world.put([_FIRM, _PERSON], tickets=[_said("1", "赵敏", "13912345678")])
    assert world.run().unresolved == 1


def test_another_place_is_another_firm(world: World) -> None:
    world.put([_FIRM], payments=[_said("1", "苏州鑫源机械有限公司")])
    world.run()
    assert world.owners("payments")["1"] != world.owners()["a"]


def test_a_name_that_several_firms_have_is_left_open_even_for_money(world: World) -> None:
    other = {"source_id": "c", "party_type": "organisation", "customer_name": "苏州鑫源机械有限公司"}
    world.put([_FIRM, other], payments=[_said("1", "鑫源机械")])
    assert world.run().unresolved == 1


def test_a_persons_name_alone_is_never_enough(world: World) -> None:
    world.put(
        [_PERSON], payments=[_said("1", "李娜")], interactions=[_said("2", "李娜", system="callcentre")]
    )
    result = world.run()
    assert world.owners("payments")["1"] != world.owners()["b"]
    assert result.unresolved == 1


def test_money_mints_customers_one_per_firm_and_one_per_person_and_system(world: World) -> None:
    world.put(
        orders=[_said("1", "苏州大海传媒有限公司"), _said("2", "大海传媒（苏州）有限公司", system="erp")],
        payments=[_said("3", "赵敏"), _said("4", "赵敏", system="erp"), _said("5", "赵敏")],
        tickets=[_said("6", "苏州大海传媒有限公司"), _said("7", "金山物流有限公司")],
    )
    assert world.run().unresolved == 1
    orders, payments = world.owners("orders"), world.owners("payments")
    assert orders["1"] == orders["2"] == world.owners("tickets")["6"]
    assert payments["3"] == payments["5"] != payments["4"]
    kinds = world.rows("select party_type, count(*) from identity.customer_ids group by 1 order by 1")
    assert kinds == [("organisation", 1), ("person", 2)]


def test_titles_and_placeholders_mint_nobody(world: World) -> None:
    world.put(orders=[_said("1", "王总"), _said("2", "测试"), _said("3", None), _said("4", "散客")])
    assert world.run().unresolved == 4
    assert world.rows("from identity.unresolved") == [("orders", "ledger", "orders", 4)]


def test_a_name_keeps_its_id_when_the_record_arrives(world: World) -> None:
    orders = [_said("1", "无锡鑫源机械有限公司")]
    world.put(orders=orders)
    world.run()
    minted = world.owners("orders")["1"]
    world.put([_FIRM], orders=orders)
    world.run()
    assert world.owners()["a"] == world.owners("orders")["1"] == minted
    before = world.rows("from identity.customer_id_changes")
    world.run()
    assert world.rows("from identity.customer_id_changes") == before


def test_a_row_of_two_entities_stands_in_the_xref_once(world: World) -> None:
    row = {"source_table": "wk_crm_contract", "source_id": "1", "customer_source_id": "a"}
    world.put([_FIRM], orders=[row], contracts=[row, row | {"source_id": "2"}])
    world.run()
    assert sorted(world.owners("wk_crm_contract")) == ["1", "2"]
    [(rows,)] = world.rows(
        "select count(*) from identity.customer_xref where source_table = 'wk_crm_contract'"
    )
    assert rows == 2


def test_a_repeated_key_stands_in_the_xref_once(world: World) -> None:
    world.put([_FIRM], orders=[_said("1", "鑫源机械"), _said("1", "苏州大海传媒有限公司")])
    world.run()
    [(rows,)] = world.rows("select count(*) from identity.customer_xref where source_table = 'orders'")
    assert rows == 1
