"""Presets under names of one's own, beside the demo's systems that come from the same presets.

Failing means that a preset only works as `crm` or `erp`, that two shops on one product get in each other's
way, or that what the product's rows say comes out of staging with another meaning.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipelines.extract.presets import apply_preset
from pipelines.extract.raw import ensure_tables
from pipelines.extract.specs import load_specs
from pipelines.settings import ROOT, load_settings
from tests.dbt_staging.projects import Project
from warehouse import store

pytestmark = pytest.mark.slow
NAMES = {"north_crm": "wukong_crm_11", "south_erp": "jsh_erp"}
ROWS = {
    "raw_south_erp.jsh_depot_head": [
        {"id": "1", "type": "出库", "sub_type": "零售", "total_price": "35.500000",
         "change_amount": "35.500000", "pay_type": "现付", "status": "1",
         "oper_time": "2024-01-05 10:00:00", "delete_flag": "0"},
        {"id": "2", "type": "入库", "sub_type": "销售退货", "discount_last_money": "10.000000",
         "change_amount": "-10.000000", "status": "1", "delete_flag": "0"},
        {"id": "3", "type": "入库", "sub_type": "采购", "discount_last_money": "900", "change_amount": "-900",
         "status": "1", "delete_flag": "0"},
    ],
    "raw_south_erp.jsh_account_head": [
        {"id": "1", "type": "收预付款", "change_amount": "500", "status": "1", "delete_flag": "0"},
    ],
    "raw_north_crm.wk_crm_customer": [
        {"customer_id": "1", "customer_name": "锡城机械", "batch_id": "x", "status": "1"},
    ],
    "raw_north_crm.wk_crm_customer_data": [
        {"id": "1", "field_id": "7", "name": "fldabc", "value": "91320200MA1MABCD00", "batch_id": "x"},
    ],
    "raw_north_crm.wk_crm_field": [{"field_id": "7", "field_name": "fldabc", "name": "税 号"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project with a system from each preset added, over raw tables that hold `ROWS`."""
    root = tmp_path_factory.mktemp("shops")
    leftovers = shutil.ignore_patterns("target", "logs")
    shutil.copytree(ROOT / "dbt_project", root / "dbt_project", ignore=leftovers)
    shutil.copytree(ROOT / "pipelines" / "systems", root / "pipelines" / "systems")
    settings = replace(load_settings(), root=root)
    for name, preset in NAMES.items():
        apply_preset(settings, preset, name, "sqlite:///nowhere.db")
    project = Project(root / "dbt_project", root)
    with duckdb.connect(str(project.warehouse)) as con:
        store.ensure_schemas(con)
        for spec in load_specs(settings):
            ensure_tables(con, spec)
        for table, rows in ROWS.items():
            for row in rows:
                marks = ", ".join("?" * len(row))
                con.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values()))
            con.execute(f"update {table} set _loaded_at = timestamp '2026-01-01'")
    return project


def test_both_build_with_all_their_tests_and_reach_the_input_contract(shops: Project) -> None:
    own = [f"path:models/staging/{name}" for name in NAMES]
    outcome = shops.dbt("build", "--select", *own, "+input__orders", "+input__payments", "+input__customers")
    assert outcome.code == 0, outcome.output
    tests = [node for node in outcome.results if node.startswith("unit_test.") and "north_crm" in node]
    assert len(tests) >= 10
    assert shops.query(
        "select document_kind, amount_gross, ordered_at from input.orders "
        "where system = 'south_erp' order by all"
    ) == [
        ("return", Decimal("-10.00"), None),
        ("sale", Decimal("35.50"), datetime(2024, 1, 5, 2)),
    ]
    assert shops.query(
        "select source_table, amount_gross from input.payments where system = 'south_erp' order by all"
    ) == [
        ("jsh_account_head", Decimal("500.00")),
        ("jsh_depot_head", Decimal("-10.00")),
        ("jsh_depot_head", Decimal("35.50")),
    ]
    assert shops.query("select credit_code, party_type from input.customers where system = 'north_crm'") == [
        ("91320200MA1MABCD00", "organisation")
    ]


def test_the_controls_give_the_figures_that_staging_gives(shops: Project) -> None:
    controls = {
        spec.name: spec.controls
        for spec in load_specs(replace(load_settings(), root=Path(shops.folder).parent))
    }["south_erp"]
    found = {measure: shops.query(sql)[0][0] for measure, sql in controls.items()}
    assert found == {
        "revenue": Decimal("25.50"), "receipts": Decimal("525.50"),
        "order_rows": 2, "payment_rows": 3, "customer_rows": 0,
    }  # fmt: skip
