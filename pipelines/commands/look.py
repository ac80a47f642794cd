"""Commands that only look: `guike status` and `guike sql`, both on the published snapshot.

The working file belongs to the run that writes it. `status` opens it only while nobody writes, for the one
thing the snapshot can't tell: a later run that failed.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from pipelines.commands.console import cell, out, print_json, table
from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import Settings, load_settings

_ROWS_SHOWN = 200
_UNFOLDED = 10_000


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Show what is published, how the last runs went, and how old each system's data is."""
    settings = load_settings()
    facts = _facts(settings)
    if as_json:
        print_json(facts)
        return
    console = out()
    for line in _sentences(facts):
        console.print(escape(line), soft_wrap=True)
    for title, records, columns, numbers in _tables(facts):
        if records:
            console.print()
            rows = [[_first_line(record[key]) for key in columns] for record in records]
            console.print(table(title, list(columns.values()), rows, numbers))


def sql(
    query: Annotated[str, typer.Argument(help="One SQL statement in DuckDB's dialect.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print all rows as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print all rows as CSV.")] = False,
    working: Annotated[
        bool,
        typer.Option("--working", help="Ask the file that runs work on, unmasked, not the published one."),
    ] = False,
) -> None:
    """Ask the published snapshot a question in SQL; nothing can be changed by it."""
    if as_json and as_csv:
        raise GuikeError(t("--json and --csv exclude each other."), t("Give one of them."))
    settings = load_settings()
    path = settings.warehouse if working else published_file(settings)
    columns, rows = _answer(settings, path, query)
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
    else:
        console = out(plain_width=_UNFOLDED)
        numbers = "".join(">" if _is_number(rows, position) else " " for position in range(len(columns)))
        # As they are: a year with a thousands separator would be no year.
        shown = [["" if value is None else str(value) for value in row] for row in rows[:_ROWS_SHOWN]]
        console.print(table("", columns, shown, numbers))
        if len(rows) > _ROWS_SHOWN:
            words = t(
                "{shown} of {rows:,} rows; --csv and --json print all.", shown=_ROWS_SHOWN, rows=len(rows)
            )
            console.print(words)


def _answer(settings: Settings, path: Path, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Run `query` on the file `path` read-only, without access to any other file."""
    import duckdb

    limits: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.memory_limit, "threads": settings.threads, "enable_external_access": False,
    }  # fmt: skip
    try:
        with duckdb.connect(str(path), read_only=True, config=limits) as con:
            # DuckDB answers None to nothing, to a comment and to a lone semicolon.
            cursor: duckdb.DuckDBPyConnection | None = con.execute(query)
            if cursor is None:
                raise GuikeError(
                    t("There is no statement in the query."),
                    t('Write one, for example: guike sql "select * from marts.churn_by_quarter"'),
                )
            columns = _unique([column[0] for column in cursor.description or []])
            return columns, cursor.fetchall()
    except duckdb.Error as error:
        raise GuikeError(
            t("{file} can't answer: {reason}", file=path.name, reason=str(error)),
            t('List what there is: guike sql "select schema_name, table_name from duckdb_tables()"'),
        ) from error


def published_file(settings: Settings) -> Path:
    """The path that readers open.

    Raises:
        GuikeError: nothing has been published yet.
    """
    path = settings.published / "current.duckdb"
    if not path.exists():
        raise GuikeError(
            t("Nothing has been published yet in {folder}.", folder=settings.published),
            t("Run `guike demo` for the demo company, or `guike run` for your own."),
        )
    return path


def _unique(names: list[str]) -> list[str]:
    """Column names as given, a number added to the second of the same name: JSON keys must differ."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return result


def _is_number(rows: list[tuple[Any, ...]], position: int) -> bool:
    value = next((row[position] for row in rows if row[position] is not None), None)
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _tables(facts: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]], dict[str, str], str]]:
    """The tables of `status`: title, records, the records' keys with their headings, which are numbers."""
    runs = {
        "run_id": t("Run"),
        "started_at": t("Started (UTC)"),
        "finished_at": t("Finished (UTC)"),
        "status": t("Status"),
        "message": t("Message"),
    }
    stages = {
        "stage": t("Stage"),
        "status": t("Status"),
        "seconds": t("Seconds"),
        "peak_memory_mb": t("Peak memory, MB"),
        "rows_written": t("Rows written"),
    }
    systems = {
        "system": t("System"),
        "status": t("Status"),
        "loaded_at": t("Loaded at (UTC)"),
        "message": t("Message"),
    }
    freshness = {
        "system": t("System"),
        "newest_row_at": t("Newest row (UTC)"),
        "last_success_at": t("Last read (UTC)"),
        "warn_after_hours": t("Warn after, hours"),
    }
    return [
        (t("Last runs"), facts["runs"], runs, ""),
        (t("Stages of the last run"), facts["stages"], stages, "  >>>"),
        (t("How old the data is"), facts["systems"], systems, ""),
        (t("How fresh the systems are"), facts["freshness"], freshness, "   >"),
    ]


def _first_line(value: object) -> object:
    """Messages may be long; `--json` gives them whole."""
    return value.strip().partition("\n")[0] if isinstance(value, str) else value


def _facts(settings: Settings) -> dict[str, Any]:
    """What `status` shows, as plain data."""
    from warehouse.publish import current, rolled_back_from

    at_work = writer(settings)
    snapshot = current(settings)
    facts: dict[str, Any] = {
        "home": settings.home,
        "writing": at_work,
        "published": None,
        "runs": [],
        "stages": [],
        "systems": [],
        "freshness": [],
        "quality": _quality(settings, snapshot is not None),
    }
    if snapshot:
        taken_back = rolled_back_from(settings)
        facts["published"] = {
            "file": settings.published / "current.duckdb",
            "run_id": snapshot.run_id,
            "published_at": snapshot.published_at,
            "as_of": snapshot.as_of,
            "rows": snapshot.rows,
            "is_masked": snapshot.is_masked,
            "content_hash": snapshot.content_hash,
            "rolled_back_from": taken_back[0] if taken_back else None,
            "rolled_back_at": taken_back[1] if taken_back else None,
        }
    # The working file knows the failed runs too, but only the snapshot may be opened while a run writes.
    if at_work is None and settings.warehouse.exists():
        facts |= _history(settings, settings.warehouse)
    elif snapshot:
        facts |= _history(settings, settings.published / "current.duckdb")
    return facts


def _quality(settings: Settings, is_published: bool) -> dict[str, Any]:
    """Each system's published score, and where Data Docs and fix lists lie, if they do."""
    from quality.places import data_docs_page, fix_lists
    from quality.scores import scores_in

    scores = scores_in(settings, settings.published / "current.duckdb") if is_published else []
    lists = fix_lists(settings)
    return {
        "scores": [
            {"system": one.system, "checked": one.checked, "failed": one.failed, "score": round(one.score, 4)}
            for one in scores
        ],
        "data_docs": data_docs_page(settings),
        "fix_lists": lists if lists.exists() else None,
    }


def writer(settings: Settings) -> dict[str, Any] | None:
    """Who holds the writer's lock now, or None."""
    try:
        about: dict[str, Any] = json.loads((settings.home / "writer.json").read_text(encoding="utf-8"))
        os.kill(int(about["pid"]), 0)
    except PermissionError:
        return about  # it runs, as another user
    except (OSError, ValueError, KeyError):
        return None
    return about


def _history(settings: Settings, path: Any) -> dict[str, list[dict[str, Any]]]:
    """The last runs, the stages of the last one, and each system's newest load."""
    from pipelines.extract.freshness import ages
    from warehouse import store

    with store.connect(settings, path=path, read_only=True) as con:
        known = con.execute(
            "select 1 from information_schema.tables where table_schema = 'ops' and table_name = 'runs'"
        )
        if not known.fetchall():
            return {}

        def records(query: str) -> list[dict[str, Any]]:
            cursor = con.execute(query)
            names = [column[0] for column in cursor.description or []]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        return {
            "runs": records(
                "select run_id, started_at, finished_at, status, as_of, trigger, message from ops.runs "
                "order by started_at desc, run_id desc limit 5"
            ),
            "stages": records(
                "select stage, status, seconds, peak_memory_mb, rows_written from ops.run_stages "
                "where run_id = (select max_by(run_id, started_at) from ops.runs) order by started_at"
            ),
            "systems": records(
                """
                select system, status, loaded_at, message from ops.loads semi join ops.systems using (system)
                qualify row_number() over (
                    partition by system order by run_id desc, status, source_table) = 1
                order by system
                """
            ),
            "freshness": ages(con, settings),
        }


def _sentences(facts: dict[str, Any]) -> list[str]:
    lines = []
    if facts["writing"]:
        lines.append(
            t("A run is under way: process {pid}, since {since} UTC ({purpose}).", **facts["writing"])
        )
    published = facts["published"]
    if published is None:
        return [*lines, t("Nothing has been published yet in {folder}.", folder=facts["home"])]
    lines.append(
        t(
            "Published: {rows:,} rows of run {run_id}, as of {as_of}, at {moment} UTC.",
            rows=published["rows"], run_id=published["run_id"], as_of=published["as_of"],
            moment=cell(published["published_at"]),
        )
    )  # fmt: skip
    if published["rolled_back_from"]:
        lines.append(
            t(
                "It is not the newest: rolled back from run {run_id} at {moment} UTC.",
                run_id=published["rolled_back_from"], moment=cell(published["rolled_back_at"]),
            )
        )  # fmt: skip
    masked = (
        t("Personal data in it is masked.") if published["is_masked"] else t("Personal data in it is plain.")
    )
    lines += [t("File: {file}", file=published["file"]), masked]
    lines += _on_quality(facts["quality"])
    return lines + [_warning(system) for system in facts["freshness"] if system["is_old"]]


def _on_quality(quality: dict[str, Any]) -> list[str]:
    """The systems' scores in one line, and where to read on."""
    lines = []
    if quality["scores"]:
        scores = ", ".join(f"{one['system']} {one['score']:.1%}" for one in quality["scores"])
        lines.append(t("Data quality: {scores}", scores=scores))
    if quality["data_docs"]:
        lines.append(t("Data Docs: {page}", page=quality["data_docs"]))
    if quality["fix_lists"]:
        lines.append(t("Fix lists: {folder}", folder=quality["fix_lists"]))
    return lines


def _warning(system: dict[str, Any]) -> str:
    return t(
        "Warning: {system} is old: newest row {newest}, last read {read} UTC; limit: {hours:g} hours.",
        system=system["system"], newest=cell(system["newest_row_at"]), read=cell(system["last_success_at"]),
        hours=system["warn_after_hours"],
    )  # fmt: skip
