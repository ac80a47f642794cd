"""What the gates evaluated, as Great Expectations' own suites and validation results.

Comes in: `quality.rule_results` (counts per rule and system) and the catalogue. Goes out: one suite per
entity and gate, and its validation result. The gates evaluate rules in frames, each for the rows that it can
be asked of; here their counts stand together again. No value of any record is among them, so none can be
shown.
"""

from __future__ import annotations

import hashlib
import html
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb

from quality.catalogue import Catalogue
from quality.data_docs.words import both, escaped, known
from quality.frames import columns_of
from quality.rule import Gate, Rule
from quality.suites import suites

if TYPE_CHECKING:  # takes seconds to import; who finds that nothing has changed doesn't need it
    from great_expectations.core import ExpectationSuite
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

_UNKNOWN = datetime(1970, 1, 1)
# What a failure means for a record, and Great Expectations' word for how bad that is.
_THEN = {"error": ("set aside", "critical"), "warn": ("flagged", "warning"), "info": ("listed", "info")}


@dataclass(frozen=True)
class Count:
    """One rule in one system: the values looked at, and how many of them failed."""

    system: str
    checked: int
    failed: int


@dataclass(frozen=True)
class Evaluated:
    """One rule and its counts, system by system."""

    rule: Rule
    counts: tuple[Count, ...]

    @property
    def checked(self) -> int:
        """Values looked at in all systems."""
        return sum(count.checked for count in self.counts)

    @property
    def failed(self) -> int:
        """Values that failed in all systems."""
        return sum(count.failed for count in self.counts)


@dataclass(frozen=True)
class Suite:
    """What one run's gate found of one entity; `passed` says whether the run may go on because of it."""

    gate: Gate
    entity: str
    run_id: str
    run_at: datetime
    passed: bool
    rules: tuple[Evaluated, ...] = field(repr=False)

    @property
    def name(self) -> str:
        """As Great Expectations writes it: the folder before the dot, the page after it."""
        return f"gate_{self.gate}.{self.entity}"

    @property
    def digest(self) -> str:
        """Changes with the rules and with what they found."""
        content = repr([(one.rule, one.counts) for one in self.rules]) + repr(self.passed)
        return hashlib.sha256(content.encode()).hexdigest()[:16]


def read_suites(con: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> list[Suite]:
    """All suites that looked at anything, as the gates last left them: gate 1 first, in the files' order."""
    counts, runs = _counts_by_system(con)
    moments = dict(con.execute("select run_id, started_at from ops.runs").fetchall())
    gates: tuple[Gate, ...] = (1, 2)
    found = []
    for gate in gates:
        for suite in suites(con, catalogue, gate):
            rules = tuple(
                Evaluated(rule, tuple(counts[rule.rule_id]))
                for rule in catalogue.of(suite.entity, gate)
                if rule.rule_id in counts
            )
            if rules:
                run_id = max(runs[one.rule.rule_id] for one in rules)
                run_at = moments.get(run_id, _UNKNOWN)
                found.append(Suite(gate, suite.entity, run_id, run_at, not suite.stops, rules))
    return found


def _counts_by_system(con: duckdb.DuckDBPyConnection) -> tuple[dict[str, list[Count]], dict[str, str]]:
    """Rule -> its counts system by system, and the run that made them; nothing before the first gate."""
    counts: dict[str, list[Count]] = {}
    runs: dict[str, str] = {}
    if columns_of(con, "quality", "rule_results"):
        rows = con.execute(
            "select rule_id, system, sum(checked)::bigint, sum(failed)::bigint, max(run_id) "
            "from quality.rule_results group by all order by all"
        ).fetchall()
        for rule_id, system, checked, failed, run_id in rows:
            counts.setdefault(rule_id, []).append(Count(system, checked, failed))
            runs[rule_id] = max(run_id, runs.get(rule_id, ""))
    return counts, runs


def as_suite(suite: Suite) -> ExpectationSuite:
    """The suite's rules, as Great Expectations keeps them."""
    from great_expectations.core import ExpectationSuite

    return ExpectationSuite(
        name=suite.name, expectations=[_configuration(one, found=False) for one in suite.rules]
    )


def as_result(suite: Suite) -> ExpectationSuiteValidationResult:
    """What the gate found, as Great Expectations keeps it; its success is the gate's verdict."""
    from great_expectations import __version__
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
        ExpectationValidationResult,
    )

    results = [
        ExpectationValidationResult(
            success=not one.failed, expectation_config=_configuration(one, found=True), result=_counts(one),
            exception_info={
                "raised_exception": False, "exception_message": None, "exception_traceback": None
            },
        )
        for one in suite.rules
    ]  # fmt: skip
    good = sum(bool(result.success) for result in results)
    return ExpectationSuiteValidationResult(
        success=suite.passed,
        results=results,
        suite_name=suite.name,
        statistics={
            "evaluated_expectations": len(results), "successful_expectations": good,
            "unsuccessful_expectations": len(results) - good,
            "success_percent": 100 * good / max(len(results), 1),
        },
        meta={
            "run_id": {"run_name": suite.run_id, "run_time": suite.run_at.replace(tzinfo=UTC).isoformat()},
            "great_expectations_version": __version__,
            "batch_spec": {"data_asset_name": f"input.{suite.entity}"},
        },
    )  # fmt: skip


def _counts(one: Evaluated) -> dict[str, Any]:
    """The part of a validation that isn't values: Great Expectations' own keys."""
    return {
        "element_count": one.checked,
        "unexpected_count": one.failed,
        "unexpected_percent": 100 * one.failed / one.checked if one.checked else 0.0,
    }


def _configuration(one: Evaluated, *, found: bool) -> ExpectationConfiguration:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.metadata_types import FailureSeverity

    rule, expected = one.rule, one.rule.expected
    tolerated = {} if rule.max_failed is None else {"mostly": 1 - rule.max_failed}
    return ExpectationConfiguration(
        type=expected.name,
        # Of the field that is reported, not of the helper that was looked at: the page's sections are fields.
        kwargs={**expected.kwargs, **tolerated, "column": rule.field},
        description=_description(one, found=found),
        severity=FailureSeverity(_THEN[rule.severity][1]),
        meta={
            "rule_id": rule.rule_id, "dimension": rule.dimension, "protects": list(rule.protects),
            "meaning": rule.meaning.model_dump(), "remedy": rule.remedy.model_dump(),
        },
    )  # fmt: skip


def _description(one: Evaluated, *, found: bool) -> str:
    """What the page says of a rule, in both languages; `found` adds the counts of each system."""
    rule, then = one.rule, _THEN[one.rule.severity][0]
    marks = [
        f'<span class="badge is-{rule.severity}">{known(then)}</span>',
        f'<span class="badge">{known(rule.dimension)}</span>',
        f"<code>{html.escape(rule.rule_id)}</code>",
    ]
    if rule.max_failed is not None:
        most = f"{rule.max_failed:.3g}"
        marks.append(
            f'<span class="badge">{both(f"stops the run above {most}", f"超过 {most} 阻止运行")}</span>'
        )
    remedy = (
        f'<p class="do">→ {escaped(rule.remedy.en, rule.remedy.zh)}</p>' if one.failed or not found else ""
    )
    table = _by_system(one) if found and one.failed else ""
    return (
        f'<div class="rule"><b>{escaped(rule.title.en, rule.title.zh)}</b>'
        f"<p>{escaped(rule.meaning.en, rule.meaning.zh)}</p>{remedy}{''.join(marks)}{table}</div>"
    )


def _by_system(one: Evaluated) -> str:
    heads = (both("system", "系统"), both("checked", "检查"), both("failed", "不符"), "%")
    lines = "".join(
        f'<tr><td>{html.escape(count.system)}</td><td>{count.checked:,}</td>'
        f'<td class="{"some" if count.failed else ""}">{count.failed:,}</td>'
        f"<td>{100 * count.failed / max(count.checked, 1):.2f}</td></tr>"
        for count in one.counts
    )  # fmt: skip
    head = "".join(f"<th>{title}</th>" for title in heads)
    return f'<table class="systems"><tr>{head}</tr>{lines}</table>'
