"""What is refused before anything is replaced, and how rows without a key are known again.

Failing means that a broken export passes for a correct one, or that a correct one makes every row of a sheet
look new.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.extract.freshness import ages
from pipelines.extract.specs import SystemSpec
from pipelines.settings import Settings
from tests.extract.conftest import Extraction, MakeSpec
from warehouse import store

KEYED = """
- name: customers
  source: customers.csv
  key: [id]
  snapshot: every export is complete
  columns: {id: 编号, amount: 金额, day: 日期, name: 名称}
"""
SHEET = """
- name: receipts
  source: receipts.csv
  snapshot: a sheet is edited in place
  floor: 0
  columns: {customer: 客户名称, amount: 金额}
"""


def _customers(path: Path, amount: str = "{n}.50", day: str = "2026-01-05", rows: int = 40) -> None:
    lines = [f"{n},{amount.format(n=n)},{day},客户{n}" for n in range(1, rows + 1)]
    path.write_text("\n".join(["编号,金额,日期,名称", *lines]) + "\n", encoding="utf-8")


def _receipts(path: Path, *lines: str) -> None:
    path.write_text("\n".join(["客户名称,金额", *lines]) + "\n", encoding="utf-8")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    _customers(path)
    return path


@pytest.fixture
def keyed(make_spec: MakeSpec, tmp_path: Path, export: Path) -> SystemSpec:
    return make_spec("csv", tmp_path, KEYED)


@pytest.fixture
def sheet(make_spec: MakeSpec, tmp_path: Path) -> SystemSpec:
    return make_spec("csv", tmp_path, SHEET)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"amount": "{n}元"},
            "column amount (金额): 100% of the values were numbers the time before, now 0%",
        ),
        ({"day": "一月五日"}, "column day (日期): 100% of the values were dates the time before, now 0%"),
    ],
)
def test_a_column_of_another_kind_is_refused(
    extract: Extraction, keyed: SystemSpec, export: Path, changed: dict[str, str], message: str
) -> None:
    extract(keyed)
    _customers(export, **changed)
    load = extract(keyed)
    assert load.status == "stale"
    assert message in str(load.message)
    assert extract.ask("select count(*), max(_run_id) from raw_legacy.customers") == [(40, "run-1")]


def test_a_column_that_is_meant_to_change_is_taken(
    extract: Extraction, keyed: SystemSpec, export: Path, make_spec: MakeSpec, tmp_path: Path
) -> None:
    extract(keyed)
    _customers(export, amount="{n}元")
    retyped = make_spec("csv", tmp_path, KEYED.replace("  key:", "  retyped: [amount]\n  key:"))
    assert extract(retyped).status == "loaded"
    assert extract(keyed).status == "unchanged"  # the option can go again


def test_few_values_say_nothing_about_their_kind(
    extract: Extraction, keyed: SystemSpec, export: Path
) -> None:
    _customers(export, rows=10)
    extract(keyed)
    _customers(export, rows=10, amount="{n}元")
    assert extract(keyed).status == "loaded"


def test_a_key_that_tells_no_rows_apart_is_refused_without_its_value(
    extract: Extraction, keyed: SystemSpec, export: Path
) -> None:
    extract(keyed)
    with export.open("a", encoding="utf-8") as file:
        file.write("13812345678,1,2026-01-05,甲\n13812345678,2,2026-01-05,乙\n")
    load = extract(keyed)
    assert load.status == "stale"
    assert "1 keys (id) stand there more than once, the first in rows 41 and 42" in str(load.message)
    assert "13812345678" not in str(load.message)
    assert extract.ask("select count(*) from raw_legacy.customers") == [(40,)]


def test_a_snapshot_is_compared_with_what_is_there(
    extract: Extraction, keyed: SystemSpec, export: Path
) -> None:
    extract(keyed)
    lines = export.read_text(encoding="utf-8").splitlines()
    changed = [lines[0], *lines[3:], "41,1,2026-02-01,新客户"]
    changed[1] = changed[1].replace("客户3", "改名")
    export.write_text("\n".join(changed) + "\n", encoding="utf-8")
    extract(keyed)
    assert extract.ask("select * exclude (run_id) from ops.table_loads where run_id = 'run-2'") == [
        ("legacy", "customers", "whole", 39, 0, 1, 1, 37, 2, 0)
    ]
    assert extract.ask("select _run_id, count(*) from raw_legacy.customers group by 1 order by 1") == [
        ("run-1", 37), ("run-2", 2),
    ]  # fmt: skip
    assert extract.ask(
        "select id, _run_id, _deleted_in_run, _deleted_at is not null from raw_legacy_deleted.customers "
        "order by id"
    ) == [("1", "run-1", "run-2", True), ("2", "run-1", "run-2", True)]


def test_a_row_of_a_sheet_keeps_its_id_when_others_come_before_it(
    extract: Extraction, sheet: SystemSpec, tmp_path: Path
) -> None:
    path = tmp_path / "receipts.csv"
    _receipts(path, "甲,1", "乙,2", "乙,2", ",3")
    extract(sheet)
    before = extract.ask("select _row_id, customer, amount from raw_legacy.receipts order by _row_number")
    assert len({row[0] for row in before}) == 4
    assert before[1][0].removesuffix("-1") == before[2][0].removesuffix("-2")

    _receipts(path, "丙,9", "乙,2", "甲,1", "乙,2", ",3")
    extract(sheet)
    after = extract.ask("select _row_id, customer, amount from raw_legacy.receipts order by _row_number")
    assert [row[1] for row in after] == ["丙", "乙", "甲", "乙", ""]
    assert set(before) < set(after)
    counts = extract.ask("select inserted, updated, unchanged, deleted from ops.table_loads")[-1]
    assert counts == (1, 0, 4, 0)


def test_values_that_run_together_have_different_ids(
    extract: Extraction, sheet: SystemSpec, tmp_path: Path
) -> None:
    _receipts(tmp_path / "receipts.csv", "ab,c", "a,bc", ",abc", "abc,")
    extract(sheet)
    assert extract.ask("select count(distinct _row_id) from raw_legacy.receipts") == [(4,)]


def test_the_name_in_the_source_stands_beside_the_column(extract: Extraction, keyed: SystemSpec) -> None:
    extract(keyed)
    assert extract.ask(
        "select column_name, comment from duckdb_columns() where schema_name = 'raw_legacy' "
        "and table_name = 'customers' and comment is not null order by column_index"
    ) == [("id", "编号"), ("amount", "金额"), ("day", "日期"), ("name", "名称")]
    assert extract.ask("select comment from duckdb_tables() where schema_name = 'raw_legacy'"
                       " and table_name = 'customers'") == [("customers.csv",)]  # fmt: skip


def test_freshness_is_the_newest_row_and_the_last_success(
    extract: Extraction, export: Path, make_spec: MakeSpec, tmp_path: Path
) -> None:
    fresh = "{column: customers.day, warn_after: 3 days}"
    spec = make_spec("csv", tmp_path, KEYED, freshness=fresh)
    assert spec.freshness is not None
    assert spec.freshness.warn_after == timedelta(days=3)
    load = extract(spec)
    export.unlink()
    extract(spec)
    ((system, newest, success, hours),) = extract.ask("from ops.freshness")
    assert (system, str(newest), hours) == ("legacy", "2026-01-04 16:00:00", 72)  # midnight in Shanghai
    assert success == load.newest_loaded_at


def test_only_a_system_past_its_threshold_is_old(
    extract: Extraction, keyed: SystemSpec, make_spec: MakeSpec, tmp_path: Path, settings: Settings
) -> None:
    def is_old(as_of: date) -> bool:
        con = store.connect(settings)
        try:
            return bool(ages(con, replace(settings, fixed_as_of=as_of))[0]["is_old"])
        finally:
            con.close()

    extract(keyed)
    assert not is_old(date(2026, 6, 30))
    fresh = "{column: customers.day, warn_after: 3 days}"
    extract(make_spec("csv", tmp_path, KEYED, freshness=fresh))
    assert not is_old(date(2026, 1, 6))
    assert is_old(date(2026, 1, 9))
