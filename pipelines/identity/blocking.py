"""Which pairs of records are worth comparing: those that share one of the model's keys.

Comes in: a relation of records and a `Model`. Goes out: their keys, and the pairs that share one. The number
of pairs grows with the records, not with their square: a key that more than `most` records share makes none,
or, where it is strong, one for each with the first of them.
"""

from __future__ import annotations

import duckdb

from pipelines.identity.model import Key, Model


def list_keys(con: duckdb.DuckDBPyConnection, model: Model, records: str, target: str) -> None:
    """Write the keys of `records` to the TEMP table `target`.

    Args:
        records: a TEMP table with node and the columns of the model's keys.
        target: gets node, key (a hash of the key's place in the model and its text) and is_strong.
    """
    parts = [
        f"select node, {number} as rule, {key.strong} as is_strong, "
        f"{f'unnest({key.of})' if _is_list(con, records, key) else key.of} as key "
        f"from {records} where {key.when}"
        for number, key in enumerate(model.keys)
    ]
    con.execute(
        f"create or replace temp table {target} as select distinct node, hash(rule, key) as key, is_strong "
        f"from ({' union all '.join(parts)}) where key <> ''"
    )


def find_pairs(
    con: duckdb.DuckDBPyConnection, model: Model, keys: str, target: str, changed: str | None = None
) -> None:
    """Write the pairs of nodes that share a key to the TEMP table `target`.

    Args:
        keys: a relation as `list_keys` makes it.
        target: gets left_node < right_node.
        changed: a relation with node; pairs of which neither is in it are left out. By default all are.
    """
    keyed = f"select *, true as is_changed from {keys}"
    if changed:
        keyed = (
            f"select keys.*, changed.node is not null as is_changed from {keys} as keys "
            f"semi join (select key from {keys} semi join {changed} using (node)) using (key) "
            f"left join {changed} as changed using (node)"
        )
    con.execute(f"create or replace temp table keyed as {keyed}")
    con.execute(
        f"""
        create or replace temp table blocks as
        select key, count(*) as records, min(node) as first_node,
            arg_min(is_changed, node) as is_first_changed
        from keyed group by key
        having count(*) > 1 and (count(*) <= {model.most} or bool_or(is_strong))
        """
    )
    con.execute(
        f"""
        create or replace temp table {target} as
        with blocked as (
            select keyed.*, blocks.records, first_node, is_first_changed
            from keyed inner join blocks using (key))
        select distinct one.node as left_node, other.node as right_node
        from (select * from blocked where records <= {model.most}) as one
        inner join blocked as other on one.key = other.key
        where one.node < other.node and (one.is_changed or other.is_changed)
        union
        select first_node, node from blocked
        where records > {model.most} and node <> first_node and (is_changed or is_first_changed)
        """
    )
    con.execute("drop table keyed")
    con.execute("drop table blocks")


def _is_list(con: duckdb.DuckDBPyConnection, records: str, key: Key) -> bool:
    return str(con.execute(f"select {key.of} from {records} limit 0").description[0][1]).endswith("[]")
