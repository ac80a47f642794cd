"""The `guike` command: what it prints, in which language, and with which exit code.

Failing means that a script around Guike would take a failed run for a good one, or that a user would see a
traceback or an English sentence. The pipeline itself is not run here: its report stands in for it.
"""

from __future__ import annotations

import csv
import errno
import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from pipelines import cli, i18n
from pipelines.commands import doctor, run
from pipelines.demo import EDITION
from pipelines.errors import GuikeError
from pipelines.report import sections
from pipelines.settings import ROOT, environment, load_settings

PUBLISHED = """
create schema core; create schema marts; create schema quality; create schema identity; create schema ops;
create table ops.snapshot as select 'r1' as run_id, date '2026-06-30' as as_of, timestamp
    '2026-07-01 02:00' as
    published_at, 'abc' as content_hash, 9 as relations, 99::bigint as row_count, true as is_masked;
create table ops.runs as select 'r1' as run_id, timestamp '2026-07-01 01:00' as started_at,
    timestamp '2026-07-01 02:00'
    as finished_at, 'published' as status, date '2026-06-30' as as_of, 'cli' as trigger,
    null::varchar as message;
create table ops.run_stages as select 'r1' as run_id, 'extract' as stage, 'done' as status,
    timestamp '2026-07-01 01:00'
    as started_at, 1.5::double as seconds, 100.0::double as peak_memory_mb, 7::bigint as rows_written;
create table ops.systems as select 'crm' as system, 'CRM' as title_en, '客户系统' as title_zh;
create table ops.loads as select 'r1' as run_id, 'crm' as system, 'customers' as source_table,
    'loaded' as status,
    3::bigint as rows_read, timestamp '2026-07-01 01:00' as loaded_at, null::varchar as message;
create table quality.set_aside as select 'orders' as entity, 'crm' as system, 'orders' as
    source_table, '1' as source_id;
create table quality.record_issues as select 'orders.some_rule' as rule_id, 'error' as
    severity, 'crm' as system,
    'orders' as source_table, '1' as source_id;
create table quality.reconciliation as select * from (values
    ('crm', 'customer_rows', 3::decimal(18,2), 3::decimal(18,2), 0::decimal(18,2), 0::decimal(18,2), true),
    ('crm', 'revenue', 10.50, 10.50, 0, 0, true))
    v(system, measure, source_value, through_value, set_aside_value, difference, is_reconciled);
create table core.dim_customers as select * from (values ('C00000001', 'person', 2::bigint, 2::bigint),
    ('C00000002', 'organisation', 1, 1)) v(customer_id, party_type, source_records, source_systems);
create table identity.unresolved as select 'orders' as entity, 'crm' as system, 'orders' as
    source_table, 4::bigint as rows;
create table marts.customer_tiers as select * from (values
    ('C00000001', 'star', 2025, true, 26000.00::decimal(18,2), 'seven_star', 6, 'seven-star', '七星'),
    ('C00000002', 'star', 2025, true, 4000, 'quasi_star', 1, 'quasi-star', '准星'),
    ('C00000002', 'star', 2026, false, 10, 'no_star', 0, 'no star', '无星'),
    ('C00000001', 'abc', 2025, true, 26000, 'A', 2, 'A', 'A类')) v(customer_id, scheme,
    period_year, is_complete,
    spend_gross, tier_code, tier_rank, tier_name_en, tier_name_zh);
create table marts.tier_movement as select 'C00000002' as customer_id, 'star' as scheme, 2025 as from_year,
    2026 as to_year, 'downgrade' as movement, true as is_provisional;
create table marts.churn_by_quarter as select date '2026-04-01' as quarter_start_on, '2026Q2' as quarter,
    'contractual' as relationship, 'all' as class_code, 10::bigint as customers_at_start, 1::bigint as lost,
    1::bigint as lost_active, 0::bigint as lost_passive, 0::bigint as pending, 0::bigint as won_back,
    0.1::decimal(9,6) as churn_rate, true as is_provisional;
"""


@dataclass
class Report:
    """Stands in for the orchestration's RunReport."""

    status: str
    message: str | None = None
    errors: list[BaseException] = field(default_factory=list)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("GUIKE_HOME", str(tmp_path))
    monkeypatch.setenv("GUIKE_LANG", "en")
    yield tmp_path
    i18n.set_language(None)


@pytest.fixture
def published(home: Path) -> Path:
    (home / "published").mkdir()
    path = home / "published" / "current.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(PUBLISHED)
    return path


@pytest.mark.parametrize(("lang", "words"), [("en", "Show what is published"), ("zh", "显示已发布的内容")])
def test_help_speaks_both_languages(lang: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--lang", lang, "--help"]) == 0
    assert words in capsys.readouterr().out


def test_language_may_stand_behind_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sql", "select 1", "--lang", "zh"]) == 1
    assert "还没有发布" in capsys.readouterr().err


def test_language_from_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GUIKE_LANG", "zh")
    assert cli.main(["sql", "select 1"]) == 1
    assert "还没有发布" in capsys.readouterr().err


def test_language_from_a_locale_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Servers and containers rarely have zh_CN, and ssh brings it along all the same."""
    monkeypatch.delenv("GUIKE_LANG")
    for name, value in {"LC_ALL": "", "LC_MESSAGES": "", "LANG": "zh_XX.UTF-8"}.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["sql", "select 1"]) == 1
    assert "还没有发布" in capsys.readouterr().err


def test_a_language_that_is_not_spoken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GUIKE_LANG", "de")
    assert cli.main(["status"]) == 1
    assert "GUIKE_LANG is 'de'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line", [["nothing-like-it"], ["sql"], ["demo", "--customers", "many"], ["--lang", "fr"]]
)
def test_wrong_usage_is_2(line: list[str]) -> None:
    assert cli.main(line) == 2


def test_sql_without_anything_published_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sql", "select 1"]) == 1
    shown = capsys.readouterr()
    assert "guike demo" in shown.err
    assert not shown.out


@pytest.mark.usefixtures("published")
def test_sql_as_json_csv_and_table(capsys: pytest.CaptureFixture[str]) -> None:
    query = "select system, source_value, 1 as x, 2 as x from quality.reconciliation order by measure desc"
    assert cli.main(["sql", query, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)[0]
    assert first == {"system": "crm", "source_value": 10.5, "x": 1, "x_2": 2}
    assert cli.main(["sql", query, "--csv"]) == 0
    assert list(csv.reader(io.StringIO(capsys.readouterr().out)))[1] == ["crm", "10.50", "1", "2"]
    assert cli.main(["sql", query]) == 0
    assert "10.50" in capsys.readouterr().out


def test_sql_asks_the_working_file_before_anything_is_published(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A gate that stops the first run says to look there."""
    assert cli.main(["sql", "--working", "select 1"]) == 1
    assert "guike.duckdb" in capsys.readouterr().err
    with duckdb.connect(str(home / "guike.duckdb")) as con:
        con.execute("create table made as select 7 as number")
    assert cli.main(["sql", "--working", "from made", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"number": 7}]
    assert cli.main(["sql", "--working", "drop table made"]) == 1


@pytest.mark.usefixtures("published")
def test_sql_as_json_is_json_whatever_the_type(capsys: pytest.CaptureFixture[str]) -> None:
    """NaN is no JSON: a parser in another language would refuse the whole answer."""
    query = "select 'nan'::double a, [1.5, '-inf'::float] b, map {date '2026-06-30': 1} c, {x: 0.5} d"
    assert cli.main(["sql", query, "--json"]) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert found == [{"a": None, "b": [1.5, None], "c": {"2026-06-30": 1}, "d": {"x": 0.5}}]


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    "query",
    [
        "delete from ops.runs",
        "create table t (x int)",
        "copy (select 1) to 'x.csv'",
        "select * from 'x.csv'",
        "selec 1",
    ],
)
def test_sql_changes_nothing_and_reads_no_other_file(query: str, home: Path) -> None:
    before = (home / "published" / "current.duckdb").read_bytes()
    assert cli.main(["sql", query]) == 1
    assert (home / "published" / "current.duckdb").read_bytes() == before


def test_status_before_the_first_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["home"], facts["published"], facts["runs"]) == (str(home), None, [])


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_status_of_a_published_run(lang: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["published"]["run_id"] == "r1"
    assert facts["stages"][0]["stage"] == "extract"
    assert cli.main(["--lang", lang, "status"]) == 0
    assert "2026-07-01 02:00:00" in capsys.readouterr().out


def test_lock_held_by_another_process_is_4(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = (
        "import sys\nfrom pipelines.settings import load_settings\nfrom warehouse.store import writer_lock\n"
        "with writer_lock(load_settings(), 'a test'):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert cli.main(["run"]) == 4
        shown = capsys.readouterr().err
        holder.communicate()
    assert str(holder.pid) in shown
    assert "a test" in shown


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    ("report", "code"),
    [(Report("ok"), 0), (Report("stale", "crm: silent"), 3), (Report("failed", "no gate"), 1)],
)
def test_run_prints_the_report_and_exits_by_it(
    lang: str, report: Report, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "_execute", lambda *_, **__: report)
    monkeypatch.setattr("pipelines.report._rule_titles", lambda: {"orders.some_rule": "a rule that failed"})
    monkeypatch.setenv("PATH", "/nowhere")
    assert cli.main(["--lang", lang, "run"]) == code
    shown = capsys.readouterr()
    if code == 1:
        assert "no gate" in shown.err
        return
    for words in ("a rule that failed", "2026Q2 *", "10.0 %", "current.duckdb", "26,000", "/bin/guike sql"):
        assert words in shown.out
    assert ("七星" if lang == "zh" else "seven-star") in shown.out
    assert ("crm: silent" in shown.out) == (code == 3)


def test_what_the_user_can_mend_is_shown_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = Report(
        "failed", "words", [ValueError("a defect"), GuikeError("the file is gone", "bring it back")]
    )
    monkeypatch.setattr(run, "_execute", lambda *_, **__: failed)
    assert cli.main(["run"]) == 1
    shown = capsys.readouterr().err
    assert "the file is gone" in shown
    assert "bring it back" in shown


def test_defect_without_traceback_unless_debug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(run, "_execute", broken)
    assert cli.main(["run"]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert cli.main(["--debug", "run"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "free_mb", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/data/x"), 999, "/data/x can't be written"),
        (OSError(errno.EROFS, "Read-only file system", "/data/x"), 999, "/data/x can't be written"),
        (RuntimeError("disk I/O error"), 1, "is full (1 MB free): disk I/O error"),
        (RuntimeError("disk I/O error"), 999, "This is a defect of Guike"),
    ],
)
def test_a_full_disk_is_no_defect(
    error: Exception, free_mb: int, words: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """SQLite and DuckDB each call it something else; the user must read what to do about it."""
    monkeypatch.setattr(run, "_execute", lambda *_, **__: Report("failed", "words", [error]))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free_mb * 2**20))
    assert cli.main(["run"]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("how", ["exception", "report", "query"])
def test_interrupt_is_130_with_a_sentence(
    how: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> Report:
        if how == "exception":
            raise KeyboardInterrupt
        if how == "query":  # DuckDB's own word for it
            return Report("failed", "words", [RuntimeError("Query interrupted")])
        return Report("interrupted")

    monkeypatch.setattr(run, "_execute", interrupted)
    assert cli.main(["run"]) == 130
    assert "the same command again" in capsys.readouterr().err


def test_progress_lines_are_plain_off_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def busy(*_: object, **__: object) -> Report:
        logging.getLogger("guike.extract").info("crm: 3 rows [a, b]")
        return Report("failed", "enough")

    monkeypatch.setattr(run, "_execute", busy)
    cli.main(["run"])
    line = capsys.readouterr().err.splitlines()[0]
    assert line.endswith("s  crm: 3 rows [a, b]")
    assert "\x1b" not in line


def test_demo_never_writes_into_a_database_unasked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The URL may be that of the company's real CRM, and making the demo drops its tables."""
    monkeypatch.setenv("GUIKE_CRM_URL", "mysql+pymysql://u:secret@db.invalid/crm")
    monkeypatch.setattr(run, "_execute", lambda *_, **__: pytest.fail("must not run"))
    assert cli.main(["demo"]) == 1
    shown = capsys.readouterr().err
    assert "GUIKE_CRM_URL" in shown
    assert "secret" not in shown


@pytest.mark.parametrize("other", [["--customers", "600"], ["--seed", "8"]])
def test_demo_never_mixes_two_companies(
    other: list[str], home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A smaller one would be refused table by table as a truncated fetch, and the old one published."""
    monkeypatch.setattr("pipelines.demo.make_demo", lambda *_, **__: pytest.fail("must not be made"))
    monkeypatch.setattr(run, "_execute", lambda *_, **__: Report("failed", "the run began"))
    (home / "demo").mkdir()
    note = home / "demo" / "demo.json"
    note.write_text(
        f'{{"customers": 8000, "seed": 7, "servers": [], "edition": {EDITION}}}', encoding="utf-8"
    )
    assert cli.main(["demo", *other]) == 1
    shown = capsys.readouterr().err
    assert "8,000 customers, seed 7" in shown
    assert "--fresh" in shown
    assert cli.main(["demo"]) == 1
    assert "the run began" in capsys.readouterr().err


def test_removing_an_unknown_system_removes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted((ROOT / "pipelines" / "systems").iterdir())
    assert cli.main(["system", "remove", "no_such_system", "--yes"]) == 1
    assert "no_such_system" in capsys.readouterr().err
    assert sorted((ROOT / "pipelines" / "systems").iterdir()) == before


def test_system_list_names_no_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GUIKE_CRM_URL", "mysql+pymysql://u:secret@db.invalid/crm")
    assert cli.main(["system", "list", "--json"]) == 0
    shown = capsys.readouterr().out
    assert "secret" not in shown
    assert {"name", "title", "kind", "tables", "trust", "location"} <= set(json.loads(shown)[0])


def test_doctor_names_a_remedy_for_all_that_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["doctor", "--json"])
    findings = json.loads(capsys.readouterr().out)
    assert len(findings) >= 8
    assert all(finding["remedy"] for finding in findings if finding["verdict"] == "missing")


def test_doctor_fails_without_a_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        doctor, "_findings", lambda _: iter([doctor.Finding("x", "missing", "no driver", "install it")])
    )
    assert cli.main(["doctor"]) == 1


def test_broken_env_file_is_an_error_with_its_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_text("GUIKE_LANG=en\nnonsense\n", encoding="utf-8")
    monkeypatch.setattr("pipelines.settings.ROOT", tmp_path)
    assert cli.main(["status"]) == 1
    assert ".env, line 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content", ["# 数据在哪里\nGUIKE_LANG=zh\n".encode("gbk"), b"\xff\xfeG\x00"], ids=["GBK", "UTF-16"]
)
def test_env_file_in_another_encoding_is_named(
    content: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_bytes(content)
    monkeypatch.setattr("pipelines.settings.ROOT", tmp_path)
    assert cli.main(["status"]) == 1
    shown = capsys.readouterr().err
    assert ".env can't be read" in shown
    assert "UTF-8" in shown


def test_env_file_from_notepad_and_for_a_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GUIKE_ONE=1\nexport GUIKE_TWO='2'\n", encoding="utf-8-sig")
    monkeypatch.setattr("pipelines.settings.ROOT", tmp_path)
    assert {"GUIKE_ONE": "1", "GUIKE_TWO": "2"}.items() <= environment().items()


@pytest.mark.parametrize(
    ("old", "new"),
    [("Shanghai", "Peking"), ("Asia/Shanghai", ""), ("zh:", "cn:"), ("name:", "nom:"), ("{en", "[en")],
)
def test_company_file_that_cannot_be_used_is_named(
    old: str, new: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every user edits this file; a slip must not read like a defect of Guike."""
    text = (ROOT / "pipelines" / "company.yml").read_text(encoding="utf-8")
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "company.yml").write_text(text.replace(old, new, 1), encoding="utf-8")
    monkeypatch.setattr("pipelines.settings.ROOT", tmp_path)
    assert cli.main(["status"]) == 1
    assert "company.yml can't be used" in capsys.readouterr().err


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("query", ["", " ", ";", "/* nothing */"])
def test_sql_without_a_statement(query: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sql", query]) == 1
    assert "no statement" in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["/proc/nope", "/sys", "file", "file/below"])
def test_home_that_cannot_be_written_is_named(
    folder: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "file").touch()
    monkeypatch.setenv("GUIKE_HOME", str(home / folder))
    assert cli.main(["run"]) == 1
    shown = capsys.readouterr().err
    assert str(home / folder) in shown
    assert "Set GUIKE_HOME" in shown


def test_home_is_created_for_its_owner_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUIKE_HOME", str(home / "new"))
    monkeypatch.setattr(run, "_execute", lambda *_, **__: Report("failed", "enough"))
    cli.main(["run"])
    assert (home / "new").stat().st_mode & 0o777 == 0o700


@pytest.mark.usefixtures("published")
def test_status_with_stdout_closed() -> None:
    line = [sys.executable, "-m", "pipelines.cli", "status"]
    done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *line], cwd=ROOT, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.usefixtures("published")
def test_chinese_in_a_locale_without_it() -> None:
    env = os.environ | {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    line = [sys.executable, "-m", "pipelines.cli", "--lang", "zh", "status"]
    done = subprocess.run(line, cwd=ROOT, env=env, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "已发布" in done.stdout.decode("utf-8")


@pytest.mark.parametrize("amount", ["abc", "", "4", "0GB", "75%", "-1GB"])
def test_memory_that_is_no_amount_is_refused(
    amount: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GUIKE_MEMORY", amount)
    assert cli.main(["status"]) == 1
    assert "GUIKE_MEMORY" in capsys.readouterr().err


@pytest.mark.parametrize("amount", ["4GB", "512MB", "1.5 GiB", "800mb"])
def test_memory_as_duckdb_takes_it(amount: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUIKE_MEMORY", amount)
    duckdb.connect(config={"memory_limit": load_settings().memory_limit}).close()


@pytest.mark.parametrize(("lang", "words"), [("en", "Warning: crm is old"), ("zh", "提醒：crm 的数据偏旧")])
def test_status_warns_of_old_data(
    lang: str, words: str, published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(str(published)) as con:
        con.execute(
            "create table ops.freshness as select 'crm' as system, timestamp '2026-06-01 08:00' as "
            "newest_row_at, timestamp '2026-07-01 01:00' as last_success_at, 72::double as warn_after_hours"
        )
    assert cli.main(["--lang", lang, "status"]) == 0
    shown = capsys.readouterr().out
    assert words in shown
    assert "2026-06-01 08:00:00" in shown


def test_status_says_that_it_was_rolled_back(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["published"]["rolled_back_from"] is None
    later = published.parent / "snapshots" / "r2.duckdb"
    later.parent.mkdir()
    with duckdb.connect(str(later)) as con:
        con.execute(PUBLISHED)
        con.execute("update ops.snapshot set run_id = 'r2', published_at = timestamp '2026-07-02 02:00'")
    (published.parent / "rolled_back.json").write_text('{"r2": "2026-07-02T08:00:00"}', encoding="utf-8")
    assert cli.main(["status", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)["published"]
    assert (facts["run_id"], facts["rolled_back_from"]) == ("r1", "r2")
    assert facts["rolled_back_at"] == "2026-07-02T08:00:00"
    assert cli.main(["status"]) == 0
    assert "rolled back from run r2 at 2026-07-02 08:00:00" in capsys.readouterr().out


@pytest.mark.parametrize("unknown", [0, 3])
def test_customers_in_the_report_add_up(published: Path, unknown: int) -> None:
    with duckdb.connect(str(published)) as con:
        con.execute(
            "insert into core.dim_customers select 'U' || i, 'unknown', 5, 1 from range(?) r(i)", [unknown]
        )
        con.execute("insert into identity.unresolved values ('customers', 'crm', 'customers', 1)")
        came, described = next(s for s in sections(con) if s.title == "Customers").sentences[:2]
    # Of 3 records that went through, the owner of 1 couldn't be told; rows of others aren't records.
    assert came == "Customer records that came through from crm: 2."
    figures = [int(figure) for figure in re.findall(r"\d+", described)]
    assert figures == [2 + unknown, 1, 1, *([unknown] if unknown else []), 1]
    assert figures[0] == sum(figures[1:-1])


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("company", "恒达（无锡）科技有限公司", ["无锡|恒达科技|有限公司", "hengdakeji"]),
        ("person", "Wei WANG", ["wei wang", "ww"]),
        ("phone", "+86 159-1234-0001", ["15912340001", "yes"]),
        ("phone", "400-123-4567", ["hot line"]),
        ("phone", "13800000000", ["invented"]),
        ("email", "Lan@163.com", ["lan@163.com", "163.com"]),
        ("email", "test@example.com", ["placeholder"]),
        ("code", "91350100M000100Y43", ["91350100M000100Y43"]),
        ("code", "91350100M000100Y44", ["check character"]),
        ("code", "12", ["Neither a credit code"]),
        ("address", "无锡滨湖区太湖大道1号", ["江苏", "滨湖区"]),
        ("address", "不详", ["placeholder"]),
        ("wechat", "微信号：LanLan-2018", ["lanlan-2018"]),
        ("wechat", "abc", ["No WeChat id"]),
        ("person", "王总", ["Only a surname"]),
        ("company", "测试", ["placeholder"]),
    ],
)
def test_normalise_shows_what_it_sees(
    capsys: pytest.CaptureFixture[str], kind: str, value: str, expected: list[str]
) -> None:
    assert cli.main(["--lang", "en", "normalise", kind, value]) == 0
    printed = capsys.readouterr().out
    assert all(part in printed for part in expected)


def test_normalise_as_json_in_chinese_and_of_an_unknown_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["normalise", "phone", "13800000000", "--json"]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert (seen["kind"], seen["parts"]["number"]) == ("phone", None)
    assert seen["reason"]
    assert cli.main(["--lang", "zh", "normalise", "company", "无锡恒达科技有限公司"]) == 0
    assert "字号" in capsys.readouterr().out
    assert cli.main(["--lang", "en", "normalise", "colour", "red"]) == 1
    assert "no kind of value called 'colour'" in capsys.readouterr().err
