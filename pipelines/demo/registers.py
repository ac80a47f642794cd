"""Which records stand for which customer in a system's customer register.

Comes in: the customers that a system knows. Goes out: `Register`, one entry per record in the order of
the record ids, duplicates included: offices of one client, and people entered twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.demo.fabric import Booleans, Integers, chance, some, stream
from pipelines.demo.world import Customers

MAIN, OFFICE, AGAIN = range(3)


@dataclass
class Register:
    """Records of one system: the true customer and the role of each, and the way back."""

    customer: Integers
    role: Integers
    main_record: Integers  # per true customer: row of its main record, -1 where the system doesn't know it
    other_record: Integers  # per true customer: row of one duplicate, -1 where there is none

    def rows_for(self, rng: np.random.Generator, customer: Integers) -> Integers:
        """The record that each event was booked on: sometimes the duplicate, where there is one."""
        other = self.other_record[customer]
        use_other = (other >= 0) & chance(rng, len(customer), 0.4)
        return np.where(use_other, other, self.main_record[customer])


def make_register(
    customers: Customers, known: Booleans, seed: int, name: str, *, offices: float, again: float
) -> Register:
    """Records in order of joining; `offices`, `again`: the shares of firms and people with duplicates."""
    rng = stream(seed, f"register {name}")
    who = np.flatnonzero(known)
    firm = customers.is_firm[who]
    parts, roles = [who], [np.full(len(who), MAIN)]
    if offices:
        clients = who[some(rng, firm, offices)]
        parts.append(np.repeat(clients, rng.integers(1, 4, len(clients))))
        roles.append(np.full(len(parts[-1]), OFFICE))
    if again:
        parts.append(who[some(rng, ~firm, again)])
        roles.append(np.full(len(parts[-1]), AGAIN))
    customer, role = np.concatenate(parts), np.concatenate(roles)
    order = np.lexsort((role, customer, customers.joined[customer] + 40 * (role != MAIN)))
    customer, role = customer[order], role[order]
    main, other = np.full(len(customers), -1), np.full(len(customers), -1)
    rows = np.arange(len(customer))
    main[customer[role == MAIN]] = rows[role == MAIN]
    other[customer[role != MAIN]] = rows[role != MAIN]
    return Register(customer, role, main, other)
