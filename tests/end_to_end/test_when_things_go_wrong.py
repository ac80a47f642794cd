"""Two runs at once, dead systems, broken files, Ctrl-C, and readers that look while it happens.

If one of these fails, a company loses data, sees half of it, or isn't told.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.end_to_end.conftest import Company

pytestmark = pytest.mark.slow


SEEN = """
    select (select run_id from ops.snapshot), (select content_hash from ops.snapshot),
        (select count(*) from marts.customer_tiers), (select count(*) from core.dim_customers)
"""


@pytest.mark.thorough  # tests/warehouse/test_publish.py asks the same of publishing alone
def test_readers_see_whole_snapshots_only(copy: Company) -> None:
    """A reader that opens the published file over and over through two runs sees no error and no mixture."""
    stop, errors, seen = threading.Event(), [], set()

    def read() -> None:
        while not stop.is_set():
            try:
                with copy.published() as con:
                    seen.add(con.execute(SEEN).fetchone())
            except duckdb.Error as error:
                errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        copy.guike("run", "--from", "publish")
        copy.guike("run", "--from", "marts")
    finally:
        stop.set()
        reader.join()
    assert not errors
    runs = {row[0]: row[1:] for row in seen if row}
    assert len(runs) >= 2
    assert len(seen) == len(runs), "one snapshot was seen with two contents"


@pytest.mark.thorough
def test_a_run_for_a_year_before_knows_nothing_of_later(copy: Company) -> None:
    """Nothing that has happened since may be taken for an error, or be counted."""
    copy.guike("run", "--as-of", "2025-06-30")
    with copy.published() as con:
        facts = con.execute(
            "select (select count(*) from quality.record_issues "
            "where rule_id = 'orders.date_not_in_future'), "
            "(select max(period_end_on) from marts.customer_tiers), "
            "(select max(lost_on) <= date '2025-06-30' from marts.customer_churn)"
        ).fetchone()
    assert facts is not None
    assert facts[0] < 10
    assert facts[1:] == (date(2025, 6, 30), True)


def test_the_second_of_two_runs_says_who_holds_the_lock(copy: Company) -> None:
    first = copy.start("run", "--from", "marts")
    assert first.stdout is not None
    assert any("▶" in line for line in first.stdout), "the run ended without beginning a step"
    message = copy.guike("run", expect=4)
    assert str(first.pid) in message
    first.communicate(timeout=300)
    assert first.returncode == 0


@pytest.mark.thorough  # tests/orchestration/test_run.py asks the same of a small company
def test_a_dead_system_does_not_stop_the_others(copy: Company) -> None:
    source = copy.home / "demo" / "sources" / "wechat_contacts.csv"
    source.write_bytes(source.read_bytes() + b"\r\n")  # one system has news, another is down
    message = copy.guike("run", env={"GUIKE_CALLCENTRE_URL": "http://127.0.0.1:9"}, expect=3)
    assert "callcentre" in message
    with copy.published() as con:
        calls = con.execute("select count(*) from core.fct_tickets where system = 'callcentre'").fetchone()
    assert calls is not None
    assert calls[0] > 0, "yesterday's tickets must still be there"


def test_a_broken_file_keeps_yesterdays_rows(copy: Company) -> None:
    before = copy.marts()
    ledger = copy.home / "demo" / "sources" / "ledger.xlsx"
    ledger.write_bytes(ledger.read_bytes()[:5000])
    message = copy.guike("run", expect=3)
    assert "ledger" in message
    assert copy.marts() == before


def test_a_later_step_refuses_to_mix_two_dates(copy: Company) -> None:
    before = copy.marts()
    message = copy.guike("run", "--from", "marts", "--as-of", "2025-06-30", expect=1)
    assert "staging" in message
    assert copy.marts() == before


def test_rollback_gives_readers_the_snapshot_before(copy: Company) -> None:
    def published_run() -> str:
        with copy.published() as con:
            row = con.execute("select run_id from ops.snapshot").fetchone()
            assert row is not None
            return str(row[0])

    first = published_run()
    copy.guike("run", "--from", "publish")
    assert published_run() != first
    copy.guike("rollback")
    assert published_run() == first


def test_ctrl_c_leaves_the_published_snapshot(copy: Company) -> None:
    expected = copy.marts()
    process = copy.start("run", "--from", "marts")
    assert process.stdout is not None
    assert any("▶" in line for line in process.stdout), "the run ended without beginning a step"
    time.sleep(1.5)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert copy.marts() == expected
    copy.guike("run")
    assert copy.marts() == expected


def test_a_wrong_file_in_place_of_the_warehouse_is_named(tmp_path: Path) -> None:
    (tmp_path / "guike.duckdb").write_bytes(b"this is not a database" * 400)
    message = Company(tmp_path, tmp_path).guike("run", expect=1)
    assert "guike.duckdb" in message
