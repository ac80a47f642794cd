"""A spec that can't work is refused when it is read, with file, line and reason.

Failing means that a mistake in a system's YAML shows at night, as a failed run or as a lost column.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import GuikeError
from pipelines.extract.registry import registry, write_registry
from pipelines.extract.specs import ENTITIES, Column, load_spec, load_specs
from pipelines.settings import Settings, expand, load_settings

GOOD = """\
name: shop
title: {en: Shop, zh: 商店}
kind: csv
location: ${SHOP_FILE:-${GUIKE_HOME}/shop.csv}
trust: 50
timezone: Asia/Shanghai
encoding: gb18030
controls:
  order_rows: select count(*) from raw_shop.orders
tables:
  - name: orders
    key: [order_id]
    snapshot: every export holds all orders
    floor: 0.8
    columns:
      order_id: 单号
      customer: 客户
"""

COLUMNS = "columns:\n      order_id: 单号\n      customer: 客户"

SNAPSHOT = "    snapshot: every export holds all orders"
CURSOR = "    cursor: {column: customer, lag: 3 days, deletions: keys, why: a trigger sets it}"

# What is replaced in GOOD, by what, the line that the error names, and words of the reason.
BAD: dict[str, tuple[str, str, int, str]] = {
    "unknown key": ("trust: 50", "trust: 50\ncursors: updated_at", 6, "cursors: unknown key"),
    "unknown key of a table": ("    floor: 0.8", "    flor: 0.8", 14, "flor: unknown key"),
    "missing key": ("trust: 50\n", "", 1, "trust: is missing"),
    "repeated key": ("trust: 50", "trust: 50\ntrust: 60", 6, "'trust' stands there twice"),
    "unknown kind": ("kind: csv", "kind: cvs", 3, "'cvs' is not one of"),
    "unknown encoding": ("gb18030", "gb180300", 7, "the encoding 'gb180300' is unknown"),
    "unknown time zone": ("Asia/Shanghai", "Asia/Shanghigh", 6, "the time zone 'Asia/Shanghigh' is unknown"),
    "trust out of range": ("trust: 50", "trust: 150", 5, "trust is 150"),
    "floor out of range": ("floor: 0.8", "floor: 8", 14, "floor is 8"),
    "name dlt would change": ("name: orders", "name: Orders 2", 11, "'Orders 2' can't be the name"),
    "name of another's staging": ("name: shop\n", "name: shop_staging\n", 1, "can't be the name of a system"),
    "no tables": (GOOD[GOOD.index("tables:") :], "tables: []\n", 10, "tables is empty"),
    "column dlt would change": ("order_id: 单号", "Order-Id: 单号", 16, "'Order-Id' can't be the name"),
    "column of ours": ("customer: 客户", "_run_id: 客户", 17, "'_run_id' can't be the name"),
    "column without source": ("customer: 客户", "customer:", 17, "has no source name"),
    "repeated column": ("customer: 客户", "order_id: 客户", 17, "'order_id' stands there twice"),
    "no columns": (COLUMNS, "columns: []", 15, "columns is empty"),
    "Chinese column in a list": (
        COLUMNS, "columns: [order_id, 客户]", 15, "not an English name"
    ),
    "columns that become one": (
        COLUMNS, "columns: [order_id, OrderID]", 15, "are both 'order_id'"
    ),
    "key not among columns": ("key: [order_id]", "key: [order_no]", 12, "not among the columns"),
    "repeated key column": ("key: [order_id]", "key: [order_id, order_id]", 12, "stands there twice"),
    "snapshot without a reason": ("every export holds all orders", "so what", 13, "at least 10 characters"),
    "option of another kind": ("encoding: gb18030", "page_size: 10", 7, "nothing for kind csv"),
    "broken placeholder": ("${SHOP_FILE:-${GUIKE_HOME}/shop.csv}", "${shop}/a.csv", 4, "write a variable as"),
    "delimiter of two": ("encoding: gb18030", "delimiter: '||'", 7, "one character"),
    "control on no table of ours": ("raw_shop.orders", "raw_shop.lines", 9, "raw_shop.lines, which"),
    "control of two statements": ("select count(*)", "select 1; select count(*)", 9, "a single SELECT"),
    "control that writes": (
        "select count(*) from raw_shop.orders", "delete from raw_shop.orders", 9, "a single SELECT"
    ),
    "control that isn't SQL": ("select count(*) from", "select count(* from", 9, "not valid SQL"),
    "control on staging": ("raw_shop.orders", "staging.stg_shop__orders", 9, "stg_shop__orders, which"),
    "unknown control": ("order_rows:", "orders:", 9, "'orders' is not one of"),
    "a database table without key": (
        "kind: csv", "kind: database", 7, "encoding means nothing for kind database"
    ),
    "neither snapshot nor cursor": ("    snapshot: every export holds all orders\n", "", 11, "say why"),
    "cursor for files": (SNAPSHOT, CURSOR, 13, "cursor means nothing for kind csv"),
    "cursor beside a snapshot": (SNAPSHOT, f"{SNAPSHOT}\n{CURSOR}", 14, "exclude each other"),
    "cursor without a key": (f"    key: [order_id]\n{SNAPSHOT}", CURSOR, 12, "a cursor needs a key"),
    "cursor on an unknown column": (
        SNAPSHOT, CURSOR.replace("customer", "edited_at"), 13, "'edited_at' is not among the columns"
    ),
    "cursor with a lag in words": (SNAPSHOT, CURSOR.replace("3 days", "three"), 13, "no span of time"),
    "retyped column that isn't there": ("floor: 0.8", "retyped: [sum]", 14, "'sum' is not among the columns"),
    "freshness of an unknown column": (
        "trust: 50", "trust: 50\nfreshness: {column: orders.day, warn_after: 3 days}", 6, "orders.day"
    ),
    "no YAML": ("trust: 50", "trust: [50", 6, "expected ',' or ']'"),
}  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_a_good_spec_is_read(shop: Path) -> None:
    spec = load_spec(shop)
    table = spec.tables[0]
    assert (spec.name, spec.kind, table.source, table.floor) == ("shop", "csv", "orders", 0.8)
    assert table.columns == (Column("order_id", "单号"), Column("customer", "客户"))
    assert not spec.allows_extra_columns


@pytest.mark.parametrize("case", BAD)
def test_a_bad_spec_is_refused_with_line_and_reason(shop: Path, case: str) -> None:
    old, new, line, reason = BAD[case]
    assert old in GOOD
    shop.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(GuikeError) as caught:
        load_spec(shop)
    assert f"shop.yml, line {line}: " in str(caught.value)
    assert reason in str(caught.value)


def test_file_and_system_have_one_name(shop: Path) -> None:
    with pytest.raises(GuikeError, match=r"store.yml, line 1: the system's name is 'shop'"):
        load_spec(shop.rename(shop.with_name("store.yml")))


def test_all_problems_of_a_file_are_named_at_once(shop: Path) -> None:
    shop.write_text(GOOD.replace("50", "150").replace("kind: csv", "kind: x"), encoding="utf-8")
    with pytest.raises(GuikeError, match=r"(?s)line 3: .*line 5: "):
        load_spec(shop)


def test_an_error_is_also_there_in_chinese_places(shop: Path) -> None:
    shop.write_bytes(GOOD.encode("gb18030"))
    with pytest.raises(GuikeError, match=r"shop.yml is not UTF-8"):
        load_spec(shop)


def test_listed_columns_get_the_names_that_dlt_gives_them(shop: Path) -> None:
    text = GOOD.replace(COLUMNS, "columns: [OrderID, delete_Flag]")
    shop.write_text(text.replace("key: [order_id]", "key: [OrderID]"), encoding="utf-8")
    table = load_spec(shop).tables[0]
    assert table.columns == (Column("order_id", "OrderID"), Column("delete_flag", "delete_Flag"))
    assert table.key == ("order_id",)


def test_words_that_yaml_takes_for_booleans_stay_words(shop: Path) -> None:
    shop.write_text(GOOD.replace("order_id", "no").replace("customer: 客户", "on: 日期"), encoding="utf-8")
    assert [column.name for column in load_spec(shop).tables[0].columns] == ["no", "on"]


def test_two_files_for_one_system_are_refused(settings: Settings) -> None:
    for suffix in ("yml", "yaml"):
        (settings.systems_dir / f"shop.{suffix}").write_text(GOOD, encoding="utf-8")
    with pytest.raises(GuikeError, match="shop.yml, shop.yaml|shop.yaml, shop.yml"):
        load_specs(settings)


def test_the_demo_systems_are_valid() -> None:
    specs = load_specs(load_settings())
    assert [spec.name for spec in specs] == sorted(spec.name for spec in specs)


def test_registry_comes_from_the_names_of_the_models(settings: Settings) -> None:
    (settings.systems_dir / "shop.yml").write_text(GOOD, encoding="utf-8")
    folder = settings.dbt_dir / "models" / "staging" / "shop"
    folder.mkdir(parents=True)
    for name in (
        "stg_shop__orders",
        "stg_shop__orders__returns",
        "stg_shop__order_lines",
        "stg_shop__helpers",
    ):
        (folder / f"{name}.sql").write_text("select 1", encoding="utf-8")
    found = registry(settings)
    assert found["orders"] == ["stg_shop__orders", "stg_shop__orders__returns"]
    assert found["order_lines"] == ["stg_shop__order_lines"]
    assert list(found) == list(ENTITIES)
    assert write_registry(settings)
    assert not write_registry(settings)
    macro = (settings.dbt_dir / "macros" / "registry.sql").read_text(encoding="utf-8")
    assert "'orders': ['stg_shop__orders', 'stg_shop__orders__returns']," in macro


def test_a_staging_model_of_no_system_is_refused(settings: Settings) -> None:
    folder = settings.dbt_dir / "models" / "staging" / "gone"
    folder.mkdir(parents=True)
    (folder / "stg_gone__orders.sql").write_text("select 1", encoding="utf-8")
    with pytest.raises(GuikeError, match=r"gone/stg_gone__orders.sql belongs to no system"):
        registry(settings)


def test_a_placeholder_that_holds_itself_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUIKE_LOOP", "x${GUIKE_LOOP}")
    with pytest.raises(GuikeError, match="lead back to themselves"):
        expand("${GUIKE_LOOP}")
