"""The CRM's customers, contacts, owners, follow-ups and opportunities, shaped like 悟空CRM 11.

Comes in: the world. Goes out: `Table`s with the product's own column names, defects planted. The
contracts and receivables are in `crm_contracts.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipelines.demo import names, naming
from pipelines.demo.cheating import EMAIL_DEFECT, PHONE_DEFECT, Cheating, overwrite
from pipelines.demo.defects import (
    ZERO_DATE,
    Planter,
    in_the_future,
    traditional,
    with_extension,
    wrong_check_digit,
)
from pipelines.demo.fabric import (
    DAY_SECONDS,
    Integers,
    Objects,
    chance,
    constant,
    draw,
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
from pipelines.demo.leaving import BAD_DEBT, COMPETITOR, COMPLAINT, Leaving
from pipelines.demo.registers import OFFICE, Register
from pipelines.demo.tables import Table, ids
from pipelines.demo.world import END, NEVER, START, Customers, Staff

BATCH = "0" * 32


def staff_tables(staff: Staff) -> Iterator[Table]:
    """wk_admin_user: ids are the position in the staff list + 1."""
    count = len(staff)
    columns = {
        "user_id": ids(count),
        "username": staff.mobile,
        "realname": staff.name,
        "num": staff.number,
        "mobile": staff.mobile,
        "email": staff.email,
        "sex": 1 + np.arange(count) % 2,
        "dept_id": 1 + np.arange(count) % len(names.DEPARTMENTS),
        "post": staff.post,
        "status": np.where(staff.left < NEVER, 0, 1),
        "create_time": moment_text(staff.hired * DAY_SECONDS + 32_400),
        "is_del": 0,
    }
    yield Table("crm", "wk_admin_user", np.full(count, -1), columns, "user_id")


def customer_table(
    customers: Customers, leaving: Leaving, typed: Cheating, register: Register, plant: Planter, seed: int
) -> Table:
    """wk_crm_customer with its defects; row position + 1 is the id."""
    rng = stream(seed, "crm customers")
    who, count = register.customer, len(register.customer)
    name, style = naming.as_written(rng, customers, who, 0.2)
    created = typed.created(who, np.minimum(customers.joined[who] + 40 * (register.role != 0), END))
    last = np.clip(np.minimum(leaving.left[who], END), created, END)
    updated = created + (rng.random(count) ** 0.35 * (last - created)).astype(np.int64)
    owner = customers.owner_at(who, np.full(count, END))
    city = names.CITIES[customers.city[who]]
    address = names.PROVINCES[customers.city[who]] + "," + city
    created_at = office_hours(rng, created)
    columns = {
        "customer_id": ids(count),
        "customer_name": name,
        "followup": 1,
        "is_lock": 0,
        "deal_status": chance(rng, count, 0.6).astype(np.int64),
        "mobile": optional(chance(rng, count, 0.86), customers.mobile[who]),
        "telephone": optional(customers.is_firm[who] & chance(rng, count, 0.8), customers.landline[who]),
        "email": optional(chance(rng, count, 0.45), customers.email[who]),
        "create_user_id": typed.typist[who] + 1,
        # Some lie in the public pool with nobody to look after them.
        "owner_user_id": optional(~chance(rng, count, 0.01), owner + 1),
        "pre_owner_user_id": optional(owner != customers.owner[who], customers.owner[who] + 1),
        "address": address,
        "detail_address": optional(chance(rng, count, 0.7), customers.street[who]),
        "create_time": moment_text(created_at),
        "update_time": moment_text(np.maximum(office_hours(rng, updated), created_at)),
        "batch_id": numbers(ids(count), 32),
        "status": 1,
    }
    table = Table("crm", "wk_crm_customer", who, columns, "customer_id", register.part)
    _mark_offices(table, register, city, plant, seed)
    plant.note_styles(table, "customer_name", np.where(register.role == OFFICE, naming.FULL, style))
    _note_shared(table, customers, plant)
    plant.note(table, "update_time", "untouched_two_years", np.flatnonzero(updated < END - 730))
    _spoil_customers(table, plant)
    overwrite(table, "mobile", typed.mobile[who], PHONE_DEFECT, plant)
    overwrite(table, "email", typed.email[who], EMAIL_DEFECT, plant)
    return table


def _mark_offices(table: Table, register: Register, city: Objects, plant: Planter, seed: int) -> None:
    """Offices of one client: the head office's name with a town and 分公司 or 办事处 behind it."""
    rng = stream(seed, "crm offices")
    rows = np.flatnonzero(register.role == OFFICE)
    column = table.columns["customer_name"]
    column[rows] = column[register.main_record[register.customer[rows]]]
    branch = vocabulary(["分公司", "办事处", "（分部）"])[rng.integers(0, 3, len(rows))]
    column[rows] += names.CITIES[rng.integers(0, len(names.CITIES), len(rows))] + branch
    plant.note(table, "customer_name", "office_as_customer", rows)
    twice = np.flatnonzero(register.role == 2)
    plant.truth.defect("person_as_two_customers", table, twice, "customer_name")
    # The second entry has another mobile, or none: only the name and the address tell.
    table.columns["mobile"][twice[::2]] = None


def _note_shared(table: Table, customers: Customers, plant: Planter) -> None:
    """Shared numbers lie in the world already; only the rows that show them are noted."""
    has_line = table.columns["telephone"] != None  # noqa: E711 -- elementwise
    for flag, defect in (
        (customers.shares_hotline, "hotline_400"),
        (customers.shares_switchboard, "shared_switchboard"),
    ):
        plant.note(table, "telephone", defect, np.flatnonzero(has_line & flag[table.customer]))
    has_mobile = table.columns["mobile"] != None  # noqa: E711 -- elementwise
    shared = has_mobile & (customers.shared_mobile_with[table.customer] >= 0)
    plant.note(table, "mobile", "shared_phone", np.flatnonzero(shared))


def _spoil_customers(table: Table, plant: Planter) -> None:
    plant.spoil_names(table, "customer_name")
    plant.spoil_mobiles(table, "mobile")
    plant.plant(table, "telephone", "extension_number", with_extension, 0.03)
    plant.plant(
        table, "update_time", "zero_date", lambda old: constant(f"{ZERO_DATE} 00:00:00", len(old)), 0.004
    )
    plant.plant(table, "create_time", "future_date", in_the_future, 0.002)


def customer_data_table(customers: Customers, register: Register, plant: Planter, seed: int) -> Table:
    """wk_crm_customer_data: the custom fields credit_code, industry and region, one row per value."""
    rng = stream(seed, "crm fields")
    who, count = register.customer, len(register.customer)
    firm = customers.is_firm[who]
    kept = np.stack(
        [firm & chance(rng, count, 0.82), firm & chance(rng, count, 0.88), chance(rng, count, 0.93)], axis=1
    )
    rows, fields = np.nonzero(kept)
    industry = names.INDUSTRIES[customers.trade[who] % len(names.INDUSTRIES)]
    region = names.PROVINCES[customers.city[who]] + names.CITIES[customers.city[who]]
    value = np.where(
        fields == 0, customers.credit_code[who][rows], np.where(fields == 1, industry[rows], region[rows])
    )
    columns = {
        "id": ids(len(rows)),
        "field_id": 1001 + fields,
        "name": vocabulary(["credit_code", "industry", "region"])[fields],
        "value": value,
        "create_time": moment_text(customers.joined[who[rows]] * DAY_SECONDS + 36_000),
        "batch_id": numbers(rows + 1, 32),
    }
    # In Wukong a custom value belongs to its customer through the batch id that both share.
    table = Table("crm", "wk_crm_customer_data", who[rows], columns, "id", register.part[rows])
    plant.plant(table, "value", "wrong_credit_code", wrong_check_digit, 0.012, fields == 0)
    return table


def contacts_table(
    customers: Customers, typed: Cheating, register: Register, plant: Planter, seed: int
) -> Table:
    """wk_crm_contacts: one or two people per firm; the second one is an employee of the firm."""
    rng = stream(seed, "crm contacts")
    firms = np.flatnonzero(customers.is_firm[register.customer])
    owner, position = runs(1 + chance(rng, len(firms), 0.3))
    rows = firms[owner]
    who, count = register.customer[rows], len(rows)
    neighbour = rng.integers(0, len(customers), count)
    other = customers.surname[neighbour] + customers.given[(neighbour * 7 + 3) % len(customers)]
    mobile = names.MOBILE_PREFIXES[rng.integers(0, len(names.MOBILE_PREFIXES), count)]
    mobile = mobile + numbers(rng.integers(0, 10**8, count), 8)
    titled = chance(rng, count, 0.12) & (position == 0)
    name = np.where(position == 0, customers.surname[who] + customers.given[who], other)
    columns = {
        "contacts_id": ids(count),
        "name": np.where(titled, naming.title(customers, who), name),
        "mobile": np.where(position == 0, customers.mobile[who], mobile),
        "email": optional((position == 0) & chance(rng, count, 0.5), customers.email[who]),
        "post": vocabulary(["总经理", "采购", "技术", "行政", "市场部"])[rng.integers(0, 5, count)],
        "customer_id": rows + 1,
        "create_user_id": typed.typist[who] + 1,
        "owner_user_id": customers.owner[who] + 1,
        "create_time": moment_text(office_hours(rng, typed.created(who, customers.joined[who]))),
        "update_time": moment_text(office_hours(rng, np.minimum(customers.joined[who] + 90, END))),
        "batch_id": numbers(3 * 10**9 + ids(count), 32),
    }
    table = Table("crm", "wk_crm_contacts", who, columns, "contacts_id", register.part[rows])
    plant.note(table, "name", "title_instead_of_name", np.flatnonzero(titled))
    plant.plant(table, "name", "traditional_spelling", traditional, 0.004, traditional(name) != name)
    plant.spoil_mobiles(table, "mobile")
    numbers_typed = np.where(position == 0, typed.mobile[who], typed.other_mobile[who])
    overwrite(table, "mobile", numbers_typed, PHONE_DEFECT, plant)
    overwrite(table, "email", typed.email[who], EMAIL_DEFECT, plant)
    return table


def owner_table(customers: Customers, register: Register) -> Table:
    """wk_crm_owner_record (type 2 = customer): each hand-over from one owner to the next."""
    who = register.customer
    rows = np.flatnonzero(customers.second_owner[who] >= 0)
    columns = {
        "record_id": ids(len(rows)),
        "type_id": rows + 1,
        "type": 2,
        "pre_owner_user_id": customers.owner[who[rows]] + 1,
        "post_owner_user_id": customers.second_owner[who[rows]] + 1,
        "create_time": moment_text(customers.handed_over[who[rows]] * DAY_SECONDS + 37_800),
    }
    return Table("crm", "wk_crm_owner_record", who[rows], columns, "record_id", register.part[rows])


def activity_table(customers: Customers, leaving: Leaving, register: Register, seed: int) -> Table:
    """wk_crm_activity (activity_type 2 = customer): visits, calls, chats; the last one tells why who left."""
    rng = stream(seed, "crm activities")
    main = np.flatnonzero(register.role == 0)
    who = register.customer[main]
    begin = np.maximum(customers.joined[who], START)
    end = np.clip(leaving.left[who], begin + 1, END)
    owner, _ = runs(rng.poisson(0.4 + 1.9 * (end - begin) / 1096.0))
    rows, kind = main[owner], draw(rng, [0.35, 0.4, 0.2, 0.05], len(owner))
    day = (begin[owner] + rng.random(len(owner)) * (end - begin)[owner]).astype(np.int64)
    content = vocabulary(
        ["例行拜访，客户满意", "电话回访，暂无新需求", "微信沟通方案", "参加客户会议", "讨论续费事宜"]
    )
    content = content[rng.integers(0, 5, len(owner))]
    gone = np.flatnonzero(
        leaving.gone()[who] & np.isin(leaving.reason[who], (COMPLAINT, COMPETITOR, BAD_DEBT))
    )
    rows = np.concatenate([rows, main[gone]])
    day = np.concatenate([day, np.minimum(leaving.left[who[gone]] + 1, END)])
    kind = np.concatenate([kind, np.ones(len(gone), dtype=np.int64)])
    content = np.concatenate([content, _farewell(leaving, who[gone])])
    order = np.lexsort((rows, day))
    rows, day, kind, content = rows[order], day[order], kind[order], content[order]
    user = customers.owner_at(register.customer[rows], day) + 1
    columns = {
        "activity_id": ids(len(rows)),
        "type": 1,
        "category": vocabulary(["上门拜访", "打电话", "发微信", "会议"])[kind],
        "activity_type": 2,
        "activity_type_id": rows + 1,
        "content": content,
        "status": 1,
        "create_user_id": user,
        "create_time": moment_text(office_hours(rng, day)),
    }
    return Table("crm", "wk_crm_activity", register.customer[rows], columns, "activity_id")


def _farewell(leaving: Leaving, who: Integers) -> Objects:
    """What the owner wrote when the customer had gone."""
    rival = names.COMPETITORS[leaving.competitor[who]]
    reason = leaving.reason[who]
    text = np.where(
        reason == COMPETITOR, "客户已选择竞争对手" + rival + "，不再合作", "客户投诉未解决，终止合作"
    )
    return np.where(reason == BAD_DEBT, "客户拖欠尾款，我司停止服务", text)


def business_table(customers: Customers, register: Register, seed: int) -> Table:
    """wk_crm_business: opportunities with a quoted sum; some projects are quoted twice, at two prices."""
    rng = stream(seed, "crm business")
    rows = np.flatnonzero((register.role == 0) & chance(rng, len(register.customer), 0.3))
    owner, second = runs(1 + chance(rng, len(rows), 0.05))
    rows, who = rows[owner], register.customer[rows[owner]]
    begin = np.maximum(customers.joined[who], START)
    spread = rng.random(len(owner[second == 0]))
    day = np.minimum(begin + (spread[owner] * (END - begin)).astype(np.int64) + 3 * second, END)
    kind = rng.integers(0, 5, len(spread))[owner]
    base = names.CONTRACT_PRICES[kind] * customers.level[who] * np.where(second == 1, 0.82, 1.0)
    money = yuan(np.rint(np.maximum(base, 80) / 10) * 1060)
    user = np.where(second == 1, _colleague(rng, customers, who), customers.owner_at(who, day)) + 1
    columns = {
        "business_id": ids(len(rows)),
        "type_id": 1,
        "status_id": 1 + rng.integers(0, 4, len(rows)),
        "customer_id": rows + 1,
        "business_name": names.CONTRACT_KINDS[kind] + "项目" + texts(owner + 1),
        "deal_date": moment_text(np.minimum(day + 30, END) * DAY_SECONDS),
        "money": money,
        "total_price": money,
        "create_user_id": user,
        "owner_user_id": user,
        "create_time": moment_text(office_hours(rng, day)),
        "batch_id": BATCH,
        "ro_user_id": "",
        "rw_user_id": "",
        "is_end": rng.integers(0, 3, len(rows)),
        "status": 1,
    }
    return Table("crm", "wk_crm_business", who, columns, "business_id")


def _colleague(rng: np.random.Generator, customers: Customers, who: Integers) -> Integers:
    """Another customer's owner: a colleague who quotes for the same project."""
    return customers.owner[rng.permutation(len(customers))[who % len(customers)]]
