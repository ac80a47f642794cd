"""Who is suspected of inventing customer data: demo companies by seed, against who really does.

    python benchmarks/quality_invented.py [--customers 10000] [--seeds 1-20] [--detail]

Comes in: demo companies, made anew for each seed, whose truth names the cheats and the honest employees who
might be taken for them. Goes out: a table by seed. Only what the detection reads is loaded: customers,
contacts, staff and calls, through the project's own staging SQL and then its own SQL of `models/core/checks`,
the same that a run lets dbt build; WeChat's free-text remarks aren't read for numbers here.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import duckdb
import pandas as pd
import yaml

from pipelines.demo import make_demo
from pipelines.settings import ROOT
from tests.dbt_models import render

CHECKS = (
    "int_collected", "int_collected_counts", "int_collected_shares", "int_collected_digits",
    "staff_suspicions", "unified__staff",
)  # fmt: skip
_TABLES = {
    "crm": (
        "wk_crm_customer", "wk_admin_user", "wk_crm_contacts", "wk_crm_field", "wk_crm_customer_data",
        "wk_crm_contacts_data", "wk_call_record",
    ),
    "erp": ("jsh_supplier", "jsh_user"),
}  # fmt: skip
_STAGING = {
    "customers": ("stg_crm__customers", "stg_erp__customers", "stg_wechat__customers"),
    "contacts": ("stg_crm__contacts",),
    "staff": ("stg_crm__staff", "stg_erp__staff", "stg_hr__staff"),
    "interactions": ("stg_callcentre__interactions", "stg_crm__interactions__calls"),
}
_REMARK = ("company", "person", "honorific", "phone", "region")


@dataclass(frozen=True)
class Verdict:
    """What came of one company: employees (CRM user ids) by what they do, and by what is said of them."""

    cheats: frozenset[str]
    look_alikes: frozenset[str]
    suspected: frozenset[str]
    employees: int

    @property
    def found(self) -> frozenset[str]:
        return self.cheats & self.suspected

    @property
    def wronged(self) -> frozenset[str]:
        return self.suspected - self.cheats


def load_demo(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make `input.customers`, `contacts`, `staff` and `interactions` from the demo in `folder`."""
    sources = folder / "sources"
    for system, tables in _TABLES.items():
        with sqlite3.connect(sources / f"{system}.sqlite") as database:
            for table in tables:
                _raw(
                    con,
                    f"raw_{system}.{table}",
                    pd.read_sql_query(f"select * from {table}", database, dtype=str),
                )
    calls = pd.read_json(sources / "callcentre" / "calls.jsonl", lines=True, dtype=str)
    _raw(con, "raw_callcentre.calls", calls)
    for system, table, file, encoding in (
        ("wechat", "contacts", "wechat_contacts.csv", "utf-8-sig"), ("hr", "staff", "staff.csv", "gb18030"),
    ):  # fmt: skip
        spec = yaml.safe_load((ROOT / "pipelines" / "systems" / f"{system}.yml").read_text(encoding="utf-8"))
        names = {header: name for name, header in spec["tables"][0]["columns"].items()}
        frame = pd.read_csv(sources / file, dtype=str, encoding=encoding, keep_default_na=False).rename(
            columns=names
        )
        if system == "wechat":
            frame = frame.assign(**{f"remark_{part}": None for part in _REMARK})
        _raw(con, f"raw_{system}.{table}", frame)
    input_layer(con)
    for entity, models in _STAGING.items():
        for model in models:
            system = model.split("__")[0].removeprefix("stg_")
            con.execute(
                f"insert into input.{entity} by name select '{system}' as system, * "
                f"from ({render(model, ref=_relation)})"
            )


def input_layer(con: duckdb.DuckDBPyConnection) -> None:
    """Empty input tables, as the contract has them, of the entities that the detection reads."""
    con.execute(
        "create schema if not exists input; create schema if not exists quality; set timezone = 'UTC'"
    )
    contract = yaml.safe_load((ROOT / "dbt_project/models/input/_input.yml").read_text(encoding="utf-8"))
    for model in contract["models"]:
        entity = model["name"].removeprefix("input__")
        if entity in _STAGING:
            columns = ", ".join(f"{column['name']} {column['data_type']}" for column in model["columns"])
            con.execute(f"create or replace table input.{entity} ({columns})")


def judge(con: duckdb.DuckDBPyConnection, **variables: Any) -> None:
    """Build the relations of the detection from the input layer."""
    for model in CHECKS:
        con.execute(
            f"create or replace table quality.{model} as {render(model, ref=_relation, variables=variables)}"
        )


def verdict(folder: Path, con: duckdb.DuckDBPyConnection) -> Verdict:
    """Compare with the truth; the CRM is where the cheats cheat, and a suspicion elsewhere is a wrong one."""
    truth = pd.read_parquet(folder / "truth" / "cheats.parquet")
    suspected = con.execute(
        "select case system when 'crm' then source_id else concat(system, ' ', source_id) end "
        "from quality.unified__staff where is_suspected_of_inventing"
    ).fetchall()
    (employees,) = con.execute(
        "select count(distinct collector) from quality.int_collected where system = 'crm'"
    ).fetchone() or (0,)
    return Verdict(
        frozenset(truth.crm_user_id[truth.is_cheat]), frozenset(truth.crm_user_id[~truth.is_cheat]),
        frozenset(one for (one,) in suspected), employees,
    )  # fmt: skip


def _relation(name: str) -> str:
    return name.replace("input__", "input.") if name.startswith("input__") else f"quality.{name}"


def _raw(con: duckdb.DuckDBPyConnection, name: str, frame: pd.DataFrame) -> None:
    con.execute(f"create schema if not exists {name.split('.')[0]}")
    con.execute(
        f"create or replace table {name} as "
        "select columns(*)::varchar, now()::timestamp as _loaded_at from frame"
    )


def main(arguments: list[str] | None = None) -> None:
    """Make, judge and compare the companies; print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--seeds", default="1-20")
    parser.add_argument("--detail", action="store_true", help="every employee's scores")
    options = parser.parse_args(arguments)
    first, _, last = options.seeds.partition("-")
    total = [0, 0, 0, 0]
    print(f"{'seed':>4} {'staff':>6} {'cheats':>7} {'found':>6} {'look-alikes':>12} {'wronged':>8}")
    for seed in range(int(first), int(last or first) + 1):
        with tempfile.TemporaryDirectory() as home, duckdb.connect() as con:
            folder = Path(home) / "company"
            make_demo(folder, options.customers, seed)
            load_demo(con, folder)
            judge(con)
            told = verdict(folder, con)
            if options.detail:
                _print_scores(con, told)
        row = (len(told.cheats), len(told.found), len(told.look_alikes), len(told.wronged))
        total = [sum(pair) for pair in zip(total, row, strict=True)]
        print(f"{seed:>4} {told.employees:>6} {row[0]:>7} {row[1]:>6} {row[2]:>12} {row[3]:>8}", flush=True)
    print(f"{'all':>4} {'':>6} {total[0]:>7} {total[1]:>6} {total[2]:>12} {total[3]:>8}")


def _print_scores(con: duckdb.DuckDBPyConnection, told: Verdict) -> None:
    rows = con.execute(
        "select system, source_id, records_system, any_value(score), list((test, records, "
        "round(observed, 3), round(expected_by_colleagues, 3), "
        "round(-log10(greatest(q_value, 1e-30)), 1)) order by p_value)"
        " from quality.staff_suspicions group by all having any_value(score) > 0.7 order by 4 desc"
    ).fetchall()
    for system, source_id, records, score, tests in rows:
        mark = "cheat" if source_id in told.cheats else "alike" if source_id in told.look_alikes else ""
        print(
            f"   {mark:5} {system}/{source_id} in {records}: {score:.2f}",
            *(list(test.values()) if isinstance(test, dict) else test for test in tests[:4]),
        )


if __name__ == "__main__":
    main()
