"""Every value of a database comes through as the server writes it.

Failing means that a zero date, a bit, a decimal or a Chinese character is lost on the way, or that a password
reaches a message.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.errors import GuikeError
from pipelines.extract.load import open_source
from pipelines.extract.specs import SystemSpec
from pipelines.settings import Settings
from tests.extract.conftest import Extraction, MakeSpec
from tests.services import mariadb_url, postgres_url

Rows = list[tuple[str | None, ...]]
ReadRows = Callable[[SystemSpec], Rows]

TABLES = """
- name: things
  key: [id]
  snapshot: no column changes on every edit
  columns: [id, {columns}]
"""


def _tables(*columns: str) -> str:
    return TABLES.replace("{columns}", ", ".join(columns))


@pytest.fixture
def sqlite(tmp_path: Path) -> sqlite3.Connection:
    return sqlite3.connect(tmp_path / "old.sqlite", isolation_level=None)


def test_sqlite_values_as_text(
    make_spec: MakeSpec, read_rows: ReadRows, sqlite: sqlite3.Connection, tmp_path: Path
) -> None:
    sqlite.execute(
        'create table things (ID integer primary key, d datetime, m decimal(18,2), "b%" bit(1), t text)'
    )
    sqlite.execute("insert into things values (1, '0000-00-00 00:00:00', 12345678.90, 1, '０１ é 客户')")
    sqlite.execute("insert into things values (2, null, '0012', 0, '')")
    tables = _tables("d", "m", "t").replace("[id, d, m, t]", "{id: ID, d: d, m: M, b: b%, t: T}")
    assert read_rows(make_spec("database", f"sqlite:///{tmp_path}/old.sqlite", tables)) == [
        ("1", "0000-00-00 00:00:00", "12345678.9", "1", "０１ é 客户"), ("2", None, "12", "0", ""),
    ]  # fmt: skip


def test_sqlite_is_not_written_to(
    extract: Extraction, make_spec: MakeSpec, sqlite: sqlite3.Connection, tmp_path: Path
) -> None:
    sqlite.execute("create table things (id, a)")
    sqlite.execute("insert into things values (1, 2)")
    path = tmp_path / "old.sqlite"
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    spec = make_spec("database", f"sqlite:///{path}", _tables("a"))
    assert extract(spec).status == "loaded"
    assert extract(spec).status == "unchanged"
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_sqlite_with_a_write_ahead_log_shows_what_is_in_the_log(
    extract: Extraction, make_spec: MakeSpec, sqlite: sqlite3.Connection, tmp_path: Path
) -> None:
    sqlite.execute("pragma journal_mode = wal")
    sqlite.execute("create table things (id, a)")
    spec = make_spec("database", f"sqlite:///{tmp_path}/old.sqlite", _tables("a"))
    for number in (1, 2):
        sqlite.execute("insert into things values (?, 2)", [number])
        assert extract(spec).status == "loaded"
        assert extract.ask("select count(*) from raw_legacy.things") == [(number,)]


def test_text_that_is_not_utf8_names_the_column(
    make_spec: MakeSpec, read_rows: ReadRows, sqlite: sqlite3.Connection, tmp_path: Path
) -> None:
    sqlite.execute("create table things (id, a)")
    sqlite.execute("insert into things values (1, cast(x'cdf5' as text))")
    with pytest.raises(GuikeError, match=r"legacy.things, column a: b'\\xcd\\xf5' is not UTF-8 text"):
        read_rows(make_spec("database", f"sqlite:///{tmp_path}/old.sqlite", _tables("a")))


def test_a_table_or_column_that_is_missing(
    make_spec: MakeSpec, read_rows: ReadRows, sqlite: sqlite3.Connection, tmp_path: Path
) -> None:
    sqlite.execute("create table other (id, a, b)")
    location = f"sqlite:///{tmp_path}/old.sqlite"
    with pytest.raises(GuikeError, match="legacy has no table things. It has: other"):
        read_rows(make_spec("database", location, _tables("a")))
    tables = _tables("a", "c").replace("  key:", "  source: other\n  key:")
    with pytest.raises(GuikeError, match="Missing: c. New: b"):
        read_rows(make_spec("database", location, tables))


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("sqlite:////nowhere/a.sqlite", "/nowhere/a.sqlite does not exist"),
        ("db2://scott:tiger@127.0.0.1/x", "a database of the kind 'db2' can't be read"),
        ("a.sqlite", "a database of the kind '–' can't be read"),
        (
            "mysql://root:tiger@127.0.0.1:port/x",
            "mysql+pymysql://root:***@127.0.0.1:port/x is not a database URL",
        ),
        ("mysql://root:lion@tiger@127.0.0.1/x", "root:***@127.0.0.1/x holds an @"),
    ],
)
def test_a_location_that_can_not_be(
    make_spec: MakeSpec, read_rows: ReadRows, location: str, message: str
) -> None:
    with pytest.raises(GuikeError) as caught:
        read_rows(make_spec("database", location, _tables("a")))
    assert message in str(caught.value)
    assert "tiger" not in str(caught.value)


def test_a_file_that_is_no_database(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    (tmp_path / "old.sqlite").write_text("no database " * 100)
    with pytest.raises(GuikeError, match="legacy.things can't be read: file is not a database"):
        read_rows(make_spec("database", f"sqlite:///{tmp_path}/old.sqlite", _tables("a")))


@pytest.mark.parametrize("scheme", ["mysql", "postgresql"])
def test_a_dead_host_is_stale_and_keeps_the_rows(
    extract: Extraction, make_spec: MakeSpec, sqlite: sqlite3.Connection, tmp_path: Path, scheme: str
) -> None:
    sqlite.execute("create table things (id, a)")
    sqlite.execute("insert into things values (1, 2)")
    extract(make_spec("database", f"sqlite:///{tmp_path}/old.sqlite", _tables("a")))
    started = time.monotonic()
    load = extract(make_spec("database", f"{scheme}://reader:s3cret-pw@127.0.0.1:9/x", _tables("a")))
    assert time.monotonic() - started < 15
    assert load.status == "stale"
    assert load.message is not None
    assert "legacy can't be read" in load.message
    assert "s3cret-pw" not in load.message
    assert extract.ask("select id, a from raw_legacy.things") == [("1", "2")]


# --- servers -----------------------------------------------------------------------------------------------


@pytest.mark.services
def test_mariadb_values_as_text(make_spec: MakeSpec, read_rows: ReadRows, mariadb: str) -> None:
    with sa.create_engine(mariadb, isolation_level="AUTOCOMMIT").connect() as con:
        con.exec_driver_sql("set session sql_mode = ''")
        con.exec_driver_sql("set session time_zone = '+08:00'")
        con.exec_driver_sql(
            "create table things (id int primary key, d datetime, z date, ts timestamp null, b bit(1), "
            "b9 bit(9), m decimal(24,6), f double, bin varbinary(4), big longblob, t varchar(50), "
            "e enum('是','否'), y year, old varchar(50) character set gbk)"
        )
        con.exec_driver_sql(
            "insert into things values (1, '0000-00-00 00:00:00', '2024-02-00', '2024-01-01 08:00:00', b'1', "
            "b'100000001', 1234567890.123456, 0.1, x'00ff', x'cdf5', '０1🙂 客户%%s', '是', 1998, '王小明')"
        )
        con.exec_driver_sql(f"insert into things (id) values {', '.join(f'({i})' for i in range(2, 20_002))}")
    columns = ("d", "z", "ts", "b", "b9", "m", "f", "bin", "big", "t", "e", "y", "old")
    rows = read_rows(make_spec("database", mariadb, _tables(*columns)))
    assert rows[0] == (
        "1", "0000-00-00 00:00:00", "2024-02-00", "2024-01-01 08:00:00", "1", "257", "1234567890.123456",
        "0.1", "\\x00ff", "\\xcdf5", "０1🙂 客户%s", "是", "1998", "王小明",
    )  # fmt: skip
    assert len(rows) == 20_001
    assert rows[1] == ("2", *[None] * 13)


@pytest.mark.services
def test_postgresql_values_as_text(make_spec: MakeSpec, read_rows: ReadRows, postgres: str) -> None:
    with sa.create_engine(postgres, isolation_level="AUTOCOMMIT").connect() as con:
        con.exec_driver_sql("set timezone = 'UTC'")
        con.exec_driver_sql("create schema old")
        con.exec_driver_sql(
            "create table old.things (id int primary key, d timestamp, z date, ts timestamptz, b bit(1), "
            "flag boolean, m numeric(24,6), f float8, bin bytea, t text, arr int[], j jsonb, "
            '"Mixed%%Case" text)'
        )
        con.exec_driver_sql(
            "insert into old.things values (1, 'infinity', '0044-03-15 BC', '2024-01-01 00:00:00+00', b'1', "
            "true, 1234567890.123456, 0.1, '\\xcdf500', '０1🙂 客户%%s', '{1,2}', '{\"a\": 1.50}', 'x')"
        )
        con.exec_driver_sql("insert into old.things (id) select generate_series(2, 20001)")
    columns = ("id", "d", "z", "ts", "b", "flag", "m", "f", "bin", "t", "arr", "j")
    mapping = {**{column: column for column in columns}, "mixed": "Mixed%Case"}
    tables = _tables("d").replace("[id, d]", json.dumps(mapping))
    rows = read_rows(make_spec("database", postgres, tables, schema="old"))
    assert rows[0] == (
        "1", "infinity", "0044-03-15 BC", "2024-01-01 08:00:00+08", "1", "true", "1234567890.123456", "0.1",
        "\\xcdf500", "０1🙂 客户%s", "{1,2}", '{"a": 1.50}', "x",
    )  # fmt: skip
    assert len(rows) == 20_001
    assert rows[1] == ("2", *[None] * 12)


@pytest.mark.services
@pytest.mark.parametrize("server", ["mariadb", "postgres"])
def test_a_server_shows_one_moment_and_takes_no_writes(
    settings: Settings, make_spec: MakeSpec, server: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(server)
    writer = sa.create_engine(url, isolation_level="AUTOCOMMIT").connect()
    writer.exec_driver_sql("create table things (id int primary key, a int)")
    writer.exec_driver_sql("insert into things values (1, 1)")
    spec = make_spec("database", url, _tables("a"))
    with open_source(settings, spec) as source:
        assert sum(batch.num_rows for batch in source.read(spec.tables[0])) == 1
        writer.exec_driver_sql("insert into things values (2, 2)")
        assert sum(batch.num_rows for batch in source.read(spec.tables[0])) == 1
        with pytest.raises(sa.exc.DBAPIError, match="(?i)read.only"):
            source._connection.exec_driver_sql("delete from things")  # type: ignore[attr-defined]
    writer.close()


@pytest.mark.services
@pytest.mark.parametrize("server", ["mariadb", "postgres"])
def test_unchanged_rows_in_another_order_are_unchanged(
    extract: Extraction, make_spec: MakeSpec, server: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(server)
    with sa.create_engine(url, isolation_level="AUTOCOMMIT").connect() as con:
        con.exec_driver_sql("create table things (id int, a varchar(9))")
        con.exec_driver_sql("insert into things values (1, 'x'), (2, 'y')")
        spec = make_spec("database", url, _tables("a"))
        assert extract(spec).status == "loaded"
        con.exec_driver_sql("delete from things where id = 1")
        con.exec_driver_sql("insert into things values (1, 'x')")
        assert extract(spec).status == "unchanged"
        con.exec_driver_sql("update things set a = 'z' where id = 1")
        assert extract(spec).status == "loaded"
    assert extract.ask("select id, a from raw_legacy.things order by id") == [("1", "z"), ("2", "y")]


@pytest.mark.services
@pytest.mark.parametrize("server", [mariadb_url, postgres_url])
def test_a_wrong_password_is_never_shown(
    extract: Extraction, make_spec: MakeSpec, server: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    url = sa.make_url(server()).set(username="nobody_here", password="pa ss/w@rd")
    load = extract(make_spec("database", url.render_as_string(hide_password=False), _tables("a")))
    assert load.status == "stale"
    shown = f"{load.message} {caplog.text} {extract.ask('select message from ops.loads')}"
    assert "legacy can't be read" in shown
    for secret in ("pa ss/w@rd", "pa%20ss", "pa+ss", "w@rd", "w%40rd"):
        assert secret not in shown
