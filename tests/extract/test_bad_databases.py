"""Databases that can't be read: each gives an error that names the place and the remedy, and nothing is lost.

Failing means that a user is left without a hint, sees a password, or loses yesterday's rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.errors import GuikeError
from pipelines.extract import dialects, mysql_rows, postgres_rows
from pipelines.extract.load import open_source
from pipelines.extract.specs import SystemSpec
from pipelines.settings import Settings
from tests.extract.conftest import Extraction, MakeSpec
from tests.services import mariadb_url, own_database, postgres_url

PASSWORD = "s3cret/pw"
TABLES = "- {name: things, key: [id], snapshot: no column changes on every edit, columns: [id, a]}\n"
GOOD = ["create table things (id int primary key, a varchar(20))", "insert into things values (1, 'kept')"]


@dataclass(frozen=True)
class Bad:
    """A way for a database to fail.

    Attributes:
        server: where the table is.
        statements: what is done to it after the good load.
        url: what of the URL is changed.
        says: what the message must hold: the place, the reason, the remedy.
        tables: the YAML of the tables for the second load.
    """

    server: str
    says: tuple[str, ...]
    statements: tuple[str, ...] = ()
    url: tuple[tuple[str, str | int], ...] = ()
    tables: str = TABLES


READ = "legacy.things can't be read: "
NOBODY = (("username", "guike_nobody"), ("password", PASSWORD))
DIVIDES = ("drop table things", "create view things as select g as id, 10 / (g - 50000) as a "
           "from generate_series(1, 100000) g")  # fmt: skip
TWO_ROWS = ("drop table things", "create view things as select seq as id, "
            "(select 1 union all select seq from dual where seq = 50000) as a "
            "from seq_1_to_100000")  # fmt: skip
CASES = {
    "mariadb-wrong-password": Bad(
        "mariadb", ("legacy can't be read", "Check user and password"), url=NOBODY
    ),
    "mariadb-wrong-host": Bad(
        "mariadb", ("legacy can't be read", "Check that the server runs"), url=(("host", "nohost.invalid"),)
    ),
    "mariadb-wrong-port": Bad(
        "mariadb", ("legacy can't be read", "Check that the server runs"), url=(("port", 9),)
    ),
    "mariadb-no-database": Bad(
        "mariadb", ("Unknown database", "Check the name of the database"), url=(("database", "guike_none"),)
    ),
    "mariadb-no-table": Bad(
        "mariadb", ("no table things", "Put the source of table"), ("drop table things",)
    ),
    "mariadb-no-column": Bad(
        "mariadb", ("legacy.things", "Missing: a", "pipelines/systems"),
        ("alter table things drop column a",),
    ),
    "mariadb-fails-mid-read": Bad("mariadb", (READ, "more than 1 row", "Try the same"), TWO_ROWS),
    "mariadb-no-permission": Bad(
        "mariadb", ("can't be read", "denied", "grant select"), ("create table other (id int)",
         f"create user if not exists guike_bad@'%%' identified by '{PASSWORD}'",
         "grant select on other to guike_bad@'%%'"), url=(("username", "guike_bad"), ("password", PASSWORD)),
    ),
    "postgres-wrong-host": Bad(
        "postgres", ("legacy can't be read", "Check that the server runs"), url=(("host", "nohost.invalid"),)
    ),
    "postgres-wrong-port": Bad(
        "postgres", ("legacy can't be read", "Check that the server runs"), url=(("port", 9),)
    ),
    "postgres-no-database": Bad(
        "postgres", ("does not exist", "Check the name of the database"), url=(("database", "guike_none"),)
    ),
    "postgres-no-table": Bad(
        "postgres", ("no table things", "Put the source of table"), ("drop table things",)
    ),
    "postgres-no-column": Bad(
        "postgres", ("legacy.things", "Missing: a", "pipelines/systems"),
        ("alter table things drop column a",),
    ),
    "postgres-fails-mid-read": Bad("postgres", (READ, "division by zero", "Try the same"), DIVIDES),
    "postgres-no-permission": Bad(
        "postgres", (READ, "permission denied", "grant select"),
        ("do $$ begin create role guike_bad login; exception when duplicate_object then null; end $$",),
        url=(("username", "guike_bad"), ("password", PASSWORD)),
    ),
    "sqlite-no-table": Bad("sqlite", ("no table things", "Put the source of table"), ("drop table things",)),
    "sqlite-no-column": Bad(
        "sqlite", ("legacy.things", "Missing: a", "pipelines/systems"),
        ("alter table things drop column a",),
    ),
    "sqlite-not-utf8": Bad(
        "sqlite", ("legacy.things, column a", "is not UTF-8 text", "bytes_are"),
        ("insert into things values (2, cast(x'cdf5' as text))",),
    ),
    "sqlite-wrong-encoding-said": Bad(
        "sqlite", ("legacy.things, column a", "is not gb18030 text", "Mend the row"),
        ("insert into things values (2, cast(x'ff41' as text))",),
        tables=TABLES.replace("key:", "bytes_are: gb18030, key:"),
    ),
}  # fmt: skip


@pytest.fixture
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """The URL of an empty database on the server named."""
    opened = []

    def url(server: str) -> str:
        if server == "sqlite":
            return f"sqlite:///{tmp_path}/old.sqlite"
        found = own_database(mariadb_url() if server == "mariadb" else postgres_url(), "guike_test_bad")
        opened.append(found)
        return found.__enter__()

    yield url
    for found in opened:
        found.__exit__(None, None, None)


def _execute(url: str, statements: list[str] | tuple[str, ...]) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as con:
        for statement in statements:
            con.exec_driver_sql(statement)


def _refused(
    extract: Extraction, good: SystemSpec, bad: Callable[[], SystemSpec], caplog: pytest.LogCaptureFixture
) -> str:
    """Load what is good, then what is bad; the message, after it is clear that nothing was lost or told."""
    assert extract(good).status == "loaded"
    load = extract(bad())
    assert load.status == "stale"
    assert load.message is not None
    assert "→" in load.message
    assert extract.ask("select id, a from raw_legacy.things") == [("1", "kept")]
    assert PASSWORD not in f"{load.message} {caplog.text} {extract.ask('select message from ops.loads')}"
    return load.message


@pytest.mark.services
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_bad_database_names_place_and_remedy(
    extract: Extraction, make_spec: MakeSpec, home: Callable[[str], str], caplog: pytest.LogCaptureFixture,
    case: Bad, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(dialects, "CONNECT_SECONDS", 3)
    url = home(case.server)
    _execute(url, GOOD)

    def bad() -> SystemSpec:
        _execute(url, case.statements)
        changed = sa.make_url(url).set(**dict(case.url))  # type: ignore[arg-type]
        return make_spec("database", changed.render_as_string(hide_password=False), case.tables)

    message = _refused(extract, make_spec("database", url, TABLES), bad, caplog)
    for part in case.says:
        assert part in message


def _spoil_truncate(path: Path) -> None:
    con = sqlite3.connect(path, isolation_level=None)
    con.execute("begin")
    con.executemany("insert into things values (?, ?)", [(number, "x" * 20) for number in range(2, 20_000)])
    con.execute("commit")
    con.close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def _spoil_contents(path: Path) -> None:
    path.write_bytes(b"no database " * 1000)


FILES = {
    "sqlite-truncated": (_spoil_truncate, "malformed"),
    "sqlite-no-database": (_spoil_contents, "file is not a database"),
    "sqlite-gone": (Path.unlink, "does not exist"),
}


@pytest.mark.parametrize(("spoil", "reason"), FILES.values(), ids=FILES.keys())
def test_a_bad_file(
    extract: Extraction, make_spec: MakeSpec, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    spoil: Callable[[Path], None], reason: str,
) -> None:  # fmt: skip
    url = f"sqlite:///{tmp_path}/old.sqlite"
    _execute(url, GOOD)
    spec = make_spec("database", url, TABLES)

    def bad() -> SystemSpec:
        spoil(tmp_path / "old.sqlite")
        return spec

    assert reason in _refused(extract, spec, bad, caplog)


def test_a_locked_file(
    extract: Extraction, make_spec: MakeSpec, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path}/old.sqlite"
    _execute(url, GOOD)
    spec = make_spec("database", url, TABLES)
    holder = sqlite3.connect(tmp_path / "old.sqlite", isolation_level=None)

    def bad() -> SystemSpec:
        holder.execute("insert into things values (2, 'new')")
        holder.execute("begin exclusive")
        return spec

    message = _refused(extract, spec, bad, caplog)
    holder.close()
    assert "database is locked" in message
    assert "run again when it has finished" in message


def test_two_columns_of_one_name(make_spec: MakeSpec) -> None:
    with pytest.raises(GuikeError, match="line .*'A' and 'a' are both 'a' in the warehouse"):
        make_spec("database", "sqlite:///x.sqlite", TABLES.replace("[id, a]", "[id, A, a]"))


@pytest.mark.services
@pytest.mark.parametrize("server", ["mariadb", "postgres"])
def test_a_host_that_goes_away_mid_read(
    settings: Settings, make_spec: MakeSpec, home: Callable[[str], str], server: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(mysql_rows, "_BLOCK_BYTES", 20_000)
    monkeypatch.setattr(postgres_rows, "_BLOCK_BYTES", 20_000)
    url = home(server)
    numbers = "select seq, repeat('x', 100) from seq_1_to_300000"
    if server == "postgres":
        numbers = "select g, repeat('x', 100) from generate_series(1, 300000) g"
    _execute(url, ["create table things (id int, a varchar(100))", f"insert into things {numbers}"])
    spec = make_spec("database", url, TABLES)
    lost = r"legacy.things can't be read: (.|\n)*Run again"
    with pytest.raises(GuikeError, match=lost), open_source(settings, spec) as source:  # noqa: PT012
        batches = source.read(spec.tables[0])
        next(batches)
        _kill_others(url)
        for _ in batches:
            pass


def _kill_others(url: str) -> None:
    """End every other connection to the database."""
    if url.startswith("postgres"):
        _execute(url, ["select pg_terminate_backend(pid) from pg_stat_activity "
                       "where datname = current_database() and pid <> pg_backend_pid()"])  # fmt: skip
        return
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as con:
        others = con.exec_driver_sql(
            "select id from information_schema.processlist where db = database() and id <> connection_id()"
        ).fetchall()
        for (number,) in others:
            con.exec_driver_sql(f"kill {number}")


@pytest.mark.services
def test_a_server_that_stops_answering(
    extract: Extraction, make_spec: MakeSpec, home: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(dialects, "READ_SECONDS", 2)
    url = home("mariadb")
    _execute(url, GOOD)
    spec = make_spec("database", url, TABLES)

    def bad() -> SystemSpec:
        _execute(url, ["drop table things", "create view things as select 1 as id, sleep(8) as a"])
        return spec

    message = _refused(extract, spec, bad, caplog)
    assert "timed out" in message
    assert "Run again" in message


@pytest.mark.services
def test_a_table_that_stays_locked(
    extract: Extraction, make_spec: MakeSpec, home: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(dialects, "LOCK_SECONDS", 1)
    url = home("postgres")
    _execute(url, GOOD)
    spec = make_spec("database", url, TABLES)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as holder:

        def bad() -> SystemSpec:
            holder.exec_driver_sql("lock table things in access exclusive mode")
            return spec

        message = _refused(extract, spec, bad, caplog)
    assert "lock timeout" in message
    assert "run again when it has finished" in message
