"""dbt's command line, tied to the life of the process that started it.

Comes in: dbt's arguments. Goes out: what dbt prints, and its exit code. When the run that started it is
killed, dbt must not go on writing to the warehouse: a thread notices that the parent has changed and ends
the process at once (DuckDB rolls the open transaction back).
"""

from __future__ import annotations

import os
import sys
import threading
import time

_INTERVAL_SECONDS = 0.2


def end_with(parent: int) -> None:
    """Wait until `parent` isn't this process's parent any more, then end the process."""
    while os.getppid() == parent:
        time.sleep(_INTERVAL_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with, args=(int(sys.argv.pop(1)),), daemon=True).start()
    from dbt.cli.main import cli

    cli()
