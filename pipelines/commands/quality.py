"""`guike quality …`: the rules, why the last run passed the gates or not, and what is waived.

Comes in: options. Goes out: tables or JSON; for the waivers, lines in their file. Nothing in the warehouse is
touched: the next `guike run` obeys.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from pipelines.commands.console import err, out, print_json, table
from pipelines.commands.judge import who
from pipelines.commands.working import has_table, working
from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    from quality.explain import Explanation
    from quality.waivers import Waiver

_WORST = 10

Why = Annotated[str, typer.Option("--why", help="The reason, in words.")]
By = Annotated[str | None, typer.Option("--by", help="Who answers for it; by default this computer's user.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def rules(
    entity: Annotated[str | None, typer.Option("--entity", help="Only rules on this entity.")] = None,
    severity: Annotated[
        Literal["error", "warn", "info"] | None, typer.Option("--severity", help="Only rules this severe.")
    ] = None,
    dimension: Annotated[
        str | None, typer.Option("--dimension", help="Only rules of this dimension.")
    ] = None,
    as_json: AsJson = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the document that lists all rules.")
    ] = False,
) -> None:
    """List the quality rules: what each looks for, and what happens to a record that fails."""
    from quality import listing
    from quality.catalogue import load_catalogue
    from quality.rule import DIMENSIONS

    catalogue = load_catalogue()
    if markdown:
        sys.stdout.write(listing.document(catalogue))
        return
    _expect_known(entity, sorted({rule.entity for rule in catalogue.rules}))
    _expect_known(dimension, DIMENSIONS)
    found = listing.chosen(catalogue, entity, severity, dimension)
    if as_json:
        print_json([listing.as_data(rule, catalogue) for rule in found])
        return
    columns = [t("Rule"), t("Looks for"), t("Then it is"), t("Dimension"), t("Gate")]
    rows = [
        [
            rule.rule_id, listing.said(rule.title),
            listing.severity_name(rule.severity) if rule.enabled else t("switched off"),
            listing.dimension_name(rule.dimension), rule.gate,
        ]
        for rule in found
    ]  # fmt: skip
    out().print(table(t("{count} quality rules", count=len(found)), columns, rows, "    >"))


def gate(as_json: AsJson = False) -> None:
    """Explain what the gates decided in the last run, and what to do."""
    from quality.catalogue import load_catalogue
    from quality.explain import explain

    settings, catalogue = load_settings(), load_catalogue()
    with working(settings) as con:
        told = explain(con, settings, catalogue)
    if as_json:
        print_json(_told_as_data(told))
    else:
        _print_verdict(told)
        _print_details(told)


def waive(
    rule: Annotated[str, typer.Argument(help="The rule, as `guike quality rules` names it.", metavar="RULE")],
    why: Why,
    until: Annotated[
        datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="The last day on which it holds.")
    ],
    record: Annotated[
        str | None, typer.Option("--record", help="For this record: system.source_table.source_id.")
    ] = None,
    system: Annotated[str | None, typer.Option("--system", help="For all records of this system.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="For all records.")] = False,
    by: By = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also for a record that no run has read yet.")
    ] = False,
) -> None:
    """Let what a rule says stand for a while: it is neither set aside nor flagged until that day."""
    from quality import waivers
    from quality.catalogue import load_catalogue

    settings, catalogue = load_settings(), load_catalogue()
    scopes = [scope for scope in (record, system, waivers.ALL if everything else None) if scope]
    if len(scopes) != 1:
        raise GuikeError(
            t("It isn't clear what the waiver is for."), t("Give one of --record, --system and --all.")
        )
    if record and not force:
        _expect_record(settings, rule, record)
    made = waivers.add(settings, catalogue, rule, scopes[0], until.date(), who(by), why)
    words = t("{id}: {rule} is waived for {scope} until {day}.", id=made.waiver_id, rule=rule,
              scope=_scope(made), day=made.waived_until)  # fmt: skip
    _print_kept(words, made)


def withdraw(
    waiver: Annotated[str, typer.Argument(help="The waiver's id.", metavar="ID")], why: Why, by: By = None
) -> None:
    """Take a waiver back before its day; the line stays in the file."""
    from quality import waivers

    settings = load_settings()
    made = waivers.withdraw(settings, waiver, who(by), why)
    words = t("{id}: {rule} is no longer waived for {scope}.", id=made.waiver_id, rule=made.rule_id,
              scope=_scope(made))  # fmt: skip
    _print_kept(words, made)


def list_waivers(
    every: Annotated[
        bool, typer.Option("--all", help="Also those expired, superseded or withdrawn.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the waivers in force."""
    from quality import waivers

    settings = load_settings()
    made = waivers.read(settings)
    valid = {one.waiver_id for one in waivers.in_force(made, settings.as_of)}
    shown = [one for one in made if every or one.waiver_id in valid]
    if as_json:
        print_json([_waiver_as_data(one) | {"is_in_force": one.waiver_id in valid} for one in shown])
        return
    if not shown:
        out().print(t("No waiver is in force."))
        return
    columns = [t("Id"), t("Rule"), t("For"), t("Until"), t("Who"), t("Why"), t("In force")]
    rows = [
        [
            one.waiver_id, one.rule_id, _scope(one), one.waived_until, one.waived_by,
            one.reason if one.action == "waived" else t("withdrawn: {reason}", reason=one.reason),
            t("yes") if one.waiver_id in valid else t("no"),
        ]
        for one in shown
    ]  # fmt: skip
    out().print(table(t("Waivers"), columns, rows))


def _print_kept(words: str, made: Waiver) -> None:
    out().print(escape(words), soft_wrap=True)
    if made.supersedes:
        out().print(t("It takes the place of {id}.", id=made.supersedes))
    err().print(t("It takes effect with the next `guike run`."))


def _scope(waiver: Waiver) -> str:
    from quality.waivers import ALL

    return t("all records") if waiver.scope == ALL else waiver.scope


def _waiver_as_data(one: Waiver) -> dict[str, Any]:
    return {
        "waiver_id": one.waiver_id, "rule_id": one.rule_id, "scope": one.scope, "action": one.action,
        "waived_until": one.waived_until, "reason": one.reason, "waived_by": one.waived_by,
        "waived_at": one.waived_at, "supersedes": one.supersedes,
    }  # fmt: skip


def _expect_known(given: str | None, known: Any) -> None:
    if given is not None and given not in known:
        raise GuikeError(
            t("There is nothing of that name: {name}.", name=given),
            t("Choose one of: {known}.", known=", ".join(known)),
        )


def _expect_record(settings: Settings, rule: str, record: str) -> None:
    """Refuse a record that the rule's entity doesn't have in the working file."""
    from pipelines.record_name import RecordName

    name, entity = RecordName.parse(record), rule.split(".")[0]
    with working(settings) as con:
        if not has_table(con, "input", entity):
            return
        found = con.execute(
            f"select 1 from input.{entity} where system = ? and source_table = ? and source_id = ?",
            [name.system, name.source_table, name.source_id],
        ).fetchone()
    if not found:
        raise GuikeError(
            t("There is no record {record} among {entity}.", record=record, entity=entity),
            t("`guike quality gate` shows what is set aside; if the next run is to bring it, add --force."),
        )


def _print_verdict(told: Explanation) -> None:
    console = out()
    reasons = [reason for found in told.stops.values() for reason in found]
    for system, measure, difference in told.unreconciled:
        reasons.append(
            t("{system}, {measure}: {difference} are unaccounted for.", system=system, measure=measure,
              difference=f"{difference:,}")
        )  # fmt: skip
    if reasons:
        console.print(f"[bold red]✗ {escape(t('The gates stop the run (run {run}).', run=told.run_id))}[/]")
        for reason in reasons:
            console.print("  → " + escape(reason), soft_wrap=True)
    else:
        words = t("Nothing stops the run (run {run}).", run=told.run_id)
        console.print(f"[bold green]✓ {escape(words)}[/]")
    if 2 not in told.stops:
        console.print(escape(t("Gate 2 has not been reached yet.")))


def _print_details(told: Explanation) -> None:
    from quality import listing
    from quality.catalogue import load_catalogue

    console, catalogue = out(), load_catalogue()
    by_id = {rule.rule_id: rule for rule in catalogue.rules}
    console.print()
    columns = [t("Entity"), t("In"), t("Through"), t("Set aside"), t("Hanging"), t("Share"), t("At most"),
               t("Flagged")]  # fmt: skip
    rows = [
        [e.entity, e.rows, e.through, e.set_aside, e.hanging, f"{e.share:.2%}", f"{e.limit:.1%}", e.flagged]
        for e in told.entities
    ]
    console.print(table(t("Records"), columns, rows, " >>>>>>>"))
    worst = [result for result in told.rules if result.severity != "info"][:_WORST]
    if worst:
        console.print()
        columns = [t("Rule"), t("Then it is"), t("Failed"), t("Share"), t("What to do")]
        rows = [
            [
                result.rule_id, listing.severity_name(result.severity), result.failed, f"{result.share:.2%}",
                listing.said(by_id[result.rule_id].remedy),
            ]
            for result in worst
        ]  # fmt: skip
        console.print(table(t("The rules that fail most"), columns, rows, "  >>"))
    if told.waivers:
        console.print()
        columns = [t("Id"), t("Rule"), t("For"), t("Until"), t("Issues"), t("Who"), t("Why")]
        rows = [
            [w.waiver_id, w.rule_id, _scope(w), w.waived_until, issues, w.waived_by, w.reason]
            for w, issues in told.waivers
        ]
        console.print(table(t("Waivers in force"), columns, rows, "    >"))


def _told_as_data(told: Explanation) -> dict[str, Any]:
    return {
        "run_id": told.run_id,
        "passed": told.passed and not told.unreconciled,
        "stops": {f"gate_{gate}": reasons for gate, reasons in told.stops.items()},
        "unreconciled": [
            {"system": system, "measure": measure, "difference": difference}
            for system, measure, difference in told.unreconciled
        ],
        "entities": [
            {
                "entity": e.entity, "rows": e.rows, "through": e.through, "set_aside": e.set_aside,
                "hanging": e.hanging, "flagged": e.flagged, "share": e.share, "limit": e.limit,
            }
            for e in told.entities
        ],
        "rules": [
            {
                "rule_id": r.rule_id, "severity": r.severity, "checked": r.checked, "failed": r.failed,
                "share": r.share,
            }
            for r in told.rules
        ],
        "waivers": [_waiver_as_data(w) | {"issues": issues} for w, issues in told.waivers],
    }  # fmt: skip
