"""Fix lists: who gets which record, with what advice, in a workbook that can't do harm.

If these fail, somebody is told to mend what isn't theirs or takes a wrong value for a right one, or a name
typed into a web form runs as a formula on an employee's computer.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from pipelines import i18n
from pipelines.errors import GuikeError
from quality import fix_lists, fix_rows, fix_workbook
from quality.catalogue import load_catalogue
from quality.fix_cells import LONGEST, cell_text
from quality.fix_lists import FixList, write_fix_lists
from quality.fix_workbook import Overview, write_workbook
from quality.gate import run_gate_1
from quality.issues import create_tables
from tests.quality.input_layer import Records

FORMULA = '=HYPERLINK("http://127.0.0.1/"&A1,"王五")'
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    i18n.set_language("en")
    yield
    i18n.set_language(None)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+8613812345678", "-5", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u3000=1", "\ufeff=1",
        "\u200b=1", "\xa0\t @x", "＝1+1", "＋1", "－1", "＠x", "﹦1", "﹢1", "﹣1", "−1", "\x00=1",
        "\x0b\x1f=1", "|cmd", "%0A=1", "#REF!", "#N/A",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_may_take_for_a_formula_begins_with_an_apostrophe(text: str) -> None:
    shown = cell_text(text)
    assert shown is not None
    assert shown.startswith("'")
    assert shown[1:] in text


@pytest.mark.parametrize("text", ["王五", "13812345678", "a=b", "3-4", "", "某公司(=)", "'quoted", "#1"])
def test_other_text_stays(text: str) -> None:
    assert cell_text(text) == (text or None)


def test_what_a_workbook_cannot_hold_is_left_out() -> None:
    assert cell_text(None) is None
    assert cell_text("\x00\x01\ud800\uffff") is None
    assert cell_text("a\x00b\x1fc\ud83dd\ufffee") == "abcde"
    assert cell_text("a\nb") == "a\nb"
    # Excel would read the escape as the sign itself, and save that as CSV.
    assert cell_text("_x003D_cmd") == "_x005F_x003D_cmd"


@pytest.mark.parametrize("letter", ["a", "客", "𠮷"])
def test_long_text_is_cut_between_characters(letter: str) -> None:
    shown = cell_text(letter * 40_000)
    assert shown is not None
    assert shown.strip(letter) == "…"
    assert LONGEST - 2 <= len(shown.encode("utf-16-le")) // 2 <= LONGEST


def _known_elsewhere(
    records: Records, rows: list[tuple[str, str, str, str, bool]], owner: str | None = None
) -> None:
    """The tables of identity and core: all records are C1's; rows of system, id, attribute, value, usable."""
    values = ", ".join(
        f"('C1', '{attribute}', '{value}', '{value}', {usable}, '{system}', 'customers', '{key}')"
        for system, key, attribute, value, usable in rows
    )
    with records.connection() as con:
        con.execute(
            f"""
            create table core.int_attribute_candidates as from (values {values}) as t(
                customer_id, attribute, value, value_compared, is_usable, system, source_table, source_id);
            create table core.attribute_lineage as
                select * exclude (value_compared),
                    row_number() over (partition by attribute order by system) as value_rank
                from core.int_attribute_candidates;
            create table identity.customer_xref as
                select distinct system, source_table, source_id, customer_id
                from core.int_attribute_candidates;
            create table core.dim_customers as
                select 'C1' as customer_id, '无锡机械有限公司' as customer_name,
                    cast($owner as varchar) as owner_name""",
            {"owner": owner},
        )


def _lists(records: Records, folder: Path, **options: Any) -> dict[str, FixList]:
    with records.connection() as con:
        return {one.owner: one for one in write_fix_lists(con, records.settings, folder, **options)}


def _rows(path: Path, sheet: int = 0) -> list[dict[str, Any]]:
    """The rows of a sheet, as openpyxl reads them; no cell may be a formula or an error."""
    book = openpyxl.load_workbook(path)
    cells = list(book.worksheets[sheet].iter_rows())
    assert {cell.data_type for row in cells for cell in row} <= {"s", "n", "d", "inlineStr"}
    heads = [cell.value for cell in cells[0]]
    return [dict(zip(heads, (cell.value for cell in row), strict=True)) for row in cells[1:]]


def _found(records: Records, *issues: tuple[str, str, str, str | None]) -> None:
    """The input layer, and these issues as a gate would write them: rule, system, record, employee."""
    records.write()
    rules = {rule.rule_id: rule for rule in load_catalogue().rules}
    with records.connection() as con:
        create_tables(con)
        con.execute(
            "create table if not exists quality.rules "
            "(rule_id varchar, entity varchar, gate integer, title_en varchar, title_zh varchar)"
        )
        con.execute("delete from quality.record_issues")
        for rule_id, system, source_id, staff in issues:
            rule = rules[rule_id]
            con.execute(
                "insert into quality.rules values (?, ?, ?, ?, ?)",
                [rule_id, rule.entity, rule.gate, rule.title.en, rule.title.zh],
            )
            con.execute(
                """insert into quality.record_issues by name select
                    $rule as rule_id, $severity as severity, $dimension as dimension, $system as system,
                    $entity as source_table, $id as source_id, $field as field, $entity as entity,
                    $staff as staff, 'It is wrong.' as message, '有误。' as message_zh,
                    'Mend it.' as remedy, '请改正。' as remedy_zh,
                    '138***00' as value_masked, timestamp '2026-07-01 01:00' as first_seen_at""",
                {
                    "rule": rule_id,
                    "severity": rule.severity,
                    "dimension": rule.dimension,
                    "system": system,
                    "entity": rule.entity,
                    "id": source_id,
                    "field": rule.field,
                    "staff": staff,
                },
            )
        con.execute("create or replace table quality.rules as select distinct * from quality.rules")


PHONE, NAME = "customers.phone_is_not_invented", "customers.name_is_more_than_honorific"


def test_each_owner_gets_what_is_theirs(sound: Records, tmp_path: Path) -> None:
    """Through the gate itself: who collected it, else who looks after the customer; what is info, nobody."""
    sound.change("customers", "c1", mobile="13800000000", owner_name=" 王伟 ", customer_name="张丽")
    sound.change("customers", "c2", mobile="13800000000", owner_name=None)
    sound.change("orders", "o3", ordered_at=None, raw_date="2026-02-30")
    sound.change("payments", "p4", paid_at=None, raw_date="?")
    sound.write()
    run_gate_1(sound.settings, "run-1")
    _known_elsewhere(sound, [("crm", "c2", "mobile", "13800000000", False)], "李娜")
    with sound.connection() as con:
        # As if its rule only counted.
        con.execute("update quality.record_issues set severity = 'info' where source_id = 'p4'")
    lists = _lists(sound, tmp_path / "lists")
    assert {owner: one.issues for owner, one in lists.items()} == {"王伟": 1, "李娜": 1, "陈静": 1}
    assert lists["陈静"].set_aside == 1
    [row] = _rows(lists["王伟"].path)
    assert (row["Record"], row["Value now"], row["Field"]) == ("c1", "13800000000", "Mobile number")
    assert (row["Urgency"], row["System"], row["Customer"]) == ("Flagged", "crm", "张丽")
    assert row["What to do"]
    assert row["First seen"] == datetime(2026, 7, 1)
    [order] = _rows(lists["陈静"].path)
    assert (order["Urgency"], order["Value now"]) == ("Set aside", "2026-02-30")
    assert [path.stat().st_mode & 0o077 for path in (tmp_path / "lists").glob("*.xlsx")] == [0, 0, 0]


def test_a_customer_handed_over_is_the_heirs_to_mend(records: Records, tmp_path: Path) -> None:
    """Whoever typed it; a document stays with who made it."""
    _found(records, (PHONE, "crm", "c1", "陈静"), ("payments.date_is_real", "crm", "p1", "陈静"))
    _known_elsewhere(
        records, [("crm", "c1", "mobile", "x", False), ("crm", "p1", "mobile", "x", False)], "李娜"
    )
    lists = _lists(records, tmp_path)
    assert {owner: one.issues for owner, one in lists.items()} == {"李娜": 1, "陈静": 1}
    assert [row["Record"] for row in _rows(lists["李娜"].path)] == ["c1"]


def test_nobodys_records_are_one_list(records: Records, tmp_path: Path) -> None:
    _found(records, ("payments.date_is_real", "crm", "p4", None), ("payments.date_is_real", "crm", "p5", " "))
    [one] = _lists(records, tmp_path).values()
    assert (one.owner, one.path.name, one.issues) == ("", "nobody.xlsx", 2)
    assert _lists(records, tmp_path, owner="nobody")[""].issues == one.issues


def test_who_has_left_mends_nothing(records: Records, tmp_path: Path) -> None:
    _found(records, (PHONE, "crm", "c1", "王伟"), (PHONE, "crm", "c2", "王伟"), (PHONE, "crm", "c3", "陈静"))
    _known_elsewhere(records, [("crm", "c1", "mobile", "13800000000", False)], "李娜")
    with records.connection() as con:
        con.execute(
            "create table quality.int_leavers as select '王伟' as staff_name, date '2025-01-01' as left_on"
        )
    assert {owner: one.issues for owner, one in _lists(records, tmp_path).items()} == {
        "李娜": 1,
        "": 1,
        "陈静": 1,
    }


def test_a_suspicion_is_not_the_suspects_to_mend(records: Records, tmp_path: Path) -> None:
    rule = next(rule.rule_id for rule in load_catalogue().rules if rule.entity == "staff")
    _found(records, (rule, "hr", "s1", "王伟"))
    with records.connection() as con:
        con.execute("update quality.record_issues set severity = 'warn'")
    assert set(_lists(records, tmp_path)) == {""}


def test_the_best_value_known_elsewhere_is_proposed(records: Records, tmp_path: Path) -> None:
    """From another system, usable, another value, and not itself flagged as wrong there."""
    records.add("customers", "c0", mobile="13800000000", customer_name="王总", party_type="person")
    _found(records, (PHONE, "crm", "c0", "陈静"), (NAME, "crm", "c0", "陈静"), (PHONE, "erp", "e1", "王伟"))
    _known_elsewhere(
        records,
        [
            ("crm", "c0", "mobile", "13800000000", False), ("crm", "c0", "customer_name", "王总", False),
            ("crm", "c1", "mobile", "13812340000", True),  # the same system
            ("erp", "e1", "mobile", "13900000000", True),  # flagged there
            ("members", "m1", "mobile", "13812345678", True),
            ("members", "m1", "customer_name", "王总", True),
            ("wechat", "w1", "mobile", "13812345678", True),
            ("wechat", "w1", "customer_name", "王小明", True),
            ("hr", "h1", "mobile", "13612345678", False),  # not usable
        ],
    )  # fmt: skip
    with records.connection() as con:
        con.execute("insert into ops.systems values ('wechat', 'WeChat', '微信', 'csv', 30)")
    rows = {row["Field"]: row for row in _rows(_lists(records, tmp_path)["陈静"].path)}
    assert rows["Mobile number"]["Best value known elsewhere"] == "13812345678"
    assert rows["Mobile number"]["Who says so"] == "members, WeChat"
    assert rows["Customer name"]["Best value known elsewhere"] == "王小明"


def test_a_disagreement_makes_neither_value_wrong(records: Records, tmp_path: Path) -> None:
    rule = next(
        rule.rule_id for rule in load_catalogue().rules
        if (rule.field, rule.dimension) == ("owner_name", "consistency")
    )  # fmt: skip
    records.add("customers", "c1", owner_name="陈静")
    _found(records, (rule, "crm", "c1", "陈静"), (rule, "erp", "e1", "王伟"))
    _known_elsewhere(
        records, [("crm", "c1", "owner_name", "陈静", True), ("erp", "e1", "owner_name", "王伟", True)]
    )
    [row] = _rows(_lists(records, tmp_path)["陈静"].path)
    assert (row["Value now"], row["Best value known elsewhere"]) == ("陈静", "王伟")


def test_what_is_about_the_record_proposes_no_other_name(records: Records, tmp_path: Path) -> None:
    """A record that is stale, or stands there twice, has no wrong name."""
    records.add("customers", "c1", customer_name="无锡机械")
    _found(records, (NAME, "crm", "c1", "陈静"), (NAME, "erp", "e1", "王伟"))
    _known_elsewhere(
        records,
        [
            ("crm", "c1", "customer_name", "无锡机械", True),
            ("erp", "e1", "customer_name", "无锡机械厂", True),
        ],
    )
    advice = {}
    for dimension in ("completeness", "timeliness", "uniqueness"):
        with records.connection() as con:
            con.execute("update quality.record_issues set dimension = ? where system = 'crm'", [dimension])
            con.execute("update quality.record_issues set dimension = 'timeliness' where system = 'erp'")
        [row] = _rows(_lists(records, tmp_path)["陈静"].path)
        advice[dimension] = row["Best value known elsewhere"]
    assert advice == {"completeness": "无锡机械厂", "timeliness": None, "uniqueness": None}


def test_what_gate_2_knows_is_proposed(records: Records, tmp_path: Path) -> None:
    """A price of a colleague's quote, and of a record that stands there twice, the other one's number."""
    catalogue = load_catalogue()
    about = (("quotes", "amount_gross", "consistency"), ("customers", "customer_name", "uniqueness"))
    rules = [
        rule.model_copy(update={"entity": entity, "field": field, "dimension": dimension, "gate": 2})
        for rule, (entity, field, dimension) in zip(catalogue.rules[:2], about, strict=True)
    ]
    records.add("quotes", "q1", amount_gross=100)
    records.add("customers", "c1", customer_name="无锡机械")
    _found(records)
    key = "system varchar, source_table varchar, source_id varchar"
    with records.connection() as con:
        con.execute(
            f"""create or replace table quality.unified__quotes
                ({key}, price_other decimal(18, 2), price_from varchar);
            insert into quality.unified__quotes values ('crm', 'quotes', 'q1', 90, '李娜');
            create or replace table quality.unified__customers ({key}, duplicate_other varchar);
            insert into quality.unified__customers values ('crm', 'customers', 'c1', 'c7');
            create temp table fix_issues as from (values
                (1, '{rules[0].rule_id}', 'crm', 'quotes', 'q1', null, 'amount_gross', 'consistency'),
                (2, '{rules[1].rule_id}', 'crm', 'customers', 'c1', null, 'customer_name', 'uniqueness')
            ) as t(issue, rule_id, system, source_table, source_id, customer_id, field, dimension)"""
        )
        fix_rows._collect_told(con, replace(catalogue, rules=tuple(rules)))
        told = con.execute("from fix_told order by issue").fetchall()
    assert told == [(1, "90.00", "李娜"), (2, "c7", "crm")]


def test_masked_lists_hold_no_plain_value(records: Records, tmp_path: Path) -> None:
    records.add("customers", "c0", mobile="13800000000", customer_name="欧阳明珠", party_type="person")
    _found(records, (PHONE, "crm", "c0", "陈静"))
    _known_elsewhere(
        records, [("crm", "c0", "mobile", "13800000000", False), ("erp", "e1", "mobile", "13812345678", True)]
    )
    [row] = _rows(_lists(records, tmp_path, masked=True)["陈静"].path)
    text = str(row)
    assert row["Best value known elsewhere"].startswith("138")
    assert not any(plain in text for plain in ("13800000000", "13812345678", "欧阳明珠", "机械有限公司"))


def test_a_formula_in_a_record_stays_text_also_as_csv(records: Records, tmp_path: Path) -> None:
    """Read back by two libraries; saved as CSV, no field begins with a sign of a formula."""
    records.add("customers", "c0", mobile="=cmd|'/C calc'!A0", customer_name=FORMULA)
    records.add("customers", "@c1", mobile="＝1+1", customer_name="_x003D_1+1")
    _found(records, (PHONE, "crm", "c0", "=陈静"), (PHONE, "crm", "@c1", "=陈静"))
    path = _lists(records, tmp_path)["=陈静"].path
    rows = _rows(path)
    assert {row["Customer"] for row in rows} >= {f"'{FORMULA}"}
    read = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    assert f"'{FORMULA}" in [value for row in read for value in row]
    table = io.StringIO()
    csv.writer(table).writerows(read)
    fields = [field for line in csv.reader(io.StringIO(table.getvalue())) for field in line]
    assert not [field for field in fields if field[:1] in "=+-@\t\r＝＋－＠" and field]


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("../../etc/x", "_.._etc_x.xlsx"),
        ("CON", "_CON.xlsx"),
        ("王\x00伟\u202e", "王_伟_.xlsx"),
        ("...", "_.xlsx"),
    ],
)
def test_file_names_stay_in_the_folder(owner: str, name: str) -> None:
    assert fix_lists._file_names([owner]) == [name]


def test_no_two_owners_share_a_file() -> None:
    names = fix_lists._file_names(["Li Na", "LI NA", "Li:Na", "Li/Na", "", "nobody", "长" * 200, "长" * 201])
    assert len({name.casefold() for name in names}) == len(names)
    assert max(len(name.encode()) for name in names) < 255


def test_out_of_date_lists_go_and_other_files_stay(records: Records, tmp_path: Path) -> None:
    _found(records, (PHONE, "crm", "c0", "王伟"), (PHONE, "crm", "c1", "陈静"))
    (tmp_path / "notes.xlsx").write_bytes(b"mine")
    _lists(records, tmp_path)
    _found(records, (PHONE, "crm", "c1", "陈静"))
    with pytest.raises(GuikeError, match="王伟"):
        _lists(records, tmp_path, owner="王伟")
    _lists(records, tmp_path, owner="陈静")
    assert (tmp_path / "王伟.xlsx").exists()
    _lists(records, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.xlsx")) == ["notes.xlsx", "陈静.xlsx"]


def test_a_failure_leaves_the_old_list(
    records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _found(records, (PHONE, "crm", "c1", "陈静"))
    path = _lists(records, tmp_path)["陈静"].path
    before = path.read_bytes()

    def broken(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(fix_workbook, "_write_overview", broken)
    with pytest.raises(GuikeError, match="no room"):
        _lists(records, tmp_path)
    assert path.read_bytes() == before
    assert not [one for one in tmp_path.iterdir() if one.name.endswith(".new")]


def _overview(issues: int) -> Overview:
    return Overview("某公司", "陈静", "销售部", date(2026, 6, 30), issues, [("电话号码有效", "warn", issues)])


def _many(count: int) -> Iterator[dict[str, str | datetime | None]]:
    for n in range(count):
        yield {
            "severity": "warn" if n % 9 else "error", "system": "crm", "source_table": "wk_crm_customer",
            "source_id": str(n), "customer_name": f"无锡第{n}机械有限公司", "rule_id": PHONE,
            "title_en": "Phone number is valid", "title_zh": "电话号码有效", "message": "It is wrong. " * 6,
            "message_zh": "电话号码位数不对。", "remedy": "Ask for it. " * 4, "remedy_zh": "向客户核实。",
            "field": "mobile", "value": f"1380000{n:04d}", "best_value": None, "best_from": None,
            "first_seen_at": datetime(2026, 6, 30, 20), "returned_at": None,
        }  # fmt: skip


def test_more_rows_than_a_sheet_takes_go_on_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fix_workbook, "ROWS_PER_SHEET", 4)
    i18n.set_language("zh")
    write_workbook(tmp_path / "a.xlsx", _overview(10), _many(10), {"crm": "客户系统"}, SHANGHAI)
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["整改清单", "整改清单 2", "整改清单 3", "概览"]
    assert [sheet.max_row for sheet in book.worksheets[:3]] == [5, 5, 3]
    first = book.worksheets[0]
    assert (first.freeze_panes, first.auto_filter.ref) == ("F2", "A1:O5")
    assert first["A1"].font.bold
    assert first["C2"].value == "客户系统"
    assert first["N2"].value == datetime(2026, 7, 1), "the company's day, not UTC's"
    assert [cell.value for cell in book.worksheets[2]["A"]][1:] == [9, 10]
    assert any(cell.value == 10 for cell in book["概览"]["C"])


@pytest.mark.thorough
def test_a_hundred_thousand_rows_take_less_than_a_minute(tmp_path: Path) -> None:
    started = datetime.now()
    write_workbook(tmp_path / "a.xlsx", _overview(100_000), _many(100_000), {}, SHANGHAI)
    assert (datetime.now() - started).total_seconds() < 60
