"""The CRM's products, contracts, contract lines and receivables.

Comes in: `Contracts` and `Receipts` of the world. Goes out: `Table`s as 悟空CRM 11 has them. Money is with
6 % tax, the lines' subtotals add up to the contract's money, and `money` is what the contract is worth.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipelines.demo import names
from pipelines.demo.contracts import APPROVED, TERMINATED, Contracts, Receipts
from pipelines.demo.crm import BATCH
from pipelines.demo.defects import ZERO_DATE, Planter, in_the_future
from pipelines.demo.fabric import (
    DAY_SECONDS,
    Floats,
    Integers,
    Objects,
    as_date,
    chance,
    constant,
    day_text,
    moment_text,
    numbers,
    office_hours,
    optional,
    runs,
    stream,
    texts,
    vocabulary,
    yuan,
)
from pipelines.demo.leaving import BAD_DEBT, COMPETITOR, COMPLAINT, PRICE, Leaving
from pipelines.demo.registers import Register
from pipelines.demo.tables import Table, ids
from pipelines.demo.world import END, START, Customers

_CREATED = "2018-03-01 09:00:00"


def product_tables() -> Iterator[Table]:
    """wk_crm_product_category and wk_crm_product: five kinds of service, each with its add-on."""
    kinds = len(names.CONTRACT_KINDS)
    nobody = np.full(kinds, -1)
    yield Table(
        "crm", "wk_crm_product_category", nobody,
        {"category_id": ids(kinds), "name": names.CONTRACT_KINDS, "pid": 0}, "category_id",
    )  # fmt: skip
    both = np.concatenate([names.CONTRACT_KINDS, names.CONTRACT_ADDONS])
    price = np.concatenate([names.CONTRACT_PRICES, names.CONTRACT_PRICES // 4])
    columns = {
        "product_id": ids(2 * kinds),
        "name": both,
        "num": constant("P", 2 * kinds) + numbers(ids(2 * kinds), 4),
        "unit": "年",
        "price": yuan(price * 100),
        "status": 1,
        "category_id": 1 + np.arange(2 * kinds) % kinds,
        "create_user_id": 1,
        "owner_user_id": 1,
        "create_time": _CREATED,
        "update_time": _CREATED,
        "batch_id": BATCH,
    }
    yield Table("crm", "wk_crm_product", np.full(2 * kinds, -1), columns, "product_id")


def contract_numbers(contracts: Contracts) -> Objects:
    """HT, the year signed, and the serial: HT2024-000123."""
    first_of_year = np.array([as_date(number).year for number in range(START, END + 2)])
    return np.asarray(
        constant("HT", len(contracts)) + texts(first_of_year[contracts.signed - START]) + "-"
        + numbers(ids(len(contracts)), 7)
    )  # fmt: skip


def contract_table(
    customers: Customers, leaving: Leaving, contracts: Contracts, receipts: Receipts, register: Register,
    plant: Planter, seed: int,
) -> Table:  # fmt: skip
    """wk_crm_contract with its defects; row position + 1 is the id."""
    rng = stream(seed, "crm contracts")
    who, count = contracts.customer, len(contracts)
    record = register.rows_for(rng, who)
    received = np.zeros(count, dtype=np.int64)
    np.add.at(received, receipts.document[receipts.is_confirmed], receipts.cents[receipts.is_confirmed])
    user = customers.owner_at(who, contracts.signed) + 1
    signed_at = office_hours(rng, contracts.signed)
    changed = np.where(contracts.status == TERMINATED, contracts.terminated, contracts.signed + 1)
    columns = {
        "contract_id": ids(count),
        "name": np.where(contracts.is_test, "测试合同", names.CONTRACT_KINDS[contracts.kind] + "服务合同"),
        "customer_id": record + 1,
        "check_status": contracts.status,
        "order_date": moment_text(contracts.signed * DAY_SECONDS),
        "create_user_id": user,
        "owner_user_id": user,
        "create_time": moment_text(signed_at),
        "update_time": moment_text(np.maximum(office_hours(rng, changed), signed_at)),
        "num": contract_numbers(contracts),
        "start_time": moment_text(contracts.starts * DAY_SECONDS),
        "end_time": moment_text(contracts.ends * DAY_SECONDS),
        "money": yuan(contracts.cents),
        "discount_rate": 0,
        "total_price": yuan(contracts.cents),
        "types": names.CONTRACT_KINDS[contracts.kind],
        "payment_type": vocabulary(["1", "2"])[(contracts.cents > 500_000).astype(np.int64)],
        "batch_id": numbers(6 * 10**9 + ids(count), 32),
        "remark": _remarks(rng, contracts, leaving),
        "received_money": yuan(received),
        "unreceived_money": yuan(contracts.cents - received),
        "old_contract_id": optional(contracts.previous >= 0, contracts.previous + 1),
    }
    table = Table("crm", "wk_crm_contract", who, columns, "contract_id", register.part[record])
    _spoil_contracts(table, contracts, len(register.customer), plant)
    return table


def _remarks(rng: np.random.Generator, contracts: Contracts, leaving: Leaving) -> Objects:
    """Why a contract was terminated, and when a site was due and done."""
    who = contracts.customer
    reason = leaving.reason[who]
    text = np.full(len(contracts), "终止：客户取消服务", dtype=object)
    text[reason == COMPETITOR] = ("终止：客户选择竞争对手" + names.COMPETITORS[leaving.competitor[who]])[
        reason == COMPETITOR
    ]
    for code, words in {
        PRICE: "终止：价格原因",
        COMPLAINT: "终止：客户投诉未解决",
        BAD_DEBT: "终止：拖欠尾款，我司终止",
    }.items():
        text[reason == code] = words
    promised = contracts.signed + 30
    late = chance(rng, len(contracts), np.where(leaving.is_served_late[who], 0.55, 0.06))
    done = promised + np.where(late, rng.integers(3, 40, len(contracts)), -rng.integers(0, 6, len(contracts)))
    site = (contracts.kind == 0) & (contracts.previous < 0) & (done <= END)
    delivery = optional(site, "约定交付:" + day_text(promised) + ";实际交付:" + day_text(done))
    return np.where(contracts.status == TERMINATED, text, delivery)


def _spoil_contracts(table: Table, contracts: Contracts, records: int, plant: Planter) -> None:
    plant.note(table, "name", "test_order", np.flatnonzero(contracts.is_test))
    plant.note(table, "check_status", "cancelled_order", np.flatnonzero(np.isin(contracts.status, (2, 4))))
    counted = contracts.status == APPROVED
    plant.plant(table, "order_date", "future_date", in_the_future, 0.002, counted)
    plant.plant(
        table,
        "order_date",
        "zero_date",
        lambda old: constant(f"{ZERO_DATE} 00:00:00", len(old)),
        0.002,
        counted,
    )
    rows = plant.choose(table, "customer_id", "order_without_customer", 0.002, counted)
    table.columns["customer_id"][rows] = records + 90_001 + np.arange(len(rows))
    plant.truth.defect("order_without_customer", table, rows, "customer_id")


def contract_product_table(contracts: Contracts, contract_rows: Table, seed: int) -> Table:
    """wk_crm_contract_product: the service and, for a third, an add-on; subtotals add up to the money."""
    rng = stream(seed, "crm contract lines")
    has_addon = chance(rng, len(contracts), 0.3)
    contract, line = runs(1 + has_addon)
    # The add-on is worth a fifth in whole yuan; the service is the rest.
    addon = contracts.cents // 500 * 100
    subtotal = np.where(
        line == 1, addon[contract], contracts.cents[contract] - np.where(has_addon, addon, 0)[contract]
    )
    columns = {
        "r_id": ids(len(contract)),
        "contract_id": contract + 1,
        "product_id": contracts.kind[contract] + 1 + 5 * line,
        "price": yuan(subtotal),
        "sales_price": yuan(subtotal),
        "num": 1,
        "discount": 0,
        "subtotal": yuan(subtotal),
        "unit": "年",
    }
    return contract_rows.below("wk_crm_contract_product", contract, columns, "r_id")


def receivables_table(
    customers: Customers,
    contracts: Contracts,
    receipts: Receipts,
    contract_rows: Table,
    plant: Planter,
    seed: int,
) -> Table:
    """wk_crm_receivables: check_status 1 = passed, 2 = rejected (never received)."""
    rng = stream(seed, "crm receivables")
    order = np.lexsort((receipts.document, receipts.day))
    document, day, cents = receipts.document[order], receipts.day[order], receipts.cents[order]
    who, count = contracts.customer[document], len(order)
    user = customers.owner_at(who, day) + 1
    columns = {
        "receivables_id": ids(count),
        "number": constant("HK", count) + numbers(ids(count), 8),
        "customer_id": contract_rows.columns["customer_id"][document],
        "contract_id": document + 1,
        "check_status": np.where(receipts.is_confirmed[order], 1, 2),
        "return_time": day_text(day),
        "return_type": vocabulary(["1", "2", "3", "4"])[rng.integers(0, 4, count)],
        "money": yuan(cents),
        "create_user_id": user,
        "owner_user_id": user,
        "create_time": moment_text(office_hours(rng, day)),
        "update_time": moment_text(day * DAY_SECONDS + 72_000),
        "batch_id": BATCH,
    }
    table = contract_rows.below("wk_crm_receivables", document, columns, "receivables_id")
    rows = plant.choose(table, "money", "overpayment", 0.003, receipts.is_confirmed[order])
    overpay(table.columns["money"], rows, contracts.cents[document[rows]])
    plant.truth.defect("overpayment", table, rows, "money")
    return table


def overpay(money: Floats, rows: Integers, document_cents: Integers) -> None:
    """A payment larger than the whole document: the document's amount and 1,000 yuan more."""
    money[rows] = yuan(document_cents + 100_000)
