"""What customers say and do: calls, tickets, surveys, log-ins, and the account summaries.

Comes in: the world. Goes out: `Table`s in the fields of those systems. A complaint that drove somebody
away is a ticket of high severity that was never closed.
"""

from __future__ import annotations

import numpy as np

from pipelines.demo import names, naming
from pipelines.demo.cheating import Cheating, call_results
from pipelines.demo.defects import Planter
from pipelines.demo.fabric import (
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
    optional,
    runs,
    stream,
    vocabulary,
)
from pipelines.demo.leaving import COMPETITOR, COMPLAINT, Leaving
from pipelines.demo.tables import Table
from pipelines.demo.world import END, NEVER, START, Customers, Staff

NOTES_CAP = 2_000
_ACCOUNT_CAP = 12_000
_NAME_SHARE = 0.6


def iso_moment(seconds: Integers) -> Objects:
    """Local seconds as 2025-03-01T09:30:00+08:00."""
    return vocabulary([text[:10] + "T" + text[11:] + "+08:00" for text in moment_text(seconds)])


def _callers(
    rng: np.random.Generator, customers: Customers, who: Integers
) -> tuple[Objects, Objects, Integers]:
    """Phone, name and its style as the agent saw and wrote them: firms also call from the landline."""
    count = len(who)
    landline = customers.is_firm[who] & chance(rng, count, 0.35)
    phone = np.where(landline, customers.landline[who], customers.mobile[who])
    name, style = naming.as_written(rng, customers, who, 0.5)
    asked = chance(rng, count, _NAME_SHARE)
    return phone, np.where(asked, name, ""), np.where(asked, style, naming.FULL)


def calls_table(customers: Customers, leaving: Leaving, typed: Cheating, plant: Planter, seed: int) -> Table:
    """Calls in time order; 0.8 per customer over the period. Who is called back is dialled as in CRM."""
    rng = stream(seed, "calls")
    begin = np.maximum(customers.joined, START)
    end = np.clip(leaving.left, begin + 1, END)
    who, _ = runs(rng.poisson(0.15 + 1.0 * (end - begin) / 1096.0))
    moment = office_hours(rng, begin[who] + (rng.random(len(who)) * (end - begin)[who]).astype(np.int64))
    order = np.lexsort((who, moment))
    who, moment, count = who[order], moment[order], len(order)
    phone, name, style = _callers(rng, customers, who)
    columns = {
        "call_id": constant("CALL", count) + numbers(np.arange(1, count + 1), 9),
        "caller_phone": phone,
        "customer_name": name,
        "agent_no": constant("", count) + (8001 + rng.integers(0, 12, count)).astype(str).astype(object),
        "direction": np.where(chance(rng, count, 0.6), "in", "out"),
        "started_at": iso_moment(moment),
        "seconds": rng.integers(12, 900, count),
        "topic": vocabulary(["咨询", "续费", "报修", "投诉", "回访", "报价"])[
            draw(rng, [3, 2, 2, 1, 2, 1], count)
        ],
    }
    is_out, is_mobile = columns["direction"] == "out", phone == customers.mobile[who]
    columns["result"], talked = call_results(typed, customers, who, is_out, is_mobile, seed)
    columns["seconds"] = np.where(talked, columns["seconds"], 0)
    called_back = np.flatnonzero(is_out & is_mobile & typed.is_invented[who])
    phone[called_back] = typed.mobile[who[called_back]]
    table = Table("callcentre", "calls", who, columns, "call_id")
    plant.note_styles(table, "customer_name", style)
    plant.note(table, "caller_phone", "hotline_400", np.flatnonzero(
        customers.shares_hotline[who] & (phone == customers.landline[who])))  # fmt: skip
    plant.plant(
        table, "caller_phone", "plus86_phone", lambda old: "+86" + old, 0.01, phone == customers.mobile[who]
    )
    return table


def tickets_table(customers: Customers, leaving: Leaving, plant: Planter, seed: int) -> Table:
    """Tickets: those of the world's complaints, and everyday questions and repairs."""
    rng = stream(seed, "tickets")
    complaining = np.flatnonzero(leaving.complained < NEVER)
    others = np.flatnonzero(chance(rng, len(customers), 0.1))
    who = np.concatenate([complaining, others])
    kind = np.concatenate(
        [np.zeros(len(complaining), dtype=np.int64), draw(rng, [0.1, 0.5, 0.4], len(others))]
    )
    begin = np.maximum(customers.joined[others], START)
    end = np.clip(leaving.left[others], begin + 1, END)
    usual = begin + (rng.random(len(others)) * (end - begin)).astype(np.int64)
    opened = np.concatenate([leaving.complained[complaining], usual])
    order = np.lexsort((kind, who, opened))
    who, kind, opened, count = who[order], kind[order], opened[order], len(order)
    drove_away = (
        leaving.gone()[who] & (leaving.reason[who] == COMPLAINT) & (opened == leaving.complained[who])
    )
    closed = opened + rng.integers(0, 12, count)
    is_open = drove_away | (closed > END) | chance(rng, count, 0.06)
    phone, name, style = _callers(rng, customers, who)
    moment = office_hours(rng, opened)
    columns = {
        "ticket_id": constant("TK", count) + numbers(np.arange(1, count + 1), 8),
        "caller_phone": phone,
        "customer_name": name,
        "kind": vocabulary(["投诉", "咨询", "报修"])[kind],
        "opened_at": iso_moment(moment),
        "closed_at": optional(~is_open, iso_moment(np.maximum(closed * 86_400 + 66_000, moment + 600))),
        "status": np.where(is_open, "未解决", "已解决"),
        "severity": np.where(drove_away, "高", vocabulary(["低", "中", "高"])[draw(rng, [5, 4, 1], count)]),
        "summary": _ticket_texts(rng, kind, drove_away),
    }
    table = Table("callcentre", "tickets", who, columns, "ticket_id")
    plant.note_styles(table, "customer_name", style)
    plant.plant(
        table, "caller_phone", "placeholder_phone", lambda old: constant("13800000000", len(old)), 0.01
    )
    return table


def _ticket_texts(rng: np.random.Generator, kind: Integers, drove_away: Booleans) -> Objects:
    texts = [
        vocabulary(["交付延期", "服务态度差", "质量不符合约定", "收费有争议"]),
        vocabulary(["询问价格", "询问续费流程", "询问发票", "询问进度"]),
        vocabulary(["网站打不开", "邮箱收不到信", "相册掉页", "域名解析异常"]),
    ]
    turn = rng.integers(0, 4, len(kind))
    said = np.where(kind == 0, texts[0][turn], np.where(kind == 1, texts[1][turn], texts[2][turn]))
    return np.where(drove_away, said + "，多次反映未处理", said)


def surveys_table(customers: Customers, leaving: Leaving, plant: Planter, seed: int) -> Table:
    """surveys.jsonl: scores 0–100; technical staff are the least content; some recommend a friend."""
    rng = stream(seed, "surveys")
    who = np.flatnonzero(chance(rng, len(customers), 0.16) & (customers.joined < END - 40))
    begin = np.maximum(customers.joined[who] + 20, START)
    day = (begin + rng.random(len(who)) * np.maximum(np.minimum(leaving.left[who], END) - begin, 1)).astype(
        np.int64
    )
    order = np.lexsort((who, day))
    who, day, count = who[order], np.minimum(day[order], END), len(order)
    role = np.where(customers.is_firm[who], rng.integers(0, 4, count), 4)
    mean = (
        np.array([58, 66, 74, 72, 78])[role]
        - 22 * (leaving.left[who] < day + 200)
        - 6 * leaving.is_served_late[who]
    )
    score = np.clip(np.rint(rng.normal(mean, 13)), 0, 100).astype(np.int64)
    friend = rng.integers(0, len(customers), count)
    recommends = chance(rng, count, 0.08) & (score >= 70)
    name, style = naming.as_written(rng, customers, who, 0.4)
    columns = {
        "survey_id": constant("SV", count) + numbers(np.arange(1, count + 1), 7),
        "answered_at": iso_moment(office_hours(rng, day)),
        "customer_name": name,
        "phone": optional(chance(rng, count, 0.7), customers.mobile[who]),
        "email": optional(chance(rng, count, 0.5), customers.email[who]),
        "contact_role": vocabulary(["technical", "after_sales", "management", "purchasing", "person"])[role],
        "score": score,
        "comment": vocabulary(["不满意", "一般", "满意", "非常满意"])[np.searchsorted([50, 65, 80], score)],
        "recommend_name": optional(recommends, customers.surname[friend] + customers.given[friend]),
        "recommend_phone": optional(recommends, customers.mobile[friend]),
    }
    table = Table("surveys", "surveys", who, columns, "survey_id")
    plant.note_styles(table, "customer_name", style)
    plant.spoil_mobiles(table, "phone")
    plant.spoil_names(table, "customer_name")
    return table


def logins_table(customers: Customers, leaving: Leaving, seed: int) -> Table:
    """logins.parquet: one row per account and week (`day` = Monday); use falls off before leaving."""
    rng = stream(seed, "logins")
    share = min(0.09, _ACCOUNT_CAP / max(1, int(customers.is_firm.sum())))
    fits = customers.is_firm & customers.in_crm & (customers.joined < END - 60)
    account = np.flatnonzero(fits & chance(rng, len(customers), share))
    first = (np.maximum(customers.joined[account], START) + 3) // 7 * 7 + 4  # day 4 = Monday, 1970-01-05
    stop = np.minimum(leaving.left[account], END)
    index, week = runs(np.maximum((stop - first) // 7 + 1, 0))
    who, day = account[index], first[index] + 7 * week
    fading = np.clip((leaving.left[who] - day) / 90.0, 0.05, 1.0)
    logins = rng.poisson(rng.gamma(2.0, 3.0, len(account))[index] * fading)
    used = logins > 0
    who, day, index, logins = who[used], day[used], index[used], logins[used]
    columns = {
        "account_id": constant("ACC", len(who)) + numbers(index + 1, 6),
        "email": customers.email[who],
        "phone": np.where(who % 3 > 0, customers.mobile[who], ""),
        "company_name": naming.written(customers, who, np.zeros(len(who), dtype=np.int64)),
        "day": day,
        "logins": logins,
    }
    return Table("platform", "logins", who, columns)


def notes_table(customers: Customers, staff: Staff, leaving: Leaving, plant: Planter, seed: int) -> Table:
    """account_notes: fortnightly summaries of some firms, one text file each; at most NOTES_CAP."""
    rng = stream(seed, "notes")
    firms = np.flatnonzero(customers.is_firm & customers.in_crm & (customers.joined < END - 40))
    wanted = min(NOTES_CAP, max(12, len(customers) // 20), len(firms))
    who = rng.choice(firms, size=wanted)
    begin = np.maximum(customers.joined[who], START)
    last = np.minimum(leaving.left[who], END - 14)
    day = (begin + rng.random(wanted) * np.maximum(last - begin, 1)).astype(np.int64)
    near_end = leaving.left[who] - day < 60
    loses = near_end & (leaving.reason[who] == COMPETITOR)
    complains = near_end & (leaving.reason[who] == COMPLAINT)
    order = np.lexsort((who, day))
    who, day, loses, complains = who[order], day[order], loses[order], complains[order]
    name, style = naming.as_written(rng, customers, who, 0.3)
    handed = customers.handed_over[who] < day
    columns = {
        "file": constant("note_", wanted) + numbers(np.arange(1, wanted + 1), 5) + ".txt",
        "客户": name,
        "期间": day_text(day) + " 至 " + day_text(day + 13),
        "负责人": staff.name[customers.owner_at(who, day)],
        "变化": np.where(handed, "更换了负责人", "无"),
        "关注": np.where(
            loses, "客户正与" + names.COMPETITORS[leaving.competitor[who]] + "接触", "续费与推广效果"
        ),
        "投诉": np.where(complains, "对交付与响应不满", "无"),
        "小结": vocabulary(["合作稳定", "需加强拜访", "有增购机会", "存在流失风险"])[
            np.where(loses | complains, 3, rng.integers(0, 3, wanted))
        ],
    }
    table = Table("notes", "account_notes", who, columns, "file")
    plant.note_styles(table, "客户", style)
    return table
