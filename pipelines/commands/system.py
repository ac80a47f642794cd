"""`guike system …`: which legacy systems this company has, and how one is taken out."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from pipelines.commands.console import out, print_json, table
from pipelines.commands.exits import sole_writer
from pipelines.errors import GuikeError
from pipelines.i18n import language, t
from pipelines.settings import load_settings


def list_systems(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """List the legacy systems: what they are, where they are, which tables are read."""
    from pipelines.extract.manage import describe
    from pipelines.extract.specs import load_specs

    rows = [describe(spec) for spec in load_specs(load_settings())]
    if as_json:
        print_json(rows)
        return
    if not rows:
        out().print(t("No system is described yet. docs/add-a-system.md tells how to add one."))
        return
    columns = [t("Name"), t("Title"), t("Kind"), t("Tables"), t("Trust"), t("Where")]
    shown = [
        [
            row["name"],
            row["title"][language()],
            row["kind"],
            len(row["tables"]),
            row["trust"],
            row["location"],
        ]
        for row in rows
    ]
    out().print(table(t("Legacy systems"), columns, shown, "   >>"))


def remove(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of systems, as `guike system list` shows.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Remove every system.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
) -> None:
    """Take systems out: their YAML file, their staging models and what was loaded from them."""
    from pipelines.extract.manage import remove_system
    from pipelines.extract.specs import load_specs

    settings = load_settings()
    known = [spec.name for spec in load_specs(settings)]
    wanted = known if every else list(dict.fromkeys(names or []))
    unknown = [name for name in wanted if name not in known]
    if unknown or not (wanted or every):
        raise GuikeError(
            t("There is no system {names}.", names=", ".join(unknown))
            if unknown
            else t("No system is named."),
            t("Name one of: {names}", names=", ".join(known) or "–"),
        )
    console = out()
    if not yes and wanted:
        question = t(
            "Remove {names}, with the staging models and all that was loaded?", names=", ".join(wanted)
        )
        try:
            agreed = typer.confirm(question)
        except typer.Abort:
            raise GuikeError(t("Nothing was removed: nobody answered."), t("Add --yes.")) from None
        if not agreed:
            console.print(t("Nothing was removed."))
            return
    with sole_writer(settings, "guike system remove"):
        for name in wanted:
            for path in remove_system(settings, name):
                console.print(escape(t("removed {what}", what=path)), soft_wrap=True)
