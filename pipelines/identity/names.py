"""Names as one writes them once: who is a person, who a firm, and which part of the name tells them apart.

Comes in: a relation of distinct (raw, given_type) names as written. Goes out: a TEMP table with the same
keys and the name's parts. Traditional characters become simplified ones (OpenCC, in one batch, for the names
that have any); then `people.py` takes persons apart, `firms.py` organisations, and `pinyin.py` spells them.
"""

from __future__ import annotations

from functools import cache

import duckdb
import pyarrow as pa
from opencc import OpenCC

from pipelines.identity.firms import firms
from pipelines.identity.latin import latin_reading, short_names
from pipelines.identity.lexicon import HAN, any_of, lexicon, text_list
from pipelines.identity.people import people
from pipelines.identity.pinyin import SYLLABLE_STARTS, spell, spell_surnames


def parse_names(con: duckdb.DuckDBPyConnection, source: str, target: str) -> None:
    """Take every name of `source` apart into the TEMP table `target`.

    Args:
        con: a connection with the macros of `normalise.install_macros`.
        source: a query or relation with the columns raw VARCHAR (not null) and given_type VARCHAR ('person',
            'organisation' or NULL), distinct.
        target: gets raw, given_type, party_type (NULL where nothing tells) and, all of them NULL for
            placeholders:

            name_normalised: the whole name (NULL for mere titles, too); of Latin persons the first given name
                and the surname.
            surname, given_name: of persons; given_name NULL where only the surname is known. Of several given
                names the first in Latin letters, which may be an initial. Latin names that may be a person's
                have them even where party_type is NULL.
            given_key: the given name that a short form stands for (bob: robert), else the given name.
            core_name: a firm without place, legal form and branch; brand and trade are its two parts (trade
                NULL where no trade is named); short_forms VARCHAR[] what it may be called for short.
            place: the city or province in a firm's name; branch: its office or branch as written.
            firm_key: firms whose registered name is written in full; head_key: a branch's head firm's key.
            pinyin, initials: of a person's whole name (surname first if Chinese) and of a firm's core_name.
            name_key: what two spellings of one name share: a firm's first two characters, a person's surname,
                else all of it.
    """
    words = lexicon()
    kinds = any_of([*words["legal_suffixes"], *words["branch_words"], *words["trade_words"]])
    # What stands behind a dash and is no part of a firm's name says what the contact is about.
    noted = f"'^{HAN}{{2,}}[-—–]{HAN}{{2,5}}$'"
    con.execute(
        f"""
        create or replace temp table name_texts as
        select raw, given_type, case when regexp_matches(text, {noted})
                and not regexp_matches(text, '[-—–].*(?:{kinds})$')
            then regexp_extract(text, '^{HAN}+') else text end as text
        from (select raw, given_type, half_width(raw) as text from {source})
        """
    )
    _simplify(con)
    latin = con.execute(
        f"select 1 from name_texts where not regexp_matches(text, '{HAN}') limit 1"
    ).fetchone()
    con.execute(f"create or replace temp table typed_names as {_typed(has_latin=latin is not None)}")
    con.execute(f"create or replace temp table people_names as {people()}")
    con.execute(f"create or replace temp table firm_names as {firms()}")
    spell(
        con,
        "select given_name as text from people_names where given_name is not null "
        "union all select surname from people_names union all select core_name from firm_names",
        "spelt_names",
    )
    spell_surnames(con, "spelt_surnames")
    con.execute(f"create or replace temp table {target} as {_joined()}")
    for table in ("name_texts", "typed_names", "people_names", "firm_names", "spelt_names", "spelt_surnames"):
        con.execute(f"drop table {table}")


def _simplify(con: duckdb.DuckDBPyConnection) -> None:
    """Rewrite the texts of `name_texts` that hold a traditional character in simplified ones."""
    converter = OpenCC("t2s")
    characters = con.execute(
        f"select distinct unnest(regexp_extract_all(text, '{HAN}')) as character from name_texts order by 1"
    ).fetchall()
    changing = "".join(character for (character,) in characters if converter.convert(character) != character)
    if not changing:
        return
    names = (
        con.execute(
            f"select distinct text from name_texts where regexp_matches(text, '[{changing}]') "
            "and not contains(text, chr(10)) order by 1"
        )
        .to_arrow_table()["text"]
        .to_pylist()
    )
    written = pa.table({"text": names, "simplified": converter.convert("\n".join(names)).split("\n")})
    con.register("simplified_names", written)
    con.execute(
        "create or replace temp table name_texts as "
        "select raw, given_type, coalesce(simplified, text) as text "
        "from name_texts left join simplified_names using (text)"
    )
    con.unregister("simplified_names")


def _cleaned() -> str:
    """flat: without spaces and punctuation (Latin names keep single spaces), brackets as ()."""
    words = lexicon()
    no_person = any_of(words["latin_no_person_words"])
    return rf"""
        select raw, given_type, text, has_han, flat,
            flat = '' or list_contains({text_list(words["placeholder_names"])}, flat)
                or not has_han and regexp_matches(flat, '^(?:(?:{no_person})(?: |$))+$')
                or regexp_matches(flat, '^[0-9()?*.-]*$') or replace(flat, flat[1], '') = '' as is_placeholder
        from (
            select raw, given_type, text, regexp_matches(text, '{HAN}') as has_han,
                case when regexp_matches(text, '^{HAN}*$') then text
                    when regexp_matches(text, '{HAN}')
                    then regexp_replace(lower(text), '[^\p{{L}}\p{{N}}()]', '', 'g')
                    else trim(regexp_replace(
                        regexp_replace(replace(lower(text), '&', ' and '), '[.''’`]', '', 'g'),
                        '[^\p{{L}}\p{{M}}\p{{N}}/]+', ' ', 'g'))
                end as flat
            from name_texts)"""


@cache
def _typed(has_latin: bool) -> str:
    """party_type: as given unless the legal form says firm, else guessed; titled, familiar: mere surnames.

    Without Latin names the query has none of the patterns for them, which take long to compile.
    """
    words = lexicon()
    legal = any_of([*words["legal_suffixes"], *words["branch_words"]])
    honorifics, titles = any_of(words["honorifics"]), any_of(words["titles_after_full_name"])
    compound, surnames = any_of(words["compound_surnames"]), words["surnames"].replace(" ", "")
    return rf"""
        select raw, given_type, text, has_han, flat, is_placeholder,
            regexp_extract(flat, '^((?:{compound})|[{surnames}])(?:{honorifics})(?:[(].*[)])?$', 1) as titled,
            regexp_extract(flat, '^[老小阿]([{surnames}])$', 1) as familiar,
            regexp_replace(flat, '({HAN}{{2,}})(?:{titles})$', '\1') as plain,
            case
                when is_placeholder then given_type
                when has_han and regexp_matches(flat, '{HAN}{{2,}}(?:{legal})[)]?$') and length(flat) > 5
                then 'organisation'
                when given_type is not null then given_type
                when titled <> '' or familiar <> '' or regexp_matches(text, '{HAN}·{HAN}') then 'person'
                when has_han and (length(plain) > 4
                    or regexp_matches(flat, '{legal}|{any_of(words["organisation_words"])}|[0-9a-z(]'))
                then 'organisation'
                when has_han and (regexp_matches(flat, '^(?:{compound})')
                    or (length(plain) in (2, 3) and regexp_matches(flat, '^[{surnames}]')))
                then 'person'
                when has_han then 'organisation'
                else nullif(reading, 'unclear')
            end as party_type,
            party_type is null and reading = 'unclear' as may_be_person
        from (
            select *, case when given_type is null and not has_han and not is_placeholder
                then {latin_reading() if has_latin else "null::varchar"} end as reading
            from ({_cleaned()}))"""


@cache
def _joined() -> str:
    """Parts of both kinds beside each other, with their spelling and keys."""
    unknown = "nullif(regexp_replace(flat, '[()]', '', 'g'), '')"
    return rf"""
        select typed.raw, typed.given_type, typed.party_type,
            case when is_placeholder then null
                when typed.party_type = 'person' or may_be_person then people.name_normalised
                when typed.party_type = 'organisation' then firms.name_normalised
                else {unknown} end as name_normalised,
            firms.core_name, firms.firm_key, firms.place, people.surname,
            case when typed.party_type = 'person' or may_be_person then 'p:' || people.surname
                when typed.party_type = 'organisation' and has_han then 'o:' || firms.core_name[:2]
                when typed.party_type = 'organisation' then 'o:' || split_part(firms.core_name, ' ', 1)
                when typed.party_type is null and not is_placeholder then '?:' || {unknown}
            end as name_key,
            people.given_name,
            case when has_han or is_pinyin then people.given_name
                else coalesce(short_names.given_name, people.given_name) end as given_key,
            case when firms.core_name is not null then coalesce(spelt.pinyin, {_letters("firms.core_name")})
                when people.name_normalised is null then null
                when has_han or is_pinyin then coalesce(family.pinyin, spelt_family.pinyin, people.surname)
                    || coalesce(spelt.pinyin, people.given_name, '')
                else {_letters("people.name_normalised")} end as pinyin,
            case when firms.core_name is not null then coalesce(spelt.initials, {_starts("firms.core_name")})
                when people.name_normalised is null then null
                when has_han then coalesce(family.initials, spelt_family.initials)
                    || coalesce(spelt.initials, '')
                when is_pinyin
                then {_syllables("people.surname")} || coalesce({_syllables("people.given_name")}, '')
                else {_starts("people.name_normalised")} end as initials,
            firms.brand, firms.trade, firms.branch, firms.head_key, firms.short_forms
        from typed_names as typed
        left join people_names as people
            on typed.raw = people.raw and typed.given_type is not distinct from people.given_type
        left join firm_names as firms
            on typed.raw = firms.raw and typed.given_type is not distinct from firms.given_type
        left join spelt_names as spelt on spelt.text = coalesce(firms.core_name, people.given_name)
        left join spelt_names as spelt_family on people.surname = spelt_family.text
        left join spelt_surnames as family on people.surname = family.surname
        left join ({short_names()}) as short_names on people.given_name = short_names.short_name"""


def _letters(name: str) -> str:
    return rf"nullif(regexp_replace({name}, '[^\p{{L}}\p{{M}}\p{{N}}]', '', 'g'), '')"


def _starts(name: str) -> str:
    """The first letters of the words."""
    return f"array_to_string(list_transform(string_split({name}, ' '), lambda word: word[1]), '')"


def _syllables(name: str) -> str:
    """The first letters of the syllables of pinyin."""
    return (
        f"array_to_string(list_transform(regexp_extract_all({name}, '{SYLLABLE_STARTS}'), "
        "lambda start: trim(start)[1]), '')"
    )
