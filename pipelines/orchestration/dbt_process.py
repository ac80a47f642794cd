"""Commands for dbt, each in a process of its own that is forked from one with dbt already imported.

Comes in: an argument list and an environment. Goes out: the lines that dbt prints while it works, and its
exit code. The process with the imports is started when it is first wanted, or ahead of that by `warm_up`; it
ends with this process, or when it has not been wanted for a while.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import ROOT, environment


@dataclass
class Command:
    """A dbt command at work; `lines`, what it prints, ends when it does."""

    lines: TextIO
    pid: int
    _answers: TextIO
    _code: int | None = None

    def wait(self) -> int:
        """Its exit code; negative for the signal that ended it."""
        if self._code is None:
            self._code = _number(self._answers)
        return self._code

    def stop(self) -> None:
        """End it, unless it has ended."""
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
            self.wait()


@dataclass(frozen=True)
class _Server:
    process: subprocess.Popen[bytes]
    control: socket.socket
    answers: TextIO

    def close(self) -> None:
        self.answers.close()
        self.control.close()
        self.process.wait()


_servers: list[_Server] = []


def warm_up() -> None:
    """Have dbt imported in the background, for a command that will come."""
    if _servers and _servers[0].process.poll() is None:
        return
    while _servers:
        _servers.pop().close()
    env = environment()
    path = os.pathsep.join(filter(None, [os.fspath(ROOT), env.get("PYTHONPATH")]))
    ours, its = socket.socketpair()
    with its:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.orchestration.dbt_child", str(its.fileno())],
            cwd=ROOT, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            env={**env, "PYTHONPATH": path},
        )  # fmt: skip
    _servers.append(_Server(process, ours, ours.makefile("r")))


@contextmanager
def started(arguments: Sequence[str], env: Mapping[str, str]) -> Iterator[Command]:
    """A dbt command at work; with the block ends the command, should it still be at it.

    Raises:
        GuikeError: dbt can't be started, or its process was killed.
    """
    command = _start(arguments, env)
    try:
        with command.lines:
            yield command
    finally:
        command.stop()


def _start(arguments: Sequence[str], env: Mapping[str, str]) -> Command:
    request = json.dumps({"arguments": list(arguments), "environment": dict(env)}).encode() + b"\n"
    for _ in range(2):  # it may have ended itself just now
        warm_up()
        server = _servers[0]
        lines, output = os.pipe()
        try:
            socket.send_fds(server.control, [request[:1]], [output])
            server.control.sendall(request[1:])
            pid = _number(server.answers)
        except (OSError, GuikeError):
            os.close(lines)
            _servers.pop().close()
        else:
            return Command(os.fdopen(lines, encoding="utf-8", errors="replace"), pid, server.answers)
        finally:
            os.close(output)
    raise _gone()


def _number(answers: TextIO) -> int:
    line = answers.readline()
    if not line.endswith("\n"):
        raise _gone()
    return int(line)


def _gone() -> GuikeError:
    return GuikeError(
        t("dbt can't be started, or was ended from outside."),
        t("Run again; if it happens once more, `guike doctor` says what is missing."),
    )
