"""The exit codes of `guike`, and the writer's lock as a command takes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pipelines.errors import GuikeError
from pipelines.settings import Settings

EXIT_FAILED = 1
EXIT_STALE = 3
EXIT_LOCKED = 4
EXIT_INTERRUPTED = 130


class LockHeldError(GuikeError):
    """Another process writes to the warehouse."""


@contextmanager
def sole_writer(settings: Settings, purpose: str) -> Iterator[None]:
    """Hold the writer's lock while the block runs.

    Raises:
        LockHeldError: another process holds it; the message says which, since when and for what.
        GuikeError: the home folder can't be written.
    """
    from warehouse.store import BusyError, writer_lock

    with ExitStack() as stack:
        try:
            stack.enter_context(writer_lock(settings, purpose))
        except BusyError as error:
            raise LockHeldError(error.what, error.remedy) from None
        yield
