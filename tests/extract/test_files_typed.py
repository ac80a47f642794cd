"""Workbooks and DBF files with all that their formats allow.

Failing means that an amount is lost in a merged cell, that FoxPro's money is off by a factor, or that a row
which the old program had deleted comes back.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import GuikeError
from pipelines.extract.specs import SystemSpec
from tests.extract.conftest import Extraction, MakeSpec
from tests.extract.files_made import Field, write_dbf, write_fpt, write_workbook

Rows = list[tuple[str | None, ...]]
ReadRows = Callable[[SystemSpec], Rows]

SHEET = """
- name: receipts
  source: "{source}"
  snapshot: a sheet is edited in place
  skip_totals: [合计, 小计]
  columns: {{customer: 客户, amount: 金额}}
"""
DBF = """
- name: member
  snapshot: the table has no time of the last edit
  columns: {columns}
"""


# --- Excel -------------------------------------------------------------------------------------------------


def test_titles_groups_and_totals(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_workbook(path, {"收款": [
        ["收款明细（单位：万元）"], [], ["客户", "金额\n(万元)"], ["甲公司", 1.5], [None, 2], ["小计", 3.5],
        ["乙公司", 13812345678.0], [None, "0012"], [" 合　计 ", 9], [],
    ]})  # fmt: skip
    tables = SHEET.format(source="收款") + "  fill_down: [customer]\n  units: {amount: 万元}"
    assert read_rows(make_spec("excel", path, tables)) == [
        ("甲公司", "1.5"), ("甲公司", "2"), ("乙公司", "13812345678"), ("乙公司", "0012"),
    ]  # fmt: skip
    with pytest.raises(GuikeError, match="金额 is in 万元, but the spec says 元"):
        read_rows(make_spec("excel", path, tables.replace("amount: 万元", "amount: 元")))


def test_sheets_of_one_form(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    sheets = {f"{month}月": [["客户", "金额"], [f"公司{month}", month]] for month in (1, 2, 3)}
    write_workbook(path, sheets, hidden=["2月"])
    tables = SHEET.format(source="*月").replace("{customer", '{sheet: "@sheet", customer')
    assert read_rows(make_spec("excel", path, tables)) == [("1月", "公司1", "1"), ("3月", "公司3", "3")]
    assert read_rows(make_spec("excel", path, SHEET.format(source="2月"))) == [("公司2", "2")]


def test_error_cells_as_nothing(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_workbook(path, {"收款": [["客户", "金额", "核对"], ["甲", "#N/A", "=B2"], ["乙", 2, "#REF!"]]})
    tables = SHEET.format(source="收款") + "  error_cells: empty"
    assert read_rows(make_spec("excel", path, tables, extra_columns="allow")) == [("甲", None), ("乙", "2")]


# --- DBF ---------------------------------------------------------------------------------------------------


def test_foxpro_types(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    fields: list[Field] = [
        ("N", "I", 4, 0), ("M", "Y", 8, 4), ("D", "B", 8, 2), ("T", "T", 8, 0), ("L", "L", 1, 0),
        ("V", "C", 4, 0), ("_NullFlags", "0", 1, 0),
    ]  # fmt: skip
    noon = struct.pack("<II", 2_451_545, 12 * 3_600_000)  # astronomers' day for 2000-01-01
    write_dbf(tmp_path / "member.dbf", fields, [
        (b" ", struct.pack("<i", -7), struct.pack("<q", -12_345), struct.pack("<d", 0.1), noon, b"T", b"a",
         b"\0"),
        (b" ", struct.pack("<i", 8), struct.pack("<q", 10**15), struct.pack("<d", 3), bytes(8), b" ", b"",
         b"\1"),
    ], nullable=["V"])  # fmt: skip
    tables = DBF.format(columns="{n: N, m: M, d: D, t: T, l: L, v: V}") + "  source: MEMBER.DBF"
    rows = read_rows(make_spec("dbf", tmp_path, tables, extra_columns="allow"))
    assert rows == [
        ("-7", "-1.2345", "0.1", "2000-01-01 12:00:00", "T", "a"),
        ("8", "100000000000.0000", "3", None, None, None),
    ]


def test_memos_and_deleted_rows(extract: Extraction, make_spec: MakeSpec, tmp_path: Path) -> None:
    path = tmp_path / "member.dbf"
    (one, two) = write_fpt(tmp_path / "MEMBER.FPT", ["第一行\r\n第二行".encode("gbk"), b""])
    fields: list[Field] = [("XM", "C", 8, 0), ("BZ", "M", 4, 0)]
    write_dbf(path, fields, [
        (b" ", "王明".encode("gbk"), one.to_bytes(4, "little")), (b"*", b"x", two.to_bytes(4, "little")),
        (b" ", b"y", bytes(4)),
    ], code_page=0x7A)  # fmt: skip
    extract(make_spec("dbf", path, DBF.format(columns="{name: XM, note: BZ}")))
    assert extract.ask("select name, note from raw_legacy.member order by all") == [
        ("y", None), ("王明", "第一行\r\n第二行"),
    ]  # fmt: skip
    asked = "select encoding, rows, left_out from ops.file_verdicts order by read_at desc limit 1"
    assert extract.ask(asked) == [("gb18030", 2, 1)]
    extract(
        make_spec(
            "dbf", path, DBF.format(columns='{name: XM, is_deleted: "@deleted"}'), extra_columns="allow"
        )
    )
    assert extract.ask("select name, is_deleted from raw_legacy.member order by all") == [
        ("x", "*"), ("y", None), ("王明", None),
    ]  # fmt: skip


def test_a_new_memo_is_noticed(extract: Extraction, make_spec: MakeSpec, tmp_path: Path) -> None:
    path = tmp_path / "member.dbf"
    spec = make_spec("dbf", path, DBF.format(columns="{note: BZ}"))
    for text in (b"one", b"two"):
        (block,) = write_fpt(tmp_path / "member.fpt", [text])
        write_dbf(path, [("BZ", "M", 4, 0)], [(b" ", block.to_bytes(4, "little"))])
        assert extract(spec).status == "loaded"
    assert extract.ask("select note from raw_legacy.member") == [("two",)]


# --- Parquet -----------------------------------------------------------------------------------------------


def test_parquet_values_are_exact(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    zone = dt.timezone(dt.timedelta(hours=8))
    table = pa.table({
        "at": pa.array([dt.datetime(2024, 1, 1, 8, tzinfo=zone)], pa.timestamp("ms", "Asia/Shanghai")),
        "small": pa.array([Decimal("0.00000001")]),
        "tiny": [1e-7],
        "nested": [{"a": [1, None], "名": "王"}],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "a.parquet")
    spec = make_spec("parquet", tmp_path / "a.parquet", DBF.format(columns="[at, small, tiny, nested]"))
    assert read_rows(spec) == [
        ("2024-01-01 08:00:00.000+0800", "0.00000001", "0.0000001", '{"a": [1, null], "名": "王"}')
    ]
