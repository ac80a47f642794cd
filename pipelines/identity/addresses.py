"""Addresses in parts: province, city, district and the rest, as SQL macros.

Comes in: addresses as people typed them. Goes out: the macros' signatures and bodies, for
`normalise.install_macros`. Provinces and cities get their short names (江苏, 无锡); a city without its
province gets it from `places.yml`, a city within another one counts as its district. A place's name that
begins a street's (南京路, 中山北路) is no place; single characters (苏, 沪) are not guessed at.
"""

from __future__ import annotations

from functools import cache

from opencc import OpenCC

from pipelines.identity.lexicon import HAN, any_of, cities, lexicon, quoted, text_list, text_map

_BUILDINGS = "大厦|广场|花园|花苑|小区|新村|饭店|宾馆|酒店|站|桥"
_STREETS = f"[东南西北中一二三四五]{{0,2}}(?:大?[路街道]|大道|巷|弄|里|{_BUILDINGS})"
# District, county, banner or city within a city; no estate (小区), campus (校区) or works (厂区).
_NO_DISTRICT = "小园社街校厂景库地片住"
_DISTRICT = (
    f"{HAN}{{0,6}}?(?:新区|开发区|高新区|工业园区|自治县|自治旗|[^{_NO_DISTRICT}\\P{{Han}}][区县旗]"
    f"|{HAN}{HAN}市)"
)


@cache
def _simple_characters() -> tuple[str, str]:
    """The traditional characters of places and addresses, and the simplified ones, in the same order."""
    words = lexicon()
    known = "".join([*words["provinces"], *cities(), words["address_characters"]])
    traditional, back = OpenCC("s2t"), OpenCC("t2s")
    pairs = {traditional.convert(character): character for character in sorted(set(known))}
    pairs = {old: new for old, new in pairs.items() if old != new and back.convert(old) == new}
    return "".join(pairs), "".join(pairs.values())


@cache
def _fronts() -> dict[str, str]:
    """The pattern of each part at the front, in their order; each part may miss.

    Part by part, and without groups: all parts in one pattern with groups take a hundred times as long.
    """
    words = lexicon()
    return {
        "province": f"^(?:{any_of(_large_provinces())})(?:省|(?:壮族|回族|维吾尔)?自治区)?"
        f"|^(?:{any_of(words['municipalities'])})(?:市|特别行政区)?",
        "city": f"^(?:{_prefectures()})(?:(?:{HAN}{{2,8}})?自治州|地区|盟|市)?|^(?:{any_of(words['provinces'])})市",
        "central": "^市辖区",
        "county": f"^(?:{any_of(words['county_cities'])})市?",
        "district": f"^{_DISTRICT}",
    }


def _prefectures() -> str:
    return any_of(city for known in lexicon()["cities"].values() for city in known)


def _large_provinces() -> list[str]:
    """Those that have cities in them."""
    words = lexicon()
    return [province for province in words["provinces"] if province not in words["municipalities"]]


def address_macros() -> dict[str, str]:
    """Signature → body of `address_parts` and its helpers."""
    old, new = _simple_characters()
    places = any_of([*lexicon()["provinces"], *cities()])
    marks = f"(?:{places}){_STREETS}|市场|市区|市中心"
    return {
        "address_cleaned(raw)": rf"""
            regexp_replace(
                case when regexp_matches(raw, '[{old}]')
                    then translate(half_width(raw), {quoted(old)}, {quoted(new)}) else half_width(raw) end,
                '[\s,，。、;；:：''"“”·()<>]|^ *(?:[0-9]{{6}})?(?:中国|中华人民共和国)|邮编[::]?[0-9]{{6}}',
                '', 'g')""",
        # A bar before what only looks like a place: no part reaches over it.
        "address_marked(text)": rf"""
            list_transform([regexp_replace(text, '^[0-9]{{6}}', '')], lambda said:
                list_transform([
                    case when regexp_matches(said, '^(?:{any_of(_large_provinces())})市')
                        then regexp_extract(said, '^(?:{any_of(_large_provinces())})') || said else said end],
                    lambda whole: case when regexp_matches(whole, '{marks}')
                        then regexp_replace(whole, '({marks})', '|\1', 'g') else whole end)[1])[1]""",
        "address_rest(text)": r"""
            nullif(regexp_replace(
                regexp_replace(replace(replace(text, '|', ''), '#', '号'), '[—–―－~～]+', '-', 'g'),
                '号+(号楼)?', '号\1', 'g'), '')""",
        "is_no_address(text)": f"""
            length(text) < 2 or replace(text, text[1], '') = '' or regexp_matches(text, '^[0-9./*?？-]*$')
                or list_contains({text_list(lexicon()["placeholder_names"])}, lower(text))""",
        **_part_macros(),
        "address_parts(raw)": f"""
            list_transform([address_cleaned(raw)], lambda text:
                case when is_no_address(text) then null
                    when regexp_matches(text, '{HAN}') then address_named({_split("address_marked(text)")})
                    else address_foreign(raw) end)[1]""",
    }


def _split(text: str) -> str:
    """The parts of `text` as written, and the rest of it."""
    split = f"struct_pack(rest := {text})"
    for part, pattern in _fronts().items():
        if part == "district":  # a city's district, or a city within it
            pattern_of = f"case when said.county = '' then regexp_extract(said.rest, '{pattern}') else '' end"
        else:
            pattern_of = f"regexp_extract(said.rest, '{pattern}')"
        split = f"""
            list_transform([{split}], lambda said: struct_insert(said, {part} := {pattern_of}))[1]"""
        split = f"""
            list_transform([{split}], lambda said:
                struct_update(said, rest := said.rest[length(said.{part}) + 1:]))[1]"""
    return split


def _part_macros() -> dict[str, str]:
    """What each part is called, once it is found."""
    counties: dict[str, str] = lexicon()["county_cities"]
    by_city = {city: province for province, known in lexicon()["cities"].items() for city in known}
    by_city |= {county: by_city[city] for county, city in counties.items()}
    no_district = "regexp_matches(found.district, '[路街道号弄巷]')"
    provinces = f"{any_of(_large_provinces())}|{any_of(lexicon()['municipalities'])}"
    city_names = f"{_prefectures()}|{any_of(lexicon()['provinces'])}"
    county_names = any_of(lexicon()["county_cities"])
    municipality = f"^(?:{any_of(lexicon()['municipalities'])})"
    return {
        "address_named(found)": f"""
            list_transform([struct_pack(
                    province := nullif(regexp_extract(found.province, '^(?:{provinces})'), ''),
                    city := nullif(regexp_extract(found.city, '^(?:{city_names})'), ''),
                    county := nullif(regexp_extract(found.county, '^(?:{county_names})'), ''))], lambda named:
                struct_pack(
                    province := coalesce(
                        named.province, {text_map(by_city)}[coalesce(named.city, named.county)], named.city),
                    city := coalesce(named.city, {text_map(counties)}[named.county],
                        nullif(regexp_extract(named.province, '{municipality}'), '')),
                    district := case when named.county is not null then named.county || '市'
                        when not {no_district} then nullif(found.district, '') end,
                    rest := address_rest(
                        case when {no_district} then found.district else '' end || found.rest)))[1]""",
        "address_foreign(raw)": r"""
            struct_pack(province := null::varchar, city := null::varchar, district := null::varchar,
                rest := trim(regexp_replace(lower(half_width(raw)), '[^\p{L}\p{M}\p{N}/#-]+', ' ', 'g')))""",
    }
