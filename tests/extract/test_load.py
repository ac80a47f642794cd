"""From a source into raw: what is replaced, what is kept, and what a run says about it.

Failing means that a broken export, a dead server or a killed run costs the company rows that it had, or that
an unchanged source is taken for a changed one (and the other way round).
"""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from pipelines.errors import GuikeError
from pipelines.extract import raw
from pipelines.extract.load import extract_system
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.settings import Settings
from tests.extract.conftest import Extraction, MakeSpec
from warehouse import store

TABLES = """
- name: customers
  source: customers.csv
  key: [id]
  snapshot: every export is complete
  columns: {id: 编号, name: 名称}
"""
SECOND = """
- name: orders
  source: orders.csv
  key: [no]
  snapshot: every export is complete
  columns: {no: 单号, customer: 客户}
"""


def write(path: Path, rows: int, suffix: str = "") -> None:
    lines = ["编号,名称", *(f"{number:04},客户{number}{suffix}" for number in range(1, rows + 1))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    write(path, 10)
    return path


@pytest.fixture
def spec(make_spec: MakeSpec, tmp_path: Path, export: Path) -> SystemSpec:
    return make_spec("csv", tmp_path, TABLES)


def test_rows_arrive_as_text_with_their_origin(extract: Extraction, spec: SystemSpec) -> None:
    load = extract(spec)
    assert (load.status, load.message, load.tables[0].rows) == ("loaded", None, 10)
    assert extract.ask("select * exclude (_loaded_at) from raw_legacy.customers order by id limit 2") == [
        ("0001", "客户1", 1, "run-1"), ("0002", "客户2", 2, "run-1"),
    ]  # fmt: skip
    types = extract.ask(
        "select column_name, data_type from information_schema.columns "
        "where table_schema = 'raw_legacy' and table_name = 'customers' order by ordinal_position"
    )
    assert types == [
        ("id", "VARCHAR"), ("name", "VARCHAR"), ("_row_number", "BIGINT"), ("_loaded_at", "TIMESTAMP"),
        ("_run_id", "VARCHAR"),
    ]  # fmt: skip
    assert extract.ask("select distinct _loaded_at from raw_legacy.customers") == [(load.newest_loaded_at,)]


def test_a_run_is_noted_in_ops(extract: Extraction, spec: SystemSpec) -> None:
    load = extract(spec)
    assert extract.ask("select * exclude (loaded_at) from ops.loads") == [
        ("run-1", "legacy", "customers", "loaded", 10, load.tables[0].fingerprint, None)
    ]
    assert extract.ask("from ops.systems") == [("legacy", "Legacy", "旧系统", "csv", 50)]


def test_an_unchanged_file_is_not_read_again(
    extract: Extraction, spec: SystemSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = extract(spec)
    monkeypatch.setattr("pipelines.extract.reading.spool", lambda *_: pytest.fail("the file was read"))
    second = extract(spec)
    assert second.status == "unchanged"
    assert second.tables[0].status == "unchanged"
    assert second.newest_loaded_at == first.newest_loaded_at
    assert extract.ask("select distinct _run_id from raw_legacy.customers") == [("run-1",)]
    assert extract.ask("select run_id, status, rows_read from ops.loads order by run_id") == [
        ("run-1", "loaded", 10), ("run-2", "unchanged", 10),
    ]  # fmt: skip


def test_a_changed_file_replaces_the_rows(extract: Extraction, spec: SystemSpec, export: Path) -> None:
    extract(spec)
    write(export, 12, suffix="公司")
    assert extract(spec).status == "loaded"
    assert extract.ask("select count(*), max(name), min(_run_id) from raw_legacy.customers") == [
        (12, "客户9公司", "run-2")
    ]


def test_a_changed_spec_reads_an_unchanged_file_again(
    extract: Extraction, spec: SystemSpec, make_spec: MakeSpec, tmp_path: Path
) -> None:
    extract(spec)
    renamed = make_spec("csv", tmp_path, TABLES.replace("name: 名称", "customer_name: 名称"))
    assert extract(renamed).status == "loaded"
    assert extract.ask("select customer_name from raw_legacy.customers where id = '0001'") == [("客户1",)]


def test_only_the_changed_table_is_loaded(extract: Extraction, make_spec: MakeSpec, tmp_path: Path) -> None:
    write(tmp_path / "customers.csv", 3)
    (tmp_path / "orders.csv").write_text("单号,客户\nA1,0001\n", encoding="utf-8")
    spec = make_spec("csv", tmp_path, TABLES + SECOND)
    extract(spec)
    (tmp_path / "orders.csv").write_text("单号,客户\nA1,0001\nA2,0002\n", encoding="utf-8")
    load = extract(spec)
    assert [(table.name, table.status, table.rows) for table in load.tables] == [
        ("customers", "unchanged", 3), ("orders", "loaded", 2),
    ]  # fmt: skip


def test_a_truncated_export_keeps_the_old_rows(extract: Extraction, spec: SystemSpec, export: Path) -> None:
    first = extract(spec)
    write(export, 4)
    load = extract(spec)
    assert load.status == "stale"
    assert load.message is not None
    assert "4 rows after 10" in load.message
    assert load.newest_loaded_at == first.newest_loaded_at
    assert extract.ask("select count(*) from raw_legacy.customers") == [(10,)]
    assert extract.ask("select status, rows_read from ops.loads where run_id = 'run-2'") == [("stale", 10)]


def test_the_floor_is_the_last_good_load(extract: Extraction, spec: SystemSpec, export: Path) -> None:
    extract(spec)
    for rows, status in ((4, "stale"), (5, "loaded"), (3, "loaded"), (1, "stale")):
        write(export, rows)
        assert extract(spec).status == status


def test_an_empty_export_does_not_empty_the_table(
    extract: Extraction, spec: SystemSpec, export: Path
) -> None:
    extract(spec)
    for text in ("", "编号,名称\n"):
        export.write_text(text, encoding="utf-8")
        assert extract(spec).status == "stale"
    assert extract.ask("select count(*) from raw_legacy.customers") == [(10,)]


def test_floor_zero_takes_an_empty_export(extract: Extraction, make_spec: MakeSpec, tmp_path: Path) -> None:
    spec = make_spec("csv", tmp_path, TABLES.replace("  key:", "  floor: 0\n  key:"))
    write(tmp_path / "customers.csv", 10)
    extract(spec)
    write(tmp_path / "customers.csv", 0)
    assert extract(spec).status == "loaded"
    assert extract.ask("select count(*) from raw_legacy.customers") == [(0,)]
    assert extract(spec).status == "unchanged"


def test_a_table_without_rows_is_there(extract: Extraction, spec: SystemSpec, export: Path) -> None:
    write(export, 0)
    assert extract(spec).status == "loaded"
    assert extract.ask("select id, name, _row_number, _loaded_at, _run_id from raw_legacy.customers") == []


def test_one_bad_table_keeps_the_whole_system(
    extract: Extraction, make_spec: MakeSpec, tmp_path: Path
) -> None:
    write(tmp_path / "customers.csv", 3)
    (tmp_path / "orders.csv").write_text("单号,客户\nA1,0001\n", encoding="utf-8")
    spec = make_spec("csv", tmp_path, TABLES + SECOND)
    extract(spec)
    write(tmp_path / "customers.csv", 4)
    (tmp_path / "orders.csv").write_text("单号,客户名称\nA1,0001\n", encoding="utf-8")
    assert extract(spec).status == "stale"
    assert extract.ask("select count(*), any_value(_run_id) from raw_legacy.customers") == [(3, "run-1")]


def test_a_missing_source_is_stale_and_its_tables_are_there(
    extract: Extraction, spec: SystemSpec, export: Path, caplog: pytest.LogCaptureFixture
) -> None:
    export.unlink()
    with caplog.at_level(logging.WARNING, "guike.extract"):
        load = extract(spec)
    assert (load.status, load.newest_loaded_at, load.tables[0].rows) == ("stale", None, 0)
    assert "there is no file" in caplog.text
    assert extract.ask("select id, name from raw_legacy.customers") == []


def test_a_variable_that_is_not_set_is_stale(extract: Extraction, make_spec: MakeSpec) -> None:
    load = extract(make_spec("csv", "${GUIKE_NOBODY_SETS_THIS}", TABLES))
    assert load.status == "stale"
    assert load.message is not None
    assert "GUIKE_NOBODY_SETS_THIS is not set" in load.message


def test_a_load_after_a_failed_one_works(
    extract: Extraction, spec: SystemSpec, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract(spec)
    write(export, 11)
    with monkeypatch.context() as patch:
        patch.setattr(raw, "_resource", _broken_resource)
        with pytest.raises(Exception, match="(?i)load|job"):
            extract(spec)
    assert extract.ask("select count(*), any_value(_run_id) from raw_legacy.customers") == [(10, "run-1")]
    write(export, 12)
    assert extract(spec).status == "loaded"
    assert extract.ask("select _run_id, count(*) from raw_legacy.customers group by 1 order by 1") == [
        ("run-1", 10), ("run-3", 2),
    ]  # fmt: skip


def _broken_resource(table: TableSpec, path: Path) -> object:
    """A package that dlt takes in, but that the warehouse can't read."""
    import dlt

    from pipelines.extract.batches import spool_schema

    broken = path.with_name("broken.jsonl")
    broken.write_text("{not json", encoding="utf-8")

    def rows() -> object:
        yield dlt.mark.with_file_import(str(broken), "jsonl", 1, hints=spool_schema(table).empty_table())

    return dlt.resource(rows, name=table.name, write_disposition="replace")


def test_a_run_killed_before_it_was_noted_has_changed_nothing(
    extract: Extraction, spec: SystemSpec, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract(spec)
    write(export, 11)
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.extract.load._note", _killed)
        with pytest.raises(KeyboardInterrupt):
            extract(spec)
    assert extract.ask("select count(*), max(_run_id) from raw_legacy.customers") == [(10, "run-1")]
    assert extract(spec).status == "loaded"
    assert extract.ask("select count(*), max(_run_id) from raw_legacy.customers") == [(11, "run-3")]
    assert extract.ask("select * from duckdb_schemas() where schema_name like '%_incoming'") == []


def test_a_first_load_killed_before_it_was_noted_is_not_trusted(
    extract: Extraction, spec: SystemSpec, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dlt has filled the empty table in a transaction of its own; the file then is another one."""
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.extract.load._note", _killed)
        with pytest.raises(KeyboardInterrupt):
            extract(spec)
    assert extract.ask("select count(*) from raw_legacy.customers") == [(10,)]
    write(export, 9)
    load = extract(spec)
    assert (load.status, load.tables[0].rows) == ("loaded", 9)
    assert extract.ask("select count(*) from raw_legacy.customers") == [(9,)]
    assert extract(spec).status == "unchanged"


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_half_written_pipeline_state_does_no_harm(
    extract: Extraction, spec: SystemSpec, export: Path, settings: Settings
) -> None:
    extract(spec)
    (settings.home / "dlt" / "guike_legacy" / "state.json").write_text('{"half', encoding="utf-8")
    write(export, 11)
    assert extract(spec).status == "loaded"


def test_a_new_column_of_a_stale_system_is_there(
    extract: Extraction, spec: SystemSpec, make_spec: MakeSpec, tmp_path: Path
) -> None:
    extract(spec)
    wider = make_spec("csv", tmp_path, TABLES.replace("name: 名称", "name: 名称, phone: 电话"))
    assert extract(wider).status == "stale"
    assert extract.ask("select phone from raw_legacy.customers limit 1") == [(None,)]


def test_nothing_is_written_outside_home(
    extract: Extraction, spec: SystemSpec, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("HOME", str(elsewhere))
    monkeypatch.chdir(elsewhere)
    before = {path for path in tmp_path.rglob("*") if settings.home not in path.parents}
    extract(spec)
    assert {path for path in tmp_path.rglob("*") if settings.home not in path.parents} - {
        settings.home
    } == before
    assert not (settings.home / "extract" / "legacy" / "spool").exists()


def test_another_writer_is_named(
    settings: Settings, spec: SystemSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.writer_lock(settings, "a test"):
        monkeypatch.setattr(store, "_held", {})  # as another process would see it
        with pytest.raises(GuikeError, match="has been writing"):
            extract_system(settings, spec, "run-1")
