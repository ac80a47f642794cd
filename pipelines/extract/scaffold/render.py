"""The files of a proposal, as text: the system's YAML, its staging models, and dbt's YAML for both.

Comes in: a proposal, the system's name and where it is. Goes out: path in the project -> content. Nothing is
written here.
"""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from pipelines.extract.naming import normalise
from pipelines.extract.scaffold.amounts import line_amounts, plain_money, worked_out_line
from pipelines.extract.scaffold.propose import Lookup, Proposal, TablePlan
from pipelines.extract.scaffold.staging import HELPERS, kept, staging_sql
from pipelines.extract.scaffold.survey import SourceTable

_WIDTH = 106
_GRAIN = {
    "customers": "customer", "contacts": "person at a customer", "staff": "employee", "products": "product",
    "orders": "order", "order_lines": "line of an order", "payments": "payment", "receivables": "sum owed",
    "contracts": "contract", "interactions": "contact with a customer", "tickets": "ticket",
    "quotes": "quote",
    "surveys": "answered survey", "service_costs": "expense", "referrals": "referral",
}  # fmt: skip
_PERSONAL = {
    "customer_name": "name", "contact_name": "person", "mobile": "phone", "phone": "phone", "email": "email",
    "wechat_id": "wechat", "address": "address", "customer_phone": "phone", "customer_email": "email",
    "referred_name": "person", "referred_phone": "phone",
}  # fmt: skip


@dataclass(frozen=True)
class Header:
    """What the user says about the system, rather than the source.

    Attributes:
        location: as it stands in the YAML, with a variable in place of anything secret.
    """

    name: str
    location: str
    trust: int
    timezone: str


def render(proposal: Proposal, header: Header) -> dict[Path, str]:
    """Every file of the system, by its path in the project."""
    folder = Path("dbt_project") / "models" / "staging" / header.name
    files = {
        Path("pipelines") / "systems" / f"{header.name}.yml": _system_yaml(proposal, header),
        folder / f"_{header.name}__sources.yml": _sources_yaml(proposal, header.name),
        folder / f"_{header.name}__models.yml": _models_yaml(proposal, header.name),
    }
    for plan in proposal.plans:
        files[folder / f"stg_{header.name}__{plan.model}.sql"] = staging_sql(header.name, proposal, plan)
    return files


def _system_yaml(proposal: Proposal, header: Header) -> str:
    title = json.dumps(header.name.replace("_", " ").capitalize(), ensure_ascii=False)
    lines = [
        "# Written by `guike system add`; it is yours from now on.",
        f"name: {header.name}",
        f"title: {{en: {title}, zh: {title}}}",
        f"kind: {proposal.survey.kind}",
        f"location: {_location(header.location)}",
        f"trust: {header.trust}",
        f"timezone: {header.timezone}",
    ]
    lines += [f"{key}: {_scalar(value)}" for key, value in proposal.survey.options.items()]
    if controls := _controls(proposal, header.name):
        lines.append("controls:")
        for measure, sql in controls.items():
            lines += [f"  {measure}: >", _wrapped(sql)]
    lines.append("tables:")
    for plan in proposal.plans:
        lines += _table_yaml(plan.raw, plan.table, plan.key, _read_columns(plan))
    for lookup in proposal.lookups.values():
        used = {column: lookup.names[column] for column in (lookup.key, lookup.name)}
        lines += _table_yaml(lookup.raw, lookup.table, (lookup.key,), used)
    return "\n".join(lines) + "\n"


def _location(text: str) -> str:
    """The location as it is where YAML lets it: a path may hold what YAML takes for a comment or a key."""
    return text if text.startswith("${") and not re.search(r"\s|[#'\"]|:$", text) else _scalar(text)


def _wrapped(sql: str) -> str:
    """SQL for a folded block, in which an end of line is a blank."""
    lines = [
        part
        for line in sql.splitlines()
        for part in textwrap.wrap(line.strip(), _WIDTH - 8, break_long_words=False, break_on_hyphens=False)
    ]
    return textwrap.indent("\n".join(lines), "    ")


def _scalar(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _read_columns(plan: TablePlan) -> dict[str, str]:
    """The columns that staging uses, and the keys, in the order of the source."""
    used = {match.column for match in plan.matches.values()} | {*plan.key, *plan.source_id}
    return {column.name: plan.names[column.name] for column in plan.table.columns if column.name in used}


def _table_yaml(raw: str, table: SourceTable, key: tuple[str, ...], columns: dict[str, str]) -> list[str]:
    lines = [f"  - name: {raw}"]
    if table.name != raw:
        lines.append(f"    source: {_scalar(table.name)}")
    if key:
        lines.append(f"    key: [{', '.join(columns[part] for part in key)}]")
    lines.append("    snapshot: read whole, until it is known that a column changes on every edit")
    lines += [f"    {name}: {_scalar(value)}" for name, value in table.options.items()]
    if all(source.isascii() and normalise(source) == name for source, name in columns.items()):
        inside = ", ".join(_plain(source) for source in columns)
        wrapped = textwrap.wrap(f"columns: [{inside}]", _WIDTH - 6, subsequent_indent="  ")
        return [*lines, *(f"    {line}" for line in wrapped)]
    return [*lines, "    columns:", *(f"      {name}: {_scalar(source)}" for source, name in columns.items())]


def _plain(name: str) -> str:
    return name if name.replace("_", "a").isalnum() and not name[0].isdigit() else _scalar(name)


def _controls(proposal: Proposal, system: str) -> dict[str, str]:
    """What the system says about itself, without any of staging's macros."""
    controls = {}
    schema = f"raw_{system}"
    if customers := proposal.plan("customers"):
        controls["customer_rows"] = f"select count(*) from {schema}.{customers.raw}"
    if orders := proposal.plan("orders"):
        controls["order_rows"] = f"select count(*) from {schema}.{orders.raw}{_where(orders)}"
        if revenue := _revenue(proposal, orders, schema):
            controls["revenue"] = revenue
    if (payments := proposal.plan("payments")) and "amount_gross" in payments.matches:
        where = _where(payments)
        controls["payment_rows"] = f"select count(*) from {schema}.{payments.raw}{where}"
        amount = plain_money(payments, "amount_gross")
        controls["receipts"] = f"select sum({amount}) from {schema}.{payments.raw}{where}"
    return controls


def _where(plan: TablePlan) -> str:
    condition = kept(plan)
    return f"\nwhere {condition}" if condition else ""


def _revenue(proposal: Proposal, orders: TablePlan, schema: str) -> str | None:
    """The sum of the orders' own amounts, or of their lines' where they have none; None where neither."""
    header = orders.column("amount_gross")
    if header is not None and proposal.plan("order_lines") and not all(header.values):
        return None  # their lines make some of the sums, others stand on the document
    if header is not None:
        amount = plain_money(orders, "amount_gross")
        if kind := orders.raw_column("document_kind"):
            returns = orders.values["document_kind"].known.get("return", ())
            if returns:
                listed = ", ".join(f"'{value}'" for value in returns)
                amount = f"case when lower(trim({kind})) in ({listed}) then -abs({amount}) else {amount} end"
        return f"select sum({amount})\nfrom {schema}.{orders.raw}{_where(orders)}"
    lines = proposal.plan("order_lines")
    if "amount_net" in orders.matches or lines is None or not line_amounts(lines, "") or kept(orders):
        return None
    if "amount_gross" in lines.matches:
        amount = f"sum({plain_money(lines, 'amount_gross')})"
    elif worked_out := worked_out_line(lines, ""):
        amount = f"round(sum({worked_out}), 2)"
    else:
        return None
    return f"select {amount}\nfrom {schema}.{lines.raw}{_where(lines)}"


def _sources_yaml(proposal: Proposal, system: str) -> str:
    lines = [
        "version: 2",
        "",
        "sources:",
        f"  - name: raw_{system}",
        f"    schema: raw_{system}",
        "    tables:",
    ]
    for plan in proposal.plans:
        lines += [f"      - name: {plan.raw}", f"        description: One row per {_GRAIN[plan.entity]}."]
    lookups: dict[str, Lookup] = {lookup.raw: lookup for lookup in proposal.lookups.values()}
    for raw in lookups:
        lines += [f"      - name: {raw}", "        description: Names for the keys in other tables."]
    return "\n".join(lines) + "\n"


def _models_yaml(proposal: Proposal, system: str) -> str:
    lines = ["version: 2", "", "models:"]
    for plan in proposal.plans:
        lines += [
            f"  - name: stg_{system}__{plan.model}",
            f"    description: {_scalar(f'One row per {_GRAIN[plan.entity]} ({plan.table.name}).')}",
            "    columns:",
            "      - {name: source_id, data_tests: [not_null, unique]}",
        ]
        for name, match in plan.matches.items():
            text = json.dumps(f"From {match.column}: {match.reason}.", ensure_ascii=False)
            tag = f", config: {{meta: {{personal_data: {_PERSONAL[name]}}}}}" if name in _PERSONAL else ""
            if name in _staged(plan):
                lines.append(f"      - {{name: {name}, description: {text}{tag}}}")
    return "\n".join(lines) + "\n"


def _staged(plan: TablePlan) -> set[str]:
    is_customers = plan.entity == "customers"
    return {name for name in plan.matches if name not in HELPERS or (is_customers and name == "is_deleted")}
