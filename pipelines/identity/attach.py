"""Records of which too little is known to be compared: attached where exactly one customer can be meant.

Comes in: `nodes`, `usable` (of `match.py`), `pairs`, `judged`, `claims_made`, `edges` and `components`.
Goes out: `edges` with one more for each record, or group of records, that was attached, and `components` with
it in its customer's group. Nobody ever joins two customers in this way: who could belong to several stays
alone, and so does whom a person has judged different from the only one.
"""

from __future__ import annotations

import duckdb

SALES = ("orders", "payments", "receivables", "contracts", "service_costs")
"""Entities whose rows say that somebody buys; a system in which nobody does is an address book."""
_SCORE = 0.85
_NAMESAKES = 0.05
_NAMESAKES_IN_PLACE = 0.5
"""How many others of one full name are to be expected at most: anywhere, and in the same city."""

_LABELS = """
    create or replace temp table labels as
    select nodes.node, coalesce(components.cluster, nodes.node) as cluster
    from nodes left join components using (node)
"""

# Records that have bought, and those of systems in which nobody buys.
_BUYERS = """
    create or replace temp table buyers as
    with sales as ({sales})
    select distinct node from sales inner join customer_references using (system, customer_source_id)
"""
_ADDRESS_BOOKS = """
    create or replace temp table address_books as
    select distinct system from nodes
    where system not in (select system from nodes semi join buyers using (node))
"""

# People of whom only surname or initial is known, at what fits somebody of that surname.
_SURNAMES = """
    create or replace temp table candidates as
    with vague as (
        select cluster from labels inner join nodes using (node)
        group by cluster
        having bool_and(given_name is null or regexp_matches(given_name, '^[a-z]$')))
    select distinct one.cluster, other.cluster as other, pairs.method
    from (
        select left_node, right_node, method from pairs where is_match and is_sparse
        union all
        select right_node, left_node, method from pairs where is_match and is_sparse) as pairs
    inner join labels as one on left_node = one.node
    inner join labels as other on right_node = other.node
    where one.cluster in (from vague) and other.cluster not in (from vague)
"""

# People at a firm's number whose surname is the contact's: of whom no more is known, or whom a salesperson
# has in his WeChat. Who buys, or stands elsewhere by his full name, is a customer of his own, linked to the
# firm.
_PEOPLE_OF_FIRMS = """
    create or replace temp table candidates as
    with attachable as (
        select cluster from labels inner join nodes using (node)
        group by cluster
        having bool_and(party_type is distinct from 'organisation')
            and bool_and(node not in (from buyers)) and bool_and(
                given_name is null or wechat is not null and system in (from address_books))
            and bool_or(surname is not null))
    select distinct people.cluster, firms.cluster as other, one.kind as method
    from usable as one
    inner join usable as two on one.kind = two.kind and one.value = two.value
    inner join nodes as person on one.node = person.node
    inner join labels as people on one.node = people.node
    inner join nodes as firm on two.node = firm.node
    inner join labels as firms on two.node = firms.node
    where one.kind in ('phone', 'email', 'wechat') and firm.party_type = 'organisation'
        and person.surname = two.contact_surname and people.cluster in (from attachable)
"""

# Records without a usable name at somebody's number or address; a person's that sells is no firm's …
_NAMELESS = """
    create or replace temp table candidates as
    with named as (
        select distinct cluster from nodes inner join labels using (node) where name_key is not null)
    select distinct nameless.cluster, others.cluster as other, one.kind as method
    from usable as one
    inner join usable as two on one.kind = two.kind and one.value = two.value
    inner join nodes as record on one.node = record.node
    inner join nodes as customer on two.node = customer.node
    inner join labels as nameless on one.node = nameless.node
    inner join labels as others on two.node = others.node
    where one.kind in ('phone', 'email', 'wechat')
        and nameless.cluster not in (from named) and others.cluster in (from named)
        and (coalesce(record.party_type, customer.party_type) is not distinct from customer.party_type
            or record.system in (from address_books))
"""

# … and those that share a value among themselves only.
_NAMELESS_STARS = """
    create or replace temp table nameless_stars as
    select hub as left_node, node as right_node, min(kind) as method, 0.95 as score
    from (
        select kind, node, min(node) over same as hub, bool_and(name_key is null) over same as all_nameless
        from usable inner join nodes using (node)
        where kind in ('phone', 'email', 'wechat') window same as (partition by kind, value))
    where all_nameless and node <> hub
    group by all
"""

# Where each customer is, as far as anything says so; a place in another city speaks against a bare name.
_PLACES = """
    create or replace temp table places as
    select cluster,
        coalesce(list(distinct coalesce(city, place)) filter (coalesce(city, place) is not null),
            []) as cities,
        coalesce(list(distinct province) filter (province is not null), []) as provinces
    from nodes inner join labels using (node) group by cluster
"""

_FITS = """
    not (len(one_place.cities) > 0 and len(other_place.cities) > 0
            and not list_has_any(one_place.cities, other_place.cities))
        and not (len(one_place.provinces) > 0 and len(other_place.provinces) > 0
            and not list_has_any(one_place.provinces, other_place.provinces))
"""

# 0: a name and nothing else; 1: with an address, or a firm's name as registered; 2: with a number or code. A
# WeChat id, which other systems don't know, is none.
_KNOWN = """
    create or replace temp table known as
    select cluster, max(case when owner is not null then 2
            when address is not null or firm_key is not null then 1 else 0 end) as much,
        coalesce(list(distinct kind) filter (kind is not null), []) as kinds
    from labels inner join nodes using (node)
    left join (select distinct node as owner, kind from usable where kind <> 'wechat') on node = owner
    group by cluster
    having bool_or(name_key is not null)
"""

# Firms of which less is known than of another: the one firm that the name can mean.
_BARE_FIRMS = """
    create or replace temp table candidates as
    with forms as (
        select distinct labels.cluster, name_normalised, core_name, brand, trade
        from nodes inner join labels using (node)
        where party_type = 'organisation' and branch is null and length(core_name) > 1),
    bare as (select * from forms where cluster in (select cluster from known where much = $much)),
    others as (select * from forms where cluster in (select cluster from known where much > $much)),
    matched as (
        select one.cluster, other.cluster as other, 1 as rank, one.core_name
        from bare as one inner join others as other on one.core_name = other.core_name
        where length(one.core_name) > 2
        union all
        select one.cluster, other.cluster, 2, one.core_name
        from bare as one inner join others as other on one.brand = other.brand
        where one.core_name <> other.core_name and length(one.brand) > 1
            and regexp_matches(one.brand, '[一-鿿]')
            and (one.trade is null or other.trade is null or starts_with(one.trade, other.trade)
                or starts_with(other.trade, one.trade)))
    select distinct matched.cluster, matched.other, 'name' as method
    from matched
    inner join places as one_place on matched.cluster = one_place.cluster
    inner join places as other_place on matched.other = other_place.cluster
    left join expected_namesakes on matched.core_name = expected_namesakes.name
    where {fits} and coalesce(namesakes, 0) < case
            when list_has_any(one_place.cities, other_place.cities) then $namesakes_in_place
            else $namesakes end
    qualify rank = min(rank) over (partition by matched.cluster)
"""

# How many people of one full name are to be expected among so many: surname and given name, letter by letter;
# and how many firms of a Latin name, word by word.
# Few records say little of how common a name is; so many more are added as if they had been seen.
_EXPECTED = """
    create or replace temp table expected_namesakes as
    with people as (
        select distinct name_normalised, surname, given_name from nodes
        where party_type is distinct from 'organisation' and given_name is not null),
    letters as (
        select name_normalised, unnest(case when regexp_matches(given_name, '^[一-鿿]+$')
            then string_split(given_name, '') else [given_name] end) as letter from people),
    words as (
        select core_name, unnest(string_split(core_name, ' ')) as word
        from (select distinct core_name from nodes
              where party_type = 'organisation' and regexp_matches(core_name, '^[ -~]+$'))),
    words_shares as (
        select word, (count(*) + 1) / (sum(count(*)) over () + 2000) as share from words group by word),
    surnames as (select surname, (count(*) + 1) / (sum(count(*)) over () + 200) as share
        from people group by all),
    shares as (select letter, (count(*) + 1) / (sum(count(*)) over () + 2000) as share
        from letters group by all)
    select name_normalised as name, any_value(surnames.share) * product(shares.share)
        * (select count(*) from nodes where party_type is distinct from 'organisation') as namesakes
    from people inner join surnames using (surname) inner join letters using (name_normalised)
    inner join shares using (letter)
    group by name_normalised
    union all
    select core_name, product(words_shares.share)
        * (select count(*) from nodes where party_type = 'organisation')
    from words inner join words_shares using (word)
    group by core_name
"""

# People of whom less is known than of another, or different things: the only one of a name that hardly a
# second person bears.
_BARE_PEOPLE = """
    create or replace temp table candidates as
    with forms as (
        select distinct cluster, name_normalised from nodes inner join labels using (node)
        where party_type is distinct from 'organisation' and given_name is not null)
    select distinct one.cluster, other.cluster as other, 'name' as method
    from forms as one
    inner join forms as other using (name_normalised)
    inner join expected_namesakes on one.name_normalised = expected_namesakes.name
    inner join places as one_place on one.cluster = one_place.cluster
    inner join places as other_place on other.cluster = other_place.cluster
    inner join known as one_known on one.cluster = one_known.cluster
    inner join known as other_known on other.cluster = other_known.cluster
    where (one_known.much = $much and other_known.much > $much
            or $much = 2 and one_known.much = 2 and other_known.much = 2 and one.cluster <> other.cluster
                and not list_has_any(one_known.kinds, other_known.kinds))
        and {fits} and namesakes < case when list_has_any(one_place.cities, other_place.cities)
            then $namesakes_in_place else $namesakes end
"""

_JUDGED = """
    delete from candidates where (cluster, other) in (
        select unnest([(one.cluster, other.cluster), (other.cluster, one.cluster)])
        from judged
        inner join labels as one on left_node = one.node
        inner join labels as other on right_node = other.node
        where verdict = 'different')
"""

# Where each could be attached to the other, either must mean the other alone, whatever their order.
_ATTACHED = """
    create or replace temp table attached as
    with alone as (
        select cluster, min(other) as other, min(method) as method
        from candidates where cluster <> other
        group by cluster having min(other) = max(other))
    select alone.*
    from alone left join alone as back on alone.other = back.cluster
    where alone.other not in (select cluster from candidates)
        or back.other = alone.cluster and alone.cluster > alone.other
"""

# Two that may not be one customer are not attached to the same: who they are stays open.
_CONFLICTING = """
    delete from attached where cluster in (
        with groups as (
            select cluster, other from attached union all select distinct other, other from attached),
        said as (
            select distinct groups.other, groups.cluster, claim, value
            from groups inner join labels using (cluster) inner join claims_made using (node))
        select one.cluster
        from said as one inner join said as two using (other, claim)
        where one.cluster <> two.cluster and one.value <> two.value
        union
        select unnest([one.cluster, two.cluster])
        from judged
        inner join labels as left_one on left_node = left_one.node
        inner join labels as right_one on right_node = right_one.node
        inner join groups as one on left_one.cluster = one.cluster
        inner join groups as two on right_one.cluster = two.cluster
        where verdict = 'different' and one.other = two.other)
"""


def tie_nameless(con: duckdb.DuckDBPyConnection) -> None:
    """Add to `edges` those between records without a name at one value; `constrain` cuts what may not be."""
    con.execute(_NAMELESS_STARS)
    con.execute("insert into edges from nameless_stars")
    con.execute("drop table nameless_stars")


def attach(con: duckdb.DuckDBPyConnection) -> None:
    """Attach what can mean one customer only; `components` then has every node."""
    con.execute(_LABELS)
    sales = " union ".join(
        f"select system, customer_source_id from quality.passed_{entity}" for entity in SALES
    )
    con.execute(_BUYERS.format(sales=sales))
    con.execute(_ADDRESS_BOOKS)
    for candidates in (_SURNAMES, _PEOPLE_OF_FIRMS, _NAMELESS):
        con.execute(candidates)
        _attach(con)
    con.execute(_EXPECTED)
    for much in (2, 1, 0):
        con.execute(_PLACES)
        con.execute(_KNOWN)
        known = {"much": much, "namesakes": _NAMESAKES, "namesakes_in_place": _NAMESAKES_IN_PLACE}
        con.execute(_BARE_FIRMS.format(fits=_FITS), known)
        _attach(con)
        con.execute(_BARE_PEOPLE.format(fits=_FITS), known)
        _attach(con)
    con.execute("create or replace temp table components as from labels")
    for table in ("labels", "usable", "address_books", "buyers", "candidates", "attached", "places", "known",
                  "expected_namesakes"):  # fmt: skip
        con.execute(f"drop table {table}")


def _attach(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(_JUDGED)
    con.execute(_ATTACHED)
    con.execute(_CONFLICTING)
    con.execute(f"insert into edges select cluster, other, method, {_SCORE} from attached")
    con.execute(
        "update labels set cluster = attached.other from attached where labels.cluster = attached.cluster"
    )
