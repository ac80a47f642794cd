"""Which records are one customer: scored pairs, and edges between nodes.

Comes in: the TEMP tables of `records.py`, and the pairs that earlier runs scored. Goes out: TEMP `pairs` (all
that are worth a person's look, scored), `edges` (left_node, right_node, method, score: those believed), and
`components` (node → cluster). Ids are the business of `resolve.py`, so another matcher takes this one's place
without a change elsewhere.

In this order: people are compared with people and organisations with organisations, by the models in
`models/`; what judgements, two valid codes or a branch forbid is cut (`constrain.py`); then records of
which too little is known to compare them are attached, but only where exactly one customer can be meant, so
that none of them ever joins two: an address book's entry for a firm's contact, a record with a number and
no name, a firm's short name, a name that hardly a second person bears.
"""

from __future__ import annotations

from typing import Protocol

import duckdb

from pipelines.identity.attach import attach, tie_nameless
from pipelines.identity.constrain import constrain
from pipelines.identity.model import Model, count_frequencies, find_pairs, load_model, score_pairs

MODELS = ("person", "organisation")


class Matcher(Protocol):
    """Fills TEMP `pairs`, `edges` and `components` from what `records.py` and `judgements.py` made."""

    def __call__(self, con: duckdb.DuckDBPyConnection) -> None: ...


_USABLE = """
    create or replace temp table usable as
    select kind, value, node, contact_surname from node_identifiers
    where (kind, value) not in (select (kind, value) from shared_values)
"""

# Records with a name; those without wait for `attach`. Where nothing tells a person from a firm, both are
# tried.
_COMPARED = """
    create or replace temp table compared as
    with listed as (
        select node,
            list_sort(list(distinct value) filter (kind = 'phone')) as phones,
            list_sort(list(distinct right(regexp_replace(value, '[^0-9]', '', 'g'), 9))
                filter (kind = 'phone')) as tails,
            list_sort(list(distinct value) filter (kind = 'email')) as emails,
            list_sort(list(distinct value) filter (kind in ('credit_code', 'tax_number',
                'personal_id'))) as codes,
            list_sort(list(distinct split_part(value, '@', 2))
                filter (kind = 'email' and not is_free_domain(split_part(value, '@', 2)))) as domains,
            min(split_part(value, '@', 1)) filter (kind = 'email') as mailbox,
            min(value) filter (kind = 'wechat') as wechat,
            min(value) filter (kind = 'phone' and is_mobile(value)) as mobile
        from usable group by node)
    select nodes.* exclude (wechat, city), listed.wechat, listed.mobile, listed.mailbox,
        case when regexp_matches(given_name, '^[a-z]') then given_name[1] end as initial,
        case when party_type = 'organisation' then coalesce(city, place) else city end as city,
        coalesce(phones, []) as phones, coalesce(tails, []) as tails, coalesce(emails, []) as emails,
            coalesce(codes, []) as codes,
        coalesce(domains, []) as domains, touched.node is not null as is_changed
    from nodes
    left join listed using (node)
    left join touched using (node)
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

_KEPT_PAIRS = """
    create or replace temp table pairs as
    select * from kept_pairs
    where left_node in (select node from nodes) and right_node in (select node from nodes)
        and left_node not in (select node from touched) and right_node not in (select node from touched)
"""

_EDGES = """
    create or replace temp table edges as
    select left_node, right_node, method, score from pairs where is_match and not is_sparse
    union all
    -- Two of whom only the surname is known may be one; whom else they are waits for `attach`.
    select left_node, right_node, method, score
    from pairs
    inner join nodes as one on left_node = one.node
    inner join nodes as other on right_node = other.node
    where is_match and is_sparse and one.given_name is null and other.given_name is null
    union all
    select left_node, right_node, 'judgement', 1.0 from judged where verdict = 'same'
"""

# Staging may take a person for a firm: a name and a number that are both the same are one customer's.
_OF_EITHER_KIND = """
    insert into edges
    select distinct min(node), max(node), min(kind), 0.98
    from usable inner join nodes using (node)
    where kind in ('phone', 'email', 'wechat') and length(name_normalised) > 1
    group by kind, value, name_normalised
    having count(distinct coalesce(party_type, '')) > 1
"""

TABLES = """
    create table if not exists identity.pairs (
        left_node bigint not null, right_node bigint not null, model varchar not null, score double not null,
        weight double not null, levels tinyint[] not null, method varchar not null,
        is_capped boolean not null, is_sparse boolean not null, is_match boolean not null);
    create table if not exists identity.frequencies (
        model varchar not null, attribute varchar not null, value varchar not null, share double not null);
"""
"""What the next run needs to score only the pairs of what has changed."""


def match_by_models(con: duckdb.DuckDBPyConnection) -> None:
    """The `Matcher` with Splink's models; see the module's docstring for its order."""
    list_compared(con)
    con.execute(_KEPT_PAIRS)
    _count_names(con)
    for name in MODELS:
        _add_pairs(con, load_model(name), OF_KIND[name])
    con.execute(_EDGES)
    con.execute(_OF_EITHER_KIND)
    tie_nameless(con)
    constrain(con)
    attach(con)


def list_compared(con: duckdb.DuckDBPyConnection) -> None:
    """Make TEMP `usable`, identifiers that are not shared, and `compared`, what the models ask for."""
    for macro in _MACROS:
        con.execute(macro)
    con.execute(_USABLE)
    con.execute(_COMPARED)


def keep_pairs(con: duckdb.DuckDBPyConnection) -> None:
    """Bring identity.pairs and frequencies to what was found. Call it in a transaction."""
    con.execute(
        "delete from identity.pairs where left_node not in (select node from nodes) "
        "or right_node not in (select node from nodes) "
        "or left_node in (select node from touched) or right_node in (select node from touched)"
    )
    con.execute(
        "insert into identity.pairs from pairs where left_node in (select node from touched) "
        "or right_node in (select node from touched)"
    )
    if not con.execute("select 1 from kept_frequencies limit 1").fetchone():
        con.execute("delete from identity.frequencies")
        con.execute("insert into identity.frequencies from frequencies")


def _count_names(con: duckdb.DuckDBPyConnection) -> None:
    """TEMP `frequencies`: as counted when all was last matched, so that untouched pairs keep their scores."""
    con.execute("create or replace temp table frequencies as from kept_frequencies")
    if con.execute("select 1 from frequencies limit 1").fetchone():
        return
    for name in MODELS:
        model = load_model(name)
        for column in model.frequencies():
            records = f"(select * from compared where {OF_KIND[name]})"
            con.execute(
                f"insert into frequencies select '{name}', '{column}', value, share "
                f"from ({count_frequencies(model, column, records)})"
            )


def _add_pairs(con: duckdb.DuckDBPyConnection, model: Model, of_kind: str) -> None:
    con.execute(f"create or replace temp table kind_records as select * from compared where {of_kind}")
    find_pairs(con, model, "kind_records", "kind_pairs")
    score_pairs(con, model, "kind_records", "kind_pairs", "kind_scores", "frequencies")
    # Records of unknown kind were compared as both.
    con.execute("delete from pairs where (left_node, right_node) in "
                "(select (left_node, right_node) from kind_scores) and model <> ?", [model.name])  # fmt: skip
    con.execute(
        f"insert into pairs by name select *, score >= {model.merge} and not is_capped as is_match "
        "from kind_scores"
    )
    for table in ("kind_records", "kind_pairs", "kind_scores"):
        con.execute(f"drop table {table}")
