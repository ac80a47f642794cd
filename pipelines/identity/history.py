"""Whose each source row was before: what a report of an earlier day counted it for.

Comes in: TEMP `xref_gone` (rows of `identity.customer_xref` that are about to go) and `xref_new` (those that
come). Goes out: `identity.customer_xref_past`, append-only, one row per source row and customer that it
belonged to for a time and no longer does. Together with `customer_xref`, whose valid_from is since when a row
belongs to its customer, this is the whole history, and it costs nothing until a row moves.
The ledger's `member_changes` knows customers' records and names only; here stand orders and payments too.
"""

from __future__ import annotations

from datetime import datetime

import duckdb

_TABLE = """
    create table if not exists identity.customer_xref_past (
        system varchar not null, source_table varchar not null, source_id varchar not null,
        customer_id varchar not null, valid_from timestamp not null, valid_to timestamp not null)
"""

# A row whose method or score alone is new stays with its customer: nothing of it is past.
_PAST = """
    insert into identity.customer_xref_past
    select system, source_table, source_id, customer_id, valid_from, $moment
    from xref_gone anti join xref_new using (system, source_table, source_id, customer_id)
    order by all
"""


def ensure_history(con: duckdb.DuckDBPyConnection) -> None:
    """Create the table where it isn't there yet."""
    con.execute(_TABLE)


def keep_past(con: duckdb.DuckDBPyConnection, moment: datetime) -> None:
    """Write down what ends at `moment` (UTC). Call it in the transaction that writes `customer_xref`."""
    con.execute(_PAST, {"moment": moment})
