"""Data Docs: what the gates found, as pages that open anywhere and hold nobody's data.

If these fail, a page shows a customer's telephone number, says that a gate let a run pass which it stopped,
or stays empty on a computer without a network.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipelines import i18n
from quality.catalogue import load_catalogue
from quality.data_docs import site
from quality.data_docs.site import build, build_after_gate
from quality.gate import run_gate_1
from quality.issues import create_tables
from quality.places import data_docs, data_docs_page
from tests.quality.input_layer import Records

PLAIN = ("13800000000", "欧阳明珠", "机械有限公司", "陈静")


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    i18n.set_language("en")
    yield
    i18n.set_language(None)


class _Page(HTMLParser):
    """What a page leads to, and what it would load by itself."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        elif tag in ("script", "img", "iframe", "link", "source"):
            self.loads += [value for name in ("src", "href") if (value := given.get(name))]


def _build(records: Records, *, afresh: bool = False) -> Path:
    with records.connection() as con:
        return build(records.settings, con, afresh=afresh)


def _pages(records: Records) -> dict[str, _Page]:
    folder = data_docs(records.settings)
    return {path.relative_to(folder).as_posix(): _Page(path) for path in sorted(folder.rglob("*.html"))}


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test keeps what the gate has written, for the others."""
    return tmp_path_factory.mktemp("checked") / "guike.duckdb"


@pytest.fixture
def checked(sound: Records, once: Path) -> Records:
    """A run with one error and one warning."""
    sound.change("customers", "c0", mobile="13800000000", customer_name="欧阳明珠")
    sound.change("orders", "o3", ordered_at=None)
    if once.exists():
        shutil.copy(once, sound.settings.warehouse)
        return sound
    sound.write()
    run_gate_1(sound.settings, "run-1")
    shutil.copy(sound.settings.warehouse, once)
    return sound


def test_every_suite_has_its_page_and_every_page_works_alone(checked: Records) -> None:
    assert data_docs_page(checked.settings) is None
    front = _build(checked)
    assert front == data_docs_page(checked.settings)
    pages = _pages(checked)
    results = [name for name in pages if name.startswith("validations/gate_1/")]
    assert {name.split("/")[2] for name in results} == {"customers", "orders", "payments"}
    for name, page in pages.items():
        assert [address for address in page.loads if not address.startswith("data:")] == []
        assert not re.search(r"https?://|@import|url\((?!data:)", page.text), name
        for link in page.links:
            target = link.partition("#")[0]
            assert not target or (front.parent / name).parent.joinpath(target).resolve().exists(), link
    assert {link for link in pages["index.html"].links if link.startswith("validations/")} == set(results)
    customers = next(pages[name] for name in results if "/customers/" in name)
    assert "customers.phone_is_not_invented" in customers.text
    assert "1 unexpected values found" in customers.text
    rule = next(rule for rule in load_catalogue().rules if rule.rule_id == "customers.phone_is_not_invented")
    assert rule.meaning.zh in customers.text
    assert html.escape(rule.remedy.en) in customers.text


def test_no_value_of_a_record_is_on_any_page(checked: Records) -> None:
    _build(checked)
    for path in data_docs(checked.settings).rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not [plain for plain in PLAIN if plain in text and plain not in _in_the_rules()], path


def _in_the_rules() -> str:
    """Rules give examples, such as 13800000000; those are no record's."""
    return " ".join(
        text for rule in load_catalogue().rules for both in (rule.title, rule.meaning, rule.remedy)
        for text in (both.en, both.zh)
    )  # fmt: skip


def test_the_results_are_great_expectations_own_with_counts_and_meanings(checked: Records) -> None:
    _build(checked)
    [path] = data_docs(checked.settings).glob("validations/gate_1/orders/run-1/*/all.json")
    result = json.loads(path.read_text(encoding="utf-8"))
    assert result["suite_name"] == "gate_1.orders"
    found = {one["expectation_config"]["meta"]["rule_id"]: one for one in result["results"]}
    one = found["orders.date_is_real"]
    assert not one["success"]
    assert one["result"] == {"element_count": 20, "unexpected_count": 1, "unexpected_percent": 5.0}
    assert set(one["expectation_config"]["meta"]) == {"rule_id", "dimension", "protects", "meaning", "remedy"}
    assert one["expectation_config"]["severity"] == "critical"


def test_the_verdict_is_the_gates(checked: Records) -> None:
    """One of twenty orders set aside may pass; three stop the run."""
    _build(checked)
    for n in range(3):
        checked.change("orders", f"o{n}", ordered_at=None)
    checked.write()
    assert not run_gate_1(checked.settings, "run-2").passed
    _build(checked)
    lines = json.loads((data_docs(checked.settings) / "validations.json").read_text(encoding="utf-8"))
    verdicts = {(one["run_id"], one["suite"]): one["passed"] for one in lines.values()}
    assert verdicts["run-1", "gate_1.orders"]
    assert not verdicts["run-2", "gate_1.orders"]
    assert verdicts["run-2", "gate_1.customers"]


def test_what_has_been_shown_is_not_made_again(checked: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    front = _build(checked)
    monkeypatch.setattr(site, "_render", lambda *_: pytest.fail("it has been rendered again"))
    assert _build(checked) == front


def _results(records: Records, run_id: str) -> None:
    """A run's counts as the gate writes them, for the tests that need many runs."""
    with records.connection() as con:
        create_tables(con)
        con.execute("delete from quality.rule_results")
        con.execute(
            "insert into quality.rule_results values "
            "(?, 'customers.phone_is_valid', 'customers', 'crm', 'warn', 'validity', 10, 1, 'v')",
            [run_id],
        )


def test_only_the_last_runs_are_kept(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "KEPT_RUNS", 3)
    records.write()
    for n in range(5):
        _results(records, f"run-{n}")
        _build(records)
    pages = [name for name in _pages(records) if name.startswith("validations/")]
    assert sorted(name.split("/")[3] for name in pages) == ["run-2", "run-3", "run-4"]
    assert not list(data_docs(records.settings).glob("validations/gate_1/customers/run-0"))


@pytest.mark.parametrize(
    "run_id", ["20261122T211136Z-9412", "20261122T211136Z-12ab", "20261122T211136Z-0e10"]
)
def test_a_runs_id_is_no_date(records: Records, run_id: str) -> None:
    """Great Expectations looks for one in it, and some read as a date in a time zone of 94 hours."""
    records.write()
    _results(records, run_id)
    _build(records)
    [page] = [page for name, page in _pages(records).items() if name.startswith("validations/")]
    assert run_id in page.text


def test_a_damaged_list_is_made_anew(records: Records) -> None:
    records.write()
    _results(records, "run-1")
    front = _build(records)
    (front.parent / "validations.json").write_text("{", encoding="utf-8")
    assert _build(records) == front
    assert json.loads((front.parent / "validations.json").read_text(encoding="utf-8"))


def test_a_site_that_cannot_be_written_fails_no_run(
    records: Records, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(site, "_write", full)
    records.write()
    _results(records, "run-1")
    build_after_gate(records.settings)
    assert "no room" in caplog.text


@pytest.mark.thorough
def test_a_browser_without_a_network_shows_the_pages(checked: Records, tmp_path: Path) -> None:
    """Both languages, and the list without a script from elsewhere: what the eye sees, read from the page."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("there is no chromium")
    front = _build(checked)
    command = [
        browser, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}",
        "--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom", front.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=True)
    assert "gate_1.customers" in done.stdout
    assert 'class="en"' in done.stdout
