"""Mending, waiving and stopping, over whole runs.

If one of these fails, a company mends its records for nothing, a waiver lasts for ever, or readers get
figures that a gate has refused.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from tests.end_to_end.conftest import Company

pytestmark = pytest.mark.slow


def change(company: Company, statement: str) -> None:
    """Somebody edits the CRM."""
    with closing(sqlite3.connect(company.home / "demo" / "sources" / "crm.sqlite")) as con, con:
        con.execute(statement)


def one_set_aside(company: Company, rule: str) -> str:
    """The id of a CRM order that this rule alone keeps out."""
    with company.published() as con:
        row = con.execute(
            "select min(source_id) from quality.set_aside "
            "where entity = 'orders' and system = 'crm' and rule_ids = ?", [rule]
        ).fetchone()  # fmt: skip
    assert row is not None
    assert row[0] is not None
    return str(row[0])


def is_through(company: Company, source_id: str) -> bool:
    with company.published() as con:
        return bool(
            con.execute(
                "select 1 from core.fct_orders where system = 'crm' and source_id = ?", [source_id]
            ).fetchone()
        )


@pytest.mark.thorough
def test_mended_and_waived_orders_come_through_and_a_stopped_gate_changes_nothing(copy: Company) -> None:
    mended = one_set_aside(copy, "orders.date_is_real")
    waived = one_set_aside(copy, "orders.customer_exists")
    assert not is_through(copy, mended)
    change(copy, f"update wk_crm_contract set order_date = '2025-03-04' where contract_id = {mended}")
    copy.guike(
        "quality", "waive", "orders.customer_exists", "--record", f"crm.wk_crm_contract.{waived}",
        "--why", "customer is being entered", "--until", "2026-07-02", "--by", "王芳",
    )  # fmt: skip
    copy.guike("run")
    assert is_through(copy, mended)
    assert is_through(copy, waived)
    with copy.published() as con:
        life = con.execute(
            "select source_id, resolution from quality.resolved_issues where source_id in (?, ?) "
            "and rule_id in ('orders.date_is_real', 'orders.customer_exists')", [mended, waived]
        ).fetchall()  # fmt: skip
    assert set(life) == {(mended, "mended"), (waived, "waived")}

    copy.guike("run", "--as-of", "2026-07-03")
    assert not is_through(copy, waived), "the waiver has expired"
    assert is_through(copy, mended)

    before = copy.marts()
    change(copy, "update wk_crm_contract set customer_id = 9999999")
    told = copy.guike("run", "--as-of", "2026-07-03", expect=1)
    assert "Gate 1 stops the run" in told
    assert "orders.customer_exists" in told
    assert copy.marts() == before
    verdict = json.loads(copy.guike("quality", "gate", "--json"))
    assert not verdict["passed"]
    assert any("orders.customer_exists" in reason for reason in verdict["stops"]["gate_1"])
