"""The sources have the formats of the real systems: columns, encodings, title rows, deleted rows, pages.

If this fails, extraction is tested against something that no company has.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dbfread
import openpyxl
import pyarrow.parquet as pq
import pytest

from pipelines.demo.database import definitions
from pipelines.demo.server import TOKEN, serve
from tests.demo.reading import SHEETS, Sources


def test_databases_have_all_columns_of_the_products(sources: Sources) -> None:
    for system in ("crm", "erp"):
        for table, columns in definitions(system).items():
            row = next(iter(sources[system, table].values()))
            assert list(row) == list(columns), table


def test_ledger_layout(folder: Path) -> None:
    book = openpyxl.load_workbook(folder / "sources" / "ledger.xlsx")
    assert book.sheetnames == list(SHEETS)
    receipts = book["收款明细"]
    assert [str(cells) for cells in receipts.merged_cells.ranges] == ["A1:I1"]
    header = [cell.value for cell in receipts[3]]
    assert header == [
        "日期",
        "客户名称",
        "项目",
        "合同号",
        "金额（万元）",
        "是否含税",
        "税率",
        "经手人",
        "备注",
    ]
    last = list(receipts.iter_rows(values_only=True))
    assert last[-1][0] == "合计"
    assert last[-1][4] == pytest.approx(sum(row[4] for row in last[3:-1]), abs=1e-6)
    assert sum(book[sheet].max_row for sheet in SHEETS) < 60_000


def test_membership_files_are_gbk_with_deleted_rows(folder: Path) -> None:
    table = dbfread.DBF(folder / "sources" / "MEMBER.DBF")
    assert table.encoding == "cp936"
    assert table.field_names == ["KHBH", "XM", "XB", "DH", "DZ", "RHRQ", "JF", "JB"]
    assert len(table.deleted) >= 1
    assert {row["XB"] for row in table} == {"男", "女"}


def test_csv_encodings(folder: Path) -> None:
    wechat = (folder / "sources" / "wechat_contacts.csv").read_bytes()
    assert wechat.startswith(b"\xef\xbb\xbf")
    staff = (folder / "sources" / "staff.csv").read_bytes()
    assert staff.decode("gb18030").startswith("工号,姓名,部门,岗位,手机,邮箱,入职日期,离职日期,状态")
    with pytest.raises(UnicodeDecodeError):
        staff.decode("utf-8")


def test_remarks_are_those_of_salespeople(sources: Sources) -> None:
    remarks = [row["备注"] for row in sources["wechat", "contacts"].values()]
    assert any("总-" in remark and remark.count("-") == 2 for remark in remarks)
    assert any("小姐 " in remark for remark in remarks)


def test_logins_are_mondays(folder: Path) -> None:
    logins = pq.read_table(folder / "sources" / "logins.parquet")
    assert logins.column_names == ["account_id", "email", "phone", "company_name", "day", "logins"]
    assert {day.weekday() for day in logins["day"].to_pylist()} == {0}


def test_notes_follow_the_template(sources: Sources) -> None:
    for note in sources["notes", "account_notes"].values():
        assert list(note) == ["客户", "期间", "负责人", "变化", "关注", "投诉", "小结"]


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with serve(folder, port=0) as base:
        yield base


def get(url: str, token: str | None = TOKEN) -> Any:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


@pytest.mark.parametrize("resource", ["calls", "tickets"])
@pytest.mark.parametrize("size", [1, 97, 10_000])
def test_pages_give_every_row_once(url: str, resource: str, size: int, sources: Sources) -> None:
    expected = list(sources["callcentre", resource].values())
    if size == 1:
        expected = expected[:3]
    first = get(f"{url}/api/{resource}?page=1&size={size}")
    total = len(sources["callcentre", resource])
    assert (first["page"], first["pages"], first["total"]) == (1, -(-total // size), total)
    last = len(expected) if size == 1 else first["pages"]
    pages = [first, *(get(f"{url}/api/{resource}?page={page}&size={size}") for page in range(2, last + 1))]
    assert [row for page in pages for row in page["data"]] == expected


def test_page_beyond_the_end_is_empty(url: str) -> None:
    assert get(f"{url}/api/calls?page=99999&size=1000")["data"] == []


@pytest.mark.parametrize("token", [None, "wrong"])
def test_without_the_token_401(url: str, token: str | None) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        get(f"{url}/api/calls?page=1", token)
    assert error.value.code == 401


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/none", 404),
        ("/calls", 404),
        ("/api/calls?page=0", 400),
        ("/api/calls?size=x", 400),
        ("/api/calls?size=10001", 400),
    ],
)
def test_wrong_requests(url: str, path: str, code: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        get(url + path)
    assert error.value.code == code
