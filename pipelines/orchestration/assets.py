"""The stages that are Python, as Dagster assets: extraction, the two gates, identity, publishing.

Comes in: the systems' specs and the dbt manifest (for the names of the relations). Goes out: asset
definitions with checks. Each does nothing but call the part that does the work, inside the run's session.
"""

# No postponed annotations here: Dagster checks those of its functions as objects.

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import dagster as dg

from pipelines.extract.specs import SystemSpec
from pipelines.orchestration.dbt import key_of, stage_of
from pipelines.orchestration.dbt_process import warm_up
from pipelines.orchestration.demo_sources import demo_service
from pipelines.orchestration.instance import POOL
from pipelines.orchestration.session import Session
from pipelines.orchestration.suites import suite_results
from quality.catalogue import load_catalogue
from quality.rule import Gate
from warehouse import store
from warehouse.publish import publish

PUBLISHED = dg.AssetKey(["published", "current"])
LOADED = dg.AssetKey(["ops", "systems"])
# All that may run is loaded before anything is built from it.
_FIRST, _SECOND = {"dagster/priority": "20"}, {"dagster/priority": "10"}

_GATE_1 = (
    "record_issues",
    "set_aside",
    "resolved_issues",
    "rule_results",
    "waived_issues",
    "check_counts",
    "rules",
)
_IDENTITY = ("customer_xref", "customer_ids", "customer_id_changes", "records", "identifiers", "unresolved")
_GATE_2 = ("reconciliation",)


@dataclass(frozen=True)
class Outcome:
    """What a gate or another Python stage reports."""

    passed: bool = True
    message: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


Action = Callable[[Session], Outcome]


def raw_keys(spec: SystemSpec) -> list[dg.AssetKey]:
    """The asset keys of a system's tables, as dbt's sources name them."""
    return [dg.AssetKey([f"raw_{spec.name}", table.name]) for table in spec.tables]


def extract_assets(spec: SystemSpec) -> dg.AssetsDefinition:
    """The raw tables of one system, with a warning where its data is stale."""
    keys = raw_keys(spec)

    @dg.multi_asset(
        name=f"extract_{spec.name}",
        specs=[dg.AssetSpec(key, group_name="extract", kinds={spec.kind, "dlt"}) for key in keys],
        check_specs=[
            dg.AssetCheckSpec("fresh", asset=keys[0], description="The source answered in this run.")
        ],
        pool=POOL,
        op_tags=_FIRST,
        required_resource_keys={"session"},
    )
    def extract(context: dg.AssetExecutionContext) -> Iterator[Any]:
        from pipelines.extract.load import extract_system

        session: Session = context.resources.session
        with session.extracting(spec.name) as loads, demo_service(session.settings, spec) as found:
            load = extract_system(session.settings, found, session.run_id, whole=session.full)
            loads.append(load)
        if load.status == "loaded":
            warm_up()  # staging will have something to do
        tables = {table.name: table for table in load.tables}
        for key in keys:
            table = tables.get(key.path[-1])
            told = {"status": table.status, "dagster/row_count": table.rows} if table else {}
            yield dg.MaterializeResult(asset_key=key, metadata={"system_status": load.status, **told})
        yield dg.AssetCheckResult(
            asset_key=keys[0],
            check_name="fresh",
            passed=load.status != "stale",
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"message": load.message or "", "newest_loaded_at": str(load.newest_loaded_at or "")},
        )

    return extract


def loaded_asset(specs: Sequence[SystemSpec]) -> dg.AssetsDefinition:
    """`ops.systems`, which every extraction keeps up to date: the point at which all systems are in."""

    @dg.asset(
        key=LOADED,
        group_name="extract",
        deps=[key for spec in specs for key in raw_keys(spec)],
        pool=POOL,
        op_tags=_SECOND,
        required_resource_keys={"session"},
    )
    def systems(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        with store.connect(context.resources.session.settings) as con:
            row = con.execute("select count(*) from ops.systems").fetchone()
        return dg.MaterializeResult(metadata={"dagster/row_count": row[0] if row else 0})

    return systems


def python_stage(
    stage: str,
    keys: Sequence[dg.AssetKey],
    deps: Sequence[dg.AssetKey],
    action: Action,
    *,
    gate: Gate | None = None,
    suites: Mapping[str, dg.AssetCheckSpec] = MappingProxyType({}),
) -> dg.AssetsDefinition:
    """A stage whose work is one Python function; as a gate, it stops all that comes after when it fails.

    Args:
        suites: entity -> the check that shows what the gate's rules on it found.
    """
    check = dg.AssetCheckSpec(
        "passed", asset=keys[0], blocking=True, description="The stage ended, and no gate stopped the run."
    )

    @dg.multi_asset(
        name=stage,
        specs=[dg.AssetSpec(key, group_name=stage, deps=deps, kinds={"python", "duckdb"}) for key in keys],
        check_specs=[check, *suites.values()] if gate else [],
        pool=POOL,
        required_resource_keys={"session"},
    )
    def run_stage(context: dg.AssetExecutionContext) -> Iterator[Any]:
        session: Session = context.resources.session
        outcome = Outcome()
        with session.stage(stage) as work:
            if not work.unchanged:
                outcome = action(session)
                if not outcome.passed:
                    work.fail(outcome.message or "")
        metadata = {**outcome.metadata, "skipped": work.unchanged}
        for key in keys:
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)
        if gate:
            yield from suite_results(session.settings, gate, suites)
            yield dg.AssetCheckResult(
                asset_key=keys[0],
                check_name="passed",
                passed=outcome.passed,
                metadata={**metadata, "message": outcome.message or ""},
            )

    return run_stage


def python_stages(manifest: Mapping[str, Any]) -> list[dg.AssetsDefinition]:
    """Gate 1, identity, gate 2 and publishing, between the dbt stages that the manifest describes."""
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    built = {
        stage: [key_of(m) for m in models if stage_of(m) == stage] for stage in ("staging", "core", "marts")
    }
    contract = [key for key in built["staging"] if key.path[0] in ("input", "quality")]
    passed = [f"passed_{key.path[-1]}" for key in contract if key.path[0] == "input"]
    gate_1 = _keys(manifest, "quality", (*_GATE_1, *passed), besides={*_GATE_2})
    identity = _keys(manifest, "identity", _IDENTITY)
    gate_2 = [dg.AssetKey(["quality", name]) for name in _GATE_2]
    catalogue = load_catalogue()
    # What leaves gate 1 is one view per entity; gate 2 writes nothing of an entity's own.
    on_passed = {
        entity: dg.AssetCheckSpec(
            "gate_1",
            asset=["quality", f"passed_{entity}"],
            description=f"Every rule on {entity} that a record can be asked by itself.",
        )
        for entity in catalogue.checked_at(1)
        if f"passed_{entity}" in passed
    }
    on_unified = {
        entity: dg.AssetCheckSpec(
            f"gate_2_{entity}",
            asset=gate_2[0],
            description=f"Every rule on {entity} that needs to know which records are one customer.",
        )
        for entity in catalogue.checked_at(2)
        if f"passed_{entity}" in passed
    }
    everything = [*built["core"], *built["marts"], *gate_1, *identity, *gate_2, LOADED]
    return [
        python_stage("gate_1", gate_1, contract, _run_gate_1, gate=1, suites=on_passed),
        python_stage("identity", identity, gate_1, _run_identity),
        python_stage(
            "gate_2", gate_2, [*built["core"], *identity, *gate_1], _run_gate_2, gate=2, suites=on_unified
        ),
        python_stage("publish", [PUBLISHED], everything, _publish),
    ]


def _keys(
    manifest: Mapping[str, Any], schema: str, known: Sequence[str], besides: set[str] | None = None
) -> list[dg.AssetKey]:
    """The relations known to be written in `schema`, and those that dbt reads from there."""
    read = {key_of(node).path[-1] for node in manifest["sources"].values() if node["schema"] == schema}
    more = sorted(read - set(known) - (besides or set()))
    return [dg.AssetKey([schema, name]) for name in (*known, *more)]


def _run_gate_1(session: Session) -> Outcome:
    from pipelines.orchestration.telling import after_gate
    from quality.gate import run_gate_1

    result = session.gate_1 = run_gate_1(session.settings, session.run_id)
    counts = {
        "rules": len(result.rules),
        "set_aside": dict(result.set_aside),
        "flagged": dict(result.flagged),
    }
    after_gate(session.settings, 1, result.passed, result.message)
    return Outcome(result.passed, result.message, counts)


def _run_identity(session: Session) -> Outcome:
    from pipelines.identity.resolve import run_identity

    result = session.identity = run_identity(session.settings, session.run_id)
    return Outcome(
        metadata={"records": result.records, "customers": result.customers, "merged": result.merged}
    )


def _run_gate_2(session: Session) -> Outcome:
    from pipelines.orchestration.telling import after_gate
    from quality.reconcile import run_gate_2

    result = session.gate_2 = run_gate_2(session.settings, session.run_id)
    after_gate(session.settings, 2, result.passed, result.message)
    # The words say which figures are off: the table itself is in the working file, which readers don't open.
    message = None if result.passed else result.message
    return Outcome(result.passed, message, {"figures": len(result.lines)})


def _publish(session: Session) -> Outcome:
    from pipelines.orchestration.telling import after_publishing, scores_published

    before = scores_published(session.settings)
    snapshot = session.snapshot = publish(session.settings, session.run_id)
    after_publishing(session.settings, before, snapshot)
    return Outcome(metadata={"content_hash": snapshot.content_hash, "dagster/row_count": snapshot.rows})
