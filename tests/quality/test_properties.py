"""Whatever is wrong with the records: nothing is lost, nothing is invented.

Failing means that for some mix of defects a row or a cent is neither in the marts nor among what is set
aside, or that half a document gets through. Many systems at once, each with a mix of its own: an evaluation
of all rules takes a second, whatever the number of rows.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.settings import load_settings
from quality.gate import run_gate_1
from tests.quality.input_layer import Records

SYSTEMS = tuple(f"system_{n}" for n in range(12))
SIZE = 6
MONEY = {"orders": "amount_gross", "payments": "amount_gross", "order_lines": "amount_gross"}
MOMENTS = {"orders": "ordered_at", "payments": "paid_at", "order_lines": None, "customers": "created_at"}

# Entity, what is done to its row, and the join check that then fails, if it takes one.
DEFECTS: list[tuple[str, dict[str, Any], str | None]] = [
    ("customers", {"customer_name": "无", "mobile": None}, None),
    ("customers", {"mobile": "13800000000"}, None),
    ("customers", {"created_at": datetime(2052, 1, 1)}, None),
    ("orders", {"ordered_at": None}, None),
    ("orders", {"ordered_at": datetime(2062, 3, 1)}, None),
    ("orders", {"amount_gross": None, "amount_net": None}, None),
    ("orders", {"customer_source_id": "nobody"}, "has_no_customer"),
    ("order_lines", {"order_source_id": "gone"}, "has_no_order"),
    ("payments", {"paid_at": None}, None),
    ("payments", {"amount_gross": None}, None),
    ("payments", {"order_source_id": None, "customer_source_id": None}, None),
]
MIX = st.sets(
    st.tuples(st.integers(0, len(DEFECTS) - 1), st.sampled_from(SYSTEMS), st.integers(0, SIZE - 1)),
    min_size=20, max_size=100,
)  # fmt: skip


def company(home: Path) -> Records:
    """Per system, six customers with an order of one line and a payment each, over three months."""
    records = Records(replace(load_settings(), home=home, fixed_as_of=date(2026, 6, 30)))
    for system in SYSTEMS:
        for n in range(SIZE):
            key = {"system": system, "customer_source_id": f"c{n}", "staff_name": "陈静"}
            month = 1 + n % 3
            name = f"无锡第{n}机械有限公司"
            records.add("customers", f"c{n}", system=system, customer_name=name, mobile=f"1391234{n:04d}",
                        created_at=datetime(2025, month, 1))  # fmt: skip
            records.add("orders", f"o{n}", **key, ordered_at=datetime(2026, month, 5), status="confirmed",
                        amount_gross=100 + n)  # fmt: skip
            records.add("order_lines", f"l{n}", system=system, order_source_table="orders",
                        order_source_id=f"o{n}", amount_gross=100 + n)  # fmt: skip
            records.add("payments", f"p{n}", system=system, customer_source_id=f"c{n}", amount_gross=n,
                        order_source_id=f"o{n}", paid_at=datetime(2026, month, 9))  # fmt: skip
    return records


def broken(records: Records, mix: set[tuple[int, str, int]]) -> None:
    letters = {"customers": "c", "orders": "o", "order_lines": "l", "payments": "p"}
    for which, system, n in mix:
        entity, change, check = DEFECTS[which]
        name = f"{letters[entity]}{n}"
        next(r for r in records.rows[entity] if (r["system"], r["source_id"]) == (system, name)).update(
            change
        )
        if check:
            records.fail(entity, name, check)


def balance(records: Records) -> None:
    """Per entity, system and month: rows and money in = through + set aside."""
    for entity, moment in MOMENTS.items():
        month = f"date_trunc('month', {moment})" if moment else "null"
        sums = f"count(*), coalesce(sum({MONEY[entity]}), 0)" if entity in MONEY else "count(*)"
        keys = f"(select * from quality.set_aside where entity = '{entity}')"
        parts = (
            f"quality.passed_{entity}",
            f"(select i.* from input.{entity} as i semi join {keys} using (system, source_table, source_id))",
        )
        whole = f"select system, {month} as month, {sums} from input.{entity} group by all"
        union = " union all by name ".join(f"select *, {month} as month from {part}" for part in parts)
        together = f"select system, month, {sums} from ({union}) group by all"
        assert records.query(f"({whole}) except ({together})") == []
        assert records.query(f"({together}) except ({whole})") == []


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(mix=MIX)
def test_nothing_is_lost_whatever_is_wrong(tmp_path_factory: Any, mix: set[tuple[int, str, int]]) -> None:
    home = tmp_path_factory.mktemp("home")
    records = company(home)
    broken(records, mix)
    records.write()
    run_gate_1(records.settings, "run-1")
    balance(records)
    assert records.query(
        "select l.source_id from quality.passed_order_lines as l inner join quality.set_aside as s "
        "on s.entity = 'orders' and s.system = l.system and s.source_id = l.order_source_id"
    ) == [], "half a document got through"  # fmt: skip
    assert records.query(
        "select o.source_id from quality.passed_orders as o inner join quality.set_aside as s "
        "on s.entity = 'customers' and s.system = o.system and s.source_id = o.customer_source_id"
    ) == []  # fmt: skip
    assert records.query(
        "select source_id from quality.set_aside anti join "
        "(select * from quality.record_issues where severity = 'error') "
        "using (entity, system, source_table, source_id) where hangs_on is null"
    ) == [], "set aside without a reason"  # fmt: skip
