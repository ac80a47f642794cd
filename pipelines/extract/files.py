"""Rows of files: CSV, Excel, DBF, JSON Lines, Parquet and text templates.

Comes in: a spec whose location is a file, a folder (then a table's source is the file in it) or a glob (then
the files are one table). Goes out: Arrow batches of text, as delivered. What is odd about a file (encoding,
header row, totals) stands in the spec; what isn't there isn't guessed, the encoding of a CSV aside.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from glob import has_magic
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.errors import GuikeError
from pipelines.extract.batches import BATCH_ROWS, batch_from_columns, batch_from_rows
from pipelines.extract.dbf import read_dbf
from pipelines.extract.guards import match_columns
from pipelines.extract.hashes import FileHashes
from pipelines.extract.mail import read_mail
from pipelines.extract.sheets import read_sheet, skip_totals
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.extract.templates import read_templates
from pipelines.extract.text_values import json_text
from pipelines.extract.vcard import read_vcards
from pipelines.i18n import t
from pipelines.settings import ROOT, expand

_READ_BYTES = 1 << 20

Reader = Callable[[SystemSpec, TableSpec, Path], Iterator[pa.RecordBatch]]


class FileSource:
    """The files of one system."""

    def __init__(self, spec: SystemSpec, hashes: FileHashes) -> None:
        self._spec, self._hashes = spec, hashes

    def fingerprint(self, table: TableSpec) -> str | None:
        """A hash of the names and contents of the table's files, and of how they are read."""
        digest = hashlib.sha256(self._spec.signature(table).encode())
        for path in files_of(self._spec, table):
            digest.update(f"{path.name}\0{self._hashes.of(path)}\0".encode())
        return digest.hexdigest()

    def read(self, table: TableSpec) -> Iterator[pa.RecordBatch]:
        """The rows of all the table's files, in the order of their names."""
        if self._spec.kind in _LOOSE_READERS:
            yield from _LOOSE_READERS[self._spec.kind](self._spec, table, files_of(self._spec, table))
            return
        for path in files_of(self._spec, table):
            yield from _READERS[self._spec.kind](self._spec, table, path)


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


def files_of(spec: SystemSpec, table: TableSpec) -> list[Path]:
    """The files that hold `table`, sorted by name.

    Raises:
        GuikeError: there is none, or the location tells several tables nothing about their files.
    """
    location = ROOT / expand(spec.location)
    if location.is_dir() and spec.kind != "excel":
        pattern = location / ("[!.]*" if spec.kind in ("mail", "vcard") else table.source)
    elif len(spec.tables) > 1 and spec.kind not in ("excel", "mail") and location.exists():
        raise GuikeError(
            t("{system}: {location} is one file, but the system has several tables.", system=spec.name,
              location=location),
            t("Make location the folder, and each table's source the name of its file."),
        )  # fmt: skip
    else:
        pattern = location
    found = [pattern] if not has_magic(str(pattern)) else sorted(pattern.parent.glob(pattern.name))
    found = [path for path in found if path.is_file()]
    if not found:
        raise GuikeError(
            t("{system}: there is no file {file}.", system=spec.name, file=pattern),
            t("Put it there, or put location in pipelines/systems/{system}.yml right.", system=spec.name),
        )
    return found


def _read_csv(spec: SystemSpec, table: TableSpec, path: Path) -> Iterator[pa.RecordBatch]:
    encoding = spec.encoding or _encoding_of(path)
    # A BOM is no part of the first column's name, whether or not the spec thought of it.
    encoding = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=spec.delimiter, strict=True)
        try:
            header = next(islice((row for row in reader), table.header_row - 1, None), None)
            if header is None:
                raise _empty(spec, path, table)
            header = [name.strip() for name in header]
            picks = [header.index(name) for name in match_columns(spec, table, header, path.name)]
            while lines := list(islice(_data_lines(reader, len(header), path), BATCH_ROWS)):
                rows = skip_totals(lines, table.skip_totals)
                columns = list(zip(*rows, strict=True)) or [()] * len(header)
                yield batch_from_columns(table, [columns[pick] for pick in picks])
        except UnicodeDecodeError as error:
            raise GuikeError(
                t("{file}, about line {line}: the bytes {bytes} are no {encoding} text.", file=path.name,
                  line=reader.line_num + 1, bytes=error.object[error.start : error.start + 4].hex(" "),
                  encoding=encoding),
                t("Put encoding in pipelines/systems/{system}.yml right.", system=spec.name),
            ) from None  # fmt: skip
        except csv.Error as error:
            raise GuikeError(
                t("{file}, line {line}: {reason}", file=path.name, line=reader.line_num, reason=error),
                t("Mend the line, or export the file again."),
            ) from None


def _data_lines(reader: Any, width: int, path: Path) -> Iterator[list[str]]:
    for row in reader:
        if len(row) == width:
            yield row
        elif row:
            raise GuikeError(
                t("{file}, line {line}: {found} fields where the header has {wanted}.", file=path.name,
                  line=reader.line_num, found=len(row), wanted=width),
                t("Mend the line, or export the file again; text with a separator in it needs quotes."),
            )  # fmt: skip


def _encoding_of(path: Path) -> str:
    """UTF-8 where the whole file is, else GB18030, in which nearly every byte sequence is something."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while chunk := file.read(_READ_BYTES):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "gb18030"
    return "utf-8-sig"


def _read_excel(spec: SystemSpec, table: TableSpec, path: Path) -> Iterator[pa.RecordBatch]:
    header, rows = read_sheet(spec, table, path)
    names = match_columns(spec, table, header, f"{path.name}, {table.source}")
    picks = [header.index(name) for name in names]
    while lines := list(islice(rows, BATCH_ROWS)):
        yield batch_from_rows(table, [[line[pick] for pick in picks] for line in lines])


def _read_parquet(spec: SystemSpec, table: TableSpec, path: Path) -> Iterator[pa.RecordBatch]:
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise GuikeError(
            t("{file} is no complete Parquet file: {reason}", file=path.name, reason=error),
            t("Export the file again."),
        ) from None
    names = match_columns(spec, table, file.schema_arrow.names, path.name)
    for batch in file.iter_batches(BATCH_ROWS, columns=list(dict.fromkeys(names))):
        yield batch_from_columns(table, [_as_text(batch.column(name)) for name in names])


def _as_text(values: pa.Array) -> pa.Array:
    if pa.types.is_nested(values.type):
        return pa.array([json_text(value) for value in values.to_pylist()], type=pa.string())
    if pa.types.is_binary(values.type) or pa.types.is_large_binary(values.type):
        hexed = [None if value is None else f"\\x{value.hex()}" for value in values.to_pylist()]
        return pa.array(hexed, type=pa.string())
    return pc.cast(values, pa.string())


def _read_jsonl(spec: SystemSpec, table: TableSpec, paths: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    keys: dict[str, None] = {}
    for path in paths:
        objects = _json_objects(path)
        while some := list(islice(objects, BATCH_ROWS)):
            for item in some:
                keys.update(dict.fromkeys(item))
            columns = [[json_text(item.get(c.source)) for item in some] for c in table.columns]
            yield batch_from_columns(table, columns)
    # A key may be absent from any one object; drift shows over all of them.
    if keys:
        match_columns(spec, table, list(keys), paths[0].name)


def _json_objects(path: Path) -> Iterator[dict[str, Any]]:
    # Numbers stay as written: 1.50 would come back from a float as 1.5.
    decode = json.JSONDecoder(parse_float=str, parse_int=str).decode
    done = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for line in file:
                if line.strip():
                    item = decode(line)
                    if not isinstance(item, dict):
                        raise ValueError(t("no JSON object"))
                    yield item
                done += 1
    except ValueError as error:
        raise GuikeError(
            t("{file}, line {line}: {reason}", file=path.name, line=done + 1, reason=error),
            t("Mend the line, or export the file again."),
        ) from None


def _empty(spec: SystemSpec, path: Path, table: TableSpec) -> GuikeError:
    return GuikeError(
        t("{system}: {file} has no line {line} with the column names.", system=spec.name, file=path.name,
          line=table.header_row),
        t("Export the file again, or put header_row in pipelines/systems/{system}.yml right.",
          system=spec.name),
    )  # fmt: skip


_READERS: dict[str, Reader] = {
    "csv": _read_csv, "excel": _read_excel, "dbf": read_dbf, "parquet": _read_parquet,
}  # fmt: skip
_LOOSE_READERS: dict[str, Callable[[SystemSpec, TableSpec, Sequence[Path]], Iterable[pa.RecordBatch]]] = {
    "jsonl": _read_jsonl, "text": read_templates, "mail": read_mail, "vcard": read_vcards,
}  # fmt: skip
