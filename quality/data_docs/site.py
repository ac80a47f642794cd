"""The site's files: written page by page, the list of them last.

Comes in: the working file after a gate. Goes out: `<home>/quality/data_docs/`. A page is replaced in one
step, and the list names only pages that are there, so that a reader never meets half a site. What has been
shown before is not made again, and nothing is imported where nothing has changed. The last runs are kept,
older ones deleted. Nothing here decides anything: a site that can't be written fails no run.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from datetime import UTC
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from pipelines.errors import GuikeError
from pipelines.i18n import language, t
from pipelines.settings import Settings
from quality.catalogue import load_catalogue
from quality.data_docs.suites import Suite, as_result, as_suite, read_suites
from quality.places import data_docs
from warehouse import store

KEPT_RUNS = 10
_LIST = "validations.json"
_log = logging.getLogger("guike.quality")


def build_after_gate(settings: Settings) -> None:
    """Bring the site up to date; what goes wrong is logged, for no run may fail by it."""
    try:
        with store.connect(settings, read_only=True) as con:
            build(settings, con)
    except Exception as error:
        _log.warning(t("The Data Docs could not be built: {reason}", reason=error))


def build(settings: Settings, con: duckdb.DuckDBPyConnection, *, afresh: bool = False) -> Path:
    """Bring the site up to date with the working file; gives its front page.

    Args:
        afresh: render the last run's pages again, whether or not they are there.

    Raises:
        GuikeError: no gate has run yet.
    """
    site = data_docs(settings)
    shown = {} if afresh else _shown(site)
    suites = read_suites(con, load_catalogue())
    if not suites:
        raise GuikeError(t("No gate has run yet."), t("Run `guike run` first."))
    new = [suite for suite in suites if shown.get(_page(suite), {}).get("digest") != _digest(suite)]
    if new or not (site / "index.html").exists():
        _render(settings, site, shown, suites, new)
    return site / "index.html"


def _render(
    settings: Settings, site: Path, shown: dict[str, dict[str, Any]], suites: list[Suite], new: list[Suite]
) -> None:
    from quality.data_docs import pages

    for suite in new:
        result = as_result(suite)
        page = _page(suite)
        _write(site / page, pages.result_page(result, language()))
        _write((site / page).with_suffix(".json"), json.dumps(result.to_json_dict(), ensure_ascii=False))
        _write(site / _suite_page(suite), pages.suite_page(as_suite(suite), language()))
        shown[page] = _line(suite)
    kept = _kept(shown)
    present = {suite.name: _suite_page(suite) for suite in suites}
    _write(site / "index.html", pages.index_page(kept, present, language(), ZoneInfo(settings.timezone)))
    _write(site / _LIST, json.dumps(kept, ensure_ascii=False, indent=1))
    _delete_others(site, {*kept, *present.values()})


def _line(suite: Suite) -> dict[str, Any]:
    """What the front page says of one result."""
    return {
        "suite": suite.name,
        "run_id": suite.run_id,
        "run_at": suite.run_at.replace(tzinfo=UTC).isoformat(),
        "passed": suite.passed,
        "rules": len(suite.rules),
        "rules_failed": sum(bool(one.failed) for one in suite.rules),
        "failures": sum(one.failed for one in suite.rules),
        "digest": _digest(suite),
    }


def _digest(suite: Suite) -> str:
    """Changes with what a page says and with how it looks."""
    return f"{suite.digest}-{_look()}"


@cache
def _look() -> str:
    files = sorted(
        path for path in Path(__file__).parent.rglob("*") if path.suffix != ".pyc" and path.is_file()
    )
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def _kept(shown: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The results of the last runs of each gate, the newest first."""
    lines = sorted(shown.items(), key=lambda one: one[1]["suite"])
    lines.sort(key=lambda one: (one[1]["run_at"], one[1]["run_id"]), reverse=True)
    runs: dict[str, list[str]] = {}
    kept = {}
    for page, line in lines:
        of_gate = runs.setdefault(line["suite"].split(".")[0], [])
        if line["run_id"] not in of_gate:
            of_gate.append(line["run_id"])
        if len(of_gate) <= KEPT_RUNS:
            kept[page] = line
    return kept


def _page(suite: Suite) -> str:
    """The result's page, where Great Expectations' links look for it: suite, run, moment, batch."""
    moment = suite.run_at.strftime("%Y%m%dT%H%M%S.%fZ")
    return "/".join(("validations", *suite.name.split("."), suite.run_id, moment, "all.html"))


def _suite_page(suite: Suite) -> str:
    return "/".join(("expectations", *suite.name.split("."))) + ".html"


def _shown(site: Path) -> dict[str, dict[str, Any]]:
    """The results that the site shows, by page; none where its list can't be read."""
    try:
        lines: dict[str, dict[str, Any]] = json.loads((site / _LIST).read_text(encoding="utf-8"))
        return {page: line for page, line in lines.items() if (site / page).exists()}
    except (OSError, ValueError, AttributeError):
        return {}


def _delete_others(site: Path, pages: set[str]) -> None:
    """Remove what the front page no longer leads to."""
    for kind in ("validations", "expectations"):
        for path in sorted((site / kind).rglob("*"), reverse=True):
            if path.is_dir():
                if not any(path.iterdir()):
                    shutil.rmtree(path)
            elif path.with_suffix(".html").relative_to(site).as_posix() not in pages:
                path.unlink()


def _write(path: Path, text: str) -> None:
    """Replace a file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)
