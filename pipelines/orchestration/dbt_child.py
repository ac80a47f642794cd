"""dbt, imported once and forked for each command.

Comes in: over a Unix socket, one command at a time: its arguments and environment, and the pipe that takes
what it prints. Goes out: the process id of the fork, then its exit code. Importing dbt takes three seconds, a
fork none, and each command still has a process of its own, so that the warehouse is closed when it ends.

When the run that started all this is killed, dbt must not go on writing to the warehouse: the socket closes,
and with it ends the command; should this process be killed, a thread in the command notices, and ends it
(DuckDB rolls the open transaction back).
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
import threading
import time

_INTERVAL_SECONDS = 0.2
_IDLE_SECONDS = 120  # a web page that is open all day needn't keep dbt in memory
_MESSAGE_BYTES = 1 << 20


def end_with(parent: int) -> None:
    """Wait until `parent` isn't this process's parent any more, then end the process."""
    while os.getppid() == parent:
        time.sleep(_INTERVAL_SECONDS)
    os._exit(1)


def serve(control: socket.socket) -> list[str]:
    """Fork for each command that comes in; returns, in the fork only, the command's arguments.

    Raises:
        SystemExit: nobody wants anything any more.
    """
    parent = os.getpid()
    while select.select([control], [], [], _IDLE_SECONDS)[0]:
        message, descriptors, *_ = socket.recv_fds(control, _MESSAGE_BYTES, 1)
        while message and not message.endswith(b"\n"):
            more = control.recv(_MESSAGE_BYTES)
            message = more and message + more
        if not message:  # nobody is there any more, be it in the middle of a request
            break
        request = json.loads(message)
        alive, held = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(alive)  # `held` stays open for as long as the command lives
            control.close()
            _become(request, descriptors[0], parent)
            arguments: list[str] = request["arguments"]
            return arguments
        os.close(held)
        os.close(descriptors[0])
        control.sendall(f"{pid}\n".encode())
        if control in select.select([control, alive], [], [])[0]:
            os.kill(pid, signal.SIGKILL)
            break
        os.close(alive)
        control.sendall(f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())
    raise SystemExit


def _become(request: dict[str, dict[str, str]], output: int, parent: int) -> None:
    """Make the fork a process as if started for the command."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command; this ends with its socket
    from dbt.cli.main import cli  # but not duckdb: it starts a thread, which no fork survives

    gc.freeze()
    try:
        sys.argv[1:] = serve(socket.socket(fileno=int(sys.argv[1])))
    except ConnectionError:  # nobody wants the answer; the command ends itself
        sys.exit()
    cli()
