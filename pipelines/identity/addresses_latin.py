"""Addresses that aren't Chinese: house and street, town and postcode, as SQL macros.

Comes in: addresses without a Han character, as people typed them. Goes out: signatures and bodies for
`addresses.py`; `address_foreign` is the one that it calls. The postcode stands at the end or before the
town, the town is the last part between commas, or what follows the word for the street; a county or state
behind it goes to the province. A Chinese city or province in pinyin gets its Chinese name.
"""

from __future__ import annotations

from functools import cache

from pypinyin import lazy_pinyin

from pipelines.identity.lexicon import any_of, cities, lexicon, text_list, text_lookup


@cache
def _spelt(places: tuple[str, ...]) -> dict[str, str]:
    spelt: dict[str, str] = {}
    for place in places:
        spelt.setdefault("".join(lazy_pinyin(place)), place)
    return spelt


def latin_address_macros() -> dict[str, str]:
    """Signature → body, each after those that it calls."""
    words = lexicon()
    full = {short: street for street, shorts in words["street_words"].items() for short in shorts}
    streets, compass = any_of(words["street_words"]), any_of(words["compass_words"])
    units = any_of(words["unit_words"])
    home = any_of([*words["same_name_words"], "usa"])
    countries = any_of([*words["same_name_words"], *words["country_words"]])
    regions: dict[str, str] = words["latin_regions"] | {
        name: name for name in words["latin_regions"].values()
    }
    town = _spelt((*words["municipalities"], *cities()))
    province = _spelt(tuple(name for name in words["provinces"] if name not in words["municipalities"]))
    house = r"^[0-9]+[a-z]?(?:[-/][0-9]+[a-z]?)? [^0-9]{2,}|^[^0-9]{3,} [0-9]+[a-z]?$"
    return {
        "foreign_cleaned(raw)": r"""
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        regexp_replace(lower(half_width(raw)), '[.''’`"“”()]', '', 'g'),
                        '[^\p{L}\p{M}\p{N}/#,;\n-]+', ' ', 'g'),
                    ' *[,;\n][ ,;\n]*', ',', 'g'),
                '^[ ,]+|[ ,]+$', '', 'g')""",
        "foreign_text(raw)": rf"""
            regexp_replace(
                regexp_replace(foreign_cleaned(raw), '(?:,(?:{countries})|[ ,](?:{home}))$', ''),
                '(^|,)(?:no )?([0-9]+[a-z]?),', '\1\2 ')""",
        **_codes(),
        # A flat's number goes behind the house's.
        "foreign_unit(bare)": rf"""
            regexp_extract(bare, '(?:^|,| )(?:(?:{units}) #?|#)([0-9]+[a-z]?|[a-z])(?:,| |$)', 1)""",
        "foreign_parts(bare)": rf"""
            list_filter(list_transform(
                string_split(regexp_replace(
                    bare, '(^|,| )(?:(?:{units}) #?|#)(?:[0-9]+[a-z]?|[a-z])(,| |$)', '\1\2'), ','),
                lambda part: regexp_replace(trim(part), '^no ([0-9])', '\1')), lambda part: part <> '')""",
        "street_spelt(part)": f"""
            array_to_string(list_transform(string_split(part, ' '), lambda word, place:
                case when length(word) < 6
                        and place > case when regexp_matches(part, '^[0-9]') then 2 else 1 end
                    then coalesce(looked_up({text_lookup(full)}, word), word) else word end), ' ')""",
        "foreign_towns(parts)": f"""
            list_filter(parts, lambda part: not regexp_matches(part, '[0-9]')
                and not regexp_matches(street_spelt(part), ' (?:{streets})$'))""",
        "foreign_town(towns)": f"""
            case when len(towns) > 1 and (looked_up({text_lookup(regions)}, towns[-1]) is not null
                    or looked_up({text_lookup(province)}, towns[-1]) is not null)
                then towns[-2]
                when looked_up({text_lookup(province)}, towns[-1]) is null then towns[-1] end""",
        "foreign_region(towns)": f"""
            coalesce(looked_up({text_lookup(province)}, towns[-1]),
                case when len(towns) > 1 then looked_up({text_lookup(regions)}, towns[-1]) end)""",
        "foreign_street(parts)": rf"""
            list_transform(
                [street_spelt(list_filter(parts, lambda part: regexp_matches(part, '{house}'))[1])],
                lambda street: struct_pack(whole := street, cut := regexp_extract(
                    case when not regexp_matches(street, ' (?:{streets}) (?:{compass})$') then street end,
                    '^([0-9].* (?:{streets})(?: (?:{compass}))?) ([^0-9]+)$', ['street', 'town'])))[1]""",
        "town_named(name)": f"""
            coalesce(
                looked_up({text_lookup(town)}, replace(regexp_replace(name, ' (?:city|shi)$', ''), ' ', '')),
                name)""",
        "foreign_named(coded, parts, towns, town, street)": f"""
            struct_pack(
                province := coalesce(looked_up({text_lookup(_provinces())}, town_named(town)),
                    foreign_region(towns), looked_up({text_lookup(regions)}, nullif(coded.state, ''))),
                city := town_named(coalesce(town, nullif(street.cut.town, ''))),
                district := nullif(upper(coded.code), ''),
                rest := case when not regexp_matches(coded.bare, '[0-9]') then null
                    else coalesce(nullif(street.cut.street, ''), street.whole,
                            regexp_replace(array_to_string(parts, ' '), '[,-]', ' ', 'g'))
                        || case when foreign_unit(coded.bare) <> ''
                            then ' unit ' || foreign_unit(coded.bare) else '' end end)""",
        # A macro's argument is written out wherever it is used: what is used twice is given a name first.
        "address_foreign(raw)": """
            list_transform([foreign_text(raw)], lambda text:
                list_transform([foreign_coded(text)], lambda coded:
                    list_transform([foreign_parts(coded.bare)], lambda parts:
                        list_transform([foreign_towns(parts)], lambda towns:
                            list_transform([foreign_town(towns)], lambda town:
                                list_transform([foreign_street(parts)], lambda street:
                                    foreign_named(coded, parts, towns, town, street)
                                )[1])[1])[1])[1])[1])[1]""",
    }


def _provinces() -> dict[str, str]:
    words = lexicon()
    known = {city: province for province, found in words["cities"].items() for city in found}
    return known | {city: city for city in words["municipalities"]}


def _codes() -> dict[str, str]:
    """foreign_coded: the address without its postcode, and that; a state's two letters before a ZIP code."""
    words = lexicon()
    states = any_of(short for short in words["latin_regions"] if len(short) == 2)
    streets = any_of(
        [*words["street_words"], *(s for short in words["street_words"].values() for s in short)]
    )
    british = "^(?:(.+)[ ,])?([a-z]{1,2}[0-9][a-z0-9]?) ?([0-9][a-z]{2})$"
    american = f"^(.+?[a-z])(?:[ ,]+({states}))?[ ,]+([0-9]{{5}})(?:[- ]?[0-9]{{4}})?$"
    leading = "^(.+),(?:[a-z]{1,2}-)?([0-9]{4,6}|[0-9]{3} [0-9]{2})(?: [a-z]{2})? ([^0-9,]+)$"
    trailing = "^(.+),([^0-9,]+) ([0-9a-z-]*[0-9][0-9a-z-]*(?: [0-9][0-9a-z]*)?)$"
    alone = "^(.+),([0-9]{4,7})$"

    def pieces(pattern: str, *names: str) -> str:
        return f"regexp_extract(text, '{pattern}', {text_list(names)})"

    def packed(bare: str, code: str, state: str = "''") -> str:
        return f"struct_pack(bare := {bare}, code := {code}, state := {state})"

    uk, us = pieces(british, "bare", "area", "inward"), pieces(american, "bare", "state", "code")
    before, behind = pieces(leading, "bare", "code", "town"), pieces(trailing, "bare", "town", "code")
    last = pieces(alone, "bare", "code")
    street = f"(?:^|[ ,])(?:{streets})"
    return {
        "foreign_coded(text)": f"""
            case when regexp_matches(text, '{british}')
                then {packed(f"rtrim({uk}.bare, ', ')", f"{uk}.area || ' ' || {uk}.inward")}
                when regexp_matches(text, '{american}')
                then {packed(f"{us}.bare", f"{us}.code", f"{us}.state")}
                when regexp_matches(text, '{leading}') and not regexp_matches(text, '{street}$')
                then {packed(f"{before}.bare || ',' || {before}.town", f"{before}.code")}
                when regexp_matches(text, '{trailing}') and not regexp_matches({behind}.town, '{street}$')
                then {packed(f"{behind}.bare || ',' || {behind}.town", f"{behind}.code")}
                when regexp_matches(text, '{alone}')
                then {packed(f"{last}.bare", f"{last}.code")}
                else {packed("text", "''")} end""",
    }
