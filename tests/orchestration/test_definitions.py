"""The DAG as Dagster sees it. A failure here means that something runs too early, too often or unseen."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.orchestration import dbt_child, dbt_process
from pipelines.orchestration.automation import daily_schedule, file_sensor, files_state
from pipelines.orchestration.dbt_project import ensure_manifest
from pipelines.orchestration.definitions import build_definitions
from pipelines.orchestration.instance import POOL, dagster_home
from pipelines.orchestration.stages import STAGES
from pipelines.settings import ROOT


@pytest.fixture(scope="session")
def definitions(first_run: Any) -> dg.Definitions:
    return build_definitions(first_run.company.settings)


def test_definitions_are_valid_and_grouped_by_stage(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)
    groups = {
        spec.group_name for spec in definitions.resolve_all_asset_specs() if spec.group_name != "default"
    }
    assert groups == set(STAGES)


def test_lineage_has_no_gap(definitions: dg.Definitions) -> None:
    """Every asset that another one reads is made by some stage, and everything leads to the snapshot."""
    graph = definitions.resolve_asset_graph()
    assert graph.unexecutable_asset_keys == set()
    published = dg.AssetKey(["published", "current"])
    upstream = graph.get_ancestor_asset_keys(published, include_self=True)
    assert upstream == graph.materializable_asset_keys


def test_marts_wait_for_the_second_gate(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for spec in definitions.resolve_all_asset_specs():
        if spec.group_name == "marts":
            assert dg.AssetKey(["quality", "reconciliation"]) in graph.get_ancestor_asset_keys(spec.key)


def test_gates_and_error_tests_block(definitions: dg.Definitions) -> None:
    checks = {
        check.key.to_user_string(): check.blocking
        for asset in definitions.resolve_asset_graph().assets_defs
        for check in asset.check_specs
    }
    checks = {name: blocking for name, blocking in checks.items() if ":gate_2_" not in name}
    assert checks == {
        "raw_shop/orders:fresh": False,
        "quality/record_issues:passed": True,
        "quality/passed_orders:gate_1": False,
        "core/fct_orders:not_null_fct_orders_amount": True,
        "quality/reconciliation:passed": True,
    }


def test_all_that_write_are_in_one_pool(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def("guike")
    assert {op.pool for op in job.all_node_defs if isinstance(op, dg.OpDefinition)} == {POOL}


def test_one_run_at_a_time_and_no_telemetry(first_run: Any) -> None:
    with dg.DagsterInstance.from_config(str(dagster_home(first_run.company.settings))) as instance:
        config = instance.get_concurrency_config().pool_config
        assert (config.default_pool_limit, str(config.pool_granularity)) == (1, "PoolGranularity.RUN")
        assert not instance.telemetry_enabled
        [run] = instance.get_runs()
        assert run.status == dg.DagsterRunStatus.SUCCESS
        assert run.tags["guike/trigger"] == "test"
        assert "guike/as_of" in run.tags


def test_schedule_is_two_in_the_morning_by_the_companys_clock(company: Any) -> None:
    schedule = daily_schedule(replace(company.settings, timezone="Asia/Urumqi"))
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "Asia/Urumqi")
    request = schedule(dg.build_schedule_context())
    assert request.tags["guike/trigger"] == "schedule"


def _look(sensor: dg.SensorDefinition, cursor: str | None) -> tuple[str | None, list[dg.RunRequest]]:
    context = dg.build_sensor_context(cursor=cursor)
    tick = sensor.evaluate_tick(context)
    return tick.cursor or context.cursor, list(tick.run_requests or [])


def test_dropped_file_requests_one_run_once_it_stays_as_it_is(
    company: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.extract.specs import load_specs

    monkeypatch.setenv("GUIKE_HOME", str(company.settings.home))
    sensor = file_sensor(company.settings, load_specs(company.settings))
    cursor, requests = _look(sensor, None)
    assert requests == []
    company.source.write_text("half of the file", encoding="utf-8")
    cursor, requests = _look(sensor, cursor)
    assert requests == []
    cursor, requests = _look(sensor, cursor)
    assert [request.tags["guike/trigger"] for request in requests] == ["files"]
    cursor, requests = _look(sensor, cursor)
    assert requests == []


def test_file_state_follows_size_and_time(company: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.extract.specs import load_specs

    monkeypatch.setenv("GUIKE_HOME", str(company.settings.home))
    specs = load_specs(company.settings)
    before = files_state(specs)
    assert files_state(specs) == before
    os.utime(company.source, ns=(1, 1))
    assert files_state(specs) != before


@pytest.mark.parametrize(
    ("kind", "location", "source", "file"),
    [
        ("vcard", "books", "contacts", "books/anna.vcf"),
        ("csv", "drop", "export.zip/orders_*.csv", "drop/export.zip"),
        ("csv", "drop", "orders_*.csv", "drop/orders_1.csv"),
    ],
)
def test_every_kind_of_file_is_watched(
    kind: str, location: str, source: str, file: str, tmp_path: Path
) -> None:
    """What an extraction would read, a sensor must see; else the drop folder waits until two at night."""
    from pipelines.extract.specs import SystemSpec

    table = {"name": "contacts", "source": source, "snapshot": "The file is small.", "columns": ["full_name"]}
    spec = SystemSpec.model_validate({
        "name": "shop", "title": {"en": "Shop", "zh": "商店"}, "kind": kind, "trust": 50,
        "location": str(tmp_path / location), "timezone": "Asia/Shanghai", "tables": [table],
    })  # fmt: skip
    before = files_state([spec])
    (tmp_path / file).parent.mkdir()
    (tmp_path / file).write_bytes(b"something")
    assert files_state([spec]) != before


def test_dbt_is_parsed_only_when_its_files_change(company: Any) -> None:
    stamp = company.settings.home / "dbt" / "target" / "manifest.hash"
    before = stamp.stat().st_mtime_ns
    ensure_manifest(company.settings)
    assert stamp.stat().st_mtime_ns == before


def test_dbt_is_parsed_anew_after_a_change_and_after_a_move(moved_company: Any) -> None:
    """dbt remembers where a seed lay; a project folder that was moved must not send it to the old place."""
    model = moved_company.settings.dbt_dir / "models/marts/tiers/extra.sql"
    model.write_text("select 1 as one", encoding="utf-8")
    nodes = ensure_manifest(moved_company.settings)["nodes"]
    assert "model.guike.extra" in nodes
    assert nodes["seed.guike.tier_policies"]["root_path"] == str(moved_company.settings.dbt_dir)


_RUN = """
import os, sys, time
from pipelines.orchestration.dbt_process import started
arguments = ["run-operation", "for_ever", "--project-dir", sys.argv[1], "--profiles-dir", sys.argv[1]]
with started(arguments, os.environ) as command:
    for line in command.lines:
        if "begun" in line:
            print(command.pid, flush=True)
            time.sleep(60)
    sys.exit(line)
"""
_FOR_EVER = """
{% macro for_ever() %}{% do print("begun") %}
{% do run_query("select sum(a.range) from range(1000000) as a, range(10000000) as b where a <> b") %}
{% endmacro %}
"""


@pytest.mark.parametrize("ended", ["the run", "the process with dbt in it"])
def test_dbt_ends_when_the_run_is_killed(moved_company: Any, ended: str) -> None:
    folder = moved_company.settings.dbt_dir
    (folder / "macros" / "for_ever.sql").write_text(_FOR_EVER, encoding="utf-8")
    run = subprocess.Popen(
        [sys.executable, "-c", _RUN, folder], stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "GUIKE_WAREHOUSE": str(folder / "warehouse.duckdb")},
    )  # fmt: skip
    assert run.stdout is not None
    command = int(run.stdout.readline())
    assert _is_alive(command)
    if ended == "the run":
        run.kill()
    else:
        os.kill(_parent_of(command), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while _is_alive(command):
        assert time.monotonic() < deadline, "dbt goes on writing after the run was killed"
        time.sleep(0.1)
    run.kill()
    run.wait()


def test_dbt_is_imported_once_for_many_commands() -> None:
    pids = []
    for _ in range(2):
        with dbt_process.started(["--version"], os.environ) as command:
            assert "dbt" in command.lines.read().lower()
            assert command.wait() == 0
            pids.append((command.pid, dbt_process._servers[0].process.pid))
    assert len({pid for pid, _ in pids}) == 2
    assert len({server for _, server in pids}) == 1


def test_a_run_that_dies_while_asking_ends_the_process_with_dbt() -> None:
    """Killed in the middle of a request, it must not leave a process that waits at full speed."""
    ours, its = socket.socketpair()
    ours.sendall(b'{"arguments": [')
    ours.close()
    with its, pytest.raises(SystemExit):
        dbt_child.serve(its)


def _parent_of(pid: int) -> int:
    done = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(done.stdout)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")
