"""Where Guike prints: results to stdout, progress and errors to stderr.

Comes in: log records of the loggers under `guike`, errors, tables. Goes out: Rich output on a terminal,
plain lines anywhere else, so that a log file or a CI page stays readable.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipelines.errors import GuikeError

_PLAIN_WIDTH = 110


def out(plain_width: int = _PLAIN_WIDTH) -> Console:
    """The console for results; `plain_width` columns where stdout is no terminal."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else plain_width, highlight=False)


def err() -> Console:
    """The console for progress and errors; lines are never wrapped where stderr is no terminal."""
    return Console(file=sys.stderr, soft_wrap=not sys.stderr.isatty(), highlight=False)


def show_error(error: GuikeError) -> None:
    """Print what is wrong in red and what to do below it."""
    console = err()
    console.print(f"[bold red]✗ {escape(error.what)}[/]")
    console.print(f"  → {escape(error.remedy)}")


class _LineHandler(logging.Handler):
    """Prints each record as a line with the seconds since the start; the last one is the spinner's text."""

    def __init__(self, console: Console, progress: Progress | None) -> None:
        super().__init__(logging.INFO)
        self._console = console
        self._progress = progress
        self._started = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        text = escape(record.getMessage())
        style = {logging.WARNING: "yellow", logging.ERROR: "red"}.get(record.levelno, "")
        line = f"[{style}]{text}[/]" if style else text
        self._console.print(f"[dim]{time.monotonic() - self._started:6.1f} s[/]  {line}")
        if self._progress:
            self._progress.update(self._progress.task_ids[0], description=text)


@contextmanager
def progress_lines(title: str) -> Iterator[None]:
    """Show the INFO lines of the loggers under `guike` while the block runs, with a spinner on a terminal."""
    logger, console = logging.getLogger("guike"), err()
    bar: Progress | None = None
    if console.is_terminal:
        bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            refresh_per_second=5,
        )
        bar.add_task(escape(title))
        console = bar.console
    handler = _LineHandler(console, bar)
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        if bar:
            bar.start()
        yield
    finally:
        if bar:
            bar.stop()
        logger.removeHandler(handler)
        logger.level, logger.propagate = before


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], numbers: str = "") -> Table:
    """A table without vertical lines; `numbers` has a `>` at each column that is right-aligned."""
    shape = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for position, name in enumerate(columns):
        right = numbers[position : position + 1] == ">"
        shape.add_column(name, justify="right" if right else "left", header_style="dim", overflow="fold")
    for row in rows:
        shape.add_row(*(escape(cell(value)) for value in row))
    return shape


def cell(value: object) -> str:
    """`value` as a person reads it: thousands separated, no microseconds, an empty cell for NULL."""
    if value is None:
        return ""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1 else f"{value:,.2f}"
    if isinstance(value, Decimal):
        return f"{value:,}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return str(value)


def print_json(value: object) -> None:
    """One JSON document to stdout, for scripts; dates in ISO form, decimals as numbers, NaN as null."""
    sys.stdout.write(json.dumps(_plain(value), allow_nan=False, ensure_ascii=False, indent=2) + "\n")


def _plain(value: Any) -> object:
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, dict):  # of a map in SQL; its keys may be anything
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes | bytearray):
        return value.hex()
    return str(value)
