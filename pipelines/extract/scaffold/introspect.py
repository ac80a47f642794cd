"""The tables of a database, looked at without harm: read-only, and no more rows than a sample.

Comes in: an SQLAlchemy URL. Goes out: a `Survey`. Values come as the text that a load would bring; what the
catalogue says (comments, keys, foreign keys) comes along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from pipelines.errors import GuikeError
from pipelines.extract.database import DIALECTS, refuse_at_in_password
from pipelines.extract.masking import mask, mask_location, secrets_in
from pipelines.extract.scaffold.classify import name_scores
from pipelines.extract.scaffold.survey import SourceColumn, SourceTable, Survey
from pipelines.i18n import t

SAMPLE_ROWS = 1000
_CONNECT_SECONDS = 10
_MOST_TABLES = 500
_NO_TEXT = (sa.LargeBinary, sa.BINARY, sa.VARBINARY)
_SYSTEM_SCHEMAS = frozenset({
    "information_schema", "pg_catalog", "pg_toast", "mysql", "performance_schema", "sys", "guest",
})  # fmt: skip


def is_database(location: str) -> bool:
    """Whether `location` is a URL rather than a path."""
    return "://" in location


def with_driver(location: str) -> str:
    """The URL with the driver that Guike uses for it.

    Raises:
        GuikeError: no kind of database that Guike reads.
    """
    scheme, _, rest = location.partition("://")
    backend = scheme.split("+")[0].lower()
    if backend not in DIALECTS:
        raise GuikeError(
            t("A database of the kind '{scheme}' can't be read.", scheme=scheme),
            t("Use a location that begins with sqlite://, mysql:// or postgresql://, or the path of files."),
        )
    return f"{DIALECTS[backend].driver}://{rest}"


def survey_database(location: str) -> Survey:
    """Look at every table of the schema that holds them.

    Raises:
        GuikeError: the database can't be reached or read, or has no table; no password is in the message.
    """
    with _connected(with_driver(location)) as connection:
        inspector = sa.inspect(connection)
        schema, names = _schema(inspector)
        if not names:
            raise GuikeError(
                t("{location} has no table.", location=mask_location(location)),
                t("Check the database's name in the URL, and that this user may see its tables."),
            )
        likely = sorted(names, key=lambda name: -_likelihood(name)) if len(names) > _MOST_TABLES else names
        found = []
        left_out = {name: t("not looked at: there are too many tables") for name in likely[_MOST_TABLES:]}
        for name in sorted(likely[:_MOST_TABLES]):
            try:
                with connection.begin_nested():
                    found.append(_table(connection, inspector, schema, name))
            except sa.exc.SQLAlchemyError as error:
                left_out[name] = mask(_first_line(error), secrets_in(location))
        if not found:
            raise GuikeError(
                t("{location}: none of its {count} tables can be read: {reason}", count=len(left_out),
                  location=mask_location(location), reason=next(iter(left_out.values()))),
                t("Let this user read them: grant select."),
            )  # fmt: skip
    options = {"schema": schema} if schema else {}
    return Survey("database", tuple(found), options, left_out)


def sample_tables(
    location: str, schema: str | None, wanted: Mapping[str, Callable[[Sequence[str]], list[str]]], rows: int
) -> dict[str, tuple[int, list[Sequence[str | None]]]]:
    """How many rows some tables have, and the first of them as text.

    Args:
        wanted: table -> which of the columns found to read, in which order.

    Raises:
        GuikeError: the database can't be read, or `wanted` misses a column.
    """
    found: dict[str, tuple[int, list[Sequence[str | None]]]] = {}
    with _connected(with_driver(location)) as connection:
        inspector = sa.inspect(connection)
        for name, pick in wanted.items():
            reflected = {column["name"]: column for column in _columns(inspector, schema, name)}
            picked = pick(list(reflected))
            source = sa.table(name, *(sa.column(column) for column in picked), schema=schema)
            texts = [_as_text(connection, source.c[column], reflected[column]["type"]) for column in picked]
            count = connection.execute(sa.select(sa.func.count()).select_from(source)).scalar_one()
            sample = connection.execute(sa.select(*texts).limit(rows)).fetchall()
            found[name] = (int(count), [[None if v is None else str(v) for v in row] for row in sample])
    return found


def _columns(inspector: sa.Inspector, schema: str | None, name: str) -> list[Any]:
    try:
        return list(inspector.get_columns(name, schema=schema))
    except sa.exc.NoSuchTableError:
        known = ", ".join(sorted(inspector.get_table_names(schema=schema))) or "–"
        raise GuikeError(
            t("The database has no table {table}. It has: {tables}.", table=name, tables=known),
            t("Put the table's source in the system's YAML right."),
        ) from None


@contextmanager
def _connected(location: str) -> Iterator[sa.Connection]:
    engine = _engine(location)
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("set transaction isolation level repeatable read read only")
            elif connection.dialect.name == "mysql":
                connection.exec_driver_sql("set session transaction read only")
                connection.rollback()
            yield connection
    except (sa.exc.SQLAlchemyError, UnicodeDecodeError) as error:
        # "from None": a driver's error may carry the URL.
        raise GuikeError(
            t("{location} can't be read: {reason}", location=mask_location(location),
              reason=mask(_first_line(error), secrets_in(location))),
            t("Check that the server runs, and the URL's host, port, user, password and database."),
        ) from None  # fmt: skip
    finally:
        engine.dispose()


def _engine(location: str) -> sa.Engine:
    try:
        url = sa.make_url(location)
        refuse_at_in_password(url, location)
        if url.get_backend_name() == "sqlite":
            path = Path(url.database or "")
            if not path.is_file():
                raise GuikeError(
                    t("The file {file} does not exist.", file=path),
                    t("Give the path of an existing file, as in sqlite:////srv/erp.sqlite."),
                )
            read_only = f"sqlite:///file:{quote(str(path.absolute()))}?mode=ro&uri=true"
            return sa.create_engine(read_only, poolclass=sa.NullPool)
        arguments: dict[str, Any] = {}
        if url.get_backend_name() in ("postgresql", "mysql"):
            arguments["connect_timeout"] = _CONNECT_SECONDS
        return sa.create_engine(url, connect_args=arguments, poolclass=sa.NullPool)
    except (sa.exc.ArgumentError, ValueError):
        raise GuikeError(
            t("The location {location} is not a database URL.", location=mask_location(location)),
            t("Write it as driver://user:password@host:port/database."),
        ) from None
    except ModuleNotFoundError as error:
        raise GuikeError(
            t("The driver {module} is not installed.", module=error.name),
            t("Install it; the extras in pyproject.toml name the drivers."),
        ) from None


def _likelihood(name: str) -> float:
    """How well a table's name alone says that it is one of the entities: big ERPs have thousands."""
    return max(name_scores(SourceTable(name, "", (), (), {}, 0)).values())


def _schema(inspector: sa.Inspector) -> tuple[str | None, list[str]]:
    """The default schema, or where that is empty the one with most tables, and its tables.

    Views count where there are no tables: that is what a user sees who may not see more.
    """
    if names := inspector.get_table_names() or inspector.get_view_names():
        return None, sorted(names)
    if inspector.dialect.name == "sqlite":
        return None, []
    schemas = [
        name for name in inspector.get_schema_names()
        if name.lower() not in _SYSTEM_SCHEMAS and not name.startswith("pg_")
    ]  # fmt: skip
    tables = {name: sorted(inspector.get_table_names(schema=name)) for name in schemas}
    if not any(tables.values()):
        tables = {name: sorted(inspector.get_view_names(schema=name)) for name in schemas}
    schema = max(tables, key=lambda name: len(tables[name]), default=None)
    return schema, tables[schema] if schema else []


def _table(connection: sa.Connection, inspector: sa.Inspector, schema: str | None, name: str) -> SourceTable:
    reflected = inspector.get_columns(name, schema=schema)
    readable = [column for column in reflected if not isinstance(column["type"], _NO_TEXT)]
    source = sa.table(name, *(sa.column(column["name"]) for column in readable), schema=schema)
    texts = [_as_text(connection, source.c[column["name"]], column["type"]) for column in readable]
    sample = connection.execute(sa.select(*texts).limit(SAMPLE_ROWS)).fetchall() if texts else []
    rows = connection.execute(sa.select(sa.func.count()).select_from(source)).scalar_one()
    columns = tuple(
        SourceColumn(
            column["name"],
            str(column["type"]),
            str(column.get("comment") or ""),
            tuple(None if row[index] is None else str(row[index]) for row in sample),
        )
        for index, column in enumerate(readable)
    )
    return SourceTable(
        name=name,
        comment=_comment(inspector, schema, name),
        columns=columns,
        key=_key(inspector, schema, name),
        references=_references(inspector, schema, name),
        rows=int(rows),
    )


def _as_text(connection: sa.Connection, column: sa.ColumnClause[Any], kind: Any) -> sa.ColumnElement[Any]:
    dialect = connection.dialect.name
    if dialect == "mysql" and type(kind).__name__ == "BIT":
        return sa.cast(column + 0, sa.String)
    return sa.cast(column, sa.Text if dialect in ("postgresql", "sqlite") else sa.String(2000)).label(
        column.name
    )


def _comment(inspector: sa.Inspector, schema: str | None, name: str) -> str:
    try:
        return str(inspector.get_table_comment(name, schema=schema).get("text") or "")
    except NotImplementedError:
        return ""


def _key(inspector: sa.Inspector, schema: str | None, name: str) -> tuple[str, ...]:
    """The primary key, or else the first unique constraint."""
    if primary := inspector.get_pk_constraint(name, schema=schema).get("constrained_columns"):
        return tuple(primary)
    unique = inspector.get_unique_constraints(name, schema=schema)
    return tuple(min((u["column_names"] for u in unique), key=len, default=()))  # type: ignore[arg-type]


def _references(inspector: sa.Inspector, schema: str | None, name: str) -> dict[str, tuple[str, str]]:
    return {
        key["constrained_columns"][0]: (key["referred_table"], key["referred_columns"][0])
        for key in inspector.get_foreign_keys(name, schema=schema)
        if len(key["constrained_columns"]) == 1
    }


def _first_line(error: BaseException) -> str:
    original = getattr(error, "orig", None) or error
    lines = str(original).strip().splitlines()
    return lines[0] if lines else type(original).__name__
