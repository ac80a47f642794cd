"""The truth agrees with the sources, and the pipeline never sees it.

If this fails, every figure measured against the truth (matches found, churn found, revenue) is worthless.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq

from pipelines.demo import DemoSummary
from pipelines.settings import ROOT
from tests.demo.reading import Sources

MASTERS = {("crm", "wk_crm_customer"), ("erp", "jsh_supplier"), ("wechat", "contacts"), ("members", "member")}


def cents(value: object) -> int:
    return int((Decimal(str(value)) * 100).to_integral_value())


def test_every_customer_record_has_its_true_customer(folder: Path, sources: Sources) -> None:
    rows = pq.read_table(folder / "truth" / "entity_records.parquet").to_pylist()
    known = {(r["system"], r["source_table"], r["source_id"]) for r in rows}
    assert len(known) == len(rows)
    for system, table in MASTERS:
        ids = {i for i, row in sources[system, table].items() if row.get("type") != "供应商"}
        assert ids == {i for s, t, i in known if (s, t) == (system, table)}
    for system, table, source_id in known:
        assert source_id in sources[system, table], (system, table, source_id)


def test_records_per_customer(folder: Path) -> None:
    rows = pq.read_table(folder / "truth" / "entity_records.parquet").to_pylist()
    records = [r["true_customer"] for r in rows if (r["system"], r["source_table"]) in MASTERS]
    assert len(set(records)) == 2000
    assert 1.5 < len(records) / 2000 < 1.9


def test_row_counts_are_those_of_the_files(summary: DemoSummary, sources: Sources) -> None:
    for (system, table), rows in sources.items():
        deleted = 60 if table == "member" else 0  # rows marked as deleted are written but not read
        assert 0 <= summary.rows[f"{system}.{table}"] - len(rows) <= deleted


def test_lines_add_up_to_their_document(sources: Sources) -> None:
    contracts: Counter[int] = Counter()
    for row in sources["crm", "wk_crm_contract_product"].values():
        contracts[row["contract_id"]] += cents(row["subtotal"])
    for row in sources["crm", "wk_crm_contract"].values():
        assert contracts[row["contract_id"]] == cents(row["money"])
    heads: Counter[int] = Counter()
    for row in sources["erp", "jsh_depot_item"].values():
        heads[row["header_id"]] += cents(row["tax_last_money"])
        assert cents(row["all_price"]) + cents(row["tax_money"]) == cents(row["tax_last_money"])
    for row in sources["erp", "jsh_depot_head"].values():
        assert heads[row["id"]] == cents(row["discount_last_money"])


def test_true_revenue_is_that_of_the_sources(folder: Path, sources: Sources) -> None:
    """Confirmed, no test, returns negative: by system, to the cent, as documented for the staging models."""
    total: Counter[str] = Counter()
    for row in sources["crm", "wk_crm_contract"].values():
        if row["check_status"] in (1, 8) and "测试" not in row["name"]:
            total["crm"] += cents(row["money"])
    for row in sources["erp", "jsh_depot_head"].values():
        counted = row["status"] == "1" and row["delete_flag"] == "0" and row["remark"] != "测试单"
        sign = {"销售": 1, "销售退货": -1, "采购": 0}[row["sub_type"]]
        total["erp"] += sign * counted * cents(row["discount_last_money"])
    for row in sources["members", "xfjl"].values():
        total["members"] += (row["ZT"] == "正常" and row["XM"] != "测试") * cents(row["JE"])
    for row in sources["ledger", "projects"].values():
        total["ledger"] += (row["状态"] in ("已完成", "进行中")) * cents(row["合同金额"])
    truth: Counter[str] = Counter()
    for row in pq.read_table(folder / "truth" / "revenue_by_month.parquet").to_pylist():
        truth[row["system"]] += cents(row["amount_gross"])
        assert "2023-07" <= row["month"] <= "2026-06"
    assert truth == total


def test_all_tiers_and_kinds_of_churn_occur(folder: Path, sources: Sources) -> None:
    churn = pq.read_table(folder / "truth" / "churn.parquet").to_pylist()
    assert {(row["kind"], row["contractual"]) for row in churn} == {
        (kind, contractual) for kind in ("active", "passive") for contractual in (True, False)
    }
    assert {row["reason"] for row in churn} >= {
        "complaint",
        "competitor",
        "wechat_deleted",
        "cancelled",
        "bad_debt",
    }
    assert any(row["won_back_on"] for row in churn)
    spend: defaultdict[int, float] = defaultdict(float)
    for row in sources["erp", "jsh_depot_head"].values():
        if row["sub_type"] == "销售" and row["oper_time"].startswith("2025"):
            spend[row["organ_id"]] += row["discount_last_money"]
    limits = (0, 3_000, 5_000, 10_000, 15_000, 20_000, 25_000, 10**9)
    for low, high in zip(limits, limits[1:], strict=False):
        assert any(low < amount <= high for amount in spend.values()), (low, high)


def test_evidence_of_leaving_lies_in_the_sources(sources: Sources) -> None:
    remarks = {
        str(row["remark"])[:7]
        for row in sources["crm", "wk_crm_contract"].values()
        if row["check_status"] == 8
    }
    assert remarks >= {"终止：客户选择", "终止：价格原因", "终止：拖欠尾款"}
    assert {row["状态"] for row in sources["wechat", "contacts"].values()} >= {"正常", "已删除"}
    tickets = sources["callcentre", "tickets"].values()
    assert any(
        row["kind"] == "投诉" and row["severity"] == "高" and row["closed_at"] is None for row in tickets
    )
    assert any(row["离职日期"] for row in sources["hr", "staff"].values())


def test_the_pipeline_never_reads_the_truth() -> None:
    """No code, model or spec outside the demo names the truth folder or one of its files."""
    words = ("/truth", "truth/", '"truth"', "'truth'", "entity_records.parquet", "revenue_by_month.parquet")
    for part in ("pipelines", "quality", "warehouse", "dbt_project", "desk"):
        for path in (ROOT / part).rglob("*"):
            inside = path.relative_to(ROOT).parts
            if path.suffix not in {".py", ".sql", ".yml", ".yaml"} or inside[:2] == ("pipelines", "demo"):
                continue
            if {"data", "target", "logs"} & set(inside):
                continue
            content = path.read_text(encoding="utf-8")
            assert not any(word in content for word in words), path
