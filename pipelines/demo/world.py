"""The demo company's world: its staff and its true customers, before any system has written them down.

Comes in: how many customers, and the seed. Goes out: `Staff` and `Customers`, columns as numpy arrays,
one entry per person employed and per true customer. Nothing here is bad data yet; the systems' records
are made from this by `records.py`, and spoiled by `defects.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.demo import names
from pipelines.demo.fabric import (
    Booleans,
    Floats,
    Integers,
    Objects,
    chance,
    constant,
    day,
    draw,
    numbers,
    some,
    stream,
    texts,
)

START = day(2023, 7, 1)
END = day(2026, 6, 30)
NEVER = day(2069, 1, 1)
_OLDEST = day(2018, 3, 1)
_CREDIT_ALPHABET = np.array([ord(c) for c in "0123456789ABCDEFGHJKLMNPQRTUWXY"], dtype=np.uint32)
_CREDIT_WEIGHTS = np.array([1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28])
_ORGANISATION_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])


@dataclass(frozen=True)
class Staff:
    """The company's employees; days are day numbers, `left` is NEVER for those still there."""

    number: Objects
    name: Objects
    department: Objects
    post: Objects
    mobile: Objects
    email: Objects
    hired: Integers
    left: Integers
    sellers: Integers  # indices of those who own customers

    def __len__(self) -> int:
        return len(self.name)


@dataclass
class Customers:
    """True customers. For a firm, person and mobile are its contact's. Days are day numbers."""

    is_firm: Booleans
    city: Integers
    street: Objects
    is_female: Booleans
    surname: Objects
    given: Objects
    brand: Objects
    trade: Integers
    suffix: Objects
    has_bracket: Booleans
    mobile: Objects
    landline: Objects
    email: Objects
    wechat: Objects
    credit_code: Objects
    level: Floats  # spending level, 1 = typical of its party type
    trend: Floats  # yearly factor on spending
    joined: Integers
    owner: Integers
    second_owner: Integers  # -1: never handed over
    handed_over: Integers
    in_crm: Booleans
    in_erp: Booleans
    in_wechat: Booleans
    in_members: Booleans
    shares_switchboard: Booleans
    shares_hotline: Booleans
    shared_mobile_with: Integers  # -1, else the customer whose mobile this one uses too

    def __len__(self) -> int:
        return len(self.is_firm)

    @property
    def person(self) -> Objects:
        """Full personal names (of the contact, for a firm)."""
        return np.asarray(self.surname + self.given)

    def owner_at(self, who: Integers, days: Integers) -> Integers:
        """The staff index that looks after customer `who` on the given day."""
        moved = (self.second_owner[who] >= 0) & (days >= self.handed_over[who])
        return np.where(moved, self.second_owner[who], self.owner[who])


def make_staff(customers: int, seed: int) -> Staff:
    """Some 24 to 400 employees, growing with the number of customers; a fifth leaves in the period."""
    rng = stream(seed, "staff")
    count = int(np.clip(24 + customers // 400, 24, 400))
    role = np.arange(count) % len(names.DEPARTMENTS)
    hired = rng.integers(day(2015, 1, 1), day(2024, 6, 1), count)
    leaves = chance(rng, count, 0.22)
    leaves[:2] = [False, True]  # at least one seller stays, and one resigns
    earliest = np.maximum(hired + 200, START + 120)
    left = np.where(leaves, earliest + rng.random(count) * (END - 60 - earliest), NEVER).astype(np.int64)
    female = chance(rng, count, 0.5)
    given = _given_names(rng, female)
    login = names.PINYIN[rng.integers(0, len(names.PINYIN), count)] + texts(np.arange(1, count + 1))
    return Staff(
        number=constant("LT", count) + numbers(np.arange(1, count + 1), 4),
        name=names.SURNAMES[draw(rng, names.SURNAME_WEIGHTS, count)] + given,
        department=names.DEPARTMENTS[role],
        post=names.POSTS[role],
        mobile=_mobiles(rng, count),
        email=login + "@lanting.example.com",
        hired=hired,
        left=left,
        sellers=np.flatnonzero(role < 4),
    )


def make_customers(count: int, staff: Staff, seed: int) -> Customers:
    """`count` true customers with identity, membership of systems, owner and spending level."""
    rng = stream(seed, "customers")
    is_firm = chance(rng, count, 0.45)
    female = chance(rng, count, np.where(is_firm, 0.35, 0.6))
    joined = _joining_days(rng, count)
    owner, second_owner, handed_over = _owners(rng, staff, joined)
    city = draw(rng, names.CITY_WEIGHTS, count)
    in_crm, in_erp, in_wechat, in_members = _membership(rng, is_firm)
    customers = Customers(
        is_firm=is_firm,
        city=city,
        street=names.STREETS[rng.integers(0, len(names.STREETS), count)]
        + texts(rng.integers(1, 999, count))
        + "号",
        is_female=female,
        surname=names.SURNAMES[draw(rng, names.SURNAME_WEIGHTS, count)],
        given=_given_names(rng, female),
        brand=_brands(rng, count),
        trade=rng.integers(0, len(names.TRADES), count),
        suffix=names.SUFFIXES[draw(rng, names.SUFFIX_WEIGHTS, count)],
        has_bracket=chance(rng, count, 0.12),
        mobile=_mobiles(rng, count),
        landline=names.AREA_CODES[city] + "-" + numbers(rng.integers(60_000_000, 89_999_999, count), 8),
        email=_emails(rng, count),
        wechat=_wechat_ids(rng, count),
        credit_code=np.where(is_firm, credit_codes(rng, names.ADMIN_CODES[city]), ""),
        level=np.exp(rng.normal(0.0, 0.85, count)),
        trend=np.array([0.45, 0.75, 1.0, 1.35, 2.1])[draw(rng, [0.1, 0.2, 0.4, 0.2, 0.1], count)],
        joined=joined,
        owner=owner,
        second_owner=second_owner,
        handed_over=handed_over,
        in_crm=in_crm,
        in_erp=in_erp,
        in_wechat=in_wechat,
        in_members=in_members,
        shares_switchboard=np.zeros(count, dtype=bool),
        shares_hotline=np.zeros(count, dtype=bool),
        shared_mobile_with=np.full(count, -1),
    )
    _share_phones(rng, customers)
    return customers


def _joining_days(rng: np.random.Generator, count: int) -> Integers:
    """Two in five were customers before the period; the others come ever faster."""
    old = chance(rng, count, 0.42)
    before = _OLDEST + rng.random(count) ** 0.7 * (START - _OLDEST)
    within = START + rng.random(count) ** 0.85 * (END - 20 - START)
    return np.where(old, before, within).astype(np.int64)


def _owners(rng: np.random.Generator, staff: Staff, joined: Integers) -> tuple[Integers, Integers, Integers]:
    """First owner, second owner (-1: none) and hand-over day.

    An owner's resignation leaves orphans: two thirds are handed over within weeks, the others never.
    """
    count = len(joined)
    owner = staff.sellers[rng.integers(0, len(staff.sellers), count)]
    # Nobody starts with an owner who has already gone; the first seller never leaves.
    owner = np.where(staff.left[owner] <= joined, staff.sellers[0], owner)
    gone = staff.left[owner] < NEVER
    moved_on_a_whim = ~gone & chance(rng, count, 0.06)
    handed_over = np.where(
        gone, staff.left[owner] + rng.integers(0, 75, count), joined + rng.integers(90, 700, count)
    )
    moves = ((gone & chance(rng, count, 0.65)) | moved_on_a_whim) & (handed_over < END)
    staying = staff.sellers[staff.left[staff.sellers] == NEVER]
    heir = staying[rng.integers(0, len(staying), count)]
    heir = np.where(heir == owner, staying[0], heir)
    return owner, np.where(moves, heir, -1), np.where(moves, handed_over, NEVER)


def _membership(rng: np.random.Generator, is_firm: Booleans) -> tuple[Booleans, Booleans, Booleans, Booleans]:
    """Which systems know whom: crm and erp about 45 % each, WeChat 35 %, members 30 %; none is nowhere."""
    count = len(is_firm)
    crm = chance(rng, count, np.where(is_firm, 0.66, 0.21))
    erp = chance(rng, count, np.where(is_firm, 0.46, 0.38))
    wechat = chance(rng, count, 0.34)
    members = chance(rng, count, np.where(is_firm, 0.04, 0.45))
    nowhere = ~(crm | erp | members)
    crm |= nowhere & is_firm
    members |= nowhere & ~is_firm & chance(rng, count, 0.6)
    erp |= nowhere & ~is_firm & ~members
    return crm, erp, wechat, members


def _given_names(rng: np.random.Generator, female: Booleans) -> Objects:
    """One given name in four has one character, the others two."""
    count = len(female)
    parts = [
        np.where(
            female, pool_f[rng.integers(0, len(pool_f), count)], pool_m[rng.integers(0, len(pool_m), count)]
        )
        for pool_f, pool_m in [(names.GIVEN_FEMALE, names.GIVEN_MALE)] * 2
    ]
    return np.asarray(parts[0] + np.where(chance(rng, count, 0.25), "", parts[1]))


def _brands(rng: np.random.Generator, count: int) -> Objects:
    """Two-character brands; some with Latin letters or digits, as firms like them."""
    first = names.BRAND_FIRST[rng.integers(0, len(names.BRAND_FIRST), count)]
    second = names.BRAND_SECOND[rng.integers(0, len(names.BRAND_SECOND), count)]
    third = names.BRAND_SECOND[rng.integers(0, len(names.BRAND_SECOND), count)]
    mark = names.LATIN_MARKS[rng.integers(0, len(names.LATIN_MARKS), count)]
    form = draw(rng, [0.62, 0.32, 0.06], count)
    return np.asarray(first + second + np.where(form == 0, "", np.where(form == 1, third, mark)))


def _mobiles(rng: np.random.Generator, count: int) -> Objects:
    prefix = names.MOBILE_PREFIXES[rng.integers(0, len(names.MOBILE_PREFIXES), count)]
    return np.asarray(prefix + numbers(rng.integers(0, 10**8, count), 8))


def _emails(rng: np.random.Generator, count: int) -> Objects:
    first = names.PINYIN[rng.integers(0, len(names.PINYIN), count)]
    second = names.PINYIN[rng.integers(0, len(names.PINYIN), count)]
    domain = names.MAIL_DOMAINS[rng.integers(0, len(names.MAIL_DOMAINS), count)]
    # The serial keeps addresses apart: one mailbox belongs to one customer.
    return np.asarray(first + second + texts(rng.permutation(count) + 1) + "@" + domain)


def _wechat_ids(rng: np.random.Generator, count: int) -> Objects:
    head = names.PINYIN[rng.integers(0, len(names.PINYIN), count)]
    return np.asarray(
        np.where(chance(rng, count, 0.5), "wxid_", head + "_")
        + numbers(rng.permutation(10**6 + count)[:count], 8)
    )


def credit_codes(rng: np.random.Generator, admin_codes: Integers) -> Objects:
    """Unified social credit codes with right check digits (GB 32100-2015; organisation code GB 11714).

    Layout: 91 + six digits of place + eight of the organisation code and its check digit + check digit.
    """
    count = len(admin_codes)
    digits = np.zeros((count, 18), dtype=np.int64)
    digits[:, 0], digits[:, 1] = 9, 1
    for position in range(6):
        digits[:, 2 + position] = admin_codes // 10 ** (5 - position) % 10
    digits[:, 8:16] = rng.integers(0, 10, (count, 8))
    rest = 11 - digits[:, 8:16] @ _ORGANISATION_WEIGHTS % 11
    x_value = int(np.flatnonzero(ord("X") == _CREDIT_ALPHABET)[0])
    digits[:, 16] = np.where(rest == 10, x_value, np.where(rest == 11, 0, rest))
    digits[:, 17] = (31 - digits[:, :17] @ _CREDIT_WEIGHTS % 31) % 31
    return np.ascontiguousarray(_CREDIT_ALPHABET[digits]).view("U18").ravel().astype(object)


def _share_phones(rng: np.random.Generator, customers: Customers) -> None:
    """Office buildings share a switchboard, a franchise a 400 number; couples share one mobile."""
    count = len(customers)
    numbers_shared = [f"{head}{rng.integers(10**6, 10**7)}" for head in ("0510-8", "400")]
    crowds = [max(min(220, count // 14), count // 300), max(min(220, count // 40), count // 1000)]
    flags = (customers.shares_switchboard, customers.shares_hotline)
    for flag, number, crowd in zip(flags, numbers_shared, crowds, strict=True):
        free = customers.is_firm & ~customers.shares_switchboard & ~customers.shares_hotline
        who = some(rng, free, 0.0, crowd)
        flag[who] = True
        customers.landline[who] = number
    people = np.flatnonzero(~customers.is_firm)
    couples = max(3, len(people) // 50)
    one, other = people[: 2 * couples : 2], people[1 : 2 * couples : 2]
    customers.mobile[other] = customers.mobile[one]
    customers.shared_mobile_with[other] = one
