"""Commands that do the work: `demo`, `run`, `publish`, `rollback` and `dev`.

Comes in: options. Goes out: progress lines on stderr while it runs, then the report of what was found on
stdout, and the exit code of `pipelines.cli`. The writer's lock is held for the whole of a command.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from pipelines.commands.console import cell, err, out, progress_lines
from pipelines.commands.exits import EXIT_INTERRUPTED, EXIT_STALE, sole_writer
from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import Settings, environment, load_settings
from warehouse.masking import manifest_path

if TYPE_CHECKING:
    from pipelines.orchestration.run import RunReport

DEMO_CUSTOMERS = 8_000
_DEMO_SYSTEMS = frozenset(
    ("callcentre", "crm", "erp", "hr", "ledger", "members", "notes", "platform", "surveys", "wechat")
)
_SERVERS = {"crm_url": "GUIKE_CRM_URL", "erp_url": "GUIKE_ERP_URL"}


def demo(
    customers: Annotated[
        int, typer.Option("--customers", min=200, help="How many customers the demo company has.")
    ] = DEMO_CUSTOMERS,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another seed gives another company.")] = 7,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="First delete the demo's data and all that was made from it.")
    ] = False,
    to_servers: Annotated[
        bool,
        typer.Option(
            "--to-servers",
            help="Write CRM and ERP into GUIKE_CRM_URL and GUIKE_ERP_URL, replacing their tables.",
        ),
    ] = False,
) -> None:
    """Make the demo company's nine legacy systems and run everything on them, up to the published marts."""
    settings = load_settings()
    with sole_writer(settings, "guike demo"), progress_lines(t("Making the demo company")):
        _make_sources(settings, {"customers": customers, "seed": seed}, fresh, _servers(to_servers))
        report = _execute(settings, trigger="demo")
    _finish(settings, report)


def run(
    from_step: Annotated[
        str | None,
        typer.Option("--from", metavar="STEP", help="Do this step and all after it, changed or not."),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option("--only", metavar="SYSTEM", help="Read only this system; the others keep their data."),
    ] = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="Read every table whole, also those read by what has changed."),
    ] = False,
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Build the marts for this date.")
    ] = None,
) -> None:
    """Read the systems, check, resolve, build the marts and publish; unchanged steps are skipped."""
    settings = load_settings()
    if as_of:
        settings = replace(settings, fixed_as_of=as_of.date())
    with sole_writer(settings, "guike run"), progress_lines(t("Running")):
        report = _execute(settings, trigger="cli", from_step=from_step, only=only, full=full)
    _finish(settings, report)


def publish() -> None:
    """Publish what the last run has made; done by `guike run` as its last step."""
    settings = load_settings()
    with sole_writer(settings, "guike publish"), progress_lines(t("Publishing")):
        report = _execute(settings, trigger="cli", from_step="publish")
    if report.status not in ("ok", "stale"):
        raise _failure(report)
    out().print(escape(t("Published: {file}", file=settings.published / "current.duckdb")), soft_wrap=True)


def rollback() -> None:
    """Make the snapshot before the current one the published one again."""
    from warehouse import publish as publishing

    settings = load_settings()
    with sole_writer(settings, "guike rollback"), progress_lines(t("Rolling back")):
        snapshot = publishing.rollback(settings)
    words = t(
        "Readers now see the snapshot of run {run_id}, published at {moment} UTC.",
        run_id=snapshot.run_id, moment=cell(snapshot.published_at),
    )  # fmt: skip
    out().print(escape(words))


def dev(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the web page.")] = 3000,
) -> None:
    """Open Dagster's web page: assets by stage, checks, schedule and runs. Ctrl-C ends it."""
    from pipelines.orchestration.instance import dagster_home

    settings = load_settings()
    program = Path(sys.executable).with_name("dagster")
    if not program.exists():
        raise GuikeError(
            t("Dagster is not installed beside {python}.", python=sys.executable), t("Run `make demo`.")
        )
    err().print(t("Dagster will answer on http://127.0.0.1:{port}; Ctrl-C ends it.", port=port))
    command = [
        str(program),
        "dev",
        "-w",
        str(settings.root / "workspace.yaml"),
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    env = environment() | {
        "DAGSTER_HOME": str(dagster_home(settings)),
        "GUIKE_HOME": str(settings.home),
        # `dagster dev` says that `dg dev` will follow it; nothing that a user could act on.
        "PYTHONWARNINGS": "ignore:Function `dev_command` is superseded",
    }
    sys.stderr.flush()
    os.chdir(settings.root)
    # Dagster takes this process's place, so that Ctrl-C and a service manager's signals reach it.
    os.execve(program, command, env)


def _make_sources(settings: Settings, company: dict[str, int], fresh: bool, servers: dict[str, str]) -> None:
    """Write the demo's systems, unless they are there already for the same company."""
    from pipelines.demo import EDITION, make_demo

    _expect_demo_project(settings)
    folder = settings.home / "demo"
    wanted = {**company, "servers": sorted(servers), "edition": EDITION}
    note = folder / "demo.json"
    if fresh:
        for leftover in (folder, settings.home / "dlt", settings.home / "extract", settings.warehouse):
            _delete(leftover)
    there = json.loads(note.read_text(encoding="utf-8")) if note.exists() else wanted | {"servers": None}
    if there == wanted:
        return
    if any(there[key] != company[key] for key in company):
        # Ids of the one would go to people of the other, and a smaller one be taken for a truncated fetch.
        raise GuikeError(
            t(
                "The demo company here is another one: {customers:,} customers, seed {seed}.",
                customers=there["customers"],
                seed=there["seed"],
            ),
            t("Add --fresh to delete it and all that was made from it, or set GUIKE_HOME to another folder."),
        )
    note.unlink(missing_ok=True)
    make_demo(
        folder,
        company["customers"],
        company["seed"],
        crm_url=servers.get("crm_url"),
        erp_url=servers.get("erp_url"),
    )
    # Written last: a killed demo has no note and is made again.
    note.write_text(json.dumps(wanted), encoding="utf-8")


def _servers(allowed: bool) -> dict[str, str]:
    """The databases to write CRM and ERP into; making the demo drops the tables of a real system there."""
    env = environment()
    given = {argument: env[name] for argument, name in _SERVERS.items() if env.get(name)}
    if given and not allowed:
        names = ", ".join(_SERVERS[argument] for argument in given)
        raise GuikeError(
            t("{names} names a database, and the demo would replace its tables.", names=names),
            t("Unset it to get files, or say `guike demo --to-servers` if nothing else lives there."),
        )
    return given


def _expect_demo_project(settings: Settings) -> None:
    """Keep the demo away from a company's own warehouse."""
    from pipelines.extract.specs import load_specs

    present = {spec.name for spec in load_specs(settings)}
    missing, foreign = sorted(_DEMO_SYSTEMS - present), sorted(present - _DEMO_SYSTEMS)
    if missing:
        raise GuikeError(
            t("The demo's systems are not in this project any more: {names}.", names=", ".join(missing)),
            t("Make the demo in a fresh copy of Guike; here, use `guike run`."),
        )
    if foreign:
        raise GuikeError(
            t("This project has systems of its own: {names}.", names=", ".join(foreign)),
            t("Make the demo in a fresh copy of Guike, so that it doesn't mix with your data."),
        )


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
        path.with_suffix(path.suffix + ".wal").unlink(missing_ok=True)


def _execute(
    settings: Settings,
    *,
    trigger: str,
    from_step: str | None = None,
    only: str | None = None,
    full: bool = False,
) -> RunReport:
    from pipelines.orchestration.dbt_process import warm_up

    if not manifest_path(settings).exists():
        warm_up()  # while Dagster is being imported
    from pipelines.orchestration.run import run as run_dag

    return run_dag(settings, trigger=trigger, from_step=from_step, only=only, full=full)


def _finish(settings: Settings, report: RunReport) -> None:
    """Print how the run went and what it found; ends the command with the run's exit code."""
    if report.status == "interrupted":
        raise typer.Exit(EXIT_INTERRUPTED)
    if report.status not in ("ok", "stale"):
        raise _failure(report)
    console = out()
    _print_found(settings, console)
    if report.status == "stale":
        console.print()
        console.print(f"[yellow]{escape(t('Some data is old, because its system could not be read:'))}[/]")
        console.print(escape(report.message or ""), soft_wrap=True)
    _print_next_steps(settings, console)
    if report.status == "stale":
        raise typer.Exit(EXIT_STALE)


def _failure(report: RunReport) -> Exception:
    """The first thing that went wrong: as the user can mend it, else the defect itself, else the words."""
    known = [error for error in report.errors if isinstance(error, GuikeError)]
    other = [error for error in report.errors if isinstance(error, Exception)]
    stopped = GuikeError(
        t("The run failed: {reason}", reason=report.message or report.status),
        t("Mend it and run again; finished steps are kept, and readers still see the snapshot before."),
    )
    return next(iter(known + other), stopped)


def _print_found(settings: Settings, console: Console) -> None:
    from pipelines.report import print_report
    from warehouse import store

    with store.connect(settings, path=settings.published / "current.duckdb", read_only=True) as con:
        print_report(con, console)


def _print_next_steps(settings: Settings, console: Console) -> None:
    console.print()
    console.print(f"[bold]{escape(t('Where to look next'))}[/]")
    # As it can be typed: after `make demo` no virtual environment is active.
    guike = "guike" if shutil.which("guike") else ".venv/bin/guike"
    hints = (
        (
            f'{guike} sql "select * from marts.customer_churn order by value_lost_gross desc limit 10"',
            t("the dearest customers lost, with reason and evidence"),
        ),
        (
            f'{guike} sql "select * from core.attribute_lineage limit 20"',
            t("where each attribute of a customer comes from"),
        ),
        (f"{guike} quality fixlist", t("Excel lists of what to mend, one for each owner")),
        *((str(page), t("what the gates found, for the browser")) for page in _data_docs(settings)),
        (f"{guike} status", t("runs, stages, how old each system's data is")),
        ("make dev", t("the same DAG in Dagster's web page")),
        (str(settings.published / "current.duckdb"), t("the published file, for any tool that reads DuckDB")),
    )
    for command, words in hints:
        console.print(f"  [cyan]{escape(command)}[/]  {escape(words)}", soft_wrap=True)


def _data_docs(settings: Settings) -> list[Path]:
    """The front page of the Data Docs, if they have been built."""
    from quality.places import data_docs_page

    page = data_docs_page(settings)
    return [page] if page else []
