"""Cells of an .xlsx that hold no value although something stands in them.

Comes in: a workbook, a sheet, the columns that are read. Goes out: nothing, or a GuikeError with the cells.
calamine gives such cells as empty: a formula that no program has calculated yet (a workbook written by a
script), and an error such as #N/A. Amounts would go missing without a word. Only .xlsx and .xlsm say so in
XML that can be searched; the older formats are always written by Excel, which calculates.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import IO
from xml.etree import ElementTree

from pipelines.errors import GuikeError
from pipelines.extract.parts import Part
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.i18n import t

_CHUNK = 4 << 20
_LONGEST_CELL = 64 << 10
_SHOWN = 5
_CELL = re.compile(
    rb'<(?:\w+:)?c (?P<head>[^>]*?\bt="e"[^>]*)>(?:<(?:\w+:)?f\b[^>]*?(?:/>|>[^<]*</(?:\w+:)?f>))?'
    rb"<(?:\w+:)?v>(?P<error>[^<]*)<"
    rb"|<(?:\w+:)?c (?P<formula>[^>]*)><(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)"
    rb"(?:<(?:\w+:)?v ?/>|<(?:\w+:)?v></(?:\w+:)?v>)?</(?:\w+:)?c>"
)
_PLACE = re.compile(rb'\br="(?P<column>[A-Z]+)(?P<row>\d+)"')
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def refuse_faults(
    spec: SystemSpec, table: TableSpec, part: Part, sheet: str, header_row: int, columns: Sequence[int]
) -> None:
    """Stop where a cell below the header, in one of `columns` (from 0), has no value but should.

    Raises:
        GuikeError: formulas without a value; errors, unless the table reads them as nothing.
    """
    try:
        with zipfile.ZipFile(part.path) as book, book.open(_sheet_file(book, sheet)) as xml:
            formulas: list[str] = []
            errors: list[str] = []
            for place, error in _faults(xml, header_row, set(columns)):
                (formulas if error is None else errors).append(place if error is None else f"{place} {error}")
    except (zipfile.BadZipFile, KeyError):
        return
    if formulas:
        raise GuikeError(
            t("{file}, {sheet}: formulas without a value in {cells}.", file=part.name, sheet=sheet,
              cells=_listed(formulas)),
            t("Open the workbook in Excel or LibreOffice, save it, and so have it calculated."),
        )  # fmt: skip
    if errors and table.error_cells == "refuse":
        raise GuikeError(
            t("{file}, {sheet}: errors instead of values in {cells}.", file=part.name, sheet=sheet,
              cells=_listed(errors)),
            t("Mend the formulas there; or set error_cells: empty for table {table} in "
              "pipelines/systems/{system}.yml to read them as nothing.", table=table.name, system=spec.name),
        )  # fmt: skip


def _listed(cells: Sequence[str]) -> str:
    more = f" … ({len(cells)})" if len(cells) > _SHOWN else ""
    return ", ".join(cells[:_SHOWN]) + more


def _sheet_file(book: zipfile.ZipFile, sheet: str) -> str:
    """The name in the archive of a sheet's XML."""
    relations = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    for element in ElementTree.fromstring(book.read("xl/workbook.xml")).iter():
        if element.tag.endswith("}sheet") and element.get("name") == sheet:
            target = targets[element.get(_RELATION)]
            return target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
    raise KeyError(sheet)


def _faults(xml: IO[bytes], header_row: int, columns: set[int]) -> Iterator[tuple[str, str | None]]:
    """Cells without a value: their place, and the error that stands there (None for a formula)."""
    rest = b""
    while chunk := xml.read(_CHUNK):
        text = rest + chunk
        end = text.rfind(b"</row>") + 6 if b"</row>" in text else max(0, len(text) - _LONGEST_CELL)
        for match in _CELL.finditer(text, 0, end) if b't="e"' in text or b"<f" in text else ():
            if match["formula"] and b't="str"' in match["formula"]:
                continue  # a text that is empty is a value
            place = _PLACE.search(match["head"] or match["formula"])
            if place and int(place["row"]) > header_row and _number(place["column"]) in columns:
                error = match["error"]
                yield (place["column"] + place["row"]).decode(), None if error is None else error.decode()
        rest = text[end:]


def _number(letters: bytes) -> int:
    """A -> 0, Z -> 25, AA -> 26."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
