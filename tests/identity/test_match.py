"""Which records become one customer. Failing means one customer counted twice, or two thrown together."""

from __future__ import annotations

import duckdb

from pipelines.identity.constrain import guard_size
from tests.identity.conftest import World, firm, person, sets


def test_one_valid_credit_code_is_one_firm(world: World) -> None:
    world.put([
        firm("a", "无锡鑫源机械有限公司", credit_code="91350100M000100Y43"),
        firm("b", "大海传媒", credit_code="91350100M000100Y43"),
        firm("c", "金山物流", credit_code="91350100M000100Y44"),
        firm("d", "银河建材", credit_code="91350100M000100Y44"),
    ])  # fmt: skip
    world.run()
    assert world.partition() == sets("ab", "c", "d")


def test_a_phone_joins_one_surname_and_not_a_couple(world: World) -> None:
    world.put([
        person("a", "王伟", mobile="13912345678"),
        person("b", "王先生", phone="+86 139 1234 5678"),
        person("c", "李娜", mobile="13912345678"),
    ])  # fmt: skip
    world.run()
    assert world.partition() == sets("ab", "c")


def test_a_record_without_a_name_joins_only_where_one_can_be_meant(world: World) -> None:
    world.put([
        person("a", "王伟", mobile="13912345678"),
        person("b", None, mobile="13912345678"),
        person("c", "李娜", mobile="13881726354"),
        person("d", "赵敏", mobile="13881726354"),
        person("e", "测试", mobile="13881726354"),
    ])  # fmt: skip
    world.run()
    assert world.partition() == sets("ab", "c", "d", "e")


def test_firms_at_one_number_need_names_that_agree(world: World) -> None:
    world.put([
        firm("a", "无锡鑫源机械有限公司", phone="0510-81234567"),
        firm("b", "鑫源", phone="0510-81234567转802"),
        firm("c", "老鑫源", phone="0510-81234567"),
        firm("d", "苏州大海传媒有限公司", phone="0510-81234567"),
    ])  # fmt: skip
    world.run()
    assert world.partition() == sets("abc", "d")


def test_two_valid_credit_codes_at_one_number_stay_two_firms(world: World) -> None:
    world.put([
        firm("a", "鑫源机械有限公司", phone="0510-81234567", credit_code="91350100M000100Y43"),
        firm("b", "鑫源电子有限公司", phone="0510-81234567", credit_code="91320200MA0000001G"),
    ])  # fmt: skip
    world.run()
    codes = world.rows("select count(credit_code_normalised) from identity.records")
    assert codes == [(2,)]
    assert world.partition() == sets("a", "b")


def test_a_switchboard_joins_nobody(world: World) -> None:
    brands = ["鑫源", "大海", "金山", "银河", "明月", "清风"]
    world.put([
        firm(f"{brand}{copy}", f"{brand}机械", phone="0510-81234567") for brand in brands for copy in (1, 2)
    ])  # fmt: skip
    world.run()
    assert len(world.partition()) == 2 * len(brands)
    assert world.rows("select distinct is_shared from identity.identifiers") == [(True,)]


def test_an_employees_own_number_joins_nobody(world: World) -> None:
    world.put(
        [person("a", "王伟", mobile="13912345678"), person("b", "王芳", mobile="13912345678")],
        staff=[{"source_id": "1", "mobile": "139 1234 5678"}],
    )
    world.run()
    assert world.partition() == sets("a", "b")


def test_a_person_joins_a_firm_whose_contact_that_is(world: World) -> None:
    world.put([
        firm("a", "无锡鑫源机械有限公司", contact_name="张伟", mobile="13912345678"),
        person("b", "张总", mobile="13912345678"),
        person("c", "李娜", mobile="13912345678"),
    ])  # fmt: skip
    world.run()
    assert world.partition() == sets("ab", "c")


def test_an_accountant_of_two_firms_does_not_join_them(world: World) -> None:
    world.put([
        firm("a", "无锡鑫源机械有限公司", contact_name="张伟", mobile="13912345678"),
        firm("b", "苏州大海传媒有限公司", contact_name="张伟", mobile="13912345678"),
        person("c", "张伟", mobile="13912345678"),
    ])  # fmt: skip
    world.run()
    assert world.partition() == sets("a", "b", "c")


def test_a_contacts_number_is_the_customers(world: World) -> None:
    world.put(
        [firm("a", "无锡鑫源机械有限公司"), firm("b", "鑫源机械", mobile="13912345678")],
        contacts=[{"source_id": "1", "customer_source_id": "a", "contact_name": "张伟",
                   "customer_phone": "13912345678"}],
    )  # fmt: skip
    world.run()
    assert world.partition() == sets("ab")


def test_a_registered_name_in_full_is_one_firm(world: World) -> None:
    world.put([
        firm("a", "无锡鑫源机械有限公司"), firm("b", "鑫源機械（無錫）有限責任公司", system="erp"),
        firm("c", "苏州鑫源机械有限公司"),
    ])  # fmt: skip
    world.run()
    assert world.partition() == sets("ab", "c")


def test_a_short_name_alone_joins_the_only_firm_of_that_name(world: World) -> None:
    world.put([
        firm("a", "无锡鑫源机械有限公司"), firm("b", "鑫源机械", system="wechat"),
        firm("c", "苏州大海传媒有限公司"), firm("d", "无锡大海传媒有限公司"), firm("e", "大海传媒"),
    ])  # fmt: skip
    world.run()
    assert world.partition() == sets("ab", "c", "d", "e")


def test_western_firms_are_each_a_customer(world: World) -> None:
    world.put([
        firm("ALFKI", "Alfreds Futterkiste", contact_name="Maria Anders", phone="030-0074321"),
        firm("ANATR", "Ana Trujillo Emparedados y helados", phone="(5) 555-4729"),
        firm("ANTON", "Antonio Moreno Taquería", phone="(5) 555-3932"),
    ])  # fmt: skip
    world.run()
    assert len(world.partition()) == 3


def test_a_group_too_large_to_be_one_customer_is_cut_back_to_its_credit_codes() -> None:
    con = duckdb.connect()
    con.execute(
        "create temp table edges as from (values (1, 2, 'credit_code', 1.0), (1, 3, 'phone', 0.95), "
        "(3, 4, 'email', 0.97), (7, 8, 'phone', 0.95)) as t(left_node, right_node, method, score)"
    )
    assert guard_size(con, largest=3) == 1
    assert con.execute("select node, cluster from components order by node").fetchall() == [
        (1, 1), (2, 1), (7, 7), (8, 7),
    ]  # fmt: skip


def test_a_repeated_key_stands_in_the_xref_once(world: World) -> None:
    world.put([person("a", "王伟", mobile="13912345678"), person("a", "李娜"), person("b", "赵敏")])
    world.run()
    assert world.rows("select count(*) from identity.customer_xref") == [(2,)]
    assert world.partition() == sets("a", "b")
