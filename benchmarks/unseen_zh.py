"""A Chinese company's customers in four systems and two lists, unlike the demo company in words and faults.

Comes in: how many customers, a seed. Goes out: `Made`: rows of customers, orders and calls with the truth.
Truths that matter: branches, twins (one core in two towns), relatives with one phone, and the private card
of a firm's buyer are customers of their own. Names, towns, brands and numbers are put together at random.

The systems: `dealers` (firms, formal names, codes), `shop` (people and buyers, mini-program), `desk` (as
heard on the telephone), `fair` (visiting cards, some in pinyin or traditional). `book` has orders with
nothing but a name, `hotline` calls with a number and a name as heard.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import opencc
import pypinyin

from benchmarks.unseen_dice import (
    Column,
    Dice,
    Flags,
    Index,
    dropped,
    full_width,
    one_of,
    only,
    swapped,
    wrong_digit,
    wrong_letter,
)
from benchmarks.unseen_words_zh import (
    BRANDS,
    DISTRICTS,
    FORMS,
    GIVEN,
    NO_NAMES,
    NO_NUMBERS,
    ROADS,
    SOUNDS_ALIKE,
    SURNAMES,
    TITLES_F,
    TITLES_M,
    TOWNS,
    TRADES,
)

_CODE = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CODE_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_TRADITIONAL = opencc.OpenCC("s2t")


@dataclass
class Made:
    """Rows by entity (customers, orders, interactions), each with `truth` and `kind` beside its columns."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, entity: str, system: str, truth: Index, is_firm: Flags, **columns: Any) -> None:
        """Add one system's rows; the ids are numbers in the order given."""
        ids = np.array([f"{system[0].upper()}{number}" for number in range(1, len(truth) + 1)], dtype=object)
        about = {
            "system": system,
            "source_table": entity,
            "source_id": ids,
            "truth": truth,
            "is_firm": is_firm,
        }
        self.rows.setdefault(entity, []).append(about | columns)


@dataclass
class World:
    """True customers, one entry each; for a firm, surname, given and mobile are its contact's."""

    is_firm: Flags
    town: Index
    surname: Column
    given: Column
    is_woman: Flags
    mobile: Column
    old_mobile: Column
    landline: Column
    email: Column
    wechat: Column
    code: Column
    brand: Column
    trade: Column
    form: Column
    branch_of: Index
    branch_word: Column
    address: Column
    with_city_word: Flags


def make_zh(count: int, seed: int) -> Made:
    """`count` customers with about 2.2 records each, 0.7 mentions."""
    dice = Dice(seed)
    world = _world(dice, count)
    made = Made()
    _dealers(dice, world, made)
    _shop(dice, world, made)
    _desk(dice, world, made)
    _fair(dice, world, made)
    _lists(dice, world, made)
    return made


def _world(dice: Dice, count: int) -> World:
    is_firm = dice.happens(count, 0.42)
    town = dice.rng.integers(0, len(TOWNS), count)
    surname = dice.pick(SURNAMES, count, 0.9)
    given = dice.pick(tuple(GIVEN), count) + np.where(
        dice.happens(count, 0.8), dice.pick(tuple(GIVEN), count), ""
    )
    empty: Column = np.full(count, None, dtype=object)
    spelled = _pinyin(surname) + _pinyin(given)
    number = np.arange(count).astype(str).astype(object)
    world = World(
        is_firm=is_firm,
        town=town,
        surname=surname,
        given=given,
        is_woman=dice.happens(count, 0.5),
        mobile=_mobiles(dice, count),
        old_mobile=_mobiles(dice, count),
        landline=empty.copy(),
        email=spelled + number + "@" + dice.pick(("mail.example", "post.example", "inbox.example"), count),
        wechat=np.where(dice.happens(count, 0.6), "wxid_" + dice.digits(count, 10), spelled + "_" + number),
        code=empty.copy(),
        brand=dice.pick(tuple(BRANDS), count) + dice.pick(tuple(BRANDS), count)
        + np.where(dice.happens(count, 0.3), dice.pick(tuple(BRANDS), count), ""),
        trade=dice.pick(TRADES, count),
        form=dice.pick(FORMS, count, 1.2),
        branch_of=np.full(count, -1),
        branch_word=dice.pick(("分公司", "营业部", "办事处"), count),
        address=empty.copy(),
        with_city_word=dice.happens(count, 0.5),
    )  # fmt: skip
    _make_twins(dice, world)
    area, place = _of_town(world, np.arange(count), 2), _of_town(world, np.arange(count), 1)
    world.landline = np.asarray(area + "-" + dice.digits(count, 8))
    world.code = only(is_firm, _codes(dice, town))
    streets = dice.pick(DISTRICTS, count) + dice.pick(ROADS, count) + dice.digits(count, 3)
    world.address = np.asarray(place + "市" + streets + "号")
    _share(dice, world)
    return world


def _of_town(world: World, who: Index, what: int) -> Column:
    """Province (0), city (1), area code (2) of customers."""
    return np.array([row[what] for row in TOWNS], dtype=object)[world.town[who]]


def _make_twins(dice: Dice, world: World) -> None:
    """Firms of one name in two towns; half of them are branches of the other."""
    heads = dice.some(world.is_firm, 0.12, 2)
    one, other = heads[::2], heads[1::2]
    for column in (world.brand, world.trade, world.form):
        column[other] = column[one]
    world.town[other] = (world.town[one] + 1 + other % (len(TOWNS) - 2)) % len(TOWNS)
    world.branch_of[other[::2]] = one[::2]


def _share(dice: Dice, world: World) -> None:
    """Relatives with one mobile, buyers with a private card, switchboards, agents' numbers."""
    people, firms = ~world.is_firm, world.is_firm
    pairs = dice.some(people, 0.08, 2)
    one, other = pairs[::2], pairs[1::2]
    world.mobile[other], world.address[other], world.town[other] = (
        world.mobile[one], world.address[one], world.town[one],
    )  # fmt: skip
    related = other[: len(other) // 2]
    world.surname[related] = world.surname[one[: len(other) // 2]]
    taken = np.zeros(len(people), dtype=bool)
    taken[pairs] = True
    buyers = dice.some(people & ~taken, 0.06)
    employers = dice.some(firms, 1.0)[: len(buyers)]
    buyers = buyers[: len(employers)]
    for column in (world.surname, world.given, world.mobile, world.wechat, world.is_woman):
        column[buyers] = column[employers]
    branches = np.flatnonzero(world.branch_of >= 0)
    parents = world.branch_of[branches]
    same_line = dice.happens(len(branches), 0.5)
    world.landline[branches[same_line]] = world.landline[parents[same_line]]
    for share, crowd, column in ((0.1, 30, world.landline), (0.03, 8, world.mobile)):
        sharing = dice.some(firms, share, crowd)
        column[sharing] = np.repeat(column[sharing[::crowd]], crowd)


def _mobiles(dice: Dice, count: int) -> Column:
    heads = ("134", "137", "139", "147", "150", "158", "170", "175", "185", "188", "193")
    return np.asarray(dice.pick(heads, count) + dice.digits(count, 8))


def _codes(dice: Dice, town: Index) -> Column:
    """Unified social credit codes with right check digits (GB 11714, GB 32100-2015)."""
    place = np.array([[_CODE.index(sign) for sign in "91" + row[3]] for row in TOWNS])[town]
    body = dice.rng.integers(0, 10, (len(town), 8))
    rest = 11 - body @ np.array(_ORGANISATION_WEIGHTS) % 11
    check = np.where(rest == 10, _CODE.index("X"), rest % 11)
    signs = np.column_stack([place, body, check])
    signs = np.column_stack([signs, (31 - signs @ np.array(_CODE_WEIGHTS) % 31) % 31])
    letters = np.array([ord(sign) for sign in _CODE], dtype=np.uint32)[signs]
    return np.asarray(np.ascontiguousarray(letters).view("U18").ravel().astype(object))


def _pinyin(words: Column) -> Column:
    spelled = {word: "".join(pypinyin.lazy_pinyin(word)) for word in set(words.tolist())}
    return np.array([spelled[word] for word in words.tolist()], dtype=object)


def _members(dice: Dice, share: Any, again: float, count: int) -> Index:
    """Who is in a system, some twice, in random order."""
    there = np.flatnonzero(dice.happens(count, share))
    return dice.rng.permutation(np.concatenate([there, there[dice.happens(len(there), again)]]))


def _firm_names(dice: Dice, world: World, who: Index, formal: float) -> Column:
    """Registered name, or one of the ways in which people shorten and turn it."""
    city, province = _of_town(world, who, 1), _of_town(world, who, 0)
    brand, trade, form = world.brand[who], world.trade[who], world.form[who]
    placed = city + np.where(world.with_city_word[who], "市", "")
    style = np.where(dice.happens(len(who), formal), 0, dice.rng.integers(1, 9, len(who)))
    forms = [
        placed + brand + trade + form, brand + trade + form, city + brand + trade, brand + trade,
        brand + "（" + city + "）" + trade + form, brand + trade + "(" + city + ")" + form,
        province + placed + brand + trade + form, brand + trade + "公司", city + brand,
    ]  # fmt: skip
    names = np.choose(style, forms)
    parent = world.branch_of[who]
    is_branch = parent >= 0
    home = _of_town(world, np.maximum(parent, 0), 1)
    long = home + brand + trade + form + city + world.branch_word[who]
    short = brand + trade + city + world.branch_word[who]
    return np.where(is_branch, np.where(style == 0, long, short), names)


def _called(dice: Dice, world: World, who: Index, title: float, latin: float, traditional: float) -> Column:
    """A person's name as written: in full, surname with a title, pinyin, or traditional."""
    surname, given = world.surname[who], world.given[who]
    names = surname + given
    titles = np.where(world.is_woman[who], dice.pick(TITLES_F, len(who)), dice.pick(TITLES_M, len(who)))
    titled = np.where(dice.happens(len(who), 0.15), "小" + surname, surname + titles)
    names = np.where(dice.happens(len(who), title), titled, names)
    rows = np.flatnonzero(dice.happens(len(who), latin))
    one, other = _pinyin(surname[rows]), _pinyin(given[rows])
    order = dice.rng.integers(0, 3, len(rows))
    names[rows] = [
        (f"{x.title()} {y.title()}", f"{y.title()} {x.title()}", f"{x.upper()} {y.title()}")[turn]
        for x, y, turn in zip(one.tolist(), other.tolist(), order.tolist(), strict=True)
    ]
    dice.spoil(names, traditional, lambda name, _: _TRADITIONAL.convert(name))
    return np.asarray(names)


def _phones(dice: Dice, numbers: Column, old: Column) -> Column:
    """Numbers as they come: some are out of date, some mistyped, some written in another way."""
    written = np.where(dice.happens(len(numbers), 0.06), old, numbers)
    dice.spoil(written, 0.015, wrong_digit)
    dice.spoil(written, 0.012, swapped)
    dice.spoil(written, 0.004, dropped)
    dice.spoil(written, 0.03, lambda value, luck: ("+86 ", "86", "0086-", "(+86)")[luck % 4] + value)
    dice.spoil(written, 0.03, lambda value, _: f"{value[:3]} {value[3:7]} {value[7:]}")
    dice.spoil(written, 0.01, full_width)
    dice.spoil(written, 0.008, one_of(NO_NUMBERS))
    return written


def _misspell(dice: Dice, names: Column, share: float) -> None:
    dice.spoil(names, share, _other_sign)
    dice.spoil(names, share / 3, dropped)
    dice.spoil(names, share / 4, swapped)
    dice.spoil(names, share / 4, lambda name, _: " ".join(name) if len(name) < 4 else name + " ")
    dice.spoil(names, 0.006, one_of(NO_NAMES))


def _other_sign(name: str, luck: int) -> str:
    places = [place for place, sign in enumerate(name) if sign in SOUNDS_ALIKE]
    if not places:
        return name
    at = places[luck % len(places)]
    return name[:at] + SOUNDS_ALIKE[name[at]] + name[at + 1 :]


def _dealers(dice: Dice, world: World, made: Made) -> None:
    who = _members(dice, np.where(world.is_firm, 0.75, 0.0), 0.04, len(world.town))
    names = _firm_names(dice, world, who, 0.7)
    _misspell(dice, names, 0.02)
    code = dice.keep(world.code[who], 0.7)
    dice.spoil(code, 0.02, wrong_digit)
    dice.spoil(code, 0.06, lambda value, _: value[2:17])
    dice.spoil(code, 0.01, one_of(("000000000000000000", "无", "123456789012345678")))
    region = _of_town(world, who, 0) + _of_town(world, who, 1)
    made.add(
        "customers", "dealers", who, world.is_firm[who], party_type="organisation", customer_name=names,
        contact_name=dice.keep(_called(dice, world, who, 0.3, 0.0, 0.02), 0.7),
        mobile=dice.keep(_phones(dice, world.mobile[who], world.old_mobile[who]), 0.55),
        phone=dice.keep(_phones(dice, world.landline[who], world.landline[who]), 0.65),
        email=dice.keep(world.email[who], 0.25), credit_code=code,
        region=dice.keep(region, 0.8), address=dice.keep(world.address[who], 0.6),
    )  # fmt: skip


def _shop(dice: Dice, world: World, made: Made) -> None:
    who = _members(dice, np.where(world.is_firm, 0.0, 0.8), 0.05, len(world.town))
    names = _called(dice, world, who, 0.12, 0.03, 0.01)
    _misspell(dice, names, 0.02)
    made.add(
        "customers", "shop", who, world.is_firm[who], party_type="person", customer_name=names,
        mobile=dice.keep(_phones(dice, world.mobile[who], world.old_mobile[who]), 0.93),
        email=dice.keep(world.email[who], 0.2), wechat_id=dice.keep(world.wechat[who], 0.4),
        address=dice.keep(world.address[who], 0.75),
    )  # fmt: skip


def _desk(dice: Dice, world: World, made: Made) -> None:
    who = _members(dice, np.where(world.is_firm, 0.5, 0.5), 0.08, len(world.town))
    firm = world.is_firm[who]
    names = np.where(firm, _firm_names(dice, world, who, 0.25), _called(dice, world, who, 0.3, 0.0, 0.0))
    _misspell(dice, names, 0.04)
    made.add(
        "customers", "desk", who, firm, customer_name=names,
        contact_name=only(firm, dice.keep(_called(dice, world, who, 0.6, 0.0, 0.0), 0.6)),
        mobile=dice.keep(_phones(dice, world.mobile[who], world.old_mobile[who]), 0.8),
        phone=only(firm, dice.keep(world.landline[who], 0.3)),
        wechat_id=dice.keep(world.wechat[who], 0.15), region=dice.keep(_of_town(world, who, 1), 0.4),
        address=dice.keep(world.address[who], 0.4),
    )  # fmt: skip


def _fair(dice: Dice, world: World, made: Made) -> None:
    who = _members(dice, np.where(world.is_firm, 0.45, 0.15), 0.03, len(world.town))
    firm = world.is_firm[who]
    names = np.where(firm, _firm_names(dice, world, who, 0.5), _called(dice, world, who, 0.03, 0.2, 0.15))
    dice.spoil(names, 0.12, lambda name, _: _TRADITIONAL.convert(name))
    _misspell(dice, names, 0.02)
    email = dice.keep(world.email[who], 0.7)
    dice.spoil(email, 0.02, wrong_letter)
    made.add(
        "customers", "fair", who, firm, party_type=np.where(firm, "organisation", "person"),
        customer_name=names,
        contact_name=only(firm, _called(dice, world, who, 0.05, 0.3, 0.15)),
        mobile=dice.keep(_phones(dice, world.mobile[who], world.old_mobile[who]), 0.7), email=email,
        phone=only(firm, dice.keep(world.landline[who], 0.4)),
        region=dice.keep(_of_town(world, who, 0), 0.5),
    )  # fmt: skip


def _lists(dice: Dice, world: World, made: Made) -> None:
    who = _members(dice, np.where(world.is_firm, 0.4, 0.2), 0.3, len(world.town))
    firm = world.is_firm[who]
    names = np.where(firm, _firm_names(dice, world, who, 0.4), _called(dice, world, who, 0.05, 0.0, 0.0))
    _misspell(dice, names, 0.02)
    made.add("orders", "book", who, firm, customer_name=names)
    who = _members(dice, 0.35, 0.3, len(world.town))
    heard = _called(dice, world, who, 0.7, 0.0, 0.0)
    numbers = _phones(dice, world.mobile[who], world.old_mobile[who])
    made.add(
        "interactions", "hotline", who, world.is_firm[who], customer_phone=dice.keep(numbers, 0.95),
        customer_name=dice.keep(heard, 0.9),
    )  # fmt: skip
