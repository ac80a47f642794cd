"""The statements that SQL Server and Oracle are sent; no such server is at hand, so only they can be held.

Failing means that a date, a number or a byte would come in another form than staging expects, or that the
read would not be of one moment.
"""

from __future__ import annotations

import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, oracle
from sqlalchemy.types import TypeEngine

from pipelines.errors import GuikeError
from pipelines.extract.declared_bytes import UndecodableBytes, decode
from pipelines.extract.dialects import Dialect, MySQL
from pipelines.extract.dialects_licensed import Oracle, SQLServer
from tests.extract.conftest import MakeSpec

TABLES = "- {name: things, key: [id], snapshot: no column changes on every edit, columns: [id]}"


def _expression(dialect: Dialect, kind: TypeEngine[object], name: str = "c") -> str:
    column = {"name": name, "type": kind, "nullable": True, "default": None}
    query = dialect.select([column], [False], None, "t")  # type: ignore[list-item]
    return query.removeprefix("select ").rsplit(" from ", 1)[0]


@pytest.mark.parametrize(
    ("kind", "expression"),
    [
        (sa.NVARCHAR(50), "cast([c] as nvarchar(max))"),
        (mssql.BIT(), "cast([c] as nvarchar(max))"),
        (sa.DECIMAL(38, 10), "cast([c] as nvarchar(max))"),
        (sa.DATE(), "convert(varchar(10), [c], 23)"),
        (sa.DATETIME(), "convert(varchar(34), [c], 121)"),
        (mssql.DATETIME2(7), "convert(varchar(34), [c], 121)"),
        (mssql.DATETIMEOFFSET(7), "convert(varchar(34), [c], 121)"),
        (mssql.TIME(7), "convert(varchar(34), [c], 121)"),
        (mssql.MONEY(), "convert(varchar(30), [c], 2)"),
        (mssql.REAL(), "convert(varchar(30), [c], 3)"),
        (mssql.VARBINARY(16), r"'\x' + lower(convert(varchar(max), cast([c] as varbinary(max)), 2))"),
        (mssql.IMAGE(), r"'\x' + lower(convert(varchar(max), cast([c] as varbinary(max)), 2))"),
        (mssql.UNIQUEIDENTIFIER(), "cast([c] as nvarchar(max))"),
    ],
    ids=repr,
)
def test_sql_server_writes_text(kind: TypeEngine[object], expression: str) -> None:
    assert _expression(SQLServer(), kind) == expression


@pytest.mark.parametrize(
    ("kind", "expression"),
    [
        (oracle.VARCHAR2(50), "c"),
        (oracle.CLOB(), "c"),
        (oracle.BLOB(), "c"),
        (oracle.NUMBER(38, 10), "to_char(c, 'TM9')"),
        (oracle.BINARY_DOUBLE(), "to_char(c, 'TM9')"),
        (oracle.DATE(), "to_char(c, 'YYYY-MM-DD HH24:MI:SS')"),
        (oracle.TIMESTAMP(), "to_char(c, 'YYYY-MM-DD HH24:MI:SS.FF9')"),
        (
            oracle.TIMESTAMP(timezone=True),
            "to_char(c at time zone sessiontimezone, 'YYYY-MM-DD HH24:MI:SS.FF9 TZH:TZM')",
        ),
        (oracle.RAW(16), r"case when c is not null then '\x' || lower(rawtohex(c)) end"),
        (oracle.INTERVAL(), "to_char(c)"),
    ],
    ids=repr,
)
def test_oracle_writes_text(kind: TypeEngine[object], expression: str) -> None:
    assert _expression(Oracle(), kind) == expression


def test_names_are_quoted_as_each_server_takes_them() -> None:
    assert SQLServer().quote("a]b") == "[a]]b]"
    assert Oracle().quote("khmc") == "khmc"
    assert Oracle().quote("Khmc") == '"Khmc"'
    assert Oracle().quote("a%b") == '"a%b"'
    assert MySQL().quote("a`b") == "`a``b`"


def test_one_moment_and_no_writes() -> None:
    assert SQLServer().begin("Asia/Shanghai") == [
        "set transaction isolation level snapshot", "set lock_timeout 60000", "begin transaction",
    ]  # fmt: skip
    assert SQLServer().url(sa.make_url("mssql+pyodbc://h/d")).query["ApplicationIntent"] == "ReadOnly"
    assert Oracle().begin("Asia/Shanghai") == [
        "alter session set time_zone = 'Asia/Shanghai'", "alter session set nls_numeric_characters = '.,'",
        "set transaction read only",
    ]  # fmt: skip


def test_oracle_bytes_become_digits() -> None:
    assert Oracle()._as_array([b"\xcd\xf5", None, "x"]).to_pylist() == [rb"\xcdf5", None, b"x"]


def test_sql_server_selects_a_schema_and_stored_bytes() -> None:
    columns = [{"name": "id", "type": sa.INTEGER(), "nullable": True, "default": None},
               {"name": "a", "type": sa.VARCHAR(9), "nullable": True, "default": None}]  # fmt: skip
    assert SQLServer().select(columns, [False, True], "dbo", "t") == (  # type: ignore[arg-type]
        "select cast([id] as nvarchar(max)), "
        "convert(varchar(max), cast(cast([a] as varchar(max)) as varbinary(max)), 2) from [dbo].[t]"
    )


def test_bytes_are_decoded_whole_or_one_by_one() -> None:
    def digits(*values: bytes | None) -> object:
        return pa.array([value and value.hex().encode() for value in values], type=pa.binary())

    names = ["王小明", "", None, "客户\0𠮷", "李"]
    for encoding in ("gb18030", "utf-8", "utf-16-le"):
        stored = [None if name is None else name.encode(encoding) for name in names]
        assert decode(digits(*stored), encoding).to_pylist() == names
    with pytest.raises(UndecodableBytes) as caught:
        decode(digits("王".encode("gb18030"), b"\xcd"), "gb18030")
    assert caught.value.value == b"\xcd"


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("bytes_are: klingon", "the encoding 'klingon' is unknown"),
        ("bytes_are: {id: klingon}", "the encoding 'klingon' is unknown"),
        ("bytes_are: {nix: gbk}", "'nix' is not among the columns"),
    ],
)
def test_bytes_are_something_known(make_spec: MakeSpec, option: str, message: str) -> None:
    with pytest.raises(GuikeError, match=f"line 9: .*{message}|line 8: .*{message}"):
        make_spec("database", "sqlite:///x.sqlite", TABLES.replace("key:", f"{option}, key:"))
