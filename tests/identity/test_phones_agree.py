"""Staging, gate 1 and identity read a telephone number alike.

Failing means that a number that the checks let through is another one to identity, or that staging joins by
a number that identity reads otherwise. The three stay apart because data and imports flow one way: staging's
macros must run without Python, and the gate may not import identity. Each keeps what it needs: staging bare
digits, the gate the number as dialled (invented and shared ones too, to say what is wrong with them),
identity only what identifies somebody. Where identity sees a number, its digits are those of the other two.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import duckdb
import jinja2
import pytest

from pipelines.identity.normalise import install_macros
from pipelines.settings import ROOT

MACROS = ROOT / "dbt_project" / "macros"

# As typed, and the digits that one would dial.
NUMBERS = [
    ("13912345678", "13912345678"), ("15912340001", "15912340001"), ("19912345670", "19912345670"),
    ("１３９１２３４５６７８", "13912345678"), ("13912345678.0", "13912345678"),
    ("13912345678.00", "13912345678"), (" 13912345678 ", "13912345678"),
    ("139 1234 5678", "13912345678"), ("139-1234-5678", "13912345678"),
    ("139－1234－5678", "13912345678"), ("１３９ １２３４ ５６７８", "13912345678"),
    ("+8613912345678", "13912345678"), ("+86 13912345678", "13912345678"),
    ("+86-139-1234-5678", "13912345678"), ("+86 139 1234 5678", "13912345678"),
    ("008613912345678", "13912345678"), ("0086-13912345678", "13912345678"),
    ("0086 139 1234 5678", "13912345678"), ("86-13912345678", "13912345678"),
    ("＋８６１３９１２３４５６７８", "13912345678"), ("13912345678转801", "13912345678"),
    ("13912345678 转 801", "13912345678"), ("13912345678#801", "13912345678"),
    ("13912345678分机801", "13912345678"), ("13912345678 ext 801", "13912345678"),
    ("13912345678x801", "13912345678"), ("0510-81234567", "051081234567"),
    ("051081234567", "051081234567"), ("0510 81234567", "051081234567"),
    ("0510 8123 4567", "051081234567"), ("(0510)81234567", "051081234567"),
    ("(0510) 8123-4567", "051081234567"), ("（0510）81234567", "051081234567"),
    ("０５１０－８１２３４５６７", "051081234567"), ("0510-81234567-801", "051081234567"),
    ("0510-81234567转801", "051081234567"), ("0510-81234567 分机801", "051081234567"),
    ("0510-81234567#801", "051081234567"), ("0510-81234567 ext801", "051081234567"),
    ("8613912345678", "13912345678"), ("86 13912345678", "13912345678"),
    ("13912345678轉801", "13912345678"), ("13912345678分機801", "13912345678"),
    ("13912345678（手机）", "13912345678"), ("021-62345678", "02162345678"),
    ("010-6234567", "0106234567"), ("010 62345678", "01062345678"),
    ("01912 345678", "01912345678"), ("(0141) 059 4836", "01410594836"),
    ("0755-26123456", "075526123456"), ("0755-26123456.0", "075526123456"),
]  # fmt: skip


@pytest.fixture(scope="module")
def staging() -> str:
    """The SQL of dbt's `phone_digits` for the column `raw`."""
    text = "".join((MACROS / file).read_text(encoding="utf-8") for file in ("text.sql", "phones.sql"))
    macros: dict[str, object] = {}
    dispatch = SimpleNamespace(dispatch=lambda name: macros[f"duckdb__{name}"])
    template = jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(text)
    macros |= vars(template.make_module({"adapter": dispatch, "return": lambda value: value}))
    return str(macros["duckdb__phone_digits"]("raw"))  # type: ignore[operator]


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("raw", "digits"),
    [
        ("13912345678/13912345679", "13912345678"), ("13912345678、021-62345678", "13912345678"),
        ("13912345678 13912345679", "13912345678"), ("+862162345678", "02162345678"),
        ("+86 21 6234 5678", "02162345678"), ("0086-755-26123456", "075526123456"),
    ],
)  # fmt: skip
def test_what_identity_reads_the_gate_reads(con: duckdb.DuckDBPyConnection, raw: str, digits: str) -> None:
    """Else a record with a good number is flagged, or set aside as nobody's."""
    con.execute((ROOT / "quality" / "helpers.sql").read_text(encoding="utf-8"))
    install_macros(con)
    read = con.execute("select dialled($raw), replace(phone_number($raw), '-', '')", {"raw": raw}).fetchone()
    assert read == (digits, digits)


@pytest.mark.parametrize(("raw", "digits"), NUMBERS)
def test_three_readings_agree(con: duckdb.DuckDBPyConnection, staging: str, raw: str, digits: str) -> None:
    helpers = (ROOT / "quality" / "helpers.sql").read_text(encoding="utf-8")
    con.execute(helpers)
    row = con.execute(f"select dialled(raw), {staging} from (select $raw as raw)", {"raw": raw}).fetchone()
    install_macros(con)
    mine = con.execute("select replace(phone_number($raw), '-', '')", {"raw": raw}).fetchone()
    assert row is not None
    assert mine is not None
    assert {"gate": row[0], "staging": row[1], "identity": mine[0]} == dict.fromkeys(
        ("gate", "staging", "identity"), digits
    )
