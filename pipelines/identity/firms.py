"""A firm's name in parts: place, brand, trade, legal form, branch, in whatever order they were written.

Comes in: the TEMP table `typed_names` of `names.py`. Goes out: a query with one row per organisation's name.
What an office or branch is called is taken off first, so that the rest is its head firm's name; then notes in
brackets, the legal form at the end, and the place: in front, in brackets, after the brand or after the trade.
A district stays in the registered key, where it is part of the name, and leaves the core.
"""

from __future__ import annotations

from functools import cache

from pypinyin import lazy_pinyin

from pipelines.identity.lexicon import HAN, any_of, cities, lexicon, text_list, text_lookup, text_map


@cache
def firms() -> str:
    """raw, given_type and the columns of organisations that `names.parse_names` promises."""
    return f"""
        with parts as ({_chinese()} union all {_latin()}),
        keyed as (
            select *,
                case when length(full_core) > 1 then
                    case when legal_form <> ''
                        then coalesce(place, '') || '|' || full_core || '|' || legal_form
                        when not has_han and length(flat) >= 5 and branch is null then '|' || flat || '|' end
                end as own_key
            from parts)
        select raw, given_type, name_normalised, core_name, place, branch,
            coalesce(nullif(split.brand, ''), core_name) as brand, nullif(trim(split.trade), '') as trade,
            case when branch is null then own_key else '|' || name_normalised || '|' end as firm_key,
            case when branch is not null then own_key end as head_key,
            list_sort(list_distinct(list_filter(
                [core_name, nullif(split.brand, ''), alias, case when has_han then place || core_name end,
                    case when has_han then place || nullif(split.brand, '') end],
                lambda form: length(form) > 1))) as short_forms
        from (
            select *, case when has_han
                then regexp_extract(core_name, '{_trade_end()}', ['brand', 'trade'])
                else regexp_extract(core_name, '{_latin_trade_end()}', ['brand', 'trade']) end as split
            from keyed)"""


def _trade_end() -> str:
    return rf"^(.{{2,}}?)((?:{any_of(lexicon()['trade_words'])})+)$"


def _latin_trade_end() -> str:
    words = [*lexicon()["latin_trade_words"], *lexicon()["trade_joiners"]]
    return rf"^(.{{2,}}?)((?: (?:{any_of(words)}))+)$"


def _placed_words(words: list[str]) -> str:
    return any_of([*words, *cities()])


def _chinese() -> str:
    """headed → bracketed → named → placed → core, place and legal form."""
    words = lexicon()
    towns = any_of([*words["municipalities"], *cities()])
    inner = rf"^({HAN}{{0,4}}[a-z0-9]+|.{{2,4}}?)({towns})市?(.{{2,}})$"
    after = rf"^(.{{2,}}(?:{any_of(words['trade_words'])}))({towns})$"

    def bare(name: str) -> str:
        return rf"""case when has_inner then regexp_replace({name}, '{inner}', '\1\3')
                when has_after then regexp_replace({name}, '{after}', '\1') else {name} end"""

    return rf"""
        select raw, given_type, has_han, flat, branch, alias,
            nullif(regexp_replace(flat, '[()]', '', 'g'), '') as name_normalised,
            case when regexp_matches(front, '^老{HAN}{{2,3}}$') then front[2:]
                else {bare("front")} end as core_name,
            {bare("full_front")} as full_core,
            coalesce({text_map(words["legal_suffixes"])}[suffix], '') as legal_form,
            coalesce(nullif(place_in_brackets, ''), nullif(place_in_front, ''),
                case when has_inner then regexp_extract(front, '{inner}', 2)
                    when has_after then regexp_extract(front, '{after}', 2) end) as place
        from (
            select *, is_open and suffix <> '' and regexp_matches(front, '{inner}') as has_inner,
                is_open and regexp_matches(front, '{after}') as has_after
            from (select *, place_in_front = '' and place_in_brackets = '' as is_open from ({_placed()})))"""


def _placed() -> str:
    """Lift legal form and the place in front (province, city, district) out of the head firm's name."""
    words = lexicon()
    legal = any_of(words["legal_suffixes"])
    place = rf"((?:{any_of(words['provinces'])})[省市]?)?((?:{any_of(cities())})[市县]?)?"
    front = rf"^{place}((?:新区|开发区|高新区|经开区|{HAN}{{1,3}}?[^小园校厂特社地][区县])?(.{{2,}}))$"
    full = rf"^{place}(.{{2,}})$"
    return rf"""
        select *,
            case when lifts
                then regexp_replace(coalesce(nullif(lifted.city, ''), lifted.province), '[省市县]$', '')
                else '' end as place_in_front,
            case when not lifts then named
                when lifted.city || lifted.province <> '' then lifted.core else lifted.rest end as front,
            case when lifts then regexp_replace(full_named, '{full}', '\3') else full_named end as full_front
        from (
            select *, not list_contains({text_list(words["organisation_words"])}, lifted.rest) as lifts
            from (
                select *, regexp_extract(named, '{front}', ['province', 'city', 'rest', 'core']) as lifted
                from (
                    select *, regexp_extract(body, '(?:{legal})$') as suffix,
                        regexp_replace(body, '(.{{2,}}?)(?:{legal})$', '\1') as named,
                        regexp_replace(full_body, '(.{{2,}}?)(?:{legal})$', '\1') as full_named
                    from ({_bodies()}))))"""


def _bodies() -> str:
    """The head firm's name without brackets, and what stands in them: a place, a note, another name."""
    words = lexicon()
    places = _placed_words(words["provinces"])
    notes, kinds = any_of(words["bracketed_alias_words"]), any_of(words["bracketed_kinds"])
    return rf"""
        select *, regexp_extract(head, '\(({places})[省市]?\)', 1) as place_in_brackets,
            nullif(regexp_extract(noted, '\((?:{notes})({HAN}{{2,}})\)', 1), '') as alias,
            regexp_replace(head, '\([^()]*\)|[()]', '', 'g') as body,
            regexp_replace(head, '\((?:{places})[省市]?\)|[()]', '', 'g') as full_body
        from (
            select * exclude (head), head as noted,
                regexp_replace(
                    regexp_replace(head, '\((?:(?:{notes}){HAN}{{2,}}|{kinds})\)', '', 'g'),
                    '\(({any_of(words["bracketed_name_words"])})\)', '\1', 'g') as head
            from ({_heads()}))"""


def _heads() -> str:
    """head: the name of the firm that an office or branch belongs to, else all of it; branch: the rest."""
    words = lexicon()
    every, alone = any_of(words["branch_words"]), any_of(words["branch_words_alone"])
    place = rf"(?:{_placed_words([*words['provinces'], *words['regions']])})[省市]?"
    number = "(?:第?[一二三四五六七八九十]{1,2})?"
    own = any_of(words["branch_words_after_company"])
    ways = [
        rf"^(.*公司[)]?)[(]?({HAN}{{1,10}}(?:{own}))[)]?$",
        rf"^(.*(?:{any_of(words['heads_of_branches'])})[)]?)[(]?({HAN}{{0,8}}[(]?(?:{every}))[)]?$",
        rf"^(.{{2,}}?)[(]?((?:{place}){{1,2}}(?:{HAN}{{0,3}}[区县路镇])?{number}[(]?(?:{every}))[)]?$",
        rf"^(.{{2,}}(?:{any_of(words['trade_words'])}))[(]?({HAN}{{0,4}}[(]?(?:{every}))[)]?$",
        rf"^(.{{3,}}?)[(]?((?:总|{number})(?:{alone}))[)]?$",
    ]
    tries = ", ".join(
        f"nullif(regexp_extract(flat, '{way}', ['head', 'branch']), {_NOTHING})" for way in ways
    )
    return rf"""
        select raw, given_type, has_han, flat, coalesce(found.head, flat) as head,
            replace(found.branch, '(', '') as branch
        from (
            select *,
                case when regexp_matches(flat, '(?:{every}|{own})[)]?$')
                    and not regexp_matches(flat, '(?:{any_of(words["not_branches"])})$')
                then coalesce({tries}) end as found
            from typed_names
            where party_type = 'organisation' and has_han and not is_placeholder)"""


_NOTHING = "{'head': '', 'branch': ''}"


@cache
def _spelt_cities() -> dict[str, str]:
    """City in pinyin → city; of two that are spelt alike the first."""
    spelt: dict[str, str] = {}
    for city in [*lexicon()["municipalities"], *cities()]:
        spelt.setdefault("".join(lazy_pinyin(city)), city)
    return spelt


def _latin() -> str:
    """The same for Latin names; the place is a city in pinyin, the branch follows one or the legal form."""
    words = lexicon()
    legal, spelt = any_of(words["latin_suffixes"]), any_of(_spelt_cities())
    offices = any_of(words["latin_branch_words"])
    trades = any_of([*words["latin_trade_words"], *words["trade_joiners"]])
    groups = any_of(words["bracketed_group_words"])
    home, abroad = any_of(words["same_name_words"]), any_of(words["country_words"])
    where = text_lookup(_spelt_cities())
    return rf"""
        select raw, given_type, has_han, flat, branch, null as alias, flat as name_normalised,
            core_name, coalesce(nullif(in_front.core, ''), nullif(behind.core, ''), full_named)
                || case when regexp_matches(noted, '^(?:{groups})$')
                    then ' ' || noted else '' end as full_core,
            coalesce({text_map(words["latin_suffixes"])}[suffix], '') as legal_form,
            looked_up({where}, coalesce(nullif(in_front.city, ''), nullif(behind.city, ''))) as place
        from (
            select *, coalesce(nullif(in_front.core, ''), nullif(behind.core, ''), named) as core_name
            from (
                select *,
                    case when not regexp_matches(named, '^[^ ]+ (?:{trades})$')
                        then regexp_extract(named, '^({spelt}) (.+)$', ['city', 'core']) end as in_front,
                    regexp_extract(named, '^(.+) ({spelt})$', ['core', 'city']) as behind
                from (
                    select *, trim(regexp_extract(head, ' (?:{legal})$')) as suffix,
                        regexp_replace(
                            regexp_replace(
                                regexp_replace(head, '^the (.{{2,}})$', '\1'), '(?: (?:{legal}))+$', ''),
                            '^(.{{2,}}?)(?: (?:{home}))+$', '\1') as full_named,
                        regexp_replace(full_named, '^(.{{2,}}?)(?: (?:{abroad}))+$', '\1') as named
                    from ({_latin_heads(legal, spelt, offices)}))))"""


def _latin_heads(legal: str, spelt: str, offices: str) -> str:
    tries = ", ".join(
        f"nullif(regexp_extract(flat, '{way}', ['head', 'branch']), {_NOTHING})"
        for way in (rf"^(.+? (?:{legal})) (.*(?:{offices}))$", rf"^(.{{3,}}) ((?:{spelt}) (?:{offices}))$")
    )
    words = lexicon()
    home = any_of(words["same_name_words"])
    notes = any_of(
        [
            *words["bracketed_latin_words"],
            *words["bracketed_group_words"],
            *words["same_name_words"],
            "u.k.",
            "g.b.",
        ]
    )
    return rf"""
        select raw, given_type, has_han, flat,
            regexp_replace(trim(replace(' ' || coalesce(found.head, flat) || ' ',
                ' ' || coalesce(nullif(regexp_replace(noted, '[.]', '', 'g'), ''), '|') || ' ', ' ')),
                '( (?:{legal})) (?:{home})$', '\1') as head,
            replace(found.branch, '(', '') as branch, noted
        from (
            select *, regexp_extract(lower(text), '[(] *({notes}) *[)]', 1) as noted,
                case when regexp_matches(flat, ' (?:{offices})$') then coalesce({tries}) end as found
            from typed_names
            where party_type = 'organisation' and not has_han and not is_placeholder)"""
