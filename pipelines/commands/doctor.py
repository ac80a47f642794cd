"""`guike doctor`: what is missing on this machine, and the command that mends it.

Comes in: the settings, the lock, the installed packages, the systems' addresses. Goes out: one line per
check; exit code 1 when something is missing that a run needs. Nothing is changed.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Literal
from urllib.parse import urlsplit

import typer
from rich.markup import escape

from pipelines.commands.console import out, print_json
from pipelines.commands.exits import EXIT_FAILED
from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import Settings, expand, load_settings

_LEAST_DISK_GB, _LEAST_MEMORY_GB = 5, 4
_UI_PORT = 3000
_DRIVERS = {
    "mysql": ("pymysql", "mysql"), "mariadb": ("pymysql", "mysql"), "postgresql": ("psycopg", "postgres"),
    "mssql": ("pyodbc", "mssql"), "oracle": ("oracledb", "oracle"),
}  # fmt: skip
_DEMO_SERVICE = "127.0.0.1:8765"
_LOCKED = re.compile(
    r"^(?P<name>[A-Za-z0-9_.-]+)(?:\[[^]]*])?==(?P<version>[^ ;\\]+)(?P<rest>[^\\\n]*)", re.M
)

Verdict = Literal["ok", "warn", "missing"]


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, the verdict (only `missing` keeps a run from working), what to do."""

    what: str
    verdict: Verdict
    detail: str
    remedy: str | None = None


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Say what is missing on this machine, and the command that mends it."""
    findings = list(_findings(load_settings()))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        console = out()
        signs = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "missing": "[red]✗[/]"}
        for finding in findings:
            console.print(
                f"{signs[finding.verdict]} {escape(finding.what)}: {escape(finding.detail)}", soft_wrap=True
            )
            if finding.remedy:
                console.print(f"  → {escape(finding.remedy)}", soft_wrap=True)
    if any(finding.verdict == "missing" for finding in findings):
        raise typer.Exit(EXIT_FAILED)


def _findings(settings: Settings) -> Iterator[Finding]:
    yield _python()
    yield _packages(settings)
    yield _versions()
    yield _home(settings)
    yield _disk(settings)
    yield _memory(settings)
    yield _make()
    yield _port()
    yield from _systems(settings)


def _python() -> Finding:
    found = sys.version.split()[0]
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding("Python", "ok", found)
    return Finding(
        "Python", "missing", found, t("Install Python 3.11 to 3.13, then: make PYTHON=python3.12 demo")
    )


def _packages(settings: Settings) -> Finding:
    """Compare what is installed with the lock; packages for other platforms don't count."""
    what, lock = t("Packages against the lock"), settings.root / "requirements.txt"
    if not lock.exists():
        return Finding(what, "warn", t("there is no requirements.txt"))
    wrong = []
    for line in _LOCKED.finditer(lock.read_text(encoding="utf-8")):
        if "sys_platform" in line["rest"] or "platform_" in line["rest"] or "python_" in line["rest"]:
            continue
        try:
            found = version(line["name"])
        except PackageNotFoundError:
            found = "–"
        if found != line["version"]:
            wrong.append(f"{line['name']} {found} ≠ {line['version']}")
    if wrong:
        remedy = t("Run `make demo` or `make test`, or: rm .venv/guike.stamp, then make again.")
        return Finding(what, "warn", ", ".join(wrong[:5]) + (" …" if len(wrong) > 5 else ""), remedy)
    return Finding(what, "ok", t("as locked"))


def _versions() -> Finding:
    names = ("dagster", "dbt-core", "dbt-duckdb", "dlt", "duckdb", "great-expectations")
    found, missing = [], []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding(t("Tools"), "missing", ", ".join(missing), t("Run `make demo`; it installs them."))
    return Finding(t("Tools"), "ok", ", ".join(found))


def _home(settings: Settings) -> Finding:
    from warehouse.store import make_home

    what = t("Data folder")
    try:
        make_home(settings)
        with tempfile.TemporaryFile(dir=settings.home):
            pass
    except OSError as error:
        remedy = t("Set GUIKE_HOME to a folder you may write to.")
        return Finding(what, "missing", f"{settings.home}: {error.strerror}", remedy)
    return Finding(what, "ok", str(settings.home))


def _disk(settings: Settings) -> Finding:
    folder = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(folder).free / 2**30
    detail = t("{free:.0f} GB free", free=free)
    if free < _LEAST_DISK_GB:
        remedy = t(
            "Free some, or set GUIKE_HOME to a larger disk; {least} GB are enough for the demo.",
            least=_LEAST_DISK_GB,
        )
        return Finding(t("Disk"), "warn", detail, remedy)
    return Finding(t("Disk"), "ok", detail)


def _memory(settings: Settings) -> Finding:
    what = t("Memory")
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    detail = t("{total:.0f} GB; DuckDB may use {limit} per process", total=total, limit=settings.memory_limit)
    if total < _LEAST_MEMORY_GB:
        return Finding(what, "warn", detail, t("Set GUIKE_MEMORY lower, for example GUIKE_MEMORY=1GB."))
    return Finding(what, "ok", detail)


def _make() -> Finding:
    if shutil.which("make"):
        return Finding("make", "ok", str(shutil.which("make")))
    return Finding("make", "warn", t("not found"), t("On Debian and Ubuntu: sudo apt-get install make"))


def _port() -> Finding:
    what = t("Port {port}, for `make dev`", port=_UI_PORT)
    if _answers("127.0.0.1", _UI_PORT):
        return Finding(what, "warn", t("in use"), t("Choose another: guike dev --port 3001"))
    return Finding(what, "ok", t("free"))


def _systems(settings: Settings) -> Iterator[Finding]:
    """Whether each system's driver is installed and its source is there."""
    from pipelines.extract.manage import reachable
    from pipelines.extract.specs import load_specs

    for spec in load_specs(settings):
        what = t("System {name}", name=spec.name)
        module, extra = _driver(spec.location)
        if module and not importlib.util.find_spec(module):
            remedy = f".venv/bin/python -m pip install '.[{extra}]'"
            yield Finding(what, "missing", t("the driver {module} is not installed", module=module), remedy)
            continue
        reason = reachable(spec)
        if reason is None:
            yield Finding(what, "ok", t("is there"))
        elif _DEMO_SERVICE in spec.location and (settings.home / "demo").is_dir():
            yield Finding(what, "ok", t("the demo's own server; it is started while it is read"))
        elif "demo" in spec.location or _DEMO_SERVICE in spec.location:
            yield Finding(
                what, "warn", reason, t("`guike demo` makes the demo's systems and starts its server.")
            )
        else:
            remedy = t(
                "Start it, or mend the address in pipelines/systems or .env; a run goes on without it."
            )
            yield Finding(what, "warn", reason, remedy)


def _driver(location: str) -> tuple[str | None, str]:
    """The module that a database URL needs, and the extra of Guike that brings it."""
    try:
        product = urlsplit(expand(location)).scheme.partition("+")[0]
    except GuikeError:
        return None, ""
    return _DRIVERS.get(product, (None, ""))


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False
