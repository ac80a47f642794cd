"""Publishing: from the working file to the snapshot that readers open.

Comes in: the relations of core, marts, quality, identity and ops in the working file. Goes out:
`published/snapshots/<run id>.duckdb`, and `published/current.duckdb`, which is the same file under a second
name. A snapshot is built beside, checked, closed and only then put under that name in one step, so that a
reader sees the whole of yesterday or the whole of today; who has the old one open keeps it.
`published/rolled_back.json` says which snapshots were taken back: a roll-back never returns to one of them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import Settings
from warehouse import store
from warehouse.masking import Tags, masked_columns, personal_data

_log = logging.getLogger("guike.publish")

REQUIRED = (
    "core.dim_customers", "core.attribute_lineage", "core.fct_orders", "core.fct_payments",
    "core.customer_hierarchy", "core.customer_aliases", "core.customer_xref_history",
    "identity.customer_xref", "identity.customer_ids", "identity.customer_id_changes",
    "quality.record_issues", "quality.set_aside", "quality.reconciliation",
    "marts.customer_tiers", "marts.tier_movement", "marts.customer_churn", "marts.churn_by_quarter",
)  # fmt: skip
"""Relations without which a snapshot isn't published."""
# A young company may have no tier or loss yet, but a company without customers is a broken run.
NOT_EMPTY = ("core.dim_customers",)

_WHOLE_SCHEMAS = ("core", "marts", "quality", "ops")
_IDENTITY = ("customer_xref", "customer_ids", "customer_id_changes", "unresolved")
# Gate 1's working views repeat the input, dbt's checks only feed the gates' rules, and hold values as they
# are; int_ models are steps on the way, table_state is what the next load goes by.
_NOT_FOR_READERS = ("passed_", "check__", "unified__", "int_", "table_state")
# Whole source records, and what people wrote, as text: no tag can mask what is inside.
_UNMASKABLE = {"quality.set_aside": ("record",), "quality.waived_issues": ("reason",)}


@dataclass(frozen=True)
class Snapshot:
    """One published state.

    Attributes:
        content_hash: of all rows of the marts, the same for the same marts whatever the order of rows.
        rows: of all its relations together.
    """

    run_id: str
    as_of: date
    published_at: datetime
    content_hash: str
    relations: int
    rows: int
    is_masked: bool
    path: Path


def publish(settings: Settings, run_id: str) -> Snapshot:
    """Build the snapshot of `run_id` from the working file, check it and make it the current one.

    Raises:
        GuikeError: another process writes, there is nothing to publish, or the snapshot fails a check;
            the current snapshot stays as it was.
    """
    with store.writer_lock(settings, t("publishing")):
        if not settings.warehouse.exists():
            raise GuikeError(t("There is nothing to publish yet."), t("Run `guike run` first."))
        folder = _snapshots(settings)
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in folder.glob(".building-*"):
            leftover.unlink()
        building = folder / f".building-{run_id}.duckdb"
        try:
            snapshot = _build(settings, building, run_id)
        except BaseException:
            building.unlink(missing_ok=True)
            raise
        _seal(building, snapshot.path)
        with store.connect(settings) as con:
            _record(con, snapshot)
        _make_current(settings, snapshot.path)
        _remember(settings, {r: at for r, at in _rolled_back(settings).items() if r != run_id})
        _prune(settings, snapshot.path)
    _log.info(
        t(
            "published {rows:,} rows in {relations} relations",
            rows=snapshot.rows,
            relations=snapshot.relations,
        )
    )
    return snapshot


def rollback(settings: Settings) -> Snapshot:
    """Make the snapshot before the current one current again; those rolled back earlier are passed over.

    Raises:
        GuikeError: another process writes, or there is no earlier snapshot that wasn't rolled back.
    """
    with store.writer_lock(settings, t("rolling back")):
        present = current(settings)
        if present is None:
            raise GuikeError(t("Nothing has been published yet."), t("Run `guike run` first."))
        rejected = _rolled_back(settings)
        earlier = [
            s
            for s in snapshots(settings)
            if s.published_at < present.published_at and s.run_id not in rejected
        ]
        if not earlier:
            raise GuikeError(
                t(
                    "There is no snapshot before that of {moment} UTC, other than those rolled back.",
                    moment=f"{present.published_at:%Y-%m-%d %H:%M}",
                ),
                t("Keep more of them with GUIKE_KEEP_SNAPSHOTS."),
            )
        # First the mark: killed in between, the next roll-back still doesn't return to this snapshot.
        _remember(settings, rejected | {present.run_id: store.now().isoformat(timespec="seconds")})
        _make_current(settings, earlier[-1].path)
        if settings.warehouse.exists():
            with store.connect(settings) as con:
                store.ensure_schemas(con)
                con.execute(
                    "update ops.snapshots set rolled_back_at = ? where run_id = ?",
                    [store.now(), present.run_id],
                )
    _log.info(t("rolled back to the snapshot of run {run_id}", run_id=earlier[-1].run_id))
    return earlier[-1]


def current(settings: Settings) -> Snapshot | None:
    """The snapshot that readers see, or None before the first one."""
    path = settings.published / "current.duckdb"
    return _read(path) if path.exists() else None


def rolled_back_from(settings: Settings) -> tuple[str, datetime] | None:
    """The newest run whose snapshot was taken back and is newer than the current one, and when that was."""
    rejected, present = _rolled_back(settings), current(settings)
    if not rejected or present is None:
        return None
    later = [s for s in snapshots(settings) if s.run_id in rejected and s.published_at > present.published_at]
    return (later[-1].run_id, datetime.fromisoformat(rejected[later[-1].run_id])) if later else None


def snapshots(settings: Settings) -> list[Snapshot]:
    """All kept snapshots, the oldest first."""
    found = (_read(path) for path in _snapshots(settings).glob("*.duckdb") if not path.name.startswith("."))
    return sorted(found, key=lambda s: (s.published_at, s.run_id))


def _snapshots(settings: Settings) -> Path:
    return settings.published / "snapshots"


def _rolled_back_file(settings: Settings) -> Path:
    """Beside the snapshots: the warehouse may be gone when readers still need them."""
    return settings.published / "rolled_back.json"


def _rolled_back(settings: Settings) -> dict[str, str]:
    """Run ids of the snapshots that were rolled back, each with the moment (UTC, ISO)."""
    path = _rolled_back_file(settings)
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _remember(settings: Settings, rolled_back: dict[str, str]) -> None:
    """Write down, in one step, which snapshots were rolled back."""
    path = _rolled_back_file(settings)
    if not rolled_back:
        path.unlink(missing_ok=True)
        return
    beside = path.with_name(".rolled_back.new")
    beside.write_text(json.dumps(rolled_back, indent=2), encoding="utf-8")
    _sync(beside)
    os.replace(beside, path)
    _sync(settings.published)


def _read(path: Path) -> Snapshot:
    with duckdb.connect(str(path), read_only=True) as con:
        row = con.execute(
            "select run_id, as_of, published_at, content_hash, relations, row_count, is_masked "
            "from ops.snapshot"
        ).fetchone()
    assert row is not None
    run_id, as_of, published_at, content, relations, rows, is_masked = row
    if path.stem == "current":
        path = path.parent / "snapshots" / f"{run_id}.duckdb"
    return Snapshot(run_id, as_of, published_at, content, relations, rows, is_masked, path)


def _build(settings: Settings, building: Path, run_id: str) -> Snapshot:
    """Fill `building`, check it and leave it closed."""
    tags = personal_data(settings) if settings.mask_personal_data else {}
    catalogue = f'"{settings.warehouse.stem}"'  # the name that the views' own SQL uses
    published_at = store.now()
    with store.connect(settings, path=building) as con:
        con.execute("set preserve_insertion_order = true")
        source = str(settings.warehouse).replace("'", "''")
        con.execute(f"attach '{source}' as {catalogue} (read_only)")
        counts: dict[str, int] = {}
        marts: dict[str, str] = {}
        for relation in _relations(con, settings.warehouse.stem):
            query = _query(con, relation, settings, tags)
            counts[relation] = _copy(con, relation, query)
            if relation.startswith("marts."):
                marts[relation] = store.content_hash(con, relation)
                _expect_equal(relation, marts[relation], store.content_hash(con, f"({query})"))
        _expect_complete(counts)
        content = hashlib.sha256("\n".join(f"{r}={h}" for r, h in sorted(marts.items())).encode()).hexdigest()
        snapshot = Snapshot(
            run_id, settings.as_of, published_at, content, len(counts), sum(counts.values()),
            settings.mask_personal_data, building.parent / f"{run_id}.duckdb",
        )  # fmt: skip
        _sign(con, snapshot)
        con.execute(f"detach {catalogue}")
        con.execute("checkpoint")
    return snapshot


def _relations(con: duckdb.DuckDBPyConnection, catalogue: str) -> list[str]:
    rows = con.execute(
        "select table_schema, table_name from information_schema.tables where table_catalog = ? "
        "order by 1, 2",
        [catalogue],
    ).fetchall()
    return [
        f"{schema}.{name}"
        for schema, name in rows
        if (schema in _WHOLE_SCHEMAS and not name.startswith(_NOT_FOR_READERS))
        or (schema == "identity" and name in _IDENTITY)
    ]


def _query(con: duckdb.DuckDBPyConnection, relation: str, settings: Settings, tags: Tags) -> str:
    """The select that gives what is published of `relation`."""
    catalogue = settings.warehouse.stem
    source = f'"{catalogue}".{_quoted(relation)}'
    if not settings.mask_personal_data:
        return f"select * from {source}"
    schema, name = relation.split(".", 1)
    columns = dict(
        con.execute(
            "select column_name, data_type from information_schema.columns "
            "where table_catalog = ? and table_schema = ? and table_name = ?",
            [catalogue, schema, name],
        ).fetchall()
    )
    replaced = masked_columns(relation, columns, tags, f'"{catalogue}"')
    replaced |= {c: f"null::{columns[c]}" for c in _UNMASKABLE.get(relation, ()) if c in columns}
    if not replaced:
        return f"select * from {source}"
    expressions = ", ".join(f'{sql} as "{column}"' for column, sql in sorted(replaced.items()))
    return f"select * replace ({expressions}) from {source}"


def _copy(con: duckdb.DuckDBPyConnection, relation: str, query: str) -> int:
    """Copy and count; raises where the copy has another number of rows than its source."""
    con.execute(f"create schema if not exists {relation.split('.', 1)[0]}")
    con.execute(f"create table {_quoted(relation)} as {query}")
    rows = [con.execute(f"select count(*) from {r}").fetchone() for r in (_quoted(relation), f"({query})")]
    counts = [row[0] for row in rows if row]
    _expect_equal(relation, counts[0], counts[1])
    return int(counts[0])


def _quoted(relation: str) -> str:
    schema, name = relation.split(".", 1)
    return f'"{schema}"."{name}"'


def _expect_equal(relation: str, copied: object, original: object) -> None:
    if copied != original:
        raise GuikeError(
            t("{relation}: the snapshot's copy differs from the working file.", relation=relation),
            t("Run `guike run --from publish`; yesterday's snapshot is still the current one."),
        )


def _expect_complete(counts: dict[str, int]) -> None:
    missing = [r for r in REQUIRED if r not in counts]
    empty = [r for r in NOT_EMPTY if not counts.get(r)]
    if missing or empty:
        raise GuikeError(
            t(
                "Not published: missing {missing}; empty {empty}.",
                missing=", ".join(missing) or "–",
                empty=", ".join(empty) or "–",
            ),
            t("Look at the stage that makes them (`guike status`); the snapshot before is still current."),
        )


def _sign(con: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    """Say inside the snapshot what it is; its own run counts as published from here on."""
    con.execute("create schema if not exists ops")
    con.execute(
        "create table ops.snapshot as select ? as run_id, ?::date as as_of, ?::timestamp as published_at, "
        "? as content_hash, ?::integer as relations, ?::bigint as row_count, ?::boolean as is_masked",
        [
            snapshot.run_id, snapshot.as_of, snapshot.published_at, snapshot.content_hash,
            snapshot.relations, snapshot.rows, snapshot.is_masked,
        ],
    )  # fmt: skip
    con.execute(
        "update ops.runs set status = 'published', finished_at = ?, snapshot = run_id where run_id = ?",
        [snapshot.published_at, snapshot.run_id],
    )


def _record(con: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> None:
    store.ensure_schemas(con)
    con.execute(
        "insert or replace into ops.snapshots values (?, ?, ?, ?, ?, ?, ?, ?, null)",
        [
            snapshot.run_id, snapshot.as_of, snapshot.published_at, snapshot.content_hash,
            snapshot.relations, snapshot.rows, snapshot.path.stat().st_size, snapshot.is_masked,
        ],
    )  # fmt: skip


def _seal(building: Path, final: Path) -> None:
    """Bring the closed file to the disk under its own name, read-only."""
    building.chmod(0o444)
    _sync(building)
    os.replace(building, final)
    _sync(final.parent)


def _make_current(settings: Settings, snapshot: Path) -> None:
    """Give `snapshot` the second name that readers open, in one step."""
    beside = settings.published / ".current.new"
    beside.unlink(missing_ok=True)
    try:
        os.link(snapshot, beside)
    except OSError:  # a file system without hard links
        shutil.copyfile(snapshot, beside)
        _sync(beside)
    os.replace(beside, settings.published / "current.duckdb")
    _sync(settings.published)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _prune(settings: Settings, keep: Path) -> None:
    """Delete what is more than is kept: first those rolled back, then the oldest."""
    rejected = _rolled_back(settings)
    old = [s for s in snapshots(settings) if s.path != keep]
    old.sort(key=lambda s: s.run_id not in rejected)
    for snapshot in old[: max(0, len(old) - (settings.keep_snapshots - 1))]:
        snapshot.path.unlink()
        rejected.pop(snapshot.run_id, None)
    _remember(settings, rejected)
