"""Rows of e-mail archives: mbox files and folders of .eml files.

Comes in: a table's files, and its source: `messages` (one row per message) or `receivers` (one row per
message and receiver). Goes out: Arrow batches of text, sorted as they stand in the archive. Only headers are
kept in memory, the body merely where the table asks for the column `body`. A header that breaks the rules is
shown as far as it can be read, and `headers_raw` holds what was written.
"""

from __future__ import annotations

import base64
import email
import email.header
import email.parser
import email.policy
import email.utils
import hashlib
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from itertools import islice
from typing import BinaryIO

import pyarrow as pa

from pipelines.errors import GuikeError
from pipelines.extract.batches import batch_from_rows
from pipelines.extract.guards import match_columns
from pipelines.extract.parts import Findings, Part
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.extract.text_values import bytes_text
from pipelines.i18n import t

MESSAGES = (
    "message_id", "sent_at", "from_address", "from_name", "to_addresses", "cc_addresses", "subject",
    "in_reply_to", "file", "position", "size", "headers_raw", "body",
)  # fmt: skip
RECEIVERS = ("message_id", "message_position", "position", "kind", "address", "name", "file")
_BATCH_MESSAGES = 5_000
_HEADER_BYTES = 1 << 18  # a longer head is no e-mail's
_BODY_BYTES = 1 << 20
_ADDRESSES = re.compile(r'(?:"(?:\\.|[^"\\])*"|<[^>]*>|[^,;"<]|["<])+')
_HEADER = re.compile(rb"(?mi)^(?:from|to|date|subject|message-id|received|sender)\s*:")
_SEPARATOR = re.compile(rb"From \S+.*\d{4}\s*$|From .*\d\d:\d\d")

Row = list[str | None]


@dataclass
class _Raw:
    """One message as it stands in its file: the bytes of its head, of its body if asked for, and its size."""

    head: bytes
    body: bytes
    size: int


def read_mail(spec: SystemSpec, table: TableSpec, part: Part, findings: Findings) -> Iterator[pa.RecordBatch]:
    """The rows of `table` from one file.

    Raises:
        GuikeError: the source is none of the two, other columns, or a file that holds no e-mail.
    """
    known = {"messages": MESSAGES, "receivers": RECEIVERS}.get(table.source.partition(":")[0])
    if known is None:
        raise GuikeError(
            t("{system}.{table}: an e-mail archive has the tables messages and receivers, not {source}.",
              system=spec.name, table=table.name, source=table.source),
            t("Put source in pipelines/systems/{system}.yml right.", system=spec.name),
        )  # fmt: skip
    match_columns(spec.model_copy(update={"extra_columns": "allow"}), table, known, table.source)
    wanted = [known.index(column.source) for column in table.columns]
    rows = _rows(part, known, any(column.source == "body" for column in table.columns))
    while some := list(islice(rows, _BATCH_MESSAGES)):
        yield batch_from_rows(table, [[row[index] for index in wanted] for row in some])


def _rows(part: Part, known: tuple[str, ...], with_body: bool) -> Iterator[Row]:
    for position, raw in enumerate(_messages(part, with_body), start=1):
        message = _parse(raw.head)
        identity = _message_id(message, raw.head)
        if known is MESSAGES:
            yield _message_row(message, identity, raw, part.name, position)
        else:
            yield from _receiver_rows(message, identity, part.name, position)


def _messages(part: Part, with_body: bool) -> Iterator[_Raw]:
    with part.path.open("rb") as file:
        first = file.readline(_HEADER_BYTES)
        is_mbox = first.startswith(b"From ")
        if not is_mbox:
            file.seek(0)
        yield from _split(file, part.name, is_mbox, with_body)


def _split(file: BinaryIO, name: str, is_mbox: bool, with_body: bool) -> Iterator[_Raw]:
    """Read line by line; a message ends at the next `From ` line after a blank one, or with the file."""
    raw, in_head, after_blank = _Raw(b"", b"", 0), True, False
    while line := file.readline(_HEADER_BYTES):
        if is_mbox and after_blank and line.startswith(b"From ") and _SEPARATOR.match(line):
            yield _checked(raw, name)
            raw, in_head, after_blank = _Raw(b"", b"", 0), True, False
            continue
        raw.size += len(line)
        after_blank = not line.strip()
        if in_head:
            if len(raw.head) < _HEADER_BYTES:
                raw.head += line
            in_head = not after_blank
        elif with_body and len(raw.body) < _BODY_BYTES:
            raw.body += line
    if raw.size or not is_mbox:
        yield _checked(raw, name)


def _checked(raw: _Raw, name: str) -> _Raw:
    if b"\0" in raw.head or not re.search(
        rb"(?mi)^(from|to|date|subject|message-id|received|sender)\s*:", raw.head
    ):
        raise GuikeError(
            t("{file} is no e-mail: it has no head with sender, date or subject.", file=name),
            t("Export the messages as .eml or mbox; other formats (.msg, .pst) can't be read."),
        )
    return raw


def _parse(head: bytes) -> Message:
    """The head alone; compat32 keeps whatever was written, however broken."""
    return email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(head)


def _message_id(message: Message, head: bytes) -> str:
    """The message's own id, or a hash of its head where it has none."""
    return _header(message, "Message-ID") or f"sha256:{hashlib.sha256(head).hexdigest()[:32]}"


def _message_row(message: Message, identity: str, raw: _Raw, file: str, position: int) -> Row:
    sender = (_addresses(message, "From") or _addresses(message, "Sender") or [("", "")])[0]
    return [
        identity, _sent_at(message), sender[1] or None, sender[0] or None,
        _listed(_addresses(message, "To")), _listed(_addresses(message, "Cc")), _header(message, "Subject"),
        _header(message, "In-Reply-To"), file, str(position), str(raw.size),
        raw.head.decode("utf-8", "backslashreplace"), _body(message, raw.body),
    ]  # fmt: skip


def _receiver_rows(message: Message, identity: str, file: str, message_position: int) -> Iterator[Row]:
    position = 0
    for kind in ("To", "Cc", "Bcc"):
        for name, address in _addresses(message, kind):
            position += 1
            yield [
                identity, str(message_position), str(position), kind.lower(), address or None, name or None,
                file,
            ]  # fmt: skip


def _listed(pairs: list[tuple[str, str]]) -> str | None:
    return ", ".join(address or name for name, address in pairs) or None


def _addresses(message: Message, name: str) -> list[tuple[str, str]]:
    """(name, address in lower case) of everybody in a header; groups and broken ones as far as they go."""
    # Addresses are told apart before names are decoded: a decoded name may hold a comma.
    found = []
    for item in (item for value in _values(message, name) for item in _ADDRESSES.findall(value)):
        shown, _, rest = item.partition("<")
        address = (rest.partition(">")[0] if rest else shown).rpartition(":")[2].strip().lower()
        label = _decoded(shown).strip(" \"'") if rest else ""
        if label or "@" in address:
            found.append((label, address))
    return found


def _header(message: Message, name: str) -> str | None:
    values = _values(message, name)
    return " ".join(_decoded(values[0]).split()) or None if values else None


def _values(message: Message, name: str) -> list[str]:
    """Every header of that name in one line; bytes that no rule allows (GBK, unencoded) become their text."""
    found = [str(value) for key, value in message.raw_items() if key.lower() == name.lower()]
    lines = [re.sub(r"\r?\n[ \t]*", " ", value) for value in found]
    return [line if line.isascii() else bytes_text(line.encode("utf-8", "surrogateescape")) for line in lines]


def _decoded(text: str) -> str:
    """RFC 2047 words decoded, adjacent ones as one: programs cut them within a character."""
    return re.sub(r"(?:=\?[^?\s]+\?[bBqQ]\?[^?]*\?=\s*)+", _decode_words, text)


def _decode_words(match: re.Match[str]) -> str:
    words = re.findall(r"=\?([^?\s]+)\?([bBqQ])\?([^?]*)\?=", match[0])
    runs: list[tuple[str, bytes]] = []
    for charset, way, text in words:
        charset = charset.partition("*")[0].lower()
        data = _unpacked(text, way)
        if runs and runs[-1][0] == charset:
            runs[-1] = (charset, runs[-1][1] + data)
        else:
            runs.append((charset, data))
    space = " " if match[0][-1].isspace() else ""
    return "".join(bytes_text(data, charset) for charset, data in runs) + space


def _unpacked(text: str, way: str) -> bytes:
    if way in "qQ":
        return quopri.decodestring(text.encode("utf-8", "surrogateescape"), header=True)
    packed = re.sub(r"[^A-Za-z0-9+/]", "", text)
    return base64.b64decode(packed[: len(packed) - (len(packed) % 4 == 1)] + "==")


def _sent_at(message: Message) -> str | None:
    """ISO with the offset that was written (none where none was), or the text as it stands."""
    written = _header(message, "Date")
    if written is None:
        return None
    try:
        return email.utils.parsedate_to_datetime(written).isoformat()
    except (ValueError, TypeError, IndexError):
        return written


def _body(message: Message, data: bytes) -> str | None:
    """The first plain text part; of a message without one, nothing."""
    if not data:
        return None
    head = b"".join(
        f"{name}: {message[name]}\n".encode("utf-8", "surrogateescape")
        for name in ("Content-Type", "Content-Transfer-Encoding")
        if message[name]
    )
    whole = email.message_from_bytes(head + b"\n" + data, policy=email.policy.compat32)
    for part in whole.walk():
        if part.get_content_type() == "text/plain":
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                return bytes_text(content, (part.get_content_charset() or "").lower() or None).strip() or None
    return None
