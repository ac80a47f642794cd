"""Writes the CRM's and the ERP's tables into SQLite, MariaDB/MySQL or PostgreSQL.

Comes in: `Table`s, and the products' table definitions in `schemas/*.yml` (MySQL types). Goes out: the
same tables with all columns of the product; those the demo doesn't fill stay NULL. What a server can't
hold is made to fit it: PostgreSQL has no 0000-00-00 (it becomes NULL) and gets smallint for bit(1).
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from pipelines.demo.tables import Table
from pipelines.errors import GuikeError
from pipelines.i18n import t

_ROWS_AT_ONCE = 50_000
_SCHEMAS = Path(__file__).parent / "schemas"
_POSTGRES_TYPES = {
    "datetime": "timestamp",
    "bit(1)": "smallint",
    "tinyint": "smallint",
    "longtext": "text",
    "int": "integer",
}


@cache
def definitions(system: str) -> dict[str, dict[str, str]]:
    """Table -> column -> MySQL type, of `crm` or `erp`."""
    text = (_SCHEMAS / f"{system}.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


@contextmanager
def open_database(system: str, url: str) -> Iterator[Database]:
    """Create all tables of the system at `url` anew and yield a writer; all is committed at the end.

    Raises:
        GuikeError: the server doesn't answer, refuses the login, or its driver isn't installed.
    """
    try:
        engine = sa.create_engine(url)
        connection = engine.connect()
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        reason = str(error).splitlines()[0]
        masked = re.sub(r":[^:@/]*@", ":***@", url)
        raise GuikeError(
            t("The demo's database {url} can't be opened: {reason}", url=masked, reason=reason),
            t("Start the server, check user and password, or leave the URL out to get a SQLite file."),
        ) from error
    try:
        with connection.begin():
            database = Database(connection, system)
            database.create()
            yield database
    finally:
        connection.close()
        engine.dispose()


class Database:
    """An open database of one system."""

    def __init__(self, connection: sa.Connection, system: str) -> None:
        self._connection = connection
        self._system = system
        self._dialect = connection.dialect.name

    def create(self) -> None:
        """Drop and create the tables, with their primary key (the first column)."""
        if self._dialect == "mysql":
            # Old installations accept 0000-00-00; the demo needs one that still does.
            self._run("set session sql_mode = ''")
        for name, columns in definitions(self._system).items():
            self._run(f"drop table if exists {name}")
            lines = [f"{column} {self._type(kind)}" for column, kind in columns.items()]
            lines.append(f"primary key ({next(iter(columns))})")
            tail = " default charset=utf8mb4" if self._dialect == "mysql" else ""
            self._run(f"create table {name} ({', '.join(lines)}){tail}")

    def write(self, table: Table) -> None:
        """Insert all rows of `table`."""
        mark = "?" if self._dialect == "sqlite" else "%s"
        names = list(table.columns)
        marks = ", ".join([mark] * len(names))
        statement = f"insert into {table.name} ({', '.join(names)}) values ({marks})"
        zero_dates = self._dialect == "postgresql"
        for start in range(0, len(table), _ROWS_AT_ONCE):
            rows = table.chunk(start, start + _ROWS_AT_ONCE)
            self._insert(statement, list(_without_zero_dates(rows)) if zero_dates else rows)

    def _insert(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        raw = self._connection.connection.driver_connection
        if isinstance(raw, sqlite3.Connection):
            raw.executemany(statement, rows)
        else:
            self._connection.exec_driver_sql(statement, rows)

    def _run(self, statement: str) -> None:
        self._connection.exec_driver_sql(statement)

    def _type(self, kind: str) -> str:
        if self._dialect != "postgresql":
            return kind
        name, separator, rest = kind.partition(" not null")
        return (
            _POSTGRES_TYPES.get(name, "smallint" if name.startswith("tinyint") else name) + separator + rest
        )


def _without_zero_dates(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        if any(isinstance(value, str) and value.startswith("0000-00-00") for value in row):
            yield tuple(None if isinstance(v, str) and v.startswith("0000-00-00") else v for v in row)
        else:
            yield row
