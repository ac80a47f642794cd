"""What a database's error means for the user.

Comes in: an error of a driver, and what was being read. Goes out: a GuikeError that names the system, or the
table, and what to do, without the password. Servers say which error it is by a number or by five characters
(SQLSTATE); what they say in words is passed on.
"""

from __future__ import annotations

from pipelines.errors import GuikeError
from pipelines.extract.masking import mask, secrets_in
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.i18n import t

_LOGIN = {1044, 1045, 1698, 18456, 1017, "28000", "28P01"}
_NO_DATABASE = {1049, 4060, 12514, "3D000"}
_NOT_ALLOWED = {1142, 1143, 1370, 229, 230, 1031, "42501"}
_BROKEN_OFF = {2006, 2013, 1053, 1317, 1927, 3113, 3114, "57P01", "57P02", "57014", "08006", "08003", "08S01"}
_WAITED = {1205, 1222, "55P03"}
_NO_SNAPSHOT = {3952}


def explain(spec: SystemSpec, table: TableSpec | None, error: BaseException, location: str) -> GuikeError:
    """The error to raise; `table` is the one that was being read, if any."""
    reason = mask(_first_line(error), secrets_in(location))
    if table is None:
        what = t("{system} can't be read: {reason}", system=spec.name, reason=reason)
    else:
        what = t("{system}.{table} can't be read: {reason}", system=spec.name, table=table.name,
                 reason=reason)  # fmt: skip
    return GuikeError(what, _remedy(spec, table, error))


def _remedy(spec: SystemSpec, table: TableSpec | None, error: BaseException) -> str:
    code, source = _code(error), table.source if table else spec.name
    if code in _LOGIN:
        return t("Check user and password in location in pipelines/systems/{system}.yml.", system=spec.name)
    if code in _NO_DATABASE:
        return t("Check the name of the database in location in pipelines/systems/{system}.yml.",
                 system=spec.name)  # fmt: skip
    if code in _NOT_ALLOWED:
        return t("Let the user in location read {source}: grant select.", source=source)
    if code in _BROKEN_OFF:
        return t("Run again. If it happens again, ask who runs the server what ends long queries.")
    if code in _WAITED or "database is locked" in str(error):
        return t("Another program holds {source} locked; run again when it has finished.", source=source)
    if code in _NO_SNAPSHOT:
        return t("Have the database allow it: alter database … set allow_snapshot_isolation on.")
    if "malformed" in str(error) or "not a database" in str(error):
        return t("Copy it again while the old program isn't running.")
    if table is not None:
        return t("Try the same in the server: select * from {source}.", source=source)
    return t("Check that the server runs and that location in pipelines/systems/{system}.yml is right.",
             system=spec.name)  # fmt: skip


def _original(error: BaseException) -> BaseException:
    return getattr(error, "orig", None) or error


def _code(error: BaseException) -> int | str | None:
    """The server's number or SQLSTATE for the error."""
    original = _original(error)
    state = getattr(original, "sqlstate", None)
    first = original.args[0] if original.args else None
    if isinstance(first, int):
        return first
    return state or _state_in(str(original)) or getattr(first, "code", None) or _first_word(first)


def _first_word(first: object) -> str | None:
    return first if isinstance(first, str) and len(first) == 5 else None


def _state_in(message: str) -> str | None:
    """For what libpq says while it connects, which has no SQLSTATE."""
    if "password authentication failed" in message or "no password supplied" in message:
        return "28P01"
    if "database" in message and "does not exist" in message:
        return "3D000"
    if "server closed the connection" in message:
        return "08006"
    return None


def _first_line(error: BaseException) -> str:
    lines = str(_original(error)).strip().splitlines()
    return lines[0] if lines else type(_original(error)).__name__
