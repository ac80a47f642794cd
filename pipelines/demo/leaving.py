"""Who leaves, when and why; who comes back.

Comes in: the customers and staff. Goes out: `Leaving`, one entry per true customer, with the events that
drove it (a complaint, an owner who resigned, late delivery). The reasons follow DOMAIN section 5: active
(the customer chose to go) and passive (the company ended it, or it lapsed without an event).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.demo.fabric import Booleans, Integers, chance, draw, stream
from pipelines.demo.world import END, NEVER, START, Customers, Staff

COMPLAINT, COMPETITOR, WECHAT_DELETED, CANCELLED, PRICE, BAD_DEBT, LAPSE = range(7)
REASONS = np.array(
    ["complaint", "competitor", "wechat_deleted", "cancelled", "price", "bad_debt", "lapse"], dtype=object
)
ACTIVE = np.array([True, True, True, True, True, False, False])

# Weights of the reasons above, by what happened before: nothing, a complaint, a resigned owner.
_WEIGHTS = {
    "nothing": [0.0, 0.16, 0.08, 0.08, 0.12, 0.12, 0.44],
    "complaint": [0.62, 0.16, 0.08, 0.08, 0.0, 0.0, 0.06],
    "owner": [0.0, 0.38, 0.34, 0.06, 0.0, 0.04, 0.18],
}


@dataclass
class Leaving:
    """Per true customer; days are day numbers, NEVER where it doesn't happen."""

    left: Integers
    reason: Integers
    won_back: Integers
    complained: Integers
    is_served_late: Booleans
    is_contractual: Booleans
    competitor: Integers

    def gone(self) -> Booleans:
        """Left within the period (won back later or not)."""
        return np.asarray(self.left <= END)


def decide(customers: Customers, staff: Staff, seed: int) -> Leaving:
    """Draw each customer's fate: hazards rise with complaints, resigned owners and late delivery."""
    rng = stream(seed, "leaving")
    count = len(customers)
    first = np.maximum(customers.joined + 60, START + 40)
    complains = chance(rng, count, 0.08)
    complained = np.where(complains, first + rng.random(count) * np.maximum(END - 30 - first, 1), NEVER)
    complained = np.where(first < END - 60, complained, NEVER).astype(np.int64)
    late = chance(rng, count, 0.1)
    owner_left = staff.left[customers.owner]
    orphaned = (owner_left < END - 90) & (owner_left > first)
    years = np.maximum(END - first, 0) / 365.0
    by_itself = chance(rng, count, 1 - np.exp(-(0.12 + 0.08 * late) * years))
    after_complaint = (complained < NEVER) & chance(rng, count, 0.45)
    after_owner = orphaned & chance(rng, count, np.where(customers.second_owner >= 0, 0.2, 0.45))
    left = np.where(by_itself, first + rng.random(count) * np.maximum(END - first, 1), NEVER)
    left = np.where(after_owner, owner_left + rng.integers(20, 160, count), left)
    left = np.where(after_complaint, complained + rng.integers(5, 90, count), left).astype(np.int64)
    left = np.where((left < END) & (first < END - 30), left, NEVER)
    reason = draw(rng, _WEIGHTS["nothing"], count)
    reason = np.where(after_owner, draw(rng, _WEIGHTS["owner"], count), reason)
    reason = np.where(after_complaint, draw(rng, _WEIGHTS["complaint"], count), reason)
    # Deleting us on WeChat needs WeChat; who isn't there goes to a competitor.
    reason = np.where((reason == WECHAT_DELETED) & ~customers.in_wechat, COMPETITOR, reason)
    back = (left < END - 330) & (reason != BAD_DEBT) & chance(rng, count, 0.12)
    return Leaving(
        left=left,
        reason=reason,
        won_back=np.where(back, left + rng.integers(240, 320, count), NEVER),
        complained=np.where(complained < left, complained, NEVER),
        is_served_late=late,
        is_contractual=np.zeros(count, dtype=bool),
        competitor=rng.integers(0, 6, count),
    )
