"""E-mail archives as mail programs leave them.

Failing means that a contact with a customer is dated, addressed or named wrong, is lost, or that a body gets
into the warehouse that nobody asked for.
"""

from __future__ import annotations

import base64
import tracemalloc
from collections.abc import Callable
from email.header import Header
from pathlib import Path

import pytest

from pipelines.errors import GuikeError
from pipelines.extract.specs import SystemSpec
from tests.extract.conftest import Extraction, MakeSpec

ReadRows = Callable[[SystemSpec], list[tuple[str | None, ...]]]

TABLES = """
- name: messages
  key: [file, position]
  snapshot: an archive is read whole
  columns: [file, position, message_id, sent_at, from_address, from_name, to_addresses, subject, in_reply_to]
- name: receivers
  key: [file, message_position, position]
  snapshot: an archive is read whole
  columns: [file, message_position, position, kind, address, name]
"""
ONE = """
- name: messages
  snapshot: an archive is read whole
  columns: [{columns}]
"""


def encoded(text: str, charset: str) -> bytes:
    return Header(text, charset).encode().encode()


def mbox(*messages: bytes) -> bytes:
    return b"\n".join(b"From sales@example.com Mon May  4 09:00:00 2026\n" + m + b"\n" for m in messages)


def message(subject: bytes = b"Hello", sender: bytes = b"a@example.com", more: bytes = b"") -> bytes:
    return (
        b"Message-ID: <1@example.com>\nDate: Mon, 4 May 2026 09:00:00 +0800\nFrom: " + sender
        + b"\nTo: b@example.com\nSubject: " + subject + b"\n" + more + b"\nText\n"
    )  # fmt: skip


QUOTE = "报价单".encode("gbk")
SPLIT_IN_A_CHARACTER = b" ".join(
    b"=?gb2312?B?" + base64.b64encode(part) + b"?="
    for part in ("报价单".encode("gbk")[:3], "报价单".encode("gbk")[3:])
)


@pytest.mark.parametrize(
    ("written", "subject"),
    [
        (b"Plain", "Plain"),
        (encoded("报价单", "gb2312"), "报价单"),
        (encoded("网站续费", "utf-8"), "网站续费"),
        (b"=?gb2312?B?" + base64.b64encode("朱镕基".encode("gbk")) + b"?=", "朱镕基"),
        (b"=?GB18030?Q?=B1=A8=BC=DB?= Re: A", "报价 Re: A"),
        (SPLIT_IN_A_CHARACTER, "报价单"),
        ("报价单".encode("gbk"), "报价单"),
        ("报价单".encode(), "报价单"),
        (b"=?us-ascii?B?" + base64.b64encode("报价".encode()) + b"?=", "报价"),
        (b"=?no-such-charset?B?" + base64.b64encode("报价".encode()) + b"?=", "报价"),
        (b"=?utf-8?B?5oql5Lu3?=\n =?utf-8?B?5Y2V?=", "报价单"),
        (b"=?utf-8?B?5oql5Lu3", "=?utf-8?B?5oql5Lu3"),
    ],
)
def test_subjects_in_any_writing(
    make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path, written: bytes, subject: str
) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(message(written))
    assert read_rows(make_spec("mail", path, ONE.format(columns="subject"))) == [(subject,)]


@pytest.mark.parametrize(
    ("written", "sent_at"),
    [
        (b"Mon, 4 May 2026 09:00:00 +0800", "2026-05-04T09:00:00+08:00"),
        (b"4 May 2026 01:00:00 GMT", "2026-05-04T01:00:00+00:00"),
        (b"Mon, 4 May 2026 09:00:00 +0800 (CST)", "2026-05-04T09:00:00+08:00"),
        (b"Mon, 4 May 2026 09:00:00 -0000", "2026-05-04T09:00:00"),
        (b"yesterday", "yesterday"),
        (b"Mon, 99 May 2026 09:00:00 +0800", "Mon, 99 May 2026 09:00:00 +0800"),
    ],
)
def test_dates_keep_their_offset_and_broken_ones_their_text(
    make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path, written: bytes, sent_at: str
) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(b"From: a@example.com\nDate: " + written + b"\n\n")
    assert read_rows(make_spec("mail", path, ONE.format(columns="sent_at"))) == [(sent_at,)]


def test_an_mbox_gives_messages_and_receivers(
    make_spec: MakeSpec, extract: Extraction, tmp_path: Path
) -> None:
    path = tmp_path / "sent.mbox"
    sender = b'"' + "王伟".encode("gbk") + b'" <Wang@Example.com>'
    more = (
        b"Cc: =?utf-8?B?" + base64.b64encode("李, 娜".encode()) + b"?= <li@example.com>,"
        b" broken, <c@example.com>\n"
        b"In-Reply-To: <0@example.com>\n"
    )
    path.write_bytes(
        mbox(message(b"One", sender, more), message(b"Two") + b"\n>From quoted\nFrom me to you\n")
    )
    extract(make_spec("mail", path, TABLES))
    rows = extract.ask("select columns(c -> c[1] <> '_') from raw_legacy.messages order by position")
    assert rows == [
        ("sent.mbox", "1", "<1@example.com>", "2026-05-04T09:00:00+08:00", "wang@example.com", "王伟",
         "b@example.com", "One", "<0@example.com>"),
        ("sent.mbox", "2", "<1@example.com>", "2026-05-04T09:00:00+08:00", "a@example.com", None,
         "b@example.com", "Two", None),
    ]  # fmt: skip
    rows = extract.ask(
        "select position, kind, address, name from raw_legacy.receivers where message_position = '1'"
    )
    assert sorted(rows)[:2] == [("1", "to", "b@example.com", None), ("2", "cc", "li@example.com", "李, 娜")]
    assert ("c@example.com", None) in [row[2:] for row in rows]


def test_a_folder_of_eml_files_and_the_body_only_on_request(
    make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path
) -> None:
    folder = tmp_path / "mails"
    folder.mkdir()
    coded = base64.b64encode("您好，续费".encode("gbk"))
    head = b"From: a@example.com\nSubject: x\n"
    part = b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n" + coded
    (folder / "1.eml").write_bytes(head + part)
    multipart = b'Content-Type: multipart/mixed; boundary="B"\n\n--B\n' + part + b"\n--B--\n"
    (folder / "2.eml").write_bytes(head + multipart)
    (folder / "3.eml").write_bytes(head + b"Content-Type: text/html\n\n<p>x</p>")
    rows = read_rows(make_spec("mail", folder, ONE.format(columns="file, body")))
    assert rows == [("1.eml", "您好，续费"), ("2.eml", "您好，续费"), ("3.eml", None)]


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01\x02" * 500,
        b"",
        b"just some text\n\nmore",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1From: a\n" + b"\0" * 99,
    ],
)
def test_what_is_no_e_mail_is_refused(
    make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(content)
    with pytest.raises(GuikeError, match="a.eml is no e-mail"):
        read_rows(make_spec("mail", path, ONE.format(columns="subject")))


def test_an_mbox_cut_off_in_a_head_or_body_gives_what_is_there(
    make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path
) -> None:
    path = tmp_path / "a.mbox"
    whole = mbox(message(b"One"), message(b"Two"))
    path.write_bytes(whole[: whole.rindex(b"Two") + 2])
    assert read_rows(make_spec("mail", path, ONE.format(columns="subject"))) == [("One",), ("Tw",)]


def test_a_large_archive_takes_little_memory(
    make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path
) -> None:
    path = tmp_path / "a.mbox"
    with path.open("wb") as file:
        for _ in range(20):
            file.write(mbox(message()) + b"x" * 70 + b"\n" + (b"y" * 76 + b"\n") * 13_000)
            file.write(b"\n")
    spec = make_spec("mail", path, ONE.format(columns="size"))
    tracemalloc.start()
    rows = read_rows(spec)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(rows) == 20
    assert peak < 8_000_000


def test_other_tables_and_columns_are_refused(
    make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path
) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(message())
    with pytest.raises(GuikeError, match="Missing: attachments"):
        read_rows(make_spec("mail", path, ONE.format(columns="attachments")))
    with pytest.raises(GuikeError, match="messages and receivers, not mails"):
        read_rows(make_spec("mail", path, ONE.format(columns="subject").replace("messages", "mails")))
