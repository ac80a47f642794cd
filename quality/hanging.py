"""What hangs on a record that was set aside is set aside with it.

Comes in: TEMP `gate_set_aside` with the records that fail a rule of severity error, the input layer, and
`hangs_on` of the catalogue's entities: which columns of a record name another. Goes out: in the same table
the records that name one of those, and those that name these in turn, with the entity and the record that
they hang on. Nothing of it is remembered: once the record above is mended or waived, they come back with
it.

Where the same name is also that of a record that passed (two tables of one system may count alike), nothing
hangs. An issue of their own they have none: nothing is wrong with them.
"""

from __future__ import annotations

import duckdb

from pipelines.errors import GuikeError
from pipelines.i18n import t
from quality.catalogue import Catalogue
from quality.frames import KEY, columns_of
from quality.rule import Link

_KEYS = ", ".join(KEY)


def set_aside_what_hangs(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> None:
    """Add to TEMP `gate_set_aside` all that hangs on what is in it; parents before their dependants.

    Raises:
        GuikeError: a link names a column that isn't there.
    """
    for entity, link in catalogue.links:
        if not columns_of(con, "input", entity) or not columns_of(con, "input", link.entity):
            continue
        try:
            _follow(con, entity, link)
        except duckdb.BinderException as error:
            raise GuikeError(
                t("{file}: {entity} can't hang on {parent}: {reason}", file=catalogue.name, entity=entity,
                  parent=link.entity, reason=str(error).splitlines()[0]),
                t("Mend hangs_on of {entity} under entities.", entity=entity),
            ) from error  # fmt: skip


def _follow(con: duckdb.DuckDBPyConnection, entity: str, link: Link) -> None:
    theirs = ", ".join(f"p.{column}" for column in link.by)
    same = " and ".join(f"i.{own} = a.{column}" for column, own in link.by.items())
    named = ", ".join(["system", *link.by])
    con.execute(
        f"""create or replace temp table gate_parents as
        with aside as (select * from gate_set_aside where entity = '{link.entity}'),
        held as (
            select p.system, {theirs}, min(concat_ws('.', {_KEYS}) || ' (' || aside.rule_ids || ')') as what
            from input.{link.entity} as p inner join aside using ({_KEYS}) group by all)
        select * from held
        where ({named}) not in (
            select ({named}) from input.{link.entity} as p
            semi join held using ({named}) anti join aside using ({_KEYS}))"""
    )
    con.execute(
        f"""insert into gate_set_aside
        select '{entity}', i.system, i.source_table, i.source_id, 'hangs on {link.entity}', to_json(i),
            i.loaded_at, '{link.entity} ' || a.what
        from input.{entity} as i inner join gate_parents as a on i.system = a.system and {same}
        where (i.system, i.source_table, i.source_id) not in (
            select ({_KEYS}) from gate_set_aside where entity = '{entity}')"""
    )
    con.execute("drop table gate_parents")
