"""Waivers: what may stand as it is, for a while, although a rule says no.

Comes in: a rule, what it is waived for (a record, a system, or all), why, by whom, until when. Goes out:
lines in `<GUIKE_HOME>/waivers.csv`, and TEMP `waivers` with those in force for the gates. The file lies
outside the warehouse, so that a rebuild keeps it; lines are only ever added (pipelines/journal.py). A later
waiver of the same rule for the same thing takes the place of the earlier one; `withdrawn` takes it back.
The as-of date decides whether one has expired; the last day counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from pipelines.errors import GuikeError
from pipelines.extract.specs import expect_system, load_specs
from pipelines.i18n import t
from pipelines.journal import Journal, as_text, moment_after
from pipelines.record_name import RecordName
from pipelines.settings import Settings
from quality.catalogue import Catalogue

HEADER = (
    "waiver_id", "waived_at", "waived_by", "action", "rule_id", "scope", "waived_until", "reason",
    "supersedes",
)  # fmt: skip
ALL = "all"
_ACTIONS = ("waived", "withdrawn")

Key = tuple[str, str]


@dataclass(frozen=True)
class Waiver:
    """One line of the file.

    Attributes:
        waived_at: in UTC. action: waived or withdrawn.
        scope: "all", the name of a system, or of a record: system.source_table.source_id.
        waived_until: the last day on which it holds.
        supersedes: the waiver of the same rule and scope that stood before, if any.
    """

    waiver_id: str
    waived_at: datetime
    waived_by: str
    action: str
    rule_id: str
    scope: str
    waived_until: date
    reason: str
    supersedes: str | None

    @property
    def key(self) -> Key:
        """What it is about: of several on the same, the last one counts."""
        return self.rule_id, self.scope


def file_of(settings: Settings) -> Path:
    """Where the waivers of this company are kept."""
    return _journal(settings).path


def read(settings: Settings) -> list[Waiver]:
    """All that was ever waived or withdrawn, in the order of the file.

    Raises:
        GuikeError: a line can't be understood; with its number and what to do.
    """
    journal = _journal(settings)
    return [_waiver(journal, line, row) for line, row in journal.rows()]


def standing(waivers: Iterable[Waiver]) -> list[Waiver]:
    """The last one on each rule and scope, unless it was withdrawn; expired ones are among them."""
    return [one for one in _latest(waivers).values() if one.action == "waived"]


def in_force(waivers: Iterable[Waiver], as_of: date) -> list[Waiver]:
    """Those standing that haven't expired on that day."""
    return [one for one in standing(waivers) if as_of <= one.waived_until]


def add(
    settings: Settings, catalogue: Catalogue, rule_id: str, scope: str, until: date, by: str, reason: str
) -> Waiver:
    """Waive a rule.

    Args:
        scope: "all", a system, or a record.

    Raises:
        GuikeError: there is no such rule or system, the name can't be a record's, the day has passed, or
            nobody says why.
    """
    _expect_rule(catalogue, rule_id)
    if scope != ALL and "." not in scope:
        expect_system([spec.name for spec in load_specs(settings)], scope)
    elif scope != ALL:
        scope = str(RecordName.parse(scope))
    if until < settings.as_of:
        raise GuikeError(
            t("{day} has passed: the waiver would never hold.", day=until),
            t("Give a day not before {day} with --until.", day=settings.as_of),
        )
    with _journal(settings).locked():
        return _keep(settings, "waived", (rule_id, scope), until, by, reason)


def withdraw(settings: Settings, waiver_id: str, by: str, reason: str) -> Waiver:
    """Take a waiver back; the line stays in the file.

    Raises:
        GuikeError: no such waiver stands, or nobody says why.
    """
    with _journal(settings).locked():
        known = {one.waiver_id: one for one in standing(read(settings))}
        if waiver_id not in known:
            raise GuikeError(
                t("No waiver {id} stands.", id=waiver_id), t("`guike quality waivers` lists those that do.")
            )
        one = known[waiver_id]
        return _keep(settings, "withdrawn", one.key, one.waived_until, by, reason)


def load(con: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    """Make TEMP `waivers` of those in force; gives their number. What a scope doesn't name is null."""
    valid = in_force(read(settings), settings.as_of)
    parts = [_parts(one.scope) for one in valid]
    columns: list[list[object]] = [[one.rule_id for one in valid]]
    columns += [[part[place] for part in parts] for place in range(3)]
    columns += [
        [one.waiver_id for one in valid], [one.reason for one in valid], [one.waived_by for one in valid],
        [one.waived_until for one in valid],
    ]  # fmt: skip
    con.execute(
        """
        create or replace temp table waivers as
        select unnest($1::varchar[]) as rule_id, unnest($2::varchar[]) as system,
            unnest($3::varchar[]) as source_table, unnest($4::varchar[]) as source_id,
            unnest($5::varchar[]) as waiver_id, unnest($6::varchar[]) as reason,
            unnest($7::varchar[]) as waived_by, unnest($8::date[]) as waived_until
        """,
        columns,
    )
    return len(valid)


def fingerprint(settings: Settings) -> str:
    """A hash of the waivers in force: the gates have to run again when it is another."""
    said = sorted("\0".join(_fields(one)) for one in in_force(read(settings), settings.as_of))
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _latest(waivers: Iterable[Waiver]) -> dict[Key, Waiver]:
    """The moment decides, then the order given: two copies of a file that were joined may be out of order."""
    return {one.key: one for one in sorted(waivers, key=lambda waiver: waiver.waived_at)}


def _keep(settings: Settings, action: str, key: Key, until: date, by: str, reason: str) -> Waiver:
    reason, by = " ".join(reason.split()), " ".join(by.split())
    if not reason or not by:
        raise GuikeError(
            t("A waiver needs who gives it, and why."),
            t("Say why in a few words; whoever reads it in three years will want to know."),
        )
    before = _latest(read(settings)).get(key)
    moment = moment_after(before.waived_at if before else None)
    said = (as_text(moment), by, action, *key, until.isoformat(), reason)
    identifier = "W" + hashlib.sha256("\0".join(said).encode()).hexdigest()[:12]
    supersedes = before.waiver_id if before and before.action == "waived" else None
    waiver = Waiver(identifier, moment, by, action, *key, until, reason, supersedes)
    _journal(settings).append([_fields(waiver)])
    return waiver


def _journal(settings: Settings) -> Journal:
    return Journal(settings, "waivers", HEADER)


def _fields(one: Waiver) -> list[str]:
    return [
        one.waiver_id, as_text(one.waived_at), one.waived_by, one.action, one.rule_id, one.scope,
        one.waived_until.isoformat(), one.reason, one.supersedes or "",
    ]  # fmt: skip


def _waiver(journal: Journal, line: int, row: list[str]) -> Waiver:
    identifier, moment, by, action, rule_id, scope, until, reason, supersedes = row
    if action not in _ACTIONS:
        known = ", ".join(_ACTIONS)
        raise journal.wrong(line, t("'{action}' is none of {known}", action=action, known=known))
    if scope != ALL and "." in scope:
        try:
            RecordName.parse(scope)
        except GuikeError as error:
            raise journal.wrong(line, error.what, error.remedy) from None
    try:
        day = date.fromisoformat(until)
    except ValueError:
        raise journal.wrong(line, t("'{text}' is no date in ISO form", text=until)) from None
    moment_said = journal.moment_in(line, moment)
    return Waiver(identifier, moment_said, by, action, rule_id, scope, day, reason, supersedes or None)


def _parts(scope: str) -> tuple[str | None, str | None, str | None]:
    """System, table and id that a scope names; null is any."""
    if scope == ALL:
        return None, None, None
    if "." not in scope:
        return scope, None, None
    name = RecordName.parse(scope)
    return name.system, name.source_table, name.source_id


def _expect_rule(catalogue: Catalogue, rule_id: str) -> None:
    if rule_id not in catalogue.places:
        near = sorted(known for known in catalogue.places if known.split(".")[0] == rule_id.split(".")[0])
        raise GuikeError(
            t("There is no rule {rule}.", rule=rule_id),
            t("Those on the same entity are: {rules}. `guike quality rules` lists all.",
              rules=", ".join(near) or "–"),
        )  # fmt: skip
