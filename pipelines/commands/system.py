"""`guike system …`: which legacy systems this company has, how one is tried out, and how it is taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from pipelines.commands.console import out, print_json, table
from pipelines.commands.exits import sole_writer
from pipelines.errors import GuikeError
from pipelines.i18n import language, t
from pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipelines.extract.specs import SystemSpec

_SAMPLE_ROWS = 1000
_LEAST_PARSED = 0.9


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


def test(name: Annotated[str, typer.Argument(help="The system's name.")]) -> None:
    """Try a system out: connect, compare the columns, count the rows, read a sample through staging."""
    from pipelines.extract.scaffold.trial import trial

    settings = load_settings()
    spec = _spec(settings, name)
    console = out()
    with trial(settings, spec, _SAMPLE_ROWS) as tried:
        counted = [[one.name, one.source, tried.rows[one.name]] for one in spec.tables]
        console.print(table(t("Tables"), [t("Table"), t("In the source"), t("Rows")], counted, "  >"))
        rates = tried.parse_rates()
    shown = [
        [rate.model, rate.field, rate.column, rate.filled, f"{_share(rate.parsed, rate.filled):.1%}"]
        for rate in rates
    ]
    columns = [t("Model"), t("Field"), t("Column"), t("Filled"), t("Understood")]
    console.print(table(t("Casts, on a sample"), columns, shown, "   >>"))
    bad = [rate for rate in rates if _share(rate.parsed, rate.filled) < _LEAST_PARSED]
    empty = [one.name for one in spec.tables if not tried.rows[one.name]]
    if bad or empty:
        places = [f"{rate.model}.{rate.field}" for rate in bad] + empty
        raise GuikeError(
            t("{system}: too few values are understood, or there is no row: {places}.", system=name,
              places=", ".join(places)),
            t("Look at them with: guike system preview {name}", name=name),
        )  # fmt: skip
    console.print(t("{system} is ready for guike run.", system=name))


def preview(
    name: Annotated[str, typer.Argument(help="The system's name.")],
    only: Annotated[str | None, typer.Option("--table", help="One entity or staging model only.")] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, max=100, help="How many rows of each.")] = 5,
) -> None:
    """Show the first rows as the staging models give them; personal data is shown as it is."""
    from pipelines.extract.scaffold.trial import trial

    settings = load_settings()
    spec = _spec(settings, name)
    with trial(settings, spec, max(rows, 100)) as tried:
        models = [path.stem for path in tried.models]
        if only is not None:
            wanted = {only, f"stg_{name}__{only}"}
            models = [model for model in models if model in wanted]
        if not models:
            known = ", ".join(path.stem.partition("__")[2] for path in tried.models)
            raise GuikeError(
                t("{system} has no staging model '{table}'.", system=name, table=only),
                t("Choose one of: {known}.", known=known),
            )
        for model in models:
            columns, found = tried.first(model, rows)
            # A row stands upright: most models are wider than a screen.
            shown = [[column, *(row[position] for row in found)] for position, column in enumerate(columns)]
            heads = ["", *(str(number) for number in range(1, len(found) + 1))]
            out(200).print(table(model, heads, shown))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _spec(settings: Settings, name: str) -> SystemSpec:
    from pipelines.extract.specs import load_specs

    specs = {spec.name: spec for spec in load_specs(settings)}
    if name not in specs:
        raise GuikeError(
            t("There is no system {names}.", names=name),
            t("Name one of: {names}", names=", ".join(specs) or "–"),
        )
    return specs[name]
