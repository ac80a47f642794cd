"""A person's name in parts: surname, given name, and what is left when titles are off.

Comes in: the TEMP table `typed_names` of `names.py`. Goes out: a query with one row per person's name. 王总
and "Mr. Smith" keep the surname only. Latin names get their first given name first, whatever order they came
in, and no other: a comma decides, then capitals ("Wei WANG"), then which word is a surname in pinyin, of
two the more frequent one; else the last word is the surname, with "van" and "de la" in front of it. An
initial behind a name that is no given name is that person's ("Hill N.").
"""

from __future__ import annotations

from functools import cache

from pipelines.identity.latin import known_given_names
from pipelines.identity.lexicon import HAN, any_of, lexicon, text_list
from pipelines.identity.pinyin import PINYIN_WORDS, pinyin_surnames


@cache
def people() -> str:
    """raw, given_type, name_normalised, surname, given_name (of persons; NULL where a part isn't known)."""
    return f"{_chinese()} union all {_western()}"


def _chinese() -> str:
    titles = any_of(lexicon()["titles_after_full_name"])
    compound = any_of(lexicon()["compound_surnames"])
    return rf"""
        select raw, given_type,
            case when titled = '' and familiar = '' and length(untitled) > 1 then untitled end
                as name_normalised,
            case when titled <> '' then titled when familiar <> '' then familiar
                when regexp_matches(untitled, '^(?:{compound})') and length(untitled) > 2 then untitled[:2]
                else untitled[1] end as surname,
            case when name_normalised is not null then untitled[length(surname) + 1:] end as given_name,
            false as is_pinyin
        from (
            select *, regexp_replace(bare, '({HAN}{{2,}})(?:{titles})$', '\1') as untitled
            from (
                select *, coalesce(nullif(regexp_replace(flat, '\([^()]*\)|[()0-9]', '', 'g'), ''), flat)
                    as bare
                from typed_names
                where party_type = 'person' and has_han and not is_placeholder))"""


def _western() -> str:
    """Sides of the comma without titles → words → which of them is the surname."""
    surnames = text_list(pinyin_surnames())
    return rf"""
        select raw, given_type,
            case when given_name is not null or not is_titled
                then nullif(concat_ws(' ', given_name, surname), '') end as name_normalised,
            surname, given_name, is_pinyin
        from (
            select raw, given_type, is_titled, nullif(strip_accents(lower(family)), '') as surname,
                is_pinyin and list_contains({surnames}, lower(family)) as is_pinyin,
                nullif(case when is_pinyin and list_contains({surnames}, lower(family))
                    then replace(strip_accents(lower(given)), ' ', '')
                    else split_part(strip_accents(lower(given)), ' ', 1) end, '') as given_name
            from ({_chosen()}))"""


def _chosen() -> str:
    """family and given as they were written; the surname's place is decided here."""
    surnames, given_names = text_list(pinyin_surnames()), text_list(known_given_names())
    particles = rf"(?i)(?:^| )(?:{any_of(lexicon()['surname_particles'])}) "
    only_family = rf"(?i)^(?:(?:{any_of(lexicon()['surname_particles'])}) )+[^ ]+$"
    family = rf"(?i)^(?:(.+?) )?((?:(?:{any_of(lexicon()['surname_particles'])}) )+[^ ]+)$"

    def loud(word: str, rank: str) -> str:
        """In capitals, when the rest isn't: a surname, not initials."""
        return rf"""len(words) > 1 and upper(whole) <> whole and upper({word}) = {word} and (
                is_pinyin and {rank} is not null and length({word}) > 1
                or length({word}) > 2 and regexp_matches({word}, '^\p{{Lu}}*[AEIOUYÀ-Ü]\p{{Lu}}*$'))"""

    return rf"""
        select raw, given_type, is_titled, is_pinyin,
            case when left_side <> '' and right_side <> '' then left_side
                when is_first then words[1]
                when has_particle then particled.family else words[-1] end as family,
            case when left_side <> '' and right_side <> '' then right_side
                when is_first then array_to_string(words[2:], ' ')
                when has_particle then particled.given
                else array_to_string(words[:-2], ' ') end as given
        from (
            select *,
                {loud("words[1]", "first_rank")} as is_loud_first,
                {loud("words[-1]", "last_rank")} as is_loud_last,
                particled.given <> '' or is_titled and particled.family <> '' as has_particle,
                not is_pinyin and length(words[-1]) = 1 and length(words[1]) > 1
                    and not list_contains({given_names}, lower(words[1])) as is_initial_last,
                case when is_initial_last then true
                    when is_loud_first <> is_loud_last then is_loud_first
                    when not is_pinyin then false
                    else coalesce(first_rank < last_rank, last_rank is null and first_rank is not null) end
                    as is_first
            from (
                select *, string_split(whole, ' ') as words,
                    regexp_matches(lower(whole), '{PINYIN_WORDS}') as is_pinyin,
                    case when is_titled and regexp_matches(whole, '{only_family}')
                        then struct_pack(given := '', family := whole)
                        when not is_pinyin and regexp_matches(whole, '{particles}')
                        then regexp_extract(whole, '{family}', ['given', 'family']) end as particled,
                    nullif(list_position({surnames}, lower(words[1])), 0) as first_rank,
                    nullif(list_position({surnames}, lower(words[-1])), 0) as last_rank
                from ({_sides()})))"""


def _sides() -> str:
    """What stands before and after the comma, without titles in front and suffixes at the end."""
    titles, suffixes = any_of(lexicon()["latin_titles"]), any_of(lexicon()["latin_name_suffixes"])

    def bare(side: str) -> str:
        return (
            rf"trim(regexp_replace({side}, '(?i)^ *(?:(?:{titles}) +)+|(?: +(?:{suffixes}))+ *$', '', 'g'))"
        )

    return rf"""
        select raw, given_type, regexp_matches(undotted, '(?i)^ *(?:{titles}) ') as is_titled,
            {bare("split_part(undotted, ',', 1)")} as left_side,
            {bare("split_part(undotted, ',', 2)")} as right_side,
            trim(concat_ws(' ', left_side, right_side)) as whole
        from (
            select raw, given_type,
                regexp_replace(
                    regexp_replace(
                        regexp_replace(regexp_replace(text, '\([^()]*\)|[.''’`]', '', 'g'),
                            '[^\p{{L}}\p{{M}}\p{{N}},/]+', ' ', 'g'),
                        '(?i)[ ,]+(?:{suffixes}) *$', ''),
                    '^ *, *| *, *$', '', 'g') as undotted
            from typed_names
            where (party_type = 'person' or may_be_person) and not has_han and not is_placeholder)"""
