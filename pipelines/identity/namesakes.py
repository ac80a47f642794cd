"""Customers of whom little but a name is known: attached to the only one whom the name can mean.

Comes in: `components` (node, cluster) of all records, `nodes`, `usable`, `judged`, `claims_made`, `edges`.
Goes out: `edges` with one more for each customer that was attached, and TEMP `clusters` (node, cluster).
A firm's short name means the one firm that has it; a person's full name the only one of a name that hardly a
second person bears. Who knows less is attached to who knows more, those who know most first; places that
differ speak against it. What is asked of all of them is what they were before any was attached, so that none
is attached for what another brought.

How common a name is, is counted when all is matched anew, and kept: a new namesake changes no old decision.
"""

from __future__ import annotations

import duckdb

from pipelines.identity.attach import attach_candidates
from pipelines.identity.records import nothing_kept

_NAMESAKES = 0.05
_NAMESAKES_IN_PLACE = 0.5
"""How many others of one full name are to be expected at most: anywhere, and in the same city."""

TABLES = """
    create table if not exists identity.name_shares (
        part varchar not null, value varchar not null, share double not null);
"""
"""How common each part of a name was when all was last matched; '' stands for what wasn't there."""

# The parts of people's names, letter by letter, and of firms' Latin ones, word by word; how many there are of
# either. Few records say little of how common a name is; so many more are added as if they had been seen.
_SHARES = """
    create or replace temp table name_shares as
    with people as (
        select distinct name_normalised, surname, given_name from nodes
        where party_type is distinct from 'organisation' and given_name is not null),
    parts as (
        select 'surname' as part, surname as value, 200 as smoothing from people
        union all
        select 'letter', unnest({letters}), 2000 from people
        union all
        select 'word', unnest(string_split(core_name, ' ')), 2000
        from (select distinct core_name from nodes where {is_latin})),
    counted as (select part, value, smoothing, count(*) as times from parts group by all)
    select part, value, (times + 1) / (sum(times) over (partition by part) + smoothing) as share from counted
    union all
    select part, '', 1 / (sum(times) + smoothing) from counted group by part, smoothing
    union all
    select case when party_type = 'organisation' then 'firms' else 'people' end, '', count(*)
    from nodes group by 1
"""
_LETTERS = """
    case when regexp_matches(given_name, '^[一-鿿]+$') then string_split(given_name, '') else [given_name] end
"""
_IS_LATIN = "party_type = 'organisation' and regexp_matches(core_name, '^[ -~]+$')"

# How many are to be expected of each name whose parts are given.
_EXPECTED = """
    select name, product(coalesce(shares.share, unseen.share)) * any_value(population.share) as namesakes
    from parts
    left join name_shares as shares using (part, value)
    left join name_shares as unseen on parts.part = unseen.part and unseen.value = ''
    cross join (select share from name_shares where part = '{population}') as population
    group by name
"""

# Customers of whom neither number nor code is known; a WeChat id, which other systems don't know, is none.
# 0: a name and nothing else; 1: with an address, or a firm's name as registered.
_BARE = """
    create or replace temp table bare as
    with without as (
        select node, cluster from components
        anti join (select node from usable where kind <> 'wechat') using (node))
    select cluster, max(case when address is not null or firm_key is not null then 1 else 0 end) as much
    from without
    anti join (from components anti join without using (node)) using (cluster)
    inner join nodes using (node)
    group by cluster
    having bool_or(name_key is not null)
"""

# Firms that a bare one's name can mean: the core first, else the brand.
_FIRM_PAIRS = """
    create or replace temp table name_pairs as
    with firm_forms as (
        select cluster, core_name, brand, trade
        from nodes inner join components using (node)
        where party_type = 'organisation' and branch is null and length(core_name) > 1),
    bare_forms as (select distinct firm_forms.*, much from firm_forms inner join bare using (cluster)),
    matched as (
        select one.cluster, other.cluster as other, one.much, 1 as rank, one.core_name as name
        from bare_forms as one inner join firm_forms as other on one.core_name = other.core_name
        where length(one.core_name) > 2
        union
        select one.cluster, other.cluster, one.much, 2, one.core_name
        from bare_forms as one inner join firm_forms as other on one.brand = other.brand
        where one.core_name <> other.core_name and length(one.brand) > 1
            and regexp_matches(one.brand, '[一-鿿]')
            and (one.trade is null or other.trade is null or starts_with(one.trade, other.trade)
                or starts_with(other.trade, one.trade))),
    parts as (
        select name, 'word' as part, unnest(string_split(name, ' ')) as value
        from (select distinct name from matched where regexp_matches(name, '^[ -~]+$'))),
    expected as ({expected})
    select matched.cluster, other, matched.much, rank, coalesce(namesakes, 0) as namesakes, 'firm' as kind
    from matched left join bare as known on other = known.cluster left join expected using (name)
    where coalesce(known.much, 2) > matched.much
"""

# People of whom less is known than of another of the same full name, or different things.
_PEOPLE_PAIRS = """
    insert into name_pairs
    with people as (
        select node, cluster, name_normalised as name, surname, given_name
        from nodes inner join components using (node)
        where party_type is distinct from 'organisation' and given_name is not null),
    named as (
        select name, min(surname) as surname, min(given_name) as given_name from people group by name
        having min(cluster) <> max(cluster)),
    parts as (
        select name, 'surname' as part, surname as value from named
        union all select name, 'letter', unnest({letters}) from named),
    expected as ({expected}),
    rare as (select name, namesakes from expected where namesakes < $namesakes_in_place),
    forms as (
        select distinct name, cluster, coalesce(much, 2) as much, namesakes
        from people inner join rare using (name) left join bare using (cluster)),
    kinds as (
        select cluster, list(distinct kind) as kinds
        from components semi join (select cluster from forms where much = 2) using (cluster)
        inner join usable using (node)
        where kind <> 'wechat'
        group by cluster)
    select one.cluster, other.cluster, one.much, 1, one.namesakes, 'person'
    from forms as one
    inner join forms as other using (name)
    left join kinds as one_kinds on one.cluster = one_kinds.cluster
    left join kinds as other_kinds on other.cluster = other_kinds.cluster
    where one.cluster <> other.cluster and (one.much < other.much
        or one.much = 2 and other.much = 2 and not list_has_any(one_kinds.kinds, other_kinds.kinds))
"""

# Where each is, as far as anything says so; a place in another city speaks against a bare name.
_PLACES = """
    create or replace temp table places as
    select cluster,
        coalesce(list(distinct coalesce(city, place)) filter (coalesce(city, place) is not null),
            []) as cities,
        coalesce(list(distinct province) filter (province is not null), []) as provinces
    from components
    semi join (select cluster from name_pairs union all select other from name_pairs) using (cluster)
    inner join nodes using (node)
    group by cluster
"""

_FITTING = """
    create or replace temp table fitting as
    select distinct name_pairs.cluster, other, much, name_pairs.kind
    from name_pairs
    inner join places as here on name_pairs.cluster = here.cluster
    inner join places as there on other = there.cluster
    where not (len(here.cities) > 0 and len(there.cities) > 0 and not list_has_any(here.cities, there.cities))
        and not (len(here.provinces) > 0 and len(there.provinces) > 0
            and not list_has_any(here.provinces, there.provinces))
        and namesakes
            < case when list_has_any(here.cities, there.cities) then $namesakes_in_place else $namesakes end
    qualify rank = min(rank) over (partition by name_pairs.cluster, name_pairs.kind)
"""

_LABELS = """
    create or replace temp table labels as
    select node, cluster from components
    semi join (select cluster from fitting union all select other from fitting) using (cluster)
"""

_CANDIDATES = """
    create or replace temp table candidates as
    select distinct own.cluster, others.cluster as other, 'name' as method
    from fitting
    inner join labels as own on fitting.cluster = own.node
    inner join labels as others on fitting.other = others.node
    where much = $much and kind = $kind
"""

_CLUSTERS = """
    create or replace temp table clusters as
    with moved as (
        select distinct components.cluster as earlier, labels.cluster
        from labels inner join components using (node)
        where components.cluster <> labels.cluster)
    select node, coalesce(moved.cluster, components.cluster) as cluster
    from components left join moved on components.cluster = earlier
"""


def attach_namesakes(con: duckdb.DuckDBPyConnection) -> None:
    """Attach whom a name alone can mean, and make `clusters`."""
    _count_names(con)
    con.execute(_BARE)
    con.execute(_FIRM_PAIRS.format(expected=_EXPECTED.format(population="firms")))
    con.execute(
        _PEOPLE_PAIRS.format(letters=_LETTERS, expected=_EXPECTED.format(population="people")),
        {"namesakes_in_place": _NAMESAKES_IN_PLACE},
    )
    con.execute(_PLACES)
    con.execute(_FITTING, {"namesakes": _NAMESAKES, "namesakes_in_place": _NAMESAKES_IN_PLACE})
    con.execute(_LABELS)
    for much in (2, 1, 0):
        for kind in ("firm", "person"):
            con.execute(_CANDIDATES, {"much": much, "kind": kind})
            attach_candidates(con)
    con.execute(_CLUSTERS)
    for table in ("bare", "name_pairs", "places", "fitting", "labels", "candidates",
                  "attached"):  # fmt: skip
        con.execute(f"drop table {table}")


def keep_shares(con: duckdb.DuckDBPyConnection) -> None:
    """Keep how common names are, where it was counted anew. Call it in a transaction."""
    if nothing_kept(con):
        con.execute("delete from identity.name_shares")
        con.execute("insert into identity.name_shares from name_shares")


def _count_names(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create or replace temp table name_shares as from kept_name_shares")
    if nothing_kept(con):
        con.execute(_SHARES.format(letters=_LETTERS, is_latin=_IS_LATIN))
