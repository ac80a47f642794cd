"""Rows of a paginated REST service with a bearer token.

Comes in: a spec of kind rest. Goes out: Arrow batches of text, a page each. dlt's client does the paging and
the retries; what it doesn't do is compare the rows with the total that the service itself gives, which is how
a page that got lost is noticed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pyarrow as pa
import requests
from dlt.sources.helpers.requests import Client
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator

from pipelines.errors import GuikeError
from pipelines.extract.batches import batch_from_columns
from pipelines.extract.guards import match_columns
from pipelines.extract.masking import mask, secrets_in
from pipelines.extract.options import Paging
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.extract.text_values import json_text
from pipelines.i18n import t
from pipelines.settings import expand

_TIMEOUT_SECONDS = 60
_ATTEMPTS = 3
_BACKOFF_SECONDS = 0.5


class RestSource:
    """A service that answered nothing yet; the token lives in the client only."""

    def __init__(self, spec: SystemSpec, client: RESTClient) -> None:
        self._spec, self._client = spec, client

    def fingerprint(self, table: TableSpec) -> str | None:
        """A service can't be asked; its rows tell."""
        return None

    def read(self, table: TableSpec) -> Iterator[pa.RecordBatch]:
        """The table's rows, page by page.

        Raises:
            GuikeError: other columns, or fewer or more rows than the service says it has.
        """
        paging = self._spec.paging
        pages = self._client.paginate(
            table.source,
            params={paging.size: self._spec.page_size},
            paginator=PageNumberPaginator(
                base_page=paging.first, page_param=paging.page, total_path=paging.pages
            ),
            data_selector=paging.data,
            hooks={"response": [partial(_check_answer, paging)]},
        )
        where = f"{self._spec.name}/{table.source}"
        keys: dict[str, None] = {}
        rows, total = 0, None
        for page in pages:
            for item in page:
                keys.update(dict.fromkeys(item))
            rows += len(page)
            total = page.response.json().get(paging.total)
            columns = [[json_text(item.get(column.source)) for item in page] for column in table.columns]
            yield batch_from_columns(table, columns)
        if keys:
            match_columns(self._spec, table, list(keys), where)
        if total is not None and int(total) != rows:
            raise GuikeError(
                t(
                    "{where}: the service says {total} rows, but gave {rows}.",
                    where=where,
                    total=total,
                    rows=rows,
                ),
                t("Run again; if it stays so, ask who runs the service."),
            )


@contextmanager
def open_rest(spec: SystemSpec) -> Iterator[RestSource]:
    """A client for the service of `spec`.

    Raises:
        GuikeError: the service can't be reached, refuses the token, or answers something else than JSON.
    """
    location, token = expand(spec.location), expand(spec.token or "")
    session = Client(
        request_timeout=_TIMEOUT_SECONDS, raise_for_status=False, request_max_attempts=_ATTEMPTS,
        request_backoff_factor=_BACKOFF_SECONDS,
    ).session  # fmt: skip
    client = RESTClient(location, auth=BearerTokenAuth(token) if token else None, session=session)
    try:
        yield RestSource(spec, client)
    except (requests.RequestException, ValueError, AttributeError, TypeError) as error:
        reason = mask(_reason(error), secrets_in(location) | ({token} if token else set()))
        raise GuikeError(
            t("{system} can't be read: {reason}", system=spec.name, reason=reason),
            t("Check that the service runs, and location and token in pipelines/systems/{system}.yml.",
              system=spec.name),
        ) from None  # fmt: skip
    finally:
        session.close()


def _check_answer(paging: Paging, response: requests.Response, **_: Any) -> None:
    """Raise for an error status or another form; else read the answer once, with numbers as written."""
    response.raise_for_status()
    answer = response.json(parse_float=str, parse_int=str)
    if not isinstance(answer.get(paging.data), list):
        raise ValueError(paging.data)
    response.json = lambda **_: answer  # type: ignore[method-assign]


def _reason(error: Exception) -> str:
    """What went wrong, without the answer itself: it may hold customers' data."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return t("it answers with status {status}", status=error.response.status_code)
    if isinstance(error, requests.Timeout):
        return t("it doesn't answer in time")
    if isinstance(error, requests.ConnectionError):
        return t("nothing answers there")
    return t("its answer has not the form that paging in the spec describes")
