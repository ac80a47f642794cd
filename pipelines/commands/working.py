"""The working file, for commands that look into it: only while no run writes to it.

Comes in: the settings. Goes out: a read-only connection, or an error that says who is writing. DuckDB lets
nobody in while a process writes, and waiting a minute for a run that takes ten would help nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipelines.commands.exits import LockHeldError
from pipelines.commands.look import writer
from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import Settings

if TYPE_CHECKING:
    import duckdb


@contextmanager
def working(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The working file, read-only.

    Raises:
        LockHeldError: a run is under way. GuikeError: there has been no run yet.
    """
    from warehouse import store

    at_work = writer(settings)
    if at_work:
        raise LockHeldError(
            t("A run is under way: process {pid}, since {since} UTC ({purpose}).", **at_work),
            t("Wait until it has finished, then try again."),
        )
    if not settings.warehouse.exists():
        raise GuikeError(
            t("There is no warehouse yet in {folder}.", folder=settings.home),
            t("Run `guike demo` for the demo company, or `guike run` for your own."),
        )
    with store.connect(settings, read_only=True) as con:
        yield con


def has_table(con: duckdb.DuckDBPyConnection, schema: str, name: str) -> bool:
    """Whether the open file has that table or view."""
    found = con.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?", [schema, name]
    )
    return bool(found.fetchone())
