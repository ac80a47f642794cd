"""Tell somebody: a message to a group chat (WeCom, DingTalk, Slack) or by e-mail.

Comes in: a subject and a text, and the settings named GUIKE_NOTIFY_… (docs/operations.md). Goes out: one POST
to the webhook, one e-mail, or nothing where neither is set up. Whoever sends must not be stopped by it: what
goes wrong is logged and given back, never raised, and nothing waits longer than a quarter of a minute. The
webhook's address is itself a secret, as whoever knows it may post; it appears in no message and no log.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import smtplib
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote_plus, urlsplit

import requests

from pipelines.i18n import t
from pipelines.settings import Settings, environment

FORMATS = ("wecom", "dingtalk", "slack")
_LONGEST_WAIT = 15.0
_TIMEOUT = (5.0, 8.0)  # to connect, and between two bytes of the answer; seconds
# In bytes of UTF-8; a longer message would be refused, or cut in the middle of a character.
_LONGEST = {"wecom": 2_000, "dingtalk": 15_000, "slack": 30_000}
_SMTP_PORTS = {"smtp": 587, "smtps": 465}
_log = logging.getLogger("guike.notify")


class NotSent(Exception):
    """Why a message didn't get through, in words that hold no secret."""


@dataclass(frozen=True)
class Delivery:
    """What became of a message on one way.

    Attributes:
        channel: wecom, dingtalk, slack or e-mail.
        problem: why it didn't arrive; None where it did.
    """

    channel: str
    problem: str | None = None

    @property
    def arrived(self) -> bool:
        """Whether the other side took it."""
        return self.problem is None


@dataclass(frozen=True)
class Channels:
    """Where messages go; read at the moment of use, and never shown.

    Attributes:
        score_drop: by how much a system's score must fall to be worth a message, as a fraction.
    """

    webhook: str = field(default="", repr=False)
    format: str = ""
    secret: str = field(default="", repr=False)
    smtp: str = ""
    smtp_user: str = field(default="", repr=False)
    smtp_password: str = field(default="", repr=False)
    sender: str = ""
    receivers: tuple[str, ...] = ()
    score_drop: float = 0.05


def channels(env: Mapping[str, str] | None = None) -> Channels:
    """The settings named GUIKE_NOTIFY_…; what can't be used is told when it is used."""
    given = environment() if env is None else env

    def value(name: str) -> str:
        return given.get(f"GUIKE_NOTIFY_{name}", "").strip()

    receivers = value("EMAIL_TO").replace(";", ",").split(",")
    return Channels(
        webhook=value("WEBHOOK"),
        format=value("FORMAT").lower() or _format_of(value("WEBHOOK")),
        secret=value("SECRET"),
        smtp=value("SMTP"),
        smtp_user=value("SMTP_USER"),
        smtp_password=value("SMTP_PASSWORD"),
        sender=value("EMAIL_FROM") or value("SMTP_USER"),
        receivers=tuple(one.strip() for one in receivers if one.strip()),
        score_drop=_fraction(value("SCORE_DROP")),
    )


def notify(settings: Settings, subject: str, text: str) -> list[Delivery]:
    """Send a message on every way that is set up; gives what became of it on each.

    Never raises, and takes no longer than `_LONGEST_WAIT` seconds for each way.

    Args:
        settings: for the company's name, which stands before the subject.
        subject: one line.
        text: some lines; no personal data belongs in it.
    """
    try:
        given = channels()
    except Exception as error:
        return [_told(Delivery("–", str(error)))]
    subject = f"Guike · {settings.company.get('zh') or settings.company['en']} · {_one_line(subject)}"
    ways: list[tuple[str, Callable[[], None]]] = []
    if given.webhook:
        ways.append((given.format or "webhook", lambda: _post(given, subject, text)))
    if given.smtp or given.receivers:
        ways.append(("e-mail", lambda: _mail(given, subject, text)))
    return [_told(Delivery(name, _in_time(send))) for name, send in ways]


def _told(delivery: Delivery) -> Delivery:
    if delivery.arrived:
        _log.info(t("Message sent by {channel}.", channel=delivery.channel))
    else:
        _log.warning(
            t("The message by {channel} did not arrive: {reason}",
              channel=delivery.channel, reason=delivery.problem)
        )  # fmt: skip
    return delivery


def _in_time(send: Callable[[], None]) -> str | None:
    """Why `send` failed, or None; one that hangs is left in its thread, which ends with the process."""
    problems: list[str | None] = []

    def work() -> None:
        try:
            send()
            problems.append(None)
        except NotSent as error:
            problems.append(str(error))
        except Exception as error:  # the library's own words may hold the address, and with it the secret
            problems.append(type(error).__name__)

    thread = threading.Thread(target=work, name="guike-notify", daemon=True)
    thread.start()
    thread.join(_LONGEST_WAIT)
    return problems[0] if problems else t("no answer within {seconds:.0f} seconds", seconds=_LONGEST_WAIT)


def _post(given: Channels, subject: str, text: str) -> None:
    """Post the message to the webhook, in the form that its service wants."""
    if given.format not in FORMATS:
        raise NotSent(
            t("GUIKE_NOTIFY_FORMAT is '{format}'; write one of {formats}",
              format=given.format, formats=", ".join(FORMATS))
        )  # fmt: skip
    if urlsplit(given.webhook).scheme not in ("http", "https"):
        raise NotSent(t("GUIKE_NOTIFY_WEBHOOK is no address that begins with https://"))
    body = payload(given.format, _cut(f"{subject}\n\n{text}", _LONGEST[given.format]))
    url = signed(given.webhook, given.secret, time.time()) if given.format == "dingtalk" else given.webhook
    try:
        with _unlogged():
            answer = requests.post(url, json=body, timeout=_TIMEOUT, allow_redirects=False)
    except requests.Timeout:
        raise NotSent(t("the service gave no answer in time")) from None
    except requests.exceptions.SSLError:
        raise NotSent(t("the service's certificate is not trusted")) from None
    except requests.RequestException:
        raise NotSent(t("the service can't be reached")) from None
    if answer.status_code != requests.codes.ok:
        raise NotSent(t("the service answered with status {status}", status=answer.status_code))
    _expect_taken(given.format, answer)


@contextmanager
def _unlogged() -> Iterator[None]:
    """urllib3 logs addresses at level DEBUG, which somebody may have switched on; not this thread's."""
    logger, here = logging.getLogger("urllib3.connectionpool"), threading.get_ident()

    def from_elsewhere(record: logging.LogRecord) -> bool:
        return record.thread != here

    logger.addFilter(from_elsewhere)
    try:
        yield
    finally:
        logger.removeFilter(from_elsewhere)


def payload(kind: str, message: str) -> dict[str, Any]:
    """The message as JSON for the webhook of `kind`."""
    if kind == "slack":
        return {"text": message.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}
    return {"msgtype": "text", "text": {"content": message}}


def signed(webhook: str, secret: str, moment: float) -> str:
    """DingTalk's address with its signature, where the robot has a secret; `moment` in seconds since 1970.

    HMAC-SHA256 of "<milliseconds>\\n<secret>", with the secret as its key, in base64.
    """
    if not secret:
        return webhook
    milliseconds = str(round(moment * 1000))
    digest = hmac.new(secret.encode(), f"{milliseconds}\n{secret}".encode(), hashlib.sha256).digest()
    joint = "&" if "?" in webhook else "?"
    return f"{webhook}{joint}timestamp={milliseconds}&sign={quote_plus(base64.b64encode(digest))}"


def _expect_taken(kind: str, answer: requests.Response) -> None:
    """WeCom and DingTalk answer 200 to everything; the code inside says whether they took it."""
    if kind == "slack":
        return
    try:
        code = answer.json()["errcode"]
    except (ValueError, KeyError, TypeError):
        raise NotSent(t("the answer is not that of {channel}", channel=kind)) from None
    if code != 0:
        raise NotSent(t("the service refused it with code {code}", code=_one_line(str(code))[:20]))


def _mail(given: Channels, subject: str, text: str) -> None:
    """Send the message by SMTP: encrypted, or without a password."""
    try:
        address = urlsplit(given.smtp if "://" in given.smtp else f"smtp://{given.smtp}")
        port = address.port or _SMTP_PORTS.get(address.scheme)
    except ValueError:  # a port that is none, or no address
        address, port = urlsplit(""), None
    if (address.scheme not in _SMTP_PORTS or not port or not address.hostname
            or not given.receivers or not given.sender):  # fmt: skip
        raise NotSent(t(
            "GUIKE_NOTIFY_SMTP (smtp://host:587 or smtps://host:465), GUIKE_NOTIFY_EMAIL_FROM and "
            "GUIKE_NOTIFY_EMAIL_TO belong together"
        ))  # fmt: skip
    message = EmailMessage()
    message["Subject"], message["From"] = subject, given.sender
    message["To"], message["Date"] = ", ".join(given.receivers), formatdate(localtime=False)
    message["Message-ID"] = make_msgid(domain="guike.invalid")
    message.set_content(text)
    try:
        with _opened(address.scheme, address.hostname, port) as server:
            if given.smtp_user:
                server.login(given.smtp_user, given.smtp_password)
            refused = server.send_message(message)
    except smtplib.SMTPAuthenticationError:
        raise NotSent(t("the mail server refused user or password")) from None
    except smtplib.SMTPRecipientsRefused:
        raise NotSent(t("the mail server refused all receivers")) from None
    except smtplib.SMTPException as error:
        raise NotSent(t("the mail server refused it ({kind})", kind=type(error).__name__)) from None
    except OSError as error:
        raise NotSent(t("the mail server can't be reached ({kind})", kind=type(error).__name__)) from None
    if refused:
        raise NotSent(t("the mail server refused {refused} of {receivers} receivers",
                        refused=len(refused), receivers=len(given.receivers)))  # fmt: skip


def _opened(scheme: str, host: str, port: int) -> smtplib.SMTP:
    """A connection that is encrypted, except to this machine or where the server offers none to nobody."""
    context = ssl.create_default_context()
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT[1], context=context)
    server = smtplib.SMTP(host, port, timeout=_TIMEOUT[1])
    try:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
        elif not _is_here(host):
            raise NotSent(t("the mail server offers no encryption; give its smtps:// address"))
    except BaseException:
        server.close()
        raise
    return server


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _format_of(webhook: str) -> str:
    """The service that a webhook's host belongs to, where it is one of the three."""
    host = urlsplit(webhook).hostname or ""
    known = {"qyapi.weixin.qq.com": "wecom", "oapi.dingtalk.com": "dingtalk", "hooks.slack.com": "slack"}
    return known.get(host, "")


def _fraction(text: str) -> float:
    """A share such as 0.05 or 5%."""
    if not text:
        return Channels.score_drop
    number = text.rstrip("%")
    try:
        share = float(number) / (100 if number != text else 1)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise ValueError(t("GUIKE_NOTIFY_SCORE_DROP is '{text}', which is no share such as 0.05", text=text))
    return share


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str, longest: int) -> str:
    """`text` in at most `longest` bytes of UTF-8, whole characters."""
    encoded = text.encode()
    if len(encoded) <= longest:
        return text
    return encoded[: longest - 4].decode(errors="ignore") + " …"
