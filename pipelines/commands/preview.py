"""`guike preview-merge A B`: what would change if two customers were one.

Comes in: two customers, by id or by one of their records. Goes out: tiers, churn and revenue of either before
and of the one after, and how many other customers would change. Nothing is changed by it.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from pipelines.commands.console import out, print_json, progress_lines, table
from pipelines.commands.customer import state_words
from pipelines.commands.exits import LockHeldError
from pipelines.commands.working import working
from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipelines.orchestration.preview import Preview

_WIDTH = 100


def preview_merge(
    one: Annotated[str, typer.Argument(help="A customer id, or one of the customer's records.", metavar="A")],
    other: Annotated[str, typer.Argument(help="The other customer.", metavar="B")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Show what would change in tiers, churn and revenue if two customers were one; nothing is changed."""
    from pipelines.orchestration import preview
    from warehouse.store import BusyError

    settings = load_settings()
    ids = _ids(settings, one, other)
    try:
        with progress_lines("guike preview-merge"):
            found = preview.preview_merge(settings, *ids)
    except BusyError as error:
        raise LockHeldError(error.what, error.remedy) from None
    if as_json:
        print_json(asdict(found))
    else:
        _print(found)


def _ids(settings: Settings, one: str, other: str) -> list[str]:
    """The present ids of both.

    Raises:
        GuikeError: one of them is nobody or several, or both are one already.
    """
    from pipelines.lookup import find

    ids = []
    with working(settings) as con:
        for asked in (one, other):
            found = find(con, asked).customers
            if not found:
                raise GuikeError(
                    t("No customer is known by '{asked}'.", asked=asked),
                    t("Give a customer id, or a record as system.source_table.source_id."),
                )
            if len(found) > 1:
                raise GuikeError(
                    t("'{asked}' may be {count:,} customers.", asked=asked, count=len(found)),
                    t("Choose one of: {known}.", known=", ".join(found[:5])),
                )
            active = con.execute(
                "select 1 from identity.customer_ids where customer_id = ? and status = 'active'", found
            ).fetchone()
            if not active:
                raise GuikeError(
                    t("{id} has no records any more.", id=found[0]), t("There is nothing to merge.")
                )
            ids += found
    if ids[0] == ids[1]:
        raise GuikeError(
            t("{one} and {other} are one customer already: {id}.", one=one, other=other, id=ids[0]),
            t("See its records with: guike customer {id}", id=ids[0]),
        )
    return ids


def _print(found: Preview) -> None:
    console = out(_WIDTH)
    words = t("If {merged} became part of {kept}", merged=_named(found, found.merged),
              kept=_named(found, found.kept))  # fmt: skip
    console.print(f"[bold]{escape(words)}[/]")
    if found.name_after != found.names[found.kept]:
        console.print(escape(t("The customer's name would be {name}.", name=found.name_after)))
    heads = [found.kept, found.merged, t("Together")]
    years = [[str(row["year"]), row["kept"], row["merged"], row["after"]] for row in found.revenue]
    _show(console, t("Revenue, yuan incl. tax"), [t("Year"), *heads], years, " >>>")
    schemes = {"star": t("Star tiers"), "abc": t("ABC classes")}
    for scheme in dict.fromkeys(row["scheme"] for row in found.tiers):
        rows = [_tier(row) for row in found.tiers if row["scheme"] == scheme]
        _show(console, schemes.get(scheme, scheme), [t("Year"), *heads, t("Place by spend")], rows, "    ")
    losses = [
        [who, state_words(churn), len(churn["losses"]) or None, _value_lost(churn)]
        for who, churn in zip(
            heads, (found.churn[key] for key in (found.kept, found.merged, "after")), strict=True
        )
    ]
    columns = ["", t("State"), t("Losses"), t("Value lost, yuan")]
    _show(console, t("Churn"), columns, losses, "  >>")
    _print_others(console, found, schemes)


def _tier(row: dict[str, Any]) -> list[object]:
    year = f"{row['year']}" + ("" if row["is_complete"] else " *")
    mark = " ←" if row["after"] not in (row["kept"], row["merged"]) else ""
    places = [f"{row[f'place_{who}']:,}" for who in ("kept", "merged", "after") if row[f"place_{who}"]]
    return [year, row["kept"], row["merged"], f"{row['after'] or ''}{mark}", " → ".join(places)]


def _value_lost(churn: dict[str, Any]) -> object:
    return sum(loss["value_lost_gross"] for loss in churn["losses"]) or None


def _print_others(console: Console, found: Preview, schemes: dict[str, str]) -> None:
    others = found.others
    console.print()
    if not others["customers"]:
        console.print(t("No other customer changes."))
        return
    console.print(
        t("{count:,} other customers change; the losses of {losses:,} of them.",
          count=others["customers"], losses=others["churn"])
    )  # fmt: skip
    rows = [
        [
            schemes.get(row["scheme"], row["scheme"]),
            str(row["year"]),
            row["customers"],
            row["up"],
            row["down"],
        ]
        for row in others["tiers"]
    ]
    columns = [t("Scheme"), t("Year"), t("Other customers"), t("Up"), t("Down")]
    _show(console, t("Others who change tier"), columns, rows, "  >>>")


def _show(console: Console, title: str, columns: list[str], rows: list[list[object]], numbers: str) -> None:
    if rows:
        console.print()
        console.print(table(title, columns, rows, numbers))


def _named(found: Preview, customer_id: str) -> str:
    name = found.names[customer_id]
    return f"{customer_id} ({name})" if name else customer_id
