"""Pages of a REST service: what is asked for next, and what an answer holds.

Comes in: a spec's paging, and answers. Goes out: dlt's paginators, begun at any position, and each answer as
one `Answer` whatever its form. A position is text: the number of a page or row, a cursor, or an address.

Rows decide when the end is reached, not the size of a page: services give fewer rows per page than they are
asked for. A page is the last one if the service says so (its number of pages or rows is reached, there is no
further cursor or link), else if it is empty.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import requests
from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    JSONLinkPaginator,
    JSONResponseCursorPaginator,
    OffsetPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
)

from pipelines.extract.options import Paging
from pipelines.extract.rest_http import BadAnswer, CutOff
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.extract.text_values import Number
from pipelines.i18n import t
from pipelines.settings import expand

Row = dict[str, Any]
IsLast = Callable[["Answer"], bool]


@dataclass(frozen=True)
class Answer:
    """One page as the service gave it; None for what it doesn't state."""

    rows: list[Row]
    next: str | None
    more: bool | None
    pages: int | None
    total: int | None


@dataclass(frozen=True)
class Ask:
    """The arguments of dlt's `paginate` for a read that begins at some position."""

    path: str
    params: dict[str, Any]
    json: dict[str, Any] | None
    paginator: BasePaginator


def ask_from(spec: SystemSpec, table: TableSpec, position: str | None, is_last: IsLast) -> Ask:
    """What to ask for, from `position` on; None is the beginning."""
    paging, in_body = spec.paging, table.method == "POST"
    params, body = _filled(table.params), _filled(table.body)
    selecting = body if in_body else params
    if paging.size and paging.type in ("page", "cursor", "link"):
        _put(selecting, paging.size, spec.page_size)
    if paging.type == "cursor" and position is not None:
        _put(selecting, paging.cursor, position)
    path = table.source
    if paging.type == "link" and position is not None:
        path, params = position, {}
    paginator = _paginator(spec, position, in_body, is_last)
    return Ask(path, params, body if in_body else None, paginator)


def _filled(value: Any) -> Any:
    """A copy of `value` with the variables in its texts filled in."""
    if isinstance(value, dict):
        return {name: _filled(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item) for item in value]
    return expand(value) if isinstance(value, str) else copy.copy(value)


def _put(mapping: dict[str, Any], path: str, value: Any) -> None:
    *outer, name = path.split(".")
    for part in outer:
        mapping = mapping.setdefault(part, {})
    mapping[name] = value


def _paginator(spec: SystemSpec, position: str | None, in_body: bool, is_last: IsLast) -> BasePaginator:
    paging = spec.paging
    first = paging.first_number
    where: dict[str, Any]
    if paging.type == "page":
        start = first if position is None else int(position)
        where = {"page_body_path": paging.page} if in_body else {"page_param": paging.page}
        return _Pages(is_last, base_page=first, page=start, total_path=None, **where)
    if paging.type == "offset":
        start = first if position is None else int(position)
        names = ("offset_body_path", "limit_body_path") if in_body else ("offset_param", "limit_param")
        where = dict(zip(names, (paging.offset, paging.size), strict=True))
        return _Offsets(is_last, spec.page_size, start, total_path=None, **where)
    if paging.type == "cursor":
        where = {"cursor_body_path": paging.cursor} if in_body else {"cursor_param": paging.cursor}
        return _Cursors(is_last, "next", **where)
    if paging.type == "link":
        return _Links(is_last, "next")
    return SinglePagePaginator()


class _Ends(BasePaginator):
    """Adds to a paginator of dlt's: the end as `is_last` sees it, and the position of the next page."""

    def __init__(self, is_last: IsLast, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._is_last = is_last

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        super().update_state(response, data)  # type: ignore[safe-super]
        if self._is_last(response.answer):  # type: ignore[attr-defined]
            self._has_next_page = False


class _Pages(_Ends, PageNumberPaginator):
    pass


class _Offsets(_Ends, OffsetPaginator):
    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        self.value_step = len(data or [])  # not what was asked for, but what was given
        super().update_state(response, data)


class _Cursors(_Ends, JSONResponseCursorPaginator):
    pass


class _Links(_Ends, JSONLinkPaginator):
    pass


def next_position(paginator: BasePaginator) -> str | None:
    """Where the paginator would go on; None at the end."""
    if not paginator.has_next_page:
        return None
    if isinstance(paginator, PageNumberPaginator | OffsetPaginator):
        return str(paginator.current_value)
    return str(paginator._next_reference)  # type: ignore[attr-defined]


class AnswerReader:
    """A response hook: reads an answer once, and hands it to dlt in one form.

    Args:
        query_name: the query parameter that holds a key; it is taken out of links, which may be kept.
    """

    def __init__(self, spec: SystemSpec, table: TableSpec, location: str, query_name: str | None) -> None:
        self._paging, self._query_name = spec.paging, query_name
        self._data = spec.paging.data if table.data is None else table.data
        self._location = urlsplit(location)

    def __call__(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Put the answer on the response.

        Raises:
            BadAnswer: it isn't JSON, or has another form than the paging describes.
        """
        if not 200 <= response.status_code < 300:
            return
        document = _document(response)
        answer = self._answer(response, document)
        response.answer = answer  # type: ignore[attr-defined]
        as_dlt_wants = {"rows": answer.rows, "next": answer.next}
        response.json = lambda **_: as_dlt_wants  # type: ignore[method-assign]

    def _answer(self, response: requests.Response, document: Any) -> Answer:
        paging = self._paging
        rows = at(document, self._data) if self._data else document
        if rows is None and _count(document, paging.total) == 0:
            rows = []  # services written in Go say null for an empty list
        if not isinstance(rows, list):
            raise _no_rows(self._data, document)
        for number, row in enumerate(rows, start=1):
            if not isinstance(row, dict):
                raise BadAnswer(
                    t("row {number} of the page is no object with named values", number=number),
                    t("Check data under paging: it must lead to a list of objects."),
                )
        return Answer(
            rows,
            self._next(response, document),
            _flag(at(document, paging.more)) if paging.more else None,
            _count(document, paging.pages) if paging.type == "page" else None,
            _count(document, paging.total),
        )

    def _next(self, response: requests.Response, document: Any) -> str | None:
        if self._paging.type == "cursor":
            return str(at(document, self._paging.next or "") or "") or None
        if self._paging.type != "link":
            return None
        in_header = self._paging.next is None
        link = (
            response.links.get("next", {}).get("url") if in_header else at(document, self._paging.next or "")
        )
        return self._own(str(link), response.url) if link else None

    def _own(self, link: str, page: str) -> str:
        """`link` on the service's own host, without the key.

        A link may give another scheme or port than the location, where a proxy stands before the service;
        credentials go where the user said, not where an answer says.
        """
        parts = urlsplit(urljoin(page, link))
        if parts.hostname != self._location.hostname:
            raise BadAnswer(
                t("its link to the next page leads to another host, {host}", host=parts.hostname),
                t("If that is right, make it the location."),
            )
        query = parts.query
        if self._query_name is not None:
            pairs = parse_qsl(query, keep_blank_values=True)
            query = urlencode([(name, value) for name, value in pairs if name != self._query_name])
        return urlunsplit((self._location.scheme, self._location.netloc, parts.path, query, ""))


def at(document: Any, path: str) -> Any:
    """The value at a dotted path, or None; a name may itself hold dots, as @odata.nextLink."""
    if not isinstance(document, Mapping):
        return None
    if path in document:
        return document[path]
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        head = ".".join(parts[:length])
        if head in document:
            return at(document[head], ".".join(parts[length:]))
    return None


def _document(response: requests.Response) -> Any:
    """The answer's JSON, numbers as written.

    Raises:
        BadAnswer: it is something else.
    """
    content = response.content
    if content.lstrip()[:1] == b"<":
        raise BadAnswer(
            t("it answers with a web page instead of JSON"),
            t("Check location; a log-in page means that auth is missing."),
        )
    encoding = "utf-8-sig" if (response.encoding or "utf-8").lower() in _GUESSED else response.encoding
    try:
        return json.loads(content.decode(encoding or "utf-8"), parse_float=Number, parse_int=Number)
    except json.JSONDecodeError:
        raise CutOff(t("its answer is cut off, or isn't JSON"), None) from None
    except (UnicodeDecodeError, LookupError):
        raise BadAnswer(
            t("its answer isn't text in the encoding {encoding}", encoding=encoding),
            t("Tell who runs the service."),
        ) from None


# requests takes ISO-8859-1 for text/… without a charset; JSON is UTF-8.
_GUESSED = ("utf-8", "iso-8859-1")


def _no_rows(path: str, document: Any) -> BadAnswer:
    found = ", ".join(sorted(document)[:10]) if isinstance(document, dict) else "–"
    return BadAnswer(
        t("its answer has no list at '{path}'; it has: {found}", path=path, found=found),
        t("Check data under paging; some services report an error in this way."),
    )


def _count(document: Any, path: str | None) -> int | None:
    value = at(document, path) if path else None
    if value is None:
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        raise BadAnswer(
            t("its '{path}' is not a number", path=path), t("Check pages and total under paging.")
        ) from None


def _flag(value: Any) -> bool:
    return value is True or str(value).lower() in ("true", "1", "y", "yes")


def ends(paging: Paging, answer: Answer, number: int, rows: int) -> bool:
    """Whether the service says that page `number` (from 1) is the last one.

    Args:
        rows: the rows of all pages up to this one.
    """
    if answer.more is not None:
        return not answer.more
    if paging.type not in ("page", "offset"):
        return False
    if answer.pages is not None:
        return number >= answer.pages
    return answer.total is not None and rows >= answer.total
