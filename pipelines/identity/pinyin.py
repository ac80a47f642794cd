"""Names in the letters of pinyin, so that 王伟, "Wang Wei" and ww can be compared.

Comes in: distinct texts in simplified characters. Goes out: a TEMP table that spells each of them without
tones. One character has one reading here: the dictionary's first, unless `lexicon.yml` says how it is read in
names; surnames have readings of their own (单 shan, 曾 zeng). Python sees distinct characters only, the rest
is a join: reading whole names by phrase costs fifty times as much and would rarely read a name any better.
"""

from __future__ import annotations

from functools import cache

import duckdb
import pyarrow as pa
from pypinyin import lazy_pinyin

from pipelines.identity.normalise import lexicon

# Every syllable of standard Chinese without its tone, as initial and finals that go with it.
_SYLLABLES = (
    "[bpm](?:[aiou]|ai|ei|ao|ou|an|en|ang|eng|ie|iao|iu|ian|in|ing)|f(?:[aou]|ei|an|en|ang|eng|ou)"
    "|[dt](?:[aeiu]|ai|ei|ao|ou|an|en|ang|eng|ong|ie|iao|iu|ian|ing|uo|ui|uan|un)"
    "|[nl](?:[aeiouv]|ai|ei|ao|ou|an|en|ang|eng|ong|ia|ie|iao|iu|ian|in|iang|ing|uo|uan|un|ve|ue|yu)"
    "|[gkh](?:[aeu]|ai|ei|ao|ou|an|en|ang|eng|ong|ua|uo|uai|ui|uan|un|uang)"
    "|[jqx](?:i|ia|ie|iao|iu|ian|in|iang|ing|iong|u|ue|uan|un)"
    "|(?:[zcs]h?|r)(?:[aeiu]|ai|ei|ao|ou|an|en|ang|eng|ong|ua|uo|uai|ui|uan|un|uang)"
    "|y(?:[aeiuo]|ao|ou|an|in|ang|ing|ong|ue|uan|un)|w(?:[aou]|ai|ei|an|en|ang|eng)"
    "|[aeo]|ai|ei|ao|ou|an|en|ang|er"
)
PINYIN_WORDS = f"^(?:(?:{_SYLLABLES}) ?)+$"
"""A regular expression for words that can be read as pinyin."""
SYLLABLE_STARTS = "^[aeo]| [aeo]|(?:[b-df-hj-np-tw-z]h?[aeiouv])"
"""A regular expression for where syllables begin: a consonant before a vowel opens one."""


@cache
def surname_readings() -> dict[str, str]:
    """Surname → pinyin, the most frequent first."""
    words = lexicon()
    own: dict[str, str] = words["surname_readings"]
    singles = words["common_surnames"] + words["surnames"].replace(" ", "")
    names = dict.fromkeys([*singles, *words["compound_surnames"]])
    return {name: own.get(name) or "".join(lazy_pinyin(name, v_to_u=False)) for name in names}


def pinyin_surnames() -> list[str]:
    """The surnames in pinyin, the most frequent first."""
    return list(dict.fromkeys(surname_readings().values()))


def spell(con: duckdb.DuckDBPyConnection, texts: str, target: str) -> None:
    """Make the TEMP table `target` (text, pinyin, initials) of the distinct texts with a Han character.

    Args:
        con: any connection.
        texts: a query with the column text VARCHAR (may repeat, may be NULL).
        target: other characters than Han stand in pinyin and initials as they are, without blanks.
    """
    con.execute(
        f"""
        create or replace temp table spelt_places as
        select text, unnest(string_split(text, '')) as character,
            generate_subscripts(string_split(text, ''), 1) as place
        from (select distinct text from ({texts}) where regexp_matches(text, '[一-鿿]'))
        """
    )
    characters = con.execute(
        "select distinct character from spelt_places where character <> ' ' order by 1"
    ).fetchall()
    own: dict[str, str] = lexicon()["readings_in_names"]
    known = [character for (character,) in characters]
    read = [own.get(character) or "".join(lazy_pinyin(character, v_to_u=False)) for character in known]
    con.register("readings", pa.table({"character": pa.array(known, pa.string()), "reading": read}))
    con.execute(
        f"""
        create or replace temp table {target} as
        select text, string_agg(reading, '' order by place) as pinyin,
            string_agg(reading[1], '' order by place) as initials
        from spelt_places inner join readings using (character)
        group by text
        """
    )
    con.unregister("readings")
    con.execute("drop table spelt_places")


def spell_surnames(con: duckdb.DuckDBPyConnection, target: str) -> None:
    """Make the TEMP table `target` (surname, pinyin, initials) of the surnames that the lexicon knows."""
    readings = surname_readings()
    initials = ["".join(word[0] for word in _split(name, reading)) for name, reading in readings.items()]
    con.register(
        "surname_rows",
        pa.table({"surname": list(readings), "pinyin": list(readings.values()), "initials": initials}),
    )
    con.execute(f"create or replace temp table {target} as from surname_rows")
    con.unregister("surname_rows")


def _split(name: str, reading: str) -> list[str]:
    """The syllables of a surname; those of a compound one as its characters are read."""
    if len(name) == 1:
        return [reading]
    return lazy_pinyin(name, v_to_u=False)
