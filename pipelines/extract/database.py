"""Rows of SQLite, MariaDB/MySQL and PostgreSQL tables, every value as the text that the server itself writes.

Comes in: a spec of kind database. Goes out: Arrow batches, streamed through a server-side cursor within one
read-only transaction that sees one moment of the whole database. Casting in SQL, not in Python, is what keeps
0000-00-00, bit(1), decimals and bytea whole: a driver would turn them into None, bytes, floats or an error.
"""

from __future__ import annotations

import importlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine.interfaces import ReflectedColumn

from pipelines.errors import GuikeError
from pipelines.extract.batches import batch_from_rows
from pipelines.extract.guards import match_columns
from pipelines.extract.hashes import FileHashes
from pipelines.extract.masking import mask, mask_location, secrets_in
from pipelines.extract.source import keys_only
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.i18n import t
from pipelines.settings import expand

_FETCH_ROWS = 10_000  # a hundred thousand Python strings: about what the processor's cache holds
_CONNECT_SECONDS = 10
_READ_SECONDS = 1800
_BINARY = (sa.LargeBinary, sa.BINARY, sa.VARBINARY, mysql.TINYBLOB, mysql.MEDIUMBLOB, mysql.LONGBLOB)
_DRIVERS = {
    "sqlite": "sqlite", "mysql": "mysql+pymysql", "mariadb": "mysql+pymysql",
    "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg",
}  # fmt: skip


class DatabaseSource:
    """An open transaction on one database."""

    def __init__(self, spec: SystemSpec, connection: sa.Connection, hashes: FileHashes) -> None:
        self._spec, self._connection, self._hashes = spec, connection, hashes
        self._inspector = sa.inspect(connection)
        self._schema = spec.database_schema
        self._driver: Any = connection.connection.dbapi_connection

    def fingerprint(self, table: TableSpec) -> str | None:
        """For SQLite the hash of the file; a server can't be asked."""
        path = _sqlite_path(sa.make_url(_location(self._spec)))
        if path is None:
            return None
        files = [path, *(wal for wal in [Path(f"{path}-wal")] if wal.exists() and wal.stat().st_size)]
        return "-".join([self._spec.signature(table), *(self._hashes.of(file) for file in files)])

    def read(self, table: TableSpec) -> Iterator[pa.RecordBatch]:
        """The table's rows, in the order in which the server gives them."""
        yield from self._stream(table, self._columns(table))

    def read_since(self, table: TableSpec, column: str, since: str | int) -> Iterator[pa.RecordBatch]:
        """The rows whose `column` is empty or not below `since`."""
        columns = self._columns(table)
        name = self._quote(columns[_position(table, column)]["name"])
        bound = since if isinstance(since, int) else "'" + since.replace("'", "''") + "'"
        yield from self._stream(table, columns, f" where {name} >= {bound} or {name} is null")

    def read_keys(self, table: TableSpec) -> Iterator[pa.RecordBatch]:
        """The key columns of all rows, in the order of `keys_only(table)`."""
        keys, columns = keys_only(table), self._columns(table)
        yield from self._stream(keys, [columns[_position(table, column.name)] for column in keys.columns])

    def newest(self, table: TableSpec, column: str) -> str | None:
        """The highest value of `column`, None where all rows leave it empty."""
        name = self._columns(table)[_position(table, column)]["name"]
        highest: Any = sa.func.max(sa.column(sa.quoted_name(name, quote=True)))
        relation = sa.table(sa.quoted_name(table.source, quote=True), schema=self._schema)
        found = self._connection.scalar(sa.select(sa.cast(highest, sa.String(64))).select_from(relation))
        return None if found is None else str(found)

    def _stream(
        self, table: TableSpec, columns: Sequence[ReflectedColumn], where: str = ""
    ) -> Iterator[pa.RecordBatch]:
        wanted = ", ".join(self._as_text(column) for column in columns)
        query = f"select {wanted} from {self._name(table)}{where}"
        cursor = self._streaming_cursor()
        self._deliver_text_as(bytes)
        try:
            cursor.execute(query)
            while rows := cursor.fetchmany(_FETCH_ROWS):
                yield self._batch(table, rows)
        finally:
            self._deliver_text_as(str)
            cursor.close()

    def _streaming_cursor(self) -> Any:
        """A cursor of the driver itself that leaves the rows at the server until they are fetched.

        SQLAlchemy's result would build an object for every row, and keeps the first ones to itself.
        """
        driver = self._driver
        if self._connection.dialect.name == "postgresql":
            return driver.cursor(name="guike")
        if self._connection.dialect.name == "mysql":
            return driver.cursor(importlib.import_module("pymysql.cursors").SSCursor)
        return driver.cursor()

    def _deliver_text_as(self, kind: type) -> None:
        """Spare SQLite decoding what Arrow encodes again; Arrow checks that the bytes are UTF-8."""
        if isinstance(self._driver, sqlite3.Connection):
            self._driver.text_factory = kind

    def _batch(self, table: TableSpec, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
        try:
            return batch_from_rows(table, rows)
        except pa.ArrowInvalid:
            for index, column in enumerate(table.columns):
                for row in rows:
                    _require_utf8(self._spec, table, column.name, row[index])
            raise

    def _columns(self, table: TableSpec) -> list[ReflectedColumn]:
        try:
            reflected = self._inspector.get_columns(table.source, schema=self._schema)
        except sa.exc.NoSuchTableError:
            known = [*self._inspector.get_table_names(schema=self._schema),
                     *self._inspector.get_view_names(schema=self._schema)]  # fmt: skip
            raise GuikeError(
                t("{system} has no table {table}. It has: {tables}.",
                  system=self._spec.name, table=table.source, tables=", ".join(sorted(known)) or "–"),
                t("Put the source of table {table} in pipelines/systems/{system}.yml right.",
                  table=table.name, system=self._spec.name),
            ) from None  # fmt: skip
        by_name = {column["name"]: column for column in reflected}
        where = f"{self._spec.name}.{table.source}"
        return [
            by_name[name] for name in match_columns(self._spec, table, list(by_name), where, any_case=True)
        ]

    def _name(self, table: TableSpec) -> str:
        return ".".join(self._quote(part) for part in (self._schema, table.source) if part)

    def _quote(self, name: str) -> str:
        # Not SQLAlchemy's own, which doubles % for a driver that fills in parameters.
        mark = "`" if self._connection.dialect.name == "mysql" else '"'
        return f"{mark}{name.replace(mark, mark * 2)}{mark}"

    def _as_text(self, column: ReflectedColumn) -> str:
        """The SQL expression that gives the column as text."""
        dialect, name = self._connection.dialect.name, self._quote(column["name"])
        if dialect == "postgresql":
            return f"{name}::text"
        if dialect == "sqlite":
            return f"cast({name} as text)"
        if isinstance(column["type"], mysql.BIT):
            return f"cast({name} + 0 as char)"
        if isinstance(column["type"], _BINARY):
            return f"concat(_utf8mb4 0x5C78, lower(hex({name})))"  # \x… as PostgreSQL writes bytea
        return f"cast({name} as char)"


def _position(table: TableSpec, column: str) -> int:
    return [c.name for c in table.columns].index(column)


@contextmanager
def open_database(spec: SystemSpec, hashes: FileHashes) -> Iterator[DatabaseSource]:
    """Connect and begin one read-only transaction.

    Raises:
        GuikeError: the database can't be reached or read; the message holds no password.
    """
    location = _location(spec)
    engine = _engine(location)
    assert engine.dialect.dbapi is not None
    try:
        with engine.connect() as connection:
            _begin(connection, spec.timezone)
            yield DatabaseSource(spec, connection, hashes)
    except (sa.exc.SQLAlchemyError, engine.dialect.dbapi.Error) as error:
        # "from None": a driver's error may carry the URL.
        raise GuikeError(
            t("{system} can't be read: {reason}", system=spec.name,
              reason=mask(_first_line(error), secrets_in(location))),
            t("Check that the server runs and that location in pipelines/systems/{system}.yml is right.",
              system=spec.name),
        ) from None  # fmt: skip
    finally:
        engine.dispose()


def _location(spec: SystemSpec) -> str:
    scheme, separator, rest = expand(spec.location).partition("://")
    if not separator or scheme.split("+")[0] not in _DRIVERS:
        raise GuikeError(
            t("{system}: a database of the kind '{scheme}' can't be read.", system=spec.name,
              scheme=scheme if separator else "–"),
            t("Use a location that begins with sqlite://, mysql:// or postgresql://."),
        )  # fmt: skip
    return f"{_DRIVERS[scheme.split('+')[0]]}://{rest}"


def _engine(location: str) -> sa.Engine:
    try:
        url = sa.make_url(location)
        path = _sqlite_path(url)
        if path is not None:
            return sa.create_engine("sqlite://", creator=lambda: _open_sqlite(path), poolclass=sa.NullPool)
        arguments: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS}
        if url.get_backend_name() == "mysql":
            url = url.update_query_dict({"charset": "utf8mb4"})
            arguments["read_timeout"] = _READ_SECONDS
        return sa.create_engine(url, connect_args=arguments, poolclass=sa.NullPool)
    except (sa.exc.ArgumentError, ValueError):
        raise GuikeError(
            t("The location {location} is not a database URL.", location=mask_location(location)),
            t("Write it as driver://user:password@host:port/database."),
        ) from None
    except ModuleNotFoundError as error:
        raise GuikeError(
            t("The driver {module} is not installed.", module=error.name),
            t("Install it with: pip install {module}", module=error.name),
        ) from None


def _sqlite_path(url: sa.URL) -> Path | None:
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def _open_sqlite(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise GuikeError(
            t("The file {file} does not exist.", file=path),
            t("Put it there, or put location in the system's file right."),
        )
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)


def _begin(connection: sa.Connection, timezone: str) -> None:
    """Start a transaction that only reads and sees one moment; times come out in the system's zone."""
    backend = connection.dialect.name
    if backend == "sqlite":
        statements = ["begin"]
    elif backend == "postgresql":
        statements = [
            "set transaction isolation level repeatable read read only",
            "set local datestyle = 'ISO, YMD'",
            f"set local timezone = '{timezone}'",
        ]
    else:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        statements = [
            "set session transaction isolation level repeatable read",
            f"set session time_zone = '{_mysql_zone(timezone)}'",
            "start transaction with consistent snapshot, read only",
        ]
    for statement in statements:
        connection.exec_driver_sql(statement)


def _mysql_zone(timezone: str) -> str:
    """An offset where the zone has one only: a server often lacks the tables of named zones."""
    year = datetime.now().year
    offsets = {ZoneInfo(timezone).utcoffset(datetime(year, month, 1)) for month in range(1, 13)}
    offset = offsets.pop()
    if offsets or offset is None:
        return timezone
    sign, minutes = ("-" if offset < timedelta(0) else "+"), int(abs(offset).total_seconds() // 60)
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}"


def _first_line(error: BaseException) -> str:
    original = getattr(error, "orig", None) or error
    lines = str(original).strip().splitlines()
    return lines[0] if lines else type(original).__name__


def _require_utf8(spec: SystemSpec, table: TableSpec, column: str, value: Any) -> None:
    if isinstance(value, bytes):
        try:
            value.decode("utf-8")
        except UnicodeDecodeError:
            raise GuikeError(
                t("{system}.{table}, column {column}: {value} is not UTF-8 text.",
                  system=spec.name, table=table.name, column=column, value=repr(value[:40])),
                t("Mend the row in the source."),
            ) from None  # fmt: skip
