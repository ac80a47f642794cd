"""HTTP requests that are repeated where that helps, and refused where they would leak a secret.

Comes in: prepared requests. Goes out: answers that succeeded, or an exception that says which request failed
and why. Repeated are time-outs, broken connections, broken packing, 429 and 5xx: after as long as Retry-After
says, else after a time that doubles and varies, so that many clients don't come back in step. Redirects
aren't followed: a key in a header would go along to any host.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from dlt.sources.helpers.requests.session import Session
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from pipelines.extract.options import Limits
from pipelines.i18n import t

_HOPELESS = (requests.exceptions.SSLError, requests.exceptions.ProxyError)
_LONGEST_BACKOFF = 60.0

Renew = Callable[[requests.PreparedRequest], None]


class BadAnswer(requests.RequestException):
    """An answer that can't be used.

    Args:
        reason: what is wrong with it, for the user, without anything of the answer's contents.
        remedy: what to do about it, or None where only asking again can help.
    """

    def __init__(self, reason: str, remedy: str | None, *, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.remedy, self.status = reason, remedy, status


class CutOff(BadAnswer):
    """An answer that isn't whole."""


_BROKEN = (
    requests.ConnectionError, requests.Timeout, CutOff,
    requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError,
)  # fmt: skip


class PatientSession(Session):
    """dlt's session with time-outs, which also repeats requests.

    Attributes:
        renew: gives a request new credentials after a 401, once; None where they don't expire.
    """

    def __init__(self, limits: Limits) -> None:
        super().__init__(timeout=(limits.connect, limits.read), raise_for_status=False)
        self.renew: Renew | None = None
        self._limits = limits

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """The answer to `request`, sent as often as the limits allow.

        Raises:
            BadAnswer: a status that is no success.
            requests.RequestException: no answer came.
        """
        kwargs["allow_redirects"] = False
        give_up = time.monotonic() + self._limits.patience
        renewed, attempt = False, 0
        while True:
            attempt += 1
            answer = self._try(request, kwargs)
            if isinstance(answer, requests.Response):
                if 200 <= answer.status_code < 300:
                    return answer
                if answer.status_code == HTTPStatus.UNAUTHORIZED and self.renew and not renewed:
                    self.renew(request)
                    renewed = True
                    continue
            wait = self._wait(answer, attempt)
            if wait is None or attempt >= self._limits.attempts or time.monotonic() + wait > give_up:
                raise answer if isinstance(answer, Exception) else _refused(answer, attempt)
            time.sleep(wait)

    def _try(
        self, request: requests.PreparedRequest, kwargs: dict[str, Any]
    ) -> requests.Response | requests.RequestException:
        try:
            response: requests.Response = super().send(request, **kwargs)  # type: ignore[no-untyped-call]
            return response
        except _HOPELESS:
            raise
        except _BROKEN as error:
            return error

    def _wait(self, answer: requests.Response | Exception, attempt: int) -> float | None:
        """Seconds until the next attempt; None if another one is no use."""
        doubled = min(self._limits.backoff * 2.0 ** (attempt - 1), _LONGEST_BACKOFF)
        backoff = doubled * random.uniform(0.5, 1.5)
        if not isinstance(answer, requests.Response):
            return backoff
        if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS and answer.status_code < 500:
            return None
        asked = retry_after(answer.headers.get("Retry-After"))
        return backoff if asked is None else max(asked, backoff)


def retry_after(header: str | None) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or an HTTP date; None if neither."""
    text = (header or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _refused(response: requests.Response, attempts: int) -> BadAnswer:
    status = response.status_code
    reason = t("it answers with status {status}", status=status)
    remedy = None
    if response.is_redirect:
        reason = t("it sends us on to {place}", place=_place(response.headers.get("Location", "")))
        remedy = t("If that is right, make it the location; a log-in page there means that auth is missing.")
    elif status == HTTPStatus.UNAUTHORIZED:
        remedy = t("Check the variables that token or auth names: the credentials are wrong or have expired.")
    elif status == HTTPStatus.FORBIDDEN:
        remedy = t("Ask who runs the service to let these credentials read it.")
    elif status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        remedy = t("Check location, and the source of the table.")
    elif status == HTTPStatus.TOO_MANY_REQUESTS:
        reason = t("it wants fewer requests (status 429), also at attempt {attempts}", attempts=attempts)
        remedy = t("Run again later, or raise patience under limits.")
    elif status >= 500:
        reason = t("it answers with status {status}, also at attempt {attempts}",
                   status=status, attempts=attempts)  # fmt: skip
    elif status >= 400:
        remedy = t("Check params, body and paging: the service takes the request for a wrong one.")
    return BadAnswer(reason, remedy, status=status)


def _place(address: str) -> str:
    """An address without what could be secret in it."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    return (
        f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}" if host else parts.path
    )


def broken_reason(error: Exception, limits: Limits) -> tuple[str, str | None]:
    """Why no answer came and what to do, without the request's address: it may hold a key."""
    if isinstance(error, BadAnswer):
        return error.reason, error.remedy
    if isinstance(error, requests.exceptions.ProxyError):
        return t("the proxy lets no request through"), t("Check HTTPS_PROXY and NO_PROXY.")
    if isinstance(error, requests.exceptions.SSLError):
        return (
            t("its certificate isn't trusted, or it doesn't speak TLS"),
            t("If the certificate is the company's own, name its CA file in REQUESTS_CA_BUNDLE."),
        )
    inner = error.args[0] if error.args else None
    if isinstance(error, requests.Timeout) or isinstance(inner, ReadTimeoutError):
        return (
            t("it doesn't answer in time, also at attempt {attempts}", attempts=limits.attempts),
            t("Run again; if it is always so slow, raise read under limits or lower page_size."),
        )
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return t("its answer can't be unpacked"), None
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or isinstance(inner, ProtocolError):
        return t("the connection broke in the middle of an answer"), None
    if isinstance(error, requests.ConnectionError):
        return t("nothing answers there"), t("Check that the service runs, and the location.")
    return t("the request can't be made"), t("Check location, and the source of the table.")


@contextmanager
def quiet_urllib3() -> Iterator[None]:
    """No debug lines from urllib3 while the block runs: they hold the query, and so an API key."""
    logger = logging.getLogger("urllib3")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
