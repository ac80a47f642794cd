"""Gate 2: the unified view holds every row and every cent that the legacy systems say they have.

First the rules of gate 2 are evaluated (quality.evaluate); the rest here is the reconciliation. Comes in:
each system's own control totals (SQL over its raw tables, written without regard to staging), the input
layer, what gate 1 set aside, the core facts and the identity cross-reference. Goes out:
`quality.reconciliation`, one line per system and measure: source = through + set aside + difference. The gate
passes only if every difference is zero: not nearly, exactly; and if no rule fails more than it may.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import pyarrow as pa

from pipelines.errors import GuikeError
from pipelines.extract.specs import ENTITIES, SystemSpec, load_specs
from pipelines.i18n import t
from pipelines.settings import Settings
from quality import issues
from quality.catalogue import load_catalogue
from quality.evaluate import evaluate_gate
from quality.frames import columns_of, prepare
from quality.verdict import RuleResult, rule_results, stops
from warehouse import store

_log = logging.getLogger("guike.quality")
_SCHEMA = pa.schema([
    ("system", pa.string()), ("measure", pa.string()), ("source_value", pa.decimal128(38, 4)),
    ("through_value", pa.decimal128(38, 4)), ("set_aside_value", pa.decimal128(38, 4)),
    ("difference", pa.decimal128(38, 4)), ("is_reconciled", pa.bool_()),
])  # fmt: skip

_SET_ASIDE_ROWS = "select count(*) from quality.set_aside where entity = '{entity}' and system = $system"
_SET_ASIDE_MONEY = """
    select sum(i.amount_gross) from input.{entity} as i semi join
    (select * from quality.set_aside where entity = '{entity}') as s using (system, source_table, source_id)
    where i.system = $system"""

# Where a system keeps no totals on its documents, the lines make them (as core.fct_orders does): then money
# is set aside with a document, or with a line of a document that isn't.
_SET_ASIDE_REVENUE = """
    with aside as (select * from quality.set_aside where system = $system),
    documents as (
        select o.*, o.source_id in (
            select source_id from aside where entity = 'orders' and source_table = o.source_table) as is_aside
        from input.orders as o where o.system = $system),
    untotalled as (
        select l.amount_gross,
            l.source_id in (
                select source_id from aside
                where entity = 'order_lines' and source_table = l.source_table) as is_aside,
            coalesce(d.is_aside, false) as is_document_aside
        from input.order_lines as l
        left join documents as d on l.order_source_table = d.source_table and l.order_source_id = d.source_id
        where l.system = $system and d.amount_gross is null
            and not exists (select 1 from documents where amount_gross is not null))
    select coalesce((select sum(amount_gross) from documents where is_aside), 0)
        + coalesce((select sum(amount_gross) from untotalled where is_aside or is_document_aside), 0)"""

_CUSTOMERS_THROUGH = """
    select (
        select count(*) from input.customers as i
        semi join identity.customer_xref using (system, source_table, source_id) where i.system = $system
    ) + (
        select coalesce(sum(rows), 0) from identity.unresolved where entity = 'customers' and system = $system
    )"""

# Measure of a spec's controls -> (what came through, what was set aside).
MEASURES: dict[str, tuple[str, str]] = {
    "revenue": ("select sum(amount_gross) from core.fct_orders where system = $system", _SET_ASIDE_REVENUE),
    "receipts": (
        "select sum(amount_gross) from core.fct_payments where system = $system",
        _SET_ASIDE_MONEY.format(entity="payments"),
    ),
    "order_rows": (
        "select count(*) from core.fct_orders where system = $system", _SET_ASIDE_ROWS.format(entity="orders")
    ),
    "payment_rows": (
        "select count(*) from core.fct_payments where system = $system",
        _SET_ASIDE_ROWS.format(entity="payments"),
    ),
    "customer_rows": (_CUSTOMERS_THROUGH, _SET_ASIDE_ROWS.format(entity="customers")),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One system and measure; amounts in yuan (gross), or rows.

    Attributes:
        measure: a control of the spec (revenue, receipts, order_rows, payment_rows, customer_rows), or
            `<entity>.rows`: the rows of the input layer against those of the core fact.
        source_value: what the source says.
        through_value: what arrived in the unified view.
        set_aside_value: what gate 1 holds back.
    """

    system: str
    measure: str
    source_value: Decimal
    through_value: Decimal
    set_aside_value: Decimal

    @property
    def difference(self) -> Decimal:
        """What is neither through nor set aside; negative if there is more than the source has."""
        return self.source_value - self.through_value - self.set_aside_value

    @property
    def is_reconciled(self) -> bool:
        """Whether nothing is lost and nothing invented."""
        return self.difference == 0


@dataclass(frozen=True)
class ReconcileResult:
    """What gate 2 found: `passed` only if every line is reconciled and no rule fails more than it may.

    Attributes:
        message: for the user.
        rules: every rule of this gate, in the catalogue's order.
    """

    passed: bool
    lines: list[Line]
    message: str
    rules: Sequence[RuleResult] = ()


def run_gate_2(settings: Settings, run_id: str) -> ReconcileResult:
    """Check what the unified view says of each record, compare every system with it, and write both down.

    Raises:
        GuikeError: the catalogue can't work or doesn't fit the tables, or a control of a spec isn't SQL that
            gives one exact number.
    """
    catalogue = load_catalogue()
    with closing(store.connect(settings)) as con:
        store.ensure_schemas(con)
        prepare(con, settings, catalogue)
        evaluate_gate(con, catalogue, 2)
        con.begin()
        issues.finish(con, catalogue, 2, run_id)
        specs = load_specs(settings)
        lines = [line for spec in specs for line in _control_lines(con, spec)] + list(_entity_lines(con))
        _write(con, lines, run_id)
        con.commit()
        rules = rule_results(con, catalogue, 2)
    complaints = [_complaint(line) for line in lines if not line.is_reconciled]
    complaints += stops(catalogue, 2, rules, {}, {}, {})
    message = "\n".join(complaints) or t(
        "Gate 2 passed: {lines} totals of {systems} systems agree to the cent.",
        lines=len(lines), systems=len({line.system for line in lines}),
    )  # fmt: skip
    _log.info(message)
    return ReconcileResult(not complaints, lines, message, rules)


def _control_lines(con: duckdb.DuckDBPyConnection, spec: SystemSpec) -> Iterator[Line]:
    """The system's own totals against the unified view."""
    for measure, control in spec.controls.items():
        through, set_aside = MEASURES[measure]
        parameters = {"system": spec.name}
        yield Line(
            spec.name, measure, _control(con, spec.name, measure, control),
            _number(con, through, parameters), _number(con, set_aside, parameters),
        )  # fmt: skip


def _entity_lines(con: duckdb.DuckDBPyConnection) -> Iterator[Line]:
    """The input layer against the core facts, for each entity that has one: rows, system by system."""
    for entity in ENTITIES:
        if "system" not in columns_of(con, "core", f"fct_{entity}"):
            continue
        rows = con.execute(
            f"""select system, count(*) filter (where place = 'in'),
                count(*) filter (where place = 'through'), count(*) filter (where place = 'aside')
            from (
                select system, 'in' as place from input.{entity}
                union all select system, 'through' from core.fct_{entity}
                union all select system, 'aside' from quality.set_aside where entity = '{entity}')
            group by system order by system"""
        ).fetchall()
        for system, came, through, aside in rows:
            yield Line(system, f"{entity}.rows", Decimal(came), Decimal(through), Decimal(aside))


def _control(con: duckdb.DuckDBPyConnection, system: str, measure: str, query: str) -> Decimal:
    place = t("The control {measure} of the system {system}", measure=measure, system=system)
    remedy = t(
        "Mend it in the system's YAML file; sums need cast(… as decimal(18, 2)), as raw tables hold text."
    )
    try:
        rows = con.execute(query).fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise GuikeError(t("{place} doesn't work: {reason}", place=place, reason=reason), remedy) from error
    if len(rows) != 1 or len(rows[0]) != 1:
        raise GuikeError(t("{place} doesn't give one number.", place=place), remedy)
    value = rows[0][0]
    if value is not None and not isinstance(value, int | Decimal):
        raise GuikeError(
            t("{place} gives {value}, which is not an exact number.", place=place, value=value), remedy
        )
    return Decimal(value or 0)


def _number(con: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, str]) -> Decimal:
    row = con.execute(query, parameters).fetchone()
    return Decimal(row[0] or 0) if row else Decimal(0)


def _write(con: duckdb.DuckDBPyConnection, lines: list[Line], run_id: str) -> None:
    rows = [
        {
            "system": line.system, "measure": line.measure, "source_value": line.source_value,
            "through_value": line.through_value, "set_aside_value": line.set_aside_value,
            "difference": line.difference, "is_reconciled": line.is_reconciled,
        }
        for line in lines
    ]  # fmt: skip
    con.register("lines", pa.Table.from_pylist(rows, schema=_SCHEMA))
    con.execute(
        "create or replace table quality.reconciliation as "
        "select lines.*, cast($run as varchar) as run_id from lines order by system, measure",
        {"run": run_id},
    )
    con.unregister("lines")


def _complaint(line: Line) -> str:
    return t(
        "{system}, {measure}: the source has {source}, {through} came through and {aside} are set aside; "
        "{difference} are unaccounted for. Compare the system's control with its staging model.",
        system=line.system, measure=line.measure, source=f"{line.source_value:,}",
        through=f"{line.through_value:,}", aside=f"{line.set_aside_value:,}",
        difference=f"{line.difference:,}",
    )  # fmt: skip
