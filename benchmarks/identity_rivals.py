"""What one would use instead of Guike's matcher, on the very same customers' records.

Comes in: a connection with the TEMP view `given` (record, name, contact, phone, mobile, email, code, wechat,
region, address; record is a number). Goes out: the table `rival_clusters` (record, cluster); records that
aren't in it stand alone. Nothing is tuned on the truth: each rival runs as its own documentation shows.

- `phone`: records with the same digits in phone or mobile (without +86, 0086, +44, leading zeros).
- `splink`: Splink as in its tutorial: lower case and trimmed, name, phone, e-mail, code with its stock
  comparisons, blocking on each, EM training, clusters at probability 0.95.
- GoldenMatch without configuration, on all columns as they are, and told as its front page does which are
  keys (the same number, address or code) with names alike at 0.85; both again on the columns that
  Guike has normalised (`identity.records`).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from typing import Any

import duckdb

from pipelines.identity.cluster import connect_components

GOLDENMATCH = "not installed: pip install goldenmatch"

_GIVEN = """
    create or replace temp view given as
    select row_number() over (order by system, source_table, source_id) as record,
        system, source_table, source_id, customer_name as name, contact_name as contact, mobile, phone, email,
        credit_code as code, wechat_id as wechat, region, address
    from quality.passed_customers
"""
_LIGHTLY_CLEANED = """
    create or replace table light as
    select record as unique_id, nullif(lower(trim(name)), '') as name,
        nullif(lower(trim(coalesce(mobile, phone))), '') as phone,
        nullif(lower(trim(email)), '') as email, nullif(lower(trim(code)), '') as code,
        nullif(lower(trim(coalesce(address, region))), '') as address
    from given
"""
_NORMALISED = ("name_normalised", "core_name", "surname", "mobile_normalised", "phone_normalised",
               "email_normalised", "credit_code_normalised", "party_type")  # fmt: skip


def prepare(con: duckdb.DuckDBPyConnection) -> None:
    """Make `given` from the warehouse behind `con`."""
    con.execute(_GIVEN)


def by_phone(con: duckdb.DuckDBPyConnection) -> None:
    """The same number, the same customer."""
    con.execute(
        """
        create or replace table numbers as
        with said as (
            select record, unnest([mobile, phone]) as number from given),
        cleaned as (
            select record, regexp_replace(regexp_replace(number, '\\.0$', ''), '[^0-9]', '', 'g') as digits
            from said)
        select record, regexp_replace(digits, '^(0086|86|0044|44|0)', '') as digits
        from cleaned where length(digits) >= 7
        """
    )
    con.execute(
        "create or replace table phone_edges as select min(record) over (partition by digits) as left_node, "
        "record as right_node from numbers"
    )
    _cluster(con, "phone_edges")


def by_splink(con: duckdb.DuckDBPyConnection) -> None:
    """Splink's tutorial on these columns."""
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    con.execute(_LIGHTLY_CLEANED)
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            cl.NameComparison("name"),
            cl.ExactMatch("phone").configure(term_frequency_adjustments=True),
            cl.EmailComparison("email"),
            cl.ExactMatch("code"),
            cl.JaroWinklerAtThresholds("address", [0.9, 0.8]),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("name"), block_on("phone"), block_on("email"), block_on("code"),
            block_on("substr(name, 1, 3)", "substr(address, 1, 4)"),
        ],
    )  # fmt: skip
    api = DuckDBAPI(connection=con)
    linker = Linker(api.register(con.table("light").to_arrow_table()), settings, log_level=None)
    train = linker.training
    train.estimate_probability_two_random_records_match(
        [block_on("phone", "name"), block_on("email")], recall=0.7
    )
    train.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    train.estimate_parameters_using_expectation_maximisation(block_on("phone"))
    train.estimate_parameters_using_expectation_maximisation(block_on("name"))
    found = linker.inference.predict(threshold_match_probability=0.95)
    con.execute(
        "create or replace table splink_edges as "
        f"select unique_id_l as left_node, unique_id_r as right_node from {found.physical_name}"
    )
    _cluster(con, "splink_edges")


def by_goldenmatch(con: duckdb.DuckDBPyConnection, is_told: bool) -> None:
    """GoldenMatch on the columns as they are; told which are keys, or not."""
    keys = ("mobile", "email", "code") if is_told else ()
    _goldenmatch(con, "select * exclude (record, system, source_table, source_id) from given order by record",
                 "name", keys)  # fmt: skip


def by_goldenmatch_normalised(con: duckdb.DuckDBPyConnection, is_told: bool) -> None:
    """GoldenMatch on the columns as Guike has normalised them; told which are keys, or not."""
    there = {row[0] for row in con.execute("describe identity.records").fetchall()}
    columns = ", ".join(name for name in _NORMALISED if name in there)
    keys = "system, source_table, source_id"
    _goldenmatch(
        con,
        f"select {columns}, region, address from given inner join identity.records using ({keys}) "
        "order by record",
        "name_normalised",
        ("mobile_normalised", "email_normalised", "credit_code_normalised") if is_told else (),
    )


def _goldenmatch(con: duckdb.DuckDBPyConnection, query: str, name: str, keys: tuple[str, ...]) -> None:
    import goldenmatch

    frame = con.execute(query).to_arrow_table()
    told: dict[str, Any] = {"exact": list(keys), "fuzzy": {name: 0.85}} if keys else {}
    result = goldenmatch.dedupe_df(frame, confidence_required=False, **told)
    members = [
        (int(row) + 1, cluster) for cluster, about in result.clusters.items() for row in about["members"]
    ]
    con.execute("create or replace table rival_clusters (record bigint, cluster bigint)")
    if members:
        con.executemany("insert into rival_clusters values (?, ?)", members)


def is_installed(rival: str) -> bool:
    """Whether the rival's package is there."""
    package = (
        "goldenmatch" if rival.startswith("goldenmatch") else "splink" if rival == "splink" else "duckdb"
    )
    return importlib.util.find_spec(package) is not None


def _cluster(con: duckdb.DuckDBPyConnection, edges: str) -> None:
    connect_components(con, edges, "rival_components")
    con.execute(
        "create or replace table rival_clusters as select node as record, cluster from rival_components"
    )


RIVALS: dict[str, Callable[[duckdb.DuckDBPyConnection], None]] = {
    "exact phone": by_phone,
    "splink": by_splink,
    "goldenmatch": partial(by_goldenmatch, is_told=False),
    "goldenmatch, told keys": partial(by_goldenmatch, is_told=True),
    "goldenmatch, normalised": partial(by_goldenmatch_normalised, is_told=False),
    "goldenmatch, normalised, told keys": partial(by_goldenmatch_normalised, is_told=True),
}
