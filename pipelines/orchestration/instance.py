"""Dagster's own memory (runs, events, schedule state), kept under the home folder.

Comes in: the settings. Goes out: `<home>/dagster/dagster.yaml` and an instance on it. SQLite is enough for
one company; nothing is sent anywhere. The pool is counted per run, not per step: one run writes at a time,
and a run that is killed leaves no slot taken, because the next run marks it as failed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import yaml
from dagster import DagsterInstance
from sqlalchemy import Engine, event

from pipelines.i18n import t
from pipelines.settings import Settings
from warehouse.store import make_home

POOL = "warehouse"
KEPT_RUNS = 100
_CONFIG: Mapping[str, Any] = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
    "concurrency": {"pools": {"granularity": "run", "default_limit": 1}},
    # Our progress lines and dbt's log file say it all; capturing the streams starts two processes per step.
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    },
    "retention": {"sensor": {"purge_after_days": 7}},
}


def dagster_home(settings: Settings) -> Path:
    """The folder for $DAGSTER_HOME, with its configuration and SQLite storage in it."""
    make_home(settings)
    home = settings.home / "dagster"
    home.mkdir(exist_ok=True)
    base = {"base_dir": str(home / "storage")}
    text = yaml.safe_dump({**_CONFIG, "storage": {"sqlite": base}}, sort_keys=False)
    config = home / "dagster.yaml"
    if not config.exists() or config.read_text(encoding="utf-8") != text:
        config.write_text(text, encoding="utf-8")
    return home


@contextmanager
def opened_instance(settings: Settings) -> Iterator[DagsterInstance]:
    """Dagster's instance for a run in this process."""
    home = dagster_home(settings)
    with _unhurried_sqlite(home), DagsterInstance.from_config(str(home)) as instance:
        yield instance


@contextmanager
def _unhurried_sqlite(home: Path) -> Iterator[None]:
    """Let SQLite write Dagster's events without waiting for the disk each time.

    Dagster opens and closes a connection for each event; closing the last one of a file folds its log into
    the file, with several waits for the disk. So one connection per file is kept, and no commit waits:
    after a power cut the last events of a run may be missing, nothing of Guike's own data.
    """
    with ExitStack() as stack:
        kept: set[str] = set()

        def relax(connection: sqlite3.Connection, _record: object) -> None:
            if not isinstance(connection, sqlite3.Connection):
                return
            path = connection.execute("pragma database_list").fetchone()[2]
            if not path.startswith(str(home)):
                return
            connection.execute("pragma synchronous = off")
            if path not in kept:
                kept.add(path)
                keeper = stack.enter_context(closing(sqlite3.connect(path, check_same_thread=False)))
                keeper.execute("select count(*) from sqlite_master").fetchone()

        event.listen(Engine, "connect", relax)
        stack.callback(event.remove, Engine, "connect", relax)
        yield


def close_orphans(instance: DagsterInstance, run_ids: Iterable[str]) -> None:
    """Mark runs that were killed as failed, so that Dagster doesn't wait for them."""
    for run_id in run_ids:
        run = instance.get_run_by_id(run_id)
        if run and not run.is_finished:
            instance.report_run_failed(run, t("The process was killed."))


def forget_old_runs(instance: DagsterInstance, settings: Settings, keep: int = KEPT_RUNS) -> None:
    """Delete what Dagster remembers of all but the last `keep` runs; `ops.runs` keeps its rows of them all.

    Each run leaves some megabytes of events in a file of its own, which Dagster empties but doesn't delete.
    """
    for run_id in instance.get_run_ids()[keep:]:
        instance.delete_run(run_id)
        for file in (settings.home / "dagster" / "storage").glob(f"history/runs/{run_id}.db*"):
            file.unlink()
