"""The rules as asset checks. If these fail, Dagster shows a suite as sound that isn't, or without counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg

from pipelines.orchestration.suites import suite_results
from pipelines.settings import load_settings
from quality.gate import run_gate_1
from tests.quality.input_layer import Records


def test_each_suite_shows_its_counts_and_how_bad_they_are(tmp_path: Path) -> None:
    records = Records(replace(load_settings(), home=tmp_path, fixed_as_of=date(2026, 6, 30)))
    for n in range(10):
        records.add("interactions", f"i{n}", occurred_at=None if n < 2 else date(2026, 1, 1))
        records.add("contacts", f"n{n}", customer_phone="1391" if n < 1 else "13927650418")
        records.add("staff", f"s{n}", staff_name="陈静")
    records.write()
    entities = ("interactions", "contacts", "staff", "orders")
    checks = {
        entity: dg.AssetCheckSpec("gate_1", asset=["quality", f"passed_{entity}"]) for entity in entities
    }
    assert {result.passed for result in suite_results(records.settings, 1, checks)} == {True}, "no run yet"
    assert not run_gate_1(records.settings, "run-1").passed
    results = dict(zip(entities, suite_results(records.settings, 1, checks), strict=True))
    severity = {name: (result.passed, result.severity.value) for name, result in results.items()}
    assert severity == {
        "interactions": (False, "ERROR"), "contacts": (False, "WARN"), "staff": (True, "WARN"),
        "orders": (True, "WARN"),
    }  # fmt: skip
    stopped = results["interactions"]
    assert "2 of 10 interactions" in (stopped.description or "")
    counts = {
        str(record.data["rule"]): (record.data["checked"], record.data["failed"])
        for record in stopped.metadata["rules"].records  # type: ignore[union-attr]
    }
    assert counts["interactions.date_is_real"] == (10, 2)
    assert counts["interactions.date_not_in_future"] == (8, 0)
    values = {name: value.value for name, value in stopped.metadata.items()}
    assert (values["set_aside"], values["rows"], values["limit"]) == (2, 10, 0.1)
    assert str(values["data_docs"]).endswith("/quality/data_docs/index.html")
