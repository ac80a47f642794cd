"""A REST read that breaks off goes on where it stopped; a listing that moves under it is noticed.

Failing means that rows are lost or doubled without a word, or that a service is asked for everything again
after a short break.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.errors import GuikeError
from pipelines.extract.specs import SystemSpec
from tests.extract.conftest import Extraction, MakeSpec
from tests.extract.rest_service import PAGING, TABLES, Reply, Request, Service, calls, ids, serving

Rows = list[tuple[str | None, ...]]
ReadRows = Callable[[SystemSpec], Rows]
ALL = [str(n) for n in range(1, 8)]


@pytest.fixture
def service() -> Iterator[Service]:
    with serving(Service(calls(7))) as state:
        yield state


@pytest.fixture
def make(make_spec: MakeSpec, service: Service) -> Callable[..., SystemSpec]:
    """A spec of the service, three rows per page unless said otherwise."""

    def build(tables: str = TABLES, **options: object) -> SystemSpec:
        limits = "{attempts: 3, backoff: 0.001}"
        return make_spec("rest", service.url, tables, **{"page_size": 3, "limits": limits, **options})

    return build


@pytest.fixture
def spec(make: Callable[..., SystemSpec]) -> SystemSpec:
    return make()


class Dying:
    """A service that fails from its `page`-th page on, until it is mended."""

    def __init__(self, position: str, name: str = "page") -> None:
        self.position, self.name, self.dead = position, name, True

    def __call__(self, service: Service, request: Request) -> Reply | None:
        return Reply(500) if self.dead and request.query.get(self.name) == self.position else None


@pytest.mark.parametrize("case", PAGING)
def test_after_a_break_only_the_missing_pages_are_fetched(
    make: Callable[..., SystemSpec], service: Service, extract: Extraction, case: str
) -> None:
    service.style, paging = PAGING[case]
    service.rows = calls(9)
    name = service.style if service.style in ("page", "offset") else "after"
    dying = service.behave = Dying("5" if name == "page" else "4", name)
    spec = make(page_size=1, paging=paging)
    assert extract(spec).status == "stale"
    dying.dead = False
    service.asked.clear()
    assert extract(spec).status == "loaded"
    asked = [request.query.get(dying.name) for request in service.asked]
    # Page 1 and page 4, to see that nothing has moved; then what was missing.
    whole = {"page": list("123456789"), "offset": list("012345678")}.get(service.style, [None, *"12345678"])
    assert asked == [whole[0], whole[3], *whole[4:]]
    assert extract.ask("select call_id, seconds from raw_legacy.calls order by _row_number") == [
        (str(n), str(n * 10)) for n in range(1, 10)
    ]


def _delete_second(service: Service) -> None:
    del service.rows[1]


def _swap_without_changing_the_total(service: Service) -> None:
    del service.rows[1]
    service.rows.append({"call_id": "new", "caller": "", "seconds": 0})


def _edit_first(service: Service) -> None:
    service.rows[0] = {**service.rows[0], "seconds": 1}


def _append(service: Service) -> None:
    service.rows.append({"call_id": "10", "caller": "", "seconds": 0})


@pytest.mark.parametrize("change", [_delete_second, _swap_without_changing_the_total, _edit_first, _append])
def test_after_a_break_a_listing_that_has_moved_is_read_from_the_start(
    make: Callable[..., SystemSpec], service: Service, read_rows: ReadRows,
    change: Callable[[Service], None],
) -> None:  # fmt: skip
    service.rows = calls(9)
    dying = service.behave = Dying("5")
    spec = make(page_size=1)
    with pytest.raises(GuikeError):
        read_rows(spec)
    dying.dead = False
    change(service)
    assert read_rows(spec) == [(row["call_id"], row["caller"], str(row["seconds"])) for row in service.rows]


def test_a_position_that_the_service_has_forgotten_is_no_obstacle(
    make: Callable[..., SystemSpec], service: Service, read_rows: ReadRows
) -> None:
    dying = service.behave = Dying("3", "after")
    service.style = "cursor"
    spec = make(page_size=1, paging=PAGING["cursor"][1])
    with pytest.raises(GuikeError):
        read_rows(spec)
    dying.dead = False
    forgotten = [Reply(410)]
    service.behave = lambda _, request: (
        forgotten.pop() if forgotten and request.query.get("after") == "3" else None
    )
    assert ids(read_rows(spec)) == ALL


@pytest.mark.parametrize("damage", ["journal", "page", "age", "spec"])
def test_pages_that_can_not_be_trusted_are_fetched_again(
    make: Callable[..., SystemSpec], service: Service, extract: Extraction, read_rows: ReadRows,
    damage: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    dying = service.behave = Dying("5")
    spec = make(page_size=1)
    with pytest.raises(GuikeError):
        read_rows(spec)
    dying.dead = False
    folder = extract.settings.home / "extract" / "legacy" / "pages" / "calls"
    journal = folder / "journal.jsonl"
    if damage == "journal":
        journal.write_bytes(journal.read_bytes()[:-20])
    elif damage == "page":
        (folder / "00000002.parquet").write_bytes(b"PAR1")
    elif damage == "age":
        now = time.time() + 25 * 3600
        monkeypatch.setattr(time, "time", lambda: now)
    else:
        spec = make(TABLES + "  params: {v: 2}\n", page_size=1)
    service.asked.clear()
    assert ids(read_rows(spec)) == ALL
    pages = service.values("page")
    assert pages == {"journal": list("134567"), "page": list("1234567")}.get(damage, list("1234567"))
    assert not folder.exists()


def test_rows_that_shift_onto_the_next_page_are_kept_once(
    spec: SystemSpec, service: Service, read_rows: ReadRows
) -> None:
    def behave(_: Service, request: Request) -> None:
        if request.query["page"] == "2" and len(service.rows) == 7:
            service.rows.insert(0, {"call_id": "new", "caller": "", "seconds": 0})

    service.behave = behave
    assert ids(read_rows(spec)) == ALL


def test_rows_that_shift_past_the_reader_make_it_start_over(
    spec: SystemSpec, service: Service, read_rows: ReadRows
) -> None:
    def behave(_: Service, request: Request) -> None:
        if request.query["page"] == "2" and len(service.rows) == 7:
            del service.rows[0]

    service.behave = behave
    assert ids(read_rows(spec)) == ALL[1:]


def test_equal_rows_of_a_table_without_key_all_count(
    make: Callable[..., SystemSpec], service: Service, read_rows: ReadRows
) -> None:
    service.behave = None
    service.rows = [*calls(3), *calls(2)]
    rows = read_rows(make(TABLES.replace("  key: [call_id]\n", "")))
    assert ids(rows) == ["1", "2", "3", "1", "2"]


def test_different_rows_of_one_key_are_left_to_the_checks(
    spec: SystemSpec, service: Service, read_rows: ReadRows
) -> None:
    service.rows = [*calls(4), {"call_id": "1", "caller": "other", "seconds": 1}]
    assert ids(read_rows(spec)) == ["1", "2", "3", "4", "1"]


KILLED = """
import sys
from dataclasses import replace
from pathlib import Path
from pipelines.extract.load import extract_system
from pipelines.extract.specs import load_spec
from pipelines.settings import load_settings
settings = replace(load_settings(), home=Path(sys.argv[2]), memory_limit="1GB")
extract_system(settings, load_spec(Path(sys.argv[1])), "killed")
"""


def test_after_a_kill_only_the_missing_pages_are_fetched(
    make: Callable[..., SystemSpec], service: Service, extract: Extraction, tmp_path: Path
) -> None:
    process: list[subprocess.Popen[bytes]] = []

    def behave(_: Service, request: Request) -> None:
        if request.query["page"] == "5" and process:
            process.pop().kill()

    service.rows, service.behave = calls(9), behave
    spec = make(page_size=1)
    process.append(
        subprocess.Popen([sys.executable, "-c", KILLED, tmp_path / "legacy.yml", extract.settings.home])
    )
    assert process[0].wait(60) == -signal.SIGKILL
    service.asked.clear()
    assert extract(spec).status == "loaded"
    assert service.values("page") == ["1", "4", "5", "6", "7", "8", "9"]
    assert len(extract.ask("select distinct call_id from raw_legacy.calls")) == 9
