"""A small warehouse with every relation that publishing requires."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.settings import Settings, load_settings
from warehouse import store
from warehouse.masking import manifest_path

_RELATIONS = """
create or replace table core.dim_customers as select * from (values
    ('C00000001', 'person', '李建国', '13812345678', 'lijg@example.com', '江苏省无锡市梁溪区中山路1号',
     'lijg_wx'),
    ('C00000002', 'organisation', '无锡锡城机械有限公司', '0510-82701234', 'office@example.com', null, null)
) as t(customer_id, party_type, customer_name, mobile, email, address, wechat_id);
create or replace table core.attribute_lineage as select * from (values
    ('C00000001', 'mobile', 1, '13812345678', 'person'), ('C00000001', 'mobile', 2, '13987654321', 'person'),
    ('C00000001', 'customer_name', 1, '李建国', 'person'),
    ('C00000002', 'customer_name', 1, '无锡锡城机械有限公司', 'organisation'),
    ('C00000002', 'customer_name', 2, '王小明', null), ('C00000002', 'customer_name', 3, '王大明', 'person'),
    ('C00000002', 'industry', 1, '机械', 'organisation')
) as t(customer_id, attribute, value_rank, value, party_type);
create or replace table core.fct_orders as
    select i as order_id, 'C00000001' as customer_id, {generation} as generation from range(1000) as r(i);
create or replace table core.fct_payments as select 1 as payment_id;
create or replace table core.customer_hierarchy as select 'C00000002' as customer_id;
create or replace table core.customer_aliases as select 'C00000002' as customer_id;
create or replace table identity.customer_xref as select 'C00000001' as customer_id;
create or replace view core.customer_xref_history as from guike.identity.customer_xref;
create or replace table identity.records as select '13812345678' as mobile_normalised;
create or replace table identity.customer_ids as select 'C00000001' as customer_id;
create or replace table identity.customer_id_changes as select 1 as change_id;
create or replace table quality.record_issues as select 'orders.future_date' as rule_id;
create or replace table quality.set_aside as select 'r' as rule_ids, '{{"phone": "13812345678"}}' as record;
create or replace table quality.reconciliation as select 'crm' as system;
create or replace view quality.passed_customers as select * from core.dim_customers;
create or replace view marts.customer_tiers as
    select customer_id, {generation} as generation from guike.core.dim_customers;
create or replace table marts.tier_movement as select {generation} as generation;
create or replace table marts.customer_churn as select {generation} as generation;
create or replace table marts.churn_by_quarter as select {generation} as generation;
"""

_TAGS = {
    "customer_name": "name",
    "mobile": "phone",
    "email": "email",
    "address": "address",
    "wechat_id": "wechat",
}


def _node(schema: str, alias: str, tags: dict[str, str]) -> dict[str, object]:
    columns = {c: {"name": c, "config": {"meta": {"personal_data": kind}}} for c, kind in tags.items()}
    return {"resource_type": "model", "schema": schema, "alias": alias, "name": alias, "columns": columns}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a home of its own, with a manifest that tags the personal data."""
    found = replace(load_settings(), home=tmp_path, keep_snapshots=3, mask_personal_data=True)
    manifest = manifest_path(found)
    manifest.parent.mkdir(parents=True)
    nodes = {
        "model.guike.dim_customers": _node("core", "dim_customers", _TAGS),
        "model.guike.attribute_lineage": _node("core", "attribute_lineage", {"value": "attribute"}),
    }
    manifest.write_text(json.dumps({"nodes": nodes}), encoding="utf-8")
    return found


@pytest.fixture
def fill(settings: Settings) -> Callable[[int], None]:
    """Write all relations, each row marked with the generation given."""

    def write(generation: int) -> None:
        with store.connect(settings) as con:
            store.ensure_schemas(con)
            con.execute(_RELATIONS.format(generation=generation))

    return write
