"""Drawing lots over whole columns, and the accidents that happen to values.

Comes in: a seeded generator. Goes out: numpy object arrays. Accidents are functions from one value to one
value; `spoil` applies one to a share of a column only, so that a million rows stay a matter of seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.object_]
Flags = NDArray[np.bool_]
Index = NDArray[np.int64]


class Dice:
    """Columns of random things, all from one seeded generator."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def pick(self, words: Sequence[str], count: int, skew: float = 0.0) -> Column:
        """Words at random; with `skew` the first are the most frequent (weight 1 / (rank + 3) ^ skew)."""
        weights = 1.0 / np.arange(3, len(words) + 3) ** skew
        chosen = self.rng.choice(len(words), count, p=weights / weights.sum())
        return np.array(words, dtype=object)[chosen]

    def happens(self, count: int, share: Any) -> Flags:
        """True for about `share` of the rows (one number, or one per row)."""
        return np.asarray(self.rng.random(count) < share)

    def digits(self, count: int, length: int) -> Column:
        """Numbers as text, with leading zeros."""
        drawn = self.rng.integers(0, 10**length, count)
        return np.array([f"{number:0{length}d}" for number in drawn.tolist()], dtype=object)

    def some(self, eligible: Flags, share: float, multiple: int = 1) -> Index:
        """A share of the eligible rows in random order, their number a multiple of `multiple`."""
        rows = self.rng.permutation(np.flatnonzero(eligible))
        return rows[: int(len(rows) * share) // multiple * multiple]

    def spoil(self, values: Column, share: float, accident: Callable[[str, int], str]) -> None:
        """Change a share of the values in place; the accident gets the value and a random number."""
        rows = np.flatnonzero(self.happens(len(values), share) & (values != None))  # noqa: E711
        luck = self.rng.integers(0, 2**31, len(rows))
        for row, number in zip(rows.tolist(), luck.tolist(), strict=True):
            values[row] = accident(values[row], number)

    def keep(self, values: Column, share: Any) -> Column:
        """The values, empty (None) where fate says so."""
        return only(self.happens(len(values), share), values)


def only(flags: Flags, values: Column) -> Column:
    """The values where the flag is set, None elsewhere."""
    kept = values.astype(object)
    kept[~flags] = None
    return kept


def swapped(value: str, luck: int) -> str:
    """Two neighbours change places."""
    if len(value) < 3:
        return value
    at = 1 + luck % (len(value) - 2)
    return value[:at] + value[at + 1] + value[at] + value[at + 2 :]


def dropped(value: str, luck: int) -> str:
    """One sign is missing."""
    if len(value) < 3:
        return value
    at = 1 + luck % (len(value) - 1)
    return value[:at] + value[at + 1 :]


def wrong_digit(value: str, luck: int) -> str:
    """One digit is another one."""
    places = [place for place, sign in enumerate(value) if sign.isdigit()][3:]
    if not places:
        return value
    at = places[luck % len(places)]
    return value[:at] + str((int(value[at]) + 1 + luck // 100 % 9) % 10) + value[at + 1 :]


def wrong_letter(value: str, luck: int) -> str:
    """One letter is another one."""
    places = [place for place, sign in enumerate(value) if sign.isascii() and sign.isalpha()][1:]
    if not places:
        return value
    at = places[luck % len(places)]
    return value[:at] + "abcdefghijklmnoprstuvwy"[luck // 100 % 23] + value[at + 1 :]


def one_of(words: Sequence[str]) -> Callable[[str, int], str]:
    """Something else altogether stands there."""
    return lambda _, luck: words[luck % len(words)]


def full_width(value: str, luck: int) -> str:
    """Digits and letters of double width."""
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in value)
