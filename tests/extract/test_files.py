"""Files as old programs and people really leave them.

Failing means that a phone loses its zero, a total is counted as a sale, or a row comes in that was deleted.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import GuikeError
from pipelines.extract.hashes import FileHashes
from pipelines.extract.specs import SystemSpec
from tests.extract.conftest import MakeSpec

Rows = list[tuple[str | None, ...]]
ReadRows = Callable[[SystemSpec], Rows]

CSV = """
- name: people
  snapshot: every export is complete
  columns: {phone: 手机, name: 姓名}
"""
PLAIN = """
- name: things
  snapshot: every export is complete
  columns: [a, b]
"""


# --- CSV ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("utf-8", None), ("utf-8-sig", None), ("utf-8-sig", "utf-8"), ("gb18030", None),
        ("gb18030", "gb18030"), ("gbk", "gbk"), ("utf-16", "utf-16"), ("big5", "big5"),
    ],
)  # fmt: skip
def test_csv_in_any_encoding(
    make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path, written: str, told: str | None
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("手机,姓名\r\n013800001111,王明\r\n,\r\n138, 王 \r\n", encoding=written, newline="")
    spec = make_spec("csv", path, CSV, **({"encoding": told} if told else {}))
    assert read_rows(spec) == [("013800001111", "王明"), ("138", " 王 ")]


def test_csv_with_titles_quotes_line_breaks_and_totals(
    make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text('导出表\n\n姓名;手机\n"王;明\n先生";1\n"a""b";2\n小计;3\n合 计：;3\n', encoding="utf-8")
    tables = CSV + "  header_row: 3\n  skip_totals: [合计, 小计]"
    spec = make_spec("csv", path, tables, delimiter='";"')
    assert read_rows(spec) == [("1", "王;明\n先生"), ("2", 'a"b')]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("手机,姓名\n1,a\n2,b,c\n", "a.csv, line 3: 3 fields where the header has 2"),
        ("手机,姓名\n1\n", "a.csv, line 2: 1 fields where the header has 2"),
        ('手机,姓名\n1,"a\n', "a.csv, line 2: unexpected end of data"),
        ("", "has no line 1 with the column names"),
        ("手机,名字\n1,a\n", "Missing: 姓名. New: 名字."),
        ("手机,姓名,地址\n1,a,b\n", "Missing: –. New: 地址."),
        ("手机,姓名,手机\n1,a,2\n", "stand there twice: 手机"),
    ],
)
def test_csv_that_is_refused(
    make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GuikeError) as caught:
        read_rows(make_spec("csv", path, CSV))
    assert message in str(caught.value)


def test_csv_in_another_encoding_than_told(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("手机,姓名\n".encode() + b"1,\xff\xfe\n")
    with pytest.raises(GuikeError, match=r"a.csv, line 2: the bytes ff.* are no utf-8 text"):
        read_rows(make_spec("csv", path, CSV, encoding="utf-8"))


def test_extra_columns_pass_where_they_are_allowed(
    make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("姓名,地址,手机\na,b,1\n", encoding="utf-8")
    assert read_rows(make_spec("csv", path, CSV, extra_columns="allow")) == [("1", "a")]


def test_a_glob_is_one_table(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    for month in (2, 1):
        (tmp_path / f"2024-{month}.csv").write_text(f"手机,姓名\n{month},a\n", encoding="utf-8")
    assert read_rows(make_spec("csv", tmp_path / "2024-*.csv", CSV)) == [("1", "a"), ("2", "a")]


def test_one_file_is_not_two_tables(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("手机,姓名\n", encoding="utf-8")
    with pytest.raises(GuikeError, match="has several tables"):
        read_rows(make_spec("csv", path, CSV + CSV.replace("people", "others").lstrip("\n")))


# --- Excel -------------------------------------------------------------------------------------------------

SHEET = """
- name: receipts
  source: 收款明细
  snapshot: a sheet is edited in place
  header_row: 3
  skip_totals: [合计]
  columns: {date: 日期, name: 客户, amount: 金额}
"""


def _workbook(path: Path, rows: list[list[Any]]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "收款明细"
    sheet["A1"] = "收款明细（单位：万元）"
    sheet.merge_cells("A1:D1")
    sheet.append([])
    for row in [["日期", " 客户 ", "金额", None], *rows]:
        sheet.append(row)
    book.create_sheet("空表")
    book.save(path)


def test_excel_cells_as_text(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    _workbook(path, [
        [dt.date(2024, 3, 5), "0012", 13812345678],
        [dt.datetime(2024, 3, 5, 8, 30), " 王 ", 0.1],
        [45356, None, 1234567.891234],
        ["2024/3/5", "13812345678.0", 1e-07],
        [None, None, None],
        [None, "合 计", 5.0],
        [dt.time(8, 30), "合计公司", -3.50],
        ["合计", None, 9],
    ])  # fmt: skip
    assert read_rows(make_spec("excel", path, SHEET)) == [
        ("2024-03-05", "0012", "13812345678"),
        ("2024-03-05 08:30:00", " 王 ", "0.1"),
        ("45356", None, "1234567.891234"),
        ("2024/3/5", "13812345678.0", "0.0000001"),
        ("08:30:00", "合计公司", "-3.5"),
    ]


def test_excel_that_is_refused(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    _workbook(path, [])
    with pytest.raises(GuikeError, match="no sheet '付款'. It has: 收款明细, 空表"):
        read_rows(make_spec("excel", path, SHEET.replace("收款明细", "付款")))
    with pytest.raises(GuikeError, match="收款明细: line 9 has no column names"):
        read_rows(make_spec("excel", path, SHEET.replace("header_row: 3", "header_row: 9")))
    with pytest.raises(GuikeError, match="Missing: 日期, 客户, 金额. New: 收款明细"):
        read_rows(make_spec("excel", path, SHEET.replace("header_row: 3", "header_row: 1")))
    path.write_bytes(b"no workbook")
    with pytest.raises(GuikeError, match="is no readable workbook"):
        read_rows(make_spec("excel", path, SHEET))


# --- DBF ---------------------------------------------------------------------------------------------------

DBF = """
- name: member
  key: [code]
  snapshot: the table has no time of the last edit
  columns: {code: KHBH, name: XM, joined: RHRQ, points: JF, active: YX}
"""
FIELDS = [("KHBH", "C", 6, 0), ("XM", "C", 9, 0), ("RHRQ", "D", 8, 0), ("JF", "N", 10, 2), ("YX", "L", 1, 0)]


def _dbf(path: Path, records: list[tuple[bytes, ...]], promised: int | None = None) -> None:
    width = 1 + sum(length for _, _, length, _ in FIELDS)
    head = struct.pack("<4BIHH20x", 0x30, 124, 1, 1, promised or len(records), 33 + 32 * len(FIELDS), width)
    for name, kind, length, decimals in FIELDS:
        head += struct.pack("<11sc4xBB14x", name.encode(), kind.encode(), length, decimals)
    body = b"".join(
        mark
        + b"".join(v.ljust(f[2]) if f[1] != "N" else v.rjust(f[2]) for v, f in zip(r, FIELDS, strict=True))
        for mark, *r in records
    )
    path.write_bytes(head + b"\r" + body + b"\x1a")


def test_dbf_values_as_text(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    path = tmp_path / "MEMBER.DBF"
    _dbf(path, [
        (b" ", b"000001", "王小明".encode("gbk"), b"19980512", b"1234.50", b"T"),
        (b"*", b"000002", "已删除".encode("gbk"), b"19980512", b"1", b"F"),
        (b" ", b"000003", b"", b"", b"", b"?"),
        (b" ", b" 0004", "李明".encode("gbk"), b"00000000", b"-0.01", b" "),
        (b" ", b"000005", "张\xa1".encode("gbk", "replace"), b"20231301", b"**********", b"F"),
    ])  # fmt: skip
    assert read_rows(make_spec("dbf", path, DBF)) == [
        ("000001", "王小明", "1998-05-12", "1234.50", "T"),
        ("000003", "", None, None, "?"),
        (" 0004", "李明", "0000-00-00", "-0.01", None),
        ("000005", "张?", "2023-13-01", "**********", "F"),
    ]


def test_dbf_with_a_character_cut_in_half(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    path = tmp_path / "MEMBER.DBF"
    half = "一二三四五".encode("gbk")[:9]
    _dbf(path, [(b" ", b"1", half, b"", b"", b""), (b" ", b"2", "王".encode("gbk"), b"", b"", b"")])
    names = [row[1] for row in read_rows(make_spec("dbf", path, DBF, encoding="gbk"))]
    assert names == ["一二三四\ufffd", "王"]


def test_dbf_that_is_refused(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    path = tmp_path / "MEMBER.DBF"
    record = (b" ", b"1", b"", b"", b"", b"")
    _dbf(path, [record], promised=3)
    with pytest.raises(GuikeError, match="MEMBER.DBF is cut short: its header promises 3 rows"):
        read_rows(make_spec("dbf", path, DBF))
    _dbf(path, [record])
    with pytest.raises(GuikeError, match="Missing: DH. New: XM"):
        read_rows(make_spec("dbf", path, DBF.replace("name: XM", "phone: DH")))
    path.write_bytes(b"\x03")
    with pytest.raises(GuikeError, match="no readable DBF file"):
        read_rows(make_spec("dbf", path, DBF))


# --- JSON Lines, Parquet, text -----------------------------------------------------------------------------


def test_json_lines_as_written(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '\ufeff{"a": 1.50, "b": "０１"}\n\n{"b": null, "a": 12345678901234567890}\n{"a": true}\n'
        '{"a": {"x": ["一", 1.0]}, "b": ""}\n',
        encoding="utf-8",
    )
    assert read_rows(make_spec("jsonl", path, PLAIN)) == [
        ("1.50", "０１"), ("12345678901234567890", None), ("true", None), ('{"x": ["一", 1.0]}', ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "b": 2}\n{"a": 1', "a.jsonl, line 2: "),
        ('{"a": 1, "b": 2}\n[1]\n', "a.jsonl, line 2: no JSON object"),
        ('{"a": 1, "c": 2}\n', "Missing: b. New: c."),
    ],
)
def test_json_lines_that_are_refused(
    make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GuikeError) as caught:
        read_rows(make_spec("jsonl", path, PLAIN))
    assert message in str(caught.value)


def test_parquet_of_every_type(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    values = [
        pa.array([1, None]), pa.array([0.1, 3.0]), pa.array([dt.date(2024, 1, 1), None]),
        pa.array([dt.datetime(2024, 1, 1, 8), None]), pa.array([Decimal("1.50"), None]),
        pa.array([True, None]), pa.array(["0012", None]).dictionary_encode(),
        pa.array([b"\x00\xff", None]), pa.array([[1, 2], None]),
    ]  # fmt: skip
    names = [f"c{number}" for number in range(len(values))]
    pq.write_table(pa.table(values, names=names), tmp_path / "a.parquet")
    tables = PLAIN.replace("[a, b]", f"[{', '.join(names)}]")
    rows = read_rows(make_spec("parquet", tmp_path / "a.parquet", tables))
    assert rows[0] == (
        "1", "0.1", "2024-01-01", "2024-01-01 08:00:00.000000", "1.50", "true", "0012", "\\x00ff", "[1, 2]",
    )  # fmt: skip
    assert rows[1] == (None, "3", None, None, None, None, None, None, None)


def test_parquet_that_is_refused(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [1], "c": [2]}), path)
    with pytest.raises(GuikeError, match="Missing: b. New: c"):
        read_rows(make_spec("parquet", path, PLAIN))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(GuikeError, match="is no complete Parquet file"):
        read_rows(make_spec("parquet", path, PLAIN))


NOTES = """
- name: account_notes
  snapshot: a summary may be corrected afterwards
  columns: {file: "@file", customer: 客户, period: 期间, summary: 小结}
"""


def test_text_templates(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text(
        "双周报\n 客户 : 甲公司\n期间：2025-03-01 至 2025-03-14\n小结：合作稳定\n备注：不变\n\n",
        encoding="utf-8-sig",
    )
    (tmp_path / "a.txt").write_text("小结：\n客户：乙：公司\n", encoding="utf-8")
    assert read_rows(make_spec("text", tmp_path / "*.txt", NOTES)) == [
        ("a.txt", "乙：公司", None, ""),
        ("b.txt", "甲公司", "2025-03-01 至 2025-03-14", "合作稳定\n备注：不变"),
    ]
    with pytest.raises(GuikeError, match="Missing: 结论"):
        read_rows(make_spec("text", tmp_path / "*.txt", NOTES.replace("小结", "结论")))


def test_text_templates_as_people_fill_them(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    """Other labels, headings, several summaries to a file, sections missing or in another order."""
    (tmp_path / "a.txt").write_text(
        "客户名称:甲公司\n期间：2026年5月1日至5月14日\n一、动态\n换了采购\n新厂开工\n【投诉】：交付慢\n\n"
        "Client: B Ltd\n## Complaints\nnone\nCHANGES：new owner\n**Period:** 2026-05-01 to 2026-05-14\n",
        encoding="utf-8",
    )
    tables = """
    - name: account_notes
      key: [file, number]
      snapshot: a summary may be corrected afterwards
      columns:
        file: "@file"
        number: "@number"
        customer: 客户|客户名称|Client
        period: 期间|Period
        changes: 变化|动态|Changes
        complaints: 投诉|Complaints
    """
    assert read_rows(make_spec("text", tmp_path / "*.txt", tables)) == [
        ("a.txt", "1", "甲公司", "2026年5月1日至5月14日", "换了采购\n新厂开工", "交付慢"),
        ("a.txt", "2", "B Ltd", "2026-05-01 to 2026-05-14", "new owner", "none"),
    ]


# --- hashes ------------------------------------------------------------------------------------------------


def test_the_hash_is_of_the_contents(hashes: FileHashes, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("a")
    other.write_text("a")
    assert hashes.of(one) == hashes.of(other)
    other.write_text("b")
    assert FileHashes(tmp_path / "hashes.json").of(other) != hashes.of(one)


def test_a_big_file_is_hashed_once_until_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.extract.hashes._BIG", 1)
    monkeypatch.setattr("pipelines.extract.hashes._SETTLED_NANOSECONDS", 0)
    path, store = tmp_path / "big", tmp_path / "hashes.json"
    path.write_text("a")
    first = FileHashes(store).of(path)
    with monkeypatch.context() as patch:
        patch.setattr("hashlib.file_digest", lambda *_: pytest.fail("it was read again"))
        assert FileHashes(store).of(path) == first
    path.write_text("b")
    assert FileHashes(store).of(path) != first
