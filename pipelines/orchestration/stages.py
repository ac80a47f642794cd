"""The stages of a run, and what a stage's result depends on.

Comes in: the project's files, the settings, and what `ops.loads` and `ops.stage_state` remember. Goes out:
one fingerprint per stage. A stage whose fingerprint is the one it last finished with has nothing to do. The
fingerprint names the run that made each earlier stage's result, so that a stage runs again whenever
anything before it has, even if that was a repetition.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import duckdb

from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.identity import judgements
from pipelines.settings import Settings
from quality import waivers
from warehouse import store

STAGES = ("extract", "staging", "gate_1", "identity", "core", "gate_2", "marts", "publish")
"""In the order of a run; also the words that `guike run --from` knows."""

_DBT_COMMON = (
    "dbt_project/*.yml", "dbt_project/models/*.yml", "dbt_project/macros/**/*", "dbt_project/seeds/**/*",
    "dbt_project/tests/**/*",
)  # fmt: skip
_CODE = {
    "staging": (
        *_DBT_COMMON, "dbt_project/models/staging/**/*", "dbt_project/models/input/**/*",
        "pipelines/systems/*.yml",
    ),
    "gate_1": ("quality/**/*",),
    "identity": ("pipelines/identity/**/*",),
    "core": (*_DBT_COMMON, "dbt_project/models/core/**/*"),
    "gate_2": ("quality/**/*", "pipelines/systems/*.yml"),
    "marts": (*_DBT_COMMON, "dbt_project/models/marts/**/*"),
    "publish": ("warehouse/*.py",),
}  # fmt: skip
_CODE_SUFFIXES = {".py", ".sql", ".yml", ".csv", ".json"}


def from_stage(stage: str) -> tuple[str, ...]:
    """`stage` and all after it.

    Raises:
        GuikeError: there is no such stage.
    """
    if stage not in STAGES:
        raise GuikeError(
            t("There is no step '{step}'.", step=stage), t("The steps are: {steps}.", steps=", ".join(STAGES))
        )
    return STAGES[STAGES.index(stage) :]


def files_hash(root: Path, patterns: Iterable[str]) -> str:
    """A hash of the names and contents of the source files under `root` that match the globs."""
    digest = hashlib.sha256()
    paths = {path for pattern in patterns for path in root.glob(pattern) if path.suffix in _CODE_SUFFIXES}
    for path in sorted(paths):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()}={content}\n".encode())
    return digest.hexdigest()


def dbt_hash(settings: Settings) -> str:
    """A hash of the whole dbt project."""
    return files_hash(settings.root, (*_DBT_COMMON, "dbt_project/models/**/*"))


def fingerprint(con: duckdb.DuckDBPyConnection, settings: Settings, stage: str) -> str:
    """What the result of `stage` depends on, as one hash.

    Raises:
        GuikeError: a stage before it has never finished, or was interrupted.
    """
    parts = [
        stage, files_hash(settings.root, _CODE[stage]), settings.as_of.isoformat(), settings.timezone,
        *(_loads(con) if stage == "staging" else _earlier(con, stage)),
    ]  # fmt: skip
    if stage == "identity":
        parts.append(f"judgements={judgements.fingerprint(settings)}")
    if stage in ("gate_1", "gate_2"):
        parts.append(f"waivers={waivers.fingerprint(settings)}")
    if stage == "publish":
        # Readers are told which data is old, and when it no longer is.
        parts += [f"masked={settings.mask_personal_data}", f"stale={','.join(_stale_systems(con))}"]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def expect_finished(con: duckdb.DuckDBPyConnection, settings: Settings, stage: str) -> None:
    """Make sure that every stage between extraction and `stage` has finished, and for what holds now.

    Raises:
        GuikeError: one hasn't, or its sources, its code or the as-of date have changed since: what comes
            after it would mix two states.
    """
    _earlier(con, stage)
    for earlier in STAGES[1 : STAGES.index(stage)]:
        if store.stage_fingerprint(con, earlier) != fingerprint(con, settings, earlier):
            raise GuikeError(
                t("Step '{step}' can't start: '{earlier}' is out of date.", step=stage, earlier=earlier),
                t("Run `guike run`, without --from."),
            )


def _loads(con: duckdb.DuckDBPyConnection) -> list[str]:
    rows = con.execute(
        "select system, source_table, arg_max(fingerprint, loaded_at), max(loaded_at) from ops.loads "
        "where status = 'loaded' group by all order by all"
    ).fetchall()
    return [f"{system}.{table}={content} {moment}" for system, table, content, moment in rows]


def _stale_systems(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The systems that could not be read the last time it was tried."""
    rows = con.execute(
        "select system from ops.loads semi join ops.systems using (system) "
        "group by system having arg_max(status, run_id) = 'stale' order by system"
    ).fetchall()
    return [system for (system,) in rows]


def _earlier(con: duckdb.DuckDBPyConnection, stage: str) -> list[str]:
    done = dict(con.execute("select stage, fingerprint || ' ' || run_id from ops.stage_state").fetchall())
    parts = []
    for earlier in STAGES[1 : STAGES.index(stage)] if stage != "extract" else ():
        if earlier not in done:
            raise GuikeError(
                t("Step '{step}' can't start: '{earlier}' has not finished.", step=stage, earlier=earlier),
                t("Run `guike run`, without --from."),
            )
        parts.append(f"{earlier}={done[earlier]}")
    return parts


def rows_of(con: duckdb.DuckDBPyConnection, stage: str) -> int:
    """How many rows the tables that `stage` writes hold now."""
    where = {
        "staging": "schema_name = 'input'",
        "gate_1": "schema_name = 'quality' and table_name in ('record_issues', 'set_aside')",
        "gate_2": "schema_name = 'quality' and table_name = 'reconciliation'",
        "identity": "schema_name = 'identity' and table_name = 'customer_xref'",
    }.get(stage, f"schema_name = '{stage}'")
    row = con.execute(
        f"select coalesce(sum(estimated_size), 0)::bigint from duckdb_tables() where {where}"
    ).fetchone()
    return int(row[0]) if row else 0


def unchanged(settings: Settings, stage: str) -> tuple[str, bool]:
    """The fingerprint of `stage` now, and whether it is the one it last finished with."""
    with store.connect(settings) as con:
        now = fingerprint(con, settings, stage)
        return now, store.stage_fingerprint(con, stage) == now
