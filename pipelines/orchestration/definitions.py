"""Assembles the DAG for Dagster, and nothing else.

Comes in: the settings, the systems' specs and the dbt manifest. Goes out: `defs`, which `workspace.yaml`
names, and `build_definitions` for `guike run` and the tests.
"""

from __future__ import annotations

import dagster as dg

from pipelines.extract.specs import load_specs
from pipelines.orchestration.assets import extract_assets, loaded_asset, python_stages
from pipelines.orchestration.automation import daily_schedule, file_sensor, guike_job, session_resource
from pipelines.orchestration.dbt import DBT_STAGES, dbt_stage
from pipelines.orchestration.dbt_project import ensure_manifest
from pipelines.settings import Settings, load_settings


def build_definitions(settings: Settings) -> dg.Definitions:
    """The whole DAG for these settings.

    Raises:
        GuikeError: a system's spec or the dbt project can't work.
    """
    specs = load_specs(settings)
    manifest = ensure_manifest(settings)
    return dg.Definitions(
        assets=[
            *(extract_assets(spec) for spec in specs),
            loaded_asset(specs),
            *(dbt_stage(manifest, stage) for stage in DBT_STAGES),
            *python_stages(manifest),
        ],
        jobs=[guike_job()],
        schedules=[daily_schedule(settings)],
        sensors=[file_sensor(settings, specs)],
        resources={"session": session_resource(settings)},
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads."""
    return build_definitions(load_settings())
