"""Judgements by people: kept for ever, never rewritten, never contradicting each other.

Failing means that a judgement could get lost, that a wrong merge could come back after somebody undid it,
or that a broken file would be taken for an empty one.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from pipelines import i18n
from pipelines.errors import GuikeError
from pipelines.identity import judgements
from pipelines.identity.judgement_rules import Judgement, in_force
from pipelines.record_name import RecordName
from pipelines.settings import ROOT, Settings, load_settings

A, B, C, D = (f"crm.customers.{letter}" for letter in "abcd")


@pytest.fixture(autouse=True)
def _english() -> None:
    i18n.set_language("en")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return dataclasses.replace(load_settings(), home=tmp_path)


def _say(settings: Settings, verdict: str, left: str, right: str, reason: str = "met them") -> Judgement:
    return judgements.add(settings, verdict, left, right, "Lin", reason)


def _loaded(settings: Settings) -> set[tuple[str, str, str]]:
    with duckdb.connect() as con:
        count = judgements.load(con, settings)
        rows = con.execute(
            "select concat_ws('.', left_system, left_table, left_id), "
            "concat_ws('.', right_system, right_table, right_id), verdict from judgements"
        ).fetchall()
    assert len(rows) == count
    return set(rows)


def _bulk(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "bulk.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _nothing_was_taken_in(settings: Settings) -> bool:
    return not judgements.file_of(settings).exists()


# -- keeping and superseding ----------------------------------------------------------------------------


def test_a_judgement_is_kept_as_it_was_given(settings: Settings) -> None:
    made = judgements.add(
        settings, "same", "erp.t_kh.1.2.3", "crm.客户.=1+1", "林", 'same, "seal"\n 同一印章'
    )
    (read,) = judgements.read(settings)
    assert read == made
    assert read.left == RecordName("erp", "t_kh", "1.2.3")
    assert str(read.right) == "crm.客户.=1+1"
    assert read.reason == 'same, "seal" 同一印章'
    lines = judgements.file_of(settings).read_text("utf-8-sig").splitlines()
    assert lines[0] == ",".join(judgements.HEADER)
    assert len(lines) == 2


def test_the_later_judgement_supersedes_and_nothing_is_rewritten(settings: Settings) -> None:
    first = _say(settings, "same", A, B)
    before = judgements.file_of(settings).read_bytes()
    second = _say(settings, "different", B, A)
    assert judgements.file_of(settings).read_bytes().startswith(before)
    assert second.supersedes == first.judgement_id
    assert [one.judgement_id for one in judgements.read(settings)] == [
        first.judgement_id,
        second.judgement_id,
    ]
    assert _loaded(settings) == {(A, B, "different")}


def test_withdrawing_takes_back(settings: Settings) -> None:
    _say(settings, "same", A, B)
    taken_back = _say(settings, "withdrawn", B, A, "wrong client")
    assert _loaded(settings) == set()
    assert len(judgements.read(settings)) == 2
    assert taken_back.supersedes
    again = _say(settings, "different", A, B)
    assert again.supersedes is None
    assert _loaded(settings) == {(A, B, "different")}


def test_without_a_file_there_is_none(settings: Settings) -> None:
    assert judgements.read(settings) == []
    assert _loaded(settings) == set()


def test_the_fingerprint_follows_what_is_in_force(settings: Settings) -> None:
    none = judgements.fingerprint(settings)
    _say(settings, "same", A, B)
    one = judgements.fingerprint(settings)
    assert one != none
    _say(settings, "withdrawn", A, B)
    assert judgements.fingerprint(settings) == none


def test_a_clock_put_back_does_not_undo_the_later_word(settings: Settings) -> None:
    _say(settings, "same", A, B)
    path = judgements.file_of(settings)
    text = path.read_text("utf-8")
    year = str(judgements.read(settings)[0].judged_at.year)
    path.write_text(text.replace(f",{year}-", ",2999-", 1), "utf-8")
    _say(settings, "different", A, B)
    assert _loaded(settings) == {(A, B, "different")}


def test_joined_copies_of_the_file_are_read_in_the_order_of_time(settings: Settings) -> None:
    _say(settings, "same", A, B)
    _say(settings, "different", A, B)
    path = judgements.file_of(settings)
    head, first, second = path.read_text("utf-8").splitlines()
    path.write_text(f"{head}\r\n{second}\r\n\r\n{first}\r\n", "utf-8")
    assert [one.verdict for one in in_force(judgements.read(settings))] == ["different"]


# -- refusals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "crm", "crm.customers", "crm..1", ".customers.1", "crm.customers."])
def test_what_names_no_record_is_refused(settings: Settings, name: str) -> None:
    with pytest.raises(GuikeError, match="names no record"):
        _say(settings, "same", A, name)


def test_one_record_twice_no_reason_and_nothing_to_withdraw_are_refused(settings: Settings) -> None:
    with pytest.raises(GuikeError, match="named twice"):
        _say(settings, "same", A, A)
    with pytest.raises(GuikeError, match="why"):
        _say(settings, "same", A, B, "  ")
    with pytest.raises(GuikeError, match="to withdraw"):
        _say(settings, "withdrawn", A, B)
    with pytest.raises(GuikeError, match="no verdict"):
        _say(settings, "perhaps", A, B)
    assert _nothing_was_taken_in(settings)


def test_contradictions_are_refused_and_name_what_contradicts(settings: Settings) -> None:
    first, second = _say(settings, "same", A, B), _say(settings, "same", B, C)
    _say(settings, "same", C, D)
    with pytest.raises(GuikeError) as caught:
        _say(settings, "different", A, C)
    assert first.judgement_id in caught.value.what
    assert second.judgement_id in caught.value.what
    assert f"guike judge withdraw {A} {B}" in caught.value.remedy
    assert len(judgements.read(settings)) == 3
    _say(settings, "withdrawn", A, B)
    _say(settings, "different", A, C)
    with pytest.raises(GuikeError, match="contradict"):
        _say(settings, "same", A, D)


def test_a_contradiction_edited_into_the_file_stops_the_run(settings: Settings) -> None:
    _say(settings, "same", A, B)
    _say(settings, "same", B, C)
    path = judgements.file_of(settings)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"J1,2026-01-01T00:00:00Z,Wu,different,{A},{C},no,\n")
    with pytest.raises(GuikeError, match="J1 "):
        _loaded(settings)


# -- a broken file --------------------------------------------------------------------------------------


def test_a_torn_last_line_is_told_and_nothing_is_added_to_it(settings: Settings) -> None:
    _say(settings, "same", A, B)
    path = judgements.file_of(settings)
    whole = path.read_bytes()
    path.write_bytes(whole + b"J2,2026-01-01T00:00:00Z,Wu,sa")
    for attempt in (lambda: judgements.read(settings), lambda: _say(settings, "same", C, D)):
        with pytest.raises(GuikeError, match=r"judgements\.csv, line 3") as caught:
            attempt()
        assert "Complete the line" in caught.value.remedy
    path.write_bytes(whole)
    assert len(judgements.read(settings)) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("J2,2026-01-01T00:00:00Z,Wu,perhaps,crm.c.1,crm.c.2,why,", "line 3: 'perhaps' is no verdict"),
        ("J2,yesterday,Wu,same,crm.c.1,crm.c.2,why,", "line 3: 'yesterday' is no moment"),
        ("J2,2026-01-01T00:00:00Z,Wu,same,crm.c,crm.c.2,why,", "line 3: 'crm.c' names no record"),
        ("<<<<<<< HEAD", "line 3: 1 values instead of 8"),
        ('J2,2026-01-01T00:00:00Z,Wu,same,crm.c.1,crm.c.2,"why,', "line 3"),
    ],
)
def test_a_line_that_cannot_be_understood_is_told(settings: Settings, line: str, message: str) -> None:
    _say(settings, "same", A, B)
    with judgements.file_of(settings).open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(GuikeError, match=message):
        judgements.read(settings)


def test_a_line_that_stands_there_twice_a_wrong_head_and_a_wrong_encoding(settings: Settings) -> None:
    _say(settings, "same", A, B, "同一人")
    path = judgements.file_of(settings)
    text = path.read_text("utf-8")
    path.write_text(text + text.splitlines()[1] + "\n", "utf-8")
    with pytest.raises(GuikeError, match="line 3: .* stands in line 2"):
        judgements.read(settings)
    path.write_bytes(text.removeprefix("\ufeff").encode("gb18030"))
    with pytest.raises(GuikeError, match="line 2: it is not UTF-8"):
        judgements.read(settings)
    path.write_text("who,what\n", "utf-8")
    with pytest.raises(GuikeError, match="line 1: the columns are who, what"):
        judgements.read(settings)


def test_what_could_not_be_written_whole_is_taken_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _say(settings, "same", A, B)
    before = judgements.file_of(settings).read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipelines.journal.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        _say(settings, "same", C, D)
    assert judgements.file_of(settings).read_bytes() == before


def test_two_writers_at_once_lose_nothing(settings: Settings) -> None:
    code = (
        "import dataclasses, sys; from pathlib import Path; from pipelines.identity import judgements; "
        "from pipelines.settings import load_settings; "
        "settings = dataclasses.replace(load_settings(), home=Path(sys.argv[1])); "
        "[judgements.add(settings, 'same', f'crm.c.{sys.argv[2]}{n}', f'erp.c.{sys.argv[2]}{n}', 'x', 'y') "
        "for n in range(40)]"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(settings.home), name], cwd=ROOT) for name in "pq"
    ]
    while any(writer.poll() is None for writer in writers):
        judgements.read(settings)  # never sees half a line
    assert [writer.wait() for writer in writers] == [0, 0]
    assert len(judgements.read(settings)) == 80


# -- bulk -----------------------------------------------------------------------------------------------

HEAD = "record_a,record_b,verdict,reason,by\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_bulk_import(settings: Settings, tmp_path: Path, encoding: str) -> None:
    _say(settings, "different", A, B)
    text = (
        "score,Record_A,record_b,verdict,reason,by\r\n"
        f'0.5,{A},{B},Same,一人,\r\n,{C},{D},different,"no, not",Wu\r\n\r\n{"0.5"},{D},{C},different,x,\r\n'
    )
    path = _bulk(tmp_path, text.encode(encoding))
    assert judgements.import_csv(settings, path, "Lin") == judgements.ImportCounts(2, 1, 0)
    assert _loaded(settings) == {(A, B, "same"), (C, D, "different")}
    assert [one.judged_by for one in judgements.read(settings)] == ["Lin", "Lin", "Wu"]
    assert judgements.import_csv(settings, path, "Lin") == judgements.ImportCounts(0, 0, 2)


def test_a_withdrawal_in_bulk_may_be_repeated(settings: Settings, tmp_path: Path) -> None:
    _say(settings, "same", A, B)
    path = _bulk(tmp_path, HEAD + f"{A},{B},withdrawn,wrong,\n")
    assert judgements.import_csv(settings, path, "Lin").superseded == 1
    assert judgements.import_csv(settings, path, "Lin").unchanged == 1


GOOD = "".join(f"crm.c.{n},erp.c.{n},same,ok,\n" for n in range(5))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + GOOD + f"{A},{B},perhaps,ok,\n", "bulk.csv, line 7, column verdict: 'perhaps'"),
        (HEAD + GOOD + f"{A},{B},,ok,\n", "line 7, column verdict"),
        (HEAD + GOOD + f"{A},{B},same, ,\n", "line 7, column reason"),
        (HEAD + GOOD + f"{A},{A},same,ok,\n", "line 7, column record_b: crm.customers.a is named twice"),
        (HEAD + GOOD + f"{A},{B},same,one, two,\n", "line 7: 6 values under 5 columns"),
        (HEAD + GOOD + "crm.c.1,erp.c.1,different,no,\n", "line 7, column verdict: line 3 says 'same'"),
        (HEAD + GOOD + "crm,erp.c.1,different,no,\n", "line 7, column record_a: 'crm' names no record"),
        (HEAD + f"{A},{B},withdrawn,ok,\n", "line 2: There is no judgement on"),
        (
            HEAD + f"{A},{B},same,ok,\n{B},{C},same,ok,\n{A},{C},different,no,\n",
            r"line 4 \(diff.*line 2",
        ),
        ("record_a,verdict,reason\n" + GOOD, "line 1, column record_b: the column is missing"),
        (HEAD.encode() + "crm.客户.1,erp.c.1,same,同一人,\n".encode("gb18030"), "line 2: it is not UTF-8"),
        (b"", "bulk.csv is empty"),
        (HEAD, "no line with a judgement"),
        (HEAD + f'{A},{B},same,"never closed,\n', "line 2"),
    ],
)
def test_one_wrong_line_and_nothing_is_taken_in(
    settings: Settings, tmp_path: Path, text: str | bytes, message: str
) -> None:
    with pytest.raises(GuikeError, match=message) as caught:
        judgements.import_csv(settings, _bulk(tmp_path, text), "Lin")
    assert caught.value.remedy
    assert _nothing_was_taken_in(settings)


def test_a_file_that_is_not_there_and_a_record_that_nobody_knows(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(GuikeError, match="can't be read"):
        judgements.import_csv(settings, tmp_path / "none.csv", "Lin")
    path = _bulk(tmp_path, HEAD + GOOD)
    stranger = RecordName("erp", "c", "3")
    with pytest.raises(GuikeError, match="line 5, column record_b: there is no record erp.c.3"):
        judgements.import_csv(settings, path, "Lin", lambda names: names & {stranger})
    assert _nothing_was_taken_in(settings)


def test_twenty_thousand_lines_take_seconds(settings: Settings, tmp_path: Path) -> None:
    lines = "".join(f"crm.c.{n},crm.c.{n + 1},same,ok,\n" for n in range(20_000))
    counts = judgements.import_csv(settings, _bulk(tmp_path, HEAD + lines), "Lin")
    assert counts.added == 20_000
    assert len(_loaded(settings)) == 20_000
    with pytest.raises(GuikeError, match="contradict") as caught:
        _say(settings, "different", "crm.c.0", "crm.c.9000")
    assert len(caught.value.what) < 4000
