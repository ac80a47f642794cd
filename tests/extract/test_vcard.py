"""Phone books as telephones and mail programs export them.

Failing means that a customer's number or name is lost or unreadable, or that half a phone book
passes for a whole one.
"""

from __future__ import annotations

import quopri
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.errors import GuikeError
from pipelines.extract.specs import SystemSpec
from tests.extract.conftest import MakeSpec

ReadRows = Callable[[SystemSpec], list[tuple[str | None, ...]]]

CARDS = """
- name: contacts
  snapshot: every export is complete
  columns: [{columns}]
"""
NAMED = CARDS.format(columns="full_name, organisation, mobile, phones, emails")


def quoted(text: str, charset: str) -> bytes:
    return quopri.encodestring(text.encode(charset)).strip()


V21 = (
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=GBK;ENCODING=QUOTED-PRINTABLE:"
    + quoted("张;伟", "gbk")
    + b"\r\n"
    b"FN;ENCODING=QUOTED-PRINTABLE;CHARSET=GBK:=D5=C5=\r\n=CE=B0\r\n"
    b"ORG;CHARSET=GBK;QUOTED-PRINTABLE:" + quoted("锡城机械;采购部", "gbk") + b"\r\n"
    b"TEL;WORK:0510-81234567\r\nTEL;CELL;PREF:13800001111\r\nEMAIL;INTERNET:z@example.com\r\nEND:VCARD\r\n"
)
V30 = """BEGIN:VCARD
VERSION:3.0
N:李;娜;;;
FN:李娜
ORG:云杉软件\\, 无锡;市场部
item1.TEL;TYPE=CELL,VOICE:139 0000 2222
TEL;TYPE=WORK:0512-6800
 1122
EMAIL;TYPE=INTERNET:li@example.com
EMAIL:na@example.com
PHOTO;ENCODING=b;TYPE=JPEG:AAAA
 BBBB
END:VCARD
"""
V40 = (
    'BEGIN:VCARD\nVERSION:4.0\nFN:Lily Chen\nTEL;VALUE=uri;TYPE="voice,cell":tel:+86-13900003333\nEND:VCARD\n'
)


def test_all_three_versions_in_one_file(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    path = tmp_path / "a.vcf"
    path.write_bytes(V21 + V30.encode() + b"\n" + V40.encode())
    assert read_rows(make_spec("vcard", path, NAMED)) == [
        ("张伟", "锡城机械", "13800001111", "0510-81234567, 13800001111", "z@example.com"),
        (
            "李娜",
            "云杉软件, 无锡",
            "139 0000 2222",
            "139 0000 2222, 0512-68001122",
            "li@example.com, na@example.com",
        ),
        ("Lily Chen", None, "+86-13900003333", "+86-13900003333", None),
    ]


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [("UTF-8", "gbk"), ("GBK", "utf-8"), ("nonsense", "utf-8"), ("GB2312", "gb18030")],
)
def test_a_charset_that_lies(
    make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path, charset: str, encoding: str
) -> None:
    path = tmp_path / "a.vcf"
    name = quoted("王小明", encoding)
    path.write_bytes(
        f"BEGIN:VCARD\nFN;CHARSET={charset};ENCODING=QUOTED-PRINTABLE:".encode() + name + b"\nEND:VCARD\n"
    )
    rows = read_rows(make_spec("vcard", path, CARDS.format(columns="full_name, file, position")))
    assert rows == [("王小明", "a.vcf", "1")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_whole_files_in_any_encoding(
    make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path, encoding: str
) -> None:
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "a.vcf").write_bytes(V30.encode(encoding))
    (folder / "b.vcf").write_bytes(V30.replace("李娜", "赵敏").encode(encoding))
    rows = read_rows(make_spec("vcard", folder, CARDS.format(columns="full_name, department")))
    assert rows == [("李娜", "市场部"), ("赵敏", "市场部")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (V40.encode() + V21[:-12], "a.vcf, line 6: this contact has no END:VCARD"),
        (
            V30.encode().replace(b"END:VCARD\n", b"") + V40.encode(),
            "a.vcf, line 1: this contact has no END:VCARD",
        ),
        (b"", "a.vcf holds no contact"),
        (b"\x00\x01\x02\xff" * 100, "a.vcf holds no contact"),
        ("姓名,电话\n".encode("gbk"), "a.vcf holds no contact"),
    ],
)
def test_what_is_no_whole_phone_book_is_refused(
    make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path, content: bytes, told: str
) -> None:
    path = tmp_path / "a.vcf"
    path.write_bytes(content)
    with pytest.raises(GuikeError) as caught:
        read_rows(make_spec("vcard", path, NAMED))
    assert told in str(caught.value)
