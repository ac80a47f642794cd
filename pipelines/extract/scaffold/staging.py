"""The staging SQL of a proposal: rename, cast, decode; in the style of the models written by hand.

Comes in: a proposal. Goes out: a staging model's SQL per table, and the conditions and amounts as plain
SQL over the raw tables, which the system's controls repeat without any macro.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.extract.scaffold.amounts import amounts_of, is_plain_number, line_amounts, money_macro
from pipelines.extract.scaffold.mapping import fields_of
from pipelines.extract.scaffold.profile import Profile, profile
from pipelines.extract.scaffold.propose import Lookup, Proposal, TablePlan
from pipelines.extract.scaffold.values import yes_values
from pipelines.extract.scaffold.words import readings

# Fields of the dictionary that only help to work out others.
HELPERS = frozenset({
    "first_name", "last_name", "tax_amount", "tax_rate", "discount", "discount_amount", "is_deleted",
})  # fmt: skip
_AMOUNTS = frozenset({"amount_gross", "amount_net"})
_PEOPLE = {
    "staff_source_id": ("staff", "staff_name", "staff_name"),
    "owner_source_id": ("staff", "staff_name", "owner_name"),
    "product_source_id": ("products", "product_name", "product_name"),
}
_INVERTED = ("disabled", "inactive", "停用", "离职", "禁用", "discontinued")


@dataclass(frozen=True)
class _Join:
    """Another table of the system that gives a name."""

    cte: str
    raw: str
    key: str
    label: str
    expression: str
    on: str


def staging_sql(system: str, proposal: Proposal, plan: TablePlan) -> str:
    """The whole staging model of `plan`."""
    joins = _joins(proposal, plan)
    prefix = "records." if joins else ""
    lines = _select(proposal, plan, prefix, joins)
    condition = kept(plan)
    parts = [
        f"records as (\n    select * from {_source(system, plan.raw)}"
        + (f"\n    where {condition}" if condition else "")
        + "\n)"
    ]
    excluded = _excluded(system, proposal, plan)
    if excluded:
        parts = [
            *excluded,
            parts[0][:-2] + ("\n        and " if condition else "\n    where ") + _outside(plan) + "\n)",
        ]
    for join in joins:
        key = join.key
        parts.append(
            f"{join.cte} as (\n    select {key} as lookup_key, {join.expression} as {join.label}"
            f"\n    from {_source(system, join.raw)}\n)"
        )
    final = "final as (\n    select\n        " + ",\n        ".join(lines) + "\n    from records"
    for join in joins:
        final += f"\n    left join {join.cte} on {join.on} = {join.cte}.lookup_key"
    parts.append(final + "\n)")
    return "with\n\n" + ",\n\n".join(parts) + "\n\nselect * from final\n"


def _source(system: str, raw: str) -> str:
    return f"{{{{ source('raw_{system}', '{raw}') }}}}"


def kept(plan: TablePlan) -> str:
    """The condition on a document's row for it to count, or "": not deleted, and no purchase."""
    conditions = []
    if plan.entity != "customers" and (deleted := plan.raw_column("is_deleted")):
        words, _ = yes_values("is_deleted", plan.table.column(plan.matches["is_deleted"].column))
        conditions.append(f"not coalesce(lower(trim({deleted})) in ({_listed(words)}), false)")
    if (kind := plan.raw_column("document_kind")) and (foreign := plan.values["document_kind"].foreign):
        conditions.append(f"coalesce(lower(trim({kind})) not in ({_listed(foreign)}), true)")
    return "\n        and ".join(conditions)


def _excluded(system: str, proposal: Proposal, plan: TablePlan) -> list[str]:
    """For lines: the documents that don't count, so that their lines don't either."""
    orders = proposal.plan("orders")
    if (
        plan.entity != "order_lines"
        or orders is None
        or not kept(orders)
        or "order_source_id" not in plan.matches
    ):
        return []
    key = orders.names[orders.source_id[0]]
    return [
        f"uncounted as (\n    select {key} as order_key from {_source(system, orders.raw)}\n"
        f"    where not ({kept(orders)})\n)"
    ]


def _outside(plan: TablePlan) -> str:
    column = plan.raw_column("order_source_id") or ""
    return f"{column} not in (select order_key from uncounted where order_key is not null)"


def _joins(proposal: Proposal, plan: TablePlan) -> list[_Join]:
    """Names from other tables, where this table holds only keys."""
    joins = []
    wanted = {field.name for field in fields_of(plan.entity)}
    for name, (entity, label, gives) in _PEOPLE.items():
        other = proposal.plan(entity)
        match = plan.matches.get(name)
        named = label in plan.matches or gives in plan.matches
        if match is None or other is None or match.target is None or gives not in wanted or named:
            continue
        key = other.names[match.target[1]]
        on = f"records.{plan.names[match.column]}"
        if expression := _name(other, label, ""):
            joins.append(_Join(f"{entity}_names", other.raw, key, gives, expression, on))
    for (model, name), lookup in proposal.lookups.items():
        if model == plan.model:
            joins.append(_lookup_join(plan, name, lookup))
    return joins


def _lookup_join(plan: TablePlan, name: str, lookup: Lookup) -> _Join:
    label = f"{{{{ clean_text('{lookup.names[lookup.name]}') }}}}"
    on = f"records.{plan.raw_column(name) or ''}"
    return _Join(f"{name}_names", lookup.raw, lookup.names[lookup.key], name, label, on)


def _select(proposal: Proposal, plan: TablePlan, prefix: str, joins: list[_Join]) -> list[str]:
    given = {join.label: f"{join.cte}.{join.label}" for join in joins}
    lines = [
        f"'{plan.raw}' as source_table",
        f"{_source_id(plan, prefix)} as source_id",
        f"{prefix}_loaded_at as loaded_at",
    ]
    if plan.entity == "customers":
        lines += [f"{expression} as party_type" for expression in [_party_type(plan, prefix)] if expression]
    for field in fields_of(plan.entity):
        name = field.name
        if name in given:
            expression: str | None = given[name]
        elif name in _AMOUNTS or name in HELPERS:
            expression = (
                _flag(plan, name, prefix) if (plan.entity, name) == ("customers", "is_deleted") else None
            )
        elif name in _FULL_NAMES and name not in plan.matches:
            expression = _name(plan, name, prefix)
        else:
            expression = _expression(plan, name, field.kind, prefix)
        if expression:
            lines.append(f"{expression} as {name}")
    return lines + _rest(proposal, plan, prefix)


_FULL_NAMES = frozenset({"staff_name", "contact_name", "customer_name"})


def _rest(proposal: Proposal, plan: TablePlan, prefix: str) -> list[str]:
    """What every document has, whether or not a column says it; and the money."""
    lines = []
    date_field = {"orders": "ordered_at", "payments": "paid_at"}.get(plan.entity)
    if date_field and (column := plan.raw_column(date_field)):
        lines.append(f"{prefix}{column} as raw_date")
    if plan.entity in ("orders", "payments") and "status" not in plan.matches:
        lines.append("'confirmed' as status")
    if plan.entity == "orders" and "document_kind" not in plan.matches:
        lines.append("'sale' as document_kind")
    if plan.entity == "order_lines" and (orders := proposal.plan("orders")):
        lines.append(f"'{orders.raw}' as order_source_table")
    if plan.entity == "staff" and "is_active" not in plan.matches:
        left = plan.raw_column("left_on")
        lines.append(
            f"{{{{ clean_text('{prefix}{left}') }}}} is null as is_active" if left else "true as is_active"
        )
    amounts = line_amounts(plan, prefix) if plan.entity == "order_lines" else amounts_of(plan, prefix)
    return lines + [f"{expression} as {name}" for name, expression in amounts.items()]


def _source_id(plan: TablePlan, prefix: str) -> str:
    if not plan.source_id:
        return f"{prefix}_row_id"
    return " || '-' || ".join(key_text(plan, column, prefix) for column in plan.source_id)


def key_text(plan: TablePlan, column: str, prefix: str) -> str:
    """A key as it is compared: without the blanks that old programs pad it with."""
    name = f"{prefix}{plan.names[column]}"
    padded = any(value and value != value.strip() for value in plan.table.column(column).values)
    return f"{{{{ clean_text('{name}') }}}}" if padded else name


def _party_type(plan: TablePlan, prefix: str) -> str | None:
    """Firms by their names or codes; persons where the table has a first and a last name."""
    if "first_name" in plan.matches and "customer_name" not in plan.matches:
        return "'person'"
    if not (name := plan.raw_column("customer_name")):
        return None
    if "contact_name" in plan.matches or any(
        "company" in reading.concepts for reading in readings(plan.matches["customer_name"].column)
    ):
        return "'organisation'"
    tests = [f"{{{{ names_a_firm('{prefix}{name}') }}}}"]
    if code := plan.raw_column("credit_code"):
        tests.insert(0, f"{{{{ clean_text('{prefix}{code}') }}}} is not null")
    return f"case when {' or '.join(tests)} then 'organisation' end"


def _name(plan: TablePlan, name: str, prefix: str) -> str | None:
    """A name in one column, or a first and a last one in two."""
    if column := plan.raw_column(name):
        return f"{{{{ clean_text('{prefix}{column}') }}}}"
    first, last = plan.raw_column("first_name"), plan.raw_column("last_name")
    if not (first and last):
        return None
    both = f"concat_ws(' ', {prefix}{first}, {prefix}{last})"
    return f'{{{{ clean_text("{both}") }}}}'


def _expression(plan: TablePlan, name: str, kind: str, prefix: str) -> str | None:
    raw, column = plan.raw_column(name), plan.column(name)
    if raw is None or column is None:
        return None
    shape = profile(column.values)
    cell = f"{prefix}{raw}"
    if name in plan.values:
        return _decoded(plan, name, cell)
    if kind in ("date", "time"):
        return dated(cell, kind, shape)
    if kind == "flag":
        return _flag(plan, name, prefix)
    if kind == "ref":
        text = key_text(plan, column.name, prefix)
        return f"nullif({text}, '0')" if "0" in column.values else text
    if kind == "money":
        if name == "unit_price" and all(is_plain_number(value) for value in column.values if value):
            return f"{{{{ try_to('{cell}', 'decimal(18, 4)') }}}}"
        return money_macro(column, cell)
    if kind == "number":
        target = "integer" if name == "line_no" else "decimal(9, 2)" if name == "score" else "decimal(18, 4)"
        return f"cast({{{{ to_exact_number('{cell}') }}}} as {target})"
    return f"{{{{ clean_text('{cell}') }}}}"


def dated(cell: str, kind: str, shape: Profile) -> str:
    """A date or a time in UTC, from whatever spelling the source has."""
    match shape.date_form:
        case "epoch_seconds" | "epoch_milliseconds":
            moment = f"epoch_to_utc('{cell}', '{shape.date_form.removeprefix('epoch_')}')"
            return f"{{{{ {moment} }}}}" if kind == "time" else f"{{{{ local_date({moment}) }}}}"
        case "day_first" | "month_first":
            text = f"{shape.date_form}('{cell}')"
        case _:
            text = f"'{cell}'"
    return f"{{{{ {'to_utc' if kind == 'time' else 'to_date'}({text}) }}}}"


def _decoded(plan: TablePlan, name: str, cell: str) -> str:
    value_map = plan.values[name]
    tidy = f"lower({{{{ clean_text('{cell}') }}}})"
    if not value_map.known:
        return tidy
    whens = [
        f"            when {tidy} in ({_listed(values)}) then '{canonical}'"
        for canonical, values in value_map.known.items()
    ]
    # An empty cell says nothing against an order or a payment.
    filled = {
        "orders.status": "'confirmed'",
        "orders.document_kind": "'sale'",
        "payments.status": "'confirmed'",
    }
    rest = filled.get(f"{plan.entity}.{name}")
    rest = f"coalesce({tidy}, {rest})" if rest else tidy
    return "case\n" + "\n".join(whens) + f"\n            else {rest}\n        end"


def _flag(plan: TablePlan, name: str, prefix: str) -> str | None:
    raw = plan.raw_column(name)
    if raw is None:
        return None
    column = plan.table.column(plan.matches[name].column)
    words, is_told = yes_values(name, column)
    inverted = name == "is_active" and any(word in column.name.lower() for word in _INVERTED)
    says_no = inverted and not is_told
    test = f"lower(trim({prefix}{raw})) in ({_listed(words)})"
    return f"not coalesce({test}, false)" if says_no else f"coalesce({test}, false)"


def _listed(words: Iterable[str]) -> str:
    return ", ".join("'" + word.replace("'", "''") + "'" for word in words)
