"""The writer's lock. A failure here means that two runs can write at once, or that a dead one blocks all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.errors import GuikeError
from pipelines.settings import ROOT, Settings
from warehouse import store

_HOLDER = """
import sys, time
from dataclasses import replace
from pathlib import Path
from pipelines.settings import load_settings
from warehouse import store
with store.writer_lock(replace(load_settings(), home=Path(sys.argv[1])), "a long run"):
    print("held", flush=True)
    time.sleep(60)
"""


def _holder(home: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _HOLDER, str(home)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=_environment())
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_the_second_writer_is_told_who_holds_the_lock(settings: Settings) -> None:
    holder = _holder(settings.home)
    with pytest.raises(GuikeError) as caught, store.writer_lock(settings, "mine"):
        pytest.fail("two writers")
    assert str(holder.pid) in caught.value.what
    assert "a long run" in caught.value.what
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with store.writer_lock(settings, "mine"):
        pass


def test_one_process_may_enter_twice(settings: Settings) -> None:
    with store.writer_lock(settings, "outer"):
        with store.writer_lock(settings, "inner"):
            pass
        assert (settings.home / "writer.json").exists()
    assert not (settings.home / "writer.json").exists()


def test_a_cleared_fingerprint_is_gone(settings: Settings) -> None:
    with store.connect(settings) as con:
        store.ensure_schemas(con)
        store.set_stage_fingerprint(con, "core", "abc", "r1")
        assert store.stage_fingerprint(con, "core") == "abc"
        store.clear_stage_fingerprint(con, "core")
        assert store.stage_fingerprint(con, "core") is None


def test_a_warehouse_that_cannot_be_opened_is_not_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a lock goes away by itself, and not every path with "lock" in it is one."""
    monkeypatch.setattr(store.time, "sleep", lambda _: pytest.fail("waits for a lock that nobody holds"))
    path = settings.home / "blocks.duckdb"
    path.mkdir(parents=True)
    with pytest.raises(GuikeError, match="can't be opened"):
        store.connect(settings, path=path)
