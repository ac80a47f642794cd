"""Tables of a database, every value as the text that the server itself writes.

Comes in: a spec of kind database. Goes out: Arrow batches, streamed within one read-only transaction that
sees one moment of the whole database. How each kind of server is asked stands in
`pipelines.extract.dialects`.
"""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import ReflectedColumn

from pipelines.errors import GuikeError
from pipelines.extract.batches import batch_from_columns
from pipelines.extract.database_errors import explain
from pipelines.extract.declared_bytes import UndecodableBytes, decode
from pipelines.extract.dialects import Dialect, MySQL, PostgreSQL, SQLite, is_text
from pipelines.extract.dialects_licensed import Oracle, SQLServer
from pipelines.extract.guards import match_columns
from pipelines.extract.hashes import FileHashes
from pipelines.extract.masking import mask_location
from pipelines.extract.source import keys_only
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.i18n import t
from pipelines.settings import expand

DIALECTS: dict[str, type[Dialect]] = {
    "sqlite": SQLite, "mysql": MySQL, "mariadb": MySQL, "postgresql": PostgreSQL, "postgres": PostgreSQL,
    "mssql": SQLServer, "oracle": Oracle,
}  # fmt: skip


class DatabaseSource:
    """An open transaction on one database."""

    def __init__(
        self, spec: SystemSpec, dialect: Dialect, connection: sa.Connection, hashes: FileHashes
    ) -> None:
        self._spec, self._dialect, self._connection, self._hashes = spec, dialect, connection, hashes
        self._inspector = sa.inspect(connection)
        self._driver: Any = connection.connection.dbapi_connection

    def fingerprint(self, table: TableSpec) -> str | None:
        """For SQLite the hash of the file; a server can't be asked."""
        path = _sqlite_path(sa.make_url(_location(self._spec)[1]))
        if path is None:
            return None
        files = [path, *(wal for wal in [Path(f"{path}-wal")] if wal.exists() and wal.stat().st_size)]
        return "-".join([self._spec.signature(table), *(self._hashes.of(file) for file in files)])

    def read(self, table: TableSpec) -> Iterator[pa.RecordBatch]:
        """The table's rows, in the order in which the server gives them.

        Raises:
            GuikeError: the table can't be read, lacks columns, or holds what isn't text.
        """
        with self._explained(table):
            yield from self._stream(table, self._columns(table))

    def read_since(self, table: TableSpec, column: str, since: str | int) -> Iterator[pa.RecordBatch]:
        """The rows whose `column` is empty or not below `since`."""
        with self._explained(table):
            columns = self._columns(table)
            name = self._dialect.quote(columns[_position(table, column)]["name"])
            bound = since if isinstance(since, int) else "'" + since.replace("'", "''") + "'"
            yield from self._stream(table, columns, f" where {name} >= {bound} or {name} is null")

    def read_keys(self, table: TableSpec) -> Iterator[pa.RecordBatch]:
        """The key columns of all rows, in the order of `keys_only(table)`."""
        with self._explained(table):
            keys, columns = keys_only(table), self._columns(table)
            yield from self._stream(keys, [columns[_position(table, key.name)] for key in keys.columns])

    def newest(self, table: TableSpec, column: str) -> str | None:
        """The highest value of `column`, None where all rows leave it empty."""
        with self._explained(table):
            name = self._columns(table)[_position(table, column)]["name"]
            highest: Any = sa.func.max(sa.column(sa.quoted_name(name, quote=True)))
            relation = sa.table(sa.quoted_name(table.source, quote=True), schema=self._spec.database_schema)
            found = self._connection.scalar(sa.select(sa.cast(highest, sa.String(64))).select_from(relation))
            return None if found is None else str(found)

    @contextmanager
    def _explained(self, table: TableSpec) -> Iterator[None]:
        """Turn what the driver raises into an error that names the table and the remedy."""
        try:
            yield
        except _errors(self._connection.engine) as error:
            raise explain(self._spec, table, error, _location(self._spec)[1]) from None

    def _stream(
        self, table: TableSpec, columns: Sequence[ReflectedColumn], where: str = ""
    ) -> Iterator[pa.RecordBatch]:
        encodings = [_encoding(table, name, column) for (name, _), column in
                     zip(table.columns, columns, strict=True)]  # fmt: skip
        query = self._dialect.select(
            columns, [bool(encoding) for encoding in encodings], self._spec.database_schema, table.source
        )
        for values in self._dialect.rows(self._driver, query + where, len(columns)):
            texts = [
                self._text(table, index, array, encoding)
                for index, (array, encoding) in enumerate(zip(values, encodings, strict=True))
            ]
            yield batch_from_columns(table, texts)

    def _text(self, table: TableSpec, index: int, values: pa.Array, encoding: str | None) -> pa.Array:
        try:
            return decode(values, encoding) if encoding else values.cast(pa.string())
        except UndecodableBytes as error:
            value = error.value
        except pa.ArrowInvalid:
            value = _not_utf8(values)
        raise GuikeError(
            t("{system}.{table}, column {column}: {value} is not {encoding} text.",
              system=self._spec.name, table=table.name, column=table.columns[index].name,
              value=repr(value[:40]), encoding=encoding or "UTF-8"),
            t("Mend the row in the source, or say in the system's YAML what bytes_are of the column."),
        ) from None  # fmt: skip

    def _columns(self, table: TableSpec) -> list[ReflectedColumn]:
        schema = self._spec.database_schema
        try:
            with warnings.catch_warnings():
                # It tells of types that it doesn't know; the server's text of them will do.
                warnings.simplefilter("ignore", sa.exc.SAWarning)
                reflected = self._inspector.get_columns(table.source, schema=schema)
        except sa.exc.NoSuchTableError:
            known = [*self._inspector.get_table_names(schema=schema),
                     *self._inspector.get_view_names(schema=schema)]  # fmt: skip
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


def _position(table: TableSpec, column: str) -> int:
    return [c.name for c in table.columns].index(column)


@contextmanager
def open_database(spec: SystemSpec, hashes: FileHashes) -> Iterator[DatabaseSource]:
    """Connect and begin one read-only transaction.

    Raises:
        GuikeError: the database can't be reached or read; the message holds no password.
    """
    dialect, location = _location(spec)
    engine = _engine(dialect, location)
    try:
        with engine.connect() as connection:
            try:
                if dialect.autocommit:
                    connection.execution_options(isolation_level="AUTOCOMMIT")
                for statement in dialect.begin(spec.timezone):
                    connection.exec_driver_sql(statement)
                yield DatabaseSource(spec, dialect, connection, hashes)
            except BaseException:
                connection.invalidate()  # rolling back a lost connection would hide why it was lost
                raise
    except _errors(engine) as error:
        # "from None": a driver's error may carry the URL.
        raise explain(spec, None, error, location) from None
    finally:
        engine.dispose()


def _errors(engine: sa.Engine) -> tuple[type[BaseException], ...]:
    """What the driver, or SQLAlchemy in its place, raises."""
    assert engine.dialect.dbapi is not None
    return (sa.exc.SQLAlchemyError, engine.dialect.dbapi.Error)


def _location(spec: SystemSpec) -> tuple[Dialect, str]:
    """The dialect of the spec's location, and the location with the driver that we use."""
    scheme, separator, rest = expand(spec.location).partition("://")
    kind = DIALECTS.get(scheme.split("+")[0]) if separator else None
    if kind is None:
        raise GuikeError(
            t("{system}: a database of the kind '{scheme}' can't be read.", system=spec.name,
              scheme=scheme if separator else "–"),
            t("Use a location that begins with sqlite://, mysql://, postgresql://, mssql:// or oracle://."),
        )  # fmt: skip
    return kind(), f"{kind.driver}://{rest}"


def refuse_at_in_password(url: sa.URL, location: str) -> None:
    """Say what to write where a password with an @ has made the rest of itself part of the host."""
    if "@" in (url.host or ""):
        raise GuikeError(
            t("The password in the location {location} holds an @.", location=mask_location(location)),
            t("Write %40 in its place, %2F for /, %3A for : and %25 for %."),
        )


def _engine(dialect: Dialect, location: str) -> sa.Engine:
    try:
        url = sa.make_url(location)
        refuse_at_in_password(url, location)
        path = _sqlite_path(url)
        if path is not None:
            return sa.create_engine("sqlite://", creator=lambda: _open_sqlite(path), poolclass=sa.NullPool)
        return sa.create_engine(
            dialect.url(url), connect_args=dialect.connect_arguments(), poolclass=sa.NullPool
        )
    except (sa.exc.ArgumentError, ValueError):
        raise GuikeError(
            t("The location {location} is not a database URL.", location=mask_location(location)),
            t("Write it as driver://user:password@host:port/database."),
        ) from None
    except ImportError as error:
        raise GuikeError(
            t("The driver {module} is not installed.", module=error.name or error),
            t("Install it with: pip install {module} (the extra '{extra}' in pyproject.toml).",
              module=error.name or dialect.driver.split("+")[-1], extra=dialect.extra),
        ) from None  # fmt: skip


def _sqlite_path(url: sa.URL) -> Path | None:
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def _open_sqlite(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise GuikeError(
            t("The file {file} does not exist.", file=path),
            t("Put it there, or put location in the system's file right."),
        )
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)


def _encoding(table: TableSpec, name: str, column: ReflectedColumn) -> str | None:
    """The encoding of the column's bytes where it isn't the one that the database takes them for."""
    if isinstance(table.bytes_are, str):
        return table.bytes_are if is_text(column) else None
    return table.bytes_are.get(name)


def _not_utf8(values: pa.Array) -> bytes:
    """The first value that isn't UTF-8."""
    for value in values.to_pylist():
        try:
            (value or b"").decode("utf-8")
        except UnicodeDecodeError:
            return bytes(value)
    raise AssertionError("every value is UTF-8")
