"""Everything known of one customer, by system, as plain data.

Comes in: a connection to the published or the working file, and a customer id. Goes out: one dictionary,
whose parts are lists of dictionaries; `guike customer` prints it, `--json` gives it to scripts. Every figure
is read from core, marts, quality or identity; sums and counts are all that is added here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from pipelines.i18n import language

Rows = list[dict[str, Any]]

# Entity -> (relation, its date, the amount that counts).
_DEALINGS = {
    "orders": ("fct_orders", "ordered_on", "case when is_revenue then amount_gross end"),
    "payments": ("fct_payments", "paid_on", "case when is_received then amount_gross end"),
    "contracts": (
        "fct_contracts",
        "signed_on",
        "case when status in ('active', 'terminated') then amount_gross end",
    ),
    "receivables": ("fct_receivables", "due_on", "amount_gross - coalesce(received_amount, 0)"),
    "tickets": ("fct_tickets", "opened_at::date", "null::decimal(18, 2)"),
    "interactions": ("fct_interactions", "occurred_at::date", "null::decimal(18, 2)"),
}

_SUMMARIES = """
    with wanted as (
        select unnest($ids::varchar[]) as customer_id, generate_subscripts($ids::varchar[], 1) as place),
    systems as (
        select customer_id, string_agg(distinct system, ', ' order by system) as systems
        from identity.customer_xref semi join wanted using (customer_id)
        group by customer_id)
    select customer_id, customer_name, party_type, coalesce(mobile, phone) as phone, region, source_records,
        systems
    from wanted left join core.dim_customers using (customer_id) left join systems using (customer_id)
    order by place
"""


def summaries(con: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> Rows:
    """One line for each of the customers, in the order given: enough to choose one."""
    return _rows(con, _SUMMARIES, {"ids": list(ids)})


def card(con: duckdb.DuckDBPyConnection, customer_id: str) -> dict[str, Any]:
    """All parts of what is known; a part without rows is an empty list.

    The keys are customer_id, status (active, merged or retired), golden, records, dealings, tiers, churn,
    issues, history and aliases.
    """
    about = {"id": customer_id}
    status = con.execute("select status from identity.customer_ids where customer_id = $id", about).fetchone()
    return {
        "customer_id": customer_id,
        "status": status[0] if status else None,
        "golden": _rows(con, _GOLDEN, about),
        "records": _rows(con, _RECORDS, about),
        "dealings": _rows(con, _dealings(), about),
        "tiers": _rows(con, _TIERS.format(language=language()), about),
        "churn": churn(con, customer_id),
        "issues": _rows(con, _ISSUES.format(language=language()), about),
        "history": _rows(con, _HISTORY, about),
        "aliases": [
            row["customer_id"]
            for row in _rows(
                con, "select customer_id from identity.customer_ids where merged_into = $id order by 1", about
            )
        ],
    }


_GOLDEN = """
    with columns_of as (
        select attribute_number, attribute from (
            select unnest(['party_type', 'customer_name', 'contact_name', 'mobile', 'phone', 'email',
                'wechat_id', 'credit_code', 'region', 'address', 'industry', 'owner_name']) as attribute,
                generate_subscripts(range(12), 1) as attribute_number))
    select attribute, value, system, source_table, source_id, reason
    from core.attribute_lineage left join columns_of using (attribute)
    where customer_id = $id
    order by attribute_number nulls last, attribute
"""

# A row that only points at a record of its own system says nothing of its own about who the customer is.
_RECORDS = """
    select system, source_table, source_id, method, score, decided_at
    from identity.customer_xref
    where customer_id = $id and method <> 'reference'
    order by system, source_table, length(source_id), source_id
"""

# The latest three years of each scheme.
_TIERS = """
    select period_year, is_complete, spend_gross, orders,
        map(list(scheme order by scheme), list(tier_name_{language} order by scheme)) as tiers,
        min(spend_place) as spend_place, min(customers_in_period) as customers_in_period
    from marts.customer_tiers
    where customer_id = $id
    group by all
    order by period_year desc
"""

_ISSUES = """
    select issues.rule_id, issues.severity,
        coalesce(any_value(rules.title_{language}), issues.rule_id) as title,
        count(distinct (issues.system, issues.source_table, issues.source_id)) as records,
        string_agg(distinct issues.system, ', ' order by issues.system) as systems
    from quality.record_issues as issues
    inner join identity.customer_xref as xref using (system, source_table, source_id)
    left join quality.rules as rules on issues.rule_id = rules.rule_id
    where xref.customer_id = $id and issues.severity <> 'info'
    group by issues.rule_id, issues.severity
    order by issues.severity, records desc, issues.rule_id
"""

_HISTORY = """
    select changed_at, kind, customer_id, other_customer_id, records, reason, run_id
    from identity.customer_id_changes
    where customer_id = $id or other_customer_id = $id
    order by change_id
"""


def _dealings() -> str:
    parts = [
        f"select {number} as number, '{what}' as what, system, {day} as day, {amount} as amount "
        f"from core.{relation} where customer_id = $id"
        for number, (what, (relation, day, amount)) in enumerate(_DEALINGS.items())
    ]
    return f"""
        select what, system, count(*) as rows, sum(amount) as amount_gross, min(day) as first_on,
            max(day) as last_on
        from ({" union all ".join(parts)})
        group by number, what, system
        order by number, rows desc, system
    """


def churn(con: duckdb.DuckDBPyConnection, customer_id: str) -> dict[str, Any]:
    """The state (active, lost, or never: bought nothing and signed nothing yet) and every loss so far."""
    about = {"id": customer_id}
    spells = _rows(
        con,
        """
        select spell_number, is_contractual, started_on, last_active_on, lost_on, confirmed_on, kind, reason,
            value_lost_gross, evidence_system, evidence_table, evidence_id, won_back_on
        from marts.customer_churn where customer_id = $id order by spell_number
        """,
        about,
    )
    row = con.execute(
        "select exists (from core.fct_orders where customer_id = $id and is_revenue) or "
        "exists (from core.fct_contracts where customer_id = $id and status in ('active', 'terminated'))",
        about,
    ).fetchone()
    is_lost = bool(spells) and spells[-1]["won_back_on"] is None
    state = "lost" if is_lost else "active" if row and row[0] else "never"
    return {"state": state, "losses": spells}


def _rows(con: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any]) -> Rows:
    cursor = con.execute(sql, parameters)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
