"""Addresses in parts: province, city, district and the rest, as SQL macros.

Comes in: addresses as people typed them. Goes out: the macros' signatures and bodies, for
`normalise.install_macros`. Provinces and cities get their short names (江苏, 无锡), a city without its province
gets it from `places.yml`, a city within another one counts as its district. A place's name that begins a
street's (南京路, 中山北路) is no place; single characters (苏, 沪) are not guessed at.
"""

from __future__ import annotations

from functools import cache

from opencc import OpenCC

from pipelines.identity.lexicon import HAN, any_of, cities, lexicon, quoted, text_list, text_map

_STREETS = (
    "[东南西北中一二三四五]{0,2}(?:大?[路街道]|大道|巷|弄|里|大厦|广场|花园|花苑|小区|新村|饭店|宾馆|酒店|站|桥)"
)
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


def _pattern() -> str:
    """The parts in their order, each one optional."""
    words = lexicon()
    metropolis = any_of(words["municipalities"])
    provinces = any_of(words["provinces"])
    others = any_of(set(words["provinces"]) - set(words["municipalities"]))
    return (
        f"^((?:{others})(?:省|(?:壮族|回族|维吾尔)?自治区)?|(?:{metropolis})(?:市|特别行政区)?)?"
        f"((?:{any_of(word for known in words['cities'].values() for word in known)})"
        f"(?:(?:{HAN}{{2,8}})?自治州|地区|盟|市)?|(?:{provinces})市)?"
        f"(?:市辖区)?((?:{any_of(words['county_cities'])})市?|{_DISTRICT})?(.*)$"
    )


def address_macros() -> dict[str, str]:
    """Signature → body of `address_parts` and its helpers."""
    words = lexicon()
    old, new = (quoted(characters) for characters in _simple_characters())
    provinces = any_of(set(words["provinces"]) - set(words["municipalities"]))
    places = any_of([*words["provinces"], *cities()])
    by_city = {city: province for province, known in words["cities"].items() for city in known}
    counties: dict[str, str] = words["county_cities"]
    return {
        "address_cleaned(raw)": rf"""
            regexp_replace(
                case when regexp_matches(raw, '[{_simple_characters()[0]}]')
                    then translate(half_width(raw), {old}, {new}) else half_width(raw) end,
                '[\s,，。、;；:：''"“”·()<>]|^ *(?:[0-9]{{6}})?(?:中国|中华人民共和国)|邮编[::]?[0-9]{{6}}', '', 'g')""",
        # A bar before what only looks like a place: no part reaches over it.
        "address_marked(text)": rf"""
            regexp_replace(
                regexp_replace(
                    regexp_replace(text, '^[0-9]{{6}}({HAN})', '\1'),
                    '^({provinces})市', '\1\1市'),
                '((?:{places}){_STREETS}|市场|市区|市中心)', '|\1', 'g')""",
        "address_rest(text)": r"""
            nullif(regexp_replace(regexp_replace(regexp_replace(
                replace(text, '|', ''), '[—–―－~～]+', '-', 'g'), '#', '号', 'g'), '号{2,}|号(号楼)', '号', 'g'), '')""",
        "is_no_address(text)": f"""
            text = '' or length(text) < 2 or list_contains({text_list(words["placeholder_names"])}, lower(text))
                or replace(text, text[1], '') = '' or regexp_matches(text, '^[0-9./*?？-]*$')""",
        "address_named(found)": rf"""
            struct_pack(
                province := coalesce(
                    nullif(regexp_replace(found.province, '省|市$|(?:壮族|回族|维吾尔)?自治区|特别行政区', ''), ''),
                    {text_map(by_city)}[found.city],
                    {text_map({county: by_city[city] for county, city in counties.items()})}[found.county]),
                city := coalesce(
                    nullif(found.city, ''),
                    {text_map(counties)}[found.county],
                    case when list_contains({text_list(words["municipalities"])}, regexp_replace(found.province, '市$|特别行政区', ''))
                        then regexp_replace(found.province, '市$|特别行政区', '') end),
                district := case when {text_map({county: "x" for county in counties})}[found.county] is not null
                    then found.county || '市' else nullif(found.district, '') end,
                rest := address_rest(found.rest))""",
        "address_found(found)": rf"""
            struct_pack(
                province := found.province,
                city := regexp_replace(found.city, '(.)(?:{HAN}{{2,8}}自治州|地区|盟|市)$', '\1'),
                county := regexp_replace(found.district, '市$', ''),
                district := case when not regexp_matches(found.district, '[路街道号弄巷]') then found.district end,
                rest := case when regexp_matches(found.district, '[路街道号弄巷]') then found.district else '' end
                    || found.rest)""",
        "address_parts(raw)": rf"""
            list_transform([address_cleaned(raw)], lambda text:
                case when is_no_address(text) then null
                    when not regexp_matches(text, '{HAN}')
                    then struct_pack(province := null::varchar, city := null::varchar, district := null::varchar,
                        rest := trim(regexp_replace(lower(half_width(raw)), '[^\p{{L}}\p{{N}}/#-]+', ' ', 'g')))
                    else address_named(address_found(regexp_extract(
                        address_marked(text), '{_pattern()}', ['province', 'city', 'district', 'rest']))) end)[1]""",
    }
