"""The dbt project: its manifest, and what a dbt command on it needs.

Comes in: the settings and the project's files. Goes out: a manifest that is parsed again only when a file
has changed, and dbt commands with their arguments and environment. Everything that dbt writes (target,
logs) is under the home folder. dbt opens the warehouse itself: no connection of ours may be open meanwhile.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import AbstractContextManager
from typing import Any

from pipelines.errors import GuikeError
from pipelines.extract.registry import write_registry
from pipelines.i18n import t
from pipelines.orchestration.dbt_process import Command, started
from pipelines.orchestration.stages import dbt_hash
from pipelines.settings import Settings, environment
from warehouse.masking import manifest_path

_log = logging.getLogger("guike.dbt")
_LINES_SHOWN = 20


def ensure_manifest(settings: Settings) -> dict[str, Any]:
    """The manifest of the project as it is now; parses only when a file of it, or its place, has changed.

    Raises:
        GuikeError: dbt can't parse the project; the message says which file.
    """
    write_registry(settings)
    path = manifest_path(settings)
    stamp, place = path.with_name("manifest.hash"), os.fspath(settings.dbt_dir)
    wanted = f"{dbt_hash(settings)} {place}"
    before = stamp.read_text(encoding="utf-8") if stamp.exists() else ""
    if not path.exists() or before != wanted:
        path.parent.mkdir(parents=True, exist_ok=True)
        stamp.unlink(missing_ok=True)
        if before.partition(" ")[2] != place:
            # What dbt remembers of its last parse holds absolute paths (of seeds): wrong after a move.
            path.with_name("partial_parse.msgpack").unlink(missing_ok=True)
        _log.info(t("reading the dbt project"))
        _parse(settings)
        stamp.write_text(wanted, encoding="utf-8")
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def run_dbt(settings: Settings, *arguments: str) -> AbstractContextManager[Command]:
    """A dbt command at work on this warehouse and as-of date.

    Raises:
        GuikeError: dbt can't be started, or its process was killed.
    """
    variables = {"as_of": settings.as_of.isoformat(), "timezone": settings.timezone}
    folder = os.fspath(settings.dbt_dir)
    where = ["--project-dir", folder, "--profiles-dir", folder, "--vars", json.dumps(variables)]
    return started([*arguments, *where], _environment(settings))


def _environment(settings: Settings) -> dict[str, str]:
    """Where the warehouse is, and that dbt writes under home only."""
    target = manifest_path(settings).parent
    return environment() | {
        "GUIKE_HOME": os.fspath(settings.home),
        "GUIKE_WAREHOUSE": os.fspath(settings.warehouse),
        "GUIKE_MEMORY": settings.memory_limit,
        "GUIKE_THREADS": str(settings.threads),
        "DBT_TARGET_PATH": os.fspath(target),
        "DBT_LOG_PATH": os.fspath(target.parent / "logs"),
        "DBT_LOG_FORMAT": "json",
        "DBT_LOG_FORMAT_FILE": "text",
        "DBT_PARTIAL_PARSE": "true",
        "DBT_USE_COLORS": "false",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def log_file(settings: Settings) -> str:
    """dbt's full log."""
    return os.fspath(settings.home / "dbt" / "logs" / "dbt.log")


def why_it_failed(code: int, told: str) -> str:
    """What dbt has told about its failure; a process that was killed tells nothing."""
    if told or code >= 0:
        return told
    return t("dbt was ended by signal {number}; the machine may be short of memory.", number=-code)


def _parse(settings: Settings) -> None:
    with run_dbt(settings, "parse") as command:
        output = command.lines.read()
        code = command.wait()
    if code:
        reason = why_it_failed(code, _errors(output) or output[-2000:])
        raise GuikeError(
            t("The dbt project can't be parsed:\n{reason}", reason=reason),
            t("Mend that file and run again."),
        )


def _errors(output: str) -> str:
    found = []
    for line in output.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get("info", {}).get("level") == "error":
            found.append(event["info"]["msg"])
    return "\n".join(found[:_LINES_SHOWN])
