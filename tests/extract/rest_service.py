"""A REST service on loopback whose answers a test decides, and which remembers what it was asked.

`behave` is called for each request; where it gives None, the service answers as it should for `style`.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Row = dict[str, Any]

TABLES = """
- name: calls
  source: api/calls
  key: [call_id]
  snapshot: the service has no filter by time
  columns: [call_id, caller, seconds]
"""

# Each way to page: the style in which the service answers, and the spec's paging.
PAGING = {
    "page": ("page", "{}"),
    "offset": ("offset", "{type: offset}"),
    "cursor": ("cursor", "{type: cursor, cursor: after, next: meta.next}"),
    "link in the header": ("header", "{type: link, data: ''}"),
    "link in the answer": ("json", "{type: link, next: '@odata.nextLink'}"),
}


@dataclass
class Request:
    """What was asked."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]

    def number(self, name: str) -> int:
        """A parameter, from the query or the JSON body."""
        return int(self.query[name] if name in self.query else self.body[name])


@dataclass
class Reply:
    """What is answered. With `closed_after` the connection is closed after so many bytes of the body."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    closed_after: int | None = None
    delay: float = 0


Behave = Callable[["Service", Request], Reply | None]


def reply(document: Any, **headers: str) -> Reply:
    """A JSON document as an answer."""
    return Reply(200, json.dumps(document, ensure_ascii=False).encode(), headers)


@dataclass
class Service:
    """The rows, how they are paged, and everything that was asked so far."""

    rows: list[Row]
    style: str = "page"
    most: int = 1000
    behave: Behave | None = None
    asked: list[Request] = field(default_factory=list)
    url: str = ""

    def answer(self, request: Request) -> Reply:
        """The right page, in the form of `style`; never more rows than `most`."""
        size = min(int(request.query.get("size") or (request.body or {}).get("size") or 1000), self.most)
        if self.style == "page":
            start = (request.number("page") - 1) * size
        elif self.style == "offset":
            start = request.number("offset")
        else:
            start = int(request.query.get("after", "0"))
        rows, end = self.rows[start : start + size], start + size
        following = str(end) if end < len(self.rows) else None
        if self.style == "cursor":
            return reply({"data": rows, "meta": {"next": following}})
        if self.style == "header":
            link = {"Link": f'</api/calls?size={size}&after={following}>; rel="next"'} if following else {}
            return reply(rows, **link)
        if self.style == "json":
            address = f"{self.url}/api/calls?size={size}&after={following}" if following else None
            return reply({"data": rows, "@odata.nextLink": address})
        if self.style == "offset":
            return reply({"data": rows, "total": len(self.rows)})
        return reply({"data": rows, "pages": -(-len(self.rows) // size), "total": len(self.rows)})

    def values(self, name: str) -> list[str]:
        """The values of a query parameter, in the order in which they were asked for."""
        return [request.query[name] for request in self.asked if name in request.query]


class _Handler(BaseHTTPRequestHandler):
    service: Service

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        is_json = "json" in self.headers["Content-Type"]
        self._answer(json.loads(content) if is_json else dict(parse_qsl(content.decode())))

    def _answer(self, body: Any) -> None:
        url = urlsplit(self.path)
        request = Request(self.command, url.path, dict(parse_qsl(url.query)), body, dict(self.headers))
        self.service.asked.append(request)
        answer = self.service.behave(self.service, request) if self.service.behave else None
        self._send(answer or self.service.answer(request))

    def _send(self, answer: Reply) -> None:
        time.sleep(answer.delay)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: answer.closed_after])
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(service: Service, tls: ssl.SSLContext | None = None) -> Iterator[Service]:
    """Serve while the block runs, on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"service": service}))
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that go away are meant
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    service.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()


def calls(count: int) -> list[Row]:
    """So many calls, all different."""
    return [{"call_id": str(n), "caller": "０138", "seconds": n * 10} for n in range(1, count + 1)]


def ids(rows: list[tuple[str | None, ...]]) -> list[str | None]:
    """The first column."""
    return [row[0] for row in rows]


def token_is(token: str) -> Behave:
    """401 for whoever doesn't bear `token`."""

    def behave(service: Service, request: Request) -> Reply | None:
        given = request.headers.get("Authorization")
        return None if given == f"Bearer {token}" else Reply(401, b'{"error": "no"}')

    return behave
