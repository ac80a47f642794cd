"""Types that drivers spoil come through whole: big numbers, floats, bytes, arrays, text in a wrong encoding.

Failing means that a value in raw isn't the one in the source.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import sqlalchemy as sa

from pipelines.errors import GuikeError
from pipelines.extract.specs import SystemSpec
from tests.extract.conftest import MakeSpec

pytestmark = pytest.mark.services

ReadRows = Callable[[SystemSpec], list[tuple[str | None, ...]]]

# type: (literal in SQL, text in raw)
MARIADB = {
    "bigint unsigned": ("18446744073709551615", "18446744073709551615"),
    "decimal(38,10)": ("1234567890123456789012345678.0123456789", "1234567890123456789012345678.0123456789"),
    "bit(64)": ("x'ffffffffffffffff'", "18446744073709551615"),
    "bit(1)": ("b'0'", "0"),
    "float": ("1234567.75", "1234567.75"),
    "double": ("0.1234567890123456", "0.1234567890123456"),
    "json": ('\'{"a": [1.50, "客户"]}\'', '{"a": [1.50, "客户"]}'),
    "enum('是','否')": ("'否'", "否"),
    "set('a','b','c')": ("'c,a'", "a,c"),
    "year": ("1901", "1901"),
    "time(3)": ("'-838:59:59.000'", "-838:59:59.000"),
    "datetime(6)": ("'9999-12-31 23:59:59.999999'", "9999-12-31 23:59:59.999999"),
    "date": ("'0000-00-00'", "0000-00-00"),
    "timestamp": ("'2024-01-01 00:00:00'", "2024-01-01 08:00:00"),
    "binary(3)": ("x'00ff'", "\\x00ff00"),
    "uuid": ("'123e4567-e89b-12d3-a456-426655440000'", "123e4567-e89b-12d3-a456-426655440000"),
    "boolean": ("true", "1"),
    "int(6) zerofill": ("42", "000042"),
    "char(5)": ("'a,\"\n'", 'a,"\n'),
    "text": ("repeat('客', 20000)", "客" * 20_000),
    "varchar(1)": ("''", ""),
}
POSTGRES = {
    "numeric(38,10)": ("1234567890123456789012345678.0123456789", "1234567890123456789012345678.0123456789"),
    "numeric": ("'NaN'", "NaN"),
    "bit(3)": ("b'101'", "101"),
    "float4": ("0.1", "0.1"),
    "float8": ("0.1234567890123456", "0.1234567890123456"),
    "jsonb": ('\'{"a": [1.50, "客户"]}\'', '{"a": [1.50, "客户"]}'),
    "time": ("'24:00:00'", "24:00:00"),
    "timestamptz": ("'2024-01-01 00:00:00+00'", "2024-01-01 08:00:00+08"),
    "date": ("'infinity'", "infinity"),
    "interval": ("'1 mon -3 days 04:05:06'", "1 mon -3 days +04:05:06"),
    "bytea": ("'\\x00ff'", "\\x00ff"),
    "uuid": ("'123e4567-e89b-12d3-a456-426655440000'", "123e4567-e89b-12d3-a456-426655440000"),
    "boolean": ("false", "false"),
    "text[]": ("array['a,b', null, '\"', '']", '{"a,b",NULL,"\\"",""}'),
    "int4range": ("'[1,5)'", "[1,5)"),
    "money": ("12.5", "$12.50"),
    "varchar(20)": ("E'a,\"\\r\\n\\\\.\\t\\\\N'", 'a,"\r\n\\.\t\\N'),
    "text": ("''", ""),
    "char(5)": ("'ab'", "ab"),
    "name": ("U&'\\FEFFx'", "\ufeffx"),
}


def _read(url: str, types: dict[str, tuple[str, str]], make_spec: MakeSpec, read_rows: ReadRows) -> None:
    columns = [f"c{number}" for number in range(len(types))]
    with sa.create_engine(url, isolation_level="AUTOCOMMIT").connect() as con:
        if "mysql" in url:
            con.exec_driver_sql("set session sql_mode = ''")
            con.exec_driver_sql("set session time_zone = '+00:00'")
        listed = ", ".join(f"{name} {kind} null" for name, kind in zip(columns, types, strict=True))
        con.exec_driver_sql(f"create table things ({listed})")
        literals = ", ".join(literal for literal, _ in types.values())
        con.exec_driver_sql(f"insert into things values ({literals})")
        con.exec_driver_sql(f"insert into things (c0) values ({next(iter(types.values()))[0]})")
    tables = (
        f"- {{name: things, key: [c0], snapshot: nothing tells an edit, columns: [{', '.join(columns)}]}}"
    )
    first, second = read_rows(make_spec("database", url, tables))
    assert dict(zip(types, first, strict=True)) == {kind: text for kind, (_, text) in types.items()}
    assert set(second[1:]) == {None}


def test_mariadb(make_spec: MakeSpec, read_rows: ReadRows, mariadb: str) -> None:
    _read(mariadb, MARIADB, make_spec, read_rows)


def test_postgresql(make_spec: MakeSpec, read_rows: ReadRows, postgres: str) -> None:
    _read(postgres, POSTGRES, make_spec, read_rows)


def test_a_single_column_of_nulls(make_spec: MakeSpec, read_rows: ReadRows, postgres: str) -> None:
    with sa.create_engine(postgres, isolation_level="AUTOCOMMIT").connect() as con:
        con.exec_driver_sql("create table things (a text)")
        con.exec_driver_sql("insert into things values (null), (''), ('x'), (null), ('\\N'), ('\"q')")
    tables = "- {name: things, key: [a], snapshot: nothing tells an edit, columns: [a]}"
    found = read_rows(make_spec("database", postgres, tables))
    assert found == [(None,), ("",), ("x",), (None,), ("\\N",), ('"q',)]


def test_a_byte_order_mark_is_part_of_the_value(
    make_spec: MakeSpec, read_rows: ReadRows, postgres: str
) -> None:
    with sa.create_engine(postgres, isolation_level="AUTOCOMMIT").connect() as con:
        con.exec_driver_sql("create table things (a text)")
        con.exec_driver_sql("insert into things values ('\ufeffa'), ('\ufeffb')")
    tables = "- {name: things, key: [a], snapshot: nothing tells an edit, columns: [a]}"
    assert read_rows(make_spec("database", postgres, tables)) == [("\ufeffa",), ("\ufeffb",)]


GBK, UTF8 = "王小明".encode("gbk").hex(), "王小明".encode().hex()


@pytest.mark.parametrize("option", ["gb18030", "{a: gb18030}"])
def test_latin1_columns_that_hold_gbk(
    make_spec: MakeSpec, read_rows: ReadRows, mariadb: str, option: str
) -> None:
    with sa.create_engine(mariadb, isolation_level="AUTOCOMMIT").connect() as con:
        con.exec_driver_sql("create table things (id int, a varchar(20) character set latin1)")
        con.exec_driver_sql(f"insert into things values (1, x'{GBK}'), (2, null), (3, ''), (4, 'abc')")
    tables = "- {name: things, key: [id], snapshot: nothing tells an edit, columns: [id, a]}"
    spec = make_spec("database", mariadb, tables.replace("key:", f"bytes_are: {option}, key:"))
    assert read_rows(spec) == [("1", "王小明"), ("2", None), ("3", ""), ("4", "abc")]


def test_latin1_columns_of_both_kinds(make_spec: MakeSpec, read_rows: ReadRows, mariadb: str) -> None:
    with sa.create_engine(mariadb, isolation_level="AUTOCOMMIT").connect() as con:
        con.exec_driver_sql(
            "create table things (id int, a varchar(20), u text) character set latin1 collate latin1_bin"
        )
        con.exec_driver_sql(f"insert into things values (1, x'{GBK}', x'{UTF8}')")
    tables = "- {name: things, key: [id], snapshot: nothing tells an edit, columns: [id, a, u]}"
    known = tables.replace("key:", "bytes_are: {a: gbk, u: utf-8}, key:")
    assert read_rows(make_spec("database", mariadb, known)) == [("1", "王小明", "王小明")]
    wrong = tables.replace("key:", "bytes_are: {a: utf-8}, key:")
    with pytest.raises(GuikeError, match=r"legacy.things, column a: b'\\xcd.* is not utf-8 text"):
        read_rows(make_spec("database", mariadb, wrong))


def test_backslashes_tabs_and_line_ends_in_every_order(
    make_spec: MakeSpec, read_rows: ReadRows, postgres: str
) -> None:
    """COPY writes \\N for NULL and a backslash before all that would end a value."""
    pieces = ("\\", "N", "n", "\t", "\n", "\r", "客")
    texts = ["".join(drawn) for length in range(4) for drawn in product(pieces, repeat=length)]
    with sa.create_engine(postgres).begin() as con:
        con.exec_driver_sql("create table things (id int, a text, b text)")
        rows = [{"id": number, "a": text} for number, text in enumerate(texts)]
        con.execute(sa.text("insert into things values (:id, :a, null)"), rows)
    tables = "- {name: things, key: [id], snapshot: nothing tells an edit, columns: [id, a, b]}"
    found = read_rows(make_spec("database", postgres, tables))
    assert sorted(found, key=lambda row: int(str(row[0]))) == [
        (str(number), text, None) for number, text in enumerate(texts)
    ]
