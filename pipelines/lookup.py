"""Which customers somebody means who types an id, a phone number, an e-mail address, a code or a name.

Comes in: what was typed, and a connection to the published or the working file. Goes out: customer ids. What
was typed is normalised as the pipeline does it, so that every spelling which joins records also finds them.
The published file knows the golden values only, most of them masked; the working file knows every record's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from pipelines.identity.names import parse_names
from pipelines.identity.normalise import install_macros

_ID = re.compile(r"C[0-9]{8,}", re.I)


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes:
        kind: what was typed: id, phone, email, credit_code, record or name.
        customers: present ids, the best first.
        alias: the id that was typed, where it has become part of another customer.
    """

    kind: str
    customers: list[str]
    alias: str | None = None


def find(con: duckdb.DuckDBPyConnection, asked: str) -> Found:
    """The customers meant by `asked`; none where nobody is known by it."""
    asked = asked.strip()
    if _ID.fullmatch(asked):
        return _by_id(con, asked.upper())
    install_macros(con)
    row = con.execute("select phone_number($1), email_address($1), credit_code($1)", [asked]).fetchone()
    phone, email, code = row if row else (None, None, None)
    for kind, value in (("credit_code", code), ("email", email), ("phone", phone)):
        if value:
            return Found(kind, _by_identifier(con, kind, value))
    parts = asked.split(".", 2)
    if len(parts) == 3 and (owners := _by_record(con, parts)):
        return Found("record", owners)
    return Found("name", _by_name(con, asked))


def has(con: duckdb.DuckDBPyConnection, relation: str) -> bool:
    """Whether the open file has that table or view ("schema.name")."""
    found = con.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?",
        relation.split(".", 1),
    )
    return bool(found.fetchone())


def _by_id(con: duckdb.DuckDBPyConnection, customer_id: str) -> Found:
    present: str = customer_id
    seen: set[str] = set()
    while present not in seen:
        seen.add(present)
        row = con.execute(
            "select merged_into from identity.customer_ids where customer_id = ?", [present]
        ).fetchone()
        if row is None:
            return Found("id", [])
        present = row[0] or present
    return Found("id", [present], customer_id if present != customer_id else None)


def _by_record(con: duckdb.DuckDBPyConnection, parts: Sequence[str]) -> list[str]:
    rows = con.execute(
        "select distinct customer_id from identity.customer_xref "
        "where system = ? and source_table = ? and source_id = ?",
        parts,
    ).fetchall()
    return [row[0] for row in rows]


def _by_identifier(con: duckdb.DuckDBPyConnection, kind: str, value: str) -> list[str]:
    columns = {"phone": ("mobile", "phone"), "email": ("email",), "credit_code": ("credit_code",)}[kind]
    macro = {"phone": "phone_number", "email": "email_address", "credit_code": "credit_code"}[kind]
    queries = [
        f"select customer_id from core.dim_customers where {macro}({column}) = $value" for column in columns
    ]
    if has(con, "identity.identifiers"):
        queries.append(
            "select customer_id from identity.identifiers "
            "inner join identity.customer_xref using (system, source_table, source_id) "
            f"where value = $value and kind = '{kind}'"
        )
    rows = con.execute(
        f"select distinct customer_id from ({' union all '.join(queries)}) order by 1", {"value": value}
    ).fetchall()
    return [row[0] for row in rows]


# Names that hold the core of what was typed; compared afterwards, taken apart in the same way.
_CANDIDATES = """
    create or replace temp table name_hits as
    select distinct customer_id, customer_name as raw, party_type
    from ({names})
    where contains(lower(half_width(customer_name)), lower($core))
        or contains(lower(half_width(customer_name)), lower(half_width($asked)))
"""
_GOLDEN = "select customer_id, customer_name, party_type from core.dim_customers"
_RECORDS = """
    union all
    select customer_id, name_normalised, party_type from identity.records
    inner join identity.customer_xref using (system, source_table, source_id)
"""
_BEST = """
    with ranked as (
        select customer_id, min(length(raw)) as size,
            min(case when name_normalised = $normalised then 0 when core_name = $core then 1
                else 2 end) as rank
        from name_hits left join hit_names using (raw)
        group by customer_id)
    select customer_id from ranked where rank = (select min(rank) from ranked) order by size, customer_id
"""


def _by_name(con: duckdb.DuckDBPyConnection, asked: str) -> list[str]:
    """Customers of that very name; else of its core (a firm without place and legal form); else all whose
    name holds it."""
    con.execute(
        "create or replace temp table asked_name as select $1::varchar as raw, null::varchar as given_type",
        [asked],
    )
    parse_names(con, "asked_name", "asked_parts")
    row = con.execute("select coalesce(name_normalised, raw), core_name from asked_parts").fetchone()
    normalised, core = row if row else (asked, None)
    names = _GOLDEN + (_RECORDS if has(con, "identity.records") else "")
    con.execute(_CANDIDATES.format(names=names), {"core": core or normalised, "asked": asked})
    parse_names(con, "(select raw, min(party_type) as given_type from name_hits group by raw)", "hit_names")
    rows = con.execute(_BEST, {"normalised": normalised, "core": core}).fetchall()
    return [row[0] for row in rows]
