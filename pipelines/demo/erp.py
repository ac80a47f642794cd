"""The ERP, shaped like 华夏ERP (jshERP): customers, goods, sales, returns, purchases, money received.

Comes in: the world and its ERP orders. Goes out: `Table`s with the product's own column names, defects
planted. A sale is type 出库 / sub_type 销售, a return 入库 / 销售退货 (amount positive, as jshERP keeps it),
a purchase 入库 / 采购. `discount_last_money` is with tax and equals the sum of the items' `tax_last_money`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.demo import names, naming
from pipelines.demo.contracts import Receipts
from pipelines.demo.crm_contracts import overpay
from pipelines.demo.defects import Planter, transposed_digits, with_extension, wrong_check_digit
from pipelines.demo.fabric import (
    DAY_SECONDS,
    Integers,
    Objects,
    chance,
    constant,
    day_text,
    moment_text,
    net_of_tax,
    numbers,
    optional,
    runs,
    stream,
    vocabulary,
    yuan,
)
from pipelines.demo.orders import CANCELLED_ORDER, DRAFT, TEST, Orders
from pipelines.demo.registers import Register
from pipelines.demo.tables import Table, ids
from pipelines.demo.world import END, NEVER, START, Customers, Staff

_FIXED = {"tenant_id": 63, "delete_flag": "0"}
_VENDORS = 40
_TAX_RATES = np.array([0.06, 0.13, 0.06, 0.06, 0.13])  # tax rate by category of goods


@dataclass(frozen=True)
class Items:
    """Lines of the sales documents: head row, material, quantity, cents with tax."""

    head: Integers
    material: Integers
    quantity: Integers
    cents: Integers


def staff_tables(staff: Staff) -> Iterator[Table]:
    """jsh_user and jsh_person (业务员, who sell): ids are the position in the staff list + 1."""
    count = len(staff)
    nobody = np.full(count, -1)
    users = {
        "id": ids(count), "username": staff.name, "login_name": staff.number, "position": staff.post,
        "department": staff.department, "email": staff.email, "phonenum": staff.mobile, "ismanager": 1,
        "isystem": 0, "status": np.where(staff.left < NEVER, 2, 0), **_FIXED,
    }  # fmt: skip
    yield Table("erp", "jsh_user", nobody, users, "id")
    people = {"id": ids(count), "type": "业务员", "name": staff.name, "enabled": 1, **_FIXED}
    yield Table("erp", "jsh_person", nobody, people, "id")


def material_tables() -> Iterator[Table]:
    """jsh_material_category, jsh_material and jsh_material_extend."""
    kinds, count = len(names.MATERIAL_CATEGORIES), len(names.MATERIALS)
    category = {
        "id": ids(kinds),
        "name": names.MATERIAL_CATEGORIES,
        "category_level": 1,
        "parent_id": None,
        **_FIXED,
    }
    yield Table("erp", "jsh_material_category", np.full(kinds, -1), category, "id")
    material = {
        "id": ids(count), "category_id": names.MATERIAL_CATEGORY + 1, "name": names.MATERIALS, "unit": "项",
        "enabled": 1, **_FIXED,
    }  # fmt: skip
    yield Table("erp", "jsh_material", np.full(count, -1), material, "id")
    price = names.MATERIAL_PRICES * 100
    extend = {
        "id": ids(count), "material_id": ids(count), "bar_code": numbers(ids(count) + 1000, 4),
        "commodity_unit": "项", "purchase_decimal": yuan(price * 55 // 100),
        "commodity_decimal": yuan(price * 12 // 10), "wholesale_decimal": yuan(price), "default_flag": "1",
        "tenant_id": 63, "delete_Flag": "0",
    }  # fmt: skip
    yield Table("erp", "jsh_material_extend", np.full(count, -1), extend, "id")


def supplier_table(customers: Customers, register: Register, plant: Planter, seed: int) -> Table:
    """jsh_supplier: customers first (row + 1 is the id), then the vendors we buy from."""
    rng = stream(seed, "erp suppliers")
    who, count = register.customer, len(register.customer)
    firm = customers.is_firm[who]
    name, style = naming.as_written(rng, customers, who, 0.3)
    titled = firm & chance(rng, count, 0.15)
    contact = np.where(titled, naming.title(customers, who), customers.surname[who] + customers.given[who])
    place = names.PROVINCES[customers.city[who]] + names.CITIES[customers.city[who]]
    columns = {
        "id": ids(count),
        "supplier": name,
        "contacts": optional(firm | chance(rng, count, 0.3), contact),
        "phone_num": optional(firm & chance(rng, count, 0.6), customers.landline[who]),
        "telephone": optional(chance(rng, count, 0.9), customers.mobile[who]),
        "email": optional(chance(rng, count, 0.3), customers.email[who]),
        "type": np.where(firm | chance(rng, count, 0.8), "客户", "会员"),
        "enabled": np.where(chance(rng, count, 0.97), 1, 0),
        "address": optional(chance(rng, count, 0.75), place + customers.street[who]),
        "tax_num": optional(firm & chance(rng, count, 0.7), customers.credit_code[who]),
        "isystem": 1,
        "creator": customers.owner[who] + 1,
        **_FIXED,
    }
    table = Table("erp", "jsh_supplier", who, columns, "id")
    plant.note_styles(table, "supplier", style)
    plant.note(table, "contacts", "title_instead_of_name", np.flatnonzero(titled))
    twice = np.flatnonzero(register.role != 0)
    table.columns["telephone"][twice[::2]] = None
    plant.truth.defect("person_as_two_customers", table, twice, "supplier")
    _spoil_suppliers(table, customers, plant)
    return _with_vendors(table, rng)


def _spoil_suppliers(table: Table, customers: Customers, plant: Planter) -> None:
    who = table.customer
    has_line = table.columns["phone_num"] != None  # noqa: E711 -- elementwise
    for flag, defect in (
        (customers.shares_hotline, "hotline_400"),
        (customers.shares_switchboard, "shared_switchboard"),
    ):
        plant.note(table, "phone_num", defect, np.flatnonzero(has_line & flag[who]))
    in_both = customers.in_crm[who]
    plant.plant(table, "telephone", "conflicting_phone", transposed_digits, 0.03, in_both)
    plant.plant(table, "contacts", "conflicting_name", _other_given_name, 0.03, in_both)
    column = table.columns["creator"]
    rows = plant.choose(table, "creator", "conflicting_owner", 0.05, in_both)
    column[rows] = 1 + column[rows] % int(column.max())
    # The ERP keeps the first owner: after a hand-over it disagrees with the CRM as well.
    differs = in_both & (column - 1 != customers.owner_at(who, np.full(len(who), END)))
    plant.truth.defect("conflicting_owner", table, np.flatnonzero(differs), "creator")
    plant.spoil_names(table, "supplier")
    plant.spoil_mobiles(table, "telephone")
    plant.plant(table, "phone_num", "extension_number", with_extension, 0.03)
    plant.plant(table, "tax_num", "wrong_credit_code", wrong_check_digit, 0.012)


def _other_given_name(old: Objects) -> Objects:
    """The same surname with another given name: the other system knows another person."""
    return vocabulary([name[0] + ("建军" if not name.endswith("建军") else "海燕") for name in old])


def _with_vendors(table: Table, rng: np.random.Generator) -> Table:
    """Append the vendors (type 供应商): they must not be taken for customers."""
    count = len(table)
    vendor = names.BRAND_FIRST[rng.integers(0, len(names.BRAND_FIRST), _VENDORS)]
    vendor = (
        vendor + names.BRAND_SECOND[rng.integers(0, len(names.BRAND_SECOND), _VENDORS)] + "器材供应有限公司"
    )
    filled: dict[str, Any] = {
        "id": ids(count + _VENDORS)[count:],
        "supplier": vendor,
        "type": constant("供应商", _VENDORS),
    }
    columns = dict(table.columns)
    for name, column in table.columns.items():
        if isinstance(column, np.ndarray):
            extra = filled.get(
                name,
                np.ones(_VENDORS, dtype=np.int64) if column.dtype != object else constant(None, _VENDORS),
            )
            columns[name] = np.concatenate([column, extra])
    return Table(
        table.system, table.name, np.concatenate([table.customer, np.full(_VENDORS, -1)]), columns, "id"
    )


def make_items(orders: Orders, seed: int) -> Items:
    """One to three lines per order whose cents add up to the order's."""
    rng = stream(seed, "erp items")
    wanted = 1 + rng.binomial(2, 0.18, len(orders))
    lines = np.where(orders.cents > 30_000, wanted, 1)
    head, line = runs(lines)
    part = orders.cents // lines // 100 * 100
    rest = orders.cents - part * (lines - 1)
    cents = np.where(line == 0, rest[head], part[head])
    material = (orders.product[head] + line * rng.integers(1, 9, len(head))) % len(names.MATERIALS)
    quantity = rng.integers(1, 4, len(head))
    return Items(head, material, np.where(cents % (100 * quantity) == 0, quantity, 1), cents)


def head_table(customers: Customers, orders: Orders, register: Register, plant: Planter, seed: int) -> Table:
    """jsh_depot_head: sales and returns in time order (row + 1 is the id), then purchases."""
    rng = stream(seed, "erp heads")
    who, count = orders.customer, len(orders)
    is_return = orders.returned >= 0
    day = orders.moment // DAY_SECONDS
    delivery = "约定交付:" + day_text(orders.promised) + ";实际交付:" + day_text(orders.delivered)
    remark = np.where(
        orders.status == TEST,
        "测试单",
        np.where(orders.delivered <= END, delivery, "约定交付:" + day_text(orders.promised)),
    )
    remark = np.where(orders.status == CANCELLED_ORDER, "客户取消", remark)
    remark = np.where(is_return, "退货", remark)
    sales_man = constant("", count) + (customers.owner_at(who, day) + 1).astype(str).astype(object)
    number = np.where(is_return, "XSTH", "XSCK") + numbers(ids(count), 11)
    columns = {
        "id": ids(count),
        "type": np.where(is_return, "入库", "出库"),
        "sub_type": np.where(is_return, "销售退货", "销售"),
        "default_number": number,
        "number": number,
        "create_time": moment_text(orders.moment),
        "oper_time": moment_text(orders.moment),
        "organ_id": register.rows_for(rng, who) + 1,
        "creator": customers.owner_at(who, day) + 1,
        "account_id": 1,
        "change_amount": 0,
        "total_price": yuan(orders.cents),
        "pay_type": np.where(chance(rng, count, 0.6), "现付", "记账"),
        "remark": remark,
        "sales_man": sales_man,
        "discount": 0,
        "discount_money": 0,
        "discount_last_money": yuan(orders.cents),
        # Nothing is paid over the counter: receipts are documents of their own.
        "debt": yuan(orders.cents),
        "last_debt": yuan(orders.cents),
        "status": np.where(orders.status == DRAFT, "0", "1"),
        "link_number": optional(is_return, "XSCK" + numbers(orders.returned + 1, 11)),
        "source": "0",
        "tenant_id": 63,
        "delete_flag": np.where(orders.status == CANCELLED_ORDER, "1", "0"),
    }
    table = Table("erp", "jsh_depot_head", who, columns, "id")
    plant.note(table, "remark", "test_order", np.flatnonzero(orders.status == TEST))
    plant.note(table, "delete_flag", "cancelled_order", np.flatnonzero(orders.status == CANCELLED_ORDER))
    rows = plant.choose(table, "organ_id", "order_without_customer", 0.002, orders.is_revenue() & ~is_return)
    table.columns["organ_id"][rows] = len(register.customer) + 900_001 + np.arange(len(rows))
    plant.truth.defect("order_without_customer", table, rows, "organ_id")
    return table


def purchase_tables(
    first_head: int, first_item: int, first_vendor: int, months: int, seed: int
) -> tuple[Table, Table]:
    """Purchases (入库 / 采购): twenty a month, head and one item each; they are no revenue."""
    rng = stream(seed, "erp purchases")
    count = months * 20
    moment = np.sort(rng.integers(START * DAY_SECONDS, END * DAY_SECONDS, count))
    cents, nobody = rng.integers(500, 90_000, count) * 100, np.full(count, -1)
    number = "CGRK" + numbers(ids(count), 11)
    heads = {
        "id": first_head + ids(count), "type": "入库", "sub_type": "采购", "default_number": number,
        "number": number, "create_time": moment_text(moment), "oper_time": moment_text(moment),
        "organ_id": first_vendor + rng.integers(1, _VENDORS + 1, count), "creator": 1, "account_id": 1,
        "change_amount": yuan(-cents), "total_price": yuan(-cents), "pay_type": "现付", "discount": 0,
        "discount_money": 0, "discount_last_money": yuan(cents), "status": "1", "source": "0", **_FIXED,
    }  # fmt: skip
    items = Items(
        np.arange(count), rng.integers(0, len(names.MATERIALS), count), np.ones(count, dtype=np.int64), cents
    )
    head = Table("erp", "jsh_depot_head", nobody, heads, "id")
    return head, item_table(items, nobody, first_item, first_head)


def item_table(items: Items, customer: Integers, first_id: int = 0, first_head: int = 0) -> Table:
    """jsh_depot_item; `customer` is the true customer per head."""
    rate = _TAX_RATES[names.MATERIAL_CATEGORY[items.material]]
    net = net_of_tax(items.cents, rate)
    columns = {
        "id": first_id + ids(len(items.head)),
        "header_id": first_head + items.head + 1,
        "material_id": items.material + 1,
        "material_unit": "项",
        "oper_number": items.quantity,
        "basic_number": items.quantity,
        "unit_price": np.round(net / 100.0 / items.quantity, 6),
        "tax_unit_price": np.round(items.cents / 100.0 / items.quantity, 6),
        "purchase_unit_price": yuan(names.MATERIAL_PRICES[items.material] * 55),
        "all_price": yuan(net),
        "depot_id": 1,
        "tax_rate": rate * 100,
        "tax_money": yuan(items.cents - net),
        "tax_last_money": yuan(items.cents),
        **_FIXED,
    }
    return Table("erp", "jsh_depot_item", customer[items.head], columns, "id")


def receipt_tables(orders: Orders, receipts: Receipts, heads: Table, plant: Planter) -> Iterator[Table]:
    """jsh_account_head (收款; status 1, or 0 = not approved), and one jsh_account_item each for its sale."""
    count = len(receipts.day)
    document, cents = receipts.document, receipts.cents
    amount = yuan(cents)
    head = {
        "id": ids(count), "type": "收款", "organ_id": heads.columns["organ_id"][document],
        "hands_person_id": heads.columns["creator"][document], "creator": heads.columns["creator"][document],
        "change_amount": amount, "discount_money": 0, "total_price": amount, "account_id": 1,
        "bill_no": "SK" + numbers(ids(count), 11),
        "bill_time": moment_text(receipts.day * DAY_SECONDS + 57_600),
        "status": np.where(receipts.is_confirmed, "1", "0"), "source": "0", **_FIXED,
    }  # fmt: skip
    table = Table("erp", "jsh_account_head", orders.customer[document], head, "id")
    rows = plant.choose(table, "change_amount", "overpayment", 0.003, receipts.is_confirmed)
    overpay(amount, rows, orders.cents[document[rows]])
    plant.truth.defect("overpayment", table, rows, "change_amount")
    yield table
    item = {
        "id": ids(count), "header_id": ids(count), "account_id": 1, "bill_id": document + 1,
        "need_debt": yuan(orders.cents[document]), "finish_debt": 0, "each_amount": amount, **_FIXED,
    }  # fmt: skip
    yield Table("erp", "jsh_account_item", orders.customer[document], item, "id")
