"""The demo company's truth, in the keys that the warehouse has.

Comes in: a demo home after `guike run` (warehouse and `demo/truth`). Goes out: the TEMP table `truth_rows` of
`identity_truth.py`.

Two kinds of records are one customer by the demo's truth, but customers of their own, linked, by Guike's
rules: an office of a firm, and the member card of a firm's buyer. `apart` is the truth with these split off.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

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
        min(true_customer) as truth
    from named left join numbered
        on named.system = numbered.system and named.source_table = numbered.source_table
        and named.source_id = numbered.number
    group by all
"""

_APART = """
    create or replace temp table truth_rows as
    with offices as (
        select distinct system, source_table, source_id, true as is_office
        from read_parquet($defects) where defect = 'office_as_customer')
    select system, source_table, source_id, truth, is_firm,
        truth || case when is_office then ' office ' || source_id
            when is_firm and source_table = 'member' then ' private' else '' end as apart
    from named_rows
    inner join parties using (truth)
    left join offices using (system, source_table, source_id)
"""


def demo_truth(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make `truth_rows` from the truth in `folder` and the raw tables behind `con`."""
    con.execute(_TRUTH, {"file": str(folder / "entity_records.parquet")})
    con.register("parties", parties(folder))
    con.execute(_APART, {"defects": str(folder / "defects.parquet")})
    con.unregister("parties")


def parties(folder: Path) -> pa.Table:
    """truth, is_firm of every true customer: the world is made again from its number and seed."""
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    count, seed = int(summary["customers"]), int(summary["seed"])
    world = make_customers(count, make_staff(count, seed), seed)
    return pa.table(
        {"truth": pa.array(customer_names(np.arange(count)), pa.string()), "is_firm": pa.array(world.is_firm)}
    )
