"""The benchmark's data: what is resolvable, what is made up. A failure: its figures mean something else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import duckdb
import pytest

from benchmarks.identity_scores import score
from benchmarks.identity_shared import DATA_SETS, DataSet, is_there, scored
from benchmarks.identity_truth import label
from benchmarks.identity_unseen import contract_columns, let_in, make_unseen, unseen_truth
from pipelines.identity.resolve import run_identity
from pipelines.settings import load_settings
from warehouse import store


@pytest.mark.parametrize("language", ["zh", "en"])
def test_unseen_customers_are_the_same_for_a_seed_and_all_have_a_truth(tmp_path: Path, language: str) -> None:
    rows = []
    for name in ("one", "two"):
        count = make_unseen(tmp_path / name, language, 300, 5)
        with duckdb.connect(str(tmp_path / name / "guike.duckdb")) as con:
            unseen_truth(con, tmp_path / name)
            rows.append(con.execute("from quality.passed_customers order by system, source_id").fetchall())
            known = con.execute(
                "select count(*) from quality.passed_customers semi join truth_rows "
                "using (system, source_table, source_id)"
            ).fetchone()
        assert known == (count,)
    assert rows[0] == rows[1]


def test_records_held_back_are_let_in_later(tmp_path: Path) -> None:
    count = make_unseen(tmp_path, "zh", 400, 5, held_back=0.1)
    settings = dataclasses.replace(load_settings(), home=tmp_path)
    first = run_identity(settings, "one").records
    assert 0.8 * count < first < count
    with store.connect(settings) as con:
        let_in(con)
    assert run_identity(settings, "two").records == count


def test_a_row_is_resolvable_by_values_that_tell_and_can_be_compared(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "made.duckdb")) as con:
        _small_world(con)
        label(con)
        found = dict(con.execute("select source_id, why_not from labelled").fetchall())
        halves = (
            score(con, "labelled", "half = 'tune'").records
            + score(con, "labelled", "half = 'report'").records
        )
    assert found == {
        "phone": None,
        "same phone": None,
        "title only": "nothing that tells",
        "other title": "nothing that tells",
        "phone nobody else has": "stands in no other record",
        "firm": None,
        "call": None,
    }
    assert halves == len(found)


def _small_world(con: duckdb.DuckDBPyConnection) -> None:
    """Three people and a firm; one row per case, named for it."""

    con.execute("create schema quality; create schema identity")
    for entity, columns in contract_columns().items():
        about = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        con.execute(f"create table quality.passed_{entity} ({about})")
    con.execute(
        "create table identity.customer_xref "
        "(system varchar, source_table varchar, source_id varchar, customer_id varchar)"
    )
    con.execute(
        """
        insert into quality.passed_customers by name
        select 'crm' as system, 'customers' as source_table, * from (values
            ('phone', '李芳', '13711112222'), ('same phone', '李小姐', '+86 １３７ 1111 2222'),
            ('title only', '李小姐', null), ('other title', '李小姐', null),
            ('phone nobody else has', null, '13733334444'), ('firm', '济宁顺达轴承有限公司', null)
        ) as said (source_id, customer_name, mobile);
        insert into quality.passed_interactions (system, source_table, source_id, customer_phone)
        values ('desk', 'calls', 'call', '13711112222');
        create temp table truth_rows as
        select *, truth as apart, truth = 'D' as is_firm from (values
            ('crm', 'customers', 'phone', 'A'), ('crm', 'customers', 'same phone', 'A'),
            ('crm', 'customers', 'title only', 'A'), ('crm', 'customers', 'other title', 'B'),
            ('crm', 'customers', 'phone nobody else has', 'A'), ('crm', 'customers', 'firm', 'D'),
            ('desk', 'calls', 'call', 'A')) as said (system, source_table, source_id, truth)
        """
    )


@pytest.mark.skipif(not is_there(), reason="the public data sets in ../shared/data aren't here")
@pytest.mark.parametrize("data", DATA_SETS, ids=lambda data: data.name)
def test_english_models_reach_what_is_asked_of_them(data: DataSet) -> None:
    pytest.importorskip("splink")
    assert scored(data).f1 >= data.wanted
