"""Which records are one customer: scored pairs, edges between nodes, and their clusters.

Comes in: the TEMP tables of `records.py`, and what earlier runs found. Goes out: TEMP `pairs` (all that are
worth a person's look, scored), `edges` (left_node, right_node, method, score: those believed, of the records
in `reached`, and all that a name attached), `cut_edges`, `node_clusters` (every node with its cluster),
`clusters` (of those in `reached`) and `reached` itself (the nodes whose cluster may be another than before).
Ids are the business of `resolve.py`, so another matcher takes this one's place without a change elsewhere.

In this order: people are compared with people and organisations with organisations, by the models in
`models/`; what judgements, two valid codes or a branch forbid is cut (`constrain.py`); then records of
which too little is known to compare them are attached, but only where exactly one customer can be meant, so
that none of them ever joins two: an address book's entry for a firm's contact, a record with a number and
no name (`attach.py`), a firm's short name, a name that hardly a second person bears (`namesakes.py`). All but
the last is done anew only where a change can reach (`reach.py`).
"""

from __future__ import annotations

from typing import Protocol

import duckdb

from pipelines.identity.attach import attach, tie_nameless
from pipelines.identity.blocking import find_pairs, list_keys
from pipelines.identity.constrain import constrain
from pipelines.identity.model import Model, count_frequencies, load_model, score_pairs
from pipelines.identity.namesakes import attach_namesakes
from pipelines.identity.reach import find_reached
from pipelines.identity.records import is_true, nothing_kept

MODELS = ("person", "organisation")


class Matcher(Protocol):
    """Makes the tables that the module's docstring names from what `records.py` and `judgements.py` made."""

    def __call__(self, con: duckdb.DuckDBPyConnection) -> None: ...


USABLE = """
    create or replace temp table usable as
    select kind, value, node, contact_surname from node_identifiers
    where (kind, value) not in (select (kind, value) from shared_values)
"""
"""Makes TEMP `usable`, the identifiers that are not shared."""

# Records with a name; those without wait for `attach`. Where nothing tells a person from a firm, both are
# tried.
_COMPARED = """
    with said as (
        select node,
            list(value) filter (kind = 'phone') as phones, list(value) filter (kind = 'email') as emails,
            list(value) filter (kind in ('credit_code', 'tax_number', 'personal_id')) as codes,
            min(value) filter (kind = 'wechat') as wechat
        from usable semi join {wanted} using (node) group by node),
    listed as (
        select node, wechat, list_sort(list_distinct(phones)) as phones,
            list_sort(list_distinct(emails)) as emails, list_sort(list_distinct(codes)) as codes,
            list_sort(list_distinct([right(regexp_replace(phone, '[^0-9]', '', 'g'), 9)
                for phone in phones])) as tails,
            list_sort(list_distinct([split_part(email, '@', 2)
                for email in emails if not is_free_domain(split_part(email, '@', 2))])) as domains,
            list_min([split_part(email, '@', 1) for email in emails]) as mailbox,
            list_min([phone for phone in phones if is_mobile(phone)]) as mobile
        from said)
    select nodes.* exclude (system, source_table, source_id, created_at, content, wechat, city, first_number,
            second_number, email_normalised),
        listed.wechat, listed.mobile, listed.mailbox,
        case when regexp_matches(given_name, '^[a-z]') then given_name[1] end as initial,
        case when party_type = 'organisation' then coalesce(city, place) else city end as city,
        coalesce(phones, []) as phones, coalesce(tails, []) as tails, coalesce(emails, []) as emails,
            coalesce(codes, []) as codes,
        coalesce(domains, []) as domains
    from {nodes} as nodes
    semi join {wanted} using (node)
    left join listed using (node)
    where name_key is not null
"""

# What the models' levels ask of two texts.
_MACROS = (
    r"""create or replace temp macro same_but_one_letter(one, other) as (
        case when regexp_matches(one, '^[ -~]*$')
            then levenshtein(one, other) = 1 and greatest(length(one), length(other)) > 2
            else one <> other and greatest(length(one), length(other)) > 1
                and len(list_intersect(string_split(one, ''), string_split(other, '')))
                    >= greatest(length(one), length(other)) - 1 end)""",
    r"""create or replace temp macro similar_addresses(one, other) as (
        regexp_extract(one, '[0-9]+') = regexp_extract(other, '[0-9]+') and (
            jaro_winkler_similarity(one, other) > 0.92
            or regexp_matches(one, '[0-9]') and least(length(one), length(other)) > 5
                and (starts_with(one, other) or starts_with(other, one))))""",
)

OF_KIND = {
    "person": "party_type is distinct from 'organisation'",
    "organisation": "party_type is distinct from 'person'",
}
"""Which of the records each model is for."""

# Nodes whose pairs and keys are not what they were.
_ANEW = """
    create or replace temp table anew as select node from touched union select node from left_behind
"""
_KEPT_PAIRS = """
    create or replace temp table pairs as
    from kept_pairs where left_node not in (from anew) and right_node not in (from anew)
"""

_EDGES = """
    create or replace temp table edges as
    select left_node, right_node, method, score
    from pairs semi join reached on left_node = node where is_match and not is_sparse
    union all
    -- Two of whom only the surname is known may be one; whom else they are waits for `attach`.
    select left_node, right_node, method, score
    from pairs
    semi join reached on left_node = node
    inner join nodes as one on left_node = one.node
    inner join nodes as other on right_node = other.node
    where is_match and is_sparse and one.given_name is null and other.given_name is null
    union all
    select left_node, right_node, 'judgement', 1.0
    from judged semi join reached on left_node = node where verdict = 'same'
"""

# Staging may take a person for a firm: a name and a number that are both the same are one customer's.
_OF_EITHER_KIND = """
    insert into edges
    select distinct min(node), max(node), min(kind), 0.98
    from reached_usable inner join nodes using (node)
    where kind in ('phone', 'email', 'wechat') and length(name_normalised) > 1
    group by kind, value, name_normalised
    having count(distinct coalesce(party_type, '')) > 1
"""

# What held each record before names alone did: the surest of its edges.
_HELD = """
    create or replace temp table held as
    with ends as (
        select left_node as node, method, score from edges
        union all select right_node, method, score from edges)
    select node, components.cluster, arg_max(method, (score, method)) as method, max(score) as score
    from components left join ends using (node)
    group by all
    union all
    select node, component, method, score
    from kept_node_clusters semi join nodes using (node) anti join reached using (node)
"""
_COMPONENTS = "create or replace temp table components as select node, cluster from held"

_NODE_CLUSTERS = """
    create or replace temp table node_clusters as
    select node, held.cluster as component, held.method, held.score, clusters.cluster,
        node in (from buyers) as is_buyer
    from held inner join clusters using (node)
"""

TABLES = """
    create table if not exists identity.pairs (
        left_node bigint not null, right_node bigint not null, model varchar not null, score double not null,
        weight double not null, levels tinyint[] not null, method varchar not null,
        is_capped boolean not null, is_sparse boolean not null, is_match boolean not null);
    create table if not exists identity.blocking_keys (
        model varchar not null, node bigint not null, key ubigint not null, is_strong boolean not null);
    create table if not exists identity.frequencies (
        model varchar not null, attribute varchar not null, value varchar not null, share double not null);
    create table if not exists identity.node_clusters (
        node bigint not null, component bigint not null, method varchar, score double,
        cluster bigint not null, is_buyer boolean not null, customer_id varchar not null);
    create table if not exists identity.judged_pairs (
        left_node bigint not null, right_node bigint not null, verdict varchar not null);
"""
"""What the next run needs to compare and cluster only what has changed."""


def match_by_models(con: duckdb.DuckDBPyConnection) -> None:
    """The `Matcher` with Splink's models; see the module's docstring for its order."""
    con.execute(USABLE)
    list_compared(con, "fresh_nodes")
    _add_compared(con, "select node from touched anti join fresh_nodes using (node)")
    con.execute(_ANEW)
    con.execute(_KEPT_PAIRS)
    con.execute("create or replace temp table blocking_keys as from identity.blocking_keys limit 0")
    _count_names(con)
    for name in MODELS:
        _find_pairs(con, load_model(name), OF_KIND[name])
    _add_partners(con)
    for name in MODELS:
        _score_pairs(con, load_model(name), OF_KIND[name])
    find_reached(con)
    con.execute("create or replace temp table reached_usable as from usable semi join reached using (node)")
    con.execute(_EDGES)
    con.execute(_OF_EITHER_KIND)
    tie_nameless(con)
    constrain(con)
    attach(con)
    con.execute(_HELD)
    con.execute(_COMPONENTS)
    attach_namesakes(con)
    con.execute(_NODE_CLUSTERS)
    for table in ("usable", "reached_usable", "compared", "components", "held", "buyers",
                  "address_books"):  # fmt: skip
        con.execute(f"drop table {table}")


def list_compared(con: duckdb.DuckDBPyConnection, nodes: str = "nodes") -> None:
    """Make `compared`, what the models ask for, of those `nodes` that are in `touched`; needs `usable`."""
    for macro in _MACROS:
        con.execute(macro)
    con.execute(f"create or replace temp table compared as {_COMPARED.format(nodes=nodes, wanted='touched')}")


def _add_compared(con: duckdb.DuckDBPyConnection, wanted: str) -> None:
    """Add the nodes that the query gives, which are what they were, to `compared`."""
    con.execute(f"create or replace temp table wanted as {wanted}")
    if is_true(con, "select exists (from wanted)"):
        con.execute(f"insert into compared {_COMPARED.format(nodes='kept_nodes', wanted='wanted')}")
    con.execute("drop table wanted")


def keep_matches(con: duckdb.DuckDBPyConnection) -> None:
    """Bring what the next run needs to what was found. Call it in a transaction."""
    is_new = nothing_kept(con)
    in_a_pair = "left_node in (from anew) or right_node in (from anew)"
    con.execute(f"delete from identity.pairs where {is_new} or {in_a_pair}")
    con.execute(f"insert into identity.pairs from pairs where {in_a_pair}")
    con.execute(f"delete from identity.blocking_keys where {is_new} or node in (from anew)")
    con.execute("insert into identity.blocking_keys by name from blocking_keys")
    con.execute("delete from identity.cut_edges")
    con.execute("insert into identity.cut_edges from cut_edges")
    con.execute("delete from identity.judged_pairs")
    con.execute("insert into identity.judged_pairs from judged")
    if is_new:
        con.execute("delete from identity.frequencies")
        con.execute("insert into identity.frequencies from frequencies")


def keep_clusters(con: duckdb.DuckDBPyConnection) -> None:
    """Bring identity.node_clusters to `node_clusters` and their `owners`. Call it in a transaction."""
    con.execute("delete from identity.node_clusters "
                "where node in (from moved) or node not in (select node from nodes)")  # fmt: skip
    con.execute(
        "insert into identity.node_clusters by name "
        "from node_clusters semi join moved using (node) inner join owners using (cluster)"
    )


def _count_names(con: duckdb.DuckDBPyConnection) -> None:
    """TEMP `frequencies`: as counted when all was last matched, so that untouched pairs keep their scores."""
    con.execute("create or replace temp table frequencies as from kept_frequencies")
    if not nothing_kept(con):
        return
    for name in MODELS:
        model = load_model(name)
        for column in model.frequencies():
            records = f"(select * from compared where {OF_KIND[name]})"
            con.execute(
                f"insert into frequencies select '{name}', '{column}', value, share "
                f"from ({count_frequencies(model, column, records)})"
            )


# All who share a key with what is touched.
_KIND_KEYS = """
    create or replace temp table kind_keys as
    from fresh_keys
    union all
    select node, key, is_strong
    from kept_blocking_keys
    semi join fresh_keys using (key)
    anti join anew using (node)
    where model = $model
"""


def _find_pairs(con: duckdb.DuckDBPyConnection, model: Model, of_kind: str) -> None:
    """Make `<model>_pairs`, of which one is touched at least."""
    con.execute(f"create or replace temp view kind_records as select * from compared where {of_kind}")
    list_keys(con, model, "kind_records", "fresh_keys")
    con.execute("insert into blocking_keys by name select ? as model, * from fresh_keys", [model.name])
    con.execute(_KIND_KEYS, {"model": model.name})
    find_pairs(con, model, "kind_keys", f"{model.name}_pairs", "touched")
    con.execute("drop view kind_records")
    for table in ("kind_keys", "fresh_keys"):
        con.execute(f"drop table {table}")


def _add_partners(con: duckdb.DuckDBPyConnection) -> None:
    """Add to `compared` who stands in a pair but isn't touched."""
    pairs = " union all ".join(f"select * from {name}_pairs" for name in MODELS)
    _add_compared(
        con,
        f"with pairs as ({pairs}) "
        "select left_node as node from pairs where left_node not in (from touched) "
        "union select right_node from pairs where right_node not in (from touched)",
    )


def _score_pairs(con: duckdb.DuckDBPyConnection, model: Model, of_kind: str) -> None:
    """Add `<model>_pairs` to `pairs`, scored."""
    con.execute(f"create or replace temp view kind_records as select * from compared where {of_kind}")
    score_pairs(con, model, "kind_records", f"{model.name}_pairs", "kind_scores", "frequencies")
    # Records of unknown kind were compared as both.
    con.execute("delete from pairs where (left_node, right_node) in "
                "(select (left_node, right_node) from kind_scores) and model <> ?", [model.name])  # fmt: skip
    con.execute(
        f"insert into pairs by name select *, score >= {model.merge} and not is_capped as is_match "
        "from kind_scores"
    )
    con.execute("drop view kind_records")
    for table in (f"{model.name}_pairs", "kind_scores"):
        con.execute(f"drop table {table}")
