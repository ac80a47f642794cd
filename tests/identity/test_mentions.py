"""Rows that name a customer without pointing at a record. Failing means money or complaints at the wrong
customer's door, or at nobody's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pytest

from pipelines.identity import mentions, resolve
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


def _parsed(world: World, orders: Sequence[dict[str, Any]]) -> tuple[set[str], set[str]]:
    """Run on `orders`; which names were parsed, and which numbers and addresses."""
    names: set[str] = set()
    values: set[str] = set()

    def parse(con: duckdb.DuckDBPyConnection, source: str, target: str) -> None:
        names.update(raw for (raw,) in con.execute(f"select raw from {source}").fetchall())
        parse_names(con, source, target)

    def keep(con: duckdb.DuckDBPyConnection) -> None:
        values.update(raw for (raw,) in con.execute("select raw from fresh_mention_values").fetchall())
        keep_mentions(con)

    parse_names, keep_mentions = mentions.parse_names, resolve.keep_mentions
    world.put([_FIRM], orders=orders)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mentions, "parse_names", parse)
        patch.setattr(resolve, "keep_mentions", keep)
        world.run()
    return names, values


def _kept(world: World) -> tuple[list[Any], list[Any]]:
    names = world.rows("from identity.mention_names order by all")
    return names, world.rows("from identity.mention_values order by all")


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


def test_a_colleagues_number_names_no_customer(world: World) -> None:
    colleague = {"source_id": "s", "mobile": _PERSON["mobile"]}
    world.put([_FIRM, _PERSON], staff=[colleague], tickets=[_said("1", None, _PERSON["mobile"])])
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
        tickets=[_said("6", "苏州大海传媒有限公司"), _said("7", "金山物流有限公司"), _said("8", "赵敏")],
    )
    assert world.run().unresolved == 1
    orders, payments, tickets = world.owners("orders"), world.owners("payments"), world.owners("tickets")
    assert orders["1"] == orders["2"] == tickets["6"]
    assert payments["3"] == payments["5"] == tickets["8"] != payments["4"]
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


def test_only_new_names_numbers_and_addresses_are_parsed(world: World) -> None:
    rows = [
        _said("1", "鑫源机械", "+86 139 1234 5678"), _said("2", customer_email="ZHANG88@example.com"),
        _said("3", "赵敏", "12345"),
    ]  # fmt: skip
    parsed = {"鑫源机械", "赵敏"}, {"+86 139 1234 5678", "12345", "ZHANG88@example.com"}
    assert _parsed(world, rows) == parsed
    owners = world.owners("orders")
    assert _parsed(world, rows) == (set(), set())
    more = [_said("4", "赵敏", "13912345678"), _said("5", "苏州大海传媒有限公司", "+86 139 1234 5678")]
    assert _parsed(world, rows + more) == ({"苏州大海传媒有限公司"}, {"13912345678"})
    assert {order: world.owners("orders")[order] for order in owners} == owners


def test_one_text_for_number_and_address_is_parsed_as_either(world: World) -> None:
    both = "13711112345, nobody@example.com"
    _parsed(world, [_said("1", None, both)])
    assert _parsed(world, [_said("1", None, both, customer_email=both)]) == (set(), {both})
    assert _kept(world)[1] == [("email", both, "nobody@example.com"), ("phone", both, "13711112345")]
    assert world.rows("select rows from identity.unresolved") == [(1,)]


def test_new_rules_are_asked_of_all_names(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [_said("1", "鑫源机械"), _said("2", None, "+86 139 1234 5678")]
    parsed = _parsed(world, rows)
    kept = _kept(world)
    world.rows("update identity.mention_names set core_name = '大海', name_key = 'o:大海'")
    world.rows("update identity.mention_values set value = '13881726354'")
    assert _kept(world) != kept
    monkeypatch.setattr(resolve, "_signature", lambda: "other rules")
    assert _parsed(world, rows) == parsed
    assert _kept(world) == kept
    assert _parsed(world, rows) == (set(), set())


def test_what_no_row_says_any_more_is_not_kept(world: World) -> None:
    rows = [_said("1", "鑫源机械", "+86 139 1234 5678"), _said("2", "赵敏", customer_email="min@example.com")]
    _parsed(world, rows)
    names, values = _kept(world)
    _parsed(world, rows[:1])
    assert _kept(world) == (
        [row for row in names if row[0] == "鑫源机械"],
        [row for row in values if row[0] == "phone"],
    )
    assert _parsed(world, rows) == ({"赵敏"}, {"min@example.com"})
    assert _kept(world) == (names, values)


def test_a_run_that_dies_while_it_writes_leaves_the_names_as_they_were(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [_said("1", "鑫源机械", "13912345678"), _said("2", "赵敏", "13881726354")]
    _parsed(world, rows[:1])
    kept = _kept(world)
    with monkeypatch.context() as patch:

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(resolve, "define_views", die)
        with pytest.raises(KeyboardInterrupt):
            _parsed(world, rows[1:])
    assert _kept(world) == kept
    assert _parsed(world, rows[1:]) == ({"赵敏"}, {"13881726354"})
    assert _kept(world) != kept


_OTHER_FIRM = _FIRM | {
    "source_id": "c", "customer_name": "苏州鑫源机械有限公司", "contact_name": "王芳",
    "mobile": "13511112222", "email": "fang@example.com",
}  # fmt: skip
_ROWS = [
    _said("short", "鑫源机械"), _said("number", None, "13912345678"),
    _said("mail", customer_email="zhang88@example.com"), _said("person", "李娜", "13881726354"),
    _said("own", "南京大海传媒有限公司"), _said("nobody", "散客"),
]  # fmt: skip
_CROWD = [
    {"system": "fair", "source_id": name, "party_type": "person", "customer_name": name,
     "mobile": "13912345678"} for name in ("王伟芳", "赵敏静", "陈丽强", "周涛明", "吴秀霞", "黄建国")
]  # fmt: skip


@pytest.mark.parametrize(
    ("customers", "asked"),
    [
        pytest.param([_FIRM, _PERSON], 0, id="nothing"),
        pytest.param([_FIRM, _PERSON | {"mobile": "13711112345"}], 1, id="a number changes hands"),
        pytest.param([_FIRM, _PERSON, _OTHER_FIRM], 1, id="a second firm of the name"),
        pytest.param([_FIRM | {"customer_name": "无锡大海传媒有限公司"}, _PERSON], 4, id="a firm is renamed"),
        pytest.param([_PERSON], 3, id="a firm goes"),
        pytest.param([_FIRM, _PERSON, *_CROWD], 1, id="a number becomes shared"),
    ],
)
def test_only_mentions_that_a_change_concerns_are_asked_anew(
    world: World, monkeypatch: pytest.MonkeyPatch, customers: list[dict[str, Any]], asked: int
) -> None:
    seen: list[int] = []

    def keep(con: duckdb.DuckDBPyConnection) -> None:
        seen.append(len(con.execute("from fresh_mentions").fetchall()))
        keep_mentions(con)

    keep_mentions = resolve.keep_mentions
    monkeypatch.setattr(resolve, "keep_mentions", keep)
    world.put([_FIRM, _PERSON], orders=_ROWS)
    world.run()
    world.put(customers, orders=_ROWS)
    with monkeypatch.context() as patch:
        patch.setattr(resolve, "_REBUILD_SHARE", 9)
        world.run()
    found = "select * exclude (cluster) from identity.mentions order by all"
    incremental = world.owners("orders"), world.rows(found)
    world.run(rebuild=True)
    assert (world.owners("orders"), world.rows(found)) == incremental
    assert seen[:2] == [6, asked]
