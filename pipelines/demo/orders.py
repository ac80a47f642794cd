"""Sales without a contract: ERP sales orders and returns, members' purchases, offline projects.

Comes in: customers and their fates. Goes out: `Orders` for the ERP and for the membership program and
`Projects` for the ledger, each sorted by time (row position + 1 is the id). Each customer buys in a
rhythm of its own, in season more than out of it, until it leaves; who is won back starts again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.demo import names
from pipelines.demo.contracts import Receipts
from pipelines.demo.fabric import (
    DAY_SECONDS,
    Booleans,
    Floats,
    Integers,
    as_date,
    chance,
    draw,
    office_hours,
    runs,
    stream,
)
from pipelines.demo.leaving import BAD_DEBT, Leaving
from pipelines.demo.world import END, NEVER, START, Customers

CONFIRMED, CANCELLED_ORDER, TEST, DRAFT = range(4)
# How many of the orders that could be are placed: January … December (New Year lull, wedding seasons).
_SEASON = np.array([0.85, 0.6, 0.85, 0.9, 1.0, 0.85, 0.75, 0.8, 0.95, 1.0, 1.0, 1.0])
PROJECT_CAP = 9_000


@dataclass
class Orders:
    """Orders in time order; cents with tax, positive; `returned`: index of the order a return undoes."""

    customer: Integers
    moment: Integers
    cents: Integers
    product: Integers
    status: Integers
    promised: Integers
    delivered: Integers
    returned: Integers

    def __len__(self) -> int:
        return len(self.customer)

    def is_revenue(self) -> Booleans:
        """Confirmed and no test (returns included; they count negative)."""
        return np.asarray(self.status == CONFIRMED)

    def signed_cents(self) -> Integers:
        """Cents, negative for returns."""
        return np.where(self.returned >= 0, -self.cents, self.cents)

    def take(self, rows: Integers) -> Orders:
        """The given rows."""
        return Orders(**{name: column[rows] for name, column in vars(self).items()})


@dataclass
class Projects:
    """Offline projects of the ledger: day number and cents with tax."""

    customer: Integers
    day: Integers
    cents: Integers
    product: Integers


def month_of_day() -> Integers:
    """Month number 0–11 for each day number up to the end of the period."""
    months = [as_date(number).month - 1 for number in range(START - 1, END + 2)]
    return np.concatenate([np.zeros(START - 1, dtype=np.int64), np.array(months)])


def make_orders(customers: Customers, leaving: Leaving, members: Booleans, seed: int, name: str) -> Orders:
    """Orders of one system; `members` says who is in it and buys there."""
    rng = stream(seed, f"orders {name}")
    customer, day, cents = _purchases(rng, customers, leaving, members)
    moment = office_hours(rng, day)
    order = np.lexsort((customer, moment))
    customer, moment, cents, count = customer[order], moment[order], cents[order], len(order)
    # The product whose list price is nearest below what was paid, give or take one.
    ranked = np.argsort(names.MATERIAL_PRICES)
    near = np.searchsorted(names.MATERIAL_PRICES[ranked], cents / 100) - rng.integers(0, 2, count)
    product = ranked[np.clip(near, 0, len(ranked) - 1)]
    day = moment // DAY_SECONDS
    promised = day + rng.integers(5, 30, count)
    is_late = chance(rng, count, np.where(leaving.is_served_late[customer], 0.55, 0.05))
    delivered = promised + np.where(is_late, rng.integers(2, 45, count), -rng.integers(0, 5, count))
    status = draw(rng, [0.962, 0.022, 0.008, 0.008], count)
    status[: min(12, count)] = np.array([0, 1, 0, 2, 0, 3, 0, 1, 0, 2, 0, 3])[: min(12, count)]
    return Orders(customer, moment, cents, product, status, promised, delivered, np.full(count, -1))


def _purchases(
    rng: np.random.Generator, customers: Customers, leaving: Leaving, buys: Booleans
) -> tuple[Integers, Integers, Integers]:
    """(customer, day, cents) of each purchase, customer by customer in time order."""
    who = np.flatnonzero(buys & chance(rng, len(customers), 0.94))
    gap = np.clip(np.exp(rng.normal(5.75, 0.85, len(who))), 9, 900)
    earliest = np.maximum(customers.joined[who], START)
    start = earliest + rng.random(len(who)) * np.minimum(gap, np.maximum(END - 5 - earliest, 1))
    stop = np.minimum(leaving.left[who], END)
    base = (
        np.where(customers.is_firm[who], 2600, 900)
        * customers.level[who]
        * np.clip(gap / 180, 0.35, 2.5) ** 0.5
    )
    parts = [(who, start, stop, gap, base)]
    back = leaving.won_back[who] < END
    parts.append(
        (
            who[back],
            leaving.won_back[who][back].astype(float),
            np.full(back.sum(), END),
            gap[back],
            base[back],
        )
    )
    columns: list[tuple[Integers, Integers, Integers]] = []
    for index, begin, end, rhythm, price in parts:
        columns.append(_rhythm(rng, customers, index, begin, end, rhythm, price))
    return tuple(np.concatenate(column) for column in zip(*columns, strict=True))  # type: ignore[return-value]


def _rhythm(
    rng: np.random.Generator, customers: Customers, who: Integers, begin: Floats, end: Integers, gap: Floats,
    price: Floats,
) -> tuple[Integers, Integers, Integers]:  # fmt: skip
    """Purchases every `gap` days with jitter from `begin` to `end`, thinned by season."""
    owner, position = runs(np.maximum((end - begin) // gap + 1, 0).astype(np.int64))
    jitter = np.where(position > 0, rng.uniform(-0.3, 0.3, len(owner)), 0.0)
    day = (begin[owner] + (position + jitter) * gap[owner]).astype(np.int64)
    inside = (day < end[owner]) & (day >= START) & (day <= END)
    season = _SEASON[month_of_day()[np.clip(day, START, END)]]
    keep = inside & ((position == 0) | chance(rng, len(owner), season))
    owner, day = owner[keep], day[keep]
    years = (day - START) / 365.0
    amount = (
        price[owner] * customers.trend[who[owner]] ** (years - 1.0) * np.exp(rng.normal(0, 0.45, len(day)))
    )
    whole = np.rint(np.maximum(amount, 28))
    cents = np.where(chance(rng, len(day), 0.3), np.rint(amount.clip(28) * 100), whole * 100).astype(np.int64)
    return who[owner], day, cents


def add_returns(orders: Orders, seed: int) -> Orders:
    """A fiftieth of the confirmed orders comes back within weeks, in full or by half."""
    rng = stream(seed, "returns")
    fits = orders.is_revenue() & (orders.moment < (END - 40) * DAY_SECONDS)
    source = np.flatnonzero(fits & chance(rng, len(orders), 0.02))
    back = orders.take(source)
    back.returned[:] = source
    back.moment += rng.integers(4, 38, len(source)) * DAY_SECONDS
    back.cents[:] = np.where(chance(rng, len(source), 0.5), back.cents, back.cents // 2)
    merged = Orders(
        **{name: np.concatenate([column, getattr(back, name)]) for name, column in vars(orders).items()}
    )
    order = np.argsort(merged.moment, kind="stable")
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    merged = merged.take(order)
    merged.returned = np.where(merged.returned >= 0, position[merged.returned], -1)
    return merged


def make_order_receipts(orders: Orders, leaving: Leaving, seed: int) -> Receipts:
    """Payments of ERP orders: at once, or a deposit and a final payment that may come late or never."""
    rng = stream(seed, "order receipts")
    sold = np.flatnonzero(orders.is_revenue() & (orders.returned < 0))
    two_steps = (orders.cents[sold] > 400_000) & chance(rng, len(sold), 0.6)
    owner, step = runs(1 + two_steps)
    document = sold[owner]
    deposit = orders.cents[document] * 3 // 10
    full = orders.cents[document]
    cents = np.where(~two_steps[owner], full, np.where(step == 0, deposit, full - deposit))
    day = orders.moment[document] // DAY_SECONDS + np.where(step == 1, rng.integers(20, 70, len(owner)), 0)
    slow = chance(rng, len(owner), 0.08)
    day += np.where(slow, rng.integers(30, 200, len(owner)), rng.integers(0, 6, len(owner)))
    who = orders.customer[document]
    last_days = leaving.left[who] - day < 150
    owes = (
        (leaving.reason[who] == BAD_DEBT)
        & (leaving.left[who] < NEVER)
        & last_days
        & ((step == 1) | ~two_steps[owner])
    )
    keep = (day <= END) & ~owes & ~chance(rng, len(owner), 0.015)
    document, day, cents = document[keep], day[keep], cents[keep]
    order = np.lexsort((document, day))
    confirmed = ~chance(rng, len(order), 0.01)
    return Receipts(document[order], day[order], cents[order], confirmed)


def make_projects(customers: Customers, leaving: Leaving, seed: int) -> Projects:
    """Offline projects booked in the ledger only: a few of the customers, never more than the cap."""
    rng = stream(seed, "projects")
    share = min(0.07, PROJECT_CAP / 1.2 / len(customers))
    fits = (customers.in_crm | customers.in_erp) & (customers.joined < END - 60)
    who = np.flatnonzero(fits & chance(rng, len(customers), share))
    owner, _ = runs(1 + chance(rng, len(who), 0.2))
    who = who[owner]
    earliest = np.maximum(customers.joined[who], START)
    latest = np.maximum(np.minimum(leaving.left[who], END) - 3, earliest + 1)
    day = np.minimum((earliest + rng.random(len(who)) * (latest - earliest)).astype(np.int64), END)
    price = (
        np.where(customers.is_firm[who], 9_000, 3_200)
        * customers.level[who]
        * np.exp(rng.normal(0, 0.4, len(who)))
    )
    order = np.lexsort((who, day))
    product = rng.integers(0, len(names.MATERIALS), len(who))
    cents = np.maximum(np.rint(price), 300).astype(np.int64) * 100
    return Projects(who[order], day[order], cents[order], product[order])
