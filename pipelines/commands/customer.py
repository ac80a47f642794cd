"""`guike customer ID|phone|name`: everything known of one customer, by system.

Comes in: what was typed. Goes out: the customer's card, or a short list to choose from. The card is read
from the published file, masked as it is there. Who may open the working file finds customers by phone number
or name all the same: the search looks there when the published file is masked and no run is writing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from pipelines.commands.console import cell, out, print_json, table
from pipelines.commands.look import published_file, writer
from pipelines.commands.working import working
from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    import duckdb

    from pipelines.lookup import Found

_WIDTH = 100
_HITS_SHOWN = 20
_IDS_SHOWN = 5


def customer(
    asked: Annotated[
        str,
        typer.Argument(
            help="A customer id, phone number, e-mail address, credit code, name, or system.table.id.",
            metavar="ID|PHONE|NAME",
        ),
    ],
    plain: Annotated[
        bool, typer.Option("--working", help="Read the file that runs work on, unmasked.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Show everything known of one customer, by system."""
    from pipelines.customer import card, summaries

    settings = load_settings()
    if not asked.strip():
        raise GuikeError(t("Nobody is named."), t("Give an id, a phone number or a name."))
    with _opened(settings, plain) as (con, is_masked):
        found = _find(settings, con, asked, is_masked)
        if len(found.customers) > 1:
            _choose(con, found, summaries(con, found.customers[:_HITS_SHOWN]), as_json)
            return
        about = card(con, found.customers[0])
    if not about["golden"] and not about["history"]:
        raise GuikeError(
            t("{id} is not in the published file yet.", id=found.customers[0]),
            t("Add --working, or publish with `guike run`."),
        )
    about = {"customer_id": about.pop("customer_id"), "asked": asked, "alias": found.alias,
             "is_masked": is_masked, **about}  # fmt: skip
    if as_json:
        print_json(about)
    else:
        _print(about)


@contextmanager
def _opened(settings: Settings, plain: bool) -> Iterator[tuple[duckdb.DuckDBPyConnection, bool]]:
    """The file to read, and whether personal data in it is masked."""
    from warehouse import store

    if plain:
        with working(settings) as con:
            yield con, False
        return
    with store.connect(settings, path=published_file(settings), read_only=True) as con:
        row = con.execute("select is_masked from ops.snapshot").fetchone()
        yield con, bool(row and row[0])


def _find(settings: Settings, con: duckdb.DuckDBPyConnection, asked: str, is_masked: bool) -> Found:
    """Who is meant.

    Raises:
        GuikeError: nobody is known by that; where the masked file may be why, the error says so.
    """
    from pipelines.lookup import find

    found, looked_everywhere = find(con, asked), not is_masked
    if is_masked and found.kind in ("phone", "email", "name") and _may_open(settings):
        with working(settings) as plain:
            found = find(plain, asked)
        looked_everywhere = True
    if found.customers:
        return found
    nobody = t("No customer is known by '{asked}'.", asked=asked)
    if found.kind == "id":
        raise GuikeError(nobody, t("Look for a name or a phone number instead: guike customer NAME"))
    if looked_everywhere:
        raise GuikeError(nobody, t("Try fewer words of the name, or a phone number with its area code."))
    raise GuikeError(
        nobody
        + " "
        + t("The published file is masked: in it only firms can be found by name, nobody by phone number."),
        t("Ask for the customer id, or look on the machine that runs Guike, while no run is writing."),
    )


def _may_open(settings: Settings) -> bool:
    try:
        with settings.warehouse.open("rb"):
            return writer(settings) is None
    except OSError:
        return False


def _choose(con: duckdb.DuckDBPyConnection, found: Found, rows: list[dict[str, Any]], as_json: bool) -> None:
    count = len(found.customers)
    if as_json:
        print_json({"hits": count, "customers": rows})
        return
    columns = [t("Customer"), t("Name"), t("Phone"), t("Region"), t("Systems")]
    shown = [
        [row["customer_id"], row["customer_name"], row["phone"], row["region"], row["systems"]]
        for row in rows
    ]
    console = out(_WIDTH)
    console.print(table(t("{count:,} customers are meant", count=count), columns, shown))
    if count > len(rows):
        console.print(t("The first {shown} are shown; type more of the name.", shown=len(rows)))
    console.print(t("Look at one with: guike customer {id}", id=found.customers[0]))


def _print(about: Mapping[str, Any]) -> None:
    console = out(_WIDTH)
    name = next((row["value"] for row in about["golden"] if row["attribute"] == "customer_name"), "")
    console.print(f"[bold]{escape(' '.join(filter(None, (about['customer_id'], name))))}[/]", soft_wrap=True)
    if about["alias"]:
        words = t("{alias} has become part of {id}.", alias=about["alias"], id=about["customer_id"])
        console.print(f"[yellow]{escape(words)}[/]")
    if about["status"] == "retired":
        console.print(f"[yellow]{t('No record of this customer is left; the id is kept.')}[/]")
    if about["aliases"]:
        console.print(escape(t("Earlier ids: {ids}", ids=", ".join(about["aliases"]))))
    console.print(escape(state_words(about["churn"])))
    for part in (_golden, _records, _dealings, _tiers, _losses, _issues, _history):
        part(console, about)
    if about["is_masked"]:
        console.print()
        console.print(f"[dim]{escape(t('Personal data is masked here; --working shows it plain.'))}[/]")


def _show(
    console: Console, title: str, columns: list[str], rows: Iterable[list[object]], numbers: str
) -> None:
    shown = list(rows)
    if shown:
        console.print()
        console.print(table(title, columns, shown, numbers))


def state_words(churn: Mapping[str, Any]) -> str:
    if churn["state"] == "lost":
        last = churn["losses"][-1]
        return t("Lost since {day}: {reason}.", day=last["lost_on"], reason=_reason_of_loss(last["reason"]))
    if churn["state"] == "never":
        return t("Has bought nothing and signed nothing yet.")
    if churn["losses"]:
        return t("Active; won back on {day}.", day=churn["losses"][-1]["won_back_on"])
    return t("Not counted as lost.")


def _golden(console: Console, about: Mapping[str, Any]) -> None:
    names, why = _attributes(), _why()
    rows = [
        [names.get(row["attribute"], row["attribute"]), _value(row), _place(row),
         why.get(row["reason"], row["reason"])]
        for row in about["golden"]
    ]  # fmt: skip
    _show(console, t("What is known"), [t("Attribute"), t("Value"), t("From"), t("Why")], rows, "")


def _value(row: Mapping[str, Any]) -> str:
    kinds = {"person": t("person"), "organisation": t("organisation")}
    value = str(row["value"])
    return kinds.get(value, value) if row["attribute"] == "party_type" else value


def _place(row: Mapping[str, Any]) -> str:
    return f"{row['system']}.{row['source_table']}.{row['source_id']}"


def _records(console: Console, about: Mapping[str, Any]) -> None:
    rows: list[list[object]] = []
    for (system, name), group in groupby(about["records"], lambda row: (row["system"], row["source_table"])):
        members = list(group)
        ids = [row["source_id"] for row in members]
        more = f" … +{len(ids) - _IDS_SHOWN}" if len(ids) > _IDS_SHOWN else ""
        methods = ", ".join(sorted({row["method"] for row in members}))
        rows.append([system, name, len(ids), ", ".join(ids[:_IDS_SHOWN]) + more, methods])
    columns = [t("System"), t("Table"), t("Rows"), t("Ids"), t("Joined by")]
    _show(console, t("Records that are this customer"), columns, rows, "  >")


def _dealings(console: Console, about: Mapping[str, Any]) -> None:
    words = {
        "orders": t("orders"), "payments": t("payments"), "contracts": t("contracts"),
        "receivables": t("receivables, open"), "tickets": t("tickets"), "interactions": t("interactions"),
    }  # fmt: skip
    rows = [
        [words[row["what"]], row["system"], row["rows"], row["amount_gross"], row["first_on"], row["last_on"]]
        for row in about["dealings"]
    ]
    columns = [t("What"), t("System"), t("Rows"), t("Sum, yuan incl. tax"), t("First"), t("Last")]
    _show(console, t("Dealings"), columns, rows, "  >>")


def _tiers(console: Console, about: Mapping[str, Any]) -> None:
    schemes = sorted({scheme for row in about["tiers"] for scheme in row["tiers"]})
    rows = [
        [
            f"{row['period_year']}" + ("" if row["is_complete"] else " *"),
            *(row["tiers"].get(scheme) for scheme in schemes),
            row["spend_gross"], row["orders"],
            t("{place:,} of {all:,}", place=row["spend_place"], all=row["customers_in_period"]),
        ]
        for row in about["tiers"]
    ]  # fmt: skip
    titles = {"star": t("Star tiers"), "abc": t("ABC classes")}
    columns = [t("Year"), *(titles.get(one, one) for one in schemes), t("Spend, yuan incl. tax"), t("Orders"),
               t("Place by spend")]  # fmt: skip
    _show(console, t("Tiers"), columns, rows, " " * (1 + len(schemes)) + ">>>")
    if any(not row["is_complete"] for row in about["tiers"]):
        console.print(t("* The year is still running."))


def _losses(console: Console, about: Mapping[str, Any]) -> None:
    kinds = {"active": t("they left"), "passive": t("lapsed or ended")}
    rows = [
        [
            row["last_active_on"], row["lost_on"], kinds.get(row["kind"], row["kind"]),
            _reason_of_loss(row["reason"]), row["value_lost_gross"], row["won_back_on"],
        ]
        for row in about["churn"]["losses"]
    ]  # fmt: skip
    columns = [t("Last active"), t("Lost on"), t("How"), t("Why"), t("Value a year, yuan"), t("Won back on")]
    _show(console, t("Losses"), columns, rows, "    >")


def _issues(console: Console, about: Mapping[str, Any]) -> None:
    severities = {"error": t("set aside"), "warn": t("flagged")}
    rows = [
        [row["title"], severities.get(row["severity"], row["severity"]), row["records"], row["systems"]]
        for row in about["issues"]
    ]
    _show(
        console,
        t("Rules that its records break"),
        [t("Rule"), t("Then"), t("Rows"), t("Systems")],
        rows,
        "  >",
    )


def _history(console: Console, about: Mapping[str, Any]) -> None:
    kinds = {
        "minted": t("minted"), "merged": t("merged"), "split": t("split"), "moved": t("moved"),
        "restored": t("restored"), "retired": t("retired"),
    }  # fmt: skip
    reasons = {
        "first seen": t("first seen"), "merge undone": t("merge undone"),
        "its records came back": t("its records came back"),
        "no common key any more": t("no common key any more"), "no records left": t("no records left"),
    }  # fmt: skip
    rows = [
        [
            cell(row["changed_at"]), kinds.get(row["kind"], row["kind"]), row["customer_id"],
            row["other_customer_id"], row["records"], reasons.get(row["reason"], row["reason"]),
        ]
        for row in about["history"]
    ]  # fmt: skip
    columns = [t("When (UTC)"), t("What"), t("Id"), t("Other id"), t("Records"), t("Reason")]
    _show(console, t("History of the id"), columns, rows, "    >")


def _attributes() -> dict[str, str]:
    return {
        "party_type": t("Kind"), "customer_name": t("Name"), "contact_name": t("Contact"),
        "mobile": t("Mobile"), "phone": t("Landline"), "email": t("E-mail"), "wechat_id": t("WeChat"),
        "credit_code": t("Credit code"), "region": t("Region"), "address": t("Address"),
        "industry": t("Industry"), "owner_name": t("In charge"),
    }  # fmt: skip


def _why() -> dict[str, str]:
    return {
        "undisputed": t("undisputed"), "only_usable": t("only usable one"), "most_trusted": t("most trusted"),
        "newest": t("newest"), "source_order": t("first by source"),
    }  # fmt: skip


def _reason_of_loss(reason: str) -> str:
    return {
        "lapsed": t("silent for too long"), "not_renewed": t("contract not renewed"),
        "bad_debt": t("debts"), "competitor": t("went to a competitor"), "price": t("price"),
        "complaint": t("complaint"), "cancelled": t("cancelled"), "blocked_us": t("blocked us"),
    }.get(reason, reason)  # fmt: skip
