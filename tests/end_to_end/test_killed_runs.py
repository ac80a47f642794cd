"""`kill -9` in the middle of every stage.

If one of these fails, a power cut leaves a company with other figures than it would have had.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time

import duckdb
import pytest

from pipelines.orchestration.stages import STAGES
from tests.end_to_end.conftest import Company

pytestmark = pytest.mark.slow


def _kill_when(process: subprocess.Popen[str], words: str, delay: float) -> str:
    """Kill the run some moments after it has printed a line with these words; return what it printed."""
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        if words in line:
            time.sleep(delay)
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return "".join(printed)


@pytest.mark.parametrize(
    "stages",
    [
        pytest.param(("identity",), id="ids"),
        pytest.param(STAGES, id="every stage", marks=pytest.mark.thorough),
    ],
)
def test_killed_runs_are_made_good_by_the_next(copy: Company, stages: tuple[str, ...]) -> None:
    """`kill -9` inside one stage after the other: what one run leaves is what the next one starts from."""
    expected = copy.marts()
    (copy.home / "guike.duckdb").unlink()  # nothing of the first run is left but what was published
    for stage in stages:
        printed = _kill_when(copy.start("run"), f"▶ {stage}", delay=0.7)
        assert f"▶ {stage}" in printed, f"the run before left nothing to do for {stage}"

    copy.guike("run")

    with duckdb.connect(str(copy.home / "guike.duckdb"), read_only=True) as con:
        killed = con.execute("select count(*) from ops.runs where status = 'killed'").fetchone()
    assert killed == (len(stages),)
    # Even without the old warehouse: the ids were minted anew, and in the same order.
    assert copy.marts() == expected
