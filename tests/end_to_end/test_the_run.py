"""What one run makes of a company whose truth is known.

If one of these fails, the published figures are wrong, or differ from run to run.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import duckdb
import pytest

from pipelines.orchestration.dbt_project import run_dbt
from pipelines.settings import load_settings
from tests.end_to_end.conftest import Company


def _one(con: duckdb.DuckDBPyConnection, query: str) -> tuple[object, ...]:
    row = con.execute(query).fetchone()
    assert row is not None
    return row


def test_the_run_never_saw_the_truth(company: Company) -> None:
    """The truth lay outside GUIKE_HOME during the run; that it succeeded is the proof."""
    assert not (company.home / "demo" / "truth").exists()
    assert (company.truth / "entity_records.parquet").exists()


def test_every_system_came_in_and_every_mart_has_rows(company: Company) -> None:
    with company.published() as con:
        assert _one(con, "select count(distinct system) from ops.loads where status = 'loaded'") == (10,)
        for relation in (
            "marts.customer_tiers",
            "marts.tier_movement",
            "marts.customer_churn",
            "marts.churn_by_quarter",
        ):
            assert _one(con, f"select count(*) > 0 from {relation}") == (True,), relation


def test_all_stars_and_classes_occur(company: Company) -> None:
    with company.published() as con:
        tiers = con.execute("select distinct scheme, tier_code from marts.customer_tiers").fetchall()
    assert {code for scheme, code in tiers if scheme == "abc"} == {"A", "B", "C"}
    assert len({code for scheme, code in tiers if scheme == "star"}) >= 6


def test_both_kinds_of_churn_carry_reasons_and_evidence(company: Company) -> None:
    with company.published() as con:
        kinds = dict(con.execute("select kind, count(*) from marts.customer_churn group by kind").fetchall())
        contractual = con.execute("select distinct is_contractual from marts.customer_churn").fetchall()
        unproven = _one(
            con, "select count(*) from marts.customer_churn where kind = 'active' and evidence_id is null"
        )
    assert kinds["active"] > 0
    assert kinds["passive"] > 0
    assert len(contractual) == 2
    assert unproven == (0,)


def test_revenue_is_the_true_revenue_to_the_cent(company: Company) -> None:
    """What the core counts plus what gate 1 set aside is what the company really sold, per system."""
    truth = str(company.truth / "revenue_by_month.parquet")
    with duckdb.connect(str(company.home / "guike.duckdb"), read_only=True) as con:
        rows = con.execute(f"""
            with unified as (
                select system, sum(amount_gross) as amount
                from core.fct_orders where is_revenue group by system
            ),
            aside as (
                select orders.system, sum(orders.amount_gross) as amount
                from input.orders
                semi join quality.set_aside as gone
                    on gone.entity = 'orders' and gone.system = orders.system
                    and gone.source_table = orders.source_table and gone.source_id = orders.source_id
                where orders.status = 'confirmed'
                group by orders.system
            ),
            true_revenue as (select system, sum(amount_gross) as amount from '{truth}' group by system)
            select true_revenue.system, true_revenue.amount,
                coalesce(unified.amount, 0) + coalesce(aside.amount, 0)
            from true_revenue left join unified using (system) left join aside using (system)
        """).fetchall()
    assert {system for system, _, _ in rows} == {"crm", "erp", "ledger", "members"}
    for system, true_amount, found in rows:
        assert Decimal(found) == Decimal(true_amount).quantize(Decimal("0.01")), system


def test_records_of_one_customer_are_told_apart_and_together(company: Company) -> None:
    """Pairwise against the truth: exact keys find no strangers, and most of the kin."""
    truth = str(company.truth / "entity_records.parquet")
    with duckdb.connect(str(company.home / "guike.duckdb"), read_only=True) as con:
        precision, recall = _one(
            con,
            f"""
            with judged as (
                select xref.customer_id, truth.true_customer
                from identity.records as records
                join identity.customer_xref as xref using (system, source_table, source_id)
                join '{truth}' as truth
                    on truth.system = records.system and truth.source_table = records.source_table
                    -- a WeChat id is personal data, so its hash is the key
                    and records.source_id in (truth.source_id, md5(truth.source_id))
            ),
            pairs as (
                select sum(n * (n - 1) / 2) as n from (select count(*) as n from judged group by customer_id)
            ),
            kin as (
                select sum(n * (n - 1) / 2) as n
                from (select count(*) as n from judged group by true_customer)
            ),
            both_ as (
                select sum(n * (n - 1) / 2) as n
                from (select count(*) as n from judged group by customer_id, true_customer)
            )
            select both_.n / pairs.n, both_.n / kin.n from pairs, kin, both_
            """,
        )
    assert float(str(precision)) >= 0.97
    assert float(str(recall)) >= 0.60


def test_every_row_that_names_a_customer_is_resolved_or_counted(company: Company) -> None:
    with duckdb.connect(str(company.home / "guike.duckdb"), read_only=True) as con:
        for entity in (
            "customers",
            "orders",
            "payments",
            "contracts",
            "tickets",
            "interactions",
            "surveys",
            "usage",
        ):
            missing, counted = _one(
                con,
                f"""
                select
                    (select count(*) from quality.passed_{entity} anti join identity.customer_xref
                        using (system, source_table, source_id)),
                    (select coalesce(sum(rows), 0) from identity.unresolved where entity = '{entity}')
                """,
            )
            assert missing == counted, entity


def test_gate_2_reconciles_every_system(company: Company) -> None:
    with company.published() as con:
        lines = con.execute(
            "select system, measure, difference, is_reconciled from quality.reconciliation"
        ).fetchall()
    assert {system for system, *_ in lines} >= {"crm", "erp", "ledger", "members", "wechat"}
    assert all(reconciled and not difference for _, _, difference, reconciled in lines)


def test_no_number_address_or_person_is_published_in_the_clear(company: Company) -> None:
    """Every text column of every published relation, keys aside, free text included."""
    mobile, email = r"(^|\D)1[3-9]\d{9}(\D|$)", r"[\w.+-]{2,}@[\w-]+\.\w+"
    with company.published() as con:
        columns = con.execute(
            "select table_schema || '.' || table_name, column_name from information_schema.columns "
            "where data_type = 'VARCHAR' and column_name not like '%\\_id' escape '\\'"
        ).fetchall()
        for relation, column in columns:
            # 13800000000 is the rules' own example of nobody's number; digests have digits by chance.
            query = f"""
                with texts as (
                    select regexp_replace(replace("{column}", '13800000000', ''), '[0-9a-f]{{32,}}', '', 'g')
                        as text
                    from {relation})
                select count(*) from texts where regexp_matches(text, ?) or regexp_matches(text, ?)
            """
            assert con.execute(query, [mobile, email]).fetchone() == (0,), f"{relation}.{column}"
        people = """
            select count(*) from core.dim_customers
            where contact_name not like '_*%' or (party_type = 'person' and customer_name not like '_*%')
        """
        assert _one(con, people) == (0,)
    assert len(columns) > 100


@pytest.mark.slow
def test_unit_tests_beside_core_and_marts_pass(copy: Company) -> None:
    """dbt asks the warehouse for the columns of what they stand in for, so a company must be there."""
    settings = replace(load_settings(), home=copy.home)
    selected = ("path:models/core,test_type:unit", "path:models/marts,test_type:unit")
    with run_dbt(settings, "test", "--select", *selected) as command:
        told = command.lines.read()
        assert command.wait() == 0, told
    assert len(re.findall(r"PASS \w+::", told)) >= 20


def _state(company: Company) -> dict[str, object]:
    """What an unchanged run must leave alone, beside the marts: ids, the log, the moment of each load."""
    queries = {
        "ids": "select * from identity.customer_xref order by all",
        "log": "select count(*), max(change_id) from identity.customer_id_changes",
        "issues": "select * from quality.record_issues order by all",
        "loads": "select system, source_table, max(loaded_at) from ops.loads where status = 'loaded' "
        "group by all order by all",
    }
    with duckdb.connect(str(company.home / "guike.duckdb"), read_only=True) as con:
        return {name: con.execute(query).fetchall() for name, query in queries.items()}


def _skipped(company: Company) -> set[str]:
    """The stages that found nothing to do in the last run."""
    with duckdb.connect(str(company.home / "guike.duckdb"), read_only=True) as con:
        rows = con.execute(
            "select stage from ops.run_stages where status = 'skipped' "
            "and run_id = (select run_id from ops.runs order by started_at desc limit 1)"
        ).fetchall()
    return {stage for (stage,) in rows}


@pytest.mark.slow
def test_a_second_run_changes_nothing(copy: Company) -> None:
    marts, state = copy.marts(), _state(copy)
    assert not _skipped(copy)

    copy.guike("run")

    assert copy.marts() == marts
    assert _state(copy) == state
    assert _skipped(copy) >= {"staging", "gate_1", "identity", "core", "gate_2", "marts"}
