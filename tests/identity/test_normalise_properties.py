"""Normalising twice is normalising once, and the width of characters never matters.

Failing means that a record changes its keys when its canonical values are read again (from a system that got
them from us, say), or that two spellings of one value stay apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.identity.lexicon import cities, lexicon
from pipelines.identity.names import parse_names
from pipelines.identity.normalise import install_macros

_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)} | {0x20: 0x3000}
_DIGITS = st.text("0123456789", min_size=8, max_size=8)
_WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=8)
_HAN_NAMES = st.text("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰飞鹏", min_size=1, max_size=2)
_BRANDS = st.text("鑫源恒达瑞丰海川腾跃澜森远帆", min_size=2, max_size=3)

VALUES = {
    "phone_number": st.one_of(
        st.builds("1{}{}".format, st.sampled_from(["39", "50", "88", "99"]), _DIGITS),
        st.builds("+86 1{}{}".format, st.sampled_from(["39", "50"]), _DIGITS),
        st.builds("0510-8{}".format, st.text("0123456789", min_size=7, max_size=7)),
        st.text("0123456789+-() 转ext.#/", max_size=20),
    ),
    "email_address": st.one_of(
        st.builds("{}.{}@{}.com".format, _WORDS, _WORDS, _WORDS), st.text("abC1@. ,;<>-", max_size=20)
    ),
    "credit_code": st.text("0123456789ABCDEFGHJKLMNPQRTUWXY -", min_size=17, max_size=20),
    "tax_number": st.text("0123456789X", min_size=14, max_size=17),
    "wechat_id": st.one_of(
        _WORDS, st.builds("wxid_{}{}".format, _WORDS, _DIGITS), st.text("aB1_- 微信:", max_size=22)
    ),
}
PEOPLE = st.one_of(
    st.builds("{}{}".format, st.sampled_from(list(lexicon()["common_surnames"])), _HAN_NAMES),
    st.builds("{} {}".format, _WORDS.map(str.title), _WORDS.map(str.title)),
    st.builds("{}, {}".format, st.sampled_from(["Wang", "Li", "Smith"]), _WORDS.map(str.title)),
)
FIRMS = st.builds(
    "{}{}{}有限公司".format, st.sampled_from(cities()), _BRANDS, st.sampled_from(["科技", "贸易", "机械制造"])
)
_SMALL = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    install_macros(connection)
    yield connection
    connection.close()


def _value(con: duckdb.DuckDBPyConnection, macro: str, raw: str | None) -> Any:
    row = con.execute(f"select {macro}($raw::varchar)", {"raw": raw}).fetchone()
    assert row is not None
    return row[0]


def _names(con: duckdb.DuckDBPyConnection, names: list[str], kind: str) -> list[dict[str, Any]]:
    """The parts of each name, in the order given."""
    con.execute(
        "create or replace temp table wanted as select distinct unnest($names::varchar[]) as raw, "
        "$kind::varchar as given_type",
        {"names": names, "kind": kind},
    )
    parse_names(con, "wanted", "parsed")
    result = con.execute("from parsed")
    columns = [column[0] for column in result.description]
    by_name = {row[0]: dict(zip(columns, row, strict=True)) for row in result.fetchall()}
    return [{part: value for part, value in by_name[name].items() if part != "raw"} for name in names]


@pytest.mark.parametrize("macro", VALUES)
def test_twice_is_once_and_width_is_nothing(con: duckdb.DuckDBPyConnection, macro: str) -> None:
    @_SMALL
    @given(raw=VALUES[macro])
    def check(raw: str) -> None:
        once = _value(con, macro, raw)
        assert _value(con, macro, once) == once
        assert _value(con, macro, raw.translate(_WIDE)) == once

    check()


@_SMALL
@given(
    place=st.sampled_from(
        ["江苏省无锡市滨湖区", "上海市徐汇区", "广东深圳南山区", "江阴市", "杭州", "内蒙古包头市"]
    ),
    street=st.sampled_from(["太湖大道", "中山北路", "南京路", "人民路"]),
    number=st.integers(1, 9999),
)
def test_an_address_put_together_again_has_the_same_parts(
    con: duckdb.DuckDBPyConnection, place: str, street: str, number: int
) -> None:
    parts = _value(con, "address_parts", f"{place}{street}{number}号")
    assert parts["rest"] == f"{street}{number}号"
    again = "".join(part or "" for part in parts.values())
    assert _value(con, "address_parts", again) == parts
    assert _value(con, "address_parts", f"{place} {street}{number}号".translate(_WIDE)) == parts


@settings(max_examples=8, deadline=None)
@given(names=st.lists(PEOPLE, min_size=1, max_size=40, unique=True))
def test_a_persons_normal_name_is_its_own(con: duckdb.DuckDBPyConnection, names: list[str]) -> None:
    once = _names(con, names, "person")
    wide = _names(con, [name.translate(_WIDE) for name in names], "person")
    assert wide == once
    normal = [parts["name_normalised"] for parts in once if parts["name_normalised"]]
    if normal:
        assert [parts["name_normalised"] for parts in _names(con, normal, "person")] == normal


@settings(max_examples=8, deadline=None)
@given(names=st.lists(FIRMS, min_size=1, max_size=40, unique=True))
def test_a_firms_normal_name_is_its_own(con: duckdb.DuckDBPyConnection, names: list[str]) -> None:
    once = _names(con, names, "organisation")
    assert _names(con, [parts["name_normalised"] for parts in once], "organisation") == once
    branches = _names(con, [f"{name}华东办事处" for name in names], "organisation")
    assert [parts["head_key"] for parts in branches] == [parts["firm_key"] for parts in once]
    assert [parts["core_name"] for parts in branches] == [parts["core_name"] for parts in once]
