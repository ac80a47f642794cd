"""How much memory a stage takes: this process and its children (dbt), at their highest together.

Comes in: nothing but the process's own id. Goes out: mebibytes. Linux tells it in /proc, which a thread reads
ten times a second; elsewhere the kernel's high-water mark of the process so far stands in.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
from pathlib import Path

_PROC = Path("/proc")
_INTERVAL_SECONDS = 0.1
_MIB = 1024 * 1024


class PeakMemory:
    """Watches from `start` to `stop`."""

    def __init__(self) -> None:
        self._highest = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="guike-memory", daemon=True)

    def start(self) -> PeakMemory:
        self._thread.start()
        return self

    def stop(self) -> float:
        """End the watch; the peak in MiB."""
        self._stop.set()
        self._thread.join()
        return self._highest / _MIB

    def _watch(self) -> None:
        while True:
            self._highest = max(self._highest, _resident(os.getpid()))
            if self._stop.wait(_INTERVAL_SECONDS):
                return


def _resident(pid: int) -> int:
    """Bytes that `pid` and its descendants hold in memory now."""
    if not _PROC.joinpath("self", "statm").exists():
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    try:
        pages = int(_PROC.joinpath(str(pid), "statm").read_text().split()[1])
        tasks = list(_PROC.joinpath(str(pid), "task").iterdir())
    except (OSError, IndexError):  # it ended meanwhile
        return 0
    return pages * resource.getpagesize() + sum(
        _resident(child) for task in tasks for child in _children(task)
    )


def _children(task: Path) -> list[int]:
    try:
        return [int(pid) for pid in (task / "children").read_text().split()]
    except OSError:
        return []
