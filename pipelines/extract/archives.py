"""Files out of .zip and .gz archives, laid on the disk one at a time.

Comes in: an archive and the kind of files that are wanted. Goes out: those files, unpacked under names of our
own, in bounded memory. An archive is the one input that can be a thousand times what it looks like, so both
what it claims and what really comes out are held against limits; and its names are never used as paths.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO

from pipelines.errors import GuikeError
from pipelines.extract.parts import Part
from pipelines.extract.specs import SystemSpec
from pipelines.i18n import t

MOST_BYTES = 50 << 30
SUSPICIOUS_BYTES = 100 << 20
MOST_RATIO = 200
_CHUNK = 1 << 20
_IS_UTF8, _IS_ENCRYPTED = 0x800, 0x1
_SUFFIXES: dict[str, frozenset[str]] = {
    "csv": frozenset({".csv", ".txt", ".tsv", ".dat"}),
    "excel": frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"}),
    "dbf": frozenset({".dbf"}),
    "jsonl": frozenset({".jsonl", ".ndjson", ".json"}),
    "parquet": frozenset({".parquet"}),
    "text": frozenset({".txt"}),
}
_MEMO_SUFFIXES = frozenset({".fpt", ".dbt"})
_ARCHIVES = frozenset({".zip", ".gz", ".rar", ".7z", ".tar"})


def is_archive(path: Path) -> bool:
    """Whether the name says .zip or .gz."""
    return path.suffix.lower() in (".zip", ".gz")


def unpacked(
    spec: SystemSpec, path: Path, pattern: str | None, content_hash: str, scratch: Path
) -> Iterator[Part]:
    """The files in the archive that are of the system's kind; each is on disk until the next is asked for.

    Args:
        pattern: the name, or pattern of names, of the files wanted; None for all of the kind.
        scratch: an empty folder.

    Raises:
        GuikeError: damaged, encrypted, far larger than it looks, a name that leads out of it, no such file.
    """
    if path.suffix.lower() == ".gz":
        target = scratch / "1"
        with gzip.open(path) as packed:
            _write(path, packed, target, path.stat().st_size, path.name)
        yield Part(f"{path.name}/{path.stem}", target, content_hash)
        return
    with _open_zip(path) as archive:
        files = [(_name(info), info) for info in archive.infolist() if not info.is_dir()]
        names = dict(files)
        _refuse_leaving(path, names)
        _refuse_unclear(path, [name for name, _ in files], pattern)
        wanted = _wanted(spec, list(names), pattern)
        if not wanted:
            raise GuikeError(
                t("{file} holds no file {pattern}. It has: {names}.", file=path.name,
                  pattern=pattern or " ".join(f"*{suffix}" for suffix in sorted(_SUFFIXES[spec.kind])),
                  names=", ".join(sorted(names)[:20]) or "–"),
                t("Put the source of the table in pipelines/systems/{system}.yml right, or pack it again.",
                  system=spec.name),
            )  # fmt: skip
        for name in wanted:
            target = scratch / f"file{PurePosixPath(name).suffix}"
            _extract(path, archive, names[name], target)
            for memo in _memos(names, name) if spec.kind == "dbf" else ():
                _extract(path, archive, names[memo], target.with_suffix(PurePosixPath(memo).suffix))
            yield Part(f"{path.name}/{name}", target, content_hash)
            for leftover in scratch.iterdir():
                leftover.unlink()


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise _damaged(path, error) from None


def _name(info: zipfile.ZipInfo) -> str:
    """The name as it was meant: Windows packs Chinese names in GBK and says nothing about it."""
    if info.flag_bits & _IS_UTF8:
        return info.filename
    raw = info.orig_filename.encode("cp437", "replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename


def _refuse_unclear(path: Path, names: list[str], pattern: str | None) -> None:
    """Two files of one name, of which only one would be read; and archives in the archive, overlooked."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise GuikeError(
            t("{file} holds two files called {name}.", file=path.name, name=twice),
            t("Pack it again with one of them."),
        )
    inner = next((name for name in names if PurePosixPath(name).suffix.lower() in _ARCHIVES), None)
    if inner and pattern is None:
        raise GuikeError(
            t("{file} holds another archive, {name}, which is not looked into.", file=path.name, name=inner),
            t("Unpack that one, or name the files wanted as the source of the table."),
        )


def _refuse_leaving(path: Path, names: dict[str, zipfile.ZipInfo]) -> None:
    for name in names:
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or ":" in parts[0]:
            raise GuikeError(
                t("{file} holds a file named {name}, which would leave the folder it is unpacked to.",
                  file=path.name, name=name),
                t("Don't trust this archive; have it made anew by the program that exports."),
            )  # fmt: skip


def _wanted(spec: SystemSpec, names: Sequence[str], pattern: str | None) -> list[str]:
    real = [name for name in names if not _is_clutter(name)]
    if pattern is None:
        return sorted(name for name in real if PurePosixPath(name).suffix.lower() in _SUFFIXES[spec.kind])
    wanted = pattern.lower()
    fits = [name for name in real if fnmatchcase(name.lower(), wanted)]
    return sorted(fits or [name for name in real if fnmatchcase(PurePosixPath(name.lower()).name, wanted)])


def _is_clutter(name: str) -> bool:
    """What macOS and Excel leave lying about."""
    path = PurePosixPath(name)
    return "__MACOSX" in path.parts or path.name.startswith((".", "~$"))


def _memos(names: dict[str, zipfile.ZipInfo], name: str) -> list[str]:
    stem = name.rpartition(".")[0].lower()
    return [other for other in names if other.lower() in {stem + suffix for suffix in _MEMO_SUFFIXES}]


def _extract(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    if info.flag_bits & _IS_ENCRYPTED:
        raise GuikeError(
            t("{file}: {name} in it is encrypted.", file=path.name, name=_name(info)),
            t("Pack it without a password; Guike keeps no passwords of archives."),
        )
    _check_size(path, _name(info), info.file_size, info.compress_size)
    try:
        packed = archive.open(info)
    except (NotImplementedError, zipfile.BadZipFile) as error:
        raise _damaged(path, error) from None
    with packed:
        _write(path, packed, target, info.compress_size, _name(info))


def _write(path: Path, packed: IO[bytes] | gzip.GzipFile, target: Path, packed_bytes: int, name: str) -> None:
    """Copy what comes out of `packed`, as long as it stays within the limits."""
    written = 0
    try:
        read: Callable[[int], bytes] = packed.read
        with target.open("wb") as file:
            while chunk := read(_CHUNK):
                written += len(chunk)
                _check_size(path, name, written, packed_bytes)
                file.write(chunk)
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _damaged(path, error) from None


def _check_size(path: Path, name: str, unpacked_bytes: int, packed_bytes: int) -> None:
    ratio = unpacked_bytes / max(1, packed_bytes)
    if unpacked_bytes > MOST_BYTES or (unpacked_bytes > SUSPICIOUS_BYTES and ratio > MOST_RATIO):
        raise GuikeError(
            t("{file}: {name} in it unpacks to {megabytes} MB or more, {ratio:.0f} times its packed size.",
              file=path.name, name=name, megabytes=unpacked_bytes >> 20, ratio=ratio),
            t("If that is right, unpack it yourself and name the file; if not, the archive is a trap."),
        )  # fmt: skip


def _damaged(path: Path, error: BaseException) -> GuikeError:
    return GuikeError(
        t("{file} is a damaged archive: {reason}", file=path.name, reason=error),
        t("Copy it again, or have it packed anew."),
    )
