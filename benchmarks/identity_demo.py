"""The demo company's truth, in the keys that the warehouse has.

Comes in: a demo home after `guike run` (warehouse and `demo/truth`). Goes out: the TEMP table `truth_rows` of
`identity_truth.py`.

An office of a firm, and the private card of its contact, is a customer of its own by the truth; the card is a
person's.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.demo.registers import CARD
from pipelines.demo.truth import customer_names
from pipelines.demo.world import make_customers, make_staff

# Rows without a key of their own are counted by the truth; WeChat's keys are hashed in staging.
_TRUTH = """
    create or replace temp table named_rows as
    with named as (from read_parquet($file)),
    numbered as (
        select 'ledger' as system, 'receipts' as source_table, _row_number::varchar as number,
            _row_id as source_id
        from raw_ledger.receipts
        union all
        select 'ledger', 'projects', _row_number::varchar, _row_id from raw_ledger.projects
        union all
        select 'ledger', 'receivables', _row_number::varchar, _row_id from raw_ledger.receivables
        union all
        select 'ledger', 'service_costs', _row_number::varchar, _row_id from raw_ledger.service_costs
        union all
        select 'platform', 'logins', _row_number::varchar, concat(account_id, ' ', day)
        from raw_platform.logins
        union all
        select 'wechat', 'contacts', wechat_id, md5(wechat_id) from raw_wechat.contacts)
    select named.system, named.source_table, coalesce(numbered.source_id, named.source_id) as source_id,
        min(true_customer) as truth, min(group_customer) as group_customer
    from named left join numbered
        on named.system = numbered.system and named.source_table = numbered.source_table
        and named.source_id = numbered.number
    group by all
"""

_PARTIES = """
    create or replace temp table truth_rows as
    select system, source_table, source_id, truth,
        is_firm and not ends_with(truth, $card) as is_firm
    from named_rows
    inner join parties using (group_customer)
"""


def demo_truth(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make `truth_rows` from the truth in `folder` and the raw tables behind `con`."""
    con.execute(_TRUTH, {"file": str(folder / "entity_records.parquet")})
    con.register("parties", parties(folder))
    con.execute(_PARTIES, {"card": f"-{CARD}"})
    con.unregister("parties")


def parties(folder: Path) -> pa.Table:
    """group_customer, is_firm of every firm and person: the world is made again from its number and seed."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    count, seed = int(summary["customers"]), int(summary["seed"])
    world = make_customers(count, make_staff(count, seed), seed)
    names = pa.array(customer_names(np.arange(count)), pa.string())
    return pa.table({"group_customer": names, "is_firm": pa.array(world.is_firm)})
