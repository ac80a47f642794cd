"""A paginated service: every row once, by each way to log in and to page, and after each kind of break.

Failing means that rows of a page are lost or doubled without a word, or that a service is asked for
everything again after a short break.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from pipelines.extract.specs import SystemSpec
from tests.extract.conftest import Extraction, MakeSpec
from tests.extract.rest_service import (
    PAGING,
    TABLES,
    Reply,
    Request,
    Service,
    calls,
    ids,
    reply,
    serving,
    token_is,
)

Rows = list[tuple[str | None, ...]]
ReadRows = Callable[[SystemSpec], Rows]
LIMITS = "{attempts: 3, backoff: 0.001}"
TOKEN = "s3cret-token"


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLS_TOKEN", TOKEN)
    monkeypatch.setenv("CALLS_SECRET", "s3cret/pass word")


@pytest.fixture
def service() -> Iterator[Service]:
    with serving(Service(calls(7), behave=token_is(TOKEN))) as state:
        yield state


@pytest.fixture
def make(make_spec: MakeSpec, service: Service) -> Callable[..., SystemSpec]:
    """A spec of the service, three rows per page unless said otherwise."""

    def build(tables: str = TABLES, **options: object) -> SystemSpec:
        return make_spec("rest", service.url, tables, **{"page_size": 3, "limits": LIMITS, **options})

    return build


@pytest.fixture
def spec(make: Callable[..., SystemSpec]) -> SystemSpec:
    return make(token="${CALLS_TOKEN}")


@pytest.fixture
def open_spec(make: Callable[..., SystemSpec], service: Service) -> SystemSpec:
    """A service that wants no token; each test changes how it behaves."""
    service.behave = None
    return make()


ALL = [str(n) for n in range(1, 8)]


# Rows and values


def test_every_page_is_read_the_short_last_one_too(
    spec: SystemSpec, service: Service, read_rows: ReadRows
) -> None:
    service.rows[0] = {"call_id": "1", "caller": None, "seconds": 1.5}
    rows = read_rows(spec)
    assert ids(rows) == ALL
    assert rows[:2] == [("1", None, "1.5"), ("2", "０138", "20")]
    assert service.values("page") == ["1", "2", "3"]
    assert service.values("size") == ["3", "3", "3"]


def test_a_full_last_page_is_not_followed_by_another(
    spec: SystemSpec, service: Service, read_rows: ReadRows
) -> None:
    del service.rows[6]
    assert len(read_rows(spec)) == 6
    assert len(service.asked) == 2


def test_numbers_and_nested_values_stay_as_written(
    open_spec: SystemSpec, service: Service, read_rows: ReadRows
) -> None:
    body = (
        b'{"data": [{"call_id": 12345678901234567890, '
        b'"caller": {"n": 0.10, "c": ["\xe5\xbd\x92", null, true]}, "seconds": 99999999999999.990}, '
        b'{"call_id": 1e400, "seconds": false}], "total": 2}'
    )
    service.behave = lambda *_: Reply(body=body)
    assert read_rows(open_spec) == [
        ("12345678901234567890", '{"n": 0.10, "c": ["归", null, true]}', "99999999999999.990"),
        ("1e400", None, "false"),
    ]


def test_half_a_character_costs_only_itself(
    open_spec: SystemSpec, service: Service, read_rows: ReadRows
) -> None:
    body = b'{"data": [{"call_id": 1, "caller": "ok \\ud83d\\ude00 cut \\ud83d", "seconds": 1}]}'
    service.behave = lambda _, request: Reply(body=body if request.query["page"] == "1" else b'{"data": []}')
    assert read_rows(open_spec) == [("1", "ok 😀 cut \ufffd", "1")]


def test_a_service_without_rows(spec: SystemSpec, service: Service, extract: Extraction) -> None:
    service.rows.clear()
    assert extract(spec).status == "loaded"
    assert extract.ask("select call_id, caller, seconds from raw_legacy.calls") == []


def test_unchanged_answers_are_not_loaded_again(
    spec: SystemSpec, service: Service, extract: Extraction
) -> None:
    assert extract(spec).status == "loaded"
    service.rows.reverse()
    assert extract(spec).status == "unchanged"
    service.rows[0]["seconds"] = 99
    assert extract(spec).status == "loaded"


# Logging in


def _basic(request: Request) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Basic ")
    return base64.b64decode(given).decode() == "guike:s3cret/pass word"


AUTH: dict[str, tuple[str, Callable[[Request], bool]]] = {
    "token": (
        "{type: token, token: '${CALLS_TOKEN}'}",
        lambda request: request.headers.get("Authorization") == f"Bearer {TOKEN}",
    ),
    "basic": ("{type: basic, user: guike, password: '${CALLS_SECRET}'}", _basic),
    "key in a header": (
        "{type: api_key, name: X-Api-Key, key: '${CALLS_SECRET}'}",
        lambda request: request.headers.get("X-Api-Key") == "s3cret/pass word",
    ),
    "key in the query": (
        "{type: api_key, in: query, name: key, key: '${CALLS_SECRET}'}",
        lambda request: request.query.get("key") == "s3cret/pass word",
    ),
}


@pytest.mark.parametrize("case", AUTH)
def test_each_way_to_log_in(
    make: Callable[..., SystemSpec], service: Service, read_rows: ReadRows, case: str
) -> None:
    auth, allowed = AUTH[case]
    service.behave = lambda _, request: None if allowed(request) else Reply(401)
    assert ids(read_rows(make(auth=auth))) == ALL
    assert len(service.asked) == 3


def test_a_password_in_the_location_is_used(
    make_spec: MakeSpec, service: Service, read_rows: ReadRows
) -> None:
    service.behave = lambda _, request: None if _basic(request) else Reply(401)
    location = service.url.replace("://", "://guike:s3cret%2Fpass%20word@")
    assert ids(read_rows(make_spec("rest", location, TABLES, page_size=3))) == ALL


class TokenGiver:
    """Gives tokens t1, t2, … and takes only the newest; each is revoked after `uses` requests."""

    def __init__(self, expires_in: int, uses: int) -> None:
        self.expires_in, self.uses, self.given, self.used = expires_in, uses, 0, 0

    def __call__(self, service: Service, request: Request) -> Reply | None:
        if request.path == "/token":
            assert request.body == {
                "client_id": "guike", "client_secret": "s3cret/pass word",
                "grant_type": "client_credentials", "scope": "calls.read",
            }  # fmt: skip
            self.given, self.used = self.given + 1, 0
            return reply({"access_token": f"t{self.given}", "expires_in": self.expires_in})
        self.used += 1
        right = request.headers.get("Authorization") == f"Bearer t{self.given}" and self.used <= self.uses
        return None if right else Reply(401)


@pytest.mark.parametrize(
    ("expires_in", "uses", "tokens"), [(3600, 99, 1), (0, 99, 3), (3600, 2, 2)],
    ids=["one token lasts", "each has expired when the next page is asked for", "revoked in the middle"],
)  # fmt: skip
def test_oauth2_fetches_a_token_again_when_it_has_expired(
    make: Callable[..., SystemSpec], service: Service, read_rows: ReadRows,
    expires_in: int, uses: int, tokens: int,
) -> None:  # fmt: skip
    giver = service.behave = TokenGiver(expires_in, uses)
    auth = (
        f"{{type: oauth2, token_url: {service.url}/token, client_id: guike, "
        "client_secret: '${CALLS_SECRET}', scope: calls.read}"
    )
    assert ids(read_rows(make(auth=auth))) == ALL
    assert giver.given == tokens


# Paging


@pytest.mark.parametrize("count", [0, 1, 3, 7, 9])
@pytest.mark.parametrize("case", PAGING)
def test_each_way_to_page(
    make: Callable[..., SystemSpec], service: Service, read_rows: ReadRows, case: str, count: int
) -> None:
    service.style, paging = PAGING[case]
    service.behave, service.rows = None, calls(count)
    assert ids(read_rows(make(paging=paging))) == [str(n) for n in range(1, count + 1)]
    assert len(service.asked) == max(1, -(-count // 3))


@pytest.mark.parametrize("case", PAGING)
def test_a_service_that_gives_fewer_rows_than_it_is_asked_for(
    make: Callable[..., SystemSpec], service: Service, read_rows: ReadRows, case: str
) -> None:
    service.style, paging = PAGING[case]
    service.behave, service.most = None, 2
    assert ids(read_rows(make(paging=paging, page_size=500))) == ALL


@pytest.mark.parametrize("style", ["page", "offset"])
def test_without_a_total_an_empty_page_is_the_end(
    make: Callable[..., SystemSpec], service: Service, read_rows: ReadRows, style: str
) -> None:
    service.style, service.behave = style, None
    paging = f"{{type: {style}, total: null{', pages: null' if style == 'page' else ''}}}"
    assert ids(read_rows(make(paging=paging))) == ALL
    assert len(service.asked) == 4


def test_null_for_an_empty_list(open_spec: SystemSpec, service: Service, read_rows: ReadRows) -> None:
    service.behave = lambda _, request: reply({"data": None, "total": 0, "pages": 0})
    assert read_rows(open_spec) == []


def test_a_flag_says_whether_there_is_more(
    make: Callable[..., SystemSpec], service: Service, read_rows: ReadRows
) -> None:
    service.behave = lambda _, request: reply(
        {"result": {"list": calls(2) if request.query["p"] == "0" else calls(3)[2:]},
         "has_more": request.query["p"] == "0"}
    )  # fmt: skip
    paging = "{page: p, first: 0, data: result.list, more: has_more}"
    assert ids(read_rows(make(paging=paging))) == ["1", "2", "3"]
    assert service.values("p") == ["0", "1"]


def test_one_answer_may_hold_everything(
    make: Callable[..., SystemSpec], service: Service, read_rows: ReadRows
) -> None:
    service.behave = lambda *_: reply(calls(7))
    assert ids(read_rows(make(paging="{type: single, data: ''}"))) == ALL
    assert [request.query for request in service.asked] == [{}]


@pytest.mark.parametrize("style", ["page", "offset"])
def test_a_search_endpoint_gets_its_page_in_the_body(
    make: Callable[..., SystemSpec], service: Service, read_rows: ReadRows, style: str
) -> None:
    service.style, service.behave = style, None
    search = "  method: POST\n  body: {kind: '${CALLS_TOKEN}', open: {from: 2024}}\n  params: {v: 2}\n"
    assert ids(read_rows(make(TABLES + search, paging=f"{{type: {style}}}"))) == ALL
    asked = service.asked[-1]
    assert (asked.method, asked.query) == ("POST", {"v": "2"})
    assert asked.body == {
        "kind": TOKEN, "open": {"from": 2024}, "size": 3, style: 3 if style == "page" else 6,
    }  # fmt: skip


def test_params_and_data_of_a_table(
    make: Callable[..., SystemSpec], service: Service, read_rows: ReadRows
) -> None:
    service.behave = lambda *_: reply({"calls": {"items": calls(1)}, "total": 1})
    assert len(read_rows(make(TABLES + "  params: {since: 2024-01-01, v: 2}\n  data: calls.items\n"))) == 1
    assert service.asked[0].query == {"since": "2024-01-01", "v": "2", "size": "3", "page": "1"}


def test_links_are_followed_on_the_location_only_and_the_key_stays_out_of_them(
    make: Callable[..., SystemSpec], service: Service, read_rows: ReadRows
) -> None:
    def behave(_: Service, request: Request) -> Reply:
        after = int(request.query.get("after", "0"))
        link = f"https://127.0.0.1:1/api/calls?after={after + 1}&key=echoed" if after < 2 else None
        return reply({"data": calls(3)[after : after + 1], "next": link})

    service.behave = behave
    auth = "{type: api_key, in: query, name: key, key: '${CALLS_SECRET}'}"
    assert ids(read_rows(make(auth=auth, paging="{type: link, next: next}"))) == ["1", "2", "3"]
    assert service.values("key") == ["s3cret/pass word"] * 3


# Waiting


def _failing(times: int, answer: Reply) -> Callable[[Service, Request], Reply | None]:
    left = [answer] * times
    return lambda *_: left.pop() if left else None


def test_a_service_that_is_busy_is_asked_again(
    open_spec: SystemSpec, service: Service, read_rows: ReadRows
) -> None:
    service.behave = _failing(2, Reply(503))
    assert ids(read_rows(open_spec)) == ALL


BREAKS = {
    "500": Reply(500),
    "closed in the middle": Reply(body=b'{"data": []}', closed_after=5),
    "cut off": Reply(body=b'{"data": ['),
    "broken packing": Reply(body=b"no gzip", headers={"Content-Encoding": "gzip"}),
    "too slow": Reply(delay=0.6),
}


@pytest.mark.parametrize("case", BREAKS)
def test_page_7_is_broken_once(
    make: Callable[..., SystemSpec], service: Service, read_rows: ReadRows, case: str
) -> None:
    broken = _failing(1, BREAKS[case])
    service.behave = lambda _, request: broken(_, request) if request.query["page"] == "7" else None
    assert ids(read_rows(make(page_size=1, limits="{attempts: 2, backoff: 0, read: 0.3}"))) == ALL
    assert service.values("page").count("7") == 2


def test_retry_after_is_waited_for(
    open_spec: SystemSpec, service: Service, read_rows: ReadRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    replies = [Reply(429, headers={"Retry-After": later}), Reply(429, headers={"Retry-After": "7"})]
    service.behave = lambda *_: replies.pop() if replies else None
    assert ids(read_rows(open_spec)) == ALL
    waits = [wait for wait in waits if wait]
    assert waits[0] == 7
    assert 80 < waits[1] <= 90


def test_waits_double_and_vary(
    make: Callable[..., SystemSpec], service: Service, read_rows: ReadRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    service.behave = _failing(5, Reply(502, headers={"Retry-After": "soon"}))
    assert len(read_rows(make(limits="{attempts: 6, backoff: 2}"))) == 7
    waits = [wait for wait in waits if wait]
    assert len(waits) == 5
    assert all(2**n * 2 * 0.5 <= wait <= 2**n * 2 * 1.5 for n, wait in enumerate(waits))
