"""The staging models, the input contract and its checks, as dbt builds them.

Failing means that a system's rows would reach the unified view with a wrong meaning (a unit test beside the
model says which), that a spec and its staging SQL have come apart, or that a system with no rows stops
the run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from datetime import datetime

import pytest

from pipelines.extract.registry import registry
from pipelines.extract.specs import ENTITIES, load_specs
from pipelines.settings import load_settings
from tests.dbt_staging.projects import Outcome, Project

SELECTION = ("--select", "path:models/staging", "path:models/input")
CHECKED = ("customers", "orders", "order_lines", "payments")


@pytest.fixture(scope="module")
def built(empty_company: Project) -> Outcome:
    """One build of staging, input and checks with all their tests, over empty raw tables."""
    return empty_company.dbt("build", *SELECTION)


@pytest.mark.slow
def test_everything_builds_from_empty_raw_tables(built: Outcome, empty_company: Project) -> None:
    assert built.code == 0, built.output
    for entity in ENTITIES:
        assert empty_company.query(f"select count(*) from input.{entity}") == [(0,)]
    for entity in CHECKED:
        assert empty_company.query(f"select count(*) from quality.check__{entity}") == [(0,)]


@pytest.mark.slow
def test_unit_tests_beside_the_models_pass(built: Outcome) -> None:
    units = {node: row["status"] for node, row in built.results.items() if node.startswith("unit_test.")}
    assert len(units) >= 10
    assert set(units.values()) == {"pass"}, units


@pytest.mark.slow
def test_schemas_are_named_exactly(built: Outcome, empty_company: Project) -> None:
    rows = empty_company.query("select distinct table_schema from information_schema.tables")
    made = {schema for (schema,) in rows if not schema.startswith("raw_")} - {"ops"}
    assert made == {"staging", "input", "quality"}


def test_registry_is_up_to_date() -> None:
    settings = load_settings()
    text = (settings.dbt_dir / "macros" / "registry.sql").read_text(encoding="utf-8")
    models, zones = (ast.literal_eval(literal) for literal in re.findall(r"return\((\{.*?\})\)", text, re.S))
    assert models == registry(settings)
    assert zones == {spec.name: spec.timezone for spec in load_specs(settings)}


Make = Callable[[dict[str, dict[str, str]]], Project]
_KEY = "'t' as source_table, '1' as source_id, timestamp '2026-01-01' as loaded_at"


@pytest.mark.slow
def test_union_fills_casts_and_names_the_system(small_project: Make) -> None:
    project = small_project(
        {
            "customers": {
                "stg_shop__customers": f"select {_KEY}, '李芳' as customer_name",
                "stg_old_shop__customers__members": f"select {_KEY}, '138' as mobile, true as is_blocked",
            },
            "usage": {"stg_shop__usage": f"select {_KEY}, '12' as logins"},
        }
    )
    outcome = project.dbt("build")
    assert outcome.code == 0, outcome.output
    rows = project.query("select system, customer_name, mobile, is_blocked from input.customers order by all")
    assert rows == [("old_shop", None, "138", True), ("shop", "李芳", None, None)]
    assert project.query("select logins, used_on from input.usage") == [(12, None)]
    # No system has orders: the relation is there all the same, with its columns.
    assert project.query("select system, amount_gross from input.orders") == []


@pytest.mark.slow
def test_times_are_read_in_the_zone_of_their_system(small_project: Make) -> None:
    written = f"select {_KEY}, {{{{ to_utc(\"'2026-01-01 09:00'\") }}}} as created_at"
    project = small_project(
        {
            "customers": {
                "stg_kyoto__customers": written,
                "stg_kyoto__customers__new": written.replace("'1' as source_id", "'2' as source_id"),
            }
        }
    )
    outcome = project.dbt("build", "--select", "+input__customers")
    assert outcome.code == 0, outcome.output
    assert project.query("select distinct created_at from input.customers") == [(datetime(2026, 1, 1),)]


@pytest.mark.slow
def test_union_refuses_what_the_contract_does_not_know(small_project: Make) -> None:
    project = small_project(
        {
            "customers": {"stg_shop__customers": f"select {_KEY}, '李芳' as nickname"},
            "orders": {"stg_shop__orders": "select '1' as source_id, 1 as amount_gross"},
            "usage": {"stg_shop__usage": f"select {_KEY} union all select {_KEY}"},
        }
    )
    outcome = project.dbt("build")
    assert outcome.code == 1
    message = outcome.results["model.guike.input__customers"]["message"]
    assert "not in the contract: nickname" in message
    assert "stg_shop__customers has: source_table, source_id, loaded_at, nickname" in message
    assert "the contract has: system, source_table, source_id, loaded_at, party_type" in message
    assert "must be there: source_table, loaded_at" in outcome.results["model.guike.input__orders"]["message"]
    keys = [row for node, row in outcome.results.items() if "is_record_key_input__usage" in node]
    assert [row["status"] for row in keys] == ["fail"]
