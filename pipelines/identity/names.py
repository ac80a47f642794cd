"""Names as one writes them once: who is a person, who a firm, and which part of the name tells them apart.

Comes in: a relation of distinct (raw, given_type) names as written. Goes out: a TEMP table with the same
keys and the name's parts. Traditional characters become simplified ones (OpenCC, in one batch, for the names
that have any); 王总 and 王小姐 keep the surname only; a firm's name is taken apart into place, core and legal
form, so that 无锡鑫源机械有限公司, 鑫源机械（无锡）有限公司 and 鑫源无锡机械有限公司 have one registered key.
"""

from __future__ import annotations

import re

import duckdb
import pyarrow as pa
from opencc import OpenCC

from pipelines.identity.normalise import lexicon, quoted, text_list

_HAN = "[一-鿿]"


def parse_names(con: duckdb.DuckDBPyConnection, source: str, target: str) -> None:
    """Take every name of `source` apart into the TEMP table `target`.

    Args:
        con: a connection with the macros of `normalise.install_macros`.
        source: a query or relation with the columns raw VARCHAR (not null) and given_type VARCHAR ('person',
            'organisation' or NULL), distinct.
        target: gets raw, given_type, party_type (NULL where nothing tells), name_normalised (NULL for
            placeholders and mere titles), core_name, firm_key (firms whose registered name is written in
            full), place (inside firm_key), surname (of persons), name_key (what two spellings of one name
            share: a firm's first two characters, a person's surname, else all of it; NULL without a name).
    """
    con.execute(
        "create or replace temp table name_texts as "
        f"select raw, given_type, half_width(raw) as text from {source}"
    )
    _simplify(con)
    con.execute(f"create or replace temp table {target} as {_parsing()}")
    con.execute("drop table name_texts")


def _simplify(con: duckdb.DuckDBPyConnection) -> None:
    """Rewrite the texts of `name_texts` that hold a traditional character in simplified ones."""
    converter = OpenCC("t2s")
    characters = con.execute(
        f"select distinct unnest(regexp_extract_all(text, '{_HAN}')) as character from name_texts order by 1"
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


def _any(words: list[str]) -> str:
    """A regular expression for any of the words, the longest first."""
    return "|".join(re.escape(str(word)) for word in sorted(words, key=lambda word: (-len(word), word)))


def _parsing() -> str:
    """The query over `name_texts`: cleaned → typed → parts of persons and firms → keys."""
    return f"""
        with cleaned as ({_cleaned()}),
        typed as ({_typed()}),
        bodies as ({_bodies()}),
        placed as ({_placed()}),
        parts as ({_parts()})
        select raw, given_type, party_type,
            name_normalised,
            case when party_type = 'organisation' then core_name end as core_name,
            case when party_type = 'organisation' and name_normalised <> '' and length(full_core) > 1 then
                case when is_branch then '|' || name_normalised || '|'
                    when legal_form <> '' then coalesce(place, '') || '|' || full_core || '|' || legal_form
                    when not has_han and length(flat) >= 5 then '|' || flat || '|' end
            end as firm_key,
            case when party_type = 'organisation' then place end as place,
            case when party_type = 'person' then surname end as surname,
            case when party_type = 'person' then 'p:' || surname
                when party_type = 'organisation' and has_han then 'o:' || core_name[:2]
                when party_type = 'organisation' then 'o:' || split_part(core_name, ' ', 1)
                when party_type is null then '?:' || name_normalised
            end as name_key
        from parts"""


def _cleaned() -> str:
    """flat: without spaces and punctuation (Latin names keep single spaces), brackets as ()."""
    words = lexicon()
    return rf"""
        select raw, given_type, has_han, flat,
            flat = '' or list_contains({text_list(words["placeholder_names"])}, flat)
                or regexp_matches(flat, '^[0-9()?*.-]*$') or replace(flat, flat[1], '') = '' as is_placeholder
        from (
            select raw, given_type, regexp_matches(text, '{_HAN}') as has_han,
                case when regexp_matches(text, '^{_HAN}*$') then text
                    when regexp_matches(text, '{_HAN}')
                    then regexp_replace(lower(text), '[^\p{{L}}\p{{N}}()]', '', 'g')
                    else trim(regexp_replace(
                        regexp_replace(lower(text), '[.''’]', '', 'g'),
                        '[^\p{{L}}\p{{M}}\p{{N}}/]+', ' ', 'g'))
                end as flat
            from name_texts)"""


def _typed() -> str:
    """party_type: as given unless the legal form says firm; else guessed; and a person's parts."""
    words = lexicon()
    legal, latin = _any([*words["legal_suffixes"], *words["branch_words"]]), _any(words["latin_suffixes"])
    honorifics, titles = _any(words["honorifics"]), _any(words["titles_after_full_name"])
    compound, surnames = _any(words["compound_surnames"]), words["surnames"].replace(" ", "")
    return rf"""
        select raw, has_han, flat, is_placeholder, given_type,
            regexp_extract(flat, '^((?:{compound})|[{surnames}])(?:{honorifics})$', 1) as titled,
            regexp_extract(flat, '^[老小阿]([{surnames}])$', 1) as familiar,
            regexp_replace(flat, '({_HAN}{{2,}})(?:{titles})$', '\1') as untitled,
            regexp_matches(flat, '^(?:{compound})') as is_compound,
            case
                when is_placeholder then given_type
                when has_han and regexp_matches(flat, '{_HAN}{{2,}}(?:{legal})[)]?$') and length(flat) > 5
                then 'organisation'
                when given_type is not null then given_type
                when titled <> '' or familiar <> '' then 'person'
                when has_han and (length(untitled) > 4
                    or regexp_matches(flat, '{legal}|{_any(words["organisation_words"])}|[0-9a-z(]'))
                then 'organisation'
                when has_han and (is_compound
                    or (length(untitled) in (2, 3) and regexp_matches(flat, '^[{surnames}]')))
                then 'person'
                when has_han then 'organisation'
                when regexp_matches(flat, ' (?:{latin})$|[0-9/]') then 'organisation'
            end as party_type
        from cleaned"""


def _bodies() -> str:
    """A firm's name without brackets and branch, and what stands in the brackets."""
    words = lexicon()
    places = _any([*words["provinces"], *words["cities"]])
    branches = _any(words["branch_words"])
    return rf"""
        select *, regexp_extract(flat, '\(({places})[省市]?\)', 1) as place_in_brackets,
            regexp_replace(
                regexp_replace(flat, '\([^()]*\)|[()]', '', 'g'),
                '(公司|集团|厂){_HAN}{{0,8}}(?:{branches})$', '\1') as body,
            regexp_matches(flat, '(?:公司|集团|厂){_HAN}{{0,8}}(?:{branches})$') as is_branch,
            regexp_replace(flat, '\((?:{places})[省市]?\)|[()]', '', 'g') as full_body
        from typed"""


def _placed() -> str:
    """Lift legal form and place (in front, in brackets, or after the brand) out of a firm's name."""
    words = lexicon()
    legal, latin = _any(list(words["legal_suffixes"])), _any(words["latin_suffixes"])
    front = rf"^((?:{_any(words['provinces'])})[省市]?)?((?:{_any(words['cities'])})[市县]?)?(.{{2,}})$"
    return rf"""
        select *,
            case when lifts
                then regexp_replace(coalesce(nullif(lifted.city, ''), lifted.province), '[省市县]$', '')
                else '' end as place_in_front,
            case when lifts then lifted.rest else named end as front,
            case when lifts then regexp_replace(full_named, '{front}', '\3') else full_named end as full_front
        from (
            select *, not list_contains({text_list(words["organisation_words"])}, lifted.rest) as lifts
            from (
                select *, regexp_extract(named, '{front}', ['province', 'city', 'rest']) as lifted
                from (
                    select *,
                        regexp_extract(body, '(?:{legal})$') as suffix,
                        case when has_han then regexp_replace(body, '(.{{2,}}?)(?:{legal})$', '\1')
                            else regexp_replace(body, '(?: (?:{latin}))+$', '') end as named,
                        case when has_han then regexp_replace(full_body, '(.{{2,}}?)(?:{legal})$', '\1')
                            else full_body end as full_named
                    from bodies)))"""


def _parts() -> str:
    """Names and keys of both kinds; a place after the brand moves to the front."""
    words = lexicon()
    inner = rf"^(.{{2,4}}?)({_any(words['cities'])})市?(.{{2,}})$"
    forms = ", ".join(f"{quoted(key)}: {quoted(value)}" for key, value in words["legal_suffixes"].items())
    return rf"""
        select raw, given_type, has_han, flat, party_type,
            case when is_placeholder then null
                when party_type = 'person'
                then case when titled = '' and familiar = '' and length(untitled) > 1 then untitled end
                else nullif(regexp_replace(flat, '[()]', '', 'g'), '')
            end as name_normalised,
            case when is_placeholder then null
                when titled <> '' then titled when familiar <> '' then familiar
                when not has_han then split_part(flat, ' ', -1)
                when is_compound and length(untitled) > 2 then untitled[:2]
                else untitled[1]
            end as surname,
            case when not is_placeholder then
                case when has_inner then regexp_replace(front, '{inner}', '\1\3')
                    when regexp_matches(front, '^老{_HAN}{{2,3}}$') then front[2:]
                    else front end
            end as core_name,
            case when has_inner then regexp_replace(full_front, '{inner}', '\1\3')
                else full_front end as full_core,
            is_branch, coalesce(map {{{forms}}}[suffix], '') as legal_form,
            coalesce(nullif(place_in_brackets, ''), nullif(place_in_front, ''),
                case when has_inner then regexp_extract(front, '{inner}', 2) end) as place
        from (
            select *, has_han and suffix <> '' and place_in_front = '' and place_in_brackets = ''
                and regexp_matches(front, '{inner}') as has_inner
            from placed)"""
