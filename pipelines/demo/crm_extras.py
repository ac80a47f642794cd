"""What companies add to 悟空CRM 11: custom fields, calls made through it, return visits, plans of payment.

Comes in: the world, and the CRM's tables before they are written. Goes out: further `Table`s. A few rows of
each are enough to show that they are read; what a custom field takes over is taken out of the column where it
stood, so that the figures stay what they were.
"""

from __future__ import annotations

import numpy as np

from pipelines.demo.cheating import Cheating
from pipelines.demo.contracts import APPROVED, Contracts
from pipelines.demo.fabric import (
    DAY_SECONDS,
    Integers,
    moment_text,
    numbers,
    office_hours,
    optional,
    stream,
    vocabulary,
    yuan,
)
from pipelines.demo.leaving import Leaving
from pipelines.demo.registers import Register
from pipelines.demo.tables import Table, ids
from pipelines.demo.world import END, START, Customers

_CREATED = "2018-03-01 09:00:00"
# Field id, inner name, what users call it, form (2 customers, 3 contacts, 6 contracts, 17 return visits).
_FIELDS = (
    (1001, "credit_code", "统一社会信用代码", 2),
    (1002, "industry", "客户行业", 2), (1003, "region", "所在地区", 2),
    (1004, "fldqzx", "决策角色", 3), (1005, "fldhbn", "约定交付日期", 6), (1006, "fldmwe", "实际交付日期", 6),
    (1007, "fldtyu", "回访形式", 17), (1008, "fldpas", "客户反馈", 17),
)  # fmt: skip
_INNER = {number: inner for number, inner, _, _ in _FIELDS}
_ROLE, _PROMISED, _DELIVERED, _FORM, _FEEDBACK = 1004, 1005, 1006, 1007, 1008
_DELIVERY = "约定交付:"


def field_table() -> Table:
    """wk_crm_field: the custom fields of all forms."""
    number, inner, label, form = zip(*_FIELDS, strict=True)
    columns = {
        "field_id": np.array(number),
        "field_name": vocabulary(inner),
        "name": vocabulary(label),
        "type": 1,
        "label": np.array(form),
        "operating": 0,
        "is_hidden": 0,
        "update_time": _CREATED,
        "field_type": 0,
    }
    return Table("crm", "wk_crm_field", np.full(len(_FIELDS), -1), columns, "field_id")


def contacts_data_table(contacts: Table) -> Table:
    """wk_crm_contacts_data: every twentieth contact's post stands in a custom field instead."""
    rows = np.arange(0, len(contacts), 20)
    post = contacts.columns["post"]
    values = post[rows]
    post[rows] = None
    return _data_table("wk_crm_contacts_data", contacts, rows, np.full(len(rows), _ROLE), values)


def contract_data_table(contracts: Table) -> Table:
    """wk_crm_contract_data: every tenth contract has its days of delivery there, not in the remark."""
    remark = contracts.columns["remark"]
    every_tenth = remark[::10].tolist()
    rows = 10 * np.array(
        [at for at, text in enumerate(every_tenth) if text and text.startswith(_DELIVERY)], dtype=np.int64
    )
    days = [day for text in remark[rows] for day in (text[len(_DELIVERY) :][:10], text[-10:])]
    remark[rows] = None
    fields = np.tile([_PROMISED, _DELIVERED], len(rows))
    return _data_table("wk_crm_contract_data", contracts, np.repeat(rows, 2), fields, vocabulary(days))


def call_table(
    customers: Customers, leaving: Leaving, typed: Cheating, register: Register, seed: int
) -> Table:
    """wk_call_record: every fortieth customer was called once in their first weeks, or called us.

    Whose number was made up was never rung: only a dialled number would show in a record.
    """
    rng = stream(seed, "crm calls")
    rows = np.arange(0, len(register.customer), 40)
    who = register.customer[rows]
    day = np.maximum(customers.joined[who], START) + 20
    known = (day < np.minimum(leaving.left[who], END)) & ~typed.is_invented[who]
    rows, who, day = rows[known], who[known], day[known]
    count = len(rows)
    start = office_hours(rng, day)
    answered = np.arange(count) % 5 != 4
    talk = np.where(answered, rng.integers(30, 600, count), 0)
    user = customers.owner_at(who, day) + 1
    columns = {
        "call_record_id": ids(count),
        "number": customers.mobile[who],
        "start_time": moment_text(start),
        "answer_time": optional(answered, moment_text(start + 8)),
        "end_time": moment_text(start + 8 + talk),
        "talk_time": talk,
        "state": np.where(answered, 2, 1),
        "type": np.where(answered, np.arange(count) % 2, 0),
        "model": "customer",
        "model_id": rows + 1,
        "create_time": moment_text(start),
        "create_user_id": user,
        "owner_user_id": user,
    }
    return Table("crm", "wk_call_record", who, columns, "call_record_id", register.part[rows])


def visit_tables(contracts: Contracts, contract_rows: Table, leaving: Leaving) -> tuple[Table, Table]:
    """wk_crm_return_visit and its custom fields: 90 days after every sixtieth contract."""
    rows = np.arange(0, len(contracts), 60)
    day = contracts.signed + 90
    known = (contracts.status == APPROVED) & (day < np.minimum(leaving.left[contracts.customer], END))
    rows = rows[known[rows]]
    count = len(rows)
    moment = moment_text(day[rows] * DAY_SECONDS + 54_000)
    user = contract_rows.columns["owner_user_id"][rows]
    columns = {
        "visit_id": ids(count),
        "visit_number": "HF" + numbers(ids(count), 8),
        "visit_time": moment,
        "owner_user_id": user,
        "customer_id": contract_rows.columns["customer_id"][rows],
        "contract_id": rows + 1,
        "create_user_id": user,
        "create_time": moment,
        "update_time": moment,
        "batch_id": numbers(9 * 10**9 + ids(count), 32),
    }
    visits = contract_rows.below("wk_crm_return_visit", rows, columns, "visit_id")
    every = np.arange(count)
    form = vocabulary(["电话回访", "上门拜访", "微信"])[every % 3]
    feedback = vocabulary(["服务及时，满意", "希望更快响应", "暂无意见"])[every % 3]
    values = np.stack([form, feedback], axis=1).ravel()
    fields = np.tile([_FORM, _FEEDBACK], count)
    return visits, _data_table("wk_crm_return_visit_data", visits, np.repeat(every, 2), fields, values)


def plan_table(contracts: Contracts, contract_rows: Table) -> Table:
    """wk_crm_receivables_plan: one instalment, all paid, of every twentieth contract whose money is in.

    What is still due stands in the ledger, and a company that keeps it twice would count it twice.
    """
    rows = np.arange(0, len(contracts), 20)
    paid = (contracts.status == APPROVED) & (contract_rows.columns["unreceived_money"] == 0)
    rows = rows[paid[rows]]
    due = moment_text((contracts.signed[rows] + 30) * DAY_SECONDS)
    money = yuan(contracts.cents[rows])
    user = contract_rows.columns["owner_user_id"][rows]
    columns = {
        "receivables_plan_id": ids(len(rows)),
        "num": "1",
        "status": 1,
        "money": money,
        "return_date": due,
        "create_user_id": user,
        "owner_user_id": user,
        "create_time": contract_rows.columns["create_time"][rows],
        "update_time": due,
        "real_received_money": money,
        "real_return_date": due,
        "unreceived_money": 0,
        "received_status": 1,
        "contract_id": rows + 1,
        "customer_id": contract_rows.columns["customer_id"][rows],
    }
    return contract_rows.below("wk_crm_receivables_plan", rows, columns, "receivables_plan_id")


def _data_table(name: str, owner: Table, rows: Integers, fields: Integers, values: object) -> Table:
    """Custom values of the given rows of `owner`, whose batch ids they share."""
    columns = {
        "id": ids(len(rows)),
        "field_id": fields,
        "name": vocabulary([_INNER[field] for field in fields.tolist()]),
        "value": values,
        "create_time": owner.columns["create_time"][rows],
        "batch_id": owner.columns["batch_id"][rows],
    }
    return owner.below(name, rows, columns, "id")
