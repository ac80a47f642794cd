"""`guike why` tells what decided, with the run's own numbers.

Failing means that people would be told something else than what happened, and would judge, or trust, by it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import cli, i18n
from pipelines.identity import judgements
from pipelines.identity.why import Explanation, explain
from pipelines.identity.why_weighed import weigh
from pipelines.record_name import RecordName
from pipelines.settings import load_settings
from tests.identity.conftest import World, firm, person
from warehouse import store

Ask = Callable[..., str]


RECORDS = [
    firm("1", "无锡鑫源机械有限公司", phone="0510-81234567", contact_name="张伟", region="江苏省无锡市"),
    firm("2", "鑫源机械", phone="0510-81234567", mobile="13912345678", contact_name="张总"),
    firm("3", "无锡鑫源机械有限公司苏州分公司", phone="0510-81234567"),
    person("4", "张总", mobile="13912345678", system="wechat"),
    firm("5", "大海传媒有限公司", phone="0512-61234567", credit_code="91350100M000100Y43"),
    firm("6", "大海传媒", phone="0512-61234567", credit_code="91320200MA0000001G"),
    person("7", "王伟", mobile="13887650932", email="wangwei@163.com"),
    person("8", "王伟", mobile="13887650932", system="erp"),
    person("9", "王伟", email="wangwei@163.com", system="erp"),
    person("10", None, mobile="13700001111"),
    firm("11", "Northgate Supplies Ltd", phone="+44 20 7946 0123", email="office@northgate-supplies.example"),
    firm("12", "Northgate Supplies", email="sales@northgate-supplies.example", system="erp"),
]


ORDERS = [{"source_id": "o1", "customer_source_id": "1"}]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The world after a run over RECORDS; only looked at."""
    home = tmp_path_factory.mktemp("why")
    made = World(dataclasses.replace(load_settings(), home=home, memory_limit="1GB", threads=2))
    made.put(RECORDS, orders=ORDERS)
    made.run()
    return made


def _asking(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    monkeypatch.setenv("GUIKE_HOME", str(world.settings.home))

    def run(*arguments: str, code: int = 0) -> str:
        assert cli.main(arguments) == code
        printed = capsys.readouterr()
        i18n.set_language(None)
        return printed.out + printed.err

    return run


@pytest.fixture
def ask(full: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Gives what a `guike` command prints, on stdout and stderr together."""
    return _asking(full, monkeypatch, capsys)


def _explained(world: World, left: str, right: str) -> Explanation:
    with store.connect(world.settings, read_only=True) as con:
        about = explain(con, RecordName.parse(left), RecordName.parse(right), judgements.read(world.settings))
    assert about is not None
    return about


def test_the_numbers_are_those_of_the_run(full: World) -> None:
    pairs = full.rows(
        "select left_node, right_node, model, weight, score, levels from identity.pairs order by all"
    )
    assert len(pairs) > 4
    with store.connect(full.settings, read_only=True) as con:
        for left, right, model, weight, score, levels in pairs:
            for one, other in ((left, right), (right, left)):
                weighed = weigh(con, one, other)
                assert weighed is not None
                assert (weighed.model, weighed.was_compared, weighed.share_a_key) == (model, True, True)
                assert weighed.weight == pytest.approx(weight, abs=1e-9)
                assert weighed.probability == pytest.approx(score, abs=1e-12)
                assert weighed.steps[-1].total == pytest.approx(weight, abs=1e-9)
                assert [step.is_missing for step in weighed.steps] == [level < 0 for level in levels]
                parts = sum(step.weight + step.adjustment for step in weighed.steps)
                assert weighed.prior + parts == pytest.approx(weight, abs=1e-9)


def test_a_later_small_run_keeps_frequencies_and_numbers(world: World) -> None:
    world.put(RECORDS)
    world.run()
    world.put([*RECORDS, person("13", "王伟", mobile="13887650932", system="notes")])
    world.run()
    pairs = world.rows(
        "select left_node, right_node, weight from identity.pairs inner join identity.nodes as one "
        "on node in (left_node, right_node) where system = 'notes'"
    )
    assert pairs
    with store.connect(world.settings, read_only=True) as con:
        for left, right, weight in pairs:
            weighed = weigh(con, left, right)
            assert weighed is not None
            assert weighed.weight == pytest.approx(weight, abs=1e-9)


def test_values_and_outcomes_are_told_in_the_order_asked(full: World) -> None:
    about = _explained(full, "crm.customers.2", "crm.customers.1")
    assert about.weighed is not None
    assert about.weighed.verdict == "match"
    name, _, phone = about.weighed.steps[:3]
    assert (name.left, name.right) == ("鑫源机械", "无锡鑫源机械有限公司")
    assert phone.level_en == "same phone number"
    assert phone.weight > 10
    assert math.isclose(about.weighed.prior, math.log2(0.00001 / 0.99999))


def test_a_branch_stays_apart_however_well_it_scores(full: World) -> None:
    about = _explained(full, "crm.customers.1", "crm.customers.3")
    assert not about.one_customer
    assert [(one.claim, one.left_value, one.right_value) for one in about.obstacles] == [
        ("branch", "", "苏州分公司")
    ]


def test_two_credit_codes_keep_apart_and_a_person_is_asked(full: World, ask: Ask) -> None:
    about = _explained(full, "crm.customers.5", "crm.customers.6")
    assert [one.claim for one in about.obstacles] == ["credit code"]
    assert "Two valid credit codes are two firms" in ask(
        "--lang", "en", "why", "crm.customers.5", "crm.customers.6"
    )


def test_what_hangs_together_by_others_is_told_step_by_step(full: World) -> None:
    about = _explained(full, "erp.customers.8", "erp.customers.9")
    assert about.one_customer
    assert about.weighed is not None
    assert about.weighed.verdict != "match"
    assert [(link.left, link.right, link.kind, link.method) for link in about.path] == [
        ("erp.customers.8", "crm.customers.7", "pair", "phone"),
        ("crm.customers.7", "erp.customers.9", "pair", "email"),
    ]
    assert ("phone", "13887650932") in about.path[0].shared


def test_what_was_attached_is_told_with_what_it_shares(full: World, ask: Ask) -> None:
    about = _explained(full, "crm.customers.1", "wechat.customers.4")
    assert about.one_customer
    assert about.weighed is None
    assert [link.kind for link in about.path] == ["pair", "attached"]
    assert about.path[-1].shared[0] == ("phone", "13912345678")
    words = ask("--lang", "en", "why", "crm.customers.1", "wechat.customers.4")
    assert "It was attached" in " ".join(words.split())
    assert "13912345678" in words


def test_a_judgement_goes_before_all(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = _asking(world, monkeypatch, capsys)
    world.put(RECORDS)
    world.run()
    pair = ("crm.customers.1", "crm.customers.2")
    judgements.add(world.settings, "different", *pair, "Lin", "two owners")
    assert "next `guike run`" in ask("--lang", "en", "why", *pair)
    world.run()
    about = _explained(world, *pair)
    assert not about.one_customer
    assert [(one.verdict, one.is_on_these, one.is_obeyed) for one in about.said] == [
        ("different", True, True)
    ]
    words = ask("--lang", "en", "why", *pair)
    assert "Lin said on" in words
    assert "two owners" in words
    assert "next `guike run`" not in words
    judgements.add(world.settings, "same", "crm.customers.5", "crm.customers.6", "Lin", "one owner")
    world.run()
    about = _explained(world, "crm.customers.5", "crm.customers.6")
    assert about.one_customer
    assert [link.kind for link in about.path] == ["judgement"]


def test_records_that_share_nothing_are_still_weighed(full: World, ask: Ask) -> None:
    about = _explained(full, "crm.customers.5", "crm.customers.11")
    assert about.weighed is not None
    assert (about.weighed.share_a_key, about.weighed.verdict) == (False, "apart")
    assert about.weighed.probability < about.weighed.review
    assert "no run compares them" in ask("--lang", "en", "why", "crm.customers.5", "crm.customers.11")


def test_a_person_and_a_firm_and_a_record_without_a_name(full: World, ask: Ask) -> None:
    assert "never merged" in ask("--lang", "en", "why", "crm.customers.1", "crm.customers.7")
    assert "has no name that can be used" in ask("--lang", "en", "why", "crm.customers.7", "crm.customers.10")


def test_both_languages(ask: Ask) -> None:
    pair = ("crm.customers.11", "erp.customers.12")
    english, chinese = ask("--lang", "en", "why", *pair), ask("--lang", "zh", "why", *pair)
    assert "They are one customer" in english
    assert "Probability" in english
    assert "两者是同一客户" in chinese
    assert "名称" in chinese
    assert not re.search(r"[一-鿿]", english)


@pytest.mark.parametrize(
    ("left", "right", "message"),
    [
        ("crm.customers.1", "crm.customers.99", "There is no record crm.customers.99"),
        ("crm.customers.1", "crm.orders.o1", "is no customers record, but a row that names customer"),
        ("crm.customers.1", "17", "names no record"),
        ("crm.customers.1", "crm.customers.1", "is named twice"),
    ],
)
def test_what_is_no_record_is_refused(ask: Ask, left: str, right: str, message: str) -> None:
    words = ask("--lang", "en", "why", left, right, code=1)
    assert message in words
    assert "→" in words


def test_a_warehouse_without_a_run_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GUIKE_HOME", str(world.settings.home))
    assert cli.main(["--lang", "en", "why", "crm.customers.1", "crm.customers.2"]) == 1
    assert "guike run" in capsys.readouterr().err


def test_json_has_everything(ask: Ask) -> None:
    about = json.loads(ask("why", "crm.customers.1", "crm.customers.2", "--json"))
    assert set(about) == {
        "left", "right", "one_customer", "said", "obstacles", "question", "weighed", "path", "linked",
    }  # fmt: skip
    assert about["left"]["record"] == "crm.customers.1"
    assert about["one_customer"] is True
    assert about["weighed"]["steps"][0]["comparison"] == "name"
    assert set(about["weighed"]["steps"][0]) == {
        "comparison", "title_en", "title_zh", "left", "right", "level_en", "level_zh", "is_missing", "weight",
        "adjustment", "total", "only_asks",
    }  # fmt: skip
    assert about["path"][0]["kind"] == "pair"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("pair", [("1", "2"), ("1", "3"), ("5", "11")])
def test_the_picture_is_xml_and_fits(ask: Ask, tmp_path: Path, language: str, pair: tuple[str, str]) -> None:
    path = tmp_path / "why.svg"
    ask("--lang", language, "why", *(f"crm.customers.{one}" for one in pair), "--picture", str(path))
    root = ElementTree.parse(path).getroot()
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for bar in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert float(bar.attrib["x"]) >= 0
        assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= width
        assert float(bar.attrib["y"]) + float(bar.attrib["height"]) <= height
    texts = [text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any(("random" in text, "任取" in text)[language == "zh"] for text in texts)


def test_a_picture_of_nothing_is_refused(ask: Ask, tmp_path: Path) -> None:
    path = tmp_path / "why.svg"
    assert "nothing to draw" in ask(
        "--lang", "en", "why", "crm.customers.1", "crm.customers.7", "--picture", str(path), code=1
    )
    assert not path.exists()
