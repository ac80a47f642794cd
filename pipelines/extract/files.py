"""The files of one system: tables, letters, phone books and text templates, packed or not.

Comes in: a spec. Goes out: Arrow batches of text, as delivered, and a verdict per file that was read. Where
a table's files are found by a pattern, each is parsed once and kept as Parquet: a drop folder of three years
costs no more than the file that is new in it.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from pipelines.errors import GuikeError
from pipelines.extract.archives import is_archive, unpacked
from pipelines.extract.batches import text_schema
from pipelines.extract.csv_files import read_csv
from pipelines.extract.dbf import read_dbf
from pipelines.extract.dbf_memo import memo_beside
from pipelines.extract.drop_folder import Found, files_of, files_there, is_pattern
from pipelines.extract.file_cache import Entry, FileCache
from pipelines.extract.hashes import FileHashes
from pipelines.extract.loose_files import LooseReader, file_by_file, read_jsonl, read_parquet
from pipelines.extract.mail import read_mail
from pipelines.extract.parts import Findings, Part, Reader
from pipelines.extract.sheets import read_excel
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.extract.templates import read_templates
from pipelines.extract.vcard import read_vcards
from pipelines.extract.verdict import FileVerdict
from pipelines.i18n import t

_READERS: dict[str, Reader] = {
    "csv": read_csv, "excel": read_excel, "dbf": read_dbf, "parquet": read_parquet,
}  # fmt: skip
_LOOSE_READERS: dict[str, LooseReader] = {
    "jsonl": read_jsonl, "text": read_templates, "mail": file_by_file(read_mail),
    "vcard": file_by_file(read_vcards),
}  # fmt: skip
_SMALL_FILES = ("text", "mail", "vcard")

_log = logging.getLogger("guike.extract")


class FileSource:
    """The files of one system; `verdicts` grows with each file that is read to its end."""

    def __init__(self, spec: SystemSpec, hashes: FileHashes) -> None:
        self._spec, self._hashes = spec, hashes
        self._scratch = hashes.folder / "unpacked"
        self.verdicts: list[FileVerdict] = []

    def fingerprint(self, table: TableSpec) -> str | None:
        """A hash of the names and contents of the table's files, and of how they are read."""
        digest = hashlib.sha256(self._spec.signature(table).encode())
        for name, content_hash in sorted(self._contents(table).items()):
            digest.update(f"{name}\0{content_hash}\0".encode())
        return digest.hexdigest()

    def read(self, table: TableSpec) -> Iterator[pa.RecordBatch]:
        """The rows of all the table's files, in the order of their names."""
        if self._spec.kind in _LOOSE_READERS:
            yield from self._read_loose(table)
        elif is_pattern(self._spec, table):
            yield from self._read_folder(table)
        else:
            for found in files_of(self._spec, table):
                yield from self._read_file(table, found)

    def _contents(self, table: TableSpec) -> dict[str, str]:
        """The hash of each file by its name; with those that are gone where their rows are kept."""
        kept = {name: entry.content_hash for name, entry in self._kept(table).items()}
        files = files_there(self._spec, table) if kept else files_of(self._spec, table)
        return kept | {found.name: self._content_hash(found) for found in files}

    def _content_hash(self, found: Found) -> str:
        """The hash of the file; of a DBF together with its memo file, which changes without it."""
        memo = memo_beside(found.path) if self._spec.kind == "dbf" else None
        content_hash = self._hashes.of(found.path)
        if memo is None:
            return content_hash
        return hashlib.sha256(f"{content_hash}{self._hashes.of(memo)}".encode()).hexdigest()

    def _kept(self, table: TableSpec) -> dict[str, Entry]:
        if table.vanished != "keep" or not is_pattern(self._spec, table):
            return {}
        return self._cache(table).entries

    def _cache(self, table: TableSpec) -> FileCache:
        return FileCache(self._hashes.folder / "files" / table.name, self._spec.signature(table))

    def _read_folder(self, table: TableSpec) -> Iterator[pa.RecordBatch]:
        """A drop folder's files, each parsed if it has changed since it last was."""
        cache, kept = self._cache(table), self._kept(table)
        files = files_there(self._spec, table) if kept else files_of(self._spec, table)
        there = {found.name: found for found in files}
        self._tell_gone(table, sorted(set(cache.entries) - set(there)))
        hashes = {name: entry.content_hash for name, entry in kept.items()}
        hashes |= {name: self._content_hash(found) for name, found in there.items()}
        # Of files with the same content the first; one that is there before one that is gone.
        first: dict[str, str] = {}
        for name in sorted(hashes, key=lambda name: (name not in there, name)):
            first.setdefault(hashes[name], name)
        entries = {}
        for name in sorted(hashes):
            found, content_hash = there.get(name), hashes[name]
            if first[content_hash] != name:
                self._tell_same(table, name, first[content_hash])
                continue
            entries[name] = entry = cache.entry(name, content_hash)
            if cache.has(entry):
                yield from cache.rows(entry)
            elif found:
                yield from cache.keep(entry, text_schema(table), self._read_file(table, found))
            else:
                raise self._gone(table, name)
        cache.finish(entries)

    def _read_file(self, table: TableSpec, found: Found) -> Iterator[pa.RecordBatch]:
        reader = _READERS[self._spec.kind]
        for part in self._parts(found):
            findings, rows = Findings(), 0
            for batch in reader(self._spec, table, part, findings):
                rows += batch.num_rows
                yield batch
            self._note(table, part, findings, rows)

    def _read_loose(self, table: TableSpec) -> Iterator[pa.RecordBatch]:
        notes: dict[str, tuple[Part, Findings]] = {}
        rows: dict[str, int] = {}

        def parts() -> Iterator[tuple[Part, Findings]]:
            for found in files_of(self._spec, table):
                for part in self._parts(found):
                    notes[part.name] = part, Findings()
                    yield notes[part.name]

        names: dict[int, str] = {}
        for findings, batch in _LOOSE_READERS[self._spec.kind](self._spec, table, parts()):
            name = names.setdefault(id(findings), list(notes)[-1])
            rows[name] = rows.get(name, 0) + batch.num_rows
            yield batch
        for name, (part, findings) in notes.items():
            self._note(table, part, findings, rows.get(name, 0))

    def _parts(self, found: Found) -> Iterator[Part]:
        """The file itself, or those in it; refused where somebody writes to it meanwhile."""
        content_hash = self._content_hash(found)
        before = found.path.stat()
        if is_archive(found.path):
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch.mkdir(parents=True)
            try:
                yield from unpacked(self._spec, found.path, found.member, content_hash, self._scratch)
            finally:
                shutil.rmtree(self._scratch, ignore_errors=True)
        else:
            yield Part(found.name, found.path, content_hash)
        after = found.path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise GuikeError(
                t("{system}: {file} changed while it was read.", system=self._spec.name, file=found.name),
                t("Run again when the program that writes it has finished."),
            )

    def _note(self, table: TableSpec, part: Part, findings: Findings, rows: int) -> None:
        verdict = FileVerdict(
            table.name, part.name, part.content_hash, findings.encoding, findings.delimiter,
            findings.header_row, findings.confidence, rows, findings.left_out,
        )  # fmt: skip
        self.verdicts.append(verdict)
        told = [findings.encoding, repr(findings.delimiter) if findings.delimiter else None]
        # A letter or a template is one row: thousands of them would drown the log.
        _log.log(
            logging.DEBUG if self._spec.kind in _SMALL_FILES else logging.INFO,
            t("{table}: {file} read as {how}; {rows} rows, {left_out} left out, confidence {confidence:.0%}",
              table=f"{self._spec.name}.{table.name}", file=part.name, rows=rows,
              how=", ".join(one for one in told if one) or self._spec.kind, left_out=findings.left_out,
              confidence=findings.confidence)
        )  # fmt: skip

    def _tell_gone(self, table: TableSpec, names: list[str]) -> None:
        if not names:
            return
        place, listed = f"{self._spec.name}.{table.name}", ", ".join(names)
        if table.vanished == "keep":
            _log.info(
                t("{table}: these files are gone, their rows are kept: {files}", table=place, files=listed)
            )
        else:
            _log.warning(
                t(
                    "{table}: these files are gone, and so are their rows: {files}",
                    table=place,
                    files=listed,
                )
            )

    def _tell_same(self, table: TableSpec, name: str, first: str) -> None:
        _log.warning(
            t("{table}: {file} holds the same as {first}, and is not read again.",
              table=f"{self._spec.name}.{table.name}", file=name, first=first)
        )  # fmt: skip

    def _gone(self, table: TableSpec, name: str) -> GuikeError:
        return GuikeError(
            t("{system}: {file} is gone, and table {table} is read otherwise than when it was there.",
              system=self._spec.name, file=name, table=table.name),
            t("Put the file back for one run, or set vanished: drop for the table."),
        )  # fmt: skip


@contextmanager
def open_files(spec: SystemSpec, hashes: FileHashes) -> Iterator[FileSource]:
    """The files of a system; what the operating system refuses becomes a GuikeError."""
    try:
        yield FileSource(spec, hashes)
    except OSError as error:
        if error.filename is None:  # not a source file: the disk that the rows are spooled to
            raise
        raise GuikeError(
            t("{system}: {file} can't be read: {reason}", system=spec.name, file=error.filename,
              reason=error.strerror),
            t("Check that the file is there and that this user may read it."),
        ) from error  # fmt: skip
