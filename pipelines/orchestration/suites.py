"""The rules of a gate as Dagster's asset checks: one per entity.

Comes in: what the gate has written. Goes out: per suite a check result with the counts of each rule, the
share set aside, its limit, and the way to the pages that show more. A suite that stops the run is an error;
one in which something fails, a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from pipelines.settings import Settings
from quality.catalogue import load_catalogue
from quality.places import data_docs
from quality.rule import Gate
from quality.suites import Suite, suites
from warehouse import store

_COLUMNS = dg.TableSchema([
    dg.TableColumn("rule", "string"), dg.TableColumn("severity", "string"), dg.TableColumn("checked", "int"),
    dg.TableColumn("failed", "int"), dg.TableColumn("share", "string"), dg.TableColumn("limit", "string"),
])  # fmt: skip


def suite_results(
    settings: Settings, gate: Gate, checks: Mapping[str, dg.AssetCheckSpec]
) -> Iterator[dg.AssetCheckResult]:
    """One result for each of the checks (entity -> check), of this run or the one that evaluated last."""
    with store.connect(settings) as con:
        found = {suite.entity: suite for suite in suites(con, load_catalogue(), gate)}
    for entity, check in checks.items():
        suite = found.get(entity)
        yield dg.AssetCheckResult(
            asset_key=check.asset_key,
            check_name=check.name,
            passed=suite is None or not (suite.stops or suite.failed),
            severity=dg.AssetCheckSeverity.ERROR if suite and suite.stops else dg.AssetCheckSeverity.WARN,
            description="\n".join(suite.stops) if suite and suite.stops else None,
            metadata=_metadata(settings, suite) if suite else {},
        )


def _metadata(settings: Settings, suite: Suite) -> dict[str, Any]:
    limits = suite.limits
    records = [
        dg.TableRecord({
            "rule": rule.rule_id, "severity": rule.severity, "checked": rule.checked, "failed": rule.failed,
            "share": f"{rule.share:.2%}",
            "limit": "" if limits[rule.rule_id] is None else f"{limits[rule.rule_id]:.1%}",
        })
        for rule in suite.rules
    ]  # fmt: skip
    docs = data_docs(settings) / "index.html"
    told: dict[str, Any] = {
        "rules": dg.MetadataValue.table(records, _COLUMNS),
        "failed": suite.failed,
        "rows": suite.rows,
        "data_docs": dg.MetadataValue.url(docs.as_uri()),
        "data_docs_file": dg.MetadataValue.path(docs),
    }
    if suite.gate == 1:
        told |= {
            "set_aside": suite.set_aside,
            "share_set_aside": suite.set_aside / max(suite.rows, 1),
            "limit": suite.limit,
        }
    return told
