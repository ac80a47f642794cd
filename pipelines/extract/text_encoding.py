"""Which encoding the text of a file is in, and its lines in UTF-8.

Comes in: a file, the encoding where the spec names one, and words that must be in it (the columns' names).
Goes out: the encoding with a confidence, and blocks of whole lines in UTF-8. UTF-8 proves itself: text in
another encoding is hardly ever valid UTF-8. Nearly every byte sequence is valid GB18030, so beside it stand
Big5 and Western text, and the one wins that has the expected words and everyday characters. What is chosen
is decoded strictly to the last byte: a file that changes its encoding half-way is refused, never garbled.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from charset_normalizer import from_bytes

from pipelines.errors import GuikeError
from pipelines.extract.parts import Part
from pipelines.i18n import t

_BLOCK_BYTES = 8 << 20
_SAMPLE_BYTES = 256 << 10
LONGEST_LINE = 64 << 20
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_SCORED = ("gb18030", "big5", "cp1252")
_SURE_CHARACTERS = 8
_UTF8_THREE_BYTES = re.compile(rb"[\xe3-\xe9][\x80-\xbf]{2}")


def find_encoding(path: Path, words: Sequence[str]) -> tuple[str, float]:
    """The encoding of the file, and how sure that is (0 to 1).

    Args:
        words: text that must stand in the first lines.
    """
    with path.open("rb") as file:
        start = file.read(4)
        for bom, encoding in _BOMS:
            if start.startswith(bom):
                return encoding, 1.0
        file.seek(0)
        sample, valid, characters = _scan(file)
        file.seek(0)
        head = file.read(_SAMPLE_BYTES)
    if wide := _utf16(head):
        return wide, 0.9
    if valid:
        return "utf-8-sig", 1.0
    if characters >= _SURE_CHARACTERS or _has(head, "utf-8", words):
        return "utf-8-sig", 0.8  # UTF-8 that breaks off: reading it says where
    scores = {name: _score(sample, name) + _has(head, name, words) for name in _SCORED}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] < 0.5 and (guess := from_bytes(sample).best()):
        return guess.encoding, 0.4
    return best, round(min(0.99, 0.5 + scores[best] / 2), 2)


def _scan(file: BinaryIO) -> tuple[bytes, bool, int]:
    """Some lines from the first one that isn't ASCII on, whether all is UTF-8, and how many characters
    beyond ASCII there were before it wasn't."""
    decoder, sample, characters = codecs.getincrementaldecoder("utf-8")(), b"", 0
    while chunk := file.read(_BLOCK_BYTES):
        if not sample and not chunk.isascii():
            first = re.search(rb"[\x80-\xff]", chunk)
            assert first is not None
            begin = chunk.rfind(b"\n", 0, first.start()) + 1
            sample = chunk[begin : begin + _SAMPLE_BYTES]
        try:
            text = decoder.decode(chunk)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode("utf-8", "ignore")
            return sample, False, characters + sum(not c.isascii() for c in before[-_SAMPLE_BYTES:])
        characters += 0 if text.isascii() else len(text)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return sample, False, characters
    return sample, True, characters


def _utf16(head: bytes) -> str | None:
    """UTF-16 without a mark at its start: separators and digits leave a zero in every other byte."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) < max(2, len(head) // 100) or min(even, odd) * 20 > max(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _has(head: bytes, encoding: str, words: Sequence[str]) -> bool:
    """Whether all the words that aren't ASCII stand in the text, and there is one."""
    telling = [word for word in words if not word.isascii()]
    text = head.decode(encoding, "replace") if telling else ""
    return bool(telling) and all(word in text for word in telling)


@cache
def _everyday(encoding: str) -> frozenset[str]:
    """The everyday half of a two-byte character set, with its punctuation and wide forms."""
    leads = (*range(0xA1, 0xA4), *(range(0xB0, 0xD8) if encoding == "gb18030" else range(0xA4, 0xC7)))
    trails = range(0xA1, 0xFF) if encoding == "gb18030" else (*range(0x40, 0x7F), *range(0xA1, 0xFF))
    every = b"".join(bytes((lead, trail)) for lead in leads for trail in trails)
    return frozenset(every.decode(encoding, "ignore"))


def _score(sample: bytes, encoding: str) -> float:
    """The share of characters beyond ASCII that everyday text in this encoding has."""
    if encoding == "cp1252":
        runs: list[bytes] = re.findall(rb"[\x80-\xff]+", sample)
        return sum(len(run) == 1 and run[0] >= 0xA0 for run in runs) / max(1, len(runs))
    text = sample.decode(encoding, "replace")
    beyond = [character for character in text if not character.isascii()]
    everyday = _everyday(encoding)
    return sum(character in everyday for character in beyond) / max(1, len(beyond))


def utf8_blocks(part: Part, encoding: str, remedy: str) -> Iterator[bytes]:
    """The file in blocks of whole lines, in UTF-8, without a mark at its start.

    Raises:
        GuikeError: bytes that are no text in this encoding, or a line without end; with file and line.
    """
    wide = codecs.lookup(encoding).name.startswith(("utf-16", "utf-32"))
    lines = 0
    for raw in _wide_blocks(part, encoding, remedy) if wide else _raw_blocks(part):
        block = raw.removeprefix(codecs.BOM_UTF8) if lines == 0 else raw
        if not wide:
            block = _decoded(part, block, encoding, lines, remedy)
        if b"\n" not in block:  # an old Macintosh's lines end otherwise
            block = block.replace(b"\r", b"\n")
        yield block
        lines += count_lines(block)


def count_lines(block: bytes) -> int:
    """The number of line feeds; numpy is several times as quick as bytes.count here."""
    return int(np.count_nonzero(np.frombuffer(block, np.uint8) == ord("\n")))


def _raw_blocks(part: Part) -> Iterator[bytes]:
    """Bytes up to a line's end; that byte is part of no character in any encoding but the wide ones."""
    rest = b""
    with part.path.open("rb") as file:
        while chunk := file.read(_BLOCK_BYTES):
            rest += chunk
            cut = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, -1) if b"\n" not in rest else -1) + 1
            if cut:
                yield rest[:cut]
                rest = rest[cut:]
            elif len(rest) > LONGEST_LINE:
                raise endless(part, None)
    if rest:
        yield rest


def endless(part: Part, line: int | None) -> GuikeError:
    """A line, or a quoted value from that line on, that goes on and on."""
    return GuikeError(
        t("{file}, line {line}: it goes on for more than {megabytes} MB.", file=part.name,
          line="?" if line is None else line, megabytes=LONGEST_LINE >> 20),
        t("Check that it is a text file with line ends, and that each quotation mark is closed."),
    )  # fmt: skip


def _decoded(part: Part, raw: bytes, encoding: str, lines: int, remedy: str) -> bytes:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        start = _change(raw, error.start, encoding)
        raise _undecodable(part, encoding, lines + raw.count(b"\n", 0, start) + 1,
                           raw[start : start + 4], remedy) from None  # fmt: skip
    if encoding.startswith("utf-8"):
        return raw
    # Text in UTF-8 may, by bad luck, be valid GB18030 to its end.
    tail = raw[-_SAMPLE_BYTES:]
    tail = tail[tail.find(b"\n") + 1 :] if len(tail) < len(raw) else tail[tail.rfind(b"\n", 0, -1) + 1 :]
    if _is_utf8(tail) and len(_UTF8_THREE_BYTES.findall(tail)) >= _SURE_CHARACTERS:
        start = _change(raw, len(raw), encoding)
        raise _undecodable(part, encoding, lines + raw.count(b"\n", 0, start) + 1,
                           _UTF8_THREE_BYTES.findall(raw[start:])[0], remedy)  # fmt: skip
    return text.encode()


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _change(raw: bytes, fault: int, encoding: str) -> int:
    """Where the lines begin, up to the one with the fault, that are UTF-8 in a file of another encoding."""
    if encoding.startswith("utf-8"):
        return fault
    place, end = fault, raw.find(b"\n", fault)
    begin = raw.rfind(b"\n", 0, fault) + 1
    line = raw[begin : end if end >= 0 else None]
    while _is_utf8(line) and (found := _UTF8_THREE_BYTES.search(line)):
        place = begin + found.start()
        if begin == 0:
            break
        end, begin = begin - 1, raw.rfind(b"\n", 0, begin - 1) + 1
        line = raw[begin:end]
    return place


def _wide_blocks(part: Part, encoding: str, remedy: str) -> Iterator[bytes]:
    decoder, rest, lines = codecs.getincrementaldecoder(encoding)(), "", 0
    with part.path.open("rb") as file:
        while True:
            chunk = file.read(_BLOCK_BYTES)
            try:
                rest += decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                good = error.object[: error.start].decode(encoding, "ignore")
                line = lines + rest.count("\n") + good.count("\n") + 1
                bad = error.object[error.start : error.start + 4]
                raise _undecodable(part, encoding, line, bad, remedy) from None
            if not chunk:
                break
            cut = rest.rfind("\n") + 1
            if cut:
                yield rest[:cut].encode("utf-8", "surrogatepass")
                lines += rest.count("\n", 0, cut)
                rest = rest[cut:]
    if rest:
        yield rest.encode("utf-8", "surrogatepass")


def _undecodable(part: Part, encoding: str, line: int, bad: bytes, remedy: str) -> GuikeError:
    return GuikeError(
        t("{file}, line {line}: the bytes {bytes} are no {encoding} text, in which the lines before it are.",
          file=part.name, line=line, bytes=bad.hex(" "), encoding=encoding.removesuffix("-sig")),
        remedy,
    )  # fmt: skip
