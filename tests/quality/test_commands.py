"""`guike quality …`. If these fail, one can't see why a run stopped, or says yes to something else."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from pipelines import cli, i18n
from pipelines.settings import ROOT
from quality import listing
from quality.catalogue import load_catalogue
from quality.gate import run_gate_1
from tests.quality.input_layer import Records

Guike = Callable[..., tuple[int, str]]


@pytest.fixture
def guike(sound: Records, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Guike:
    """Run a command line on the fixture's home; gives the exit code, and stdout and stderr together."""
    monkeypatch.setenv("GUIKE_HOME", str(sound.settings.home))
    monkeypatch.setenv("GUIKE_AS_OF", "2026-06-30")

    def go(*arguments: str, lang: str = "en") -> tuple[int, str]:
        code = cli.main(["--lang", lang, "quality", *arguments])
        told = capsys.readouterr()
        return code, told.out + told.err

    yield go
    i18n.set_language(None)


def test_the_rules_are_listed_and_filtered(guike: Guike) -> None:
    code, told = guike("rules", "--json", "--entity", "payments", "--severity", "error")
    found = json.loads(told)
    assert code == 0
    assert {(rule["entity"], rule["severity"]) for rule in found} == {("payments", "error")}
    assert all(rule["remedy"]["zh"] and rule["file"] == "payments.yml" for rule in found)
    assert "收款有金额" in guike("rules", "--dimension", "completeness", lang="zh")[1]
    code, told = guike("rules", "--entity", "people")
    assert (code, "people" in told) == (1, True)


@pytest.mark.parametrize(("name", "lang"), [("quality-rules.md", "en"), ("quality-rules.zh-CN.md", "zh")])
def test_the_documents_are_those_of_the_catalogue(name: str, lang: i18n.Language) -> None:
    i18n.set_language(lang)
    try:
        wanted = listing.document(load_catalogue())
    finally:
        i18n.set_language(None)
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == wanted, "run `make docs`"


def test_the_verdict_says_what_stops_and_a_waiver_lets_it_pass(sound: Records, guike: Guike) -> None:
    assert guike("gate")[0] == 1, "no run yet"
    for n in range(3):
        sound.change("orders", f"o{n}", ordered_at=None)
    sound.write()
    assert not run_gate_1(sound.settings, "run-1").passed
    code, told = guike("gate", "--json")
    verdict = json.loads(told)
    assert (code, verdict["passed"], verdict["run_id"]) == (0, False, "run-1")
    assert any("3 of 20 orders" in reason for reason in verdict["stops"]["gate_1"])
    lines = {line["entity"]: line for line in verdict["entities"]}
    assert (lines["orders"]["set_aside"], lines["orders"]["through"], lines["payments"]["hanging"]) == (
        3,
        17,
        3,
    )
    told = guike("gate", lang="zh")[1]
    assert "关卡中止了运行" in told
    assert "按订单原件补录日期" in told

    wrong = guike(
        "waive", "orders.date_is_real", "--record", "crm.orders.gone", "--why", "x", "--until", "2026-07-01"
    )
    assert wrong[0] == 1
    assert "crm.orders.gone" in wrong[1]
    assert guike("waive", "orders.date_is_real", "--why", "x", "--until", "2026-07-01")[0] == 1, "for what?"
    said = ("--why", "migration", "--until", "2026-07-01", "--by", "王芳")
    code, told = guike("waive", "orders.date_is_real", "--all", *said)
    assert code == 0
    waiver = told.split(":")[0]
    assert run_gate_1(sound.settings, "run-2").passed
    told = guike("gate")[1]
    for part in ("Nothing stops the run", waiver, "2026-07-01", "王芳", "migration"):
        assert part in told
    assert [one["waiver_id"] for one in json.loads(guike("waivers", "--json")[1])] == [waiver]
    assert guike("withdraw", waiver, "--why", "done")[0] == 0
    assert "No waiver is in force" in guike("waivers")[1]
    assert len(json.loads(guike("waivers", "--all", "--json")[1])) == 2
