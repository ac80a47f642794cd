"""What differs from one database server to the next: how to begin, name, get text and stream.

Comes in: reflected columns, a time zone, an open connection of the driver. Goes out: the statements to
send, and the rows as Arrow arrays of bytes. Each value is the text that the server itself writes: a driver
would turn 0000-00-00, bit(1), decimals and bytea into None, bytes, floats or an error. SQL Server and
Oracle stand in `pipelines.extract.dialects_licensed`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine.interfaces import ReflectedColumn

from pipelines.extract import mysql_rows, postgres_rows

CONNECT_SECONDS = 10
READ_SECONDS = 1800
LOCK_SECONDS = 60
_FETCH_ROWS = 10_000  # a hundred thousand Python strings: about what the processor's cache holds
_TEXTS = (sa.String, sa.Enum)
_BINARIES = (sa.LargeBinary, sa.BINARY, sa.VARBINARY, mysql.TINYBLOB, mysql.MEDIUMBLOB, mysql.LONGBLOB)


class Dialect(ABC):
    """A kind of server; this base holds what most have in common.

    Attributes:
        driver: the SQLAlchemy scheme that it is opened with.
        extra: the extra in pyproject.toml that installs the driver.
        autocommit: whether `begin` opens the transaction by a statement, not the driver.
    """

    driver: ClassVar[str]
    extra: ClassVar[str] = ""
    autocommit: ClassVar[bool] = False
    _marks: ClassVar[tuple[str, str]] = ('"', '"')

    def url(self, url: sa.URL) -> sa.URL:
        """`url` with what this driver needs to deliver UTF-8."""
        return url

    def connect_arguments(self) -> dict[str, Any]:
        """Time-outs, in the driver's own words."""
        return {}

    @abstractmethod
    def begin(self, timezone: str) -> list[str]:
        """Statements after which it only reads, sees one moment, and shows times in `timezone`."""

    def quote(self, name: str) -> str:
        """A name as SQL takes it.

        Not SQLAlchemy's own, which doubles % for a driver that fills in parameters.
        """
        before, after = self._marks
        return f"{before}{name.replace(after, after * 2)}{after}"

    @abstractmethod
    def as_text(self, column: ReflectedColumn, name: str) -> str:
        """The SQL expression that gives the column, quoted `name`, as text."""

    @abstractmethod
    def as_digits(self, name: str) -> str:
        """The SQL expression that gives the stored bytes of a text column as hexadecimal digits."""

    def select(
        self, columns: Sequence[ReflectedColumn], raw: Sequence[bool], schema: str | None, table: str
    ) -> str:
        """The query for a whole table; `raw` says of which columns the bytes are wanted."""
        wanted = [
            self.as_digits(self.quote(column["name"]))
            if is_raw
            else self.as_text(column, self.quote(column["name"]))
            for column, is_raw in zip(columns, raw, strict=True)
        ]
        relation = ".".join(self.quote(part) for part in (schema, table) if part)
        return f"select {', '.join(wanted)} from {relation}"

    def rows(self, connection: Any, query: str, width: int) -> Iterator[list[pa.Array]]:
        """The query's columns as arrays of bytes, in blocks."""
        cursor = connection.cursor()
        try:
            cursor.execute(query)
            while rows := cursor.fetchmany(_FETCH_ROWS):
                yield [self._as_array(column) for column in zip(*rows, strict=True)]
        finally:
            cursor.close()

    def _as_array(self, values: Sequence[Any]) -> pa.Array:
        return pa.array(values, type=pa.binary())


def is_text(column: ReflectedColumn) -> bool:
    """Whether the column is declared as text."""
    return isinstance(column["type"], _TEXTS)


def is_binary(column: ReflectedColumn) -> bool:
    """Whether the column is declared as bytes."""
    return isinstance(column["type"], _BINARIES)


class SQLite(Dialect):
    driver = "sqlite"

    def begin(self, timezone: str) -> list[str]:
        return ["begin"]

    def as_text(self, column: ReflectedColumn, name: str) -> str:
        return f"cast({name} as text)"

    def as_digits(self, name: str) -> str:
        return f"hex(cast({name} as blob))"

    def rows(self, connection: Any, query: str, width: int) -> Iterator[list[pa.Array]]:
        connection.text_factory = bytes  # spares decoding what Arrow would encode again
        try:
            yield from super().rows(connection, query, width)
        finally:
            connection.text_factory = str


class MySQL(Dialect):
    """MariaDB and MySQL: on the wire every value but bits and bytes is text already, in utf8mb4."""

    driver = "mysql+pymysql"
    extra = "mysql"
    autocommit = True
    _marks = ("`", "`")

    def url(self, url: sa.URL) -> sa.URL:
        return url.update_query_dict({"charset": "utf8mb4"})

    def connect_arguments(self) -> dict[str, Any]:
        return {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS}

    def begin(self, timezone: str) -> list[str]:
        return [
            "set session transaction isolation level repeatable read",
            f"set session time_zone = '{_mysql_zone(timezone)}'",
            # The server gives up on a client that takes nothing for a minute; writing may take longer.
            f"set session net_write_timeout = {READ_SECONDS}",
            f"set session lock_wait_timeout = {LOCK_SECONDS}",
            "start transaction with consistent snapshot, read only",
        ]

    def as_text(self, column: ReflectedColumn, name: str) -> str:
        if isinstance(column["type"], mysql.BIT):
            return f"{name} + 0"
        if isinstance(column["type"], mysql.FLOAT):
            return f"{name} + 0e0"  # alone it comes with six digits: 1234567.75 as 1234570
        if is_binary(column):
            return f"concat(_utf8mb4 0x5C78, lower(hex({name})))"  # \x… as PostgreSQL writes bytea
        return name

    def as_digits(self, name: str) -> str:
        return f"hex({name})"

    def rows(self, connection: Any, query: str, width: int) -> Iterator[list[pa.Array]]:
        return mysql_rows.read_columns(connection, query, width)


class PostgreSQL(Dialect):
    driver = "postgresql+psycopg"
    extra = "postgres"
    # COPY writes these as a cast to text does; the cast would only be one more copy of each value.
    _written_as_cast = (sa.Integer, sa.Numeric, sa.DateTime, sa.Date, sa.VARCHAR, sa.TEXT, sa.Uuid,
                        postgresql.JSON, postgresql.BYTEA)  # fmt: skip

    def connect_arguments(self) -> dict[str, Any]:
        return {
            "connect_timeout": CONNECT_SECONDS,
            "client_encoding": "utf8",
            # A host that has gone without a word is noticed after some two minutes.
            "keepalives_idle": 60,
            "keepalives_interval": 10,
            "keepalives_count": 6,
        }

    def begin(self, timezone: str) -> list[str]:
        return [
            "set transaction isolation level repeatable read read only",
            "set local datestyle = 'ISO, YMD'",
            "set local intervalstyle = 'postgres'",
            "set local extra_float_digits = 3",
            "set local bytea_output = 'hex'",
            f"set local timezone = '{timezone}'",
            f"set local lock_timeout = '{LOCK_SECONDS}s'",
        ]

    def as_text(self, column: ReflectedColumn, name: str) -> str:
        return name if isinstance(column["type"], self._written_as_cast) else f"{name}::text"

    def as_digits(self, name: str) -> str:
        return f"encode(convert_to({name}::text, getdatabaseencoding()), 'hex')"

    def rows(self, connection: Any, query: str, width: int) -> Iterator[list[pa.Array]]:
        return postgres_rows.read_columns(connection, query, width)


def _mysql_zone(timezone: str) -> str:
    """An offset where the zone has one only: a server often lacks the tables of named zones."""
    year = datetime.now().year
    offsets = {ZoneInfo(timezone).utcoffset(datetime(year, month, 1)) for month in range(1, 13)}
    offset = offsets.pop()
    if offsets or offset is None:
        return timezone
    sign, minutes = ("-" if offset < timedelta(0) else "+"), int(abs(offset).total_seconds() // 60)
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}"
