"""Rows of a paginated REST service.

Comes in: a spec of kind rest. Goes out: Arrow batches of text. dlt's client does authentication and paging.
All pages of a table are fetched to disk first and handed on only if they are whole, by these rules:

1. A break (error, kill, power cut) keeps the complete pages for a day. The next read asks for the first and
   the last complete page again. If both hold the same rows, and the first the same total, it goes on after;
   else the listing has moved, and it starts over. So it does if the service no longer knows the position.
2. A row that an earlier page has exactly so, key and all, came twice because the listing shifted: it is
   dropped.
3. A page all of whose rows an earlier page has in this order, or a cursor that comes again, is an error: the
   service doesn't page as the spec says, and would go on for ever.
4. The number of different rows lies between the totals that the service stated first and last. If it doesn't,
   or the total has fallen (a deletion shifts a row past the reader), the read starts over where the total
   changed, and fails where it didn't. A service that states no total is read until it has no more; rows that
   are deleted from a numbered listing at that moment can hide others until the next run.
5. A service without rows gives none; the table's floor decides whether that may be.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import requests
from dlt.sources.helpers.rest_client.client import PageData, RESTClient
from urllib3.exceptions import HTTPError

from pipelines.errors import GuikeError
from pipelines.extract.batches import batch_from_columns
from pipelines.extract.guards import match_columns
from pipelines.extract.masking import mask
from pipelines.extract.rest_auth import Credentials, address, credentials
from pipelines.extract.rest_http import BadAnswer, PatientSession, broken_reason, quiet_urllib3
from pipelines.extract.rest_pages import Page, Pages, digest
from pipelines.extract.rest_paging import Answer, AnswerReader, IsLast, ask_from, ends, next_position
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.extract.text_values import json_text
from pipelines.i18n import t
from pipelines.settings import Settings

_READS = 3
_POSITION_UNKNOWN = (400, 404, 410, 422)


class _Moved(Exception):
    """The listing isn't what it was when the read began."""


class RestSource:
    """A service that answered nothing yet; secrets live in the client only."""

    def __init__(
        self, settings: Settings, spec: SystemSpec, client: RESTClient, entry: Credentials, folder: Path
    ) -> None:
        self._settings, self._spec, self._client = settings, spec, client
        self._entry, self._folder = entry, folder

    def fingerprint(self, table: TableSpec) -> str | None:
        """A service can't be asked; its rows tell."""
        return None

    def read(self, table: TableSpec) -> Iterator[pa.RecordBatch]:
        """The table's rows.

        Raises:
            GuikeError: the service can't be read, or gives other columns, or other rows than it says.
        """
        pages = Pages(self._settings, table, self._folder / table.name, self._signature(table))
        try:
            self._read_whole(table, pages)
            if pages.names:
                self._match(table, pages)
        except GuikeError:
            pages.remove()  # going on from these pages would end in the same way
            raise
        except (requests.RequestException, HTTPError, UnicodeError) as error:
            raise self._broken(table, len(pages.pages) + 1, error) from None
        yield from pages.batches()
        pages.remove()

    def _signature(self, table: TableSpec) -> str:
        spec = self._spec
        parts = [self._client.base_url, spec.signature(table), spec.paging.model_dump(), spec.page_size]
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()

    def _where(self, table: TableSpec) -> str:
        return f"{self._spec.name}/{table.source}"

    def _read_whole(self, table: TableSpec, pages: Pages) -> None:
        """Fetch all pages; again from the first one where the listing moves."""
        for _ in range(_READS):
            try:
                self._fetch(table, pages)
                self._check_total(table, pages)
                return
            except _Moved:
                pages.start_over()
        raise GuikeError(
            t("{where}: the rows change while they are read.", where=self._where(table)),
            t("Run when nobody works in it, or let params sort it by something that never changes."),
        )

    def _fetch(self, table: TableSpec, pages: Pages) -> None:
        """Fetch the pages that are not there yet.

        Raises:
            _Moved: the pages that are there no longer fit the listing.
        """
        kept = len(pages.pages)
        try:
            if kept:
                self._check_kept(table, pages)
            position = pages.pages[-1].next if kept else None
            for data in self._paginate(table, position, lambda answer: self._is_last(pages, answer)):
                self._keep(table, pages, position, data)
                position = pages.pages[-1].next
        except BadAnswer as error:
            if kept and len(pages.pages) == kept and error.status in _POSITION_UNKNOWN:
                raise _Moved from None
            raise

    def _check_kept(self, table: TableSpec, pages: Pages) -> None:
        first, last = pages.pages[0], pages.pages[-1]
        for page in [first] if first == last else [first, last]:
            data = next(self._paginate(table, page.position, lambda _: True))
            answer = _answer(data)
            same_total = page is not first or answer.total == page.total
            if digest(_batch(table, answer)) != page.digest or not same_total:
                raise _Moved

    def _paginate(self, table: TableSpec, position: str | None, is_last: IsLast) -> Iterator[PageData[Any]]:
        ask = ask_from(self._spec, table, position, is_last)
        reader = AnswerReader(self._spec, table, self._client.base_url, self._entry.query_name)
        return self._client.paginate(
            ask.path,
            table.method,
            params=ask.params,
            json=ask.json,
            paginator=ask.paginator,
            data_selector="rows",
            hooks={"response": [reader]},
        )

    def _match(self, table: TableSpec, pages: Pages) -> None:
        match_columns(self._spec, table, list(pages.names), self._where(table))

    def _is_last(self, pages: Pages, answer: Answer) -> bool:
        return ends(self._spec.paging, answer, len(pages.pages) + 1, pages.rows + len(answer.rows))

    def _keep(self, table: TableSpec, pages: Pages, position: str | None, data: PageData[Any]) -> None:
        """Keep a page, unless it shows that reading on is no use."""
        answer = _answer(data)
        batch = _batch(table, answer)
        names = dict.fromkeys(chain.from_iterable(answer.rows))
        assert data.paginator is not None
        page = Page(
            position,
            next_position(data.paginator),
            len(answer.rows),
            digest(batch),
            answer.total,
            [name for name in names if name not in pages.names],
        )
        if pages.pages:
            self._check_progress(table, pages, page)
        pages.add(page, batch)
        if page.next is not None and len(pages.pages) >= self._spec.limits.pages:
            raise GuikeError(
                t("{where}: there is still no end after {pages} pages.", where=self._where(table),
                  pages=len(pages.pages)),
                t("Check paging; if there really are more, raise page_size, or pages under limits."),
            )  # fmt: skip

    def _check_progress(self, table: TableSpec, pages: Pages, page: Page) -> None:
        first = pages.pages[0].total
        changed = first is not None and page.total is not None and page.total != first
        if changed and int(page.total or 0) < int(first or 0):
            raise _Moved
        if page.rows and page.digest in pages.digests:
            if changed:
                raise _Moved
            self._match(table, pages)  # without its columns each page looks like the others
            raise GuikeError(
                t("{where}: page {page} holds the same rows as an earlier one.", where=self._where(table),
                  page=len(pages.pages) + 1),
                t("Check the names under paging: the service doesn't understand which page is wanted."),
            )  # fmt: skip
        if page.next is not None and page.next in pages.positions:
            raise GuikeError(
                t("{where}: page {page} leads back to a page that has been read.", where=self._where(table),
                  page=len(pages.pages) + 1),
                t("Check the names under paging; if they are right, tell who runs the service."),
            )  # fmt: skip

    def _check_total(self, table: TableSpec, pages: Pages) -> None:
        rows = pages.without_repeats()
        totals = [page.total for page in pages.pages if page.total is not None]
        if not totals or totals[0] <= rows <= totals[-1]:
            return
        if totals[0] != totals[-1]:
            raise _Moved
        raise GuikeError(
            t("{where}: the service says {total} rows, but gave {rows}.", where=self._where(table),
              total=totals[0], rows=rows),
            t("Run again; if it stays so, ask who runs the service."),
        )  # fmt: skip

    def _broken(self, table: TableSpec, page: int, error: Exception) -> GuikeError:
        reason, remedy = broken_reason(error, self._spec.limits)
        return GuikeError(
            t("{system} can't be read: {where}, page {page}: {reason}", system=self._spec.name,
              where=table.source, page=page, reason=mask(reason, self._entry.secrets)),
            remedy or t("Run again: it goes on from this page."),
        )  # fmt: skip


def _answer(data: PageData[Any]) -> Answer:
    answer: Answer = data.response.answer  # type: ignore[attr-defined]
    return answer


def _batch(table: TableSpec, answer: Answer) -> pa.RecordBatch:
    columns = [_texts([row.get(column.source) for row in answer.rows]) for column in table.columns]
    return batch_from_columns(table, columns)


def _texts(values: list[Any]) -> Any:
    try:
        return pa.array(values, type=pa.string())  # most columns hold text, or numbers as written
    except (pa.ArrowException, UnicodeEncodeError):
        return [_utf8(json_text(value)) for value in values]


def _utf8(text: str | None) -> str | None:
    """`text` with a mark for each half of a character, as a service leaves that cuts texts at some length."""
    return text and text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@contextmanager
def open_rest(settings: Settings, spec: SystemSpec) -> Iterator[RestSource]:
    """A client for the service of `spec`.

    Raises:
        GuikeError: the location is no address, or a variable isn't set.
    """
    location, entry = address(spec), credentials(spec)
    folder = settings.home / "extract" / spec.name / "pages"
    with PatientSession(spec.limits) as session, quiet_urllib3():
        session.renew = entry.renew
        client = RESTClient(location, auth=entry.auth, session=session)
        yield RestSource(settings, spec, client, entry, folder)
