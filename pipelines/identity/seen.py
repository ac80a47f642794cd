"""What normalisation sees in one value, for a person who asks: `guike normalise`.

Comes in: a kind and a value as typed. Goes out: its parts in their order, and, where it identifies nobody,
the reason in words. The rules are those of `normalise.py` and `names.py`; nothing is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.identity.names import parse_names
from pipelines.identity.normalise import install_macros

KINDS = ("company", "person", "phone", "email", "code", "address", "wechat")
_COMPANY = (
    "party_type", "name_normalised", "place", "core_name", "brand", "trade", "branch", "firm_key", "head_key",
    "pinyin", "initials", "short_forms",
)  # fmt: skip
_PERSON = ("party_type", "name_normalised", "surname", "given_name", "pinyin", "initials")

# One row each: the parts, then `is_known`, and what tells why not.
_QUERIES = {
    "phone": """
        select phone_number($raw) as number, is_mobile(number) as is_mobile,
            is_shared_number($raw) as is_shared,
            is_invented(regexp_replace(phone_text($raw), '[^0-9]', '', 'g')) as is_invented""",
    "email": """
        select email_address($raw) as address, mail_domain($raw) as domain, is_free_mail($raw) as is_free,
            is_address(address_text($raw)) as is_placeholder""",
    "code": """
        select credit_code($raw) as credit_code, tax_number($raw) as tax_number,
            personal_id($raw) as personal_id, length(code_text($raw)) = 18 as has_length""",
    "address": """
        select parts.province, parts.city, parts.district, parts.rest
        from (select address_parts($raw) as parts)""",
    "wechat": """
        select wechat_id($raw) as id,
            regexp_matches(wechat_text($raw), '^[a-z][a-z0-9_-]{5,19}$') as is_placeholder""",
}
_HINTS = ("is_shared", "is_invented", "is_placeholder", "has_length")


@dataclass(frozen=True)
class Seen:
    """Parts of a value by name, in their order; `reason` says why it identifies nobody, else None."""

    parts: dict[str, Any]
    reason: str | None


def see(kind: str, value: str) -> Seen:
    """Take `value` apart as the kind `kind`, one of `KINDS`.

    Raises:
        GuikeError: there is no such kind.
    """
    if kind not in KINDS:
        raise GuikeError(
            t("There is no kind of value called '{kind}'.", kind=kind),
            t("Choose one of: {kinds}.", kinds=", ".join(KINDS)),
        )
    with duckdb.connect() as con:
        install_macros(con)
        row = _name(con, kind, value) if kind in ("company", "person") else _value(con, kind, value)
    parts = {name: part for name, part in row.items() if name not in _HINTS}
    if kind in ("company", "person"):
        return Seen(parts, _nameless(row))
    known = any(part is not None and not isinstance(part, bool) for part in parts.values())
    return Seen(parts, None if known else _reason(kind, row))


def _name(con: duckdb.DuckDBPyConnection, kind: str, value: str) -> dict[str, Any]:
    given = "person" if kind == "person" else "organisation"
    con.execute(
        "create temp table asked as select $raw as raw, $given as given_type", _raw(value, given=given)
    )
    parse_names(con, "asked", "answered")
    return _one(con.execute(f"select {', '.join(_PERSON if kind == 'person' else _COMPANY)} from answered"))


def _value(con: duckdb.DuckDBPyConnection, kind: str, value: str) -> dict[str, Any]:
    return _one(con.execute(_QUERIES[kind], _raw(value)))


def _raw(value: str, **more: str) -> dict[str, str]:
    return {"raw": value, **more}


def _one(result: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    row = result.fetchone()
    assert row is not None
    return dict(zip((column[0] for column in result.description), row, strict=True))


def _nameless(row: dict[str, Any]) -> str | None:
    if row["name_normalised"] is not None:
        return None
    if row.get("surname") is not None:
        return t("Only a surname with a title: it may be anybody of that surname.")
    return t("A placeholder: it names nobody.")


def _reason(kind: str, row: dict[str, Any]) -> str:
    if kind == "phone":
        if row["is_shared"]:
            return t("A hot line or service number: it is of many, so it identifies nobody.")
        return t("An invented number.") if row["is_invented"] else t("No telephone number, or not all of it.")
    if kind == "email":
        return t("A placeholder: it names nobody.") if row["is_placeholder"] else t("No e-mail address.")
    if kind == "code":
        if row["has_length"]:
            return t("The check character is wrong, or a character can't stand there.")
        return t("Neither a credit code (18 places), nor a taxpayer number (15), nor a personal id (18).")
    if kind == "wechat" and not row["is_placeholder"]:
        return t(
            "No WeChat id: 6 to 20 letters, digits, _ or -, beginning with a letter; or a mobile number."
        )
    return t("A placeholder: it names nobody.")
