"""Addresses in parts: province, city, district and the rest, as SQL macros.

Comes in: addresses as people typed them. Goes out: the macros' signatures and bodies, for
`normalise.install_macros`. Provinces and cities get their short names (江苏, 无锡); a city without its
province gets it from `places.yml`, a city within another one counts as its district. A place's name that
begins a street's (南京路, 中山北路) is no place; single characters (苏, 沪) are not guessed at.
"""

from __future__ import annotations

from functools import cache

from opencc import OpenCC

from pipelines.identity.addresses_latin import latin_address_macros
from pipelines.identity.lexicon import HAN, any_of, cities, lexicon, quoted, text_list, text_lookup

_BUILDINGS = "大厦|广场|花园|花苑|小区|新村|饭店|宾馆|酒店|站|桥"
_STREETS = f"[东南西北中一二三四五]{{0,2}}(?:大?[路街道]|大道|巷|弄|里|{_BUILDINGS})"
# No district: estate (小区), garden, campus, works … (园区, 校区, 厂区).
_NO_DISTRICT = "小园社街校厂景库地片住"


def _han_except(characters: str) -> str:
    """A class of Han characters without some; as ranges, which RE2 matches much faster than a script's."""
    bounds = [
        "一",
        *(side for one in sorted(characters) for side in (chr(ord(one) - 1), chr(ord(one) + 1))),
        "鿿",
    ]
    ranges = zip(bounds[::2], bounds[1::2], strict=True)
    return "[" + "".join(f"{first}-{last}" for first, last in ranges if first <= last) + "]"


def _district() -> str:
    """District, county, banner or city within a city."""
    kinds = "新区|开发区|高新区|工业园区|自治县|自治旗"
    return f"{HAN}{{0,6}}?(?:{kinds}|{_han_except(_NO_DISTRICT)}[区县旗]|{HAN}{HAN}市)"


@cache
def _simple_characters() -> tuple[str, str]:
    """The traditional characters of places and addresses, and the simplified ones, in the same order."""
    words = lexicon()
    known = "".join([*words["provinces"], *cities(), words["address_characters"]])
    traditional, back = OpenCC("s2t"), OpenCC("t2s")
    pairs = {traditional.convert(character): character for character in sorted(set(known))}
    pairs = {old: new for old, new in pairs.items() if old != new and back.convert(old) == new}
    return "".join(pairs), "".join(pairs.values())


def _pattern() -> str:
    """The parts in their order, each one optional; `_PARTS` names the groups."""
    words = lexicon()
    large, metropolis = any_of(_large_provinces()), any_of(words["municipalities"])
    prefectures = any_of(city for known in words["cities"].values() for city in known)
    return (
        f"^(?:({large})(?:省|(?:壮族|回族|维吾尔)?自治区)?|({metropolis})(?:市|特别行政区)?)?"
        f"(?:({prefectures})(?:(?:{HAN}{{2,8}})?自治州|地区|盟|市)?|((?:{metropolis})市?|(?:{large})市))?(?:市辖区)?"
        f"(?:({any_of(words['county_cities'])})市?|({_district()}))?(.*)$"
    )


_PARTS = ["province", "metropolis", "city", "namesake", "county", "district", "rest"]


def _large_provinces() -> list[str]:
    """Those that have cities in them."""
    words = lexicon()
    return [province for province in words["provinces"] if province not in words["municipalities"]]


def address_macros() -> dict[str, str]:
    """Signature → body of `address_parts` and its helpers."""
    old, new = _simple_characters()
    places = any_of([*lexicon()["provinces"], *cities()])
    return {
        "address_cleaned(raw)": rf"""
            regexp_replace(
                case when regexp_matches(raw, '[{old}]')
                    then translate(half_width(raw), {quoted(old)}, {quoted(new)}) else half_width(raw) end,
                '[\s,，。、;；:：''"“”·()<>]|^ *(?:[0-9]{{6}})?(?:中国|中华人民共和国)|邮编[::]?[0-9]{{6}}',
                '', 'g')""",
        # A bar before what only looks like a place: no part reaches over it.
        "address_marked(text)": rf"""
            regexp_replace(
                regexp_replace(
                    regexp_replace(text, '^[0-9]{{6}}({HAN})', '\1'),
                    '^({any_of(_large_provinces())})市', '\1\1市'),
                '((?:{places}){_STREETS}|市场|市区|市中心)', '|\1', 'g')""",
        "address_rest(text)": r"""
            nullif(regexp_replace(
                regexp_replace(replace(replace(text, '|', ''), '#', '号'), '[—–―－~～]+', '-', 'g'),
                '号+(号楼)?', '号\1', 'g'), '')""",
        "is_no_address(text)": f"""
            length(text) < 2 or replace(text, text[1], '') = '' or regexp_matches(text, '^[0-9./*?？-]*$')
                or list_contains({text_list(lexicon()["placeholder_names"])}, lower(text))""",
        **_part_macros(),
        **latin_address_macros(),
        "address_parts(raw)": rf"""
            list_transform([address_cleaned(raw)], lambda text:
                case when is_no_address(text) then null
                    when not regexp_matches(text, '{HAN}') then address_foreign(raw)
                    else list_transform(
                        [regexp_extract(address_marked(text), '{_pattern()}', {text_list(_PARTS)})],
                        lambda found: address_named(found))[1] end)[1]""",
    }


def _part_macros() -> dict[str, str]:
    """What each part is once the pattern has found the groups."""
    counties: dict[str, str] = lexicon()["county_cities"]
    by_city = {city: province for province, known in lexicon()["cities"].items() for city in known}
    by_city |= {county: by_city[city] for county, city in counties.items()}
    provinces, prefectures = text_lookup(by_city), text_lookup(counties)
    no_district = "regexp_matches(found.district, '[路街道号弄巷]')"
    return {
        # One long text instead of a map, which DuckDB searches entry by entry, ten times as slowly.
        "looked_up(words, key)": "nullif(split_part(split_part(words, '|' || key || '=', 2), '|', 1), '')",
        "address_named(found)": f"""
            struct_pack(
                province := coalesce(nullif(found.province, ''), nullif(found.metropolis, ''),
                    looked_up({provinces}, coalesce(nullif(found.city, ''), found.county)),
                    nullif(rtrim(found.namesake, '市'), '')),
                city := coalesce(nullif(found.city, ''), nullif(rtrim(found.namesake, '市'), ''),
                    looked_up({prefectures}, found.county), nullif(found.metropolis, '')),
                district := case when found.county <> '' then found.county || '市'
                    when not {no_district} then nullif(found.district, '') end,
                rest := address_rest(
                    case when {no_district} then found.district else '' end || found.rest))""",
    }
