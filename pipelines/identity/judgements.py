"""What people have judged: these two records are one customer, or they are not.

Comes in: a verdict on a pair of records, with who says so and why; or a CSV with many. Goes out: lines in
`<GUIKE_HOME>/judgements.csv`, and TEMP `judgements` with those in force, for the matcher. The file lives
outside the warehouse, so that a rebuild keeps it, and people may keep it under version control. Lines are
only ever added: a later judgement on the same two records takes the place of the earlier one, and
`withdrawn` takes it back. Judgements that contradict each other are never taken in.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.identity.judgement_import import proposals
from pipelines.identity.judgement_rules import (
    VERDICTS,
    Judgement,
    Pair,
    Proposal,
    RecordName,
    find_contradiction,
    in_force,
    latest,
)
from pipelines.settings import Settings
from warehouse.store import make_home

HEADER = (
    "judgement_id", "judged_at", "judged_by", "verdict", "left_record", "right_record", "reason",
    "supersedes",
)  # fmt: skip
_LOCK_SECONDS = 30.0
_LINKS_SHOWN = 8


@dataclass(frozen=True)
class ImportCounts:
    """What an import did.

    Attributes:
        added: lines taken in. superseded: earlier judgements whose place they took.
        unchanged: lines that say what is in force already; they are not taken in again.
    """

    added: int
    superseded: int
    unchanged: int


def file_of(settings: Settings) -> Path:
    """Where the judgements of this company are kept."""
    return settings.home / "judgements.csv"


def add(settings: Settings, verdict: str, left: str, right: str, by: str, reason: str) -> Judgement:
    """Keep one judgement.

    Args:
        verdict: "same", "different" or "withdrawn".
        left, right: the records, each `system.source_table.source_id`.
        by: who judges. reason: why, in words.

    Raises:
        GuikeError: a name or verdict that can't be, no reason, nothing to withdraw, or a contradiction with
            judgements in force, which it names.
    """
    proposal = Proposal(verdict, RecordName.parse(left), RecordName.parse(right), by, reason)
    return _keep(settings, [proposal])[0]


def import_csv(
    settings: Settings,
    path: Path,
    by: str,
    unknown: Callable[[Collection[RecordName]], Collection[RecordName]] | None = None,
) -> ImportCounts:
    """Keep all judgements of a CSV file, or none where one line is wrong. See `judgement_import`.

    Args:
        by: who judges, where the file's column `by` doesn't say.
        unknown: gives those of the records that nobody knows; a line that names one is then wrong.
    """
    wanted = proposals(path, by, unknown)
    with _locked(settings):
        before = latest(read(settings))
        fresh = [one for one in wanted if one.pair not in before or before[one.pair].verdict != one.verdict]
        added = _keep(settings, fresh)
    superseded = sum(one.supersedes is not None for one in added)
    return ImportCounts(len(added), superseded, len(wanted) - len(added))


def read(settings: Settings) -> list[Judgement]:
    """All judgements ever made, in the order of the file.

    Raises:
        GuikeError: a line that can't be understood, or the unfinished line that a crash has left; with the
            line's number and what to do.
    """
    path = file_of(settings)
    if not path.exists():
        return []
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        with _locked(settings):  # another process may be half-way through its line
            content = path.read_bytes()
    return _parsed(path, content)


def load(con: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    """Make TEMP `judgements` of those in force; gives their number.

    The columns are left_system, left_table, left_id, right_system, right_table, right_id, verdict (same or
    different) and judgement_id; left is before right.

    Raises:
        GuikeError: the file can't be understood, or was edited so that judgements contradict each other.
    """
    valid = in_force(read(settings))
    _refuse_contradiction(valid, {})
    columns = [
        [getattr(one.pair[side], part) for one in valid]
        for side in (0, 1)
        for part in ("system", "source_table", "source_id")
    ]
    columns += [[one.verdict for one in valid], [one.judgement_id for one in valid]]
    con.execute(
        """
        create or replace temp table judgements as
        select unnest($1::varchar[]) as left_system, unnest($2::varchar[]) as left_table,
            unnest($3::varchar[]) as left_id, unnest($4::varchar[]) as right_system,
            unnest($5::varchar[]) as right_table, unnest($6::varchar[]) as right_id,
            unnest($7::varchar[]) as verdict, unnest($8::varchar[]) as judgement_id
        """,
        columns,
    )
    return len(valid)


def fingerprint(settings: Settings) -> str:
    """A hash of the judgements in force: the identity stage has to run again when it is another."""
    said = sorted(
        f"{one.pair[0]}\0{one.pair[1]}\0{one.verdict}\0{one.judgement_id}" for one in in_force(read(settings))
    )
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _keep(settings: Settings, proposals: Sequence[Proposal]) -> list[Judgement]:
    """Add the proposals to the file, all or none."""
    with _locked(settings):
        valid = latest(read(settings))
        added = []
        for proposal in proposals:
            judgement = _judged(proposal, valid)
            valid[judgement.pair] = judgement
            added.append(judgement)
        places = {one.judgement_id: proposal.place for one, proposal in zip(added, proposals, strict=True)}
        _refuse_contradiction([one for one in valid.values() if one.verdict != "withdrawn"], places)
        _append(file_of(settings), added)
    return added


def _judged(proposal: Proposal, valid: dict[Pair, Judgement]) -> Judgement:
    """The proposal as a judgement, with what it supersedes."""
    where = f"{proposal.place}: " if proposal.place else ""
    if proposal.verdict not in VERDICTS:
        raise GuikeError(
            where + t("'{verdict}' is no verdict.", verdict=proposal.verdict),
            t("Choose one of: {known}.", known=", ".join(VERDICTS)),
        )
    if proposal.left == proposal.right:
        raise GuikeError(
            where + t("{record} is named twice.", record=proposal.left), t("Name two different records.")
        )
    reason, by = " ".join(proposal.reason.split()), " ".join(proposal.by.split())
    if not reason or not by:
        raise GuikeError(
            where + t("A judgement needs who judges, and why."),
            t("Say why in a few words; whoever reads it in three years will want to know."),
        )
    before = valid.get(proposal.pair)
    standing = before if before and before.verdict != "withdrawn" else None
    if proposal.verdict == "withdrawn" and standing is None:
        raise GuikeError(
            where + t("There is no judgement on {left} and {right} to withdraw.", left=proposal.left,
                      right=proposal.right),
            t("See what is in force with `guike judge list`."),
        )  # fmt: skip
    moment = datetime.now(UTC)
    if before and before.judged_at >= moment:  # a clock that was put back must not undo what is said now
        moment = before.judged_at + timedelta(microseconds=1)
    said = (moment.isoformat(), by, proposal.verdict, str(proposal.left), str(proposal.right), reason)
    identifier = "J" + hashlib.sha256("\0".join(said).encode()).hexdigest()[:12]
    return Judgement(
        identifier, moment, by, proposal.verdict, proposal.left, proposal.right, reason,
        standing.judgement_id if standing else None,
    )  # fmt: skip


def _refuse_contradiction(valid: Sequence[Judgement], fresh: Mapping[str, str]) -> None:
    """Raise where one judgement says different and others, taken together, the same.

    Args:
        fresh: those not in the file yet, by id, each with the place where it stands (or "").
    """
    found = find_contradiction(valid)
    if found is None:
        return
    apart, chain = found
    standing = next((one for one in (*chain, apart) if one.judgement_id not in fresh), None)
    raise GuikeError(
        t(
            "Judgements contradict each other: {apart}; but the same by {chain}.",
            apart=_shown(apart, fresh), chain=_links(chain, fresh),
        ),
        t("If an earlier one is wrong, take it back: guike judge withdraw {left} {right} --why …",
          left=standing.left, right=standing.right)
        if standing
        else t("Mend one of these lines; nothing was taken in."),
    )  # fmt: skip


def _links(chain: Sequence[Judgement], fresh: Mapping[str, str]) -> str:
    shown = [_shown(one, fresh) for one in chain[:_LINKS_SHOWN]]
    if len(chain) > _LINKS_SHOWN:
        shown.append(t("and {count} more", count=len(chain) - _LINKS_SHOWN))
    return ", ".join(shown)


def _shown(one: Judgement, fresh: Mapping[str, str]) -> str:
    verdict = {"same": t("same"), "different": t("different")}[one.verdict]
    name = fresh.get(one.judgement_id, one.judgement_id) or t("the new one")
    return f"{name} ({verdict}: {one.left}, {one.right}; {one.judged_by}: {one.reason})"


_held: set[Path] = set()


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    """Be the only process at the file; entered again in the same one, it is a no-op."""
    make_home(settings)
    path = settings.home / "judgements.lock"
    if path in _held:
        yield
        return
    lock = FileLock(path, timeout=_LOCK_SECONDS)
    try:
        lock.acquire()
    except Timeout:
        raise GuikeError(
            t("Another process is writing judgements."), t("Wait until it has finished, then try again.")
        ) from None
    _held.add(path)
    try:
        yield
    finally:
        _held.discard(path)
        lock.release()


def _append(path: Path, added: Sequence[Judgement]) -> None:
    """Write whole lines and bring them to the disk; what can't be written whole is taken back."""
    if not added:
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    is_new = not path.exists() or not path.stat().st_size
    if is_new:
        writer.writerow(HEADER)
    for one in added:
        writer.writerow(_fields(one))
    content = (b"\xef\xbb\xbf" if is_new else b"") + text.getvalue().encode()  # Excel asks for the BOM
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
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


def _fields(one: Judgement) -> list[str]:
    moment = one.judged_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return [
        one.judgement_id, moment, one.judged_by, one.verdict, str(one.left), str(one.right), one.reason,
        one.supersedes or "",
    ]  # fmt: skip


def _parsed(path: Path, content: bytes) -> list[Judgement]:
    lines = content.count(b"\n") + 1
    if content and not content.endswith(b"\n"):
        raise _wrong(
            path, lines, t("the line is not finished, as after a crash or a full disk"),
            t("Complete the line or take it out, and end the file with a line break; then try again."),
        )  # fmt: skip
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise _wrong(path, line, t("it is not UTF-8"), t("Save the file as CSV in UTF-8.")) from None
    judgements: list[Judgement] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    seen: dict[str, int] = {}
    try:
        for number, row in enumerate(filter(None, reader)):
            if number == 0:
                _expect_header(path, row)
                continue
            one = _judgement(path, reader.line_num, row)
            if one.judgement_id in seen:
                raise _wrong(
                    path, reader.line_num,
                    t("{id} stands in line {line} already", id=one.judgement_id, line=seen[one.judgement_id]),
                    t("Take one of the two lines out."),
                )  # fmt: skip
            seen[one.judgement_id] = reader.line_num
            judgements.append(one)
    except csv.Error as error:
        raise _wrong(path, reader.line_num, str(error), _mend()) from None
    return judgements


def _judgement(path: Path, line: int, row: list[str]) -> Judgement:
    if len(row) != len(HEADER):
        raise _wrong(
            path, line, t("{found} values instead of {wanted}", found=len(row), wanted=len(HEADER)), _mend()
        )
    identifier, moment, by, verdict, left, right, reason, supersedes = row
    if verdict not in VERDICTS:
        raise _wrong(path, line, t("'{verdict}' is no verdict.", verdict=verdict), _mend())
    try:
        judged_at = datetime.fromisoformat(moment)
    except ValueError:
        raise _wrong(path, line, t("'{text}' is no moment in ISO form", text=moment), _mend()) from None
    judged_at = judged_at.replace(tzinfo=UTC) if judged_at.tzinfo is None else judged_at.astimezone(UTC)
    try:
        names = RecordName.parse(left), RecordName.parse(right)
    except GuikeError as error:
        raise _wrong(path, line, error.what, error.remedy) from None
    return Judgement(identifier, judged_at, by, verdict, *names, reason, supersedes or None)


def _expect_header(path: Path, row: list[str]) -> None:
    if tuple(row) != HEADER:
        raise _wrong(
            path, 1, t("the columns are {found}", found=", ".join(row)),
            t("They must be: {columns}.", columns=", ".join(HEADER)),
        )  # fmt: skip


def _mend() -> str:
    return t("Mend that line, or fetch the file from a backup; lines in it are only ever added.")


def _wrong(path: Path, line: int, what: str, remedy: str) -> GuikeError:
    return GuikeError(t("{file}, line {line}: {what}", file=path.name, line=line, what=what), remedy)
