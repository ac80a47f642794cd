"""Yearly contracts of the web agency: chains of renewals, terminations, drafts, and what was paid.

Comes in: customers and their fates. Goes out: `Contracts` (one entry per contract as the CRM will hold
it, sorted by signing day, so that the row's position + 1 is its id) and `Receipts`. Sets in `Leaving`
which customers are contractual, and moves their leaving day to the end or termination of the last contract.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.demo import names
from pipelines.demo.fabric import Booleans, Floats, Integers, chance, draw, runs, some, stream
from pipelines.demo.leaving import BAD_DEBT, CANCELLED, COMPETITOR, COMPLAINT, PRICE, Leaving
from pipelines.demo.world import END, NEVER, START, Customers

APPROVED, PENDING, REJECTED, WITHDRAWN, DRAFT, TERMINATED = 1, 0, 2, 4, 5, 8
YEAR = 365


@dataclass
class Contracts:
    """Contracts; money in cents with 6 % tax, days as day numbers, `previous` an index or -1."""

    customer: Integers
    kind: Integers
    starts: Integers
    ends: Integers
    signed: Integers
    cents: Integers
    status: Integers
    previous: Integers
    terminated: Integers
    is_test: Booleans

    def __len__(self) -> int:
        return len(self.customer)

    def is_revenue(self) -> Booleans:
        """Approved or later terminated, and no test."""
        return np.asarray(np.isin(self.status, (APPROVED, TERMINATED)) & ~self.is_test)

    def take(self, rows: Integers) -> Contracts:
        """The given rows, `previous` still pointing at the old positions."""
        return Contracts(**{name: column[rows] for name, column in vars(self).items()})


@dataclass
class Receipts:
    """Money received for a document: index of the contract or order, day, cents, confirmed or void."""

    document: Integers
    day: Integers
    cents: Integers
    is_confirmed: Booleans


def make_contracts(customers: Customers, leaving: Leaving, seed: int) -> Contracts:
    """All contracts of the period, with renewals linked, and the extra ones that never counted."""
    rng = stream(seed, "contracts")
    chains = _chains(rng, customers, leaving)
    contracts = _renewals(rng, chains, customers, leaving)
    _end_chains(rng, contracts, leaving)
    return _sorted(_with_uncounted(rng, contracts))


def _chains(
    rng: np.random.Generator, customers: Customers, leaving: Leaving
) -> tuple[Integers, Integers, Integers]:
    """Subscriptions as (customer, kind, first start): one to three kinds of service per customer."""
    holds = customers.in_crm & chance(rng, len(customers), np.where(customers.is_firm, 0.72, 0.1))
    who = np.flatnonzero(holds)
    owner, position = runs(1 + rng.binomial(2, 0.22, len(who)))
    first_kind = draw(rng, [0.34, 0.18, 0.14, 0.2, 0.14], len(who))
    step = rng.integers(1, 5, len(who))
    kind = (first_kind[owner] + position * step[owner]) % 5
    customer = who[owner]
    earliest = np.maximum(customers.joined[customer] + 3, START + rng.integers(0, 200, len(customer)))
    starts = (earliest + rng.random(len(customer)) ** 1.7 * (END - 10 - earliest)).astype(np.int64)
    keep = (starts < leaving.left[customer]) & (starts < END) & (earliest < END - 10)
    return customer[keep], kind[keep], starts[keep]


def _renewals(
    rng: np.random.Generator,
    chains: tuple[Integers, Integers, Integers],
    customers: Customers,
    leaving: Leaving,
) -> Contracts:
    """Repeat each subscription year after year until its customer leaves or the period ends."""
    customer, kind, first_start = chains
    stop = np.minimum(leaving.left[customer], END)
    owner, year = runs((stop - first_start) // YEAR + 1)
    count = len(owner)
    who, starts = customer[owner], first_start[owner] + year * YEAR
    price = (
        names.CONTRACT_PRICES[kind][owner]
        * customers.level[who] ** 0.8
        * customers.trend[who] ** (year * 0.5)
    )
    price *= np.exp(rng.normal(0, 0.25, len(customer)))[owner]
    # A full price ends on tens of yuan before tax; with 6 % tax cents appear.
    cents = np.rint(np.maximum(np.rint(price / 10) * 10, 60) * 106).astype(np.int64)
    signed = np.maximum(starts - rng.integers(0, np.where(year > 0, 28, 8), count), START)
    return Contracts(
        customer=who,
        kind=kind[owner],
        starts=starts,
        ends=starts + YEAR - 1,
        signed=signed,
        cents=cents,
        status=np.full(count, APPROVED),
        previous=np.where(year > 0, np.arange(count) - 1, -1),
        terminated=np.full(count, NEVER),
        is_test=np.zeros(count, dtype=bool),
    )


def _end_chains(rng: np.random.Generator, contracts: Contracts, leaving: Leaving) -> None:
    """Terminate or let expire the last contracts of who leaves; correct the true leaving day to that."""
    who = contracts.customer
    leaving.is_contractual[who] = True
    running = (contracts.ends >= leaving.left[who]) & (contracts.starts < leaving.left[who])
    reasons = np.isin(leaving.reason, (COMPLAINT, COMPETITOR, CANCELLED, PRICE))
    breaks_off = (leaving.reason == BAD_DEBT) | (reasons & chance(rng, len(leaving.left), 0.6))
    ended = running & breaks_off[who]
    contracts.status[ended] = TERMINATED
    contracts.terminated[ended] = leaving.left[who][ended]
    # The others simply don't renew: they are lost when their last contract has run out.
    last_end = np.zeros(len(leaving.left), dtype=np.int64)
    np.maximum.at(last_end, who, contracts.ends)
    expires = leaving.is_contractual & leaving.gone() & ~breaks_off
    day = np.where(expires, last_end, leaving.left)
    leaving.left[:] = np.where(day < END, day, NEVER)
    leaving.won_back[:] = np.where(
        leaving.left < END - 330, np.maximum(leaving.won_back, leaving.left + 240), NEVER
    )
    leaving.won_back[leaving.is_contractual] = NEVER


def _with_uncounted(rng: np.random.Generator, contracts: Contracts) -> Contracts:
    """Add drafts, pending, rejected, withdrawn and test contracts, as copies of real ones."""
    rows = some(rng, np.ones(len(contracts), dtype=bool), 0.05, 12)
    extra = contracts.take(rows)
    shape = np.arange(len(rows)) % 5
    extra.status[:] = np.array([DRAFT, PENDING, REJECTED, WITHDRAWN, APPROVED])[shape]
    extra.is_test[:] = shape == 4
    extra.previous[:] = -1
    extra.terminated[:] = NEVER
    pending = shape <= 1
    extra.signed[:] = np.where(pending, END - rng.integers(0, 40, len(rows)), extra.signed)
    extra.starts[:] = np.where(pending, extra.signed + 5, extra.starts)
    extra.ends[:] = extra.starts + YEAR - 1
    return Contracts(
        **{name: np.concatenate([column, getattr(extra, name)]) for name, column in vars(contracts).items()}
    )


def _sorted(contracts: Contracts) -> Contracts:
    order = np.lexsort((contracts.kind, contracts.customer, contracts.starts, contracts.signed))
    position = np.empty(len(order), dtype=np.int64)
    position[order] = np.arange(len(order))
    ordered = contracts.take(order)
    ordered.previous = np.where(ordered.previous >= 0, position[ordered.previous], -1)
    return ordered


def make_receipts(contracts: Contracts, leaving: Leaving, seed: int) -> Receipts:
    """One or two payments per counted contract; some finals come late or never, some were booked in vain."""
    rng = stream(seed, "contract receipts")
    paid = np.flatnonzero(contracts.is_revenue())
    two_steps = (contracts.cents[paid] > 500_000) & chance(rng, len(paid), 0.7)
    owner, step = runs(1 + two_steps)
    document = paid[owner]
    share: Floats = np.where(two_steps, 0.5, 1.0)[owner]
    half = np.rint(contracts.cents[document] * share / 100).astype(np.int64) * 100
    cents = np.where(
        step == 1, contracts.cents[document] - half, np.where(share < 1, half, contracts.cents[document])
    )
    delay = np.where(step == 1, rng.integers(25, 90, len(owner)), rng.integers(0, 15, len(owner)))
    overdue = (step == 1) & chance(rng, len(owner), 0.12)
    day = contracts.signed[document] + delay + np.where(overdue, rng.integers(60, 240, len(owner)), 0)
    owes = (contracts.status == TERMINATED) & (leaving.reason[contracts.customer] == BAD_DEBT)
    unpaid = owes[document] & ((step == 1) | ~two_steps[owner])
    keep = (day <= END) & ~unpaid & ~((step == 1) & chance(rng, len(owner), 0.02))
    return Receipts(document[keep], day[keep], cents[keep], ~chance(rng, int(keep.sum()), 0.015))
