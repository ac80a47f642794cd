"""Old reports: they follow to the present customers, or stay as reported.

Failing means that last year's figures can't be laid beside this year's, or can't be explained any more. The
SQL is that of the dbt models and of the two queries in their descriptions, on a world in which a merge and a
split have happened.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.identity.ledger import REPLAYED_MEMBERS
from pipelines.settings import ROOT
from tests.dbt_models import model_sql
from tests.identity.conftest import World
from warehouse import store

_CORE = ROOT / "dbt_project" / "models" / "core"
_MODELS = ("customer_aliases", "customer_xref_history")
_AMOUNTS = {"a": 100, "b": 20, "c": 3}


def _query_in_description(model: str) -> str:
    """The query that the model's description gives its reader."""
    text = (_CORE / "_customers.yml").read_text(encoding="utf-8")
    [about] = [entry for entry in yaml.safe_load(text)["models"] if entry["name"] == model]
    found = re.search(r"`(select [^`]+)`", about["description"])
    assert found is not None
    return found[1]


def _build_models(con: duckdb.DuckDBPyConnection) -> None:
    """The models as views, and the orders as facts."""
    for model in _MODELS:
        con.execute(f"create or replace view core.{model} as {model_sql(model)}")
    amounts = ", ".join(f"('{source_id}', {amount})" for source_id, amount in _AMOUNTS.items())
    con.execute(
        f"""
        create or replace table core.fct_orders as
        select system, source_table, source_id, customer_id, amount as amount_gross, true as is_revenue
        from quality.passed_orders
        inner join identity.customer_xref using (system, source_table, source_id)
        inner join (values {amounts}) as amounts(of_customer, amount) on customer_source_id = of_customer
        """
    )


def _person(source_id: str, email: str) -> dict[str, Any]:
    return {"source_id": source_id, "party_type": "person", "customer_name": "王伟", "email": email}


def _put(world: World, emails: dict[str, str], bridge: tuple[str, str] | None = None) -> None:
    """People with one order each; the bridge gives the first of the two the second's address as well."""
    contacts = (
        [{"source_id": "x", "customer_source_id": bridge[0], "customer_email": emails[bridge[1]]}]
        if bridge
        else []
    )
    world.put(
        [_person(source_id, email) for source_id, email in emails.items()],
        contacts=contacts,
        orders=[{"source_id": f"o{source_id}", "customer_source_id": source_id} for source_id in emails],
    )


@pytest.fixture
def told(world: World) -> dict[str, Any]:
    """Three runs: apart; a and b merged; a and b apart again, b with c. What was reported, and when."""
    apart = {"a": "a@example.com", "b": "b@example.com", "c": "c@example.com"}
    together = apart | {"c": "b@example.com"}
    reports: dict[str, Any] = {}
    for moment, (emails, bridge) in {
        "apart": (apart, None), "merged": (apart, ("a", "b")), "split": (together, None),
    }.items():  # fmt: skip
        _put(world, emails, bridge)
        world.run()
        with store.connect(world.settings) as con:
            _build_models(con)
            rows = con.execute("select customer_id, sum(amount_gross) from core.fct_orders group by 1")
            reports[moment] = (store.now(), dict(rows.fetchall()))
    return reports


def _as_reported(world: World, moment: datetime) -> dict[str, int]:
    with store.connect(world.settings) as con:
        return dict(
            con.execute(_query_in_description("customer_xref_history"), {"moment": moment}).fetchall()
        )


def test_the_world_merges_and_splits(told: dict[str, Any]) -> None:
    assert told["apart"][1] == {"C00000001": 100, "C00000002": 20, "C00000003": 3}
    assert told["merged"][1] == {"C00000001": 120, "C00000003": 3}
    assert sorted(told["split"][1].values()) == [23, 100]


@pytest.mark.parametrize("when", ["apart", "merged", "split"])
def test_a_report_of_any_day_stays_as_reported(world: World, told: dict[str, Any], when: str) -> None:
    moment, reported = told[when]
    assert _as_reported(world, moment) == reported


@pytest.mark.parametrize("when", ["apart", "merged", "split"])
def test_a_report_of_any_day_follows_to_ids_in_force(world: World, told: dict[str, Any], when: str) -> None:
    old = told[when][1]
    with store.connect(world.settings) as con:
        con.execute("create temp table old_report (customer_id varchar, amount integer)")
        con.executemany("insert into old_report values (?, ?)", list(old.items()))
        followed = dict(con.execute(_query_in_description("customer_aliases")).fetchall())
        active = con.execute("select customer_id from identity.customer_ids where status = 'active'")
        in_force = {customer_id for (customer_id,) in active.fetchall()}
    assert sum(followed.values()) == sum(old.values())
    assert set(followed) <= in_force


def test_the_history_of_records_is_the_ledgers(world: World, told: dict[str, Any]) -> None:
    for moment, _ in told.values():
        with store.connect(world.settings) as con:
            replayed = con.execute(REPLAYED_MEMBERS, {"as_of": moment}).fetchall()
            told_by_history = con.execute(
                "select system, source_table, source_id, customer_id from core.customer_xref_history "
                "where source_table = 'customers' and valid_from <= $moment "
                "and coalesce(valid_to > $moment, true)",
                {"moment": moment},
            ).fetchall()
        assert sorted(replayed) == sorted(told_by_history)


def test_a_deleted_row_has_an_end_and_a_returning_one_a_new_beginning(world: World) -> None:
    emails = {"a": "a@example.com", "b": "b@example.com"}
    for present in (emails, {"a": "a@example.com"}, emails):
        _put(world, present)
        world.run()
    with store.connect(world.settings) as con:
        _build_models(con)
        spans = con.execute(
            "select valid_from, valid_to from core.customer_xref_history where source_id = 'ob' order by 1"
        ).fetchall()
    [(began, ended), (returned, until)] = spans
    assert began < ended < returned
    assert until is None


def test_a_new_score_leaves_the_span_alone(world: World) -> None:
    """b's method changes from own to email when c comes; it belongs to its customer as before."""
    _put(world, {"a": "a@example.com", "b": "b@example.com"})
    world.run()
    [since] = world.rows("select valid_from from identity.customer_xref where source_id = 'b'")
    _put(world, {"a": "a@example.com", "b": "b@example.com", "c": "b@example.com"})
    world.run()
    assert world.rows("select valid_from from identity.customer_xref where source_id = 'b'") == [since]
    assert world.rows("select method from identity.customer_xref where source_id = 'b'") == [("email",)]
    assert world.rows("from identity.customer_xref_past") == []
