"""Which records stand for which customer in a system's customer register.

Comes in: the customers that a system knows. Goes out: `Register`, one entry per record in the order of
the record ids: the customers themselves, people entered twice, and what rolls up to a firm but is a customer
of its own: its offices, and the private card of its contact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.demo.fabric import Booleans, Integers, chance, runs, some, stream
from pipelines.demo.world import Customers

MAIN, OFFICE, AGAIN = range(3)
# Which of a firm's customers a record is: 0 the firm itself, 1 … its offices, or the private card.
ITSELF, MOST_OFFICES, CARD = 0, 3, 9


@dataclass
class Register:
    """Records of one system: the true customer (firm or person), role and part of each, and the way back."""

    customer: Integers
    role: Integers
    part: Integers
    main_record: Integers  # per true customer: row of its main record, -1 where the system doesn't know it
    other_record: Integers  # per true customer: row of one office or duplicate, -1 where there is none

    def rows_for(self, rng: np.random.Generator, customer: Integers) -> Integers:
        """The record that each event was booked on: sometimes the other one, where there is one."""
        other = self.other_record[customer]
        use_other = (other >= 0) & chance(rng, len(customer), 0.4)
        return np.where(use_other, other, self.main_record[customer])


def make_register(
    customers: Customers, known: Booleans, seed: int, name: str, *, offices: float, again: float,
    private: bool = False,
) -> Register:  # fmt: skip
    """Records in order of joining.

    Args:
        offices, again: the shares of firms with offices and of people entered twice.
        private: a firm's record is the private card of its contact.
    """
    rng = stream(seed, f"register {name}")
    who = np.flatnonzero(known)
    firm = customers.is_firm[who]
    groups = [(who, MAIN, np.where(firm & private, CARD, ITSELF))]
    if offices:
        clients = who[some(rng, firm, offices)]
        owner, position = runs(rng.integers(1, MOST_OFFICES + 1, len(clients)))
        groups.append((clients[owner], OFFICE, 1 + position))
    if again:
        twice = who[some(rng, ~firm, again)]
        groups.append((twice, AGAIN, np.full(len(twice), ITSELF)))
    customer = np.concatenate([someone for someone, _, _ in groups])
    role = np.concatenate([np.full(len(someone), code) for someone, code, _ in groups])
    part = np.concatenate([parts for _, _, parts in groups])
    order = np.lexsort((role, customer, customers.joined[customer] + 40 * (role != MAIN)))
    customer, role, part = customer[order], role[order], part[order]
    main, other = np.full(len(customers), -1), np.full(len(customers), -1)
    rows = np.arange(len(customer))
    main[customer[role == MAIN]] = rows[role == MAIN]
    other[customer[role != MAIN]] = rows[role != MAIN]
    return Register(customer, role, part, main, other)
