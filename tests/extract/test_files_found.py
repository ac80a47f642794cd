"""What nobody wrote into the spec, and what a drop folder does from run to run.

Failing means that a new export stops the company, or that a file's rows come twice, or not at all.
"""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.errors import GuikeError
from pipelines.extract.specs import SystemSpec
from tests.extract.conftest import Extraction, MakeSpec
from tests.extract.files_made import write_zip

Rows = list[tuple[str | None, ...]]
ReadRows = Callable[[SystemSpec], Rows]

TABLE = """
- name: people
  source: "{source}"
  snapshot: every export is complete
  columns: {{phone: 手机, name: 姓名}}
"""
FILE = TABLE.format(source="people.csv")
FOLDER = TABLE.format(source="people_*.csv").replace("{phone", '{file: "@file", phone')
LINES = "手机,姓名\n013800001111,王明\n013800002222,李芳\n"
ROWS = [("013800001111", "王明"), ("013800002222", "李芳")]


# --- one file ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "big5", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^"])
def test_encoding_delimiter_and_header_are_found(
    encoding: str, delimiter: str, make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path
) -> None:
    title = "名冊" if encoding == "big5" else "客户名单"
    lines = f"{title}\n\n" + LINES.replace(",", delimiter)
    (tmp_path / "people.csv").write_bytes(lines.encode(encoding))
    assert read_rows(make_spec("csv", tmp_path, FILE)) == ROWS


def test_western_text_is_found(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes("name,city\nRené,Orléans\nZoë,Köln\n".encode("latin-1"))
    spec = make_spec("csv", tmp_path, FILE.replace("{phone: 手机, name: 姓名}", "[name, city]"))
    assert read_rows(spec) == [("René", "Orléans"), ("Zoë", "Köln")]


def test_exports_put_behind_one_another(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(LINES + LINES + "合计,2\n", encoding="utf-8")
    spec = make_spec("csv", tmp_path, FILE + "  skip_totals: [合计]")
    assert read_rows(spec) == ROWS * 2


def test_short_rows_are_filled_where_the_spec_says_so(
    make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text(LINES + "139\n140,c,,\n", encoding="utf-8")
    spec = make_spec("csv", tmp_path, FILE + "  short_rows: fill")
    assert read_rows(spec) == [*ROWS, ("139", ""), ("140", "c")]


def test_groups_are_filled_down(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    lines = "手机,姓名\n1,销售部\n2,\n小计,2\n3,客服部\n4,　\n"
    (tmp_path / "people.csv").write_text(lines, encoding="utf-8")
    spec = make_spec("csv", tmp_path, FILE + "  fill_down: [name]\n  skip_totals: [小计]")
    assert read_rows(spec) == [("1", "销售部"), ("2", "销售部"), ("3", "客服部"), ("4", "客服部")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blocks_end_where_records_do(
    end: str, make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records, quoted line ends and characters lie across the ends of what is read at once."""
    monkeypatch.setattr("pipelines.extract.text_encoding._BLOCK_BYTES", 37)
    values = [(f"{n:04}", f'客"户,{n}' + "\n" * (n % 3)) for n in range(200)]
    quoted = ['{},"{}"'.format(phone, name.replace('"', '""')) for phone, name in values]
    text = end.join(["手机,姓名", *quoted]) + end
    (tmp_path / "people.csv").write_bytes(text.encode("gb18030"))
    assert read_rows(make_spec("csv", tmp_path, FILE)) == values


def test_quotation_marks_out_of_order(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    """A mark within a value is a mark; line ends within marks stay, before and after it."""
    lines = '手机,姓名\n"1","a\nb"\n2,5" 管\n3,"c\nd"\n4,e\n'
    (tmp_path / "people.csv").write_text(lines, encoding="utf-8")
    assert read_rows(make_spec("csv", tmp_path, FILE)) == [
        ("1", "a\nb"), ("2", '5" 管'), ("3", "c\nd"), ("4", "e"),
    ]  # fmt: skip


def test_thousands_of_columns(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    names = ["手机", *(f"字段{n}" for n in range(3000)), "姓名"]
    lines = [",".join(names), *(",".join([str(n), *["x"] * 3000, "王"]) for n in range(3))]
    (tmp_path / "people.csv").write_text("\n".join(lines), encoding="utf-8")
    spec = make_spec("csv", tmp_path, FILE, extra_columns="allow")
    assert read_rows(spec) == [("0", "王"), ("1", "王"), ("2", "王")]


def test_a_name_written_a_little_otherwise(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text('" 手 机","金额\n（万元）"\n1,2.5\n', encoding="utf-8")
    columns = FILE.replace("姓名", "金额(万元)")
    assert read_rows(make_spec("csv", tmp_path, columns)) == [("1", "2.5")]


def test_amounts_in_the_unit_of_the_spec(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    tables = FILE.replace("姓名", "金额") + "  units: {name: 万元}"
    for top in ("手机,金额（万元）", "手机,金额/万元", "单位：万元\n手机,金额", "手机,金额"):
        (tmp_path / "people.csv").write_text(top + "\n1,2.5\n", encoding="utf-8")
        assert read_rows(make_spec("csv", tmp_path, tables)) == [("1", "2.5")]


def test_an_option_of_a_column_that_is_not_there(make_spec: MakeSpec, tmp_path: Path) -> None:
    for option in ("fill_down: [nobody]", "units: {nobody: 元}"):
        with pytest.raises(GuikeError, match="'nobody' is not among the columns"):
            make_spec("csv", tmp_path, FILE + f"  {option}")


# --- verdicts ----------------------------------------------------------------------------------------------


def test_a_verdict_per_file(
    extract: Extraction, make_spec: MakeSpec, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = "名单\n" + LINES.replace(",", ";") + "合计;2\n"
    (tmp_path / "people.csv").write_bytes(lines.encode("gb18030"))
    spec = make_spec("csv", tmp_path, FILE + "  skip_totals: [合计]")
    with caplog.at_level(logging.INFO, "guike.extract"):
        extract(spec)
        extract(spec)
    asked = "select * exclude (content_hash, read_at, confidence), confidence > 0.8 from ops.file_verdicts"
    assert extract.ask(asked) == [("legacy", "people", "people.csv", "gb18030", ";", 2, 2, 1, "run-1", True)]
    assert caplog.text.count("people.csv read as gb18030, ';'; 2 rows, 1 left out") == 1


# --- drop folders ------------------------------------------------------------------------------------------


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    made = tmp_path / "drop"
    made.mkdir()
    for month in (1, 2):
        (made / f"people_{month}.csv").write_text(f"手机,姓名\n{month},a\n", encoding="utf-8")
    return made


def test_each_file_is_read_once(extract: Extraction, make_spec: MakeSpec, drop: Path) -> None:
    spec = make_spec("csv", drop, FOLDER)
    ask = "select file, phone, name from raw_legacy.people order by all"
    extract(spec)
    assert extract.ask(ask) == [("people_1.csv", "1", "a"), ("people_2.csv", "2", "a")]
    (drop / "people_3.csv").write_text("手机,姓名\n3,a\n", encoding="utf-8")
    (drop / "people_2.csv").write_text("手机,姓名\n2,b\n", encoding="utf-8")
    (drop / "~$people_4.csv").write_text("a lock", encoding="utf-8")
    (drop / "people_5.csv.part").write_text("half", encoding="utf-8")
    extract(spec)
    assert extract.ask(ask) == [
        ("people_1.csv", "1", "a"),
        ("people_2.csv", "2", "b"),
        ("people_3.csv", "3", "a"),
    ]
    assert extract(spec).status == "unchanged"
    read = extract.ask("select run_id, file from ops.file_verdicts order by all")
    assert read == [
        ("run-1", "people_1.csv"), ("run-1", "people_2.csv"),
        ("run-2", "people_2.csv"), ("run-2", "people_3.csv"),
    ]  # fmt: skip


def test_names_as_windows_and_browsers_write_them(
    make_spec: MakeSpec, read_rows: ReadRows, drop: Path
) -> None:
    (drop / "PEOPLE_3.CSV").write_text("手机,姓名\n3,a\n", encoding="utf-8")
    assert len(read_rows(make_spec("csv", drop, FOLDER))) == 3
    (drop / "people[1].csv").write_text("手机,姓名\n4,a\n", encoding="utf-8")
    assert len(read_rows(make_spec("csv", drop / "people[1].csv", FOLDER))) == 1


def test_a_bad_file_among_them_names_itself(extract: Extraction, make_spec: MakeSpec, drop: Path) -> None:
    spec = make_spec("csv", drop, FOLDER)
    extract(spec)
    (drop / "people_3.csv").write_text("手机,客户\n3,a\n", encoding="utf-8")
    load = extract(spec)
    assert (load.status, "people_3.csv: the columns have changed" in str(load.message)) == ("stale", True)
    assert extract.ask("select count(*) from raw_legacy.people") == [(2,)]


@pytest.mark.parametrize(("option", "rows", "told"), [("drop", 1, "and so are"), ("keep", 2, "are kept")])
def test_a_file_that_is_gone(
    option: str, rows: int, told: str, extract: Extraction, make_spec: MakeSpec, drop: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    spec = make_spec("csv", drop, FOLDER + f"  vanished: {option}")
    extract(spec)
    (drop / "people_1.csv").unlink()
    (drop / "people_2.csv").write_text("手机,姓名\n2,b\n", encoding="utf-8")
    with caplog.at_level(logging.INFO, "guike.extract"):
        assert extract(spec).status == "loaded"
    assert told in caplog.text
    assert extract.ask("select count(*), max(name) from raw_legacy.people") == [(rows, "b")]
    (drop / "people_2.csv").unlink()
    assert extract(spec).status == ("unchanged" if option == "keep" else "stale")


def test_a_copy_of_a_file_is_not_read_twice(extract: Extraction, make_spec: MakeSpec, drop: Path) -> None:
    ask = "select phone from raw_legacy.people order by all"
    spec = make_spec("csv", drop, FOLDER + "  vanished: keep")
    extract(spec)
    (drop / "people_1 (1).csv").write_bytes((drop / "people_1.csv").read_bytes())
    (drop / "people_2.csv").rename(drop / "people_3.csv")
    extract(spec)
    assert extract.ask(ask) == [("1",), ("2",)]
    (drop / "people_1.csv").unlink()
    extract(spec)
    assert extract.ask(ask) == [("1",), ("2",)]


def test_a_kept_file_can_not_be_read_anew(extract: Extraction, make_spec: MakeSpec, drop: Path) -> None:
    tables = FOLDER + "  vanished: keep"
    extract(make_spec("csv", drop, tables))
    (drop / "people_1.csv").unlink()
    load = extract(make_spec("csv", drop, tables.replace("name: 姓名", "full_name: 姓名")))
    assert "people_1.csv is gone, and table people is read otherwise" in str(load.message)


# --- archives ----------------------------------------------------------------------------------------------


def test_a_packed_export(make_spec: MakeSpec, read_rows: ReadRows, tmp_path: Path) -> None:
    other = LINES.replace("0138", "0139")
    write_zip(tmp_path / "export.zip", {
        "名单/一月.csv": LINES.encode("gb18030"), "名单/二月.csv": other.encode(), "__MACOSX/._x.csv": b"\0",
        "readme.md": b"",
    }, gbk=True)  # fmt: skip
    (tmp_path / "people.csv.gz").write_bytes(gzip.compress(LINES.encode()))
    both = sorted(ROWS + [(phone.replace("0138", "0139"), name) for phone, name in ROWS])
    assert (
        sorted(read_rows(make_spec("csv", tmp_path / "export.zip", FILE.replace("people.csv", "people"))))
        == both
    )
    assert sorted(read_rows(make_spec("csv", tmp_path, FILE.replace("people.csv", "export.zip")))) == both
    assert read_rows(make_spec("csv", tmp_path, FILE.replace("people.csv", "export.zip/*一月.csv"))) == ROWS
    assert read_rows(make_spec("csv", tmp_path, FILE.replace("people.csv", "people.csv.gz"))) == ROWS


def test_several_tables_in_one_archive(extract: Extraction, make_spec: MakeSpec, tmp_path: Path) -> None:
    write_zip(tmp_path / "export.zip", {"a.csv": LINES.encode(), "b.csv": LINES.encode() + b"3,c\n"})
    tables = TABLE.format(source="a.csv") + TABLE.format(source="b.csv").replace("people", "others").lstrip(
        "\n"
    )
    assert [table.rows for table in extract(make_spec("csv", tmp_path / "export.zip", tables)).tables] == [
        2,
        3,
    ]
