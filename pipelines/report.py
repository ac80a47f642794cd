"""What a run has found, in words and tables, for the person who started it.

Comes in: a connection to the published snapshot, so nothing is shown that a reader couldn't look up. Goes
out: sections (title, sentences, one table each) that `print_report` prints and `as_data` gives as JSON.
Every figure is read from a mart or a bookkeeping table; none is computed here beyond counting rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import duckdb
from rich.console import Console
from rich.markup import escape

from pipelines.commands.console import table
from pipelines.i18n import language, t

_TOP_RULES = 10
_QUARTERS = 4


@dataclass(frozen=True)
class Section:
    """One part of the report: a title, sentences, and a table whose `numbers` marks right-aligned columns."""

    title: str
    sentences: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    numbers: str = ""
    rows: list[tuple[object, ...]] = field(default_factory=list)


def sections(con: duckdb.DuckDBPyConnection) -> list[Section]:
    """All parts of the report, in reading order; a part without data is left out."""
    parts: tuple[Callable[[duckdb.DuckDBPyConnection], Section], ...] = (
        _incoming, _rules, _scores, _customers, _reconciliation, _stars, _classes, _movement, _churn,
    )  # fmt: skip
    found = [part(con) for part in parts]
    return [section for section in found if section.rows or section.sentences]


def print_report(con: duckdb.DuckDBPyConnection, console: Console) -> None:
    """Print every section."""
    for section in sections(con):
        console.print()
        if section.rows:
            console.print(table(section.title, section.columns, section.rows, section.numbers))
        else:
            console.print(f"[bold]{escape(section.title)}[/]")
        for sentence in section.sentences:
            console.print(escape(sentence))


def as_data(con: duckdb.DuckDBPyConnection) -> list[dict[str, object]]:
    """The sections as plain data, for `--json`."""
    return [
        {
            "title": section.title,
            "sentences": section.sentences,
            "rows": [dict(zip(section.columns, row, strict=True)) for row in section.rows],
        }
        for section in sections(con)
    ]


def _query(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    return con.execute(sql).fetchall()


def _title_column() -> str:
    return f"title_{language()}"


def _incoming(con: duckdb.DuckDBPyConnection) -> Section:
    rows = _query(
        con,
        f"""
        with last_load as (
            select system, source_table, rows_read, loaded_at, status
            from ops.loads
            qualify row_number() over (partition by system, source_table order by run_id desc) = 1),
        incoming as (
            select system, count(*) as tables, sum(rows_read)::bigint as rows_read,
                max(loaded_at) as loaded_at, bool_or(status = 'stale') as is_stale
            from last_load group by system),
        set_aside as (select system, count(*) as records from quality.set_aside group by system),
        flagged as (
            select system, count(distinct (source_table, source_id)) as records
            from quality.record_issues where severity = 'warn' group by system),
        customers as (
            select system, source_value::bigint as records
            from quality.reconciliation where measure = 'customer_rows')
        select {_title_column()}, coalesce(tables, 0), coalesce(rows_read, 0), customers.records,
            coalesce(set_aside.records, 0), coalesce(flagged.records, 0), loaded_at,
            is_stale
        from ops.systems left join incoming using (system) left join set_aside using (system)
            left join flagged using (system) left join customers using (system)
        order by rows_read desc nulls last, system
        """,
    )
    columns = [
        t("System"), t("Tables"), t("Rows"), t("Customer records"),
        t("Set aside"), t("Flagged"), t("Loaded at (UTC)"),
    ]  # fmt: skip
    stale = [str(row[0]) for row in rows if row[-1]]
    told = [t("Could not be read this time, older data is shown: {systems}.", systems=", ".join(stale))]
    return Section(t("What came in"), told if stale else [], columns, " >>>>>", [row[:-1] for row in rows])


def _rules(con: duckdb.DuckDBPyConnection) -> Section:
    titles = _rule_titles()
    found = _query(
        con,
        f"""
        select rule_id, severity, count(distinct (system, source_table, source_id)) as records,
            string_agg(distinct system, ', ' order by system)
        from quality.record_issues where severity <> 'info'
        group by all order by severity, records desc, rule_id limit {_TOP_RULES}
        """,
    )
    words = {"error": t("set aside"), "warn": t("flagged")}
    rows: list[tuple[object, ...]] = [
        (titles.get(str(rule), str(rule)), words.get(str(severity), severity), records, systems)
        for rule, severity, records, systems in found
    ]
    columns = [t("Check that failed"), t("Then it is"), t("Records"), t("Systems")]
    return Section(t("What the checks found (the most frequent)"), [], columns, "  >", rows)


def _scores(con: duckdb.DuckDBPyConnection) -> Section:
    from quality.listing import dimension_name
    from quality.scores import read_scores

    systems = f"select system, {_title_column()} from ops.systems"
    titles: dict[object, object] = dict(con.execute(systems).fetchall())
    found = read_scores(con)
    rows: list[tuple[object, ...]] = [
        (
            titles.get(one.system, one.system), one.checked, one.failed, f"{one.score:.1%}",
            dimension_name(one.worst) if one.failed else None,
        )
        for one in found
    ]  # fmt: skip
    notes = [t("100 % where no value failed a rule; `guike quality fixlist` says who is to mend what.")]
    columns = [t("System"), t("Values checked"), t("Failed"), t("Score"), t("Weakest in")]
    return Section(t("Data quality by system"), notes if rows else [], columns, " >>>", rows)


def _rule_titles() -> dict[str, str]:
    """Rule id -> its title in the language in force, from the catalogue of rules."""
    from quality.catalogue import load_catalogue

    return {rule.rule_id: str(getattr(rule.title, language())) for rule in load_catalogue().rules}


def _customers(con: duckdb.DuckDBPyConnection) -> Section:
    [(customers, people, firms, shared)] = con.execute(
        """
        select count(*), count(*) filter (party_type = 'person'),
            count(*) filter (party_type = 'organisation'), count(*) filter (source_systems > 1)
        from core.dim_customers
        """
    ).fetchall()
    # A row of the reconciliation counts what it can't tell the owner of as gone through; told below.
    [(records, systems)] = con.execute(
        """
        with unresolved as (
            select system, sum(rows) as rows from identity.unresolved where entity = 'customers' group by 1)
        select coalesce(sum(through_value - coalesce(rows, 0)), 0)::bigint,
            string_agg(system, ', ' order by system)
        from quality.reconciliation left join unresolved using (system) where measure = 'customer_rows'
        """
    ).fetchall()
    unresolved = con.execute("select coalesce(sum(rows), 0)::bigint from identity.unresolved").fetchone()
    unknown = customers - people - firms
    kinds = (
        t(
            "{people:,} people, {firms:,} firms, {unknown:,} unknown",
            people=people,
            firms=firms,
            unknown=unknown,
        )
        if unknown
        else t("{people:,} people, {firms:,} firms", people=people, firms=firms)
    )
    sentences = [
        t("Customer records that came through from {systems}: {records:,}.", systems=systems, records=records)
    ] if systems else []  # fmt: skip
    sentences.append(
        t(
            "With the rows that name a customer who has no such record, they describe {customers:,} "
            "customers: {kinds}; {shared:,} are known to more than one system.",
            customers=customers, kinds=kinds, shared=shared,
        )
        if systems
        else t(
            "The rows describe {customers:,} customers: {kinds}; {shared:,} are known to more than one "
            "system.",
            customers=customers, kinds=kinds, shared=shared,
        )
    )  # fmt: skip
    if unresolved and unresolved[0]:
        sentences.append(t("Of {rows:,} more rows it could not be told whose they are.", rows=unresolved[0]))
    return Section(t("Customers"), sentences)


def _reconciliation(con: duckdb.DuckDBPyConnection) -> Section:
    [(figures, systems)] = con.execute(
        "select count(*), count(distinct system) from quality.reconciliation"
    ).fetchall()
    wrong = _query(
        con,
        """
        select system, measure, source_value, through_value, set_aside_value, difference
        from quality.reconciliation where not is_reconciled order by system, measure
        """,
    )
    if not figures:
        return Section(t("Reconciliation"))
    if not wrong:
        words = t(
            "All {figures} figures that {systems} systems give of themselves (rows, revenue, receipts) equal "
            "what went through plus what was set aside, to the cent.",
            figures=figures, systems=systems,
        )  # fmt: skip
        return Section(t("Reconciliation"), [words])
    columns = [
        t("System"), t("Figure"), t("The system says"), t("Went through"), t("Set aside"), t("Difference"),
    ]  # fmt: skip
    return Section(t("Reconciliation"), [], columns, "  >>>>", wrong)


def _tiers(con: duckdb.DuckDBPyConnection, scheme: str, title: str) -> Section:
    """Customers and spend per tier in the latest complete year, the highest tier first."""
    rows = _query(
        con,
        f"""
        with latest as (
            select * from marts.customer_tiers where scheme = '{scheme}'
            qualify period_year = max(period_year) filter (is_complete) over ()
                or (max(period_year) filter (is_complete) over () is null
                    and period_year = max(period_year) over ()))
        select tier_name_{language()}, count(*), sum(spend_gross)::decimal(18, 0),
            round(100 * sum(spend_gross) / nullif(sum(sum(spend_gross)) over (), 0), 1) || ' %',
            any_value(period_year)
        from latest group by tier_rank, tier_name_{language()} order by tier_rank desc
        """,
    )
    if not rows:
        return Section(title)
    columns = [t("Tier"), t("Customers"), t("Spend, yuan incl. tax"), t("Share of spend")]
    return Section(f"{title}, {rows[0][4]}", [], columns, " >>>", [row[:4] for row in rows])


def _stars(con: duckdb.DuckDBPyConnection) -> Section:
    return _tiers(con, "star", t("Star tiers"))


def _classes(con: duckdb.DuckDBPyConnection) -> Section:
    return _tiers(con, "abc", t("ABC classes"))


def _movement(con: duckdb.DuckDBPyConnection) -> Section:
    rows = _query(
        con,
        """
        select from_year, to_year, count(*) filter (movement = 'new'), count(*) filter (movement = 'upgrade'),
            count(*) filter (movement = 'same'), count(*) filter (movement = 'downgrade'),
            count(*) filter (movement = 'lost'), count(*) filter (movement = 'won_back'),
            bool_or(is_provisional)
        from marts.tier_movement where scheme = 'star' group by from_year, to_year order by to_year
        """,
    )
    shown: list[tuple[object, ...]] = [
        (f"{before}–{year}" + (" *" if provisional else ""), *counts)
        for before, year, *counts, provisional in rows
    ]
    columns = [
        t("Years"), t("New"), t("Up"), t("Same"), t("Down"), t("Bought nothing"), t("Came back"),
    ]  # fmt: skip
    notes = [t("* The year is still running.")] if any(row[-1] for row in rows) else []
    return Section(t("Movement between star tiers"), notes, columns, " >>>>>>", shown)


def _churn(con: duckdb.DuckDBPyConnection) -> Section:
    rows = _query(
        con,
        f"""
        select quarter, relationship, customers_at_start, lost, lost_active, lost_passive, pending, won_back,
            churn_rate, is_provisional
        from marts.churn_by_quarter where class_code = 'all' and relationship <> 'all'
        qualify dense_rank() over (order by quarter_start_on desc) <= {_QUARTERS}
        order by relationship, quarter_start_on
        """,
    )
    words = {"contractual": t("with contract"), "non_contractual": t("without contract")}
    shown: list[tuple[object, ...]] = [
        (f"{quarter}{' *' if provisional else ''}", words.get(str(kind), kind), *counts, _percent(rate))
        for quarter, kind, *counts, rate, provisional in rows
    ]
    columns = [
        t("Quarter"), t("Customers"), t("At the start"), t("Lost"), t("They left"), t("Lapsed or ended"),
        t("Still open"), t("Won back"), t("Churn rate"),
    ]  # fmt: skip
    notes = [t("* Provisional: some silences may still end.")] if any(row[-1] for row in rows) else []
    return Section(t("Churn"), notes, columns, "  >>>>>>>", shown)


def _percent(rate: object) -> str | None:
    return f"{100 * rate:.1f} %" if isinstance(rate, Decimal | float) else None
