"""Passwords out of system specs and into `.env`, which no commit takes up.

Comes in: a location as the user typed it. Goes out: the location as a spec may hold it: as it is, or a
`${GUIKE_<NAME>_URL}` whose value stands in `.env` beside pyproject.toml, readable for its owner only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pipelines.errors import GuikeError
from pipelines.extract.masking import secrets_in
from pipelines.i18n import t
from pipelines.settings import Settings, environment

_VARIABLE = re.compile(r"\$\{[A-Z][A-Z0-9_]*\}")


def location_without_secret(settings: Settings, name: str, location: str) -> str:
    """`location`, or the variable that stands for it, after its value was put into `.env`.

    Args:
        name: the system's; the variable is GUIKE_<NAME>_URL.
        location: a URL or path; a password in it, also in its query, is what makes it secret.

    Raises:
        GuikeError: the location is no single line, the environment has another value for the variable (it
            would outrank the file), or `.env` can't be written.
    """
    if "\n" in location or "\r" in location:
        raise GuikeError(
            t("The location of {system} has more than one line.", system=name),
            t("Write the URL or path in one line."),
        )
    if not has_secret(location):
        return location
    note_variables(settings.root / ".env", {variable_name(name): location})
    return url_variable(name)


def note_variables(path: Path, variables: Mapping[str, str]) -> None:
    """Set the variables in the file, instead of what it says of them.

    Raises:
        GuikeError: it can't be written, or the environment has another value, which would outrank it.
    """
    in_file = dict(map(_pair, _lines(path)))
    for name, value in variables.items():
        if environment().get(name, value) not in (value, in_file.get(name)):
            raise GuikeError(
                t("The environment variable {name} is set already, to something else.", name=name),
                t("Unset it, or set it to the URL and give '{placeholder}' as the location.",
                  placeholder=f"${{{name}}}"),
            )  # fmt: skip
    kept = [line for line in _lines(path) if _pair(line)[0] not in variables]
    if variables:
        _replace(path, [*kept, *(f"{name}={value}" for name, value in variables.items())], min(variables))


def forget_variable(path: Path, name: str) -> bool:
    """Take what the file says of the variable out; returns whether it said something."""
    lines = _lines(path)
    kept = [line for line in lines if _pair(line)[0] != name]
    if kept != lines:
        _replace(path, kept, name)
    return kept != lines


def variable_name(name: str) -> str:
    """The variable in which the URL of the system `name` is kept."""
    return f"GUIKE_{name.upper()}_URL"


def url_variable(name: str) -> str:
    """What stands in the spec of the system `name` for a location that holds a secret."""
    return f"${{{variable_name(name)}}}"


def has_secret(location: str) -> bool:
    """Whether a password or token is written out in `location`; `${NAME}` in its place is none."""
    return bool(secrets_in(_VARIABLE.sub("", location)))


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _pair(line: str) -> tuple[str, str]:
    """The name and the value on a line of `.env`."""
    name, _, value = line.partition("=")
    return name.strip(), value.strip().strip("'\"")


def _replace(path: Path, lines: list[str], variable: str) -> None:
    """Give `path` these lines at once; only its owner may read them."""
    new = path.with_name(f"{path.name}.new")
    try:
        new.touch(mode=0o600)
        new.chmod(0o600)
        new.write_text("\n".join(lines) + "\n", encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise GuikeError(
            t("The file {file} can't be written: {reason}.", file=path.name, reason=error.strerror),
            t("Mend that, or put {name}=… there yourself and give '{placeholder}' as the location.",
              name=variable, placeholder=f"${{{variable}}}"),
        ) from error  # fmt: skip
