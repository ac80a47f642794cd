"""Old reports: they follow to the present customers, or stay as reported.

Failing means that last year's figures can't be laid beside this year's, or can't be explained any more. The
SQL is that of the dbt models and of the two queries in their descriptions, on a world in which a merge and a
split have happened.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.identity import judgements
from pipelines.identity.ledger import REPLAYED_MEMBERS
from pipelines.settings import ROOT
from tests.dbt_models import model_sql
from tests.identity.conftest import World, make_world
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


_PEOPLE = {"a": "王伟", "b": "李娜", "c": "赵强"}


def _put(world: World, present: str = "abc") -> None:
    """People whom nothing makes one, with one order each."""
    world.put(
        [{"source_id": who, "party_type": "person", "customer_name": _PEOPLE[who]} for who in present],
        orders=[{"source_id": f"o{who}", "customer_source_id": who} for who in present],
    )


def _judge(world: World, verdict: str, left: str, right: str) -> None:
    judgements.add(world.settings, verdict, f"crm.customers.{left}", f"crm.customers.{right}", "Lin", "seen")


@dataclass(frozen=True)
class Told:
    """A world after its runs; what was reported after each, and when."""

    world: World
    reports: dict[str, Any]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Three runs: apart; a and b merged; a and b apart again, b with c."""
    world, reports = make_world(tmp_path_factory.mktemp("told")), {}
    _put(world)
    for moment, verdicts in {
        "apart": [], "merged": [("same", "a", "b")], "split": [("different", "a", "b"), ("same", "b", "c")],
    }.items():  # fmt: skip
        for verdict in verdicts:
            _judge(world, *verdict)
        world.run()
        with store.connect(world.settings) as con:
            _build_models(con)
            rows = con.execute("select customer_id, sum(amount_gross) from core.fct_orders group by 1")
            reports[moment] = (store.now(), dict(rows.fetchall()))
    return Told(world, reports)


def _as_reported(world: World, moment: datetime) -> dict[str, int]:
    with store.connect(world.settings) as con:
        return dict(
            con.execute(_query_in_description("customer_xref_history"), {"moment": moment}).fetchall()
        )


def test_the_world_merges_and_splits(told: Told) -> None:
    assert told.reports["apart"][1] == {"C00000001": 100, "C00000002": 20, "C00000003": 3}
    assert told.reports["merged"][1] == {"C00000001": 120, "C00000003": 3}
    assert sorted(told.reports["split"][1].values()) == [23, 100]


@pytest.mark.parametrize("when", ["apart", "merged", "split"])
def test_a_report_of_any_day_stays_as_reported(told: Told, when: str) -> None:
    moment, reported = told.reports[when]
    assert _as_reported(told.world, moment) == reported


@pytest.mark.parametrize("when", ["apart", "merged", "split"])
def test_a_report_of_any_day_follows_to_ids_in_force(told: Told, when: str) -> None:
    old = told.reports[when][1]
    with store.connect(told.world.settings) as con:
        con.execute("create temp table old_report (customer_id varchar, amount integer)")
        con.executemany("insert into old_report values (?, ?)", list(old.items()))
        followed = dict(con.execute(_query_in_description("customer_aliases")).fetchall())
        active = con.execute("select customer_id from identity.customer_ids where status = 'active'")
        in_force = {customer_id for (customer_id,) in active.fetchall()}
    assert sum(followed.values()) == sum(old.values())
    assert set(followed) <= in_force


def test_the_history_of_records_is_the_ledgers(told: Told) -> None:
    for moment, _ in told.reports.values():
        with store.connect(told.world.settings) as con:
            replayed = con.execute(REPLAYED_MEMBERS, {"as_of": moment}).fetchall()
            told_by_history = con.execute(
                "select system, source_table, source_id, customer_id from core.customer_xref_history "
                "where source_table = 'customers' and valid_from <= $moment "
                "and coalesce(valid_to > $moment, true)",
                {"moment": moment},
            ).fetchall()
        assert sorted(replayed) == sorted(told_by_history)


def test_a_deleted_row_has_an_end_and_a_returning_one_a_new_beginning(world: World) -> None:
    for present in ("ab", "a", "ab"):
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


def test_a_new_method_leaves_the_span_alone(world: World) -> None:
    """c comes to b, so that b no longer stands on its own; it belongs to its customer as before."""
    about_b = (
        "select valid_from, method from identity.customer_xref "
        "where source_table = 'customers' and source_id = 'b'"
    )
    _put(world, "ab")
    world.run()
    [(since, method)] = world.rows(about_b)
    _put(world)
    _judge(world, "same", "b", "c")
    world.run()
    [(still, other_method)] = world.rows(about_b)
    assert (still, other_method != method) == (since, True)
    assert world.rows("from identity.customer_xref_past") == []
