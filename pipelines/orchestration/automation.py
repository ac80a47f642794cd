"""What starts the job: the command line, the clock, or a file that somebody has dropped.

Comes in: the company's time zone and the file-based systems' locations. Goes out: the job `guike`, its
daily schedule, a sensor, and the resource that gives the DAG its session. Schedule and sensor are off until
somebody turns them on in the UI.
"""

# No postponed annotations here: Dagster checks those of its functions as objects.

import contextlib
import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.errors import GuikeError
from pipelines.extract.drop_folder import files_there
from pipelines.extract.specs import SystemSpec
from pipelines.orchestration.instance import close_orphans, forget_old_runs
from pipelines.orchestration.session import Session, current, opened
from pipelines.settings import Settings

_NO_FILES = ("database", "rest")
_INTERVAL_SECONDS = 60


def run_tags(settings: Settings, trigger: str) -> dict[str, str]:
    """The tags of a run: what it is built for and what started it."""
    return {"guike/as_of": settings.as_of.isoformat(), "guike/trigger": trigger}


def session_resource(settings: Settings) -> dg.ResourceDefinition:
    """The session that the DAG works in: the one `guike run` has opened, else one of its own."""

    @dg.resource(description="The run's session: writer's lock, ops.runs, stage fingerprints.")
    @contextmanager
    def session(context: dg.InitResourceContext) -> Iterator[Session | None]:
        run = context.instance.get_run_by_id(context.run_id) if context.instance and context.run_id else None
        if current() is not None or run is None or run.is_finished:
            # Finished: Dagster only looks at the results, no stage will ask for a session.
            yield current()
            return
        trigger = run.tags.get("guike/trigger", "ui")
        with opened(settings, trigger=trigger, dagster_run_id=run.run_id) as own:
            if context.instance:
                close_orphans(context.instance, own.orphans)
                forget_old_runs(context.instance, own.settings)
            with _told_to(context):
                yield own

    return session


@contextmanager
def _told_to(context: dg.InitResourceContext) -> Iterator[None]:
    """Put our progress lines into Dagster's event log."""
    handler = logging.Handler()
    handler.emit = lambda record: context.log.log(record.levelno, record.getMessage())  # type: ignore[method-assign, union-attr]
    logger = logging.getLogger("guike")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def guike_job() -> Any:
    """All assets, one after the other in one process."""
    return dg.define_asset_job(
        "guike", selection=dg.AssetSelection.all(), executor_def=dg.in_process_executor
    )


def daily_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Every day at two in the morning, by the company's clock."""

    @dg.schedule(
        job_name="guike", cron_schedule="0 2 * * *", execution_timezone=settings.timezone, name="daily"
    )
    def daily() -> dg.RunRequest:
        return dg.RunRequest(tags=run_tags(settings, "schedule"))

    return daily


def file_sensor(settings: Settings, specs: Sequence[SystemSpec]) -> dg.SensorDefinition:
    """Requests a run when the files of a file-based system have changed and then stayed as they are.

    The first look only remembers. A file still being copied differs between two looks and is waited for.
    """
    watched = [spec for spec in specs if spec.kind not in _NO_FILES]

    @dg.sensor(job_name="guike", name="dropped_files", minimum_interval_seconds=_INTERVAL_SECONDS)
    def dropped_files(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        now = files_state(watched)
        before = json.loads(context.cursor) if context.cursor else {"seen": now, "done": now}
        ready = now != before["done"] and now == before["seen"]
        cursor = json.dumps({"seen": now, "done": now if ready else before["done"]})
        if not ready:
            context.update_cursor(cursor)
            return dg.SkipReason("No new files." if now == before["done"] else "A file is still changing.")
        request = dg.RunRequest(run_key=now, tags=run_tags(settings, "files"))
        return dg.SensorResult(run_requests=[request], cursor=cursor)

    return dropped_files


def files_state(specs: Sequence[SystemSpec]) -> str:
    """A hash of path, size and modification time of every file that the systems read."""
    digest = hashlib.sha256()
    for path in sorted({path for spec in specs for path in _files(spec)}):
        with contextlib.suppress(FileNotFoundError):  # taken away since it was found
            about = path.stat()
            digest.update(f"{path} {about.st_size} {about.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files(spec: SystemSpec) -> Iterator[Path]:
    """The files that an extraction of `spec` would read now; none where it would refuse to."""
    for table in spec.tables:
        with contextlib.suppress(GuikeError):
            yield from (found.path for found in files_there(spec, table))
