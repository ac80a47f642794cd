"""Contacts of phone books: vCard 2.1, 3.0 and 4.0, one or many to a file.

Comes in: a table's files. Goes out: Arrow batches of text, one row per card; several numbers of a card are
joined by a comma. Old telephones write 2.1 with quoted-printable GBK: every value is decoded by the charset
that it names, or by what its bytes look like where it lies.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from pipelines.errors import GuikeError
from pipelines.extract.batches import batch_from_rows
from pipelines.extract.guards import match_columns
from pipelines.extract.parts import Findings, Part
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.extract.text_values import bytes_text
from pipelines.i18n import t

COLUMNS = (
    "uid", "full_name", "family_name", "given_name", "nickname", "organisation", "department", "title",
    "mobile", "phones", "emails", "address", "birthday", "note", "revised_at", "file", "position",
)  # fmt: skip
_BATCH_CARDS = 5_000
_LONGEST_LINE = 1 << 16  # a photo's; no name or number is longer
_ESCAPED = re.compile(r"\\(.)")


class _Property(NamedTuple):
    """One line of a card: TEL;TYPE=CELL:138…"""

    name: str
    parameters: dict[str, str]
    value: str


def read_vcards(
    spec: SystemSpec, table: TableSpec, part: Part, findings: Findings
) -> Iterator[pa.RecordBatch]:
    """The cards of one file.

    Raises:
        GuikeError: other columns than COLUMNS, a file without any card, or a card without its end.
    """
    match_columns(spec.model_copy(update={"extra_columns": "allow"}), table, COLUMNS, part.name)
    wanted = [COLUMNS.index(column.source) for column in table.columns]
    rows = _cards(part)
    while some := list(islice(rows, _BATCH_CARDS)):
        yield batch_from_rows(table, [[row[index] for index in wanted] for row in some])


def _cards(part: Part) -> Iterator[list[str | None]]:
    card: list[_Property] | None = None
    position = began = 0
    for number, line in _lines(part.path):
        found = _property(line)
        if found is None:
            continue
        if (found.name, found.value.strip().upper()) == ("BEGIN", "VCARD"):
            if card is not None:
                raise _unfinished(part.name, began)
            card, began = [], number
        elif (found.name, found.value.strip().upper()) == ("END", "VCARD") and card is not None:
            position += 1
            yield _row(card, part.name, position)
            card = None
        elif card is not None:
            card.append(found)
    if card is not None:
        raise _unfinished(part.name, began)
    if not position:
        raise GuikeError(
            t("{file} holds no contact: there is no BEGIN:VCARD in it.", file=part.name),
            t("Export the phone book as vCard (.vcf)."),
        )


def _unfinished(file: str, line: int) -> GuikeError:
    return GuikeError(
        t(
            "{file}, line {line}: this contact has no END:VCARD; the file is cut short.",
            file=file,
            line=line,
        ),
        t("Export the phone book again."),
    )  # fmt: skip


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Whole lines with the number of their first: folded ones, and quoted-printable that goes on after =."""
    with path.open("rb") as file:
        head = file.read(2)
        encoding = "utf-16" if head in (b"\xff\xfe", b"\xfe\xff") else None
    # UTF-16 must be decoded before lines can be told apart; what follows works on UTF-8 bytes.
    waiting, began, number = b"", 1, 0
    with path.open("rb") if encoding is None else path.open(encoding=encoding) as file:
        for written in file:
            raw = written.encode() if isinstance(written, str) else written
            number += 1
            line = raw.rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf")
            if waiting and _goes_on(waiting):
                waiting = waiting[:-1] + line.lstrip(b" \t")
            elif waiting and line[:1] in (b" ", b"\t"):
                waiting = (waiting + line[1:])[:_LONGEST_LINE]
            else:
                if waiting:
                    yield began, waiting
                waiting, began = line, number
    if waiting:
        yield began, waiting


def _goes_on(line: bytes) -> bool:
    return line.endswith(b"=") and b"QUOTED-PRINTABLE" in line.partition(b":")[0].upper()


def _property(line: bytes) -> _Property | None:
    head, colon, value = line.partition(b":")
    if not colon:
        return None
    name, *given = bytes_text(head).split(";")
    parameters: dict[str, str] = {}
    for item in given:
        key, equals, text = item.partition("=")
        # 2.1 writes TEL;CELL;ENCODING=QUOTED-PRINTABLE, later versions TEL;TYPE=cell.
        key, text = (key.upper(), text) if equals else ("TYPE", key)
        parameters[key] = f"{parameters[key]},{text}" if key in parameters else text
    if "QUOTED-PRINTABLE" in f"{parameters.get('ENCODING', '')},{parameters.get('TYPE', '')}".upper():
        value = binascii.a2b_qp(value)
    return _Property(
        name.rpartition(".")[2].strip().upper(), parameters, bytes_text(value, parameters.get("CHARSET"))
    )


def _row(card: list[_Property], file: str, position: int) -> list[str | None]:
    family, given = [*_parts(card, "N"), "", ""][:2]
    organisation = [*_parts(card, "ORG"), "", ""]
    phones = [(found, _number(found.value)) for found in card if found.name == "TEL"]
    mobiles = [number for found, number in phones if "CELL" in found.parameters.get("TYPE", "").upper()]
    values = [
        _first(card, "UID"), _first(card, "FN") or f"{family}{given}", family, given,
        _first(card, "NICKNAME"), organisation[0], organisation[1], _first(card, "TITLE"),
        mobiles[0] if mobiles else "",
        ", ".join(dict.fromkeys(number for _, number in phones)),
        ", ".join(dict.fromkeys(_plain(f.value) for f in card if f.name == "EMAIL")),
        " ".join(part for part in _parts(card, "ADR") if part), _first(card, "BDAY"), _first(card, "NOTE"),
        _first(card, "REV"), file, str(position),
    ]  # fmt: skip
    return [value or None for value in values]


def _first(card: list[_Property], name: str) -> str:
    return next((_plain(found.value) for found in card if found.name == name), "")


def _parts(card: list[_Property], name: str) -> list[str]:
    """The parts of a value that semicolons divide, of the first such line."""
    value = next((found.value for found in card if found.name == name), "")
    return [_plain(part) for part in re.split(r"(?<!\\);", value)] if value else []


def _plain(value: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value).strip()


def _number(value: str) -> str:
    """A number as written, without the tel: of version 4."""
    return _plain(value).removeprefix("tel:").partition(";")[0]
