"""What people have judged: these two records are one customer, or they are not.

Comes in: a verdict on a pair of records, with who says so and why; or a CSV with many. Goes out: lines in
`<GUIKE_HOME>/judgements.csv`, and TEMP `judgements` with those in force, for the matcher. The file lives
outside the warehouse, so that a rebuild keeps it, and people may keep it under version control. Lines are
only ever added: a later judgement on the same two records takes the place of the earlier one, and
`withdrawn` takes it back. Judgements that contradict each other are never taken in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.identity.judgement_import import proposals
from pipelines.identity.judgement_rules import (
    VERDICTS,
    Judgement,
    Pair,
    Proposal,
    find_contradiction,
    in_force,
    latest,
)
from pipelines.journal import Journal, as_text, moment_after
from pipelines.record_name import RecordName
from pipelines.settings import Settings

HEADER = (
    "judgement_id", "judged_at", "judged_by", "verdict", "left_record", "right_record", "reason",
    "supersedes",
)  # fmt: skip
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
    return _journal(settings).path


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
    with _journal(settings).locked():
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
    journal = _journal(settings)
    return [_judgement(journal, line, row) for line, row in journal.rows()]


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
    journal = _journal(settings)
    with journal.locked():
        valid = latest(read(settings))
        added = []
        for proposal in proposals:
            judgement = _judged(proposal, valid)
            valid[judgement.pair] = judgement
            added.append(judgement)
        places = {one.judgement_id: proposal.place for one, proposal in zip(added, proposals, strict=True)}
        _refuse_contradiction([one for one in valid.values() if one.verdict != "withdrawn"], places)
        journal.append([_fields(one) for one in added])
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
    moment = moment_after(before.judged_at if before else None)
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


def _journal(settings: Settings) -> Journal:
    return Journal(settings, "judgements", HEADER)


def _fields(one: Judgement) -> list[str]:
    return [
        one.judgement_id, as_text(one.judged_at), one.judged_by, one.verdict, str(one.left), str(one.right),
        one.reason, one.supersedes or "",
    ]  # fmt: skip


def _judgement(journal: Journal, line: int, row: list[str]) -> Judgement:
    identifier, moment, by, verdict, left, right, reason, supersedes = row
    if verdict not in VERDICTS:
        raise journal.wrong(line, t("'{verdict}' is no verdict.", verdict=verdict))
    judged_at = journal.moment_in(line, moment)
    try:
        names = RecordName.parse(left), RecordName.parse(right)
    except GuikeError as error:
        raise journal.wrong(line, error.what, error.remedy) from None
    return Judgement(identifier, judged_at, by, verdict, *names, reason, supersedes or None)
