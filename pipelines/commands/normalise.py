"""`guike normalise KIND VALUE`: what Guike sees in a name, number, address or code."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from pipelines.commands.console import out, print_json, table
from pipelines.i18n import t


def normalise(
    kind: Annotated[str, typer.Argument(help="company, person, phone, email, code, address or wechat.")],
    value: Annotated[str, typer.Argument(help="The value as it was typed.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Show what Guike sees in a value: its parts in their one form, or why it identifies nobody."""
    from pipelines.identity.seen import see

    seen = see(kind, value)
    if as_json:
        print_json({"kind": kind, "value": value, "parts": seen.parts, "reason": seen.reason})
        return
    labels = _labels()
    rows = [[labels[part], _shown(found)] for part, found in seen.parts.items()]
    console = out()
    console.print(table("", [t("Part"), t("Seen")], rows))
    if seen.reason:
        console.print(escape(seen.reason), soft_wrap=True)


def _shown(found: Any) -> str:
    if found is None:
        return "–"
    if isinstance(found, bool):
        return t("yes") if found else t("no")
    if isinstance(found, list):
        return ", ".join(found)
    return {"person": t("person"), "organisation": t("organisation")}.get(found, str(found))


def _labels() -> dict[str, str]:
    """Part → what it is called in the reader's language."""
    return {
        "party_type": t("Kind"),
        "name_normalised": t("Name"),
        "surname": t("Surname"),
        "given_name": t("Given name"),
        "place": t("Place"),
        "core_name": t("Core"),
        "brand": t("Brand"),
        "trade": t("Trade"),
        "branch": t("Branch or office"),
        "firm_key": t("Key of the registered name"),
        "head_key": t("Key of the head firm"),
        "pinyin": t("Pinyin"),
        "initials": t("Initials"),
        "short_forms": t("Short forms"),
        "number": t("Number"),
        "is_mobile": t("Mobile"),
        "address": t("Address"),
        "domain": t("Domain"),
        "is_free": t("Free mail provider"),
        "credit_code": t("Credit code"),
        "tax_number": t("Taxpayer number"),
        "personal_id": t("Personal id"),
        "province": t("Province"),
        "city": t("City"),
        "district": t("District"),
        "rest": t("Rest"),
        "id": t("WeChat id"),
    }
