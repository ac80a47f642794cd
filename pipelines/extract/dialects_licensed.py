"""SQL Server and Oracle: the statements they are sent.

Comes in: reflected columns and a time zone. Goes out: statements. No such server is at hand for tests: what
is tested is that these statements are the ones meant, and docs/reading.md says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, oracle
from sqlalchemy.engine.interfaces import ReflectedColumn

from pipelines.extract.dialects import CONNECT_SECONDS, LOCK_SECONDS, Dialect, is_binary


class SQLServer(Dialect):
    """Snapshot isolation, which the database must allow; nothing is ever committed."""

    driver = "mssql+pyodbc"
    extra = "mssql"
    autocommit = True
    _marks = ("[", "]")

    def url(self, url: sa.URL) -> sa.URL:
        return url.update_query_dict({"ApplicationIntent": "ReadOnly"})

    def connect_arguments(self) -> dict[str, Any]:
        return {"timeout": CONNECT_SECONDS}

    def begin(self, timezone: str) -> list[str]:
        # Times are stored without a zone, or carry their own: there is nothing to set.
        return [
            "set transaction isolation level snapshot",
            f"set lock_timeout {LOCK_SECONDS * 1000}",
            "begin transaction",
        ]

    def as_text(self, column: ReflectedColumn, name: str) -> str:
        kind = column["type"]
        if isinstance(kind, sa.Date):
            return f"convert(varchar(10), {name}, 23)"
        if isinstance(kind, sa.DateTime | sa.Time):
            return f"convert(varchar(34), {name}, 121)"  # with every digit of the seconds, and the zone
        if isinstance(kind, mssql.MONEY | mssql.SMALLMONEY):
            return f"convert(varchar(30), {name}, 2)"  # four decimals instead of two
        if isinstance(kind, sa.Float):
            return f"convert(varchar(30), {name}, 3)"  # 17 digits instead of six
        if is_binary(column) or isinstance(kind, mssql.IMAGE | mssql.TIMESTAMP):
            # \x… as PostgreSQL writes bytea
            return f"'\\x' + lower(convert(varchar(max), cast({name} as varbinary(max)), 2))"
        return f"cast({name} as nvarchar(max))"

    def as_digits(self, name: str) -> str:
        return f"convert(varchar(max), cast(cast({name} as varchar(max)) as varbinary(max)), 2)"


class Oracle(Dialect):
    """A read-only transaction, which sees the moment at which it began."""

    driver = "oracle+oracledb"
    extra = "oracle"
    _preparer = oracle.dialect().identifier_preparer  # type: ignore[no-untyped-call]

    def connect_arguments(self) -> dict[str, Any]:
        return {"tcp_connect_timeout": CONNECT_SECONDS}

    def begin(self, timezone: str) -> list[str]:
        return [
            f"alter session set time_zone = '{timezone}'",
            "alter session set nls_numeric_characters = '.,'",
            "set transaction read only",  # must be the first of its transaction
        ]

    def quote(self, name: str) -> str:
        """SQLAlchemy's lower case stands for Oracle's upper case, and must not be quoted then."""
        return self._preparer.quote(name)

    def as_text(self, column: ReflectedColumn, name: str) -> str:
        kind = column["type"]
        if isinstance(kind, sa.TIMESTAMP):
            if kind.timezone or getattr(kind, "local_timezone", False):
                return f"to_char({name} at time zone sessiontimezone, 'YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM')"
            return f"to_char({name}, 'YYYY-MM-DD HH24:MI:SS.FF9')"
        if isinstance(kind, sa.Date | sa.DateTime):
            return f"to_char({name}, 'YYYY-MM-DD HH24:MI:SS')"
        if isinstance(kind, sa.Numeric | sa.Integer):
            return f"to_char({name}, 'TM9')"  # every digit, never an exponent
        if isinstance(kind, sa.LargeBinary):
            return name  # rawtohex ends at 2000 bytes: `_as_array` writes the digits
        if isinstance(kind, oracle.RAW):
            return f"case when {name} is not null then '\\x' || lower(rawtohex({name})) end"
        if isinstance(kind, sa.String | sa.Text):
            return name
        return f"to_char({name})"

    def as_digits(self, name: str) -> str:
        return f"rawtohex(utl_raw.cast_to_raw({name}))"

    def rows(self, connection: Any, query: str, width: int) -> Iterator[list[pa.Array]]:
        import oracledb

        oracledb.defaults.fetch_lobs = False  # the contents, not a handle to ask for them one by one
        return super().rows(connection, query, width)

    def _as_array(self, values: Sequence[Any]) -> pa.Array:
        return super()._as_array([_digits(value) if isinstance(value, bytes) else value for value in values])


def _digits(value: bytes) -> str:
    return f"\\x{value.hex()}"
