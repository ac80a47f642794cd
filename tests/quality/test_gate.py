"""Gate 1. If these fail, bad records reach the marts, good ones are lost, or one can't tell which and why."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from pipelines.errors import GuikeError
from pipelines.extract.specs import ENTITIES
from quality.catalogue import load_catalogue
from quality.gate import GateResult, run_gate_1
from tests.quality.input_layer import LOADED_AT, Records

ISSUES = "select * from quality.record_issues order by all"


def run(records: Records, run_id: str = "run-1") -> GateResult:
    records.write()
    return run_gate_1(records.settings, run_id)


def failed(result: GateResult) -> dict[str, int]:
    return {rule.rule_id: rule.failed for rule in result.rules if rule.failed}


# Row, then the rules it must fail; every rule of the catalogue that looks at the row alone stands here.
CUSTOMERS: list[tuple[dict[str, Any], set[str]]] = [
    ({"customer_name": "无锡锡城机械有限公司"}, set()),
    ({"customer_name": "测试", "mobile": "13912345670"}, {"name_is_not_placeholder"}),
    ({"customer_name": " ＡＡＡ ", "email": "a@b.cn"}, {"name_is_not_placeholder", "name_is_half_width"}),
    ({"customer_name": "张三"}, {"name_is_not_placeholder", "is_identifiable"}),
    ({"customer_name": None}, {"is_identifiable"}),
    ({"customer_name": "无", "mobile": "13800000000"},
     {"name_is_not_placeholder", "is_identifiable", "phone_is_not_invented"}),
    ({"customer_name": "无", "credit_code": "91350211M000100Y46"}, {"name_is_not_placeholder"}),
    ({"customer_name": "测试技术（无锡）有限公司"}, {"firm_name_has_no_brackets"}),
    ({"customer_name": "王总", "mobile": "13912345671"}, {"name_is_more_than_honorific"}),
    ({"customer_name": "欧阳经理", "party_type": "person"}, {"name_is_more_than_honorific"}),
    ({"customer_name": "王总", "party_type": "organisation"}, set()),
    ({"customer_name": "李建国", "mobile": "１３９２７６５０４１８"}, {"phone_is_half_width"}),
    ({"customer_name": "李建国", "mobile": "13927650418.0"}, {"phone_has_no_decimals"}),
    ({"customer_name": "李建国", "mobile": "+86 139-2765-0418"}, {"phone_has_no_country_code"}),
    ({"customer_name": "李建国", "phone": "0510-82701234-802"}, {"phone_has_no_extension"}),
    ({"customer_name": "李建国", "phone": "（0510）82701234转8012"}, {"phone_has_no_extension"}),
    ({"customer_name": "李建国", "phone": "400-820-1234"}, {"phone_is_no_hotline"}),
    ({"customer_name": "李建国", "phone": "+1 415 555 0134"}, set()),
    ({"customer_name": "李建国", "mobile": "139123456"}, {"phone_is_valid"}),
    ({"customer_name": "李建国", "mobile": "13927650418", "phone": "问老王"}, {"phone_is_valid"}),
    ({"customer_name": "李建国", "mobile": "12345678"}, {"phone_is_valid", "phone_is_not_invented"}),
    ({"customer_name": "李建国", "mobile": "11111111111"}, {"phone_is_valid", "phone_is_not_invented"}),
    ({"customer_name": "李建国", "mobile": "13927650418", "phone": "00000000000"},
     {"phone_is_valid", "phone_is_not_invented"}),
    ({"customer_name": "李建国", "email": "li.jianguo@例子"}, {"email_is_valid"}),
    ({"customer_name": "李建国", "email": " ＬＩ@Example.com "}, set()),
    ({"customer_name": "李建国", "credit_code": "91350211M000100Y46"}, set()),
    ({"customer_name": "李建国", "credit_code": "91350211M000100Y47"}, {"credit_code_check_digit"}),
    ({"customer_name": "李建国", "credit_code": "320200123456789"}, set()),
]  # fmt: skip


def test_each_customer_fails_exactly_the_rules_it_should(records: Records) -> None:
    for n, (values, _) in enumerate(CUSTOMERS):
        records.add("customers", str(n), **values)
    run(records)
    found: dict[str, set[str]] = {}
    for source_id, rule_id in records.query("select source_id, rule_id from quality.record_issues"):
        found.setdefault(source_id, set()).add(rule_id.removeprefix("customers."))
    expected = {str(n): rules for n, (_, rules) in enumerate(CUSTOMERS) if rules}
    assert found == expected


def test_each_rule_on_documents_fails_where_it_should(sound: Records) -> None:
    day = date(2026, 1, 1)
    sound.change("orders", "o0", ordered_at=None, raw_date="0000-00-00")
    sound.change("orders", "o1", ordered_at=LOADED_AT + timedelta(hours=23))  # a clock that is ahead
    sound.change("orders", "o2", ordered_at=LOADED_AT + timedelta(days=1))
    sound.change("orders", "o3", status="test")
    sound.change("orders", "o4", amount_net=5000)
    sound.change("orders", "o7", amount_gross=None, amount_net=None)
    sound.change("orders", "o8", amount_gross=None, amount_net=None)
    sound.add(
        "order_lines",
        "l1",
        order_source_table="orders",
        order_source_id="o8",
        amount_gross=5,
        product_name="网站",
    )
    sound.change("orders", "o5", delivered_on=date(2026, 2, 28))
    sound.change("payments", "p0", paid_at=None)
    sound.change("payments", "p1", amount_gross=None)
    sound.change("payments", "p2", paid_at=datetime(2062, 1, 1))
    term = {"signed_on": day, "starts_on": day, "amount_gross": 500}
    sound.add("contracts", "k0", ends_on=day - timedelta(days=1), status="active", **term)
    sound.add("contracts", "k1", status="active", **term)
    sound.add("contracts", "k2", status="draft", **term)
    sound.add("interactions", "i0", occurred_at=None)
    sound.add("interactions", "i1", occurred_at=datetime(2027, 1, 1))
    sound.add("contacts", "n0", customer_phone="1391")
    sound.add("contacts", "n1", customer_phone="13800000000")
    sound.change("customers", "c3", created_at=datetime(2052, 1, 1))
    sound.add("staff", "s0", staff_name=" ")
    sound.add("staff", "s1", staff_name="陈静", hired_on=day, left_on=day - timedelta(days=1))
    for entity, source_id, check in (
        ("customers", "c0", "is_phone_shared"), ("customers", "c1", "is_untouched"),
        ("orders", "o6", "has_no_customer"),
        ("payments", "p3", "has_no_order"), ("payments", "p4", "is_overpaid"),
    ):  # fmt: skip
        sound.fail(entity, source_id, check)
    sound.add("order_lines", "l0", order_source_id="gone", amount_gross=5, product_name="网站")
    sound.fail("order_lines", "l0", "has_no_order")
    run(sound)
    assert set(sound.query("select rule_id, source_id from quality.record_issues")) == {
        ("orders.date_is_real", "o0"), ("orders.date_not_in_future", "o2"), ("orders.is_not_test", "o3"),
        ("orders.net_not_above_gross", "o4"), ("orders.delivered_after_ordered", "o5"),
        ("orders.customer_exists", "o6"), ("orders.amount_present", "o7"), ("payments.date_is_real", "p0"),
        ("payments.amount_present", "p1"), ("payments.date_not_in_future", "p2"),
        ("payments.order_exists", "p3"), ("payments.not_more_than_ordered", "p4"),
        ("contracts.ends_after_start", "k0"), ("contracts.has_end", "k1"),
        ("interactions.date_is_real", "i0"), ("interactions.date_not_in_future", "i1"),
        ("contacts.phone_is_valid", "n0"), ("contacts.phone_is_not_invented", "n1"),
        ("customers.created_not_in_future", "c3"), ("staff.has_name", "s0"),
        ("staff.leaves_after_joining", "s1"),
        ("customers.phone_shared_by_many", "c0"), ("customers.untouched_for_two_years", "c1"),
        ("order_lines.order_exists", "l0"),
    }  # fmt: skip
    assert sound.query("select value_masked from quality.record_issues where source_id = 'o0'") == [
        ("0000-00-00",)
    ]


def test_rows_and_money_in_are_rows_and_money_passed_and_set_aside(sound: Records) -> None:
    sound.change("orders", "o0", ordered_at=None)
    sound.fail("orders", "o0", "has_no_customer")
    sound.fail("orders", "o1", "has_no_customer")
    sound.change("payments", "p0", paid_at=None)
    result = run(sound)
    assert result.passed
    assert result.set_aside["orders"] == 2
    for entity in ENTITIES:
        ((came, passed, aside),) = sound.query(
            f"select (select count(*) from input.{entity}), (select count(*) from quality.passed_{entity}), "
            f"(select count(*) from quality.set_aside where entity = '{entity}')"
        )
        assert came == passed + aside
    for entity in ("orders", "payments"):
        ((came, passed, aside),) = sound.query(
            f"select (select sum(amount_gross) from input.{entity}), "
            f"(select sum(amount_gross) from quality.passed_{entity}), "
            f"(select sum((record ->> 'amount_gross')::decimal(18, 2)) from quality.set_aside "
            f"where entity = '{entity}')"
        )
        assert came == passed + aside
    ((rule_ids, record),) = sound.query(
        "select rule_ids, record from quality.set_aside where source_id = 'o0'"
    )
    assert rule_ids == "orders.customer_exists, orders.date_is_real"
    assert json.loads(record)["customer_source_id"] == "c0"


def hanging(records: Records) -> dict[str, str | None]:
    return dict(records.query("select entity || ' ' || source_id, hangs_on from quality.set_aside"))


def test_what_hangs_on_a_record_is_set_aside_with_it_and_comes_back_with_it(sound: Records) -> None:
    sound.add(
        "order_lines",
        "l0",
        order_source_table="orders",
        order_source_id="o0",
        amount_gross=1000,
        product_name="网站",
    )
    sound.add("order_lines", "l1", order_source_table="other", order_source_id="o0", amount_gross=5)
    sound.add("order_lines", "l2", order_source_table="orders", order_source_id="o1", amount_gross=5)
    sound.add("contacts", "n0", customer_source_id="c0")
    sound.add("usage", "u1", customer_source_id="c1")
    for n in range(1, 12):
        sound.add("contacts", f"n{n}", customer_source_id="c1")
        sound.add("order_lines", f"m{n}", order_source_table="orders", order_source_id="o1", amount_gross=1)
    sound.change("customers", "c0", customer_name="无", mobile=None, email=None)
    sound.change("orders", "o5", order_no="X5", ordered_at=None)
    sound.change("payments", "p5", order_source_id=None, contract_no="X5")
    assert run(sound).passed
    by_customer, by_order = (
        "crm.customers.c0 (customers.is_identifiable)",
        "crm.orders.o0 (hangs on customers)",
    )
    assert hanging(sound) == {
        "customers c0": None,
        "contacts n0": f"customers {by_customer}",
        "orders o0": f"customers {by_customer}",
        "order_lines l0": f"orders {by_order}",
        "payments p0": f"orders {by_order}",
        "orders o5": None,
        "payments p5": "orders crm.orders.o5 (orders.date_is_real)",
    }
    own = "select count(*) from quality.record_issues where source_id in ('o0', 'l0') and severity = 'error'"
    assert sound.query(own) == [(0,)]
    sound.change("customers", "c0", customer_name="无锡锡城机械有限公司")
    assert run(sound, "run-2").passed
    assert set(hanging(sound)) == {"orders o5", "payments p5"}


def test_nothing_hangs_on_a_name_that_is_also_a_sound_record_s(sound: Records) -> None:
    sound.add("customers", "c0", source_table="leads", customer_name="无")
    assert run(sound).set_aside["customers"] == 1
    assert hanging(sound) == {"customers c0": None}


def test_more_failures_than_a_rule_allows_stop_the_run(
    sound: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = load_catalogue()
    tight = [
        rule.model_copy(update={"max_failed": 0.1}) if rule.rule_id == "customers.email_is_valid" else rule
        for rule in rules.rules
    ]
    monkeypatch.setattr("quality.gate.load_catalogue", lambda: replace(rules, rules=tuple(tight)))
    for n in range(2):
        sound.change("customers", f"c{n}", email="x")
    assert run(sound).passed, "a tenth is allowed"
    sound.change("customers", "c2", email="x")
    result = run(sound, "run-2")
    assert not result.passed
    for part in ("3 of 20 customers", "customers.email_is_valid", "15.0%", "10.0%", "customers.yml, line "):
        assert part in result.message
    assert result.set_aside["customers"] == 0


def test_counts_by_employee_and_month_are_those_of_the_rules(sound: Records) -> None:
    sound.change("orders", "o0", ordered_at=datetime(2026, 3, 31, 16), delivered_on=date(2026, 1, 1))
    sound.change("orders", "o1", staff_name=None, delivered_on=date(2026, 1, 1))
    run(sound)
    assert sound.query(
        "select staff, month, checked, failed from quality.check_counts "
        "where rule_id = 'orders.delivered_after_ordered' order by all"
    ) == [("陈静", date(2026, 4, 1), 1, 1), (None, date(2026, 3, 1), 1, 1)], "by the company's calendar"
    assert sound.query(
        "select rule_id, system, sum(checked), sum(failed) from quality.check_counts group by all "
        "except select rule_id, system, checked, failed from quality.rule_results"
    ) == []  # fmt: skip


def test_info_is_listed_but_neither_flagged_nor_set_aside(
    sound: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = load_catalogue()
    mild = [rule.model_copy(update={"severity": "info"}) for rule in rules.rules]
    monkeypatch.setattr("quality.gate.load_catalogue", lambda: replace(rules, rules=tuple(mild)))
    sound.change("orders", "o0", ordered_at=None)
    result = run(sound)
    assert (result.set_aside["orders"], result.flagged["orders"]) == (0, 0)
    assert sound.query("select severity from quality.record_issues") == [("info",)]


def test_an_older_warehouse_is_brought_up_to_date(sound: Records) -> None:
    sound.change("orders", "o0", ordered_at=None)
    run(sound)
    with sound.connection() as con:
        for table in ("record_issues", "resolved_issues"):
            for column in ("remedy", "remedy_zh", "department", "returned_at", "returns"):
                con.execute(f"alter table quality.{table} drop column {column}")
        con.execute("alter table quality.set_aside drop column hangs_on")
        con.execute("drop table quality.waived_issues")
        con.execute("drop table quality.check_counts")
        con.execute("delete from ops.stage_state")
    sound.add("staff", "s0", staff_name="陈静", department="销售部")
    run(sound, "run-2")
    life = "select run_id, returns, department, remedy <> '' from quality.record_issues"
    assert sound.query(life) == [("run-1", 0, "销售部", True)]


def test_warned_records_pass_and_are_counted(sound: Records) -> None:
    sound.change("customers", "c0", mobile="13800000000", email="x")
    result = run(sound)
    assert failed(result) == {"customers.phone_is_not_invented": 1, "customers.email_is_valid": 1}
    assert result.flagged["customers"] == 1
    assert result.set_aside["customers"] == 0
    assert sound.query("select count(*) from quality.passed_customers") == [(20,)]


def test_an_issue_says_who_collected_it_and_shows_only_a_masked_value(sound: Records) -> None:
    sound.change("customers", "c0", mobile="13800000000", email="wang@.cn", customer_name="测试")
    run(sound)
    rows = sound.query(
        "select rule_id, value_masked, staff, system, field from quality.record_issues order by 1"
    )
    assert rows == [
        ("customers.email_is_valid", "w***@.cn", "陈静", "crm", "email"),
        ("customers.is_identifiable", "测**", "陈静", "crm", "customer_name"),
        ("customers.name_is_not_placeholder", "测**", "陈静", "crm", "customer_name"),
        ("customers.phone_is_not_invented", "138******00", "陈静", "crm", "mobile"),
    ]
    assert sound.query(
        "select count(*) from quality.record_issues where message = '' or message_zh = ''"
    ) == [(0,)]


def test_a_person_s_id_is_no_wrong_code_and_never_shown(sound: Records) -> None:
    sound.change(
        "customers", "c0", credit_code="11010519491231002X", customer_name="无", mobile=None, email=None
    )
    sound.change("customers", "c1", credit_code="110105194912310021")
    sound.change("customers", "c2", credit_code="91310000MA1FL0AX1X")
    run(sound)
    assert sound.query(
        "select source_id, value_masked from quality.record_issues where field = 'credit_code' order by all"
    ) == [("c1", "110************21"), ("c2", "91310000MA1FL0AX1X")]
    assert sound.query("select source_id from quality.set_aside") == []


def test_an_unchanged_run_changes_nothing(sound: Records) -> None:
    sound.change("orders", "o0", ordered_at=None)
    first = run(sound, "run-1")
    before = sound.query(ISSUES), sound.query("select * from quality.set_aside")
    again = run_gate_1(sound.settings, "run-2")
    assert again == first
    assert (sound.query(ISSUES), sound.query("select * from quality.set_aside")) == before
    assert sound.query("select distinct run_id from quality.rule_results") == [("run-1",)]


def test_a_second_evaluation_of_the_same_records_gives_the_same_issues(sound: Records) -> None:
    sound.change("orders", "o0", ordered_at=None)
    run(sound, "run-1")
    before = sound.query(ISSUES), sound.query("select * from quality.set_aside")
    with sound.connection() as con:
        con.execute("delete from ops.stage_state")  # as after a kill between two stages
    run_gate_1(sound.settings, "run-2")
    assert (sound.query(ISSUES), sound.query("select * from quality.set_aside")) == before


def test_a_mended_record_comes_back_and_its_issue_is_kept_as_resolved(sound: Records) -> None:
    later = LOADED_AT + timedelta(days=1)
    sound.change("orders", "o0", ordered_at=None)
    sound.change("orders", "o1", ordered_at=None)
    sound.change("orders", "o2", ordered_at=None)
    assert run(sound, "run-1").set_aside["orders"] == 3
    for row in sound.rows["orders"]:
        row["loaded_at"] = later
    sound.change("orders", "o0", ordered_at=datetime(2026, 3, 1))
    sound.rows["orders"] = [row for row in sound.rows["orders"] if row["source_id"] != "o1"]
    assert run(sound, "run-2").set_aside["orders"] == 1
    seen = "select source_id, first_seen_at, last_seen_at, run_id from quality.record_issues"
    assert sound.query(seen) == [("o2", LOADED_AT, later, "run-1")]
    assert sound.query(
        "select source_id, resolution, first_seen_at, resolved_at, run_id "
        "from quality.resolved_issues order by source_id"
    ) == [("o0", "mended", LOADED_AT, later, "run-2"), ("o1", "record gone", LOADED_AT, later, "run-2")]
    assert sound.query("select set_aside_at from quality.set_aside where entity = 'orders'") == [(LOADED_AT,)]
    sound.change("orders", "o0", ordered_at=None)
    run(sound, "run-3")
    life = "select first_seen_at, last_seen_at, returned_at, returns from quality.record_issues"
    assert sound.query(f"{life} where source_id = 'o0'") == [(LOADED_AT, later, later, 1)]
    assert sound.query(f"{life} where source_id = 'o2'") == [(LOADED_AT, later, None, 0)]


def test_too_many_records_set_aside_stop_the_run_but_stay_readable(sound: Records) -> None:
    for n in range(3):
        sound.change("orders", f"o{n}", ordered_at=None)
    result = run(sound)
    assert not result.passed
    for part in ("3 of 20 orders", "15.0%", "10.0%", "orders.date_is_real", "max_set_aside"):
        assert part in result.message
    assert sound.query("select count(*) from quality.set_aside where hangs_on is null") == [(3,)]
    assert not run_gate_1(sound.settings, "run-2").passed, "an unchanged run must not slip through"


def test_an_earlier_as_of_date_sets_nothing_aside(sound: Records) -> None:
    """Marts can be built for any past date; what has happened since is real all the same."""
    run(sound)
    earlier = replace(sound.settings, fixed_as_of=date(2024, 2, 1))
    result = run_gate_1(earlier, "run-2")
    assert "orders.date_not_in_future" not in failed(result)
    assert result.passed


def test_counts_are_those_of_the_values_that_were_looked_at(sound: Records) -> None:
    for n in range(5):
        sound.change("customers", f"c{n}", mobile=None)
    result = {rule.rule_id: rule for rule in run(sound).rules}
    assert result["customers.phone_is_valid"].checked == 15
    assert result["customers.credit_code_check_digit"].checked == 0
    assert result["orders.date_is_real"].checked == 20
    assert result["contracts.has_end"].checked == 0


def test_no_records_at_all_pass(records: Records) -> None:
    result = run(records)
    assert result.passed
    assert set(result.set_aside.values()) == {0}


def test_a_killed_run_leaves_the_tables_of_the_run_before(
    sound: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(sound)
    sound.change("orders", "o0", ordered_at=None)
    sound.write()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("quality.gate.issues.create_passed_views", killed)
    with pytest.raises(KeyboardInterrupt):
        run_gate_1(sound.settings, "run-2")
    monkeypatch.undo()
    assert sound.query("select count(*) from quality.record_issues") == [(0,)]
    assert run_gate_1(sound.settings, "run-3").set_aside["orders"] == 1


def test_join_checks_of_other_rows_are_refused(sound: Records) -> None:
    sound.write()
    with sound.connection() as con:
        con.execute("delete from quality.check__orders where source_id = 'o0'")
    with pytest.raises(GuikeError, match="check__orders"):
        run_gate_1(sound.settings, "run-1")


def test_a_missing_join_check_is_named_with_its_rule(sound: Records) -> None:
    sound.write()
    with sound.connection() as con:
        con.execute("alter table quality.check__orders drop column has_no_customer")
    with pytest.raises(GuikeError, match=r"orders.yml, line \d+: .*has_no_customer"):
        run_gate_1(sound.settings, "run-1")


def test_two_rows_with_one_key_are_refused(sound: Records) -> None:
    sound.add("staff", "s0", staff_name="陈静")
    sound.add("staff", "s0", staff_name="王芳")
    with pytest.raises(GuikeError, match="s0"):
        run(sound)
