"""Connected components: from edges to groups, in SQL.

Comes in: a relation of edges between node numbers. Goes out: a table node → cluster, where the cluster's
number is its smallest node's. Numbers of clusters move when records arrive; they never leave this package.
"""

from __future__ import annotations

import duckdb


def connect_components(con: duckdb.DuckDBPyConnection, edges: str, target: str) -> None:
    """Write the components of `edges` to the TEMP table `target`.

    Each round gives a node the smallest label among its neighbours', then that label's own label, so that
    chains shorten by half or better; stars, which is what the matcher writes, take two or three rounds.

    Args:
        con: the connection.
        edges: a relation or query in brackets with left_node and right_node.
        target: gets node and cluster, for nodes that have an edge only.
    """
    con.execute(
        f"""
        create or replace temp table component_links as
        select left_node as node, right_node as other from {edges}
        union select right_node, left_node from {edges}
        """
    )
    con.execute(
        f"create or replace temp table {target} as select distinct node, node as cluster from component_links"
    )
    while _shorten(con, target):
        pass
    con.execute("drop table component_links")


def _shorten(con: duckdb.DuckDBPyConnection, target: str) -> bool:
    """One round; False when nothing has changed any more."""
    con.execute(
        f"""
        create or replace temp table component_round as
        with reached as (
            select links.node, min(labels.cluster) as cluster
            from component_links as links inner join {target} as labels on links.other = labels.node
            group by links.node),
        lowered as (
            select labels.node, labels.cluster as earlier, least(labels.cluster, reached.cluster) as cluster
            from {target} as labels inner join reached using (node))
        select lowered.node, lowered.earlier, least(lowered.cluster, jump.cluster) as cluster
        from lowered inner join lowered as jump on lowered.cluster = jump.node
        """
    )
    row = con.execute("select count(*) from component_round where cluster <> earlier").fetchone()
    con.execute(f"create or replace temp table {target} as select node, cluster from component_round")
    con.execute("drop table component_round")
    return bool(row and row[0])
