"""`guike quality fixlist`, `docs`, `notify`. If these fail, nobody gets to see what the gates have found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines import cli, i18n
from quality.gate import run_gate_1
from tests.quality.input_layer import Records

Guike = Callable[..., tuple[int, str]]


@pytest.fixture
def guike(
    records: Records, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Guike]:
    """Run a command line on the fixture's home; gives the exit code, and stdout and stderr together."""
    monkeypatch.setenv("GUIKE_HOME", str(records.settings.home))
    for name in ("WEBHOOK", "FORMAT", "SMTP", "EMAIL_TO", "SCORE_DROP"):
        monkeypatch.setenv(f"GUIKE_NOTIFY_{name}", "")

    def go(*arguments: str, lang: str = "en") -> tuple[int, str]:
        code = cli.main(["--lang", lang, "quality", *arguments])
        told = capsys.readouterr()
        return code, told.out + told.err

    yield go
    i18n.set_language(None)


def test_before_a_run_there_is_nothing(guike: Guike) -> None:
    assert guike("fixlist")[0] == 1
    assert guike("docs")[0] == 1


def test_the_lists_and_the_pages_are_written_and_named(
    records: Records, guike: Guike, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records.add("customers", "c0", customer_name="无锡机械有限公司", mobile="13800000000", owner_name="王伟")
    records.write()
    run_gate_1(records.settings, "run-1")
    code, told = guike("fixlist", "--folder", str(tmp_path / "lists"), lang="zh")
    assert (code, "王伟.xlsx" in told, "整改清单" in told) == (0, True, True)
    assert (tmp_path / "lists" / "王伟.xlsx").exists()
    code, told = guike("fixlist", "--owner", "李娜")
    assert (code, "李娜" in told) == (1, True)
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    code, told = guike("docs", "--open")
    page = records.settings.home / "quality" / "data_docs" / "index.html"
    assert (code, opened) == (0, [page.as_uri()])
    assert str(page) in told
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    assert guike("docs", "--open")[0] == 1


def test_a_test_message_says_whether_it_arrived(guike: Guike, monkeypatch: pytest.MonkeyPatch) -> None:
    code, told = guike("notify", "--test")
    assert (code, "GUIKE_NOTIFY_WEBHOOK" in told) == (1, True)
    monkeypatch.setenv("GUIKE_NOTIFY_WEBHOOK", "http://127.0.0.1:9/send?key=hidden-key")
    monkeypatch.setenv("GUIKE_NOTIFY_FORMAT", "wecom")
    code, told = guike("notify")
    assert (code, "wecom" in told, "hidden-key" in told) == (0, True, False)
    code, told = guike("notify", "--test")
    assert (code, "can't be reached" in told, "hidden-key" in told) == (1, True, False)
    monkeypatch.setenv("GUIKE_NOTIFY_SCORE_DROP", "much")
    code, told = guike("notify")
    assert (code, "GUIKE_NOTIFY_SCORE_DROP" in told) == (1, True)
