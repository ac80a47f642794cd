"""`guike run`: the same DAG that Dagster shows, executed in this process.

Comes in: the settings, what started the run, and from where or with which system. Goes out: a `RunReport`.
Importing this module imports Dagster and dbt's adapter for it (some seconds); the CLI does so only here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.utils import make_new_run_id

from pipelines.extract.specs import expect_system, load_specs
from pipelines.i18n import t
from pipelines.orchestration.assets import raw_keys
from pipelines.orchestration.automation import run_tags
from pipelines.orchestration.definitions import build_definitions
from pipelines.orchestration.instance import close_orphans, forget_old_runs, opened_instance
from pipelines.orchestration.session import Session, StageReport, opened, shared
from pipelines.orchestration.stages import expect_finished, from_stage
from pipelines.settings import Settings
from warehouse import store
from warehouse.publish import Snapshot

if TYPE_CHECKING:
    from pipelines.extract.load import SystemLoad
    from pipelines.identity.resolve import IdentityResult
    from quality.gate import GateResult
    from quality.reconcile import ReconcileResult

# The events go to Dagster's own storage; on the console stand our progress lines.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class RunReport:
    """How a run went.

    Attributes:
        status: "ok", "failed", "interrupted", or "stale" (finished, but some system's data is old).
        stages: in the order in which they ran; stages never reached are missing.
        systems: what extraction did, per system.
        gate_1, identity, gate_2, snapshot: results of the stages; None where skipped or not reached.
        message: why it failed, or which data is how old.
        errors: the exceptions behind a failure; those that aren't `GuikeError` are defects.
    """

    run_id: str
    status: str
    stages: list[StageReport]
    systems: list[SystemLoad]
    gate_1: GateResult | None
    identity: IdentityResult | None
    gate_2: ReconcileResult | None
    snapshot: Snapshot | None
    message: str | None
    errors: list[BaseException]


def run(
    settings: Settings,
    *,
    trigger: str,
    from_step: str | None = None,
    only: str | None = None,
    full: bool = False,
) -> RunReport:
    """Run the pipeline once.

    Args:
        trigger: what started it, for example "cli"; kept in ops.runs.
        from_step: run this stage and all after it even if nothing has changed; nothing before it.
        only: of all systems, extract just this one; then everything after extraction, where changed.
        full: read every table whole, whatever a cursor or a fingerprint says.

    Raises:
        GuikeError: another process holds the lock, or the request names something that isn't there.
    """
    forced = from_stage(from_step) if from_step else ()
    run_id = make_new_run_id()
    with opened(settings, trigger=trigger, dagster_run_id=run_id, forced=forced, full=full) as session:
        definitions = build_definitions(session.settings)
        with shared(session):
            _execute(session, definitions, _selection(session.settings, definitions, from_step, only))
    return _report(session)


def _selection(
    settings: Settings, definitions: dg.Definitions, from_step: str | None, only: str | None
) -> list[dg.AssetKey] | None:
    """The assets to run; None is all of them."""
    if from_step:
        if from_step != "extract":
            with store.connect(settings) as con:
                expect_finished(con, settings, from_step)
        groups = set(from_stage(from_step))
        specs = definitions.resolve_all_asset_specs()
        return [spec.key for spec in specs if spec.group_name in groups]
    if only:
        systems = {spec.name: spec for spec in load_specs(settings)}
        expect_system(systems, only)
        others = {key for spec in systems.values() if spec.name != only for key in raw_keys(spec)}
        return [spec.key for spec in definitions.resolve_all_asset_specs() if spec.key not in others]
    return None


def _execute(session: Session, definitions: dg.Definitions, selection: list[dg.AssetKey] | None) -> None:
    """Execute the job; what goes wrong is in the session afterwards."""
    with opened_instance(session.settings) as instance:
        close_orphans(instance, session.orphans)
        forget_old_runs(instance, session.settings)
        try:
            result = definitions.resolve_job_def("guike").execute_in_process(
                run_config=_QUIET,
                instance=instance,
                asset_selection=selection,
                run_id=session.dagster_run_id,
                tags=run_tags(session.settings, session.trigger),
                raise_on_error=False,
            )
        except (KeyboardInterrupt, DagsterExecutionInterruptedError):
            session.interrupted = True
            return
        if not result.success and session.status in ("ok", "stale"):
            session.errors.append(RuntimeError(_failures(result)))


def _failures(result: dg.ExecuteInProcessResult) -> str:
    """What broke outside the stages' own code, as Dagster tells it."""
    steps = [event for event in result.all_events if event.is_step_failure]
    told = [e.step_failure_data.error.to_string() for e in steps if e.step_failure_data.error]
    return "\n".join(told) or t("Dagster gave up without saying why.")


def _report(session: Session) -> RunReport:
    return RunReport(
        session.run_id, session.status, list(session.reports.values()), session.systems, session.gate_1,
        session.identity, session.gate_2, session.snapshot, session.message, session.errors,
    )  # fmt: skip
