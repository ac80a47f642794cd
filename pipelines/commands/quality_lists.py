"""`guike quality fixlist`, `docs` and `notify`: who is to mend what, what the gates found, and who is told.

Comes in: options, and the working file read-only. Goes out: workbooks, the Data Docs, a test message. Nothing
in the warehouse is touched.
"""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from pipelines.commands.console import out, progress_lines, table
from pipelines.commands.exits import EXIT_FAILED
from pipelines.commands.working import working
from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import load_settings

_TEST_VARIABLES = "GUIKE_NOTIFY_WEBHOOK, GUIKE_NOTIFY_SMTP"


def fixlist(
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="NAME", help="Only this employee's list.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="Where to write them.", file_okay=False)
    ] = None,
    masked: Annotated[
        bool, typer.Option("--masked", help="Mask names and numbers as in the published data.")
    ] = False,
) -> None:
    """Write one Excel workbook for each owner: which records to mend, and the best value known elsewhere."""
    from quality.fix_lists import write_fix_lists
    from quality.places import fix_lists

    settings = load_settings()
    target = (folder or fix_lists(settings)).expanduser().absolute()
    with progress_lines(t("Writing the fix lists")), working(settings) as con:
        lists = write_fix_lists(con, settings, target, owner=owner, masked=masked)
    console = out()
    if not lists:
        console.print(t("There is nothing to mend."))
        return
    columns = [t("Owner"), t("Department"), t("Records"), t("Issues"), t("Set aside"), t("File")]
    rows = [
        (one.owner or t("nobody"), one.department, one.records, one.issues, one.set_aside, one.path.name)
        for one in lists
    ]
    console.print(table(t("Fix lists"), columns, rows, "  >>>"))
    console.print(escape(t("They lie in {folder}.", folder=target)), soft_wrap=True)
    if not masked:
        console.print(escape(t("They hold personal data as it is; give each to its owner only.")))


def docs(
    show: Annotated[bool, typer.Option("--open", help="Open them in the browser.")] = False,
) -> None:
    """Bring the Data Docs up to date: what the gates found, rule by rule, as pages for the browser."""
    from quality.data_docs.site import build

    settings = load_settings()
    with working(settings) as con:
        page = build(settings, con)
    out().print(escape(t("Data Docs: {page}", page=page)), soft_wrap=True)
    if show and not webbrowser.open(page.as_uri()):
        raise GuikeError(t("There is no browser here."), t("Open the file on a machine that has one."))


def notify(
    test: Annotated[
        bool, typer.Option("--test", help="Send a test message, and say what became of it.")
    ] = False,
) -> None:
    """Show where messages go when a gate stops a run or a score falls."""
    from pipelines import notify as notifying

    settings = load_settings()
    try:
        given = notifying.channels()
    except ValueError as error:
        raise GuikeError(str(error), t("Mend it in .env; docs/operations.md lists the settings.")) from None
    ways = [given.format or "webhook"] if given.webhook else []
    ways += ["e-mail"] if given.smtp or given.receivers else []
    if not ways:
        raise GuikeError(
            t("No way for messages is set up."),
            t("Set {variables} in .env; docs/operations.md says how.", variables=_TEST_VARIABLES),
        )
    console = out()
    if not test:
        words = t(
            "Messages go by {ways}: when a gate stops a run, and when a score falls by more than {drop:.1%}.",
            ways=", ".join(ways), drop=given.score_drop,
        )  # fmt: skip
        console.print(escape(words))
        return
    sent = notifying.notify(
        settings, t("Test message"), t("Sent by `guike quality notify --test`; nothing is wrong.")
    )
    rows = [(one.channel, t("yes") if one.arrived else t("no"), one.problem) for one in sent]
    console.print(table(t("Test message"), [t("By"), t("Arrived"), t("Why not")], rows))
    if not all(one.arrived for one in sent):
        raise typer.Exit(EXIT_FAILED)
