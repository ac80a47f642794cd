"""What goes wrong with a REST service: each time a message that names the place and the remedy.

Failing means that rows of yesterday are lost, that the user isn't told what to do, or that a secret or a
customer's data stands in a message, in the log or on its way to another host.
"""

from __future__ import annotations

import logging
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipelines.extract.load import extract_system
from pipelines.extract.specs import load_spec
from pipelines.settings import Settings, load_settings
from tests.extract.conftest import Extraction, MakeSpec
from tests.extract.rest_service import (
    TABLES,
    Behave,
    Reply,
    Request,
    Service,
    calls,
    reply,
    serving,
    token_is,
)

TOKEN, PASSWORD = "s3cret-token-4711", "s3cret/pass word"
CUSTOMER = "０138"
OAUTH = "{type: oauth2, token_url: 'URL/token', client_id: guike, client_secret: '${CALLS_PASSWORD}'}"
BASIC = "{type: basic, user: guike, password: '${CALLS_PASSWORD}'}"
KEY = "{type: api_key, in: query, name: key, key: '${CALLS_PASSWORD}'}"
HEADER_KEY = "{type: api_key, name: X-Api-Key, key: '${CALLS_PASSWORD}'}"


@dataclass
class Bad:
    """One bad input.

    Attributes:
        says: what the message says is wrong.
        remedy: what it says is to be done.
        behave: how the service answers; STRANGER in it stands for another host.
        options: the spec's, in place of the good ones.
        tables: the same for its tables.
        location: the same for its location; URL stands for the service's.
    """

    says: str
    remedy: str
    behave: Behave | None = None
    options: dict[str, str] | None = None
    tables: str = TABLES
    location: str = "URL"


def always(answer: Reply) -> Behave:
    return lambda *_: answer


def on_page_7(answer: Reply) -> Behave:
    return lambda _, request: answer if request.query.get("page") == "7" else None


def first_page_again(service: Service, request: Request) -> Reply:
    return reply({"data": service.rows[:1], "total": 9, "pages": 9})


def endless(service: Service, request: Request) -> Reply:
    return reply({"data": [{"call_id": request.query["page"], "caller": CUSTOMER, "seconds": 1}]})


def a_total_of(total: object) -> Behave:
    def behave(service: Service, request: Request) -> Reply:
        start = request.number("page") - 1
        return reply({"data": service.rows[start : start + 1], "total": total, "pages": 9})

    return behave


def falling_total(service: Service, request: Request) -> Reply:
    page = request.number("page")
    return reply({"data": service.rows[page - 1 : page], "total": 10 - page})


def looping_cursor(service: Service, request: Request) -> Reply:
    step = int(request.query.get("cursor", "0"))
    return reply({"data": [{"call_id": str(len(service.asked)), "caller": "", "seconds": 1}],
                  "next": str((step + 1) % 3)})  # fmt: skip


def link_to_a_stranger(service: Service, request: Request) -> Reply:
    return reply({"data": service.rows[:1], "next": "STRANGER/api/calls?page=2"})


def token_endpoint(answer: Reply) -> Behave:
    return lambda _, request: answer if request.path == "/token" else None


LOG_IN = Reply(body=b"\n<!DOCTYPE html><title>Log in</title>", headers={"Content-Type": "text/html"})
SHORT = Reply(body=b'{"data": [{"call_id": "1"}]}', closed_after=12)
ECHO = b'{"error": "s3cret-token-4711", "customer": "\xef\xbc\x90138"}'

BAD = {
    "a wrong token": Bad(
        "api/calls, page 1: it answers with status 401", "the variables that token or auth names",
        token_is("another"),
    ),
    "a wrong password": Bad(
        "page 1: it answers with status 401", "the variables that token or auth names",
        always(Reply(401, ECHO)), {"auth": BASIC},
    ),
    "a wrong key in the query": Bad(
        "page 1: it answers with status 401", "the variables that token or auth names",
        always(Reply(401, ECHO)), {"auth": KEY},
    ),
    "a variable that isn't set": Bad(
        "The environment variable CALLS_MISSING is not set", ".env", None, {"token": "${CALLS_MISSING}"}
    ),
    "no right to read": Bad("page 1: it answers with status 403", "Ask who runs", always(Reply(403, ECHO))),
    "no such path": Bad("page 1: it answers with status 404", "the source of the table", always(Reply(404))),
    "a request it doesn't take": Bad(
        "page 1: it answers with status 400", "Check params, body and paging", always(Reply(400, ECHO))
    ),
    "500 on page 7": Bad(
        "page 7: it answers with status 500, also at attempt 2", "it goes on from this page",
        on_page_7(Reply(500, ECHO)),
    ),
    "429 for longer than our patience": Bad(
        "page 7: it wants fewer requests (status 429)", "raise patience",
        on_page_7(Reply(429, headers={"Retry-After": "3600"})),
    ),
    "a page that repeats": Bad(
        "page 2 holds the same rows as an earlier one", "Check the names under paging", first_page_again
    ),
    "pages without end": Bad(
        "there is still no end after 20 pages", "pages under limits", endless
    ),
    "a cursor that loops": Bad(
        "page 4 leads back to a page that has been read", "Check the names under paging",
        looping_cursor, {"paging": "{type: cursor, next: next}"},
    ),
    "a total that is too high": Bad(
        "the service says 12 rows, but gave 9", "ask who runs the service", a_total_of(12)
    ),
    "a total that is too low": Bad(
        "the service says 5 rows, but gave 9", "ask who runs the service", a_total_of("5")
    ),
    "a total that is no number": Bad(
        "page 1: its 'total' is not a number", "pages and total under paging", a_total_of("many")
    ),
    "rows that go on changing": Bad("the rows change while they are read", "let params sort", falling_total),
    "JSON that is cut off": Bad(
        "page 7: its answer is cut off, or isn't JSON", "it goes on from this page",
        on_page_7(Reply(body=b'{"data": [{"call_id": "7", "caller": "\xef\xbc\x90138')),
    ),
    "a web page instead of JSON": Bad(
        "page 1: it answers with a web page instead of JSON", "auth is missing", always(LOG_IN)
    ),
    "a redirect to a log-in page": Bad(
        "page 1: it sends us on to /login", "auth is missing",
        always(Reply(302, headers={"Location": "/login?back=s3cret-token-4711"})),
    ),
    "a redirect to another host": Bad(
        "page 1: it sends us on to http://localhost", "make it the location",
        always(Reply(307, headers={"Location": "STRANGER/api/calls?token=s3cret-token-4711"})),
    ),
    "a redirect with a key in a header": Bad(
        "page 1: it sends us on to http://localhost", "make it the location",
        always(Reply(301, headers={"Location": "STRANGER/api/calls"})), {"auth": HEADER_KEY},
    ),
    "a link to another host": Bad(
        "page 1: its link to the next page leads to another host, localhost", "make it the location",
        link_to_a_stranger, {"paging": "{type: link, next: next}"},
    ),
    "closed in the middle of an answer": Bad(
        "page 7: the connection broke in the middle", "it goes on from this page", on_page_7(SHORT)
    ),
    "no answer in time": Bad(
        "page 7: it doesn't answer in time, also at attempt 2", "raise read under limits",
        on_page_7(Reply(delay=0.8)),
    ),
    "broken packing": Bad(
        "page 7: its answer can't be unpacked", "it goes on from this page",
        on_page_7(Reply(body=b"no gzip", headers={"Content-Encoding": "gzip"})),
    ),
    "another encoding": Bad(
        "page 1: its answer isn't text in the encoding utf-8", "Tell who runs the service",
        always(Reply(body='{"data": [{"call_id": "归客"}]}'.encode("gb18030"))),
    ),
    "an error reported with status 200": Bad(
        "page 1: its answer has no list at 'data'; it has: errcode, errmsg", "Check data under paging",
        always(reply({"errcode": 40001, "errmsg": f"bad token {TOKEN}"})),
    ),
    "rows elsewhere": Bad(
        "page 1: its answer has no list at 'result.items'", "Check data under paging",
        None, {"paging": "{data: result.items}"},
    ),
    "a list without names around it": Bad(
        "page 1: its answer has no list at 'data'", "Check data under paging", always(reply([1, 2]))
    ),
    "a row that is no object": Bad(
        "page 1: row 2 of the page is no object", "a list of objects",
        always(reply({"data": [{"call_id": "1"}, CUSTOMER]})),
    ),
    "a column that is missing": Bad(
        "legacy/api/calls: the columns have changed. Missing: caller. New: phone", "columns of table calls",
        always(reply({"data": [{"call_id": "1", "phone": CUSTOMER, "seconds": 3}], "pages": 1})),
    ),
    "a column that is missing on every page": Bad(
        "Missing: phone. New: call_id", "columns of table calls",
        tables=TABLES.replace("  key: [call_id]\n", "").replace("[call_id, caller, seconds]", "[phone]"),
    ),
    "nothing today": Bad("0 rows after 9", "set floor: 0", always(reply({"data": [], "total": 0}))),
    "nothing listens there": Bad(
        "page 1: nothing answers there", "Check that the service runs", location="http://127.0.0.1:9"
    ),
    "no address": Bad("http://[::bad is not the address", "as https://host", location="http://[::bad"),
    "a port that is none": Bad("page 1: the request can't be made", "Check location", location="http://a:b"),
    "a certificate nobody knows": Bad(
        "page 1: its certificate isn't trusted", "REQUESTS_CA_BUNDLE", location="TLS"
    ),
    "a token that is refused": Bad(
        "page 1: token_url gives no token: it answers with status 400", "Check token_url",
        token_endpoint(Reply(400, ECHO)), {"auth": OAUTH},
    ),
    "a token endpoint that isn't one": Bad(
        "page 1: the answer of token_url is no token", "Check token_url", token_endpoint(LOG_IN),
        {"auth": OAUTH},
    ),
    "a token answer without a token": Bad(
        "page 1: the answer of token_url is no token", "Check token_url",
        token_endpoint(reply({"errcode": 40013})), {"auth": OAUTH},
    ),
}  # fmt: skip


@pytest.fixture
def service() -> Iterator[Service]:
    with serving(Service(calls(9))) as state:
        yield state


@pytest.fixture
def stranger() -> Iterator[Service]:
    """Another host, as far as names go; whatever it is asked is a leak."""
    with serving(Service(calls(9))) as state:
        state.url = state.url.replace("127.0.0.1", "localhost")
        yield state


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, signed by itself, with its key."""
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", path.with_suffix(".crt")],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


@pytest.fixture
def over_tls(certificate: Path) -> Iterator[Service]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(Service(calls(9)), context) as state:
        yield state


@pytest.fixture(scope="module")
def yesterday(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home into which nine calls were loaded."""
    folder = tmp_path_factory.mktemp("yesterday")
    path = folder / "legacy.yml"
    with serving(Service(calls(9))) as state:
        path.write_text(
            "name: legacy\ntitle: {en: Legacy, zh: 旧系统}\nkind: rest\ntrust: 50\ntimezone: Asia/Shanghai\n"
            f"location: {state.url}\ntables: {TABLES}",
            encoding="utf-8",
        )
        home = folder / "home"
        assert (
            extract_system(replace(load_settings(), home=home), load_spec(path), "run-0").status == "loaded"
        )
    return home


@pytest.fixture
def extract(yesterday: Path, settings: Settings) -> Extraction:
    """Extract a system into a copy of yesterday's home."""
    shutil.copytree(yesterday, settings.home)
    return Extraction(settings)


@pytest.fixture
def make(make_spec: MakeSpec, monkeypatch: pytest.MonkeyPatch) -> MakeSpec:
    """A spec with one row per page and little patience."""
    monkeypatch.setenv("CALLS_TOKEN", TOKEN)
    monkeypatch.setenv("CALLS_PASSWORD", PASSWORD)
    limits = "{attempts: 2, backoff: 0, read: 0.4, patience: 60, pages: 20}"

    def build(kind: str, location: object, tables: str, **options: object) -> object:
        login = {} if "auth" in options else {"token": "${CALLS_TOKEN}"}
        return make_spec(kind, location, tables, **{"page_size": 1, "limits": limits, **login, **options})

    return build  # type: ignore[return-value]


def towards(stranger: Service, behave: Behave | None) -> Behave | None:
    """`behave` with the other host's address for STRANGER."""
    if behave is None:
        return None

    def answer(service: Service, request: Request) -> Reply | None:
        found = behave(service, request)
        if found is None:
            return None
        headers = {name: value.replace("STRANGER", stranger.url) for name, value in found.headers.items()}
        body = found.body.replace(b"STRANGER", stranger.url.encode())
        return Reply(found.status, body, headers, found.closed_after, found.delay)

    return answer


@pytest.mark.parametrize("case", BAD)
def test_bad_services(
    make: MakeSpec, service: Service, stranger: Service, over_tls: Service, extract: Extraction,
    caplog: pytest.LogCaptureFixture, case: str,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    bad = BAD[case]
    service.behave = towards(stranger, bad.behave)
    location = {"URL": service.url, "TLS": over_tls.url}.get(bad.location, bad.location)
    options = {name: text.replace("URL", service.url) for name, text in (bad.options or {}).items()}

    load = extract(make("rest", location, bad.tables, **options))

    assert load.status == "stale"
    what, _, remedy = (load.message or "").partition("\n  → ")
    assert bad.says in what
    assert bad.remedy in remedy
    assert "legacy" in what or "CALLS_MISSING" in what
    for secret in (TOKEN, PASSWORD, "s3cret%2Fpass", "s3cret/pass+word", CUSTOMER):
        assert secret not in (load.message or "")
        assert secret not in caplog.text
    assert extract.ask("select count(*), sum(seconds::int) from raw_legacy.calls") == [(9, 450)]
    assert not stranger.asked


def test_a_service_that_recovers_is_read_to_the_end(
    make: MakeSpec, service: Service, extract: Extraction
) -> None:
    spec = make("rest", service.url, TABLES)
    service.rows = calls(12)
    service.behave = on_page_7(Reply(500))
    assert extract(spec).status == "stale"
    service.behave = None
    assert extract(spec).status == "loaded"
    assert extract.ask("select count(*) from raw_legacy.calls") == [(12,)]


def test_a_certificate_that_is_trusted(
    make: MakeSpec, over_tls: Service, extract: Extraction, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.with_suffix(".crt")))
    assert extract(make("rest", over_tls.url, TABLES)).status == "unchanged"


def test_a_log_in_is_given_up_at_once(make: MakeSpec, service: Service, extract: Extraction) -> None:
    """An account is locked by those who try again and again."""
    service.behave = always(Reply(401))
    extract(make("rest", service.url, TABLES))
    assert len(service.asked) == 1
