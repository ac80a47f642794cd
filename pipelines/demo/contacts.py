"""WeChat contacts, the membership program and HR's list of staff.

Comes in: the world. Goes out: `Table`s for `wechat_contacts.csv`, `MEMBER.DBF`, `XFJL.DBF` and
`staff.csv`, in the headers and with the codes of those systems, defects planted.
"""

from __future__ import annotations

import numpy as np

from pipelines.demo import names, naming
from pipelines.demo.defects import ZERO_DATE, Planter, in_the_future
from pipelines.demo.fabric import (
    DAY_SECONDS,
    Booleans,
    Integers,
    Objects,
    chance,
    constant,
    day_text,
    draw,
    moment_text,
    numbers,
    office_hours,
    some,
    stream,
    vocabulary,
)
from pipelines.demo.leaving import WECHAT_DELETED, Leaving
from pipelines.demo.orders import CANCELLED_ORDER, DRAFT, TEST, Orders
from pipelines.demo.registers import MAIN, Register
from pipelines.demo.tables import Table
from pipelines.demo.world import END, NEVER, START, Customers, Staff


def wechat_table(customers: Customers, staff: Staff, leaving: Leaving, plant: Planter, seed: int) -> Table:
    """wechat_contacts.csv: salespeople's private contacts; some customers stand with two colleagues."""
    rng = stream(seed, "wechat")
    known = np.flatnonzero(customers.in_wechat)
    again = known[some(rng, np.ones(len(known), dtype=bool), 0.04)]
    who = np.concatenate([known, again])
    is_second = np.arange(len(who)) >= len(known)
    order = np.lexsort((is_second, customers.joined[who], who % 97))
    who, is_second, count = who[order], is_second[order], len(who)
    colleague = staff.sellers[rng.integers(0, len(staff.sellers), count)]
    owner = np.where(is_second, colleague, customers.owner[who])
    added = np.maximum(customers.joined[who] - rng.integers(0, 60, count), START - 1500)
    status, since = _wechat_status(rng, leaving, who)
    last = np.clip(np.minimum(leaving.left[who], END), added + 1, END + 1) - 1
    chat = added + (rng.random(count) ** 0.4 * (last - added)).astype(np.int64)
    columns = {
        "微信号": np.where(is_second, customers.wechat[who] + "_2", customers.wechat[who]),
        "昵称": _nicknames(rng, customers, who),
        "备注": _remarks(rng, customers, who),
        "手机号": np.where(chance(rng, count, 0.55), customers.mobile[who], ""),
        "地区": names.PROVINCES[customers.city[who]] + " " + names.CITIES[customers.city[who]],
        "所属员工": staff.name[owner],
        "添加时间": moment_text(office_hours(rng, added)),
        "状态": status,
        "状态时间": np.where(since < NEVER, moment_text(office_hours(rng, since)), ""),
        "最后聊天时间": moment_text(office_hours(rng, chat)),
    }
    table = Table("wechat", "contacts", who, columns, "微信号")
    _note_conflicts(table, customers, staff.name, owner, is_second, plant)
    plant.spoil_mobiles(table, "手机号")
    plant.plant(table, "添加时间", "future_date", in_the_future, 0.003)
    plant.plant(table, "最后聊天时间", "zero_date", lambda old: constant(ZERO_DATE, len(old)), 0.004)
    return table


def _note_conflicts(
    table: Table, customers: Customers, staff: Objects, owner: Integers, is_second: Booleans, plant: Planter
) -> None:
    """WeChat and CRM disagree: on the region where the contact moved, on the owner after a hand-over."""
    elsewhere = names.PROVINCES[(customers.city[table.customer] + 7) % len(names.CITIES)]
    town = names.CITIES[(customers.city[table.customer] + 7) % len(names.CITIES)]
    rows = plant.choose(table, "地区", "conflicting_region", 0.06, customers.in_crm[table.customer])
    before = table.columns["地区"][rows]
    table.columns["地区"][rows] = (elsewhere + " " + town)[rows]
    moved = rows[before != table.columns["地区"][rows]]
    plant.truth.defect("conflicting_region", table, moved, "地区")
    today = customers.owner_at(table.customer, np.full(len(table), END))
    differs = customers.in_crm[table.customer] & (staff[owner] != staff[today])
    plant.note(table, "所属员工", "conflicting_owner", np.flatnonzero(differs))
    again = is_second & ~customers.is_firm[table.customer]
    plant.truth.defect("person_as_two_customers", table, np.flatnonzero(again), "微信号")


def _wechat_status(rng: np.random.Generator, leaving: Leaving, who: Integers) -> tuple[Objects, Integers]:
    """正常, 已删除 or 被拉黑, and the day since when (NEVER for 正常)."""
    count = len(who)
    deleted = leaving.gone()[who] & (leaving.reason[who] == WECHAT_DELETED)
    status = np.where(deleted, np.where(chance(rng, count, 0.3), "被拉黑", "已删除"), "正常")
    return np.asarray(status), np.where(deleted, leaving.left[who], NEVER)


def _nicknames(rng: np.random.Generator, customers: Customers, who: Integers) -> Objects:
    """What people call themselves: a given name, a brand, or something in pinyin."""
    count = len(who)
    pinyin = names.PINYIN[rng.integers(0, len(names.PINYIN), count)]
    form = draw(rng, [0.4, 0.3, 0.3], count)
    own = np.where(customers.is_firm[who], customers.brand[who], "小" + customers.given[who])
    return np.where(form == 0, own, np.where(form == 1, pinyin + "~", "A" + customers.surname[who] + "先森"))


def _remarks(rng: np.random.Generator, customers: Customers, who: Integers) -> Objects:
    """张总-锡城机械-网站续费, 锡城机械 张伟, 李小姐 相册 138…, 李芳-相册, 李芳."""
    count = len(who)
    purpose = names.PURPOSES[rng.integers(0, len(names.PURPOSES), count)]
    thing = names.THINGS[rng.integers(0, len(names.THINGS), count)]
    title = naming.title(customers, who)
    firm = naming.core(customers, who)
    place = names.CITIES[customers.city[who]]
    person = customers.surname[who] + customers.given[who]
    form = draw(rng, [0.45, 0.2, 0.2, 0.15], count)
    firms = np.where(form == 0, title + "-" + firm + "-" + purpose, firm + " " + person)
    firms = np.where(form == 2, place + firm + "-" + purpose, firms)
    people = np.where(form == 0, title + " " + thing + " " + customers.mobile[who], person + "-" + thing)
    people = np.where(form == 2, person, people)
    return np.asarray(np.where(customers.is_firm[who], firms, people))


def member_table(
    customers: Customers, orders: Orders, register: Register, deleted: Booleans, plant: Planter, seed: int
) -> Table:
    """MEMBER.DBF: row + 1 is in the number KHBH. Levels 普通 银卡 金卡 钻石; points JF are a yuan each.

    Rows to be marked as deleted aren't there for a reader, so nothing about them is noted in the truth.
    """
    rng = stream(seed, "members")
    who, count = register.customer, len(register.customer)
    points = np.zeros(len(customers), dtype=np.int64)
    np.add.at(points, orders.customer[orders.is_revenue()], orders.cents[orders.is_revenue()] // 100)
    joined = np.minimum(customers.joined[who], END)
    columns = {
        "KHBH": member_numbers(np.arange(count)),
        "XM": customers.surname[who] + customers.given[who],
        "XB": np.where(customers.is_female[who], "女", "男"),
        "DH": np.where(chance(rng, count, 0.92), customers.mobile[who], ""),
        "DZ": np.where(
            chance(rng, count, 0.6), names.CITIES[customers.city[who]] + "市" + customers.street[who], ""
        ),
        "RHRQ": day_text(joined),
        "JF": np.where(register.role == 0, points[who], 0),
        "JB": vocabulary(["普通", "银卡", "金卡", "钻石"])[
            np.searchsorted([2_000, 8_000, 25_000], points[who])
        ],
    }
    table = Table("members", "member", np.where(deleted, -1, who), columns, "KHBH", register.part)
    table.taken = {name: deleted.copy() for name in columns}
    again = np.flatnonzero((register.role != MAIN) & ~deleted)
    plant.truth.defect("person_as_two_customers", table, again, "KHBH")
    titled = plant.choose(table, "XM", "title_instead_of_name", 0.03)
    columns["XM"][titled] = naming.title(customers, who[titled])
    plant.truth.defect("title_instead_of_name", table, titled, "XM")
    shared = (customers.shared_mobile_with[who] >= 0) & (columns["DH"] != "") & ~deleted
    plant.note(table, "DH", "shared_phone", np.flatnonzero(shared))
    plant.spoil_names(table, "XM")
    plant.spoil_mobiles(table, "DH")
    plant.plant(table, "RHRQ", "future_date", in_the_future, 0.003)
    plant.plant(table, "RHRQ", "zero_date", lambda old: constant(ZERO_DATE, len(old)), 0.003)
    return table


def member_numbers(rows: Integers) -> Objects:
    """HY and eight digits."""
    return np.asarray(constant("HY", len(rows)) + numbers(rows + 1, 8))


def purchase_table(orders: Orders, record: Integers, register: Register, plant: Planter, seed: int) -> Table:
    """XFJL.DBF: members' purchases, paid at the till; `record` is the row of each one's member.

    ZT is 正常 or 作废 (void); test ones are named 测试.
    """
    rng = stream(seed, "member purchases")
    count = len(orders)
    void = np.isin(orders.status, (CANCELLED_ORDER, DRAFT))  # a till knows no drafts
    columns = {
        "DJH": constant("XF", count) + numbers(np.arange(1, count + 1), 10),
        "KHBH": member_numbers(record),
        "XFRQ": day_text(orders.moment // DAY_SECONDS),
        "XM": np.where(orders.status == TEST, "测试", names.MATERIALS[orders.product]),
        "JE": orders.cents,
        "FKFS": vocabulary(["现金", "刷卡", "微信", "支付宝"])[rng.integers(0, 4, count)],
        "ZT": np.where(void, "作废", "正常"),
    }
    table = Table("members", "xfjl", orders.customer, columns, "DJH", register.part[record])
    plant.note(table, "XM", "test_order", np.flatnonzero(orders.status == TEST))
    plant.note(table, "ZT", "cancelled_order", np.flatnonzero(void))
    rows = plant.choose(table, "KHBH", "order_without_customer", 0.002, orders.is_revenue())
    columns["KHBH"][rows] = "HX" + numbers(rows + 1, 8)
    plant.truth.defect("order_without_customer", table, rows, "KHBH")
    plant.plant(table, "XFRQ", "zero_date", lambda old: constant(ZERO_DATE, len(old)), 0.001)
    return table


def staff_table(staff: Staff, plant: Planter) -> Table:
    """staff.csv: 状态 在职 or 离职."""
    gone = staff.left < NEVER
    columns = {
        "工号": staff.number.copy(),
        "姓名": staff.name.copy(),
        "部门": staff.department,
        "岗位": staff.post,
        "手机": staff.mobile.copy(),
        "邮箱": staff.email,
        "入职日期": day_text(staff.hired),
        "离职日期": np.where(gone, day_text(np.minimum(staff.left, END)), ""),
        "状态": np.where(gone, "离职", "在职"),
    }
    table = Table("hr", "staff", np.full(len(staff), -1), columns, "工号")
    plant.plant(table, "手机", "float_phone", lambda old: old + ".0", 0.1)
    return table
