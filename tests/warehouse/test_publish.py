"""Publishing. A failure here means that readers can see a broken, mixed or unmasked state."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pipelines.errors import GuikeError
from pipelines.settings import Settings
from warehouse import store
from warehouse.masking import manifest_path, masked_columns
from warehouse.publish import current, publish, rollback, rolled_back_from, snapshots

Fill = Callable[[int], None]


def _rows(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.published / "current.duckdb"), read_only=True) as con:
        return con.execute(sql).fetchall()


def test_snapshot_holds_what_readers_need_and_nothing_else(settings: Settings, fill: Fill) -> None:
    fill(1)
    snapshot = publish(settings, "r1")
    relations = {
        f"{s}.{n}" for s, n in _rows(settings, "select schema_name, table_name from duckdb_tables()")
    }
    assert {"core.dim_customers", "marts.customer_tiers", "ops.runs", "ops.snapshot"} <= relations
    assert not relations & {"identity.records", "quality.passed_customers"}
    assert _rows(settings, "select count(*) from duckdb_views() where not internal") == [(0,)]
    assert current(settings) == snapshot
    assert _rows(settings, "select run_id, content_hash from ops.snapshot") == [("r1", snapshot.content_hash)]


def test_personal_data_is_masked_by_its_tag(settings: Settings, fill: Fill) -> None:
    fill(1)
    publish(settings, "r1")
    assert _rows(settings, "from core.dim_customers order by 1") == [
        ("C00000001", "person", "李**", "138****5678", "l***@example.com", "江苏省无锡市***", "li***"),
        (
            "C00000002",
            "organisation",
            "无锡锡城机械有限公司",
            "051******1234",
            "o***@example.com",
            None,
            None,
        ),
    ]
    assert _rows(settings, "select record from quality.set_aside") == [(None,)]


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("91320400276184090N", "91320400276184090N"), ("91310000MA1FL0AX1", "91310000MA1FL0AX1"),
        ("110105194912310021", "110************21"), ("11010519491231002x", "110************2x"),
        ("110105491231002", "110************02"),
    ],
)  # fmt: skip
def test_a_person_s_id_in_place_of_a_firm_s_code_is_masked(code: str, shown: str) -> None:
    tags = {"core.t": {"code": "code"}}
    masked = masked_columns("core.t", {"code": "VARCHAR"}, tags, "c")["code"]
    assert duckdb.execute(f"select {masked} from (select $code as code)", {"code": code}).fetchone() == (
        shown,
    )


def test_losing_values_are_masked_as_well(settings: Settings, fill: Fill) -> None:
    """A firm's name is public; that of a person whose record was attached to the firm is not."""
    fill(1)
    publish(settings, "r1")
    in_order = "order by customer_id, attribute, value_rank"
    assert _rows(settings, f"select attribute, value from core.attribute_lineage {in_order}") == [
        ("customer_name", "李**"), ("mobile", "138****5678"), ("mobile", "139****4321"),
        ("customer_name", "无锡锡城机械有限公司"), ("customer_name", "王**"), ("customer_name", "王**"),
        ("industry", "机械"),
    ]  # fmt: skip


def test_plain_profile_shows_everything(settings: Settings, fill: Fill) -> None:
    fill(1)
    snapshot = publish(replace(settings, mask_personal_data=False), "r1")
    assert not snapshot.is_masked
    assert _rows(settings, "select mobile from core.dim_customers order by 1 desc limit 1") == [
        ("13812345678",)
    ]


def test_nothing_is_published_unmasked_by_accident(settings: Settings, fill: Fill) -> None:
    fill(1)
    manifest_path(settings).unlink()
    with pytest.raises(GuikeError, match="personal data"):
        publish(settings, "r1")
    assert current(settings) is None


def test_unknown_kind_of_personal_data_is_refused(settings: Settings, fill: Fill) -> None:
    fill(1)
    path = manifest_path(settings)
    path.write_text(path.read_text(encoding="utf-8").replace('"wechat"', '"qq"'), encoding="utf-8")
    with pytest.raises(GuikeError, match="qq"):
        publish(settings, "r1")


@pytest.mark.parametrize("damage", ["drop table core.fct_payments", "delete from core.dim_customers"])
def test_incomplete_state_leaves_yesterdays_snapshot(settings: Settings, fill: Fill, damage: str) -> None:
    fill(1)
    before = publish(settings, "r1")
    with store.connect(settings) as con:
        con.execute(damage)
    with pytest.raises(GuikeError, match="Not published"):
        publish(settings, "r2")
    assert current(settings) == before
    assert [p.name for p in (settings.published / "snapshots").iterdir()] == ["r1.duckdb"]


def test_content_hash_follows_the_rows_not_their_order(settings: Settings, fill: Fill) -> None:
    fill(1)
    first = publish(settings, "r1")
    with store.connect(settings) as con:
        con.execute("create or replace table core.dim_customers as from core.dim_customers order by 1 desc")
    second = publish(settings, "r2")
    fill(2)
    third = publish(settings, "r3")
    assert first.content_hash == second.content_hash != third.content_hash


def test_rollback_and_forward_again(settings: Settings, fill: Fill) -> None:
    fill(1)
    first = publish(settings, "r1")
    fill(2)
    publish(settings, "r2")
    assert rollback(settings) == first == current(settings)
    assert _rows(settings, "select distinct generation from core.fct_orders") == [(1,)]
    with pytest.raises(GuikeError, match="no snapshot before"):
        rollback(settings)
    forward = publish(settings, "r2")
    assert current(settings) == forward
    with store.connect(settings, read_only=True) as con:
        assert con.execute("select run_id, rolled_back_at from ops.snapshots order by 1").fetchall() == [
            ("r1", None), ("r2", None),
        ]  # fmt: skip


def test_rollback_never_returns_to_what_was_rolled_back(settings: Settings, fill: Fill) -> None:
    fill(1)
    for run_id in ("r1", "r2", "r3"):
        publish(settings, run_id)
    assert rolled_back_from(settings) is None
    assert rollback(settings).run_id == "r2"
    taken_back = rolled_back_from(settings)
    assert taken_back is not None
    assert taken_back[0] == "r3"
    # Of four only three are kept: the rejected one goes first, not the oldest good one.
    publish(settings, "r4")
    assert [s.run_id for s in snapshots(settings)] == ["r1", "r2", "r4"]
    assert rolled_back_from(settings) is None
    assert rollback(settings).run_id == "r2"
    settings.warehouse.unlink()
    assert rollback(settings).run_id == "r1"
    with pytest.raises(GuikeError, match="rolled back"):
        rollback(settings)


def test_rollback_passes_over_a_rejected_snapshot_that_is_kept(settings: Settings, fill: Fill) -> None:
    settings = replace(settings, keep_snapshots=7)
    fill(1)
    for run_id in ("r1", "r2", "r3"):
        publish(settings, run_id)
    rollback(settings)
    publish(settings, "r4")
    assert [s.run_id for s in snapshots(settings)] == ["r1", "r2", "r3", "r4"]
    assert rollback(settings).run_id == "r2"


def test_only_so_many_snapshots_are_kept(settings: Settings, fill: Fill) -> None:
    fill(1)
    for number in range(5):
        publish(settings, f"r{number}")
    assert [s.run_id for s in snapshots(settings)] == ["r2", "r3", "r4"]


def test_left_over_build_of_a_killed_run_is_removed(settings: Settings, fill: Fill) -> None:
    fill(1)
    folder = settings.published / "snapshots"
    folder.mkdir(parents=True)
    (folder / ".building-dead.duckdb").write_bytes(b"half")
    publish(settings, "r1")
    assert [p.name for p in folder.iterdir()] == ["r1.duckdb"]


_READER = """
import sys, duckdb, time
path, stop = sys.argv[1], sys.argv[2]
import os
reads = 0
generations = set()
while not os.path.exists(stop) or reads == 0:
    with duckdb.connect(path, read_only=True) as con:
        found = con.execute(
            "select generation from core.fct_orders union select generation from marts.customer_tiers "
            "union select generation from marts.customer_churn"
        ).fetchall()
    assert len(found) == 1, found
    generations.add(found[0][0])
    reads += 1
print(reads, len(generations))
"""


def test_readers_in_a_loop_see_no_error_and_no_mixture(
    settings: Settings, fill: Fill, tmp_path: Path
) -> None:
    fill(0)
    publish(settings, "r0")
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", _READER, str(settings.published / "current.duckdb"), str(stop)]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    for generation in range(1, 8):
        fill(generation)
        publish(settings, f"r{generation}")
    stop.touch()
    seen = []
    for reader in readers:
        out, error = reader.communicate(timeout=60)
        assert reader.returncode == 0, error.decode()
        seen.append(int(out.split()[1]))
    assert max(seen) > 1


def test_a_reader_keeps_the_snapshot_it_opened(settings: Settings, fill: Fill) -> None:
    fill(1)
    publish(settings, "r1")
    handle = os.open(settings.published / "current.duckdb", os.O_RDONLY)
    inode = os.fstat(handle).st_ino
    fill(2)
    publish(settings, "r2")
    assert os.fstat(handle).st_ino == inode != (settings.published / "current.duckdb").stat().st_ino
    os.close(handle)
