"""Systems as the user handles them: shown, tried, removed.

Comes in: a spec or a system's name. Goes out: what `guike system list`, `doctor` and `system remove` print.
"""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipelines.errors import GuikeError
from pipelines.extract import raw
from pipelines.extract.drop_folder import files_of
from pipelines.extract.masking import mask_location
from pipelines.extract.registry import write_registry
from pipelines.extract.secrets_file import forget_variable, url_variable, variable_name
from pipelines.extract.specs import SystemSpec
from pipelines.i18n import t
from pipelines.settings import Settings, expand
from warehouse import store

_CONNECT_SECONDS = 3
_PORTS = {
    "postgresql": 5432, "postgres": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433, "oracle": 1521,
    "https": 443,
}  # fmt: skip


def describe(spec: SystemSpec) -> dict[str, Any]:
    """What `guike system list` shows: plain values only, the location as written, without its password."""
    return {
        "name": spec.name,
        "title": {"en": spec.title.en, "zh": spec.title.zh},
        "kind": spec.kind,
        "trust": spec.trust,
        "location": mask_location(spec.location),
        "tables": [table.name for table in spec.tables],
    }


def reachable(spec: SystemSpec) -> str | None:
    """Why the system's source can't be there, or None; nothing of it is read."""
    try:
        location = expand(spec.location)
        if spec.kind not in ("database", "rest"):
            for table in spec.tables:
                files_of(spec, table)
            return None
    except GuikeError as error:
        return error.what
    try:
        # Not urlsplit: a password may hold / and [, which a driver takes.
        url = sa.make_url(location)
    except (sa.exc.ArgumentError, ValueError):
        return t("The location {location} is not a database URL.", location=mask_location(location))
    if url.get_backend_name() == "sqlite":
        path = url.database or ""
        return None if Path(path).is_file() else t("The file {file} does not exist.", file=path)
    port = url.port or _PORTS.get(url.drivername.split("+")[0], 80)
    try:
        with socket.create_connection((url.host or "localhost", port), timeout=_CONNECT_SECONDS):
            return None
    except OSError:
        return t("Nothing answers at {host}, port {port}.", host=url.host, port=port)


def remove_system(settings: Settings, name: str) -> list[str]:
    """Remove a system's spec, staging models and raw rows; the identity log and ops.loads keep its history.

    The caller holds the writer's lock. Returns a line for each thing removed.

    Raises:
        GuikeError: there is no such system.
    """
    spec_file = settings.systems_dir / f"{name}.yml"
    if not spec_file.is_file():
        known = ", ".join(sorted(path.stem for path in settings.systems_dir.glob("*.yml")))
        raise GuikeError(
            t("There is no system '{name}'.", name=name), t("Choose one of: {known}.", known=known or "–")
        )
    removed = []
    staging = settings.dbt_dir / "models" / "staging" / name
    if staging.is_dir():
        shutil.rmtree(staging)
        removed.append(str(staging.relative_to(settings.root)))
    uses_variable = url_variable(name) in spec_file.read_text(encoding="utf-8")
    spec_file.unlink()
    removed.append(str(spec_file.relative_to(settings.root)))
    if uses_variable and forget_variable(settings.root / ".env", variable_name(name)):
        removed.append(t("{variable} in .env", variable=variable_name(name)))
    write_registry(settings)
    shutil.rmtree(settings.home / "extract" / name, ignore_errors=True)
    if settings.warehouse.exists():
        con = store.connect(settings)
        try:
            store.ensure_schemas(con)
            if raw.drop(con, settings, name):
                removed.append(t("the schema {schema} in the warehouse", schema=f"raw_{name}"))
        finally:
            con.close()
    return removed
