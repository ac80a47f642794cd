"""One run as `ops` remembers it: who writes, which stages ran, what they took, how it ended.

Comes in: the settings and what started the run. Goes out: rows in `ops.runs` and `ops.run_stages`, the
stages' fingerprints, and the lines that the user sees. The writer's lock is held from beginning to end.
A run that was killed can't say so itself; the next one does, because whoever holds the lock knows that
no other run is alive.
"""

from __future__ import annotations

import logging
import time
import tomllib
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.i18n import t
from pipelines.orchestration import stages
from pipelines.orchestration.memory import PeakMemory
from pipelines.settings import ROOT, Settings
from warehouse import store
from warehouse.publish import Snapshot

if TYPE_CHECKING:  # dlt and Great Expectations take seconds to import, and an unchanged run needs neither
    from pipelines.extract.load import SystemLoad
    from pipelines.identity.resolve import IdentityResult
    from quality.gate import GateResult
    from quality.reconcile import ReconcileResult

_log = logging.getLogger("guike.run")


@dataclass
class StageReport:
    """What a stage did: status is done, skipped (nothing had changed), stale (extract only) or failed."""

    name: str
    status: str
    seconds: float = 0.0
    rows: int | None = None
    peak_memory_mb: float | None = None
    message: str | None = None


@dataclass
class Work:
    """A stage in progress, in the hands of the code that does it."""

    stage: str
    unchanged: bool = False
    partial: bool = False
    message: str | None = None
    passed: bool = True

    def fail(self, message: str) -> None:
        """End the stage as failed without an exception; nothing after it will run."""
        self.passed, self.message = False, message


@dataclass
class Session:
    """A run under way.

    Attributes:
        forced: stages that run even if nothing has changed.
        full: whether every table is read whole, whatever a cursor or a fingerprint says.
        run_id: sorts by time; also the name of the snapshot.
        orphans: Dagster's ids of earlier runs that were killed.
        errors: what went wrong, in order.
    """

    settings: Settings
    run_id: str
    trigger: str
    dagster_run_id: str
    forced: Collection[str] = ()
    full: bool = False
    started_at: datetime = field(default_factory=store.now)
    reports: dict[str, StageReport] = field(default_factory=dict)
    systems: list[SystemLoad] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    gate_1: GateResult | None = None
    identity: IdentityResult | None = None
    gate_2: ReconcileResult | None = None
    snapshot: Snapshot | None = None
    interrupted: bool = False

    @property
    def failed(self) -> bool:
        """Whether any stage failed."""
        return any(report.status == "failed" for report in self.reports.values())

    @property
    def status(self) -> str:
        """How the run stands: interrupted, failed, stale (some system's data is old) or ok."""
        if self.interrupted:
            return "interrupted"
        if self.failed or self.errors:
            return "failed"
        return "stale" if any(load.status == "stale" for load in self.systems) else "ok"

    @property
    def message(self) -> str | None:
        """Why it failed or what is stale, in words."""
        if self.interrupted:
            return t("Stopped by the user.")
        failures = [r.message for r in self.reports.values() if r.status == "failed" and r.message]
        failures += [str(error) for error in self.errors if str(error) not in failures]
        stale = [_age(load) for load in self.systems if load.status == "stale"]
        return "\n".join(failures or stale) or None

    @contextmanager
    def stage(self, name: str, *, partial: bool = False) -> Iterator[Work]:
        """Do one stage inside the block, or find in `unchanged` that there is nothing to do.

        Its fingerprint is forgotten before the block and set after it, so that a stage which was killed
        half-way runs again. `partial` says that only some of its relations are made: then it always runs
        and never counts as finished.
        """
        started_at, start = store.now(), time.monotonic()
        work, peak = Work(name, partial=partial), PeakMemory().start()
        report = StageReport(name, "failed")
        try:
            now, same = stages.unchanged(self.settings, name)
            work.unchanged = same and name not in self.forced and not partial
            if not work.unchanged:
                self._begin_stage(name)
            yield work
            report.status = "failed" if not work.passed else "skipped" if work.unchanged else "done"
            report.message = work.message
            if report.status == "done":
                report.rows = self._finish_stage(name, None if partial else now)
        except BaseException as error:
            self._note(report, error)
            raise
        finally:
            report.peak_memory_mb, report.seconds = peak.stop(), time.monotonic() - start
            self._keep(report, started_at)

    @contextmanager
    def extracting(self, system: str) -> Iterator[list[SystemLoad]]:
        """Load one system inside the block; put its `SystemLoad` into the list that it is given."""
        started_at, start = store.now(), time.monotonic()
        loads: list[SystemLoad] = []
        peak = PeakMemory().start()
        report = StageReport("extract", "failed")
        _log.info("▶ extract %s", system)
        try:
            yield loads
            report.status = "stale" if any(load.status == "stale" for load in loads) else "done"
            report.rows = sum(
                table.rows for load in loads for table in load.tables if table.status == "loaded"
            )
            self.systems.extend(loads)
        except BaseException as error:
            self._note(report, error)
            report.message = f"{system}: {report.message}" if report.message else None
            raise
        finally:
            report.peak_memory_mb, report.seconds = peak.stop(), time.monotonic() - start
            self._keep(_together(self.reports.get("extract"), report), started_at)

    def _begin_stage(self, name: str) -> None:
        with store.connect(self.settings) as con:
            store.clear_stage_fingerprint(con, name)
        _log.info("▶ %s", name)

    def _finish_stage(self, name: str, fingerprint: str | None) -> int:
        with store.connect(self.settings) as con:
            if fingerprint:
                store.set_stage_fingerprint(con, name, fingerprint, self.run_id)
            return self.snapshot.rows if name == "publish" and self.snapshot else stages.rows_of(con, name)

    def _note(self, report: StageReport, error: BaseException) -> None:
        if isinstance(error, Exception):
            report.message = str(error)
            self.errors.append(error)
        elif not isinstance(error, GeneratorExit):
            self.interrupted = True

    def _keep(self, report: StageReport, started_at: datetime) -> None:
        self.reports[report.name] = report
        with store.connect(self.settings) as con:
            con.execute(
                "delete from ops.run_stages where run_id = ? and stage = ?", [self.run_id, report.name]
            )
            con.execute(
                "insert into ops.run_stages values (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    self.run_id, report.name, report.status, started_at, store.now(), report.seconds,
                    report.peak_memory_mb, report.rows,
                ],
            )  # fmt: skip
        if report.name != "extract":
            _log.info(_line(report))


def _age(load: SystemLoad) -> str:
    """How old a system's data is, and why."""
    if load.newest_loaded_at is None:
        return t("{system}: no data yet. {reason}", system=load.system, reason=load.message)
    moment = load.newest_loaded_at.isoformat(" ", "minutes")
    return t(
        "{system}: data from {moment} UTC. {reason}", system=load.system, moment=moment, reason=load.message
    )


def _line(report: StageReport) -> str:
    if report.status == "skipped":
        return t("– {stage}: nothing has changed", stage=report.name)
    if report.status == "failed":
        return t("✗ {stage}: failed after {seconds:.1f} s", stage=report.name, seconds=report.seconds)
    return t(
        "✓ {stage}: {rows:,} rows, {seconds:.1f} s",
        stage=report.name,
        rows=report.rows or 0,
        seconds=report.seconds,
    )


def _together(before: StageReport | None, part: StageReport) -> StageReport:
    """The stage `extract` so far, with one more system."""
    if before is None:
        return part
    worst = next(s for s in ("failed", "stale", "done") if s in (before.status, part.status))
    return StageReport(
        part.name, worst, before.seconds + part.seconds, (before.rows or 0) + (part.rows or 0),
        max(before.peak_memory_mb or 0, part.peak_memory_mb or 0), before.message or part.message,
    )  # fmt: skip


@contextmanager
def opened(
    settings: Settings,
    *,
    trigger: str,
    dagster_run_id: str,
    forced: Collection[str] = (),
    full: bool = False,
) -> Iterator[Session]:
    """A run from its first row in `ops.runs` to its last update there, under the writer's lock.

    Raises:
        GuikeError: another process writes; the message says which.
    """
    with ExitStack() as stack:
        stack.enter_context(store.writer_lock(settings, t("run, started by {trigger}", trigger=trigger)))
        # A run that goes past midnight is for the day on which it began.
        settings = replace(settings, fixed_as_of=settings.as_of)
        moment = datetime.now(UTC)
        session = Session(
            settings, f"{moment:%Y%m%dT%H%M%SZ}-{dagster_run_id[:4]}", trigger, dagster_run_id, forced, full
        )
        _begin(session)
        try:
            yield session
        except BaseException as error:
            if isinstance(error, Exception):
                session.errors.append(error)
            else:
                session.interrupted = True
            raise
        finally:
            _finish(session)


def _begin(session: Session) -> None:
    with store.connect(session.settings) as con:
        store.ensure_schemas(con)
        killed = con.execute(
            "update ops.runs set status = 'killed', finished_at = ? where status = 'running' "
            "returning dagster_run_id",
            [store.now()],
        ).fetchall()
        session.orphans = [row[0] for row in killed if row[0]]
        con.execute(
            "insert into ops.runs values (?, ?, null, 'running', ?, ?, ?, ?, null, null)",
            [
                session.run_id, session.started_at, session.settings.as_of, session.trigger, _version(),
                session.dagster_run_id,
            ],
        )  # fmt: skip


def _version() -> str:
    """Guike's version; read from the project, which need not be installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def _finish(session: Session) -> None:
    snapshot = session.snapshot.run_id if session.snapshot else None
    with store.connect(session.settings) as con:
        con.execute(
            "update ops.runs set status = ?, finished_at = ?, snapshot = ?, message = ? where run_id = ?",
            [session.status, store.now(), snapshot, session.message, session.run_id],
        )


_current: list[Session] = []


@contextmanager
def shared(session: Session) -> Iterator[None]:
    """Let the DAG that runs in this process work in `session` instead of opening its own."""
    _current.append(session)
    try:
        yield
    finally:
        _current.remove(session)


def current() -> Session | None:
    """The session that this process has opened, if any."""
    return _current[-1] if _current else None
