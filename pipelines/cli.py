"""The `guike` command: chooses the language, assembles the commands, turns errors into exit codes.

Comes in: the command line. Goes out: results on stdout, progress and errors on stderr, and an exit code:
0 done · 1 failed · 2 wrong usage · 3 done, but some system's data is stale · 4 another run holds the
lock · 130 interrupted. A traceback is shown only with `--debug`.

Help texts stand in English in the code and are translated when the command line is built, so the language
may come from `--lang`, GUIKE_LANG or the locale, and one process can show both.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Any, Literal

import typer
import typer.rich_utils

from pipelines import i18n
from pipelines.commands import (
    customer,
    doctor,
    judge,
    look,
    normalise,
    preview,
    quality,
    quality_lists,
    run,
    system,
    system_add,
    why,
)
from pipelines.commands.console import show_error
from pipelines.commands.exits import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_LOCKED, LockHeldError
from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.settings import environment, load_settings

_REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
_LEAST_FREE_MB = 20

app = typer.Typer(name="guike", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
system_app = typer.Typer(no_args_is_help=True)
judge_app = typer.Typer(no_args_is_help=True)
quality_app = typer.Typer(no_args_is_help=True)

app.command()(run.demo)
app.command()(run.run)
app.command()(look.status)
app.command()(look.sql)
app.command()(normalise.normalise)
app.add_typer(system_app, name="system", help="The legacy systems of this company.")
system_app.command("add")(system_add.add)
system_app.command("list")(system.list_systems)
system_app.command("test")(system.test)
system_app.command("preview")(system.preview)
system_app.command("remove")(system.remove)
app.command()(customer.customer)
app.add_typer(judge_app, name="judge", help="What people say: which records are one customer, which are not.")
judge_app.command("same")(judge.same)
judge_app.command("different")(judge.different)
judge_app.command("withdraw")(judge.withdraw)
judge_app.command("list")(judge.list_judgements)
judge_app.command("import")(judge.import_file)
judge_app.command("queue")(judge.queue)
app.command()(why.why)
app.add_typer(
    quality_app, name="quality", help="What is wrong with which record, and what may stand as it is."
)
quality_app.command("rules")(quality.rules)
quality_app.command("gate")(quality.gate)
quality_app.command("waive")(quality.waive)
quality_app.command("withdraw")(quality.withdraw)
quality_app.command("waivers")(quality.list_waivers)
quality_app.command("fixlist")(quality_lists.fixlist)
quality_app.command("docs")(quality_lists.docs)
quality_app.command("notify")(quality_lists.notify)
app.command("preview-merge")(preview.preview_merge)
app.command()(run.publish)
app.command()(run.rollback)
app.command()(doctor.doctor)
app.command()(run.dev)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"guike {version('guike')}\n")
        raise typer.Exit()


@app.callback()
def guike(
    lang: Annotated[
        Literal["en", "zh"] | None, typer.Option("--lang", help="Language of all that is printed.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and stop.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """One customer view from the legacy systems of your company."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code is what the docstring of this module says."""
    _make_printable()
    given = _global_first(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    try:
        i18n.set_language(_language(given))
        _command_line().main(args=given, prog_name="guike")
        return 0
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else EXIT_FAILED if done.code else 0
        if code == EXIT_INTERRUPTED:
            _interrupted()
        return code
    except KeyboardInterrupt:
        _interrupted()
        return EXIT_INTERRUPTED
    except GuikeError as error:
        show_error(error)
        if debug:
            traceback.print_exc()
        return EXIT_LOCKED if isinstance(error, LockHeldError) else EXIT_FAILED
    except Exception as error:
        if _is_interrupt(error):
            _interrupted()
            return EXIT_INTERRUPTED
        show_error(_no_room(error) or _defect(error))
        if debug:
            traceback.print_exc()
        return EXIT_FAILED


def _make_printable() -> None:
    """See to it that any sentence can be printed: Chinese in a C locale, and to a closed stdout or stderr."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by the caller (`>&-`)
            setattr(sys, name, io.TextIOWrapper(io.FileIO(os.devnull, "w"), encoding="utf-8"))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _global_first(given: Sequence[str]) -> list[str]:
    """The command line with --lang and --debug in front, wherever they were typed."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(given)
    for word in words:
        if word == "--lang":
            front += [word, *([value] if (value := next(words, None)) else [])]
        elif word == "--debug" or word.startswith("--lang="):
            front.append(word)
        else:
            rest.append(word)
    return front + rest


def _language(given: Sequence[str]) -> i18n.Language | None:
    """The language asked for by `--lang`, GUIKE_LANG or the locale's name; None if none of them tells."""
    asked: str | None = None
    for position, word in enumerate(given):
        if word == "--lang":
            asked = next(iter(given[position + 1 :]), None)
        elif word.startswith("--lang="):
            asked = word.partition("=")[2]
    env = environment()
    set_up = env.get("GUIKE_LANG")
    if set_up not in ("en", "zh", "", None):
        raise GuikeError(
            t("GUIKE_LANG is '{language}', which Guike does not speak.", language=set_up),
            t("Set it to en or zh, or remove it."),
        )
    match asked or set_up:  # a wrong --lang is for the command line's own parser to refuse
        case "zh":
            return "zh"
        case "en":
            return "en"
    # A locale may be asked for that isn't installed, as on most servers; the C library then knows of none.
    wanted = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return "zh" if wanted.lower().startswith("zh") else None


def _command_line() -> Any:
    """Typer's command tree with every help text in the language in force."""
    tree = typer.main.get_command(app)
    _translate(tree)
    for name in (
        "OPTIONS_PANEL_TITLE",
        "COMMANDS_PANEL_TITLE",
        "ARGUMENTS_PANEL_TITLE",
        "ERRORS_PANEL_TITLE",
    ):
        setattr(typer.rich_utils, name, _panel_titles()[name])
    return tree


def _panel_titles() -> dict[str, str]:
    return {
        "OPTIONS_PANEL_TITLE": t("Options"),
        "COMMANDS_PANEL_TITLE": t("Commands"),
        "ARGUMENTS_PANEL_TITLE": t("Arguments"),
        "ERRORS_PANEL_TITLE": t("Error"),
    }


def _translate(command: Any) -> None:
    """Translate the help of `command`, its parameters and its subcommands in place."""
    if command.help:
        # A help text may be wrapped in the source; the sentence is the key.
        command.help = i18n.t(" ".join(command.help.split()))
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = i18n.t(parameter.help)
    help_option = command.get_help_option(typer.Context(command))
    if help_option:
        help_option.help = t("Show this help and stop.")
    for child in getattr(command, "commands", {}).values():
        _translate(child)


def _interrupted() -> None:
    stopped = t("Stopped. What was finished is kept; the published snapshot is untouched.")
    show_error(
        GuikeError(stopped, t("Give the same command again to go on; a run skips what is already done."))
    )


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether a Ctrl-C is behind it: DuckDB, when it is asked to stop, raises an error of its own."""
    while error:
        if type(error).__name__ == "InterruptException" or str(error) == "Query interrupted":
            return True
        error = error.__cause__ or error.__context__
    return False


def _no_room(error: Exception) -> GuikeError | None:
    """What the machine refused, which is no defect: writing a file, or, whatever broke, room on the disk."""
    if isinstance(error, OSError) and error.errno in _REFUSALS:
        return GuikeError(
            t("{file} can't be written: {reason}", file=error.filename or "–", reason=error.strerror),
            t("Make room there, or let this user write; then run again."),
        )
    try:
        home = load_settings().home
    except GuikeError:
        return None
    folder = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(folder).free / 2**20
    if free > _LEAST_FREE_MB:
        return None
    return GuikeError(
        t(
            "The disk of {folder} is full ({free:.0f} MB free): {reason}",
            folder=folder,
            free=free,
            reason=_first_line(error),
        ),
        t("Make room there, or let this user write; then run again."),
    )


def _defect(error: Exception) -> GuikeError:
    kind = type(error).__name__
    return GuikeError(
        t("This is a defect of Guike: {kind}: {reason}", kind=kind, reason=_first_line(error)),
        t("Run the command again as `guike --debug …` and report what it prints."),
    )


def _first_line(error: Exception) -> str:
    """Some libraries put a whole stack trace into the text; its first line says what it is about."""
    return next(iter(str(error).splitlines()), type(error).__name__)


if __name__ == "__main__":
    sys.exit(main())
