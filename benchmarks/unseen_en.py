"""English-speaking customers in four systems and two lists.

Comes in: how many customers, a seed. Goes out: `Made`, as from `unseen_zh`. Couples of one surname share an
address and often a telephone; fathers and sons share a name, not the number; companies have sites in several
towns; people marry and take another name, move house, use Bob for Robert, sign with an initial.

The systems: `web` (people, by e-mail), `club` (loyalty cards, by telephone), `accounts` (companies with a
contact), `mailing` (initials or surname first). `invoices` has orders with a name only, `phones` calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.unseen_dice import (
    Column,
    Dice,
    Flags,
    Index,
    dropped,
    one_of,
    swapped,
    wrong_digit,
    wrong_letter,
)
from benchmarks.unseen_words_en import (
    BRAND_SOUNDS,
    FIRST,
    FORMS,
    NICKNAMES,
    NO_MAILS,
    NO_NAMES,
    NO_NUMBERS,
    PLAIN,
    SAME_FORMS,
    SECOND,
    SHORT_STREETS,
    STREETS,
    SURNAME_ENDS,
    SURNAME_STEMS,
    SURNAMES,
    TOWNS,
    TRADES,
)
from benchmarks.unseen_zh import Made


@dataclass
class World:
    """True customers, one entry each; for a company, the person is its contact."""

    is_firm: Flags
    town: Index
    given: Column
    middle: Column
    surname: Column
    later_surname: Column
    email: Column
    later_email: Column
    mobile: Column
    later_mobile: Column
    landline: Column
    address: Column
    later_address: Column
    company: Column
    form: Column
    site_of: Index


def make_en(count: int, seed: int) -> Made:
    """`count` customers with about 2 records each, 0.6 mentions."""
    dice = Dice(seed)
    world = _world(dice, count)
    made = Made()
    _web(dice, world, made)
    _club(dice, world, made)
    _accounts(dice, world, made)
    _mailing(dice, world, made)
    _lists(dice, world, made)
    return made


def _world(dice: Dice, count: int) -> World:
    is_firm = dice.happens(count, 0.35)
    given = dice.pick(tuple(NICKNAMES) + PLAIN, count, 0.4)
    surname, married = _surnames(dice, count), _surnames(dice, count)
    maiden = dice.happens(count, 0.05)
    world = World(
        is_firm=is_firm,
        town=dice.rng.integers(0, len(TOWNS), count),
        given=given,
        middle=dice.pick(tuple("ABCDEFGHJKLMNPRST"), count),
        surname=surname,
        later_surname=np.where(maiden, married, surname),
        email=_mails(dice, given, surname),
        later_email=_mails(dice, given, surname),
        mobile="07" + dice.digits(count, 9),
        later_mobile="07" + dice.digits(count, 9),
        landline=dice.digits(count, 6),
        address=dice.digits(count, 2),
        later_address=dice.digits(count, 2),
        company=_company_names(dice, count),
        form=dice.pick(FORMS, count, 1.0),
        site_of=np.full(count, -1),
    )
    sites = dice.some(is_firm, 0.12, 2)
    one, other = sites[::2], sites[1::2]
    world.company[other], world.form[other] = world.company[one], world.form[one]
    world.town[other] = (world.town[one] + 1 + other % (len(TOWNS) - 2)) % len(TOWNS)
    world.site_of[other] = one
    area = np.array([town[1] for town in TOWNS], dtype=object)[world.town]
    world.landline = np.asarray(area + " " + dice.digits(count, 7))
    world.address, world.later_address = _addresses(dice, world.town), _addresses(dice, world.town)
    _live_together(dice, world)
    return world


def _surnames(dice: Dice, count: int) -> Column:
    """Two in five from the list, frequent ones first; the others put together."""
    made = dice.pick(SURNAME_STEMS, count) + dice.pick(SURNAME_ENDS, count)
    return np.where(dice.happens(count, 0.4), dice.pick(SURNAMES, count, 0.6), made)


def _company_names(dice: Dice, count: int) -> Column:
    """Name and trade; a register gives no name twice, so a name taken gets a word in front."""
    sounds = dice.pick(BRAND_SOUNDS, count) + dice.pick(BRAND_SOUNDS, count)
    coined = np.array([word.title() for word in sounds.tolist()], dtype=object)
    words = dice.pick(FIRST, count) + " " + dice.pick(SECOND, count)
    family = _surnames(dice, count) + " & " + dice.pick(("Sons", "Co", "Partners"), count)
    names = (
        np.choose(dice.rng.integers(0, 3, count), [coined, words, family]) + " " + dice.pick(TRADES, count)
    )
    taken: set[str] = set()
    for row, name in enumerate(names.tolist()):
        while name in taken:
            name = dice.pick(BRAND_SOUNDS, 1)[0].title() + " " + name
        taken.add(name)
        names[row] = name
    return np.asarray(names)


def _mails(dice: Dice, given: Column, surname: Column) -> Column:
    name = np.array(
        [word.lower().replace("'", "").replace(" ", "") for word in (given + "." + surname).tolist()]
    )
    return np.asarray(name.astype(object) + dice.digits(len(given), 4) + "@"
                      + dice.pick(("mail.example", "post.example", "inbox.example"), len(given)))  # fmt: skip


def _addresses(dice: Dice, town: Index) -> Column:
    number = dice.rng.integers(1, 240, len(town)).astype(str).astype(object)
    names = np.array([row[0] for row in TOWNS], dtype=object)[town]
    codes = np.array([row[2] for row in TOWNS], dtype=object)[town]
    letters = dice.pick(tuple("ABDEFGHJLNPQRSTUWXYZ"), len(town)) + dice.pick(
        tuple("ABDEFGHJLNPQRSTUWXYZ"), len(town)
    )
    code = (
        codes
        + dice.rng.integers(1, 30, len(town)).astype(str).astype(object)
        + " "
        + dice.digits(len(town), 1)
        + letters
    )
    return np.asarray(number + " " + dice.pick(STREETS, len(town)) + ", " + names + " " + code)


def _live_together(dice: Dice, world: World) -> None:
    """Couples (one name, house and line; half of them one mobile), fathers and sons, shared offices."""
    people = ~world.is_firm
    pairs = dice.some(people, 0.16, 2)
    one, other = pairs[::2], pairs[1::2]
    for column in (
        world.surname,
        world.later_surname,
        world.address,
        world.later_address,
        world.landline,
        world.town,
    ):
        column[other] = column[one]
    half = len(other) // 2
    world.mobile[other[:half]] = world.mobile[one[:half]]
    sons = other[half:][::6]
    world.given[sons] = world.given[one[half:][::6]]
    offices = dice.some(world.is_firm, 0.08, 20)
    world.landline[offices] = np.repeat(world.landline[offices[::20]], 20)
    world.address[offices] = np.repeat(world.address[offices[::20]], 20)


def _members(dice: Dice, share: Any, again: float, count: int) -> Index:
    there = np.flatnonzero(dice.happens(count, share))
    return dice.rng.permutation(np.concatenate([there, there[dice.happens(len(there), again)]]))


def _people(dice: Dice, world: World, who: Index, style: str) -> Column:
    """Full names, with nicknames, initials, middle letters, surname first, titles."""
    given = world.given[who].copy()
    dice.spoil(
        given,
        0.18,
        lambda name, luck: NICKNAMES[name][luck % len(NICKNAMES[name])] if name in NICKNAMES else name,
    )
    initial = dice.happens(len(who), 0.5 if style == "letter" else 0.04)
    given = np.where(initial, np.array([name[0] + "." for name in given.tolist()], dtype=object), given)
    surname = np.where(dice.happens(len(who), 0.5), world.later_surname[who], world.surname[who])
    middle = np.where(dice.happens(len(who), 0.12), " " + world.middle[who] + ".", "")
    names = given + middle + " " + surname
    if style == "letter":
        names = np.where(dice.happens(len(who), 0.4), surname + ", " + given, names)
    names = np.where(dice.happens(len(who), 0.03), "Mr " + surname, names)
    dice.spoil(names, 0.02, wrong_letter)
    dice.spoil(names, 0.015, swapped)
    dice.spoil(names, 0.01, dropped)
    dice.spoil(names, 0.08, lambda name, luck: name.upper() if luck % 2 else name.lower())
    dice.spoil(names, 0.006, one_of(NO_NAMES))
    return np.asarray(names)


def _companies(dice: Dice, world: World, who: Index, formal: float) -> Column:
    company, form = world.company[who], world.form[who]
    town = np.array([row[0] for row in TOWNS], dtype=object)[world.town[who]]
    other = np.array([SAME_FORMS[name] for name in form.tolist()], dtype=object)
    style = np.where(dice.happens(len(who), formal), 0, dice.rng.integers(1, 6, len(who)))
    first = np.array([name.rsplit(" ", 1)[0] for name in company.tolist()], dtype=object)
    forms = [company + " " + form, company + " " + other, company, "The " + company + " " + form,
             company + " (UK) " + form, first + " " + form]  # fmt: skip
    names = np.choose(style, forms)
    names = np.where((world.site_of[who] >= 0) & dice.happens(len(who), 0.8), company + " " + town, names)
    dice.spoil(names, 0.02, wrong_letter)
    dice.spoil(names, 0.015, swapped)
    dice.spoil(names, 0.05, lambda name, luck: name.upper() if luck % 2 else name.replace("&", "and"))
    dice.spoil(names, 0.006, one_of(NO_NAMES))
    return np.asarray(names)


def _numbers(dice: Dice, now: Column, later: Column) -> Column:
    written = np.where(dice.happens(len(now), 0.08), later, now)
    dice.spoil(written, 0.015, wrong_digit)
    dice.spoil(written, 0.012, swapped)
    dice.spoil(
        written, 0.25, lambda value, luck: "+44 " + value[1:] if luck % 2 else f"({value[:5]}) {value[5:]}"
    )
    dice.spoil(
        written, 0.15, lambda value, _: f"{value[:5]} {value[5:8]} {value[8:]}" if value.isdigit() else value
    )
    dice.spoil(written, 0.008, one_of(NO_NUMBERS))
    return written


def _mail(dice: Dice, world: World, who: Index) -> Column:
    written = np.where(dice.happens(len(who), 0.1), world.later_email[who], world.email[who])
    dice.spoil(written, 0.015, wrong_letter)
    dice.spoil(written, 0.1, lambda value, _: value.title())
    dice.spoil(written, 0.006, one_of(NO_MAILS))
    return written


def _lives(dice: Dice, world: World, who: Index) -> Column:
    written = np.where(dice.happens(len(who), 0.1), world.later_address[who], world.address[who])
    for long, short in SHORT_STREETS:
        dice.spoil(written, 0.3, lambda value, _, long=long, short=short: value.replace(long, short))  # type: ignore[misc]
    dice.spoil(written, 0.1, lambda value, _: value.upper())
    dice.spoil(written, 0.1, lambda value, _: value.split(",")[0])
    return written


def _web(dice: Dice, world: World, made: Made) -> None:
    who = _members(dice, np.where(world.is_firm, 0.05, 0.65), 0.06, len(world.town))
    firm = world.is_firm[who]
    made.add(
        "customers", "web", who, firm, party_type=np.where(firm, "organisation", "person"),
        customer_name=np.where(firm, _companies(dice, world, who, 0.5), _people(dice, world, who, "web")),
        email=dice.keep(_mail(dice, world, who), 0.97), address=dice.keep(_lives(dice, world, who), 0.8),
        mobile=dice.keep(_numbers(dice, world.mobile[who], world.later_mobile[who]), 0.5),
    )  # fmt: skip


def _club(dice: Dice, world: World, made: Made) -> None:
    who = _members(dice, np.where(world.is_firm, 0.0, 0.55), 0.04, len(world.town))
    made.add(
        "customers", "club", who, world.is_firm[who], party_type="person",
        customer_name=_people(dice, world, who, "club"),
        mobile=dice.keep(_numbers(dice, world.mobile[who], world.later_mobile[who]), 0.8),
        phone=dice.keep(_numbers(dice, world.landline[who], world.landline[who]), 0.3),
        address=dice.keep(_lives(dice, world, who), 0.6), email=dice.keep(_mail(dice, world, who), 0.3),
    )  # fmt: skip


def _accounts(dice: Dice, world: World, made: Made) -> None:
    who = _members(dice, np.where(world.is_firm, 0.85, 0.0), 0.06, len(world.town))
    made.add(
        "customers", "accounts", who, world.is_firm[who], party_type="organisation",
        customer_name=_companies(dice, world, who, 0.6),
        contact_name=dice.keep(_people(dice, world, who, "club"), 0.8),
        phone=dice.keep(_numbers(dice, world.landline[who], world.landline[who]), 0.8),
        mobile=dice.keep(_numbers(dice, world.mobile[who], world.later_mobile[who]), 0.3),
        email=dice.keep(_mail(dice, world, who), 0.6), address=dice.keep(_lives(dice, world, who), 0.7),
        region=dice.keep(np.array([row[0] for row in TOWNS], dtype=object)[world.town[who]], 0.7),
    )  # fmt: skip


def _mailing(dice: Dice, world: World, made: Made) -> None:
    who = _members(dice, np.where(world.is_firm, 0.6, 0.5), 0.05, len(world.town))
    firm = world.is_firm[who]
    made.add(
        "customers", "mailing", who, firm,
        customer_name=np.where(firm, _companies(dice, world, who, 0.4), _people(dice, world, who, "letter")),
        address=dice.keep(_lives(dice, world, who), 0.95), email=dice.keep(_mail(dice, world, who), 0.4),
        phone=dice.keep(_numbers(dice, world.landline[who], world.landline[who]), 0.25),
    )  # fmt: skip


def _lists(dice: Dice, world: World, made: Made) -> None:
    who = _members(dice, np.where(world.is_firm, 0.4, 0.1), 0.3, len(world.town))
    firm = world.is_firm[who]
    names = np.where(firm, _companies(dice, world, who, 0.5), _people(dice, world, who, "letter"))
    made.add("orders", "invoices", who, firm, customer_name=names)
    who = _members(dice, 0.3, 0.3, len(world.town))
    made.add(
        "interactions", "phones", who, world.is_firm[who],
        customer_name=dice.keep(_people(dice, world, who, "club"), 0.7),
        customer_phone=_numbers(dice, world.mobile[who], world.later_mobile[who]),
    )  # fmt: skip
