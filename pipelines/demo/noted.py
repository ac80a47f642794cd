"""Faults that lie in the world itself, noted in the truth; the sources stay as they are.

Comes in: a table as it is written, and the staff. Goes out: entries in the
    truth's list of defects: customers and
documents of employees who had left, one project quoted at two prices by two of them, and the titles that
stand for people in WeChat remarks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pipelines.demo import naming
from pipelines.demo.fabric import Integers, Objects, day_text
from pipelines.demo.tables import Table
from pipelines.demo.truth import Truth
from pipelines.demo.world import END, NEVER, Customers, Staff

_EXCEL_EPOCH = np.datetime64("1899-12-30")


class _Names(NamedTuple):
    """Which column of a table names the employee, and which one the day; without a day it is today."""

    staff: str
    day: str | None


_OWNERS = {
    ("crm", "wk_crm_customer"): _Names("owner_user_id", None),
    ("erp", "jsh_supplier"): _Names("creator", None),
    ("wechat", "contacts"): _Names("所属员工", None),
}
_AT_WORK = {
    ("crm", "wk_crm_contract"): _Names("owner_user_id", "order_date"),
    ("crm", "wk_crm_activity"): _Names("create_user_id", "create_time"),
    ("crm", "wk_call_record"): _Names("owner_user_id", "start_time"),
    ("crm", "wk_crm_return_visit"): _Names("owner_user_id", "visit_time"),
    ("erp", "jsh_depot_head"): _Names("sales_man", "oper_time"),
    ("ledger", "projects"): _Names("负责人", "日期"),
    ("wechat", "contacts"): _Names("所属员工", "最后聊天时间"),
}


def note_faults(truth: Truth, table: Table, customers: Customers, staff: Staff) -> None:
    """Note what is wrong in `table` by the way the world is; does nothing for most tables."""
    place = (table.system, table.name)
    for defect, named in (("owner_has_left", _OWNERS), ("staff_had_left", _AT_WORK)):
        if place in named and named[place].staff in table.columns:
            rows = _after_leaving(table, named[place], staff)
            truth.defect(defect, table, rows, named[place].staff)
    if place == ("crm", "wk_crm_business"):
        truth.defect("two_prices", table, _two_prices(table), "money")
    if place == ("wechat", "contacts"):
        _note_titles(truth, table, customers)


def _after_leaving(table: Table, names: _Names, staff: Staff) -> Integers:
    """Rows whose employee had left before the row's day; those whose name two employees have are left out."""
    gone = _leaving_days(staff)
    today = str(day_text(np.array([END]))[0])
    days = [today] * len(table) if names.day is None else list(_days(table.columns[names.day]))
    deleted = table.columns.get("状态", "") if names.day is None else ""
    whose = table.columns[names.staff]
    rows = [
        row
        for row, (who, day) in enumerate(zip(whose, days, strict=True))
        if who is not None and gone.get(str(who), "9") < day <= today
        and not (isinstance(deleted, np.ndarray) and deleted[row] == "已删除")
    ]  # fmt: skip
    return np.array(rows, dtype=np.int64)


def _leaving_days(staff: Staff) -> dict[str, str]:
    """Day of leaving by name, and by number (position + 1), as text."""
    times = Counter(staff.name.tolist())
    days = day_text(np.minimum(staff.left, END))
    gone = {}
    for at in np.flatnonzero((staff.left < NEVER) & (staff.left < END)).tolist():
        if times[staff.name[at]] == 1:
            gone[staff.name[at]] = gone[str(at + 1)] = str(days[at])
    return gone


def _days(column: Objects) -> Iterator[str]:
    """Days as YYYY-MM-DD, out of the ways in which the sources write them."""
    for value in column:
        text = str(value).replace("/", "-").replace(".", "-").replace("年", "-").replace("月", "-")
        parts = text[:10].replace("日", "").split(" ")[0].split("-")
        if len(parts) == 3:
            yield f"{parts[0]}-{parts[1]:0>2}-{parts[2]:0>2}"
        elif text.isdigit() and len(text) == 5:
            yield str(_EXCEL_EPOCH + int(text))
        elif text.isdigit() and len(text) == 8:
            yield f"{text[:4]}-{text[4:6]}-{text[6:]}"
        else:
            yield ""


def _two_prices(table: Table) -> Integers:
    """Quotes whose project has another one by another employee at another price."""
    seen: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(table.columns["customer_id"], table.columns["business_name"], strict=True)):
        seen.setdefault((str(key[0]), str(key[1])), []).append(row)
    user, money = table.columns["owner_user_id"], table.columns["money"]
    rows = [
        one for group in seen.values() for one in group
        if any(user[one] != user[other] and money[one] != money[other] for other in group)
    ]  # fmt: skip
    return np.array(sorted(rows), dtype=np.int64)


def _note_titles(truth: Truth, table: Table, customers: Customers) -> None:
    """王总-锡城机械: for a firm the title stands for the contact, for a person instead of the name."""
    firm = customers.is_firm[table.customer]
    titles = naming.title(customers, table.customer)
    pairs = zip(table.columns["备注"], titles, strict=True)
    titled = np.array([remark.startswith(title) for remark, title in pairs], dtype=bool)
    truth.defect("title_in_remark", table, np.flatnonzero(titled & ~firm), "备注")
    truth.defect("contact_title_in_remark", table, np.flatnonzero(titled & firm), "备注")
