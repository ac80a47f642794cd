"""Judgements in bulk: a CSV with the columns record_a, record_b, verdict, reason and, if wanted, by.

Comes in: the file; further columns are no matter, so that a list with scores and evidence can be filled in
and given back. Goes out: one proposal per line, each checked; the first wrong line ends it with an error
that names file, line, column and what to do.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection
from pathlib import Path

from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.identity.judgement_rules import VERDICTS, Pair, Proposal
from pipelines.record_name import RecordName

COLUMNS = ("record_a", "record_b", "verdict", "reason")


def proposals(
    path: Path,
    by: str,
    unknown: Callable[[Collection[RecordName]], Collection[RecordName]] | None = None,
) -> list[Proposal]:
    """The lines of `path`.

    Args:
        by: who judges, where the column `by` is missing or empty.
        unknown: gives those of the records that nobody knows.

    Raises:
        GuikeError: the file can't be read, or a line is wrong.
    """
    rows = _rows(path)
    seen: dict[Pair, tuple[str, int]] = {}
    found = []
    for line, row in rows:
        one = _proposal(path, line, row, by)
        verdict, earlier = seen.setdefault(one.pair, (one.verdict, line))
        if verdict != one.verdict:
            raise _wrong(
                path, line, "verdict", t("line {line} says '{verdict}' of the same two records",
                                         line=earlier, verdict=verdict),
                t("Leave only one of the two lines."),
            )  # fmt: skip
        if earlier == line:
            found.append(one)
    if unknown:
        _expect_known(path, rows, set(unknown({name for one in found for name in (one.left, one.right)})))
    return found


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The file's lines with their numbers, as dictionaries by column."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        header = next(reader, [])
        names = [name.strip().lower() for name in header]
        for column in COLUMNS:
            if column not in names:
                raise _wrong(
                    path, 1, column, t("the column is missing; there are: {found}", found=", ".join(header)),
                    t("The first line must name the columns {columns} and, if wanted, by.",
                      columns=", ".join(COLUMNS)),
                )  # fmt: skip
        rows = []
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            if len(values) != len(names):
                raise GuikeError(
                    t("{file}, line {line}: {found} values under {wanted} columns", file=path.name,
                      line=reader.line_num, found=len(values), wanted=len(names)),
                    t("Put a text with a comma in it between double quotes."),
                )  # fmt: skip
            rows.append((reader.line_num, dict(zip(names, values, strict=True))))
    except csv.Error as error:
        raise GuikeError(
            t("{file}, line {line}: {what}", file=path.name, line=reader.line_num, what=error),
            t("Save it as CSV with commas, text between double quotes."),
        ) from None
    if not rows:
        raise GuikeError(
            t("{file} has no line with a judgement.", file=path.name),
            t("Write one line for each pair, below the line with the columns {columns}.",
              columns=", ".join(COLUMNS)),
        )  # fmt: skip
    return rows


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise GuikeError(
            t("{file} can't be read: {reason}", file=path, reason=error.strerror),
            t("Give the path of a CSV file."),
        ) from None
    if not content.strip():
        raise GuikeError(
            t("{file} is empty.", file=path.name),
            t("The first line must name the columns {columns} and, if wanted, by.",
              columns=", ".join(COLUMNS)),
        )  # fmt: skip
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise GuikeError(
            t("{file}, line {line}: it is not UTF-8", file=path.name,
              line=content[: error.start].count(b"\n") + 1),
            t("Save it as «CSV UTF-8»; other encodings can't be told apart for sure."),
        ) from None  # fmt: skip


def _proposal(path: Path, line: int, row: dict[str, str], by: str) -> Proposal:
    names = []
    for column in ("record_a", "record_b"):
        try:
            names.append(RecordName.parse(row[column]))
        except GuikeError as error:
            raise _wrong(path, line, column, error.what, error.remedy) from None
    if names[0] == names[1]:
        raise _wrong(
            path, line, "record_b", t("{record} is named twice.", record=names[0]),
            t("Name two different records."),
        )  # fmt: skip
    verdict = row["verdict"].strip().lower()
    if verdict not in VERDICTS:
        raise _wrong(
            path, line, "verdict", t("'{verdict}' is no verdict.", verdict=row["verdict"]),
            t("Choose one of: {known}.", known=", ".join(VERDICTS)),
        )  # fmt: skip
    if not row["reason"].strip():
        raise _wrong(
            path, line, "reason", t("A judgement needs who judges, and why."),
            t("Say why in a few words; whoever reads it in three years will want to know."),
        )  # fmt: skip
    place = t("{file}, line {line}", file=path.name, line=line)
    return Proposal(verdict, names[0], names[1], row.get("by", "").strip() or by, row["reason"], place)


def _expect_known(path: Path, rows: list[tuple[int, dict[str, str]]], strangers: set[RecordName]) -> None:
    for line, row in rows if strangers else ():
        for column in ("record_a", "record_b"):
            if RecordName.parse(row[column]) in strangers:
                raise _wrong(
                    path, line, column, t("there is no record {record}", record=row[column]),
                    t("Mend the name, or add --force if it will come with the next run."),
                )  # fmt: skip


def _wrong(path: Path, line: int, column: str, what: str, remedy: str) -> GuikeError:
    return GuikeError(
        t("{file}, line {line}, column {column}: {what}", file=path.name, line=line, column=column,
          what=what),
        remedy,
    )  # fmt: skip
