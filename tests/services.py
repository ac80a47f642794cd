"""Database servers for the tests that need one.

`mariadb_url()` and `postgres_url()` give the SQLAlchemy URL of a server on which databases may be made and
dropped. Where none answers the calling test is skipped with the reason, or fails when
GUIKE_REQUIRE_SERVICES=1. Servers elsewhere: GUIKE_TEST_MARIADB_URL, GUIKE_TEST_POSTGRES_URL.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest
import sqlalchemy as sa

from pipelines.settings import environment, load_settings


def mariadb_url() -> str:
    """The URL of a MariaDB or MySQL server."""
    return _answering("GUIKE_TEST_MARIADB_URL", "mysql+pymysql://root@127.0.0.1:3306/test")


def postgres_url() -> str:
    """The URL of a PostgreSQL server."""
    return _answering("GUIKE_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")


def _answering(variable: str, default: str) -> str:
    url = environment().get(variable) or default
    if reason := _why_not(url):
        shown = sa.make_url(url).render_as_string(hide_password=True)
        message = f"no database server at {shown}: {reason}"
        if load_settings().require_services:
            pytest.fail(message)
        pytest.skip(message)
    return url


@cache
def _why_not(url: str) -> str | None:
    """Why the server can't be used, or None; asked once per test run."""
    try:
        engine = sa.create_engine(url, connect_args={"connect_timeout": 3}, poolclass=sa.NullPool)
        with engine.connect():
            return None
    except (sa.exc.SQLAlchemyError, ModuleNotFoundError) as error:
        return str(error).splitlines()[0]


@contextmanager
def own_database(server: str, name: str) -> Iterator[str]:
    """The URL of a new, empty database on `server`, named `name` and this process; dropped afterwards."""
    url, name = sa.make_url(server), f"{name}_{os.getpid()}"
    force = " with (force)" if url.get_backend_name() == "postgresql" else ""
    admin = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as con:
        con.exec_driver_sql(f"drop database if exists {name}{force}")
        con.exec_driver_sql(f"create database {name}")
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as con:
            con.exec_driver_sql(f"drop database if exists {name}{force}")
