"""Files that can't be right: each is refused by name, with what to do, and costs no row that was there.

Failing means that a broken export reaches the marts, or that whoever has to mend it is left to guess. Every
case loads a good file first; then the bad one is put in its place.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.extract.conftest import Extraction, MakeSpec
from tests.extract.files_made import Field, write_dbf, write_fpt, write_workbook, write_zip

TABLE = """
- name: people
  source: {source}
  snapshot: every export is complete
  columns: {{phone: 手机, name: 姓名}}
"""
DBF_TABLE = """
- name: people
  source: {source}
  snapshot: every export is complete
  columns: {{phone: DH, name: XM}}
"""
LOOSE_TABLE = """
- name: people
  source: {source}
  snapshot: every export is complete
  columns: [phone, name]
"""
FIELDS: list[Field] = [("DH", "C", 11, 0), ("XM", "C", 8, 0)]
MEMO_FIELDS: list[Field] = [("DH", "C", 11, 0), ("XM", "M", 4, 0)]
RECORD = (b" ", b"13800001111", "王明".encode("gbk"))
GOOD = "手机,姓名\n013800001111,王明\n013800002222,李芳\n"
GOOD_SHEET = [["手机", "姓名"], ["013800001111", "王明"], ["013800002222", "李芳"]]

Make = Callable[[Path], None]


def text(content: str, encoding: str = "utf-8") -> Make:
    return lambda path: path.write_bytes(content.encode(encoding)) and None


def raw(content: bytes) -> Make:
    return lambda path: path.write_bytes(content) and None


def sheet(rows: list[list[object]], name: str = "名单") -> Make:
    return lambda path: write_workbook(path, {name: rows})


def good_dbf(path: Path) -> None:
    write_dbf(path, FIELDS, [RECORD, RECORD])


def good_memo(path: Path) -> None:
    (block,) = write_fpt(path.with_suffix(".FPT"), ["王明".encode("gbk")])
    write_dbf(path, MEMO_FIELDS, [(b" ", b"138", block.to_bytes(4, "little"))] * 2)


def good_parquet(path: Path) -> None:
    pq.write_table(pa.table({"phone": ["1", "2"], "name": ["a", "b"]}), path)


def good_zip(path: Path) -> None:
    write_zip(path, {"people.csv": GOOD.encode()})


def cut(make: Make, bytes_off: int) -> Make:
    def made(path: Path) -> None:
        make(path)
        path.write_bytes(path.read_bytes()[:-bytes_off])

    return made


def without_memo(path: Path) -> None:
    good_memo(path)
    path.with_suffix(".FPT").unlink()


def memo_cut_short(path: Path) -> None:
    good_memo(path)
    memo = path.with_suffix(".FPT")
    memo.write_bytes(memo.read_bytes()[:515])


def bomb(path: Path) -> None:
    write_zip(path, {"people.csv": GOOD.encode() + b"0" * (120 << 20)})


def two_of_one_name(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("people.csv", GOOD)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("people.csv", "")


def gzip_bomb(path: Path) -> None:
    path.write_bytes(gzip.compress(b"0" * (120 << 20), 6))


def link_out(path: Path) -> None:
    outside = path.parent.parent / "outside.csv"
    outside.write_text(GOOD, encoding="utf-8")
    path.unlink(missing_ok=True)
    path.symlink_to(outside)


def folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def second_file(content: str) -> Make:
    def made(path: Path) -> None:
        path.with_name("people_2.csv").write_text(content, encoding="utf-8")

    return made


def unreadable(path: Path) -> None:
    path.write_text(GOOD + "3,c\n", encoding="utf-8")
    path.chmod(0)


@dataclass(frozen=True)
class Bad:
    """A bad file in place of a good one; `words` and `remedy` must be said."""

    what: str
    make: Make
    words: str
    remedy: str
    kind: str = "csv"
    good: Make = field(default=text(GOOD))
    file: str = "people.csv"
    source: str | None = None
    table: str = TABLE
    more: str = ""
    options: tuple[tuple[str, str], ...] = ()
    location: str = "."


def excel(what: str, make: Make, words: str, remedy: str, more: str = "") -> Bad:
    return Bad(what, make, words, remedy, "excel", sheet(list(map(list, GOOD_SHEET))), "people.xlsx", "名单",
               more=more, location="people.xlsx")  # fmt: skip


def dbf(what: str, make: Make, words: str, remedy: str, good: Make = good_dbf) -> Bad:
    return Bad(what, make, words, remedy, "dbf", good, "PEOPLE.DBF", table=DBF_TABLE)


def jsonl(what: str, content: bytes, words: str, remedy: str) -> Bad:
    good = raw(b'{"phone": "1", "name": "a"}\n{"phone": "2", "name": "b"}\n')
    return Bad(what, raw(content), words, remedy, "jsonl", good, "people.jsonl", table=LOOSE_TABLE)


def parquet(what: str, make: Make, words: str, remedy: str) -> Bad:
    return Bad(what, make, words, remedy, "parquet", good_parquet, "people.parquet", table=LOOSE_TABLE)


def zipped(what: str, make: Make, words: str, remedy: str, source: str | None = None) -> Bad:
    return Bad(what, make, words, remedy, "csv", good_zip, "people.zip", source)


def dropped(what: str, make: Make, words: str, remedy: str) -> Bad:
    return Bad(what, make, words, remedy, file="people_1.csv", source="people_*.csv")


MANY = "".join(f"0138000{number:05},客户{number}\n" for number in range(200))
ENCRYPTED = (
    bytes.fromhex("D0CF11E0A1B11AE1") + bytes(504) + "EncryptedPackage".encode("utf-16-le") + bytes(512)
)
EXPORT = "export the file again"

BAD_FILES = [
    # CSV
    Bad("UTF-8 that goes on in GB18030", raw((GOOD + MANY).encode() + "139,赵六\n".encode("gb18030")),
        "people.csv, line 204: the bytes d5 d4 c1 f9 are no utf-8 text", "all of it in one encoding"),
    Bad("GB18030 that goes on in UTF-8",
        raw((GOOD + MANY).encode("gb18030") + "139,赵六\n140,钱七八\n".encode()),
        "people.csv, line 204: the bytes e8 b5 b5", "all of it in one encoding"),
    Bad("other bytes than the spec says", text(GOOD, "gb18030"), "line 1: the bytes", "leave it out",
        options=(("encoding", "utf-8"),)),
    Bad("a line too long", text(GOOD + "1,b,c\n"), "people.csv, line 4: 3 fields where the header has 2",
        "needs quotes"),
    Bad("a line too short", text(GOOD + "1\n"), "people.csv, line 4: 1 fields where the header has 2",
        "short_rows: fill"),
    Bad("a quotation mark never closed", text(GOOD + '3,"c\n4,d\n'), "people.csv, line 5: ", EXPORT),
    Bad("a drifted header", text(GOOD.replace("姓名", "名字")), "Missing: 姓名. New: 名字",
        "columns of table people"),
    Bad("one name for two columns", text("手机,姓名,手机\n1,a,2\n2,b,3\n"), "stand there twice: 手机",
        "different names"),
    Bad("two names that collapse into one", text("手 机,姓名,手　机\n1,a,2\n2,b,3\n"),
        "stand there twice: 手机",
        "different names"),
    Bad("a file with nothing in it", raw(b""), "people.csv has no line 1 with the column names", "Export"),
    Bad("a header and no rows", text("手机,姓名\n"), "legacy.people: 0 rows after 2", "floor: 0"),
    Bad("rows that fell below the floor", text(GOOD[:GOOD.index("013800002222")]), "1 rows after 4",
        "floor: 0",
        good=text(GOOD + "3,c\n4,d\n")),
    Bad("NUL bytes", raw(GOOD.encode() + b"3,\0\0\n"), "people.csv, line 4: a NUL byte", "damaged"),
    Bad("half a character of UTF-16", raw(GOOD.encode("utf-16-le") + b"\n"), "are no utf-16-le text",
        "one encoding"),
    Bad("one huge line", raw(b"0" * (70 << 20)), "goes on for more than 64 MB", "line ends"),
    Bad("phones rounded by a spreadsheet", text("手机,姓名\n1.38123E+10,王明\n1.39E+10,李芳\n"),
        "the column 手机 holds numbers such as 1.38123E+10", "Format the column as text"),
    Bad("amounts in another unit", text(GOOD.replace("手机", "手机（元）")), "手机 is in 元, but",
        "units of table people", more="  units: {phone: 万元}"),
    Bad("a folder in place of the file", folder, "people.csv is a folder, not a file", "Name the file in it"),
    Bad("no file at all", lambda path: path.unlink(), "there is no file", "Put it there"),
    Bad("a file that may not be read", unreadable, "people.csv can't be read: Permission denied",
        "may read it"),
    # Excel
    excel("a workbook without the sheet", sheet([["手机", "姓名"]], "其他"),
          "has no sheet '名单'. It has: 其他",
          "source of table people"),
    excel("a workbook with a password", raw(ENCRYPTED), "people.xlsx is protected by a password",
          "without a password"),
    excel("no workbook", raw(b"no workbook"), "people.xlsx is no readable workbook", "save it as .xlsx"),
    excel("formulas never calculated", sheet([*GOOD_SHEET, ["=1+1", "张三"]]),
          "people.xlsx, 名单: formulas without a value in A4", "Open the workbook in Excel"),
    excel("errors in cells", sheet([*GOOD_SHEET, ["#N/A", "#REF!"]]), "in A4 #N/A, B4 #REF!",
          "error_cells: empty"),
    excel("a sheet with another header", sheet([["手机", "客户"], ["1", "a"]]),
          "people.xlsx, 名单: the columns have",
          "columns of table people"),
    excel("an empty sheet", sheet([]), "people.xlsx, 名单: line 1 has no column names",
          "header_row of table people"),
    # DBF
    dbf("a DBF cut short", cut(good_dbf, 10), "header promises 2 rows, record 1 is the last",
        "Copy it again"),
    dbf("a DBF with more rows than it says", lambda path: write_dbf(path, FIELDS, [RECORD] * 3, promised=2),
        "its header promises 2 rows, but 3 are there", "PACK"),
    dbf("a DBF without its memo file", without_memo, "PEOPLE.DBF keeps long texts in a memo file",
        "Copy the memo",
        good_memo),
    dbf("a memo file cut short", memo_cut_short, "PEOPLE.DBF, record 1: its long text", "Copy it again",
        good_memo),
    dbf("no DBF", raw(b"\x03"), "is no readable DBF file: it has only 1 bytes", "Copy it again"),
    dbf("a column of pictures", lambda path: write_dbf(path, [FIELDS[0], ("XM", "G", 4, 0)], []),
        "the column XM is of type G", "Leave the column out"),
    dbf("names cut to the same ten letters", lambda path: write_dbf(path, [*FIELDS, FIELDS[1]], []),
        "stand there twice: XM", "different names"),
    # JSON Lines
    jsonl("JSON cut off", b'{"phone": "1", "name": "a"}\n{"phone": "2", "na', "people.jsonl, line 2: ",
          "Mend the line"),
    jsonl("JSON that is no object", b'{"phone": "1", "name": "a"}\n[1, 2]\n', "line 2: no JSON object",
          "Mend the line"),
    jsonl("a key twice", b'{"phone": "1", "phone": "2", "name": "a"}\n',
          "line 1: the key 'phone' stands there twice",
          "Mend the line"),
    jsonl("keys that nobody knows", b'{"phone": "1", "title": "a"}\n', "Missing: name. New: title",
          "columns of table"),
    jsonl("a JSON line in another encoding",
          json.dumps({"phone": "1", "name": "手机"}, ensure_ascii=False).encode() + b"\n\xff\xff\n",
          "people.jsonl, line 2", "again"),
    # Parquet
    parquet("Parquet cut short", cut(good_parquet, 5), "people.parquet is no complete Parquet file",
            "Export the file"),
    parquet("Parquet with other columns",
            lambda path: pq.write_table(pa.table({"phone": ["1"], "x": ["2"]}), path),
            "Missing: name. New: x", "columns of table people"),
    # archives
    zipped("a bomb", bomb, "people.csv in it unpacks to 120 MB or more", "unpack it yourself"),
    zipped("an encrypted archive", lambda path: write_zip(path, {"people.csv": b"x"}, encrypted=True),
           "people.csv in it is encrypted", "without a password"),
    zipped("a name that leaves the archive",
           lambda path: write_zip(path, {"../../people.csv": GOOD.encode()}),
           "holds a file named ../../people.csv", "Don't trust"),
    zipped("an archive without the file", lambda path: write_zip(path, {"readme.md": b"x"}),
           "people.zip holds no file", "source of the table"),
    zipped("an archive in the archive",
           lambda path: write_zip(path, {"people.csv": GOOD.encode(), "old.ZIP": b"x"}),
           "people.zip holds another archive, old.ZIP", "Unpack that one"),
    zipped("two files of one name", two_of_one_name, "people.zip holds two files called people.csv",
           "Pack it again"),
    zipped("an archive cut short", cut(good_zip, 30), "people.zip is a damaged archive", "Copy it again"),
    zipped("a bad file in an archive", lambda path: write_zip(path, {"people.csv": GOOD.encode() + b"1\n"}),
           "people.zip/people.csv, line 4: 1 fields", "Mend the line"),
    Bad("a .gz that is one", gzip_bomb, "people.csv.gz in it unpacks to", "unpack it yourself",
        good=lambda path: path.write_bytes(gzip.compress(GOOD.encode())) and None, file="people.csv.gz"),
    # drop folders
    dropped("two files with different headers", second_file("手机,客户\n1,a\n"),
            "people_2.csv: the columns have changed",
            "columns of table people"),
    dropped("a link out of the folder", link_out, "people_1.csv leads out of the folder",
            "Put the file itself"),
]  # fmt: skip


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    made.mkdir()
    return made


@pytest.mark.parametrize("bad", BAD_FILES, ids=lambda bad: bad.what)
def test_a_bad_file_is_refused_and_costs_no_row(
    bad: Bad, extract: Extraction, make_spec: MakeSpec, drop: Path
) -> None:
    if bad.make is unreadable and os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = drop / bad.file
    bad.good(path)
    source = bad.source or bad.file
    tables = bad.table.format(source=f'"{source}"') + bad.more
    spec = make_spec(bad.kind, drop / bad.location, tables)
    first = extract(spec)
    assert (first.status, first.message) == ("loaded", None)
    before = extract.ask("select * from raw_legacy.people order by all")
    assert len(before) == first.tables[0].rows > 1

    bad.make(path)
    load = extract(make_spec(bad.kind, drop / bad.location, tables, **dict(bad.options)))

    assert load.status == "stale"
    assert load.message is not None
    what, _, remedy = load.message.partition("\n  → ")
    assert bad.words in what
    assert bad.remedy.lower() in remedy.lower()
    assert "Traceback" not in load.message
    assert extract.ask("select * from raw_legacy.people order by all") == before
    assert load.newest_loaded_at == first.newest_loaded_at


def test_a_path_that_leaves_the_folder_is_refused(
    extract: Extraction, make_spec: MakeSpec, drop: Path
) -> None:
    (drop.parent / "secret.csv").write_text(GOOD, encoding="utf-8")
    for source in ("../secret.csv", str(drop.parent / "secret.csv"), "sub/../../*.csv"):
        load = extract(make_spec("csv", drop, TABLE.format(source=f'"{source}"')))
        assert load.status == "stale"
        assert "leads out of the folder" in str(load.message)


def test_the_good_file_again_mends_it(extract: Extraction, make_spec: MakeSpec, drop: Path) -> None:
    spec = make_spec("csv", drop, TABLE.format(source="people.csv"))
    (drop / "people.csv").write_text(GOOD, encoding="utf-8")
    extract(spec)
    folder(drop / "people.csv")
    assert extract(spec).status == "stale"
    shutil.rmtree(drop / "people.csv")
    (drop / "people.csv").write_text(GOOD, encoding="utf-8")
    assert extract(spec).status == "unchanged"
