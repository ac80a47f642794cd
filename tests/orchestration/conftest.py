"""A company in miniature: one CSV system, a dbt project of ten models, and stand-ins for the Python stages.

The stages' own behaviour is tested where they live; here only what runs, what is skipped and what stops.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.settings import Settings, load_settings
from warehouse import store

_SPEC = """
name: shop
title: {en: Shop, zh: 商店}
kind: csv
location: ${GUIKE_HOME}/orders.csv
trust: 50
timezone: Asia/Shanghai
tables:
  - name: orders
    key: [order_no]
    snapshot: The file is small.
    columns: [order_no, amount]
"""

_FILES = {
    "dbt_project.yml": """
name: guike
version: "1.0"
profile: guike
models:
  guike:
    staging: {+materialized: view, +schema: staging}
    input: {+materialized: table, +schema: input}
    core: {+materialized: table, +schema: core}
    marts: {+materialized: table, +schema: marts}
seeds: {guike: {+schema: marts}}
""",
    "profiles.yml": """
guike:
  target: local
  outputs:
    local: {type: duckdb, path: "{{ env_var('GUIKE_WAREHOUSE') }}", threads: 1}
""",
    "macros/names.sql": """
{% macro generate_schema_name(custom, node) %}{{ custom or target.schema }}{% endmacro %}
{% macro generate_alias_name(custom, node) %}{{ custom or node.name | replace('input__', '') }}{% endmacro %}
""",
    "models/staging/shop/_shop.yml": """
sources: [{name: raw_shop, schema: raw_shop, tables: [{name: orders}]}]
""",
    "models/staging/shop/stg_shop__orders.sql": """
select 'shop' as system, order_no as source_id, amount::decimal(18, 2) as amount
from {{ source('raw_shop', 'orders') }}
""",
    "models/input/input__orders.sql": "select * from {{ ref('stg_shop__orders') }}",
    "seeds/tier_policies.csv": "tier,from_spend\nstar,5000\n",
    "models/core/_core.yml": """
sources:
  - {name: quality, schema: quality, tables: [{name: passed_orders}]}
  - {name: identity, schema: identity, tables: [{name: customer_xref}]}
models:
  - name: fct_orders
    columns:
      - name: amount
        data_tests: [not_null: {config: {severity: error}}]
""",
    "models/core/fct_orders.sql": "select * from {{ source('quality', 'passed_orders') }}",
    "models/core/fct_payments.sql": "select 1 as payment_id",
    "models/core/dim_customers.sql": "select customer_id from {{ source('identity', 'customer_xref') }}",
    "models/core/attribute_lineage.sql": "select customer_id from {{ ref('dim_customers') }}",
    "models/core/customer_hierarchy.sql": "select customer_id from {{ ref('dim_customers') }}",
    "models/core/customer_aliases.sql": "select customer_id from {{ ref('dim_customers') }}",
    "models/core/customer_xref_history.sql": "select customer_id from {{ ref('dim_customers') }}",
    "models/marts/tiers/customer_tiers.sql": """
select customer_id, sum(amount) as spend from {{ ref('dim_customers') }}, {{ ref('fct_orders') }} group by all
""",
    "models/marts/tiers/tier_movement.sql": "select count(*) as movement from {{ ref('tier_policies') }}",
    "models/marts/churn/customer_churn.sql": "select customer_id from {{ ref('dim_customers') }}",
    "models/marts/churn/churn_by_quarter.sql": "select 1 as quarter",
}


@dataclass
class Stage:
    """What the stand-ins do and have done."""

    settings: Settings
    calls: list[str] = field(default_factory=list)
    gate_1_passes: bool = True
    gate_2_passes: bool = True
    identity_raises: BaseException | None = None
    is_down: bool = False

    @property
    def source(self) -> Path:
        """The system's file."""
        return self.settings.home / "orders.csv"

    def extract(self, settings: Settings, spec: Any, run_id: str, *, whole: bool) -> Any:
        """Load the file, unless it is the one loaded last."""
        from pipelines.extract.load import SystemLoad, TableLoad

        self.calls.append("extract")
        with store.connect(settings) as con:
            last = con.execute(
                "select arg_max(fingerprint, loaded_at), max(loaded_at) from ops.loads"
            ).fetchone()
            assert last is not None
            if self.is_down:
                con.execute("insert or replace into ops.systems values ('shop', 'Shop', '商店', 'csv', 50)")
                con.execute(
                    "insert into ops.loads values (?, 'shop', 'orders', 'stale', 2, ?, ?, 'no such file')",
                    [run_id, *last],
                )
                return SystemLoad("shop", "stale", [], "no such file", last[1])
            now = hashlib.sha256(self.source.read_bytes()).hexdigest()
            if last[0] == now:
                table = TableLoad("orders", "unchanged", 2, now, last[1])
                return SystemLoad("shop", "unchanged", [table], None, last[1])
            moment = store.now()
            con.execute("create schema if not exists raw_shop")
            con.execute(
                "create or replace table raw_shop.orders as from read_csv(?, all_varchar = true)",
                [str(self.source)],
            )
            con.execute(
                "insert into ops.loads values (?, 'shop', 'orders', 'loaded', 2, ?, ?, null)",
                [run_id, now, moment],
            )
        return SystemLoad("shop", "loaded", [TableLoad("orders", "loaded", 2, now, moment)], None, moment)

    def gate_1(self, settings: Settings, run_id: str) -> Any:
        """Let everything through, or stop."""
        self.calls.append("gate_1")
        with store.connect(settings) as con:
            con.execute("create or replace view quality.passed_orders as select * from input.orders")
            for name in ("record_issues", "set_aside"):
                con.execute(f"create or replace table quality.{name} as select 1 as rule_id")
        message = None if self.gate_1_passes else "too much set aside"
        return SimpleNamespace(passed=self.gate_1_passes, rules=[], set_aside={}, flagged={}, message=message)

    def identity(self, settings: Settings, run_id: str) -> Any:
        """One customer for all."""
        self.calls.append("identity")
        if self.identity_raises is not None:
            raise self.identity_raises
        with store.connect(settings) as con:
            for name in ("customer_xref", "customer_ids", "customer_id_changes"):
                con.execute(f"create or replace table identity.{name} as select 'C00000001' as customer_id")
        return SimpleNamespace(records=1, customers=1, merged=0)

    def gate_2(self, settings: Settings, run_id: str) -> Any:
        """Everything reconciles, or nothing does."""
        self.calls.append("gate_2")
        with store.connect(settings) as con:
            con.execute("create or replace table quality.reconciliation as select 'shop' as system")
        return SimpleNamespace(passed=self.gate_2_passes, lines=[], message="a cent is missing")

    def stand_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Take the place of the real stages."""
        monkeypatch.setattr("pipelines.extract.load.extract_system", self.extract)
        monkeypatch.setattr("quality.gate.run_gate_1", self.gate_1)
        monkeypatch.setattr("pipelines.identity.resolve.run_identity", self.identity)
        monkeypatch.setattr("quality.reconcile.run_gate_2", self.gate_2)


def _settings(folder: Path) -> Settings:
    return replace(load_settings(), root=folder / "root", home=folder / "home", threads=1)


@dataclass
class FirstRun:
    """The first run of the miniature: where it was, what it said, what it logged."""

    company: Stage
    report: Any
    lines: list[str]
    files_before: list[Path]


@pytest.fixture(scope="session")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> FirstRun:
    """Done once, because dbt takes seconds to start; each test goes on with a copy of what it left."""
    from pipelines.orchestration.run import run

    company = Stage(_settings(tmp_path_factory.mktemp("company")))
    company.settings.home.mkdir()
    systems = company.settings.systems_dir
    systems.mkdir(parents=True)
    (systems / "shop.yml").write_text(_SPEC, encoding="utf-8")
    company.source.write_text("order_no,amount\n1,10.50\n2,20.00\n", encoding="utf-8")
    for name, text in _FILES.items():
        path = company.settings.dbt_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    files = sorted(company.settings.root.rglob("*"))
    log = _Lines()
    logger = logging.getLogger("guike")
    logger.setLevel(logging.INFO)
    logger.addHandler(log)
    with pytest.MonkeyPatch.context() as monkeypatch:
        company.stand_in(monkeypatch)
        report = run(company.settings, trigger="test")
    logger.removeHandler(log)
    return FirstRun(company, report, log.lines, files)


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def company(first_run: FirstRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The miniature with a copy of the data that the first run left; its project is everybody's."""
    settings = first_run.company.settings
    shutil.copytree(settings.home, tmp_path / "home")
    copy = Stage(replace(settings, home=tmp_path / "home"))
    copy.stand_in(monkeypatch)
    return copy


@pytest.fixture
def moved_company(company: Stage, tmp_path: Path) -> Stage:
    """The same with a copy of the project, which may be changed; for dbt it has moved."""
    shutil.copytree(company.settings.root, tmp_path / "root")
    company.settings = replace(company.settings, root=tmp_path / "root")
    return company
