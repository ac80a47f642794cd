"""`guike system add`: look at a source, propose what its columns mean, ask where in doubt, and write it.

Comes in: a URL or a path, and the user's answers. Goes out: the proposal on the screen, and the system's
files. Nothing is written before the last question is answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from pipelines.commands.console import err, out, table
from pipelines.commands.exits import sole_writer
from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import load_settings

if TYPE_CHECKING:
    from pipelines.extract.scaffold.classify import Candidate
    from pipelines.extract.scaffold.mapping import Match
    from pipelines.extract.scaffold.propose import Proposal
    from pipelines.extract.scaffold.survey import SourceTable

_NONE = "-"
_TRUST = 50


def add(
    location: Annotated[
        str, typer.Argument(help="A database's URL, or the path of a file or a folder of files.")
    ],
    name: Annotated[str, typer.Option("--name", help="What to call the system: small letters and digits.")],
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Don't ask: take the best guess, and list what to look at.")
    ] = False,
    trust: Annotated[
        int | None,
        typer.Option("--trust", help="How far its values win over other systems', from 0 to 100."),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option("--preset", help="A ready-made description, for a product that many firms run."),
    ] = None,
) -> None:
    """Add a legacy system: find out what it holds, and write its YAML and staging models."""
    from pipelines.extract.scaffold.add import header, survey
    from pipelines.extract.scaffold.propose import propose
    from pipelines.extract.scaffold.render import render
    from pipelines.extract.scaffold.write import require_free_name, write_system

    settings = load_settings()
    require_free_name(settings, name)
    if preset is not None:
        _add_preset(preset, name, location, trust)
        return
    head, variables = header(settings, location, name, _TRUST if trust is None else trust)
    err().print(t("Looking at the source …"))
    seen = survey(settings, location)
    proposal = propose(seen) if yes else propose(seen, _ask_table, _ask_column)
    if not proposal.plans:
        raise GuikeError(
            t("None of the {count} tables looks like customers, orders or anything else that Guike knows.",
              count=len(seen.tables)),
            t("Describe the system by hand; docs/add-a-system.md tells how."),
        )  # fmt: skip
    _show(proposal)
    if not yes and not _confirmed():
        out().print(t("Nothing was written."))
        return
    with sole_writer(settings, "guike system add"):
        written = write_system(settings, name, render(proposal, head), variables)
    for path in written:
        out().print(escape(t("wrote {file}", file=path)), soft_wrap=True)
    out().print(t("Next: guike system test {name}, guike system preview {name}, guike run", name=name))


def _add_preset(preset: str, name: str, location: str, trust: int | None) -> None:
    presets = import_module("pipelines.extract.presets")
    if preset not in presets.preset_names():
        raise GuikeError(
            t("There is no preset '{preset}'.", preset=preset),
            t("Choose one of: {known}.", known=", ".join(presets.preset_names())),
        )
    settings = load_settings()
    with sole_writer(settings, "guike system add"):
        for path in presets.apply_preset(settings, preset, name, location, trust=trust):
            out().print(escape(t("wrote {file}", file=path)), soft_wrap=True)


def _show(proposal: Proposal) -> None:
    """The proposal: each table with its fields, what is left out, what to look at."""
    console = out()
    for plan in proposal.plans:
        title = t("{table} → {entity} ({score}: {reason})", table=plan.table.name, entity=plan.entity,
                  score=f"{plan.score:.2f}", reason=plan.reason)  # fmt: skip
        rows = [
            [match.field, match.column, f"{match.confidence:.2f}", match.reason]
            for match in plan.matches.values()
        ]
        columns = [t("Field"), t("Column"), t("Confidence"), t("Reason")]
        console.print(table(escape(title), columns, rows, "  >"))
        console.print()
    if proposal.left_out:
        left_out = [[name, why] for name, why in sorted(proposal.left_out.items())]
        console.print(table(t("Left out"), [t("Table"), t("Reason")], left_out))
        console.print()
    if proposal.doubts:
        console.print(table(t("Look at"), [""], [[doubt] for doubt in proposal.doubts]))
        console.print()


def _ask_table(seen: SourceTable, options: Sequence[Candidate]) -> Candidate | None:
    """Which entity a doubtful table holds; None leaves it out."""
    names = [option.entity for option in options]
    question = t("What does the table {table} hold? ({choices}; {none} for nothing)", table=seen.name,
                 choices=", ".join(names[:5]), none=_NONE)  # fmt: skip
    while True:
        answer = _answer(question, names[0])
        if answer == _NONE:
            return None
        if answer in names:
            return options[names.index(answer)]
        out().print(t("Choose one of: {known}.", known=", ".join([*names, _NONE])))


def _ask_column(entity: str, seen: SourceTable, field: str, guess: Match | None) -> str | None:
    """Which column of a table holds a needed field; None if none does."""
    names = [column.name for column in seen.columns]
    question = t("Which column of {table} is the {field} of {entity}? ({choices}; {none} for none)",
                 table=seen.name, field=field, entity=entity,
                 choices=", ".join(names), none=_NONE)  # fmt: skip
    while True:
        answer = _answer(question, guess.column if guess else _NONE)
        if answer == _NONE:
            return None
        if answer in names:
            return answer
        out().print(t("Choose one of: {known}.", known=", ".join([*names, _NONE])))


def _answer(question: str, default: str) -> str:
    try:
        return str(typer.prompt(question, default=default)).strip()
    except typer.Abort:
        raise GuikeError(t("Nothing was written: nobody answered."), t("Add --yes.")) from None


def _confirmed() -> bool:
    try:
        return typer.confirm(t("Write the files of this system?"), default=True)
    except typer.Abort:
        raise GuikeError(t("Nothing was written: nobody answered."), t("Add --yes.")) from None
