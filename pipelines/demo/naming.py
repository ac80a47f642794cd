"""How colleagues write down a customer's name.

Comes in: customers and a style per row. Goes out: the name as written. For firms the styles are the ones
of DOMAIN section 8 (without city, without suffix, brackets in two widths, other order, nickname); for
people a title instead of the given name.
"""

from __future__ import annotations

import numpy as np

from pipelines.demo import names
from pipelines.demo.fabric import Integers, Objects, draw
from pipelines.demo.world import Customers

FULL, NO_CITY, NO_SUFFIX, CORE, BRACKET_WIDE, BRACKET_NARROW, OTHER_ORDER, NICKNAME, TITLE = range(9)
# The name each style has in the truth's list of defects; a full name and a bare core are none of them.
DEFECT_OF_STYLE = {
    NO_CITY: "firm_without_city",
    NO_SUFFIX: "firm_without_suffix",
    CORE: "firm_without_city_and_suffix",
    BRACKET_WIDE: "firm_brackets_full_width",
    BRACKET_NARROW: "firm_brackets_half_width",
    OTHER_ORDER: "firm_other_order",
    NICKNAME: "firm_nickname",
    TITLE: "title_instead_of_name",
}
_FIRM_STYLES = [NO_CITY, NO_SUFFIX, CORE, OTHER_ORDER, NICKNAME]


def styles(rng: np.random.Generator, customers: Customers, who: Integers, sloppiness: float) -> Integers:
    """A style per row: `sloppiness` is the share not written in full (fraction)."""
    count = len(who)
    firm = customers.is_firm[who]
    sloppy = rng.random(count) < sloppiness
    bracket = np.where(rng.random(count) < 0.5, BRACKET_WIDE, BRACKET_NARROW)
    style = np.where(customers.has_bracket[who] & firm, bracket, FULL)
    loose = np.array(_FIRM_STYLES)[draw(rng, [0.3, 0.25, 0.2, 0.12, 0.13], count)]
    style = np.where(sloppy & firm, loose, style)
    return np.where(sloppy & ~firm & (rng.random(count) < 0.35), TITLE, style)


def as_written(
    rng: np.random.Generator, customers: Customers, who: Integers, sloppiness: float
) -> tuple[Objects, Integers]:
    """Names in styles drawn at random, and those styles."""
    style = styles(rng, customers, who, sloppiness)
    return written(customers, who, style), style


def written(customers: Customers, who: Integers, style: Integers) -> Objects:
    """The names as written, one per row."""
    text = np.empty(len(who), dtype=object)
    firm = customers.is_firm[who]
    for code in range(9):
        rows = np.flatnonzero(firm & (style == code))
        if len(rows):
            text[rows] = _firm(customers, who[rows], code)
    people = np.flatnonzero(~firm)
    text[people] = customers.surname[who[people]] + customers.given[who[people]]
    titled = np.flatnonzero(~firm & (style == TITLE))
    text[titled] = title(customers, who[titled])
    return text


def title(customers: Customers, who: Integers) -> Objects:
    """王总, 王经理, 王小姐, 王先生: what one calls somebody whose name one hasn't asked."""
    polite = np.where(customers.is_female[who], "小姐", "先生")
    called = np.where(customers.is_firm[who], np.where(who % 3 == 0, "经理", "总"), polite)
    return np.asarray(customers.surname[who] + called)


def core(customers: Customers, who: Integers) -> Objects:
    """Brand and trade, as in 鑫源机械."""
    return np.asarray(customers.brand[who] + names.TRADES[customers.trade[who]])


def _firm(customers: Customers, who: Integers, style: int) -> Objects:
    city, brand = names.CITIES[customers.city[who]], customers.brand[who]
    trade, suffix = names.TRADES[customers.trade[who]], customers.suffix[who]
    match style:
        case 1:
            return np.asarray(brand + trade + suffix)
        case 2:
            return np.asarray(city + brand + trade)
        case 3:
            return np.asarray(brand + trade)
        case 4:
            return np.asarray(brand + trade + "（" + city + "）" + suffix)
        case 5:
            return np.asarray(brand + trade + "(" + city + ")" + suffix)
        case 6:
            return np.asarray(brand + city + trade + suffix)
        case 7:
            return np.asarray(np.where(who % 2 == 0, "", "老") + brand)
        case _:
            return np.asarray(city + brand + trade + suffix)
