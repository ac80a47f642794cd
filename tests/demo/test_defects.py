"""Every item of DOMAIN section 8 occurs in the sources, where the truth says.

If this fails, the demo no longer shows what Guike is for, and figures on found defects mean nothing.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.demo import names
from pipelines.demo.defects import CATALOGUE
from tests.demo.reading import Row, Sources, text

SUFFIX = re.compile("(有限公司|有限责任公司|股份有限公司|集团有限公司|厂|经营部)$")
CITY = re.compile("|".join(names.CITIES))
TRADE = re.compile("|".join(sorted(names.TRADES, key=len, reverse=True)))
TRADITIONAL = {chr(new) for old, new in names.TRADITIONAL.items() if old != new}
CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def credit_code_is_right(code: str) -> bool:
    """GB 32100-2015: the last character from the weighted sum of the others, modulo 31."""
    total = sum(CREDIT.index(c) * w for c, w in zip(code, WEIGHTS, strict=False))
    return len(code) == 18 and code[17] == CREDIT[-total % 31]


# What a single value with the defect looks like.
LOOKS: dict[str, Callable[[Any], bool]] = {
    "fullwidth_digits": lambda v: bool(re.search("[０-９]", v)),
    "fullwidth_letters": lambda v: bool(re.search("[Ａ-Ｚ０-９]", v)),
    "float_phone": lambda v: bool(re.fullmatch(r"1\d{10}\.0", v)),
    "plus86_phone": lambda v: bool(re.fullmatch(r"(\+86|0086|86)[ -]?1\d{10}", v)),
    "extension_number": lambda v: bool(re.search(r"\d(-|转| ext\.|#)\d{3}$", v)),
    "hotline_400": lambda v: bool(re.fullmatch(r"400\d{7}", v)),
    "shared_switchboard": lambda v: bool(re.fullmatch(r"0510-8\d{7}", v)),
    "placeholder_name": lambda v: v in {"测试", "无", "张三", "aaa"},
    "placeholder_phone": lambda v: v in {"13800000000", "12345678", "11111111111", "00000000000"},
    # A DBF reader gives None for a date of zeros.
    "zero_date": lambda v: v is None or text(v).startswith("0000-00-00"),
    "future_date": lambda v: text(v)[:10] > "2026-06-30",
    "excel_serial_date": lambda v: isinstance(v, int) and 45_000 < v < 46_500,
    "traditional_spelling": lambda v: bool(set(v) & TRADITIONAL),
    "title_instead_of_name": lambda v: bool(re.fullmatch(".(总|经理|小姐|先生)", v)),
    "title_in_remark": lambda v: bool(re.match(".(小姐|先生)", v)),
    "contact_title_in_remark": lambda v: bool(re.match(".(总|经理)-", v)),
    "firm_without_city": lambda v: not CITY.match(v) and bool(SUFFIX.search(v)),
    "firm_without_suffix": lambda v: bool(CITY.match(v)) and not SUFFIX.search(v),
    "firm_without_city_and_suffix": lambda v: not CITY.match(v) and not SUFFIX.search(v),
    "firm_brackets_full_width": lambda v: bool(re.search("（..）", v)),
    "firm_brackets_half_width": lambda v: bool(re.search(r"\(..\)", v)),
    "firm_other_order": lambda v: bool(CITY.search(v, 2)) and bool(SUFFIX.search(v)),
    "firm_nickname": lambda v: not TRADE.search(v) and not SUFFIX.search(v),
    "wrong_credit_code": lambda v: not credit_code_is_right(v),
    "money_in_wan": lambda v: isinstance(v, int | float) and 0 < v < 500,
    "money_without_tax": lambda v: v == "否",
    "cancelled_order": lambda v: v in {2, 4, "1", "取消", "作废"},
    "test_order": lambda v: "测试" in v,
    "office_as_customer": lambda v: v.endswith(("分公司", "办事处", "（分部）")),
    "untouched_two_years": lambda v: v[:10] < "2024-06-30",
    "invented_phone": lambda v: bool(re.fullmatch(r"1[3-9]\d{9}", v)),
    "invented_email": lambda v: bool(re.fullmatch(r"[a-z]+\d{5}@example\.(com|net)", v)),
}
RELATIONAL = {
    "person_as_two_customers", "shared_phone", "order_without_customer", "overpayment", "conflicting_name",
    "conflicting_phone", "conflicting_region", "conflicting_owner", "owner_has_left", "staff_had_left",
    "two_prices",
}  # fmt: skip


@pytest.fixture(scope="module")
def planted(folder: Path) -> dict[str, list[Row]]:
    """Defect -> where it was planted."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in pq.read_table(folder / "truth" / "defects.parquet").to_pylist():
        found[row["defect"]].append(row)
    return found


@pytest.fixture(scope="module")
def whose(folder: Path) -> dict[tuple[str, str, str], str]:
    """(system, table, source id) -> true customer."""
    rows = pq.read_table(folder / "truth" / "entity_records.parquet").to_pylist()
    return {(r["system"], r["source_table"], r["source_id"]): r["true_customer"] for r in rows}


@pytest.fixture(scope="module")
def crm_of(sources: Sources, whose: dict[tuple[str, str, str], str]) -> dict[str, list[Row]]:
    """True customer -> its customer records in the CRM."""
    records: dict[str, list[Row]] = defaultdict(list)
    for source_id, row in sources["crm", "wk_crm_customer"].items():
        records[whose["crm", "wk_crm_customer", source_id]].append(row)
    return records


def row_of(sources: Sources, where: Row) -> Row:
    return sources[where["system"], where["source_table"]][where["source_id"]]


def test_catalogue_is_complete(planted: dict[str, list[Row]]) -> None:
    assert set(planted) == set(CATALOGUE) == set(LOOKS) | RELATIONAL
    assert all(len(rows) >= 2 for rows in planted.values())


@pytest.mark.parametrize("defect", sorted(LOOKS))
def test_defect_is_where_the_truth_says(defect: str, planted: dict[str, list[Row]], sources: Sources) -> None:
    for where in planted[defect]:
        value = row_of(sources, where)[where["field"]]
        assert LOOKS[defect](value), (where, value)


def test_other_credit_codes_are_right(planted: dict[str, list[Row]], sources: Sources) -> None:
    wrong = {(w["source_table"], w["source_id"]) for w in planted["wrong_credit_code"]}
    fields = sources["crm", "wk_crm_customer_data"].items()
    codes = [("wk_crm_customer_data", i, r["value"]) for i, r in fields if r["name"] == "credit_code"]
    codes += [
        ("jsh_supplier", i, r["tax_num"]) for i, r in sources["erp", "jsh_supplier"].items() if r["tax_num"]
    ]
    assert len(codes) > 500
    assert all(credit_code_is_right(code) for table, key, code in codes if (table, key) not in wrong)


def test_a_switchboard_is_shared_by_many(sources: Sources) -> None:
    numbers = Counter(
        row["telephone"] for row in sources["crm", "wk_crm_customer"].values() if row["telephone"]
    )
    assert [count for _, count in numbers.most_common(2)][0] > 60
    assert any(number.startswith("400") and count > 15 for number, count in numbers.items())


def test_person_stands_twice(planted: dict[str, list[Row]], whose: dict[tuple[str, str, str], str]) -> None:
    records = Counter((system, table, customer) for (system, table, _), customer in whose.items())
    for where in planted["person_as_two_customers"]:
        key = (where["system"], where["source_table"])
        assert records[*key, whose[*key, where["source_id"]]] >= 2, where


def test_who_worked_after_leaving_had_left(planted: dict[str, list[Row]], sources: Sources) -> None:
    staff = [row for _, row in sorted(sources["hr", "staff"].items())]
    gone = {row["姓名"]: row["离职日期"] for row in staff if row["离职日期"]}
    for where in planted["staff_had_left"]:
        row = row_of(sources, where)
        if where["source_table"] == "wk_crm_activity":
            name = staff[int(row["create_user_id"]) - 1]["姓名"]
            assert gone[name] < str(row["create_time"])[:10], where


def test_a_project_has_two_prices_by_two_people(planted: dict[str, list[Row]], sources: Sources) -> None:
    offers: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for where in planted["two_prices"]:
        row = row_of(sources, where)
        offers[str(row["customer_id"]), row["business_name"]].add((row["owner_user_id"], str(row["money"])))
    assert all(len({who for who, _ in told}) > 1 for told in offers.values())
    assert all(len({price for _, price in told}) > 1 for told in offers.values())


def test_two_people_share_a_phone(
    planted: dict[str, list[Row]], sources: Sources, whose: dict[tuple[str, str, str], str]
) -> None:
    holders: dict[str, set[str]] = defaultdict(set)
    for system, table, field in (
        ("crm", "wk_crm_customer", "mobile"),
        ("erp", "jsh_supplier", "telephone"),
        ("members", "member", "DH"),
    ):
        for source_id, row in sources[system, table].items():
            if row[field] and (system, table, source_id) in whose:
                holders[row[field]].add(whose[system, table, source_id])
    values = [row_of(sources, where)[where["field"]] for where in planted["shared_phone"]]
    assert any(len(holders[value]) >= 2 for value in values)


def test_orders_without_customer(planted: dict[str, list[Row]], sources: Sources) -> None:
    masters = {"crm": "wk_crm_customer", "erp": "jsh_supplier", "members": "member"}
    for where in planted["order_without_customer"]:
        known = sources[where["system"], masters[where["system"]]]
        assert str(row_of(sources, where)[where["field"]]) not in known, where


def test_payments_larger_than_the_order(planted: dict[str, list[Row]], sources: Sources) -> None:
    items = {str(row["header_id"]): row for row in sources["erp", "jsh_account_item"].values()}
    projects = {row["项目编号"]: row for row in sources["ledger", "projects"].values()}
    for where in planted["overpayment"]:
        row = row_of(sources, where)
        if where["system"] == "crm":
            paid, due = row["money"], sources["crm", "wk_crm_contract"][str(row["contract_id"])]["money"]
        elif where["system"] == "erp":
            sale = sources["erp", "jsh_depot_head"][str(items[where["source_id"]]["bill_id"])]
            paid, due = row["change_amount"], sale["discount_last_money"]
        else:
            paid, due = row["金额（万元）"] * 10_000, projects[row["合同号"]]["合同金额"]
        assert paid > due, where


def test_systems_disagree(
    planted: dict[str, list[Row]], sources: Sources, whose: dict[tuple[str, str, str], str],
    crm_of: dict[str, list[Row]],
) -> None:  # fmt: skip
    staff = {row["user_id"]: row["realname"] for row in sources["crm", "wk_admin_user"].values()}
    seen: Counter[str] = Counter()
    for defect in ("conflicting_phone", "conflicting_owner"):
        for where in planted[defect]:
            records = crm_of[whose[where["system"], where["source_table"], where["source_id"]]]
            value = row_of(sources, where)[where["field"]]
            if where["field"] == "telephone":
                others = {row["mobile"] for row in records if row["mobile"]}
            elif where["field"] == "creator":
                others = {row["owner_user_id"] for row in records if row["owner_user_id"]}
            else:
                others = {staff[row["owner_user_id"]] for row in records if row["owner_user_id"]}
            assert value not in others, where
            seen[defect] += bool(others)
    assert min(seen["conflicting_phone"], seen["conflicting_owner"]) >= 2


def test_systems_disagree_on_region_and_name(
    planted: dict[str, list[Row]], sources: Sources, whose: dict[tuple[str, str, str], str],
    crm_of: dict[str, list[Row]],
) -> None:  # fmt: skip
    for where in planted["conflicting_region"]:
        records = crm_of[whose["wechat", "contacts", where["source_id"]]]
        region = row_of(sources, where)["地区"].replace(" ", ",")
        assert all(row["address"] != region for row in records), where
    contacts: dict[int, set[str]] = defaultdict(set)
    for row in sources["crm", "wk_crm_contacts"].values():
        contacts[row["customer_id"]].add(row["name"])
    compared = 0
    for where in planted["conflicting_name"]:
        records = crm_of[whose["erp", "jsh_supplier", where["source_id"]]]
        known = set().union(*(contacts[row["customer_id"]] for row in records))
        known |= {row["customer_name"] for row in records}
        assert row_of(sources, where)["contacts"] not in known, where
        compared += bool(known)
    assert compared >= 2
