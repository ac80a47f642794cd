"""A paginated service: every page, once, with the token, and nothing of it in a message.

Failing means that rows of a page are lost without a word, or that a token or a customer's data is shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pipelines.errors import GuikeError
from pipelines.extract.specs import SystemSpec
from tests.extract.conftest import Extraction, MakeSpec

Rows = list[tuple[str | None, ...]]
ReadRows = Callable[[SystemSpec], Rows]

TABLES = """
- name: calls
  source: api/calls
  key: [call_id]
  snapshot: the service has no filter by time
  columns: [call_id, caller, seconds]
"""
TOKEN = "s3cret-token"


@dataclass
class Service:
    """What the server on loopback serves, and what it was asked."""

    rows: list[dict[str, Any]]
    total: int | None = None
    failures: int = 0
    body: bytes | None = None
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, page: int, size: int) -> bytes:
        rows = self.rows[(page - 1) * size : page * size]
        pages = -(-len(self.rows) // size)
        total = len(self.rows) if self.total is None else self.total
        return json.dumps({"data": rows, "page": page, "pages": pages, "total": total}).encode()


@pytest.fixture
def service() -> Iterator[Service]:
    state = Service([{"call_id": str(n), "caller": "０138", "seconds": n} for n in range(1, 8)])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            state.asked.append(self.path)
            query = {name: int(values[0]) for name, values in parse_qs(url.query).items()}
            status, body = 200, state.body or state.answer(query["page"], query["size"])
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                status, body = 401, b'{"error": "no"}'
            elif state.failures:
                state.failures -= 1
                status, body = 503, b"{}"
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def spec(make_spec: MakeSpec, service: Service) -> SystemSpec:
    return make_spec("rest", service.url, TABLES, token=TOKEN, page_size=3)


def test_every_page_is_read_the_short_last_one_too(
    spec: SystemSpec, service: Service, read_rows: ReadRows
) -> None:
    service.rows[0] = {"call_id": "1", "caller": None, "seconds": 1.5}
    rows = read_rows(spec)
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5", "6", "7"]
    assert rows[:2] == [("1", None, "1.5"), ("2", "０138", "2")]
    assert service.asked == [f"/api/calls?size=3&page={page}" for page in (1, 2, 3)]


def test_a_full_last_page_is_not_followed_by_another(
    spec: SystemSpec, service: Service, read_rows: ReadRows
) -> None:
    del service.rows[6]
    assert len(read_rows(spec)) == 6
    assert len(service.asked) == 2


def test_a_service_without_rows(spec: SystemSpec, service: Service, extract: Extraction) -> None:
    service.rows.clear()
    assert extract(spec).status == "loaded"
    assert extract.ask("select call_id, caller, seconds from raw_legacy.calls") == []


def test_a_service_that_is_busy_is_asked_again(
    spec: SystemSpec, service: Service, read_rows: ReadRows
) -> None:
    service.failures = 2
    assert len(read_rows(spec)) == 7


def test_unchanged_answers_are_not_loaded_again(
    spec: SystemSpec, service: Service, extract: Extraction
) -> None:
    assert extract(spec).status == "loaded"
    service.rows.reverse()
    assert extract(spec).status == "unchanged"
    service.rows[0]["seconds"] = 99
    assert extract(spec).status == "loaded"


def test_a_lost_page_is_noticed(spec: SystemSpec, service: Service, extract: Extraction) -> None:
    extract(spec)
    service.total = 9
    load = extract(spec)
    assert load.status == "stale"
    assert load.message is not None
    assert "says 9 rows, but gave 7" in load.message
    assert extract.ask("select count(*) from raw_legacy.calls") == [(7,)]


def test_other_columns_are_refused(spec: SystemSpec, service: Service, read_rows: ReadRows) -> None:
    service.rows = [{"call_id": "1", "phone": "2", "seconds": 3}]
    with pytest.raises(GuikeError, match="legacy/api/calls: .*Missing: caller. New: phone"):
        read_rows(spec)


@pytest.mark.parametrize("body", [b"<html>", b'{"rows": [1]}', b'{"data": [1], "pages": 1}', b"[]"])
def test_an_answer_of_another_form(
    spec: SystemSpec, service: Service, read_rows: ReadRows, body: bytes
) -> None:
    service.body = body
    with pytest.raises(GuikeError, match="its answer has not the form"):
        read_rows(spec)


def test_a_refused_token_is_not_shown(make_spec: MakeSpec, service: Service, extract: Extraction) -> None:
    load = extract(make_spec("rest", service.url, TABLES, token="wr0ng-token"))
    assert load.status == "stale"
    assert load.message is not None
    assert "it answers with status 401" in load.message
    assert "wr0ng-token" not in load.message
    assert len(service.asked) == 1


def test_a_dead_service_is_stale_and_keeps_the_rows(
    spec: SystemSpec, make_spec: MakeSpec, extract: Extraction
) -> None:
    extract(spec)
    load = extract(make_spec("rest", "http://127.0.0.1:9", TABLES, token=TOKEN))
    assert load.status == "stale"
    assert load.message is not None
    assert "nothing answers there" in load.message
    assert extract.ask("select count(*) from raw_legacy.calls") == [(7,)]
