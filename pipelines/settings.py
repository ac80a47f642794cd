"""The only module that reads the environment (and `.env` beside pyproject.toml).

Comes in: environment variables named GUIKE_…, `.env`, and `pipelines/company.yml`. Goes out: one frozen
`Settings`, and `expand`, which fills `${VAR}` and `${VAR:-default}` in system specs at the moment of use,
so that a secret is never kept in an object that could be logged.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from pipelines.errors import GuikeError
from pipelines.i18n import t

ROOT = Path(__file__).resolve().parent.parent
_MEMORY = re.compile(r"(?P<number>\d+(?:\.\d+)?) ?[KMGT]i?B", re.I)
_DEEPEST_PLACEHOLDER = 10
_PLACEHOLDER = re.compile(r"\$\{(?P<name>[A-Z][A-Z0-9_]*)(?::-(?P<default>[^{}]*))?\}")


@dataclass(frozen=True)
class Settings:
    """Where everything is and how a run behaves.

    Attributes:
        root: the project folder (with pyproject.toml).
        home: all data Guike writes; $GUIKE_HOME, by default warehouse/data in the project.
        company: the company's name by language, keys "en" and "zh".
        timezone: IANA name; days, quarters and the schedule are in this zone.
        fixed_as_of: the date the marts are built for, or None for today.
        memory_limit: DuckDB's memory limit per process, for example "4GB".
        threads: DuckDB's and dbt's threads.
        keep_snapshots: how many published snapshots are kept for roll-back.
        mask_personal_data: whether published relations are masked.
        require_services: tests fail instead of skipping where a server is missing.
    """

    root: Path
    home: Path
    company: dict[str, str]
    timezone: str
    fixed_as_of: date | None
    memory_limit: str
    threads: int
    keep_snapshots: int
    mask_personal_data: bool
    require_services: bool

    @property
    def as_of(self) -> date:
        """The date that marts are built for."""
        return self.fixed_as_of or datetime.now(ZoneInfo(self.timezone)).date()

    @property
    def warehouse(self) -> Path:
        """The working DuckDB file; only the writing run opens it."""
        return self.home / "guike.duckdb"

    @property
    def published(self) -> Path:
        """The folder of snapshots; `current.duckdb` in it is what readers open."""
        return self.home / "published"

    @property
    def systems_dir(self) -> Path:
        """One YAML file per legacy system."""
        return self.root / "pipelines" / "systems"

    @property
    def dbt_dir(self) -> Path:
        """The dbt project."""
        return self.root / "dbt_project"


def environment() -> dict[str, str]:
    """The process environment over the values in `.env` (which the process environment outranks)."""
    values: dict[str, str] = {}
    env_file = ROOT / ".env"
    if env_file.exists():
        for number, line in enumerate(_text(env_file).splitlines(), start=1):
            text = line.strip().removeprefix("export ")  # so that a shell can read the file, too
            if not text or text.startswith("#"):
                continue
            name, separator, value = text.partition("=")
            if not separator:
                raise GuikeError(
                    t("{file}, line {line}: not a NAME=value pair.", file=env_file.name, line=number),
                    t("Write it as NAME=value, or put a # in front of it."),
                )
            values[name.strip()] = value.strip().strip("'\"")
    return values | dict(os.environ)


def _text(file: Path) -> str:
    """The text of a file that users edit with whatever they have: Windows' Notepad begins it with a BOM."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise GuikeError(
            t("{file} can't be read: {reason}", file=file.name, reason=error),
            t("Make it a readable text file in UTF-8."),
        ) from error


def load_settings() -> Settings:
    """Read the settings afresh.

    Raises:
        GuikeError: a value that can't be used, with its name and what it should look like.
    """
    env = environment()
    company = _company(ROOT / "pipelines" / "company.yml")
    as_of = env.get("GUIKE_AS_OF") or company.get("as_of")
    return Settings(
        root=ROOT,
        home=_home(env),
        company=company["name"],
        timezone=str(company["timezone"]),
        fixed_as_of=_date("GUIKE_AS_OF", str(as_of)) if as_of else None,
        memory_limit=_memory(env, "GUIKE_MEMORY", "4GB"),
        threads=_integer(env, "GUIKE_THREADS", os.cpu_count() or 2),
        keep_snapshots=_integer(env, "GUIKE_KEEP_SNAPSHOTS", 7),
        mask_personal_data=env.get("GUIKE_PUBLISH", "masked") != "plain",
        require_services=env.get("GUIKE_REQUIRE_SERVICES") == "1",
    )


def _company(file: Path) -> dict[str, Any]:
    """What `company.yml` says; it has a name in both languages and a time zone that exists."""
    try:
        company: dict[str, Any] = yaml.safe_load(_text(file))
        ZoneInfo(company["timezone"])
        return company | {"name": {code: str(company["name"][code]) for code in ("en", "zh")}}
    except (yaml.YAMLError, KeyError, TypeError, ValueError, OSError) as error:
        raise GuikeError(
            t("{file} can't be used: {reason}", file=file.name, reason=error),
            t("It needs a name in en and in zh, and an IANA timezone such as Asia/Shanghai."),
        ) from error


def expand(text: str) -> str:
    """Fill `${VAR}` and `${VAR:-default}` in `text` from the environment; `${GUIKE_HOME}` and
    `${GUIKE_ROOT}` are always known.

    Raises:
        GuikeError: a variable without default that isn't set.
    """
    env = environment()
    known = {"GUIKE_HOME": str(_home(env)), "GUIKE_ROOT": str(ROOT)}

    def fill(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        value = known.get(name) or env.get(name) or default
        if value is None:
            raise GuikeError(
                t("The environment variable {name} is not set.", name=name),
                t("Put {name}=… into the file .env in the project folder, or export it.", name=name),
            )
        return value

    # Innermost first, so that a default may itself hold a placeholder.
    for _ in range(_DEEPEST_PLACEHOLDER):
        filled = _PLACEHOLDER.sub(fill, text)
        if filled == text:
            return text
        text = filled
    raise GuikeError(
        t("The placeholders in {text} lead back to themselves.", text=text[:60]),
        t("Write what is meant in place of ${VAR} in the file .env."),
    )


def _home(env: dict[str, str]) -> Path:
    return Path(env.get("GUIKE_HOME") or ROOT / "warehouse" / "data").expanduser().absolute()


def _date(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise GuikeError(
            t("{name} is '{text}', which is not a date.", name=name, text=text),
            t("Write it as YYYY-MM-DD."),
        ) from None


def _memory(env: dict[str, str], name: str, default: str) -> str:
    text = env.get(name, default).strip()
    match = _MEMORY.fullmatch(text)
    if not match or float(match["number"]) <= 0:
        raise GuikeError(
            t("{name} is '{text}', which is not an amount of memory.", name=name, text=text),
            t("Write it like 4GB or 512MB, or remove it."),
        )
    return text


def _integer(env: dict[str, str], name: str, default: int) -> int:
    text = env.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise GuikeError(
            t("{name} is '{text}', which is not a whole number above 0.", name=name, text=text),
            t("Set it to a whole number, or remove it."),
        )
    return int(text)
