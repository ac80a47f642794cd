"""What a name in Latin letters is a name of, where nobody said so, and what short forms of names stand for.

Comes in: `english.yml`. Goes out: SQL for `names.py`. Legal forms, trades and words such as Sons or Bakery
make a firm; titles, initials and known given names a person. "Alfreds Futterkiste" could be either: unclear.
"""

from __future__ import annotations

from functools import cache

from pipelines.identity.lexicon import any_of, lexicon, text_list

_WORD = r"\p{L}[\p{L}\p{M}]+"


@cache
def known_given_names() -> list[str]:
    """Given names and their short forms, without accents."""
    words = lexicon()
    short: dict[str, list[str]] = words["short_names"]
    return list(
        dict.fromkeys([*words["given_names"], *short, *(name for names in short.values() for name in names)])
    )


def short_names() -> str:
    """A query: short_name and the given_name that it stands for."""
    short: dict[str, list[str]] = lexicon()["short_names"]
    pairs = [(name, full) for full, names in short.items() for name in names]
    return (
        f"select unnest({text_list(name for name, _ in pairs)}) as short_name, "
        f"unnest({text_list(full for _, full in pairs)}) as given_name"
    )


def latin_reading() -> str:
    """SQL over `text` and `flat`: organisation, person, unclear (may be a person's name) or NULL."""
    words = lexicon()
    legal, offices = any_of(words["latin_suffixes"]), any_of(words["latin_branch_words"])
    firm = any_of([*words["latin_trade_words"], *words["latin_organisation_words"]])
    no_person = any_of(words["latin_no_person_words"])
    given, titles = any_of(known_given_names()), any_of(words["latin_titles"])
    personal, clear = _shapes()
    return rf"""
        case
            when regexp_matches(flat, ' (?:{legal})(?: .*(?:{offices}))?$|[0-9/]|(?:^| )(?:{firm})(?: |$)')
            then 'organisation'
            when regexp_matches(flat, '^(?:{titles}) ') then 'person'
            when not contains(flat, ' ') or regexp_matches(flat, '(?:^| )(?:{no_person})(?: |$)') then null
            when regexp_matches(flat, '^(?:{given}|\p{{L}}) and (?:{given}|\p{{L}})(?: |$)') then null
            when regexp_matches(flat, '^the | (?:and|und|et) ') then 'organisation'
            when regexp_matches(text, '^[^,]+,[^,]+$')
            then case when regexp_matches(lower(text), ', *(?:{given}|\p{{L}})\b') then 'person'
                when length(regexp_replace(flat, '[^ ]', '', 'g')) < 4 then 'unclear' end
            when contains(text, ',') then null
            when regexp_matches(flat, '{clear}') then 'person'
            when regexp_matches(flat, '{personal}') then 'unclear'
        end"""


def _shapes() -> tuple[str, str]:
    """Patterns of what may be a person's name, and of what must be (an initial, a known given name)."""
    words = lexicon()
    given, end = any_of(known_given_names()), rf"(?: (?:{any_of(words['latin_name_suffixes'])}))*$"
    family = rf"(?: (?:{any_of(words['surname_particles'])})){{0,2}} {_WORD}{end}"
    personal = rf"^{_WORD}{family}"
    clear = (
        rf"^(?:{given})(?: (?:\p{{L}}|{given})){{0,2}}{family}"
        rf"|^\p{{L}}(?: \p{{L}}){{0,2}}{family}"
        rf"|^{_WORD}(?: \p{{L}}){{1,2}}{family}"
        rf"|^{_WORD}(?: \p{{L}}){{1,2}}{end}"
    )
    return personal, clear
