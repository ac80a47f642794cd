"""The finance ledger's four sheets.

Comes in: offline projects, contracts and their receipts. Goes out: `Table`s with Chinese headers for the
sheets 收款明细 (payments for offline projects, in 万元, with or without tax), 线下项目, 应收账款, 维护费用.
Customers stand there by name only, as somebody in finance typed it.
"""

from __future__ import annotations

import numpy as np

from pipelines.demo import names, naming
from pipelines.demo.contracts import Contracts, Receipts
from pipelines.demo.defects import Planter
from pipelines.demo.fabric import (
    Integers,
    Objects,
    as_date,
    chance,
    constant,
    day,
    day_text,
    draw,
    net_of_tax,
    numbers,
    optional,
    runs,
    stream,
    vocabulary,
    yuan,
)
from pipelines.demo.orders import Projects
from pipelines.demo.tables import Table
from pipelines.demo.world import END, START, Customers, Staff

TAX = 0.06
_SLOPPINESS = 0.45  # the share of names that finance doesn't type in full
_EXCEL_EPOCH = 25_569  # the serial that Excel gives to 1970-01-01
_RECEIVABLE_CAP, _COST_CAP = 12_000, 14_000


def project_numbers(projects: Projects) -> Objects:
    """XM and the serial: XM000012."""
    return np.asarray(constant("XM", len(projects.day)) + numbers(np.arange(1, len(projects.day) + 1), 6))


def projects_table(
    customers: Customers, staff: Staff, projects: Projects, plant: Planter, seed: int
) -> Table:
    """线下项目: yuan with tax; 状态 已完成 / 进行中 / 取消 (cancelled ones count no revenue) / 测试."""
    rng = stream(seed, "ledger projects")
    who, count = projects.customer, len(projects.day)
    status = np.where(projects.day > END - 45, "进行中", "已完成").astype(object)
    fate = rng.random(count)
    status[fate < 0.03] = "取消"
    status[fate > 0.99] = "测试"
    status[:4] = ["已完成", "取消", "测试", "已完成"]
    name, style = naming.as_written(rng, customers, who, _SLOPPINESS)
    columns = {
        "日期": ledger_dates(rng, projects.day),
        "客户名称": name,
        "项目名称": names.MATERIALS[projects.product],
        "项目编号": project_numbers(projects),
        "合同金额": yuan(projects.cents),
        "成本": yuan(np.rint(projects.cents * rng.uniform(0.35, 0.8, count)).astype(np.int64)),
        "状态": status,
        "负责人": staff.name[customers.owner_at(who, projects.day)],
    }
    table = Table("ledger", "projects", who, columns)
    plant.note(table, "状态", "cancelled_order", np.flatnonzero(status == "取消"))
    plant.note(table, "状态", "test_order", np.flatnonzero(status == "测试"))
    plant.plant(table, "日期", "excel_serial_date", excel_serials, 0.08)
    plant.note_styles(table, "客户名称", style)
    plant.spoil_names(table, "客户名称")
    return table


def make_receipts(projects: Projects, counted: Objects, seed: int) -> Receipts:
    """Two payments per project, the second one sometimes late or missing; none for cancelled and test."""
    rng = stream(seed, "project receipts")
    kept = np.flatnonzero((counted == "已完成") | (counted == "进行中"))
    owner, step = runs(1 + chance(rng, len(kept), 0.6))
    document = kept[owner]
    two = np.bincount(owner, minlength=len(kept))[owner] == 2
    half = projects.cents[document] // 2
    cents = np.where(
        step == 1, projects.cents[document] - half, np.where(two, half, projects.cents[document])
    )
    days = projects.day[document] + rng.integers(0, 20, len(owner)) + step * rng.integers(20, 150, len(owner))
    keep = (days <= END) & ~((step == 1) & chance(rng, len(owner), 0.05))
    document, days, cents = document[keep], days[keep], cents[keep]
    order = np.lexsort((document, days))
    return Receipts(document[order], days[order], cents[order], np.ones(len(order), dtype=bool))


def receipts_table(
    customers: Customers, staff: Staff, projects: Projects, receipts: Receipts, plant: Planter, seed: int
) -> Table:
    """收款明细: 金额（万元） with 是否含税 是 or 否; without tax it is gross / 1.06."""
    rng = stream(seed, "ledger receipts")
    document = receipts.document
    who, count = projects.customer[document], len(document)
    without_tax = chance(rng, count, 0.15)
    cents = receipts.cents.copy()
    table = Table("ledger", "receipts", who, {})
    table.columns["金额（万元）"] = cents
    large = plant.choose(table, "金额（万元）", "overpayment", 0.004)
    cents[large] = projects.cents[document[large]] + 100_000
    without_tax[large] = False
    plant.truth.defect("overpayment", table, large, "金额（万元）")
    name, style = naming.as_written(rng, customers, who, _SLOPPINESS)
    written = np.where(without_tax, net_of_tax(cents, TAX), cents)
    table.columns = {
        "日期": ledger_dates(rng, receipts.day),
        "客户名称": name,
        "项目": names.MATERIALS[projects.product[document]],
        "合同号": project_numbers(projects)[document],
        "金额（万元）": np.round(written / 1e6, 6),
        "是否含税": np.where(without_tax, "否", "是"),
        "税率": np.where(chance(rng, count, 0.5), "6%", "0.06"),
        "经手人": staff.name[customers.owner_at(who, receipts.day)],
        "备注": optional(chance(rng, count, 0.1), "转账"),
    }
    plant.truth.defect("money_in_wan", table, np.arange(count), "金额（万元）")
    plant.note(table, "是否含税", "money_without_tax", np.flatnonzero(without_tax))
    plant.plant(table, "日期", "excel_serial_date", excel_serials, 0.1)
    plant.plant(table, "日期", "zero_date", lambda old: constant("0000-00-00", len(old)), 0.004)
    plant.note_styles(table, "客户名称", style)
    plant.spoil_names(table, "客户名称")
    return table


def receivables_table(
    customers: Customers,
    contracts: Contracts,
    receipts: Receipts,
    numbers_of: Objects,
    plant: Planter,
    seed: int,
) -> Table:
    """应收账款: contracts whose money isn't all in, in yuan; 到期日 is 60 days after signing."""
    rng = stream(seed, "ledger receivables")
    received = np.zeros(len(contracts), dtype=np.int64)
    np.add.at(received, receipts.document[receipts.is_confirmed], receipts.cents[receipts.is_confirmed])
    open_ones = np.flatnonzero(contracts.is_revenue() & (received < contracts.cents))[-_RECEIVABLE_CAP:]
    name, style = naming.as_written(rng, customers, contracts.customer[open_ones], _SLOPPINESS)
    columns = {
        "客户名称": name,
        "单据号": numbers_of[open_ones],
        "到期日": ledger_dates(rng, contracts.signed[open_ones] + 60),
        "应收金额": yuan(contracts.cents[open_ones]),
        "已收金额": yuan(received[open_ones]),
    }
    table = Table("ledger", "receivables", contracts.customer[open_ones], columns)
    plant.note_styles(table, "客户名称", style)
    plant.plant(table, "到期日", "excel_serial_date", excel_serials, 0.05)
    return table


def service_costs_table(customers: Customers, buys: Integers, plant: Planter, seed: int) -> Table:
    """维护费用: what keeping a customer cost, in yuan: visits, gifts, repairs, travel."""
    rng = stream(seed, "service costs")
    wanted = min(_COST_CAP, max(20, len(customers) // 4))
    who = np.sort(rng.choice(buys, size=min(wanted, len(buys)), replace=False))
    begin = np.maximum(customers.joined[who], START)
    days = begin + (rng.random(len(who)) * (END - begin)).astype(np.int64)
    order = np.lexsort((who, days))
    who, days = who[order], days[order]
    kind = rng.integers(0, 4, len(who))
    name, style = naming.as_written(rng, customers, who, _SLOPPINESS)
    columns = {
        "日期": ledger_dates(rng, days),
        "客户名称": name,
        "类型": vocabulary(["上门维护", "节日礼品", "差旅", "招待"])[kind],
        "金额": yuan(np.rint(np.exp(rng.normal(5.2, 0.8, len(who)))).astype(np.int64) * 100),
    }
    table = Table("ledger", "service_costs", who, columns)
    plant.note_styles(table, "客户名称", style)
    plant.plant(table, "日期", "excel_serial_date", excel_serials, 0.05)
    return table


def ledger_dates(rng: np.random.Generator, days: Integers) -> Objects:
    """Date cells for the most part; some typed as text, 2024-03-05 or 2024/3/5."""
    first = int(days.min(initial=START))
    cells = vocabulary([as_date(number) for number in range(first, int(days.max(initial=END)) + 1)])[
        days - first
    ]
    form = draw(rng, [0.8, 0.12, 0.08], len(days))
    iso = day_text(days)
    slashed = vocabulary([text.replace("-0", "-").replace("-", "/") for text in iso])
    return np.where(form == 0, cells, np.where(form == 1, iso, slashed))


def excel_serials(old: Objects) -> Objects:
    """Dates as the serial numbers that Excel shows when the cell's format is lost."""
    isos = [str(value).replace("/", "-").split("-") for value in old]
    return vocabulary([day(int(y), int(m), int(d)) + _EXCEL_EPOCH for y, m, d in isos])
