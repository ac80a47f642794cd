"""The call centre's REST service, on loopback: bearer token, pages, JSON.

Comes in: `calls.jsonl` and `tickets.jsonl` in the sources' folder `callcentre`. Goes out, over HTTP:
GET /api/calls?page=1&size=1000 → {"data": […], "page": 1, "pages": n, "total": m}, the same for
/api/tickets; 401 without `Authorization: Bearer demo-token`. Lines are found by their byte offsets and
passed on unparsed, so a page costs one read whatever the size of the file.
"""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np

TOKEN = "demo-token"
PORT = 8765
MAX_SIZE = 10_000
RESOURCES = ("calls", "tickets")


class Lines:
    """A file of JSON lines, read by line number."""

    def __init__(self, path: Path) -> None:
        self._path = path
        content = np.fromfile(path, dtype=np.uint8)
        self._ends = np.flatnonzero(content == ord("\n")) + 1

    def __len__(self) -> int:
        return len(self._ends)

    def page(self, number: int, size: int) -> bytes:
        """The lines of page `number` (from 1), `size` to a page, as the inside of a JSON array."""
        first, last = (number - 1) * size, min(number * size, len(self))
        if first >= last:
            return b""
        start = int(self._ends[first - 1]) if first else 0
        with self._path.open("rb") as file:
            file.seek(start)
            return file.read(int(self._ends[last - 1]) - start).rstrip(b"\n").replace(b"\n", b",")


class _Handler(BaseHTTPRequestHandler):
    """Answers GET requests for the resources."""

    protocol_version = "HTTP/1.1"

    def __init__(self, resources: dict[str, Lines], *args: Any) -> None:
        self._resources = resources
        super().__init__(*args)

    def do_GET(self) -> None:
        """One page of one resource, or the error that fits."""
        address = urlsplit(self.path)
        query = parse_qs(address.query)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._error(HTTPStatus.UNAUTHORIZED, "a valid bearer token is required")
            return
        lines = self._resources.get(address.path.removeprefix("/api/"))
        if lines is None or not address.path.startswith("/api/"):
            self._error(HTTPStatus.NOT_FOUND, "no such resource")
            return
        try:
            page, size = int(query.get("page", ["1"])[0]), int(query.get("size", ["1000"])[0])
        except ValueError:
            page = size = 0
        if page < 1 or not 1 <= size <= MAX_SIZE:
            self._error(HTTPStatus.BAD_REQUEST, f"page from 1, size from 1 to {MAX_SIZE}")
            return
        pages = -(-len(lines) // size)
        tail = f'],"page":{page},"pages":{pages},"total":{len(lines)}}}'.encode()
        self._send(HTTPStatus.OK, b'{"data":[' + lines.page(page, size) + tail)

    def _error(self, status: HTTPStatus, reason: str) -> None:
        self._send(status, f'{{"error":"{reason}"}}'.encode())

    def _send(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet: requests are of no interest to who runs the demo."""


@contextmanager
def serve(folder: Path, port: int = PORT) -> Iterator[str]:
    """Serve the demo in `folder` (as given to `make_demo`) while the block runs; yields the base URL.

    `port` 0 takes any free one.

    Raises:
        FileNotFoundError: the folder holds no demo.
        OSError: the port is taken.
    """
    data = Path(folder) / "sources" / "callcentre"
    resources = {name: Lines(data / f"{name}.jsonl") for name in RESOURCES}
    with ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, resources)) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, name="callcentre", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def main(arguments: list[str] | None = None) -> None:
    """`python -m pipelines.demo.server --home DIR [--port N]`: serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.demo.server")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--port", type=int, default=PORT)
    options = parser.parse_args(arguments)
    with serve(options.home, options.port) as url:
        print(url, flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
