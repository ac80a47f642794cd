"""Runs of the whole DAG. A failure here means wrong data gets published, or right data doesn't."""

from __future__ import annotations

import re
from typing import Any

import dagster as dg
import pytest

from pipelines.errors import GuikeError
from pipelines.identity import judgements
from pipelines.orchestration.definitions import build_definitions
from pipelines.orchestration.instance import dagster_home, forget_old_runs, opened_instance
from pipelines.orchestration.run import RunReport, run
from warehouse import store
from warehouse.publish import current

ALL = ["extract", "staging", "gate_1", "identity", "core", "gate_2", "marts", "publish"]


def _statuses(report: RunReport) -> dict[str, str]:
    return {stage.name: stage.status for stage in report.stages}


def _rows(company: Any, sql: str) -> list[tuple[Any, ...]]:
    with store.connect(company.settings, read_only=True) as con:
        return con.execute(sql).fetchall()


def test_first_run_publishes(first_run: Any) -> None:
    report, company = first_run.report, first_run.company
    assert (report.status, report.message) == ("ok", None)
    assert _statuses(report) == dict.fromkeys(ALL, "done")
    assert [stage.name for stage in report.stages] == ALL
    assert "▶ identity" in first_run.lines
    assert current(company.settings) == report.snapshot
    assert _rows(
        company, "select run_id, status, trigger, snapshot, dagster_run_id is not null from ops.runs"
    ) == [(report.run_id, "ok", "test", report.run_id, True)]
    taken = _rows(company, "select stage, peak_memory_mb > 10, seconds >= 0 from ops.run_stages")
    assert sorted(taken) == sorted((stage, True, True) for stage in ALL)


def test_nothing_is_written_into_the_project(first_run: Any) -> None:
    written = set(first_run.company.settings.root.rglob("*")) - set(first_run.files_before)
    assert {path.name for path in written} <= {"registry.sql"}


def test_an_unchanged_second_run_changes_nothing(company: Any) -> None:
    published = current(company.settings)
    state = _rows(company, "from ops.stage_state order by all")
    report = run(company.settings, trigger="test")
    assert (report.status, report.message) == ("ok", None)
    assert _statuses(report) == {"extract": "done", **dict.fromkeys(ALL[1:], "skipped")}
    assert current(company.settings) == published
    assert _rows(company, "from ops.stage_state order by all") == state
    assert company.calls == ["extract"]


def test_changed_code_of_a_stage_runs_it_and_those_after(moved_company: Any) -> None:
    before = current(moved_company.settings)
    model = moved_company.settings.dbt_dir / "models/marts/tiers/tier_movement.sql"
    model.write_text("select 2 as movement", encoding="utf-8")
    report = run(moved_company.settings, trigger="test")
    assert _statuses(report) == {
        "extract": "done", **dict.fromkeys(ALL[1:6], "skipped"), "marts": "done", "publish": "done",
    }  # fmt: skip
    assert before is not None
    assert report.snapshot.content_hash != before.content_hash


def test_a_judgement_takes_effect_with_the_next_run(company: Any) -> None:
    judgements.add(company.settings, "same", "shop.orders.1", "shop.orders.2", "Lin", "one buyer")
    report = run(company.settings, trigger="test")
    assert _statuses(report) == {
        "extract": "done", **dict.fromkeys(ALL[1:3], "skipped"), **dict.fromkeys(ALL[3:], "done"),
    }  # fmt: skip


def test_from_a_step_runs_that_step_and_all_after_although_unchanged(company: Any) -> None:
    report = run(company.settings, trigger="test", from_step="marts")
    assert _statuses(report) == dict.fromkeys(ALL[6:], "done")


def test_from_a_step_needs_those_before_it(company: Any) -> None:
    with pytest.raises(GuikeError, match="no step 'bogus'"):
        run(company.settings, trigger="test", from_step="bogus")
    with store.connect(company.settings) as con:
        con.execute("delete from ops.stage_state where stage = 'gate_1'")
    with pytest.raises(GuikeError, match="'gate_1' has not finished"):
        run(company.settings, trigger="test", from_step="identity")
    assert _rows(company, "select status from ops.runs order by started_at") == [("ok",), ("failed",)]


def test_only_one_system(company: Any) -> None:
    report = run(company.settings, trigger="test", only="shop")
    assert list(_statuses(report)) == ALL
    with pytest.raises(GuikeError, match="There is no system 'nosuch'"):
        run(company.settings, trigger="test", only="nosuch")


@pytest.mark.parametrize(
    ("gate", "words"), [("gate_1", "too much set aside"), ("gate_2", "a cent is missing")]
)
def test_a_gate_that_fails_stops_the_rest(company: Any, gate: str, words: str) -> None:
    before = current(company.settings)
    setattr(company, f"{gate}_passes", False)
    report = run(company.settings, trigger="test", from_step=gate)
    assert report.status == "failed"
    assert report.message == words
    assert _statuses(report) == {gate: "failed"}
    assert current(company.settings) == before
    assert _rows(company, f"from ops.stage_state where stage = '{gate}'") == []


def test_a_failed_dbt_test_stops_the_python_stages_after_it(company: Any) -> None:
    """Older releases of dagster-dbt let them run."""
    company.source.write_text("order_no,amount\n1,10.50\n2,\n", encoding="utf-8")
    report = run(company.settings, trigger="test")
    assert report.status == "failed"
    assert _statuses(report) == {**dict.fromkeys(ALL[:4], "done"), "core": "failed"}
    assert "not_null_fct_orders_amount" in (report.message or "")
    assert "gate_2" not in company.calls


def test_a_stage_that_breaks_runs_again_next_time(company: Any) -> None:
    company.identity_raises = ValueError("broken")
    report = run(company.settings, trigger="test", from_step="identity")
    assert (report.status, report.message) == ("failed", "broken")
    assert [type(error) for error in report.errors] == [ValueError]
    assert _rows(company, "select status, message from ops.runs order by started_at")[1:] == [
        ("failed", "broken")
    ]
    again = run(company.settings, trigger="test")
    assert _statuses(again) == {
        "extract": "done", "staging": "skipped", "gate_1": "skipped", "identity": "failed",
    }  # fmt: skip


def test_interruption_is_recorded(company: Any) -> None:
    company.identity_raises = KeyboardInterrupt()
    report = run(company.settings, trigger="test", from_step="identity")
    assert report.status == "interrupted"
    assert _rows(company, "select status from ops.runs order by started_at") == [("ok",), ("interrupted",)]


def test_a_system_that_is_down_makes_the_run_stale(company: Any) -> None:
    company.is_down = True
    report = run(company.settings, trigger="test")
    assert report.status == "stale"
    assert re.fullmatch(r"shop: data from [0-9: -]+ UTC. no such file", report.message or "")
    told = {"extract": "stale", **dict.fromkeys(ALL[1:-1], "skipped"), "publish": "done"}
    assert _statuses(report) == told, "readers must be told which data is old"
    assert _statuses(run(company.settings, trigger="test")) == {**told, "publish": "skipped"}


def test_old_runs_leave_no_files(company: Any) -> None:
    folder = dagster_home(company.settings) / "storage" / "history" / "runs"
    run(company.settings, trigger="test")
    with opened_instance(company.settings) as instance:
        newest = instance.get_run_ids()[0]
        forget_old_runs(instance, company.settings, keep=1)
        assert instance.get_run_ids() == [newest]
    assert sorted(path.stem for path in folder.glob("*.db")) == sorted(["index", newest])


def test_a_run_that_dagster_starts_has_a_session_of_its_own(company: Any) -> None:
    job = build_definitions(company.settings).resolve_job_def("guike")
    with dg.DagsterInstance.from_config(str(dagster_home(company.settings))) as instance:
        assert job.execute_in_process(instance=instance, tags={"guike/trigger": "schedule"}).success
    assert _rows(company, "select trigger, status from ops.runs order by started_at") == [
        ("test", "ok"), ("schedule", "ok"),
    ]  # fmt: skip
    with store.writer_lock(company.settings, "the lock is free again"):
        pass


def test_a_run_that_was_killed_is_marked_by_the_next(company: Any) -> None:
    with store.connect(company.settings) as con:
        con.execute(
            "insert into ops.runs values "
            "('dead', now()::timestamp, null, 'running', '2026-06-30', 'cli', '0', null, null, null)"
        )
    run(company.settings, trigger="test")
    assert _rows(company, "select status, finished_at is not null from ops.runs where run_id = 'dead'") == [
        ("killed", True)
    ]
