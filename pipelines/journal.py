"""What people have said, kept outside the warehouse: a CSV that lines are only ever added to.

Comes in: rows of text. Goes out: the file `<GUIKE_HOME>/<name>.csv`, and its rows with their line numbers. A
rebuild of the warehouse keeps it, and people may keep it under version control and read it in Excel. A row is
written whole or not at all; what was edited by hand and can't be understood is refused with its line.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock, Timeout

from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import Settings
from warehouse.store import make_home

_LOCK_SECONDS = 30.0
_held: set[Path] = set()


@dataclass(frozen=True)
class Journal:
    """One such file.

    Attributes:
        name: of the file, without its ending.
        header: the columns; the first is the row's own id.
    """

    settings: Settings
    name: str
    header: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return self.settings.home / f"{self.name}.csv"

    def rows(self) -> list[tuple[int, list[str]]]:
        """All rows in the file's order, each with the number of its line.

        Raises:
            GuikeError: a line that can't be understood, an id that stands there twice, or the unfinished line
                that a crash has left; with the line's number and what to do.
        """
        if not self.path.exists():
            return []
        content = self.path.read_bytes()
        if not content.endswith(b"\n"):
            with self.locked():  # another process may be half-way through its line
                content = self.path.read_bytes()
        return self._parsed(content)

    def append(self, rows: Sequence[Sequence[str]]) -> None:
        """Write whole lines and bring them to the disk; what can't be written whole is taken back."""
        if not rows:
            return
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        is_new = not self.path.exists() or not self.path.stat().st_size
        if is_new:
            writer.writerow(self.header)
        writer.writerows(rows)
        content = (b"\xef\xbb\xbf" if is_new else b"") + text.getvalue().encode()  # Excel asks for the BOM
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(handle).st_size
            try:
                rest = memoryview(content)
                while rest:
                    rest = rest[os.write(handle, rest) :]
                os.fsync(handle)
            except BaseException:
                os.ftruncate(handle, size)
                raise
        finally:
            os.close(handle)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only process at the file; entered again in the same one, it is a no-op."""
        make_home(self.settings)
        path = self.settings.home / f"{self.name}.lock"
        if path in _held:
            yield
            return
        lock = FileLock(path, timeout=_LOCK_SECONDS)
        try:
            lock.acquire()
        except Timeout:
            raise GuikeError(
                t("Another process is writing {file}.", file=self.path.name),
                t("Wait until it has finished, then try again."),
            ) from None
        _held.add(path)
        try:
            yield
        finally:
            _held.discard(path)
            lock.release()

    def wrong(self, line: int, what: str, remedy: str | None = None) -> GuikeError:
        """The error that says what is wrong with a line, and by default that lines are only added."""
        known = t("Mend that line, or fetch the file from a backup; lines in it are only ever added.")
        words = t("{file}, line {line}: {what}", file=self.path.name, line=line, what=what)
        return GuikeError(words, remedy or known)

    def moment_in(self, line: int, text: str) -> datetime:
        """The moment (UTC) that stands in a line; without a zone it is taken for UTC."""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self.wrong(line, t("'{text}' is no moment in ISO form", text=text)) from None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

    def _parsed(self, content: bytes) -> list[tuple[int, list[str]]]:
        if content and not content.endswith(b"\n"):
            raise self.wrong(
                content.count(b"\n") + 1, t("the line is not finished, as after a crash or a full disk"),
                t("Complete the line or take it out, and end the file with a line break; then try again."),
            )  # fmt: skip
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise self.wrong(line, t("it is not UTF-8"), t("Save the file as CSV in UTF-8.")) from None
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        found: list[tuple[int, list[str]]] = []
        seen: dict[str, int] = {}
        try:
            for number, row in enumerate(filter(None, reader)):
                if number == 0:
                    self._expect_header(row)
                    continue
                self._expect_new(row, reader.line_num, seen)
                found.append((reader.line_num, row))
        except csv.Error as error:
            raise self.wrong(reader.line_num, str(error)) from None
        return found

    def _expect_header(self, row: list[str]) -> None:
        if tuple(row) != self.header:
            raise self.wrong(
                1, t("the columns are {found}", found=", ".join(row)),
                t("They must be: {columns}.", columns=", ".join(self.header)),
            )  # fmt: skip

    def _expect_new(self, row: list[str], line: int, seen: dict[str, int]) -> None:
        if len(row) != len(self.header):
            words = t("{found} values instead of {wanted}", found=len(row), wanted=len(self.header))
            raise self.wrong(line, words)
        if row[0] in seen:
            raise self.wrong(
                line, t("{id} stands in line {line} already", id=row[0], line=seen[row[0]]),
                t("Take one of the two lines out."),
            )  # fmt: skip
        seen[row[0]] = line


def moment_after(before: datetime | None) -> datetime:
    """Now (UTC), but after what was said before: a clock that was put back must not undo what is said now."""
    moment = datetime.now(UTC)
    return before + timedelta(microseconds=1) if before and before >= moment else moment


def as_text(moment: datetime) -> str:
    """A moment as the files hold it."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
