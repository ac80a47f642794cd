"""One canonical form per number, address, code and name. Failing means that equal things stay apart, or
worse, that what identifies nobody (hot lines, invented numbers, placeholders) joins strangers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.identity.lexicon import lexicon
from pipelines.identity.names import parse_names
from pipelines.identity.normalise import install_macros


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    install_macros(connection)
    yield connection
    connection.close()


def _apply(con: duckdb.DuckDBPyConnection, macro: str, raw: str | None) -> str | None:
    row = con.execute(f"select {macro}($raw::varchar)", {"raw": raw}).fetchone()
    assert row is not None
    value: str | None = row[0]
    return value


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("13912345678", "13912345678"),
        ("１３９１２３４５６７８", "13912345678"),
        ("13912345678.0", "13912345678"),
        ("+86 139-1234-5678", "13912345678"),
        ("0086139 1234 5678", "13912345678"),
        ("86-13912345678", "13912345678"),
        ("013912345678", "13912345678"),
        ("无/13912345678", "13912345678"),
        ("0510-81234567", "0510-81234567"),
        ("(0510)81234567", "0510-81234567"),
        ("051081234567", "0510-81234567"),
        ("+86-510-81234567", "0510-81234567"),
        ("0510-81234567-802", "0510-81234567"),
        ("0510-81234567转802", "0510-81234567"),
        ("0510-81234567 ext.802", "0510-81234567"),
        ("0510-81234567#802", "0510-81234567"),
        ("010-62345678", "010-62345678"),
        ("+49 30 0074321", "+49300074321"),
        ("00852 2345 6789", "+85223456789"),
        ("030-0074321", "0300074321"),
        ("0921-12 34 65", "0921123465"),
        ("01912 345678", "01912345678"),
        ("(0141 ) 0594836", "01410594836"),
        ("07271 252 257", "07271252257"),
        ("+44 7846627997", "+447846627997"),
        ("０１９１２－３４５６７８", "01912345678"),
        ("(555) 123-4567", "5551234567"),
    ],
)
def test_one_form_per_phone_number(con: duckdb.DuckDBPyConnection, raw: str, number: str) -> None:
    assert _apply(con, "phone_number", raw) == number


@pytest.mark.parametrize(
    "raw",
    [
        None, "", "无", "12345678", "13800000000", "11111111111", "00000000000", "400-123-4567", "8001234567",
        "81234567", "0510-88888888", "12345678901", "(5) 555-4729", "139123456", "81234567-802",
        "07777777777", "0000000000", "1234567890", "9999999999", "0800 123 4567", "400-123-4567-1",
        "Order 0191234567",
    ],
)  # fmt: skip
def test_what_identifies_nobody_is_no_phone_number(con: duckdb.DuckDBPyConnection, raw: str | None) -> None:
    assert _apply(con, "phone_number", raw) is None


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        ("Li.Lan@Example.COM ", "li.lan@example.com"),
        ("ｌan@example.com", "lan@example.com"),
        ("mailto:lan@vip.example.com", "lan@vip.example.com"),
        ("test@example.com", None),
        ("123456@example.com", None),
        ("lan@@example.com", None),
        ("lan@example", None),
        ("无", None),
        (None, None),
    ],
)
def test_addresses(con: duckdb.DuckDBPyConnection, raw: str | None, address: str | None) -> None:
    assert _apply(con, "email_address", raw) == address


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("91350100M000100Y43", "91350100M000100Y43"),  # the example of GB 32100-2015
        ("91350100m000100y43", "91350100M000100Y43"),
        ("９１350100-M000100Y43", "91350100M000100Y43"),
        ("91350100M000100Y44", None),
        ("91350100I000100Y43", None),
        ("91350100M000100Y4", None),
        (None, None),
    ],
)
def test_credit_codes_need_their_check_digit(
    con: duckdb.DuckDBPyConnection, raw: str | None, code: str | None
) -> None:
    assert _apply(con, "credit_code", raw) == code


def test_old_tax_numbers_are_kept_apart(con: duckdb.DuckDBPyConnection) -> None:
    assert _apply(con, "tax_number", "350100700010043") == "350100700010043"
    assert _apply(con, "tax_number", "91350100M000100Y43") is None


def _parts(con: duckdb.DuckDBPyConnection, raw: str, given_type: str | None = None) -> dict[str, str | None]:
    con.execute(
        "create or replace temp table wanted as select $raw::varchar as raw, $given::varchar as given_type",
        {"raw": raw, "given": given_type},
    )
    parse_names(con, "wanted", "parsed")
    result = con.execute("from parsed")
    row = result.fetchone()
    assert row is not None
    return dict(zip((column[0] for column in result.description), row, strict=True))


@pytest.mark.parametrize(
    "raw",
    [
        "无锡鑫源机械有限公司", "鑫源机械（无锡）有限公司", "鑫源机械(无锡)有限公司", "鑫源无锡机械有限公司",
        "江苏省无锡市鑫源机械有限责任公司", "無錫鑫源機械有限公司", " 无锡 鑫源机械　有限公司",
    ],
)  # fmt: skip
def test_one_registered_key_however_the_place_is_written(con: duckdb.DuckDBPyConnection, raw: str) -> None:
    parts = _parts(con, raw)
    assert parts["party_type"] == "organisation"
    assert parts["firm_key"] == "无锡|鑫源机械|有限公司"
    assert parts["core_name"] == "鑫源机械"


@pytest.mark.parametrize(
    ("raw", "core"),
    [("无锡鑫源机械", "鑫源机械"), ("鑫源机械", "鑫源机械"), ("老鑫源", "鑫源"), ("嘉兴机械", "嘉兴机械")],
)
def test_a_short_name_has_a_core_but_no_registered_key(
    con: duckdb.DuckDBPyConnection, raw: str, core: str
) -> None:
    parts = _parts(con, raw)
    assert (parts["party_type"], parts["core_name"], parts["firm_key"]) == ("organisation", core, None)


@pytest.mark.parametrize("raw", ["王总", "王经理", "王小姐", "王先生", "老王", "兰小姐", "芦总"])
def test_a_title_leaves_the_surname_only(con: duckdb.DuckDBPyConnection, raw: str) -> None:
    parts = _parts(con, raw)
    surname = raw.strip("总经理小姐先生老")
    assert (parts["party_type"], parts["surname"], parts["name_normalised"]) == ("person", surname, None)


@pytest.mark.parametrize(
    ("raw", "name", "surname"),
    [
        ("張偉", "张伟", "张"), ("王 伟", "王伟", "王"), ("王伟先生", "王伟", "王"),
        ("欧阳锋", "欧阳锋", "欧阳"),
        ("Maria Anders", "maria anders", "anders"),
    ],
)  # fmt: skip
def test_people(con: duckdb.DuckDBPyConnection, raw: str, name: str, surname: str) -> None:
    parts = _parts(con, raw, "person")
    assert (parts["name_normalised"], parts["surname"]) == (name, surname)


@pytest.mark.parametrize("raw", ["测试", "无", "张三", "aaa", "AAA", "13912345678", "  ", "N/A", "？？"])
def test_placeholders_are_no_names(con: duckdb.DuckDBPyConnection, raw: str) -> None:
    parts = _parts(con, raw, "person")
    assert (parts["name_normalised"], parts["name_key"]) == (None, None)


@pytest.mark.parametrize(
    "raw", ["Alfreds Futterkiste", "B's Beverages", "Comércio Mineiro", "Blondesddsl père et fils"]
)
def test_western_firms_keep_their_whole_name(con: duckdb.DuckDBPyConnection, raw: str) -> None:
    parts = _parts(con, raw, "organisation")
    assert parts["name_normalised"] is not None
    assert parts["firm_key"] is not None


def test_a_branch_is_not_its_firm_by_name_alone(con: duckdb.DuckDBPyConnection) -> None:
    firm, branch = _parts(con, "无锡鑫源机械有限公司"), _parts(con, "无锡鑫源机械有限公司苏州分公司")
    assert firm["firm_key"] != branch["firm_key"]
    assert firm["core_name"] == branch["core_name"]


_MACROS = {
    "phone": "phone_number", "shared": "is_shared_number", "email": "email_address", "domain": "mail_domain",
    "free_mail": "is_free_mail", "credit_code": "credit_code", "personal_id": "personal_id",
    "wechat": "wechat_id", "address": "address_parts",
}  # fmt: skip


def _cases(file: str) -> list[Any]:
    rows = yaml.safe_load((Path(__file__).parent / file).read_text(encoding="utf-8"))
    return [pytest.param(*row, id="-".join(map(str, row[:-1]))) for row in rows]


def _seen(con: duckdb.DuckDBPyConnection, kind: str, raw: str, expected: Any) -> Any:
    """What normalisation makes of `raw`, in the shape of `expected`."""
    if kind in ("person", "company"):
        parts = _parts(con, raw, "person" if kind == "person" else None)
        return {part: parts[part] for part in expected}
    value: Any = _apply(con, _MACROS[kind], raw)
    return list(value.values()) if isinstance(value, dict) else value


@pytest.mark.parametrize(("kind", "raw", "expected"), _cases("seen.yml"))
def test_cases_of_the_rules(con: duckdb.DuckDBPyConnection, kind: str, raw: str, expected: Any) -> None:
    assert _seen(con, kind, raw, expected) == expected


@pytest.mark.parametrize(("kind", "raw", "expected"), _cases("held_out.yml"))
def test_cases_that_no_rule_was_written_for(
    con: duckdb.DuckDBPyConnection, kind: str, raw: str, expected: Any
) -> None:
    assert _seen(con, kind, raw, expected) == expected


@pytest.mark.parametrize(("raw", "expected"), _cases("english_names.yml"))
def test_names_in_latin_letters(
    con: duckdb.DuckDBPyConnection, raw: str, expected: dict[str, str | None]
) -> None:
    parts = _parts(con, raw)
    assert {part: parts[part] for part in expected} == expected


@pytest.mark.parametrize(("raw", "expected"), _cases("english_addresses.yml"))
def test_addresses_that_are_not_chinese(
    con: duckdb.DuckDBPyConnection, raw: str, expected: list[str | None]
) -> None:
    assert _seen(con, "address", raw, expected) == expected


def test_a_short_form_stands_for_one_given_name() -> None:
    known: dict[str, list[str]] = lexicon()["short_names"]
    short = [name for names in known.values() for name in names]
    assert len(short) == len(set(short)) > 120
    assert not set(short) & set(known)
