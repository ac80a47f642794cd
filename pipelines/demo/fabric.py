"""Small vectorised tools for making text and tables out of numbers.

Comes in: integer arrays (days and seconds since 1970-01-01 in local time, money in cents, digits).
Goes out: numpy object arrays of `str`. Text is looked up in ready-made vocabularies and added, so a
million values cost a few C loops and share their parts in memory.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Objects = NDArray[np.object_]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

_EPOCH = date(1970, 1, 1)
_DAY_TABLE_FROM = (date(1999, 1, 1) - _EPOCH).days
_DAY_TABLE_TO = (date(2070, 1, 1) - _EPOCH).days
DAY_SECONDS = 86_400


def vocabulary(words: Sequence[Any]) -> Objects:
    """The words (or a string's characters) as an object array, ready to be indexed by numbers."""
    array = np.empty(len(words), dtype=object)
    array[:] = list(words)
    return array


def constant(word: str | None, count: int) -> Objects:
    """`count` times the same word."""
    return np.full(count, word, dtype=object)


def day(year: int, month: int, day_of_month: int) -> int:
    """A calendar day as days since 1970-01-01."""
    return (date(year, month, day_of_month) - _EPOCH).days


def as_date(days: int) -> date:
    """The calendar day of a day number."""
    return _EPOCH + timedelta(days=int(days))


def stream(seed: int, name: str) -> np.random.Generator:
    """A random generator of its own for each named purpose: changing one part leaves the others alone."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(name.encode())])))


@cache
def _padded(width: int) -> Objects:
    return vocabulary([f"{number:0{width}d}" for number in range(10**width)])


@cache
def _day_words() -> Objects:
    return vocabulary([as_date(number).isoformat() for number in range(_DAY_TABLE_FROM, _DAY_TABLE_TO)])


@cache
def _clock_words() -> Objects:
    return vocabulary([f" {s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(DAY_SECONDS)])


def numbers(values: NDArray[Any], width: int) -> Objects:
    """Whole numbers as text, padded with zeros to `width` digits."""
    whole = np.asarray(values, dtype=np.int64)
    text = _padded(min(width, 4))[whole % 10 ** min(width, 4)]
    rest, left = whole // 10**4, width - 4
    while left > 0:
        step = min(left, 4)
        text = _padded(step)[rest % 10**step] + text
        rest, left = rest // 10**step, left - step
    return np.asarray(text)


def texts(values: NDArray[Any]) -> Objects:
    """Whole numbers as text, without padding."""
    return vocabulary(list(map(str, np.asarray(values).tolist())))


def day_text(days: NDArray[Any]) -> Objects:
    """Day numbers as YYYY-MM-DD."""
    return _day_words()[np.asarray(days, dtype=np.int64) - _DAY_TABLE_FROM]


def moment_text(seconds: NDArray[Any]) -> Objects:
    """Local seconds since 1970-01-01 as YYYY-MM-DD HH:MM:SS."""
    whole = np.asarray(seconds, dtype=np.int64)
    return np.asarray(day_text(whole // DAY_SECONDS) + _clock_words()[whole % DAY_SECONDS])


def office_hours(rng: np.random.Generator, days: NDArray[Any]) -> Integers:
    """A moment between 08:30 and 19:30 of each day, in local seconds since 1970-01-01."""
    clock = rng.integers(8 * 3600 + 1800, 19 * 3600 + 1800, len(days))
    return np.asarray(days, dtype=np.int64) * DAY_SECONDS + clock


def yuan(cents: NDArray[Any]) -> Floats:
    """Cents as yuan; two decimals survive the float exactly enough for any text or decimal column."""
    return np.round(np.asarray(cents) / 100.0, 2)


def money_text(cents: NDArray[Any]) -> Objects:
    """Cents (not negative) as text in yuan with two decimals."""
    whole = np.asarray(cents, dtype=np.int64)
    return np.asarray(texts(whole // 100) + "." + _padded(2)[whole % 100])


def net_of_tax(cents: NDArray[Any], rate: NDArray[Any] | float) -> Integers:
    """The amount without tax of an amount with tax; `rate` as a fraction."""
    return np.rint(np.asarray(cents) / (1.0 + np.asarray(rate))).astype(np.int64)


def runs(counts: NDArray[Any]) -> tuple[Integers, Integers]:
    """Row expansion: for each of `counts[i]` rows the index i, and the position 0… within i."""
    sizes = np.asarray(counts, dtype=np.int64)
    owner = np.repeat(np.arange(len(sizes)), sizes)
    firsts = np.cumsum(sizes) - sizes
    return owner, np.arange(len(owner)) - np.repeat(firsts, sizes)


def optional(is_present: NDArray[Any], values: NDArray[Any] | str) -> Objects:
    """The values where present, None elsewhere."""
    column = np.full(len(is_present), None, dtype=object)
    rows = np.flatnonzero(is_present)
    column[rows] = values if isinstance(values, str) else values[rows]
    return column


def chance(rng: np.random.Generator, count: int, probability: NDArray[Any] | float) -> Booleans:
    """True with the given probability (one for all, or one each)."""
    return np.asarray(rng.random(count) < probability)


def draw(rng: np.random.Generator, weights: NDArray[Any] | Sequence[float], count: int) -> Integers:
    """Indices drawn with the given weights (need not add up to 1)."""
    edges = np.cumsum(np.asarray(weights, dtype=float))
    return np.asarray(np.searchsorted(edges, rng.random(count) * edges[-1], side="right"), dtype=np.int64)


def some(rng: np.random.Generator, eligible: Booleans, share: float, at_least: int = 3) -> Integers:
    """Sorted indices of a random choice among the eligible: `share` of them, but `at_least` a few."""
    candidates = np.flatnonzero(eligible)
    size = min(len(candidates), max(at_least, round(len(candidates) * share)))
    return np.sort(rng.choice(candidates, size=size, replace=False)) if size else candidates
