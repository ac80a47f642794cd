"""Personal data in published relations: which columns hold it, and the SQL that masks each kind.

Comes in: the dbt manifest, whose columns carry `meta: {personal_data: <kind>}` (the tag is written once,
in the model's YAML). Goes out: SQL expressions that publishing puts in place of the columns. A masked
value still lets a reader recognise a customer they know, and no reader call one they don't.

Kinds: phone, email, name (which stays where it is an organisation's), person (which never stays),
address, wechat, code (a firm's stays); `text` for free text, in which numbers and e-mail addresses are
blanked, names not;
`attribute` for a value whose kind is that of the golden customer's column named in `attribute` (lineage).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import Settings

Tags = Mapping[str, Mapping[str, str]]
"""Relation ("schema.table") -> column -> kind of personal data."""

_CUSTOMERS = "core.dim_customers"
_NAME = "left({c}, 1) || repeat('*', least(greatest(length({c})::bigint - 1, 1), 3))"
_MASKS = {
    "phone": (
        "case when length({c}) >= 11 "
        "then left({c}, 3) || repeat('*', length({c})::bigint - 7) || right({c}, 4) "
        "else repeat('*', greatest(length({c})::bigint - 2, 0)) || right({c}, 2) end"
    ),
    "email": "left({c}, 1) || '***' || regexp_extract({c}, '@.*$')",
    "name": _NAME,
    "person": _NAME,
    "address": "left({c}, least(6, length({c})::bigint // 2)) || '***'",
    "wechat": "left({c}, 2) || '***'",
    # A firm's code is public, a person's id that stands in its place isn't, mistyped or right.
    "code": (
        "case when regexp_matches(trim({c}), '^(?:[0-9]{{15}}|[1-9][0-9]{{5}}(?:19|20)[0-9]{{2}}"
        "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{{3}}[0-9Xx])$') "
        "then left(trim({c}), 3) || repeat('*', 12) || right(trim({c}), 2) else {c} end"
    ),
    "text": (
        "regexp_replace(regexp_replace({c}, '[[:alnum:]._+-]+@[[:alnum:].-]+', '***', 'g'), "
        "'[0-9０-９][0-9０-９ -]{{5,}}[0-9０-９]', '***', 'g')"
    ),
}
KINDS = (*_MASKS, "attribute")


def manifest_path(settings: Settings) -> Path:
    """Where the orchestration keeps dbt's manifest."""
    return settings.home / "dbt" / "target" / "manifest.json"


def personal_data(settings: Settings) -> Tags:
    """The tagged columns of all dbt models.

    Raises:
        GuikeError: there is no manifest (nothing may be published unmasked by accident), or a tag
            names a kind that doesn't exist.
    """
    path = manifest_path(settings)
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GuikeError(
            t("The list of personal data ({file}) can't be read: {reason}", file=path, reason=error),
            t("Run `guike run`, which writes it."),
        ) from error
    tags: dict[str, dict[str, str]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] not in ("model", "seed", "snapshot"):
            continue
        relation = f"{node['schema']}.{node.get('alias') or node['name']}"
        columns = {
            name: kind for name, c in node.get("columns", {}).items() if (kind := _kind(relation, name, c))
        }
        if columns:
            tags[relation] = columns
    return tags


def _kind(relation: str, name: str, column: Mapping[str, Any]) -> str | None:
    meta = {**(column.get("meta") or {}), **((column.get("config") or {}).get("meta") or {})}
    kind = meta.get("personal_data")
    if kind is not None and kind not in KINDS:
        raise GuikeError(
            t(
                "{relation}.{column}: '{kind}' is not a kind of personal data.",
                relation=relation,
                column=name,
                kind=kind,
            ),
            t("Write one of: {kinds}.", kinds=", ".join(KINDS)),
        )
    return kind


def masked_columns(relation: str, columns: Mapping[str, str], tags: Tags, catalogue: str) -> dict[str, str]:
    """The masking expression of each tagged column of `relation` that is there.

    Args:
        relation: "schema.table".
        columns: the relation's columns and their SQL types.
        tags: what `personal_data` gave.
        catalogue: the attached database, quoted, that holds the golden customers.

    Returns:
        Column -> SQL expression. Names of organisations are public and stay, where the relation tells who
        is one (`party_type`, or `customer_id` by way of the golden customers). A tagged column that isn't
        text becomes null.
    """
    organisation = _organisation(columns, catalogue)
    expressions = {}
    for column, kind in tags.get(relation, {}).items():
        if column not in columns:
            continue
        quoted = f'"{column}"'
        if columns[column] != "VARCHAR":
            expressions[column] = f"null::{columns[column]}"
        elif kind == "attribute":
            expressions[column] = _by_attribute(quoted, organisation, tags)
        else:
            expressions[column] = _mask(quoted, kind, organisation)
    return expressions


def _organisation(columns: Mapping[str, str], catalogue: str) -> str:
    if "party_type" in columns:
        return "coalesce(party_type = 'organisation', false)"
    if "customer_id" in columns:
        golden = f"select customer_id from {catalogue}.{_CUSTOMERS} where party_type = 'organisation'"
        return f"coalesce(customer_id in ({golden}), false)"
    return "false"


def _mask(quoted: str, kind: str, organisation: str) -> str:
    expression = _MASKS[kind].format(c=quoted)
    return f"case when {organisation} then {quoted} else {expression} end" if kind == "name" else expression


def _by_attribute(quoted: str, organisation: str, tags: Tags) -> str:
    branches = [
        f"when '{name}' then {_mask(quoted, kind, organisation)}"
        for name, kind in sorted(tags.get(_CUSTOMERS, {}).items())
        if kind in _MASKS
    ]
    return f"case attribute {' '.join(branches)} else {quoted} end" if branches else quoted
