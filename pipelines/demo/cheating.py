"""Who invents customer data, and who only looks as if: false numbers and addresses as people type them.

Comes in: the staff and the true customers. Goes out: `Cheating`, which tells of every customer what was typed
into the CRM instead of the truth, by whom and on which day. Cheats hide customers whom no other department
knows, so that ERP and members' program keep only true numbers. Honest employees differ too: one is new, one
has a region where nobody picks up, one came back from a fair with many months' records in a day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

from pipelines.demo import names
from pipelines.demo.defects import Planter
from pipelines.demo.fabric import (
    Booleans,
    Floats,
    Integers,
    Objects,
    as_date,
    chance,
    day,
    stream,
    vocabulary,
)
from pipelines.demo.tables import Table
from pipelines.demo.world import END, NEVER, Customers, Staff

PHONE_DEFECT, EMAIL_DEFECT = "invented_phone", "invented_email"
_MOST_CHEATS, _SELLERS_PER_CHEAT = 6, 8
_NEWCOMER_SINCE = END - 150
_FAIR_DAY = day(2025, 9, 29)  # in the last days of a quarter, where bursts are looked for
_FAIR_HARVEST = 365
_USUAL_ANSWER, _QUIET_ANSWER = 0.78, 0.4
# What one's fingers fall on when eight digits are asked for.
_BLOCKS = ("8866", "6688", "5678", "1234", "1314", "5200", "8899", "2233", "5566", "1122", "3456", "6789")
_WORDS = ("abc", "qwe", "kehu", "asd", "aaa", "xyz", "wu")


@dataclass(frozen=True)
class Cheating:
    """What employees typed into the CRM that isn't so, and what else sets them apart (as staff indices).

    Attributes:
        mobile, other_mobile, email: per customer what was typed for it, for a firm's second contact, and as
            address; None where the truth was.
        typist: per customer the employee who made its CRM record.
        entered: per customer the day on which that was made up for, where it isn't its own; else NEVER.
        answers: per employee the chance that a true customer of theirs picks up.
        is_stale: per customer, whether its number has gone out of service, honestly.
    """

    staff: Staff = field(repr=False)
    cheats: Integers
    in_bursts: Booleans
    newcomer: int
    quiet: int
    fair_goer: int
    mobile: Objects
    other_mobile: Objects
    email: Objects
    typist: Integers
    entered: Integers
    answers: Floats
    is_stale: Booleans

    @property
    def is_invented(self) -> Booleans:
        """Per customer, whether its number was made up."""
        return np.asarray(self.mobile != None)  # noqa: E711 -- elementwise

    def created(self, who: Integers, usual: Integers) -> Integers:
        """The day on which each customer's CRM record was made: `usual`, or the later day of a burst."""
        moved = (self.entered[who] < NEVER) & (self.entered[who] > usual)
        return np.where(moved, self.entered[who], usual)

    def truth(self) -> dict[str, list[Any]]:
        """One row for every employee who cheats, or might be taken for one who does."""
        invented = np.bincount(self.typist[self.is_invented], minlength=len(self.staff))
        conduct = {int(one): "invents numbers" for one in self.cheats}
        conduct |= {
            int(one): "invents numbers, in bursts at deadlines" for one in self.cheats[self.in_bursts]
        }
        conduct |= {
            self.newcomer: "honest: new, few records",
            self.quiet: "honest: customers seldom answer",
            self.fair_goer: "honest: brought many records from a fair",
        }
        people = np.array(list(conduct))
        return {
            "staff_number": self.staff.number[people].tolist(),
            "staff_name": self.staff.name[people].tolist(),
            "crm_user_id": [str(one + 1) for one in people.tolist()],
            "is_cheat": np.isin(people, self.cheats).tolist(),
            "conduct": list(conduct.values()),
            "invented_customers": invented[people].tolist(),
        }


def decide(customers: Customers, staff: Staff, seed: int) -> Cheating:
    """Choose who cheats and who is special, and what the cheats typed for which customers."""
    rng = stream(seed, "cheating")
    staying = staff.sellers[staff.left[staff.sellers] == NEVER]
    turn = rng.permutation(staying[1:])
    number = int(np.clip(len(staff.sellers) // _SELLERS_PER_CHEAT, 1, _MOST_CHEATS))
    newcomer, quiet, fair_goer = (int(one) for one in np.resize(turn[:3], 3))
    cheats = turn[3 : 3 + number] if len(turn) > 3 else staying[:1]
    in_bursts = np.arange(len(cheats)) % 2 == 0
    typist = _typists(rng, customers, newcomer, turn)
    false = _falsified(rng, customers, typist, cheats)
    mobile, other, email = (np.full(len(customers), None, dtype=object) for _ in range(3))
    for cheat in cheats.tolist():
        mine = np.flatnonzero(false & (typist == cheat))
        mine = mine[np.argsort(customers.joined[mine], kind="stable")]
        typed = _typed_numbers(rng, customers.mobile[mine], 2)
        mobile[mine], other[mine] = typed[: len(mine)], typed[len(mine) :]
        email[mine] = _typed_addresses(rng, mobile[mine])
    entered = _entered(rng, customers, typist, false & np.isin(typist, cheats[in_bursts]), fair_goer)
    # People differ: the odds that a customer picks up vary from employee to employee.
    odds = np.log(_USUAL_ANSWER / (1 - _USUAL_ANSWER)) + rng.normal(0.0, 0.3, len(staff))
    answers = 1 / (1 + np.exp(-odds))
    answers[quiet] = _QUIET_ANSWER
    is_stale = chance(rng, len(customers), 0.03)
    return Cheating(
        staff, cheats, in_bursts, newcomer, quiet, fair_goer, mobile, other, email, typist, entered, answers,
        is_stale,
    )  # fmt: skip


def overwrite(table: Table, column: str, typed: Objects, defect: str, plant: Planter) -> None:
    """Put what was typed in place of the truth, where there is a value that isn't spoiled already."""
    values = table.columns[column]
    free = ~table.taken.setdefault(column, np.zeros(len(table), dtype=bool))
    rows = np.flatnonzero(free & (typed != None) & (values != None))  # noqa: E711 -- elementwise
    values[rows] = typed[rows]
    plant.note(table, column, defect, rows)


def _typists(rng: np.random.Generator, customers: Customers, newcomer: int, others: Integers) -> Integers:
    """Who made each CRM record: the first owner, but what the newcomer has was typed by predecessors."""
    typist = customers.owner.copy()
    older = np.flatnonzero((typist == newcomer) & (customers.joined < _NEWCOMER_SINCE))
    predecessors = others[1:] if len(others) > 1 else others
    typist[older] = predecessors[rng.integers(0, len(predecessors), len(older))]
    return typist


def _falsified(
    rng: np.random.Generator, customers: Customers, typist: Integers, cheats: Integers
) -> Booleans:
    """Four in five of the cheats' customers whom nobody else in the company knows."""
    hidden = customers.in_crm & ~customers.in_erp & ~customers.in_members
    hidden &= (customers.is_firm | ~customers.in_wechat) & (customers.owner == typist)
    partner = customers.shared_mobile_with
    hidden &= partner < 0
    hidden[partner[partner >= 0]] = False
    return np.asarray(hidden & np.isin(typist, cheats) & chance(rng, len(customers), 0.8))


def _typed_numbers(rng: np.random.Generator, true: Objects, times: int) -> Objects:
    """As one person makes them up: few favourite digits, blocks, the last one and a bit, an edited one."""
    favourites = rng.choice(10, size=4, replace=False)
    prefixes = names.MOBILE_PREFIXES[rng.integers(0, len(names.MOBILE_PREFIXES), 4)]
    hands = rng.dirichlet([6.0, 3.0, 2.0, 1.5])
    seen: set[str] = set()
    typed: list[str] = []
    for number in true.tolist() * times:
        for _ in range(20):
            new = _one_number(rng, int(rng.choice(4, p=hands)), number, typed, favourites, prefixes)
            if new not in seen:
                break
        seen.add(new)
        typed.append(new)
    return vocabulary(typed)


def _one_number(
    rng: np.random.Generator, hand: int, true: str, before: list[str], favourites: Integers, prefixes: Objects
) -> str:
    head = str(prefixes[rng.integers(0, len(prefixes))])
    if hand == 1:
        return head + "".join(_BLOCKS[rng.integers(0, len(_BLOCKS))] for _ in range(2))
    if hand == 2 and before:
        return str(int(before[-1]) + int(rng.integers(1, 10)))
    if hand == 3:
        return true[:-2] + "".join(str(favourites[rng.integers(0, 4)]) for _ in range(2))
    digits = [int(favourites[rng.integers(0, 4)])]
    while len(digits) < 8:
        step = rng.random()
        following = digits[-1] if step < 0.3 else (digits[-1] + 1) % 10 if step < 0.45 else None
        digits.append(int(favourites[rng.integers(0, 4)]) if following is None else following)
    return head + "".join(map(str, digits))


def _typed_addresses(rng: np.random.Generator, mobile: Objects) -> Objects:
    """abc8866@…: a word under one's fingers and the end of the number that was made up as well."""
    words = vocabulary(_WORDS)[rng.integers(0, len(_WORDS), len(mobile))]
    domain = names.MAIL_DOMAINS[rng.integers(0, 2, len(mobile))]
    return vocabulary([w + m[-5:] + "@" + d for w, m, d in zip(words, mobile, domain, strict=True)])


def _entered(
    rng: np.random.Generator, customers: Customers, typist: Integers, in_bursts: Booleans, fair_goer: int
) -> Integers:
    """Bursts: the last two days of the month, or of the quarter; a fair: one day for a year's records."""
    entered = np.full(len(customers), NEVER)
    rows = np.flatnonzero(in_bursts & chance(rng, len(customers), 0.85))
    ends = np.array([_month_end(int(joined)) for joined in customers.joined[rows]], dtype=np.int64)
    entered[rows] = np.minimum(ends - rng.integers(0, 2, len(rows)), END)
    harvest = (typist == fair_goer) & (customers.joined <= _FAIR_DAY)
    entered[harvest & (customers.joined > _FAIR_DAY - _FAIR_HARVEST)] = _FAIR_DAY
    return entered


def _month_end(number: int) -> int:
    """The last day of a day's month."""
    first = as_date(number).replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return (following - timedelta(days=1) - date(1970, 1, 1)).days


def call_results(
    cheating: Cheating, customers: Customers, who: Integers, is_out: Booleans, is_mobile: Booleans, seed: int
) -> tuple[Objects, Booleans]:
    """What the call centre noted about each call, and whether it talked to anybody."""
    rng = stream(seed, "call results")
    count = len(who)
    answers = cheating.answers[customers.owner[who]]
    missed = is_out & ~chance(rng, count, np.where(is_mobile, answers, np.minimum(answers + 0.1, 0.95)))
    result = np.where(missed, vocabulary(["无人接听", "占线", "关机"])[rng.integers(0, 3, count)], "接通")
    stale = is_out & is_mobile & cheating.is_stale[who] & ~cheating.is_invented[who]
    result[stale] = "停机"
    # A made-up number is nobody's, a stranger's, or rings and rings: the same whenever it is dialled.
    fate = vocabulary(["空号", "空号", "错号", "无人接听"])[rng.integers(0, 4, len(customers))]
    invented = is_out & is_mobile & cheating.is_invented[who]
    result[invented] = fate[who][invented]
    return np.asarray(result), np.asarray(result == "接通")
