"""`guike judge …`: say that two records are one customer, or not; take it back; see what was said.

Comes in: names of records, a reason, or a CSV. Goes out: lines in the file of judgements. Nothing in the
warehouse is touched: the next `guike run` obeys.
"""

from __future__ import annotations

import getpass
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from pipelines.commands.console import err, out, print_json, table
from pipelines.commands.look import published_file, writer
from pipelines.commands.working import has_table, working
from pipelines.errors import GuikeError
from pipelines.i18n import catalogue, language, t
from pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    import duckdb

    from pipelines.identity.judgement_rules import Judgement
    from pipelines.record_name import RecordName

_NEAREST = 3

Left = Annotated[str, typer.Argument(help="A record: system.source_table.source_id.", metavar="A")]
Right = Annotated[str, typer.Argument(help="The other record.", metavar="B")]
Why = Annotated[str, typer.Option("--why", help="The reason, in words.")]
By = Annotated[str | None, typer.Option("--by", help="Who judges; by default this computer's user.")]
Force = Annotated[bool, typer.Option("--force", help="Also for records that no run has read yet.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def same(left: Left, right: Right, why: Why, by: By = None, force: Force = False) -> None:
    """Say that two records are one customer."""
    _judge("same", left, right, why, by, force)


def different(left: Left, right: Right, why: Why, by: By = None, force: Force = False) -> None:
    """Say that two records are two customers, whatever they have in common."""
    _judge("different", left, right, why, by, force)


def withdraw(left: Left, right: Right, why: Why, by: By = None) -> None:
    """Take back what was said of two records; the line stays in the file."""
    _judge("withdrawn", left, right, why, by, True)


def list_judgements(
    every: Annotated[bool, typer.Option("--all", help="Also those superseded or withdrawn.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the judgements in force."""
    from pipelines.identity import judgements
    from pipelines.identity.judgement_rules import in_force

    settings = load_settings()
    made = judgements.read(settings)
    valid = {one.judgement_id for one in in_force(made)}
    shown = [one for one in made if every or one.judgement_id in valid]
    if as_json:
        print_json([_as_data(one, one.judgement_id in valid) for one in shown])
        return
    if not shown:
        out().print(t("No judgement is in force. `guike judge queue` shows the pairs in doubt."))
        return
    columns = [t("Id"), t("When (UTC)"), t("Who"), t("Verdict"), t("Records"), t("Why"), t("In force")]
    rows = [
        [
            one.judgement_id, f"{one.judged_at:%Y-%m-%d %H:%M}", one.judged_by, _word(one.verdict),
            f"{one.left}\n{one.right}", one.reason, t("yes") if one.judgement_id in valid else t("no"),
        ]
        for one in shown
    ]  # fmt: skip
    out().print(table(t("Judgements"), columns, rows))


def import_file(
    path: Annotated[
        Path,
        typer.Argument(
            help="A CSV with the columns record_a, record_b, verdict, reason and, if wanted, by.",
            metavar="FILE",
        ),
    ],
    by: By = None,
    force: Force = False,
) -> None:
    """Take in many judgements from a CSV: all of them, or none if one line is wrong."""
    from pipelines.identity import judgements

    settings = load_settings()
    counts = judgements.import_csv(
        settings, path, who(by), None if force else lambda names: _strangers(settings, names)
    )
    words = t(
        "{added:,} judgements taken in ({superseded:,} take the place of earlier ones), "
        "{unchanged:,} were known already.",
        added=counts.added, superseded=counts.superseded, unchanged=counts.unchanged,
    )  # fmt: skip
    out().print(escape(words))
    if counts.added:
        err().print(t("They take effect with the next `guike run`."))


def queue(
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many pairs.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show the pairs of records that the matcher leaves to people, the likeliest first."""
    from pipelines.identity import judgements

    settings = load_settings()
    with working(settings) as con:
        if not has_table(con, "identity", "review_queue"):
            raise GuikeError(
                t("This warehouse has no queue of pairs in doubt yet."), t("Run `guike run` first.")
            )
        judgements.load(con, settings)
        con.execute(_OPEN.format(evidence="evidence_zh" if language() == "zh" else "evidence"))
        waiting = con.execute("select count(*) from open_pairs").fetchone()
        cursor = con.execute(
            "from open_pairs order by score desc, left_record, right_record limit ?", [limit]
        )
        names = [column[0] for column in cursor.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    if as_json:
        print_json(rows)
        return
    if not rows:
        out().print(t("No pair of records is in doubt."))
        return
    columns = [t("Score"), t("Records"), t("Why in doubt"), t("Evidence")]
    shown = [
        [
            f"{row['score']:.3f}",
            f"{row['left_record']}\n{row['right_record']}",
            _doubt(row["reason"]),
            row["evidence"],
        ]
        for row in rows
    ]
    count = waiting[0] if waiting else 0
    console = out()
    console.print(table(t("Pairs in doubt: {count:,}", count=count), columns, shown, ">"))
    if count > len(rows):
        console.print(t("The first {shown:,} are shown; --limit shows more.", shown=len(rows)))
    console.print(t("Decide with: guike judge same|different A B --why …"))


def _doubt(reason: str) -> str:
    known = {
        "not sure": t("not sure"),
        "names differ": t("names differ"),
        "branch": t("perhaps a branch of the other"),
    }
    return known.get(reason) or (catalogue().get(reason, reason) if language() == "zh" else reason)


# The queue is that of the last run: what has been judged since then is not asked again.
_OPEN = """
    create temp table open_pairs as
    with judged as (
        select left_system, left_table, left_id, right_system, right_table, right_id from judgements
        union all
        select right_system, right_table, right_id, left_system, left_table, left_id from judgements)
    select concat_ws('.', left_system, left_table, left_id) as left_record,
        concat_ws('.', right_system, right_table, right_id) as right_record,
        score, method, reason, {evidence} as evidence, queued_at, run_id
    from identity.review_queue
    anti join judged using (left_system, left_table, left_id, right_system, right_table, right_id)
"""


def _judge(verdict: str, left: str, right: str, why: str, by: str | None, force: bool) -> None:
    from pipelines.identity import judgements
    from pipelines.record_name import RecordName

    settings = load_settings()
    names = {RecordName.parse(left), RecordName.parse(right)}
    if not force:
        _expect_known(settings, names)
    made = judgements.add(settings, verdict, left, right, who(by), why)
    words = t(
        "{id}: {left} and {right}: {verdict}.", id=made.judgement_id, left=left, right=right,
        verdict=_word(verdict),
    )  # fmt: skip
    out().print(escape(words), soft_wrap=True)
    if made.supersedes:
        out().print(t("It takes the place of {id}.", id=made.supersedes))
    err().print(t("It takes effect with the next `guike run`."))


def _word(verdict: str) -> str:
    return {"same": t("same"), "different": t("different"), "withdrawn": t("withdrawn")}[verdict]


def _as_data(one: Judgement, is_valid: bool) -> dict[str, Any]:
    return {
        "judgement_id": one.judgement_id, "judged_at": one.judged_at, "judged_by": one.judged_by,
        "verdict": one.verdict, "left_record": str(one.left), "right_record": str(one.right),
        "reason": one.reason, "supersedes": one.supersedes, "is_in_force": is_valid,
    }  # fmt: skip


def who(by: str | None) -> str:
    """Who says it: the name given, or this computer's user."""
    if by and by.strip():
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        raise GuikeError(t("This computer's user has no name."), t("Say who judges with --by.")) from None


def _expect_known(settings: Settings, names: Collection[RecordName]) -> None:
    strangers = sorted(_strangers(settings, names))
    if not strangers:
        return
    with _records(settings) as (con, relation):
        near = ", ".join(nearest(con, relation, strangers[0]))
    raise GuikeError(
        t("There is no record {record}.", record=strangers[0]),
        t("Nearest: {names}. If the next run is to bring it, add --force.", names=near or "–"),
    )


def _strangers(settings: Settings, names: Collection[RecordName]) -> set[RecordName]:
    """Those of the names that no customers record has."""
    from pipelines.record_name import RecordName

    wanted = [
        list(part) for part in zip(*((n.system, n.source_table, n.source_id) for n in names), strict=True)
    ]
    with _records(settings) as (con, relation):
        found = con.execute(
            f"""
            with wanted as (
                select unnest($1::varchar[]) as system, unnest($2::varchar[]) as source_table,
                    unnest($3::varchar[]) as source_id)
            from wanted anti join {relation} using (system, source_table, source_id)
            """,
            wanted,
        ).fetchall()
    return {RecordName(*row) for row in found}


@contextmanager
def _records(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """Where the names of the customers records can be asked for; during a run, the published file."""
    from warehouse import store

    if writer(settings) is None:
        with working(settings) as con:
            if has_table(con, "identity", "records"):
                yield con, "identity.records"
                return
    with store.connect(settings, path=published_file(settings), read_only=True) as con:
        yield con, "(select * from identity.customer_xref where method <> 'reference')"


def nearest(con: duckdb.DuckDBPyConnection, relation: str, name: RecordName) -> list[str]:
    """Records of the relation named almost like that; its own table first."""
    found = con.execute(
        f"""
        select concat_ws('.', system, source_table, source_id) as name
        from {relation}
        order by levenshtein(system || '.' || source_table, $1) + levenshtein(source_id, $2), name
        limit {_NEAREST}
        """,
        [f"{name.system}.{name.source_table}", name.source_id],
    ).fetchall()
    return [row[0] for row in found]
