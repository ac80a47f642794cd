"""The dbt stages as Dagster assets: every model an asset, every data test an asset check.

Comes in: the manifest. Goes out: one `@dbt_assets` definition per dbt stage, whose asset keys are
[schema, relation], so that dbt's sources are the assets of the stage that writes them and the lineage has no
gap. Within a stage dbt runs models and tests in one `dbt build`; a test of severity error ends it, and
with it the run.
"""

# No postponed annotations here: Dagster checks those of its functions as objects.

import json
import logging
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.asset_utils import get_updated_cli_invocation_params_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.orchestration.dbt_project import log_file, run_dbt, why_it_failed
from pipelines.orchestration.instance import POOL
from pipelines.orchestration.session import Session
from pipelines.settings import Settings
from warehouse.masking import manifest_path

_log = logging.getLogger("guike.dbt")
_ERRORS_SHOWN = 10

DBT_STAGES = ("staging", "core", "marts")
_FOLDERS = {"staging": "staging", "input": "staging", "core": "core", "marts": "marts"}
# Marts read core only, and yet must wait until core has been reconciled with the sources.
_AFTER_GATE_2 = dg.AssetKey(["quality", "reconciliation"])


def stage_of(node: Mapping[str, Any]) -> str:
    """The stage that builds a model or seed, told by its folder."""
    if node["resource_type"] == "seed":
        return "staging"
    return _FOLDERS[node["path"].replace("\\", "/").split("/")[0]]


def key_of(node: Mapping[str, Any]) -> dg.AssetKey:
    """The asset key of a model, seed or source: [schema, relation]."""
    return dg.AssetKey([node["schema"], node.get("identifier") or node.get("alias") or node["name"]])


def selection(manifest: Mapping[str, Any], stage: str) -> str:
    """What dbt is told to build in `stage`: by folder, and independent of where dbt is started."""
    project = manifest["metadata"]["project_name"]
    folders = [f"fqn:{project}.{folder}" for folder, its_stage in _FOLDERS.items() if its_stage == stage]
    return " ".join([*folders, "resource_type:seed"] if stage == "staging" else folders)


class Translator(DagsterDbtTranslator):
    """Gives dbt's nodes Guike's asset keys, groups, and the one dependency that dbt can't know."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """[schema, relation]."""
        return key_of(dbt_resource_props)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The stage."""
        return None if dbt_resource_props["resource_type"] == "source" else stage_of(dbt_resource_props)

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        """The default spec; a mart also waits for gate 2."""
        spec: dg.AssetSpec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        waits = node["resource_type"] == "model" and stage_of(node) == "marts"
        if waits and all(dep.asset_key != _AFTER_GATE_2 for dep in spec.deps):
            return spec.replace_attributes(deps=[*spec.deps, dg.AssetDep(_AFTER_GATE_2)])
        return spec


def dbt_stage(manifest: Mapping[str, Any], stage: str) -> dg.AssetsDefinition:
    """The assets of one dbt stage."""
    translator = Translator()

    @dbt_assets(
        manifest=manifest,
        select=selection(manifest, stage),
        name=stage,
        dagster_dbt_translator=translator,
        pool=POOL,
        required_resource_keys={"session"},
    )
    def build(context: dg.AssetExecutionContext) -> Iterator[Any]:
        session: Session = context.resources.session
        whole = context.selected_asset_keys == context.assets_def.keys
        with session.stage(stage, partial=not whole) as work:
            if work.unchanged:
                yield from _as_before(context)
            else:
                yield from _build(session.settings, manifest, context, stage)

    return build


def _as_before(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """The results of a stage with nothing to do: its relations are there, its blocking tests had passed."""
    metadata = {"skipped": True}
    for key in TopologicalSorter(context.assets_def.asset_deps).static_order():
        if key in context.selected_asset_keys:
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)
    for check in context.assets_def.check_specs:
        if check.blocking and check.key in context.selected_asset_check_keys:
            yield dg.AssetCheckResult(
                asset_key=check.asset_key, check_name=check.name, passed=True, metadata=metadata
            )


def _build(
    settings: Settings, manifest: Mapping[str, Any], context: dg.AssetExecutionContext, stage: str
) -> Iterator[Any]:
    """Run `dbt build` for what is selected; its results become Dagster's events as they arrive."""
    chosen = get_updated_cli_invocation_params_for_context(context, manifest, Translator())
    failures: list[str] = []
    with run_dbt(
        settings, "build", *chosen.selection_args, "--exclude-resource-type", "unit_test",
        # A test runs with the stage that makes the last of its relations.
        "--indirect-selection", chosen.indirect_selection or "buildable",
    ) as command:  # fmt: skip
        for line in command.lines:
            event = _event(line, failures)
            if event:
                yield from event.to_default_asset_events(
                    manifest=manifest,
                    dagster_dbt_translator=chosen.dagster_dbt_translator,
                    context=context,
                    target_path=manifest_path(settings).parent,
                )
        code = command.wait()
    if code:
        reason = why_it_failed(code, "\n".join(failures[:_ERRORS_SHOWN]))
        raise GuikeError(
            t("dbt failed in step '{step}':\n{reason}", step=stage, reason=reason),
            t("Everything that dbt said is in {file}.", file=log_file(settings)),
        )


def _event(line: str, failures: list[str]) -> DbtCoreCliEventMessage | None:
    """One line of dbt's output as an event; errors are collected, other text goes to the debug log."""
    try:
        raw = json.loads(line)
        info = raw["info"]
    except (ValueError, KeyError, TypeError):
        _log.debug(line.rstrip())
        return None
    if info["level"] == "error":
        failures.append(info["msg"].strip())
    _log.debug(info["msg"])
    return DbtCoreCliEventMessage(raw_event=raw, event_history_metadata={})
