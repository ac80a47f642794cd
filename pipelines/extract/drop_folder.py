"""Which files on the disk hold a table.

Comes in: a spec whose location is a file, a pattern of files, a folder (then a table's source is the file or
pattern in it), or a .zip (then a table's source may be the file in it). Goes out: the files, sorted by name.
A folder that other people write to is not to be trusted: nothing that leads out of it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path

from pipelines.errors import GuikeError
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.i18n import t
from pipelines.settings import ROOT, expand

_UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".download")


@dataclass(frozen=True)
class Found:
    """A file on the disk; `member` is the name or pattern of what is wanted in it, if it is an archive."""

    path: Path
    name: str
    member: str | None = None


def is_pattern(spec: SystemSpec, table: TableSpec) -> bool:
    """Whether the table's files are found by a pattern, so that they come and go."""
    base, pattern, _ = _base_and_pattern(spec, table)
    return _has_magic(base, pattern)


def files_of(spec: SystemSpec, table: TableSpec) -> list[Found]:
    """The files that hold `table`.

    Raises:
        GuikeError: there is none, one leads out of its folder, or the location tells several tables nothing
            about their files.
    """
    base, pattern, member = _base_and_pattern(spec, table)
    found = files_there(spec, table)
    if not found:
        if (base / pattern).is_dir():
            raise GuikeError(
                t("{system}: {file} is a folder, not a file.", system=spec.name, file=base / pattern),
                t("Name the file in it, or a pattern such as *.csv, in pipelines/systems/{system}.yml.",
                  system=spec.name),
            )  # fmt: skip
        raise GuikeError(
            t("{system}: there is no file {file}.", system=spec.name, file=base / pattern),
            t("Put it there, or put location in pipelines/systems/{system}.yml right.", system=spec.name),
        )
    return found


def files_there(spec: SystemSpec, table: TableSpec) -> list[Found]:
    """The same, but none is no error."""
    base, pattern, member = _base_and_pattern(spec, table)
    paths: Iterable[Path]
    if _has_magic(base, pattern):
        paths = [path for path in base.glob(_in_any_case(pattern)) if not _is_unfinished(path)]
    else:
        paths = [_any_case(base, pattern)]
    found = [path for path in paths if path.is_file()]
    if _is_folder(spec, base) or _has_magic(base, pattern):
        for path in found:
            _refuse_outside(spec, base, path)
    return sorted((Found(path, str(path.relative_to(base)), member) for path in found), key=lambda f: f.name)


def _base_and_pattern(spec: SystemSpec, table: TableSpec) -> tuple[Path, str, str | None]:
    """The folder, the file or pattern in it, and what is wanted of an archive."""
    location = ROOT / expand(spec.location)
    if location.is_dir() and spec.kind in ("mail", "vcard"):
        return location, "[!.]*", None
    if location.is_dir() and spec.kind != "excel":
        return _in_folder(spec, location, table)
    if (
        len(spec.tables) > 1
        and spec.kind not in ("excel", "mail")
        and location.exists()
        and not _is_zip(location)
    ):
        raise GuikeError(
            t("{system}: {location} is one file, but the system has several tables.", system=spec.name,
              location=location),
            t("Make location the folder, and each table's source the name of its file."),
        )  # fmt: skip
    named = "source" in table.model_fields_set and table.source != table.name
    member = table.source if _is_zip(location) and spec.kind != "excel" and named else None
    base = location.parent
    return base, location.name, member


def _has_magic(base: Path, pattern: str) -> bool:
    """Whether it is a pattern, and not the name of a file with brackets, as browsers give: 客户[1].csv."""
    return has_magic(pattern) and not (base / pattern).exists()


def _in_folder(spec: SystemSpec, folder: Path, table: TableSpec) -> tuple[Path, str, str | None]:
    source, member = table.source, None
    lower = source.lower()
    if (cut := lower.find(".zip/")) >= 0:
        source, member = source[: cut + 4], source[cut + 5 :]
    if Path(source).is_absolute() or ".." in Path(source).parts:
        raise _outside(spec, folder, source)
    return folder, source, member


def _is_zip(location: Path) -> bool:
    return location.suffix.lower() == ".zip"


def _is_folder(spec: SystemSpec, base: Path) -> bool:
    return ROOT / expand(spec.location) == base


def _is_unfinished(path: Path) -> bool:
    """Copies under way, Excel's locks, hidden files."""
    return path.name.startswith(("~$", ".")) or path.suffix.lower() in _UNFINISHED


def _any_case(base: Path, name: str) -> Path:
    """Windows doesn't tell MEMBER.DBF from member.dbf."""
    path = base / name
    if path.exists() or not path.parent.is_dir():
        return path
    alike = [other for other in path.parent.iterdir() if other.name.lower() == path.name.lower()]
    return alike[0] if len(alike) == 1 else path


def _in_any_case(pattern: str) -> str:
    """*.csv finds SALES.CSV too; what stands in brackets stays."""
    outside = re.split(r"(\[[^\]]+\])", pattern)
    outside[::2] = ["".join(map(_either_case, one)) for one in outside[::2]]
    return "".join(outside)


def _either_case(letter: str) -> str:
    return f"[{letter.lower()}{letter.upper()}]" if letter.isascii() and letter.isalpha() else letter


def _refuse_outside(spec: SystemSpec, base: Path, path: Path) -> None:
    if not path.resolve().is_relative_to(base.resolve()):
        raise _outside(spec, base, str(path.relative_to(base)))


def _outside(spec: SystemSpec, folder: Path, name: str) -> GuikeError:
    return GuikeError(
        t("{system}: {name} leads out of the folder {folder}.", system=spec.name, name=name, folder=folder),
        t("Put the file itself into the folder; links and paths out of it are not followed."),
    )
