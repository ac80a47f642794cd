"""The catalogue for people: which rules there are, as rows and as a document.

Comes in: the catalogue. Goes out: one row per rule in the language in force, or the text of
docs/quality-rules.md, which is generated and never edited.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.i18n import language, t
from quality.catalogue import Catalogue
from quality.rule import Rule, Text


def said(text: Text) -> str:
    """A text of the catalogue in the language in force."""
    return text.zh if language() == "zh" else text.en


def severity_name(severity: str) -> str:
    """What happens to a record that fails."""
    return {"error": t("set aside"), "warn": t("flagged"), "info": t("listed")}[severity]


def dimension_name(dimension: str) -> str:
    """The dimension of quality, in words."""
    return {
        "completeness": t("completeness"), "uniqueness": t("uniqueness"), "validity": t("validity"),
        "consistency": t("consistency"), "timeliness": t("timeliness"), "accuracy": t("accuracy"),
        "reconciliation": t("reconciliation"),
    }[dimension]  # fmt: skip


def chosen(
    catalogue: Catalogue, entity: str | None = None, severity: str | None = None, dimension: str | None = None
) -> list[Rule]:
    """The rules that are all of what is asked for, those switched off last."""
    return [
        rule
        for rule in (*catalogue.rules, *catalogue.disabled)
        if entity in (None, rule.entity)
        and severity in (None, rule.severity)
        and dimension in (None, rule.dimension)
    ]


def as_data(rule: Rule, catalogue: Catalogue) -> dict[str, object]:
    """One rule with all that it says, in both languages, for scripts."""
    place = catalogue.places[rule.rule_id]
    return {
        "rule_id": rule.rule_id, "entity": rule.entity, "gate": rule.gate, "field": rule.field,
        "severity": rule.severity, "dimension": rule.dimension, "enabled": rule.enabled,
        "max_failed": rule.max_failed, "expectation": rule.expected.name, "column": rule.expected.column,
        "where": rule.where, "title": rule.title.model_dump(), "meaning": rule.meaning.model_dump(),
        "remedy": rule.remedy.model_dump(), "protects": list(rule.protects),
        "file": place.file, "line": place.line,
    }  # fmt: skip


def document(catalogue: Catalogue) -> str:
    """The text of docs/quality-rules.md, or of its Chinese twin where Chinese is in force."""
    rules = (*catalogue.rules, *catalogue.disabled)
    lines = [
        t("# The quality rules"),
        "",
        t("Generated from quality/rules/ by `make docs`; change it there. How the gates work: "
          "[quality.md](quality.md)."),
        "",
        t("{rules} rules on {entities} entities. A failing record is set aside (error), flagged (warn) or "
          "only listed (info). At most {limit} of an entity's records may be set aside, unless it says "
          "another limit; more stops the run.", rules=len(rules),
          entities=len({rule.entity for rule in rules}), limit=_percent(catalogue.max_set_aside)),
        "",
        *_summary(rules),
        "",
    ]  # fmt: skip
    for entity in sorted({rule.entity for rule in rules}):
        own = [rule for rule in rules if rule.entity == entity]
        lines += [f"## {entity}", ""]
        if catalogue.limit(entity) != catalogue.max_set_aside:
            limit = _percent(catalogue.limit(entity))
            lines += [t("At most {limit} may be set aside.", limit=limit), ""]
        for rule in own:
            lines += _entry(rule)
    return "\n".join(lines)


def _summary(rules: Iterable[Rule]) -> list[str]:
    counts: dict[str, dict[str, int]] = {}
    for rule in rules:
        row = counts.setdefault(rule.dimension, {"error": 0, "warn": 0, "info": 0})
        row[rule.severity] += 1
    head = [t("Dimension"), t("Set aside"), t("Flagged"), t("Listed")]
    body = [[dimension_name(name), *map(str, counts[name].values())] for name in counts]
    return [_row(head), _row(["---", "--:", "--:", "--:"]), *map(_row, body)]


def _entry(rule: Rule) -> list[str]:
    facts = [
        severity_name(rule.severity), dimension_name(rule.dimension), t("gate {gate}", gate=rule.gate),
        f"`{rule.expected.name}({rule.expected.column})`",
    ]  # fmt: skip
    if rule.max_failed is not None:
        facts.append(t("stops above {limit}", limit=_percent(rule.max_failed)))
    if not rule.enabled:
        facts.append(t("switched off"))
    protects = ", ".join(f"`{mart}`" for mart in rule.protects)
    return [
        f"### {said(rule.title)}",
        "",
        f"`{rule.rule_id}` · " + " · ".join(facts),
        "",
        f"{said(rule.meaning)} **{said(rule.remedy)}** " + t("Protects {marts}.", marts=protects),
        "",
    ]


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _percent(share: float) -> str:
    return f"{share:.1%}"
