"""Gate 2. If these fail, money or rows can get lost between a legacy system and the marts without a word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest

from pipelines.errors import GuikeError
from quality.catalogue import load_catalogue
from quality.gate import run_gate_1
from quality.reconcile import Line, ReconcileResult, run_gate_2
from quality.rule import Rule
from tests.quality.input_layer import Records

CONTROLS = {
    "revenue": "select sum(cast(money as decimal(18, 2))) from raw_crm.contract",
    "order_rows": "select count(*) from raw_crm.contract",
    "receipts": "select sum(cast(money as decimal(18, 2))) from raw_crm.receivables",
    "payment_rows": "select count(*) from raw_crm.receivables",
    "customer_rows": "select count(*) from raw_crm.customer",
}
Reconcile = Callable[..., ReconcileResult]


@pytest.fixture
def reconcile(sound: Records, monkeypatch: pytest.MonkeyPatch) -> Reconcile:
    """Raw tables as the fixture's records, gate 1, core facts from what passed it; then gate 2."""

    def go(controls: dict[str, str] | None = None, tamper: str = "select 1") -> ReconcileResult:
        sound.write()
        with sound.connection() as con:
            con.execute("create schema if not exists raw_crm")
            for raw, entity, money in (
                ("contract", "orders", "amount_gross"), ("receivables", "payments", "amount_gross"),
                ("customer", "customers", "null"),
            ):  # fmt: skip
                con.execute(
                    f"create or replace table raw_crm.{raw} as "
                    f"select {money}::varchar as money from input.{entity} where system = 'crm'"
                )
        assert run_gate_1(sound.settings, "run-1").passed
        with sound.connection() as con:
            for entity in ("orders", "payments"):
                con.execute(f"create or replace table core.fct_{entity} as from quality.passed_{entity}")
            con.execute(
                "create or replace table identity.customer_xref as "
                "select system, source_table, source_id from quality.passed_customers "
                "where source_id <> 'c19'"
            )
            con.execute(
                "create or replace table identity.unresolved as "
                "select 'customers' as entity, 'crm' as system, 'customers' as source_table, 1 as rows"
            )
            con.execute(tamper)
        spec = SimpleNamespace(name="crm", controls=CONTROLS if controls is None else controls)
        monkeypatch.setattr("quality.reconcile.load_specs", lambda _: [spec])
        return run_gate_2(sound.settings, "run-1")

    return go


def line(result: ReconcileResult, measure: str) -> Line:
    return next(line for line in result.lines if line.measure == measure)


def test_what_was_set_aside_is_part_of_the_balance(sound: Records, reconcile: Reconcile) -> None:
    sound.change("orders", "o0", ordered_at=None, amount_gross=Decimal("1234.56"))
    sound.change("orders", "o1", status="cancelled")
    sound.change("payments", "p0", paid_at=datetime(2062, 1, 1))
    sound.change("customers", "c0", customer_name="无", mobile=None, email=None)
    result = reconcile()
    assert result.passed, result.message
    revenue = line(result, "revenue")
    assert revenue.source_value == sum(Decimal(1000 + n) for n in range(1, 20)) + Decimal("1234.56")
    assert revenue.set_aside_value == Decimal("1234.56")
    rows = line(result, "customer_rows")
    assert (rows.source_value, rows.through_value, rows.set_aside_value) == (20, 19, 1)
    assert line(result, "orders.rows").source_value == 20
    assert sound.query("select count(*), bool_and(is_reconciled) from quality.reconciliation") == [
        (len(result.lines), True)
    ]


@pytest.mark.parametrize(
    ("tamper", "measure", "difference"),
    [
        (
            "update core.fct_orders set amount_gross = amount_gross - 0.01 where source_id = 'o5'",
            "revenue",
            "0.01",
        ),
        ("delete from core.fct_orders where source_id = 'o5'", "order_rows", "1"),
        ("insert into core.fct_payments from core.fct_payments where source_id = 'p3'", "receipts", "-1003"),
        ("delete from identity.customer_xref where source_id = 'c3'", "customer_rows", "1"),
        ("delete from core.fct_payments where source_id = 'p3'", "payments.rows", "1"),
    ],
)
def test_one_cent_or_one_row_stops_the_run(
    sound: Records, reconcile: Reconcile, tamper: str, measure: str, difference: str
) -> None:
    result = reconcile(tamper=tamper)
    assert not result.passed
    assert line(result, measure).difference == Decimal(difference)
    assert f"crm, {measure}" in result.message
    assert sound.query(f"select is_reconciled from quality.reconciliation where measure = '{measure}'") == [
        (False,)
    ]


def test_a_rule_on_the_unified_view_flags_and_its_limit_stops_the_run(
    sound: Records, reconcile: Reconcile, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = load_catalogue()
    ours = next(rule for rule in rules.rules if rule.check).model_dump() | {
        "rule_id": "orders.stands_elsewhere", "entity": "orders", "gate": 2, "field": "amount_gross",
        "check": "is_elsewhere", "severity": "warn", "mask": "none", "shown": "amount_other",
    }  # fmt: skip
    unified = (
        "create or replace table quality.unified__orders as select system, source_table, source_id, "
        "source_id in ('o1', 'o2') as is_elsewhere, '7.00' as amount_other from input.orders "
        "where source_id <> 'o19'"
    )

    def go(limit: float | None, tamper: str = unified) -> ReconcileResult:
        rule = Rule.model_validate(ours | {"max_failed": limit})
        place = {rule.rule_id: rules.places["orders.date_is_real"]}
        first = [known for known in rules.rules if known.gate == 1]
        changed = replace(rules, rules=(*first, rule), places={**rules.places, **place})
        monkeypatch.setattr("quality.gate.load_catalogue", lambda: changed)
        monkeypatch.setattr("quality.reconcile.load_catalogue", lambda: changed)
        return reconcile(tamper=tamper)

    sound.change("orders", "o0", ordered_at=None)
    sound.change("customers", "c4", email="x")
    result = go(0.2)
    assert result.passed
    [found] = [rule for rule in result.rules if rule.rule_id == "orders.stands_elsewhere"]
    assert (found.checked, found.failed) == (19, 2), "of the rows in scope"
    issues = "select rule_id, source_id, value_masked from quality.record_issues order by 1, 2"
    both = [
        ("customers.email_is_valid", "c4", "x**"), ("orders.date_is_real", "o0", "2026-03-01"),
        ("orders.stands_elsewhere", "o1", "7.00"), ("orders.stands_elsewhere", "o2", "7.00"),
    ]  # fmt: skip
    assert sound.query(issues) == both
    stopped = go(0.1)
    assert not stopped.passed
    assert "orders.stands_elsewhere" in stopped.message
    assert sound.query(issues) == both, "each gate writes its own rules' rows only"
    go(None, unified.replace("('o1', 'o2')", "('o1')"))
    assert sound.query(issues) == both[:3]
    assert sound.query(
        "select source_id, resolution from quality.resolved_issues where rule_id = 'orders.stands_elsewhere'"
    ) == [("o2", "mended")]


def test_documents_without_totals_are_worth_their_lines(sound: Records, reconcile: Reconcile) -> None:
    for row in sound.rows["orders"]:
        number = row["source_id"].removeprefix("o")
        row |= {"amount_gross": None, "amount_net": None}
        sound.add(
            "order_lines", f"l{number}", order_source_table="orders", order_source_id=row["source_id"],
            amount_gross=Decimal("10.10"),
        )  # fmt: skip
    sound.change("orders", "o0", ordered_at=None)
    sound.add("order_lines", "orphan", order_source_table="orders", order_source_id="gone", amount_gross=7)
    sound.fail("order_lines", "orphan", "has_no_order")
    totals = (
        "update core.fct_orders set amount_gross = l.amount_gross from quality.passed_order_lines as l "
        "where l.order_source_id = fct_orders.source_id"
    )
    control = "select sum(cast(amount_gross as decimal(18, 2))) from input.order_lines"
    revenue = line(reconcile({"revenue": control}, tamper=totals), "revenue")
    assert (revenue.source_value, revenue.set_aside_value) == (Decimal("209.00"), Decimal("17.10"))
    assert revenue.is_reconciled


def test_an_empty_system_reconciles(sound: Records, reconcile: Reconcile) -> None:
    assert reconcile(
        {"revenue": "select sum(1::decimal(18, 2)) where false"}, "delete from core.fct_orders"
    ).lines[0].source_value == Decimal(0)


@pytest.mark.parametrize(
    ("control", "reason"),
    [
        ("select sum(money) from raw_crm.nothing", "nothing"),
        ("select 1.5::double", "exact"),
        ("select 1, 2", "one number"),
    ],
)
def test_a_control_that_cannot_work_is_named(reconcile: Reconcile, control: str, reason: str) -> None:
    with pytest.raises(GuikeError, match=reason) as refusal:
        reconcile({"revenue": control})
    assert "revenue of the system crm" in str(refusal.value)
