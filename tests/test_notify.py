"""Messages arrive in each service's own form, and what goes wrong is told without the secrets.

Failing means that nobody hears of a stopped run, that a run fails because a chat is down, or that an address
by which anybody may post to the company's chat stands in a log.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pipelines import notify as notifying
from pipelines.notify import channels, notify, signed
from pipelines.settings import load_settings

SECRET = "SEC0123456789abcdef"
VARIABLES = ("WEBHOOK", "FORMAT", "SECRET", "SMTP", "SMTP_USER", "SMTP_PASSWORD", "EMAIL_FROM", "EMAIL_TO")


class _Chat(HTTPServer):
    """A group chat's server that keeps what is posted, and answers what it is told to."""

    def __init__(self, status: int, answer: bytes, wait: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.answer, self.wait = status, answer, wait
        self.posted: list[tuple[str, dict[str, Any]]] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Chat

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, json.loads(body)))
        time.sleep(self.server.wait)
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def _chat(status: int = 200, answer: bytes = b'{"errcode": 0}', wait: float = 0.0) -> Iterator[_Chat]:
    server = _Chat(status, answer, wait)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "SCORE_DROP"):
        monkeypatch.setenv(f"GUIKE_NOTIFY_{name}", "")


def _set(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"GUIKE_NOTIFY_{name.upper()}", value)


def _address(server: _Chat) -> str:
    return f"http://127.0.0.1:{server.server_port}/robot/send?key={SECRET}"


def test_nothing_is_sent_where_nothing_is_set_up() -> None:
    assert notify(load_settings(), "Gate 1", "stopped") == []


@pytest.mark.parametrize("kind", ["wecom", "dingtalk"])
def test_chinese_services_get_text_and_must_say_that_they_took_it(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    with _chat() as server:
        _set(monkeypatch, webhook=_address(server), format=kind)
        [delivery] = notify(load_settings(), "关卡\n停止", "客户 <b> & 3 条")
        server.answer = b'{"errcode": 93000, "errmsg": "invalid webhook url"}'
        [refused] = notify(load_settings(), "Gate", "x")
        server.answer = b"<html>a proxy's page</html>"
        [strange] = notify(load_settings(), "Gate", "x")
    assert (delivery.channel, delivery.arrived) == (kind, True)
    body = server.posted[0][1]
    assert body["msgtype"] == "text"
    assert body["text"]["content"].splitlines()[0].endswith("关卡 停止")
    assert "客户 <b> & 3 条" in body["text"]["content"]
    assert not refused.arrived
    assert "93000" in str(refused.problem)
    assert not strange.arrived


def test_slack_gets_its_own_form(monkeypatch: pytest.MonkeyPatch) -> None:
    with _chat(answer=b"ok") as server:
        _set(monkeypatch, webhook=_address(server), format="slack")
        [delivery] = notify(load_settings(), "Gate 1", "<!channel> & more")
    assert delivery.arrived
    assert server.posted[0][1]["text"].endswith("&lt;!channel&gt; &amp; more")


def test_dingtalk_is_signed_as_its_documentation_says(monkeypatch: pytest.MonkeyPatch) -> None:
    address = signed("https://oapi.dingtalk.com/robot/send?access_token=t", "SECabc", 1_600_000_000.0)
    assert parse_qs(urlsplit(address).query) == {
        "access_token": ["t"],
        "timestamp": ["1600000000000"],
        # printf '1600000000000\nSECabc' | openssl dgst -sha256 -hmac SECabc -binary | base64
        "sign": ["ABcUcMOwyGGKmiNbHqEbhvKpuIGkMXqT1gAGfAAmnk8="],
    }
    with _chat() as server:
        _set(monkeypatch, webhook=_address(server), format="dingtalk", secret="SECabc")
        [delivery] = notify(load_settings(), "Gate 1", "x")
    assert delivery.arrived
    assert set(parse_qs(urlsplit(server.posted[0][0]).query)) == {"key", "timestamp", "sign"}


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_failure_is_told_without_the_address(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    with _chat(status) as server:
        _set(monkeypatch, webhook=_address(server), format="wecom")
        [delivery] = notify(load_settings(), "Gate 1", "x")
    assert str(status) in str(delivery.problem)
    assert len(server.posted) == 1
    assert SECRET not in caplog.text + str(delivery)


def test_no_service_and_wrong_settings_fail_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = load_settings()
    for webhook, kind in (
        (f"http://127.0.0.1:9/send?key={SECRET}", "wecom"),
        (f"https://127.0.0.1:9/{SECRET}", "teams"),
        (f"file:///{SECRET}", "slack"),
        (f"http://[{SECRET}", "slack"),
    ):
        _set(monkeypatch, webhook=webhook, format=kind, secret=SECRET)
        assert [delivery.arrived for delivery in notify(settings, "Gate 1", "x")] == [False]
    _set(monkeypatch, score_drop="much")
    assert [delivery.arrived for delivery in notify(settings, "Gate 1", "x")] == [False]
    assert SECRET not in caplog.text
    assert SECRET not in repr(
        channels({"GUIKE_NOTIFY_WEBHOOK": SECRET, "GUIKE_NOTIFY_SMTP_PASSWORD": SECRET})
    )


def test_one_that_never_answers_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifying, "_LONGEST_WAIT", 0.2)
    with _chat(wait=0.8) as server:
        _set(monkeypatch, webhook=_address(server), format="wecom")
        started = time.monotonic()
        [delivery] = notify(load_settings(), "Gate 1", "x")
        assert time.monotonic() - started < 0.7
    assert not delivery.arrived


def test_a_long_message_is_cut_between_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    with _chat() as server:
        _set(monkeypatch, webhook=_address(server), format="wecom")
        notify(load_settings(), "Gate 1", "客" * 5_000)
    content = server.posted[0][1]["text"]["content"]
    assert 1_990 < len(content.encode()) <= 2_000
    assert content.endswith("客 …")


@pytest.mark.parametrize(("text", "share"), [("", 0.05), ("0.1", 0.1), ("2%", 0.02), ("1", 1.0)])
def test_the_threshold_is_a_share(text: str, share: float) -> None:
    assert channels({"GUIKE_NOTIFY_SCORE_DROP": text}).score_drop == pytest.approx(share)


@pytest.mark.parametrize("text", ["0", "-0.1", "5", "five", "nan"])
def test_a_threshold_that_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="GUIKE_NOTIFY_SCORE_DROP"):
        channels({"GUIKE_NOTIFY_SCORE_DROP": text})


class _MailServer:
    """Speaks as much SMTP as is needed to take one message; `refuse` is answered to RCPT."""

    def __init__(self, refuse: bool = False) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.lines: list[str] = []
        self.refuse = refuse
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def _serve(self) -> None:
        connection, _ = self.socket.accept()
        stream = connection.makefile("rwb")

        def say(line: str) -> None:
            stream.write(f"{line}\r\n".encode())
            stream.flush()

        say("220 here")
        in_data = False
        for raw in stream:
            line = raw.decode().rstrip("\r\n")
            self.lines.append(line)
            if in_data:
                if line == ".":
                    in_data = False
                    say("250 taken")
            elif line.upper().startswith("EHLO"):
                say("250-here\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME")
            elif line.upper().startswith("AUTH"):
                say("235 welcome")
            elif line.upper().startswith("RCPT") and self.refuse:
                say("550 nobody of that name")
            elif line.upper() == "DATA":
                in_data = True
                say("354 go on")
            elif line.upper() == "QUIT":
                say("221 bye")
                break
            else:
                say("250 fine")
        connection.close()
        self.socket.close()


def test_an_e_mail_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    server = _MailServer()
    _set(
        monkeypatch, smtp=f"smtp://127.0.0.1:{server.port}", smtp_user="guike@example.com",
        smtp_password=SECRET, email_to="wang@example.com; li@example.com",
    )  # fmt: skip
    [delivery] = notify(load_settings(), "Gate 1 stops the run", "三条记录被搁置")
    server.thread.join(5)
    assert delivery.arrived, delivery.problem
    told = [line for line in server.lines if line.upper().startswith("RCPT")]
    assert [line.split("<")[1].rstrip(">") for line in told] == ["wang@example.com", "li@example.com"]
    assert any(line.startswith("From: guike@example.com") for line in server.lines)


def test_a_mail_server_that_refuses_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    server = _MailServer(refuse=True)
    _set(
        monkeypatch, smtp=f"127.0.0.1:{server.port}", smtp_user="guike@example.com",
        smtp_password=SECRET, email_to="wang@example.com",
    )  # fmt: skip
    [delivery] = notify(load_settings(), "Gate 1", "x")
    assert not delivery.arrived
    assert SECRET not in caplog.text + str(delivery)


def test_a_password_is_not_sent_unencrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told by a name that isn't this machine's own, though it leads here."""
    server = _MailServer()
    monkeypatch.setattr(notifying, "_is_here", lambda host: False)
    _set(
        monkeypatch, smtp=f"smtp://127.0.0.1:{server.port}", smtp_user="guike@example.com",
        smtp_password=SECRET, email_to="wang@example.com",
    )  # fmt: skip
    [delivery] = notify(load_settings(), "Gate 1", "x")
    assert not delivery.arrived
    assert not [line for line in server.lines if line.upper().startswith("AUTH")]


@pytest.mark.parametrize(
    "given",
    [
        {"email_to": "wang@example.com"},
        {"email_to": "wang@example.com", "email_from": "g@example.com", "smtp": "smtp://mail:x"},
        {"email_to": "wang@example.com", "email_from": "g@example.com", "smtp": "smtp://mail:99999"},
        {"email_to": "wang@example.com", "email_from": "g@example.com", "smtp": "https://mail:443"},
        {"email_to": "wang@example.com", "email_from": "g@example.com", "smtp": "smtp://[::1"},
    ],
)
def test_mail_settings_that_cannot_work_are_told(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str]
) -> None:
    _set(monkeypatch, **given)
    [delivery] = notify(load_settings(), "Gate 1", "x")
    assert "GUIKE_NOTIFY_SMTP" in str(delivery.problem)
