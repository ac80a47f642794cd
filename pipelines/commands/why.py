"""`guike why RECORD RECORD`: why two records are one customer, or two.

Comes in: the names of two records. Goes out: what decided, in sentences; the model's comparisons with their
weights; the steps between the two; JSON for scripts; or a picture. Read from the working file, unmasked:
who may open it may see what is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from pipelines.commands.console import err, out, print_json, table
from pipelines.commands.judge import nearest
from pipelines.commands.working import has_table, working
from pipelines.errors import GuikeError
from pipelines.i18n import language, t
from pipelines.settings import load_settings

if TYPE_CHECKING:
    import duckdb

    from pipelines.identity.why import Explanation, Obstacle
    from pipelines.identity.why_path import Link
    from pipelines.identity.why_weighed import Step, Weighed
    from pipelines.record_name import RecordName

_WIDTH = 120
_SHARED_SHOWN = 3
_TELLING = 0.05  # bits


def why(
    left: Annotated[str, typer.Argument(help="A record: system.source_table.source_id.", metavar="A")],
    right: Annotated[str, typer.Argument(help="The other record.", metavar="B")],
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="Also draw the decision, as SVG, into this file.", metavar="FILE"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Tell why two records are one customer, or two."""
    from pipelines.identity import judgements
    from pipelines.identity.why import explain
    from pipelines.record_name import RecordName

    settings = load_settings()
    names = RecordName.parse(left), RecordName.parse(right)
    if names[0] == names[1]:
        raise GuikeError(t("{record} is named twice.", record=names[0]), t("Name two different records."))
    with working(settings) as con:
        if not has_table(con, "identity", "pairs"):
            raise GuikeError(
                t("This warehouse doesn't hold what was compared yet."), t("Run `guike run` first.")
            )
        about = explain(con, *names, judgements.read(settings))
        if about is None:
            raise next(error for name in names if (error := _unknown(con, name)))
    if picture:
        _draw(about, picture)
    if as_json:
        print_json(asdict(about))
    else:
        _print(about)


def _unknown(con: duckdb.DuckDBPyConnection, name: RecordName) -> GuikeError | None:
    """What to say of a name that no customers record has; None where one has it."""
    asked = [name.system, name.source_table, name.source_id]
    of_it = "where system = ? and source_table = ? and source_id = ?"
    if con.execute(f"select 1 from identity.nodes {of_it}", asked).fetchone():
        return None
    row = con.execute(
        f"select customer_id, method, score from identity.customer_xref {of_it}", asked
    ).fetchone()
    if row:
        return GuikeError(
            t(
                "{record} is no customers record, but a row that names customer {id} ({method},"
                " {score:.2f}).",
                record=name,
                id=row[0],
                method=row[1],
                score=row[2],
            ),
            t("See the customer's own records with: guike customer {id} --working", id=row[0]),
        )
    near = ", ".join(nearest(con, "identity.nodes", name))
    return GuikeError(
        t("There is no record {record}.", record=name), t("Nearest: {names}.", names=near or "–")
    )


def _draw(about: Explanation, path: Path) -> None:
    from pipelines.identity.waterfall import draw

    if about.weighed is None:
        raise GuikeError(
            t("There is nothing to draw: no model compares these two."),
            t("Run the command without --picture; it tells why."),
        )
    try:
        path.write_text(draw(about, about.weighed), encoding="utf-8")
    except OSError as error:
        raise GuikeError(
            t("{file} can't be written: {reason}", file=path, reason=error.strerror),
            t("Name a file in a folder that you may write to."),
        ) from None
    err().print(escape(t("Drawn: {file}", file=path)))


def _print(about: Explanation) -> None:
    console = out(_WIDTH)
    for side in (about.left, about.right):
        kind = {"person": t("person"), "organisation": t("organisation")}.get(side.party_type or "", "?")
        words = [side.record, side.name or t("(no name)"), f"({kind})", "→", side.customer_id]
        console.print(escape(" ".join(words)), soft_wrap=True)
    verdict = (
        t("They are one customer: {id}.", id=about.left.customer_id)
        if about.one_customer
        else t(
            "They are two customers: {left} and {right}.",
            left=about.left.customer_id,
            right=about.right.customer_id,
        )
    )
    console.print(f"[bold]{escape(verdict)}[/]")
    for sentence in (*_said(about), *(_together(about) if about.one_customer else _apart(about))):
        console.print(escape(f"- {sentence}"), soft_wrap=True)
    if about.weighed:
        _print_weighed(console, about.weighed)
    if about.path and not (len(about.path) == 1 and about.path[0].kind == "pair"):
        _print_path(console, about.path)


def _said(about: Explanation) -> Iterator[str]:
    for one in about.said:
        about_it = {
            "who": one.judged_by,
            "day": one.judged_at,
            "left": one.left,
            "right": one.right,
            "reason": one.reason,
            "id": one.judgement_id,
        }
        words = (
            t(
                "{who} said on {day:%Y-%m-%d} that {left} and {right} are the same: {reason} ({id}).",
                **about_it,
            )
            if one.verdict == "same"
            else t(
                "{who} said on {day:%Y-%m-%d} that {left} and {right} are different: {reason} ({id}).",
                **about_it,
            )
        )
        yield words if one.is_obeyed else words + " " + t("It takes effect with the next `guike run`.")


def _together(about: Explanation) -> Iterator[str]:
    kinds = [link.kind for link in about.path]
    if about.weighed and about.weighed.verdict == "match":
        yield t(
            "What the two say is enough: probability {score}, and {merge} makes two records one.",
            score=about.weighed.rounded,
            merge=about.weighed.merge,
        )
    elif kinds and "attached" not in kinds and len(kinds) > 1:
        yield t("What the two say alone would not be enough; other records of the customer join them.")
    if "attached" in kinds:
        yield t(
            "Of a record so little is known that it can't be compared. It was attached, "
            "because exactly one customer can be meant; such a record never joins two "
            "customers."
        )
    if "attached" in kinds and set(about.kinds) == {"person", "organisation"}:
        yield t(
            "One is taken for a person, the other for an organisation. Such two are never "
            "merged by what they have in common; but a contact's entry in an address book, "
            "at the firm's own number, is the firm's."
        )
    if "twin" in kinds:
        yield t(
            "One system takes the customer for a person, the other for an organisation; "
            "name and number are the same."
        )


def _apart(about: Explanation) -> Iterator[str]:
    for obstacle in about.obstacles:
        yield _obstacle(obstacle)
    if set(about.kinds) == {"person", "organisation"}:
        yield t(
            "One is a person, the other an organisation. Such two are never merged: who "
            "buys for a firm has his private card, too. core.customer_links shows whom "
            "Guike has linked."
        )
    if about.linked:
        yield t(
            "The two are linked: {method}; {evidence}.",
            method=_word(about.linked.method),
            evidence=about.linked.evidence or "–",
        )
    for side in (about.left, about.right):
        if side.name is None:
            yield t(
                "{record} has no name that can be used. It would be attached to a customer if "
                "by its numbers exactly one could be meant.",
                record=side.record,
            )
    if about.weighed:
        yield _doubt(about, about.weighed)
        if not about.weighed.share_a_key:
            yield t("They share nothing by which records are looked up, so no run compares them.")
        elif not about.weighed.was_compared and about.weighed.probability >= about.weighed.review:
            yield t("The run didn't compare them: what they share is shared by too many records.")
    if about.question:
        yield t(
            "Someone is asked about {left} and {right} since {day:%Y-%m-%d}: guike judge "
            "same|different {left} {right} --why …",
            left=about.question.left,
            right=about.question.right,
            day=about.question.queued_at,
        )


def _obstacle(one: Obstacle) -> str:
    sides = {"left": one.left, "right": one.right, "one": one.left_value, "other": one.right_value}
    if one.claim == "credit code":
        return t("Two valid credit codes are two firms: {one} ({left}) and {other} ({right}).", **sides)
    if one.claim == "personal id":
        return t("Two personal ids are two people: {one} ({left}) and {other} ({right}).", **sides)
    if one.left_value and one.right_value:
        return t("Two branches are two customers: {one} ({left}) and {other} ({right}).", **sides)
    branch, head = (one.left, one.right) if one.left_value else (one.right, one.left)
    return t(
        "{branch} is a branch ({name}), {head} is none. A branch is a customer of its "
        "own; core.customer_hierarchy shows what it belongs to.",
        branch=branch,
        name=one.left_value or one.right_value,
        head=head,
    )


def _doubt(about: Explanation, weighed: Weighed) -> str:
    """What the model's opinion means for two customers."""
    score = weighed.rounded
    match weighed.verdict:
        case "apart":
            return t(
                "What they have in common is too little: probability {score}; below {review} "
                "nobody is even asked.",
                score=score,
                review=weighed.review,
            )
        case "review":
            return t(
                "Not sure: probability {score}. From {review} on a person is asked, from "
                "{merge} on two records are one.",
                score=score,
                review=weighed.review,
                merge=weighed.merge,
            )
        case "names":
            levels = ", ".join(_titles(step)[1] for step in weighed.steps if step.only_asks)
            return t(
                "By numbers they would be one ({score}), but this leaves it to a person: {levels}.",
                score=score,
                levels=levels,
            )
        case "attach":
            return t(
                "It fits ({score}), but one of them says too little to join two customers: it "
                "is attached only where exactly one can be meant.",
                score=score,
            )
    if about.question and about.question.reason == "weak bridge":
        return t(
            "The pair alone would do ({score}); but it is the only thing that holds two "
            "strong groups of records together, and such a bridge is cut.",
            score=score,
        )
    if about.obstacles or any(one.verdict == "different" for one in about.said):
        return t("Without that they would be one: probability {score}.", score=score)
    return t(
        "The pair alone would do ({score}); but together with it other records would "
        "have become one customer that can't be one.",
        score=score,
    )


def _print_weighed(console: Console, weighed: Weighed) -> None:
    zh = language() == "zh"
    title = t(
        "What the model of {title} says (version {version}; each bit doubles the odds)",
        title=weighed.model_title_zh if zh else weighed.model_title_en,
        version=weighed.version,
    )
    rows: list[list[object]] = [
        [t("before"), "", "", t("two records at random"), f"{weighed.prior:+.1f}", f"{weighed.prior:+.1f}"]
    ]
    for step in weighed.steps:
        name, outcome = _titles(step)
        if step.is_missing:
            rows.append([name, step.left, step.right, t("one side has none"), "", f"{step.total:+.1f}"])
            continue
        if step.adjustment >= _TELLING:
            outcome = t("{outcome} (rare: {bits:+.1f})", outcome=outcome, bits=step.adjustment)
        elif step.adjustment <= -_TELLING:
            outcome = t("{outcome} (common: {bits:+.1f})", outcome=outcome, bits=step.adjustment)
        bits = step.weight + step.adjustment
        rows.append([name, step.left, step.right, outcome, f"{bits:+.1f}", f"{step.total:+.1f}"])
    columns = [t("Compared"), "A", "B", t("Outcome"), t("Bits"), t("Total")]
    console.print()
    console.print(table(title, columns, rows, "    >>"))
    console.print(
        t(
            "Probability {score}. From {merge} on two records are one, from {review} on a person is asked.",
            score=weighed.rounded,
            merge=weighed.merge,
            review=weighed.review,
        )
    )


def _print_path(console: Console, path: list[Link]) -> None:
    from pipelines.identity.why_weighed import share

    kinds = {
        "pair": t("compared"),
        "judgement": t("judged"),
        "twin": t("same name and number"),
        "attached": t("attached"),
    }
    rows: list[list[object]] = []
    for link in path:
        shared = [f"{_word(kind)} {value}" for kind, value in link.shared[:_SHARED_SHOWN]]
        rows.append(
            [
                f"{link.left}\n{link.right}",
                kinds[link.kind],
                _word(link.method),
                share(link.probability),
                "\n".join(shared),
            ]
        )
    columns = [t("Step"), t("Joined by"), t("What"), t("Score"), t("In common")]
    console.print()
    console.print(table(t("How the two hang together"), columns, rows, "   >"))


def _titles(step: Step) -> tuple[str, str]:
    if language() == "zh":
        return step.title_zh, step.level_zh or ""
    return step.title_en, step.level_en or ""


def _word(kind: str) -> str:
    return {
        "phone": t("phone"),
        "email": t("e-mail"),
        "wechat": t("WeChat id"),
        "credit_code": t("credit code"),
        "tax_number": t("taxpayer number"),
        "personal_id": t("personal id"),
        "name": t("name"),
        "core name": t("name without place and legal form"),
        "brand": t("brand"),
        "address": t("address"),
        "judgement": t("judgement"),
    }.get(kind, kind)
