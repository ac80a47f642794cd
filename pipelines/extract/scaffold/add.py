"""Where the source of a new system is, and how its YAML says so.

Comes in: what the user typed: a URL or a path. Goes out: the survey of it, and the header of the system's
YAML. A URL may hold a password, so it goes into `.env`, and the YAML names the variable.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import GuikeError
from pipelines.extract.scaffold.introspect import is_database, survey_database, with_driver
from pipelines.extract.scaffold.introspect_files import survey_files
from pipelines.extract.scaffold.render import Header
from pipelines.extract.scaffold.survey import Survey
from pipelines.extract.secrets_file import has_secret, url_variable, variable_name
from pipelines.i18n import t
from pipelines.settings import Settings, expand


def survey(settings: Settings, location: str) -> Survey:
    """Look at what is at `location`.

    Raises:
        GuikeError: nothing is there, or it can't be read; no password is in the message.
    """
    place = expand(location)
    return survey_database(place) if is_database(place) else survey_files(settings, Path(place).expanduser())


def header(settings: Settings, location: str, name: str, trust: int) -> tuple[Header, dict[str, str]]:
    """The system's header, and the variables that belong into `.env`."""
    if not 0 <= trust <= 100:
        raise GuikeError(
            t("trust is {trust}, but must be from 0 to 100", trust=trust),
            t("The more a system is trusted, the more its values win over other systems'."),
        )
    variables: dict[str, str] = {}
    if "${" in location and not has_secret(location):
        place = location
    elif is_database(location):
        variables[variable_name(name)] = _from_anywhere(with_driver(location))
        place = url_variable(name)
    else:
        path = Path(location).expanduser().absolute()
        # A default in ${…} can't hold braces.
        place = str(path) if set("{}") & set(str(path)) else f"${{GUIKE_{name.upper()}_PATH:-{path}}}"
    return Header(name, place, trust, settings.timezone), variables


def _from_anywhere(url: str) -> str:
    """A SQLite URL with the whole path: the next run may start in another folder."""
    path = url.removeprefix("sqlite:///")
    return f"sqlite:///{Path(path).absolute()}" if path != url and "${" not in path else url
