"""Money: the gross and net amount of a document or a line, whatever columns the source has for it.

Comes in: the plan of a table. Goes out: field -> SQL, with macros for staging, and as plain SQL for the
system's controls, which must not share staging's code. Units (万元), the tax basis and what a discount is
(a fraction, per cent, or the Chinese 九折, which is what remains) are read from names, comments and
values.
"""

from __future__ import annotations

from pipelines.extract.scaffold.profile import profile
from pipelines.extract.scaffold.propose import TablePlan
from pipelines.extract.scaffold.survey import SourceColumn
from pipelines.extract.scaffold.words import readings

_UNITS = {"亿元": 100_000_000, "百万元": 1_000_000, "万元": 10_000, "千元": 1_000}


def unit_factor(column: SourceColumn) -> int:
    """How many yuan 1 in the column stands for, as its name or comment says; 1 where neither does."""
    said = f"{column.name} {column.comment}"
    named = next((factor for unit, factor in _UNITS.items() if unit in said), 1)
    return 10_000 if named == 1 and column.name.lower().endswith(("_wan", "wy")) else named


def amounts_of(plan: TablePlan, prefix: str) -> dict[str, str]:
    """amount_gross and amount_net of a document with amounts of its own."""
    gross, net = plan.raw_column("amount_gross"), plan.raw_column("amount_net")
    if not gross and not net:
        return {}
    money = {
        name: _money(plan, name, prefix) for name in ("amount_gross", "amount_net") if plan.raw_column(name)
    }
    if plan.entity in ("payments", "receivables", "quotes", "service_costs"):
        return {"amount_gross": money["amount_gross"]} if gross else {}
    money = _with_tax(plan, prefix, money)
    if plan.entity == "orders":
        money = {name: _signed(plan, prefix, expression) for name, expression in money.items()}
    return {name: money[name] for name in ("amount_gross", "amount_net") if name in money}


def _with_tax(plan: TablePlan, prefix: str, money: dict[str, str]) -> dict[str, str]:
    """Both bases, from one of them and the tax; with nothing said about tax they are the same."""
    if len(money) == 2:
        return money
    rate = plan.raw_column("tax_rate")
    fraction = f"{{{{ to_tax_rate('{prefix}{rate}') }}}}" if rate else ""
    tax = _money(plan, "tax_amount", prefix) if plan.raw_column("tax_amount") else ""
    if gross := money.get("amount_gross"):
        if tax:
            return {**money, "amount_net": f"{gross} - coalesce({tax}, 0)"}
        if fraction:
            return {**money, "amount_net": f"cast({gross} / (1 + {fraction}) as decimal(18, 2))"}
        match = plan.matches.get("amount_gross")
        says_gross = match and any("gross" in reading.concepts for reading in readings(match.column))
        return money if says_gross else {**money, "amount_net": gross}
    net = money["amount_net"]
    if tax:
        return {"amount_gross": f"{net} + coalesce({tax}, 0)", **money}
    if fraction:
        return {"amount_gross": f"cast({net} * (1 + {fraction}) as decimal(18, 2))", **money}
    return {"amount_gross": net, **money}


def _signed(plan: TablePlan, prefix: str, expression: str) -> str:
    """A return takes money back, whichever sign its document carries."""
    kind = plan.raw_column("document_kind")
    returns = plan.values["document_kind"].known.get("return", ()) if kind else ()
    if not returns:
        return expression
    listed = ", ".join(f"'{value}'" for value in returns)
    return (
        f"case when lower(trim({prefix}{kind})) in ({listed}) then -abs({expression}) else {expression} end"
    )


def line_amounts(plan: TablePlan, prefix: str) -> dict[str, str]:
    """A line's own amounts, or else price × quantity less the discount, true to the cent in the sum."""
    if plan.raw_column("amount_gross") or plan.raw_column("amount_net"):
        return _with_tax(
            plan, prefix,
            {n: _money(plan, n, prefix) for n in ("amount_gross", "amount_net") if plan.raw_column(n)},
        )  # fmt: skip
    worked_out = worked_out_line(plan, prefix)
    if not worked_out:
        return {}
    order = ", ".join(_ordered(plan, column, prefix) for column in plan.key) or f"{prefix}_row_number"
    carried = f'{{{{ carry_rounding(\n            "{worked_out}",\n            "{order}"\n        ) }}}}'
    return _with_tax(plan, prefix, {"amount_gross": carried})


def _ordered(plan: TablePlan, column: str, prefix: str) -> str:
    name = f"{prefix}{plan.names[column]}"
    return (
        f"try_cast({name} as bigint), {name}"
        if profile(plan.table.column(column).values).number == 1
        else name
    )


def worked_out_line(plan: TablePlan, prefix: str) -> str:
    """price × quantity less the discount as plain SQL, "" where a column is missing."""
    price, quantity = plan.raw_column("unit_price"), plan.raw_column("quantity")
    if not price or not quantity:
        return ""
    product = f"{_number(plan, 'unit_price', prefix)} * {_number(plan, 'quantity', prefix, 'decimal(11, 3)')}"
    if plan.raw_column("discount_amount"):
        off = _number(plan, "discount_amount", prefix)
        return f"({product} - coalesce({off}, 0))"
    column = plan.column("discount")
    if column is None:
        return product
    rate = _number(plan, "discount", prefix, "decimal(9, 4)")
    return f"{product} * {discount_factor(column, rate)}"


def discount_factor(column: SourceColumn, rate: str) -> str:
    """What remains of the price, as SQL: 0.1 and 10 take a tenth off; 0.9, 9 and 90 as 九折 leave 0.9."""
    shape = profile(column.values)
    remains = shape.commonest in (1, 10, 100) and shape.commonest == shape.largest
    if remains:
        scale = {1.0: "", 10.0: " * 0.1", 100.0: " * 0.01"}[shape.commonest]
        return f"coalesce({rate}{scale}, 1)"
    # Not divided: that would leave exact decimals.
    share = rate if shape.largest <= 1 else f"{rate} * 0.01"
    return f"(1 - coalesce({share}, 0))"


def plain_money(plan: TablePlan, name: str, prefix: str = "") -> str:
    """An amount as plain SQL over raw text, for a control."""
    column, raw = plan.column(name), plan.raw_column(name)
    assert column is not None
    cell = f"{prefix}{raw}"
    if (factor := unit_factor(column)) > 1:
        return f"cast({_number(plan, name, prefix, 'decimal(24, 6)')} * {factor} as decimal(18, 2))"
    if all(is_plain_number(value) for value in column.values if value):
        return f"try_cast({cell} as decimal(18, 2))"
    return f"try_cast(regexp_replace({cell}, '[￥¥$€£,，元 ]', '', 'g') as decimal(18, 2))"


def is_plain_number(value: str) -> bool:
    """Whether a cast alone reads the number."""
    return value.strip().replace(".", "", 1).removeprefix("-").isdigit()


def _money(plan: TablePlan, name: str, prefix: str) -> str:
    column, raw = plan.column(name), plan.raw_column(name)
    assert column is not None
    cell = f"{prefix}{raw}"
    if (factor := unit_factor(column)) > 1:
        return f"cast({{{{ to_exact_number('{cell}') }}}} * {factor} as decimal(18, 2))"
    return money_macro(column, cell)


def money_macro(column: SourceColumn, cell: str) -> str:
    """The cast of an amount in staging; foreign currency signs are taken off first."""
    if any(sign in value for value in column.values if value for sign in "$€£"):
        return f"{{{{ to_money(\"regexp_replace({cell}, '[$€£]', '', 'g')\") }}}}"
    return f"{{{{ to_money('{cell}') }}}}"


def _number(plan: TablePlan, name: str, prefix: str, kind: str = "decimal(12, 4)") -> str:
    column, cell = plan.column(name), f"{prefix}{plan.raw_column(name)}"
    signs = column is not None and any(not is_plain_number(value) for value in column.values if value)
    return (
        f"try_cast(regexp_replace({cell}, '[￥¥$€£,，%元]', '', 'g') as {kind})"
        if signs
        else f"try_cast({cell} as {kind})"
    )
