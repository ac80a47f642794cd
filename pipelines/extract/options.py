"""Groups of options in a system's YAML, each a small frozen model of its own.

Comes in: mappings from the spec file. Goes out: validated values, put together
by `pipelines.extract.specs`.
"""

from __future__ import annotations

import codecs
import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pipelines.extract.naming import normalise
from pipelines.extract.spec_file import problem
from pipelines.i18n import t

_VARIABLE = re.compile(r"\$\{[A-Z][A-Z0-9_]*(?::-[^{}]*)?\}")
_SPAN = re.compile(r"(?P<number>\d+) ?(?P<unit>minute|hour|day|week)s?")


def _span(value: Any) -> Any:
    """`3 days` as a time span; anything else as it is, for the type to judge."""
    if isinstance(value, str):
        match = _SPAN.fullmatch(value.strip())
        if match is None:
            raise problem(t("'{text}' is no span of time; write it like 3 days or 12 hours", text=value))
        return timedelta(**{f"{match['unit']}s": int(match["number"])})
    return value


def _column_name(value: Any) -> Any:
    return normalise(value) if isinstance(value, str) else value


Span = Annotated[timedelta, BeforeValidator(_span)]
# A bare number is for columns that hold numbers: versions, or seconds since 1970.
Lag = Annotated[timedelta | Annotated[int, Field(strict=True, ge=0)], BeforeValidator(_span)]


class Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Title(Frozen):
    """What users call the system."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


def _is_variable(text: str) -> str:
    if not _VARIABLE.fullmatch(text):
        raise problem(t("write a secret as a variable like ${NAME}, and its value into .env"))
    return text


Secret = Annotated[str, AfterValidator(_is_variable)]


class TokenAuth(Frozen):
    """`Authorization: Bearer …`"""

    type: Literal["token"]
    token: Secret


class BasicAuth(Frozen):
    """A user with a password, sent with each request."""

    type: Literal["basic"]
    user: str = Field(min_length=1)
    password: Secret


class ApiKeyAuth(Frozen):
    """A key in a header, or in a query parameter, called `name`."""

    type: Literal["api_key"]
    name: str = Field(min_length=1)
    key: Secret
    place: Literal["header", "query"] = Field(default="header", alias="in")


class OAuth2Auth(Frozen):
    """Client credentials: a token is fetched from `token_url`, and again when it has expired."""

    type: Literal["oauth2"]
    token_url: str = Field(min_length=1)
    client_id: str = Field(min_length=1)
    client_secret: Secret
    scope: str | None = None


Auth = Annotated[TokenAuth | BasicAuth | ApiKeyAuth | OAuth2Auth, Field(discriminator="type")]


class Paging(Frozen):
    """How a REST system pages: names in its requests, and dotted paths into its answers.

    Attributes:
        type: page (pages are numbered), offset (rows are), cursor (each answer names the next page), link
            (each answer has the next page's address), single (one answer holds all).
        page, offset, cursor: the parameter of that name's type.
        size: the parameter for rows per page.
        first: the number of the first page or row; by default 1 for page, 0 for offset.
        data: where the rows are; empty if the answer is itself the list.
        next: where the cursor or link is; a link is looked for in the header `Link` where it is left out.
        pages, total: where the numbers of pages and rows are; null if what stands there is something else.
        more: where it says whether there is more, if it does.
    """

    type: Literal["page", "offset", "cursor", "link", "single"] = "page"
    page: str = "page"
    offset: str = "offset"
    cursor: str = "cursor"
    size: str = "size"
    first: int | None = Field(default=None, ge=0)
    data: str = "data"
    next: str | None = None
    pages: str | None = "pages"
    total: str | None = "total"
    more: str | None = None

    @property
    def first_number(self) -> int:
        """The number of the first page or row."""
        return (1 if self.type == "page" else 0) if self.first is None else self.first

    @model_validator(mode="after")
    def _options_fit_type(self) -> Paging:
        fitting = {
            "page": {"page"},
            "offset": {"offset"},
            "cursor": {"cursor"},
            "first": {"page", "offset"},
            "pages": {"page"},
            "next": {"cursor", "link"},
            "more": {"page", "offset", "cursor", "link"},
        }
        for option in sorted(self.model_fields_set & set(fitting)):
            if self.type not in fitting[option]:
                raise problem(
                    t("{option} means nothing for paging of type {type}", option=option, type=self.type),
                    option,
                )
        if self.type == "cursor" and self.next is None:
            raise problem(t("paging of type cursor needs next, the place of the cursor in the answer"))
        if self.type == "offset" and not self.size:
            raise problem(t("paging of type offset needs size"), "size")
        return self


class Limits(Frozen):
    """How long a REST system is waited for.

    Attributes:
        attempts: how often one request is sent before it is given up.
        backoff: seconds before the second attempt; doubled each time, and varied by up to a half.
        patience: seconds that all attempts of one request may take together.
        connect, read: seconds to wait for a connection, and for the next bytes of an answer.
        pages: more pages than these are taken for a service that never ends.
    """

    attempts: int = Field(default=6, ge=1, le=20)
    backoff: float = Field(default=0.5, ge=0, le=60)
    patience: float = Field(default=900, ge=0, le=86_400)
    connect: float = Field(default=10, gt=0, le=600)
    read: float = Field(default=60, gt=0, le=3600)
    pages: int = Field(default=100_000, ge=1)


class FileOptions(Frozen):
    """How the files of a table are read; docs/reading.md, "Files", explains each with an example.

    Attributes:
        header_row: the line of the column names, from 1; None has it found by the names of the columns.
        skip_totals: rows whose first filled cell is one of these words are no data.
        short_rows: whether a line with too few fields is refused or filled with nothing.
        fill_down: columns whose empty cells repeat the one above, as below a merged cell.
        units: column -> the unit that its amounts must be in, where header or title names one.
        error_cells: whether #N/A, #REF! and their like are refused or read as nothing.
        vanished: whether the rows of a file that is gone from a drop folder go with it.
    """

    header_row: int | None = Field(default=None, ge=1, le=1000)
    skip_totals: tuple[str, ...] = ()
    short_rows: Literal["refuse", "fill"] = "refuse"
    fill_down: tuple[str, ...] = ()
    units: dict[str, str] = {}
    error_cells: Literal["refuse", "empty"] = "refuse"
    vanished: Literal["drop", "keep"] = "drop"


FILE_OPTIONS: dict[str, frozenset[str]] = {
    "header_row": frozenset({"csv", "excel"}),
    "skip_totals": frozenset({"csv", "excel"}),
    "short_rows": frozenset({"csv"}),
    "fill_down": frozenset({"csv", "excel"}),
    "units": frozenset({"csv", "excel"}),
    "error_cells": frozenset({"excel"}),
    "vanished": frozenset({"csv", "excel", "dbf", "parquet"}),
}


class Cursor(Frozen):
    """How a table is read by what has changed since the last time.

    Attributes:
        column: rises with every edit of a row, or is empty; a time, or a number.
        lag: how far below the highest value seen it is read again, for rows that arrive late.
        deletions: `keys` also reads the key of every row, and marks those that are gone; `none` trusts that
            no row is ever deleted.
        why: what makes the column trustworthy.
        full_every: how often the whole table is read all the same.
    """

    column: Annotated[str, BeforeValidator(_column_name)]
    lag: Lag
    deletions: Literal["keys", "none"]
    why: str = Field(min_length=10)
    full_every: Span = timedelta(days=30)


class Freshness(Frozen):
    """When a system's data counts as old.

    Attributes:
        column: `table.column` with the time of a row, in the system's zone; its highest value is the age of
            the newest row.
        warn_after: older than this is worth a warning, the newest row and the last success alike.
    """

    column: str | None = None
    warn_after: Span


def _known_encodings(value: str | dict[str, str]) -> str | dict[str, str]:
    if isinstance(value, dict):
        return {column: known_encoding(name, column) for column, name in value.items()}
    return known_encoding(value)


def known_encoding(name: str, *at: str) -> str:
    """Python's name of an encoding; a problem of the spec, at the keys `at`, where there is no such."""
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise problem(t("the encoding '{name}' is unknown", name=name), *at) from None


# What the text of a database table is encoded in really: one name for all its text columns, or by column.
BytesAre = Annotated[str | dict[str, str], AfterValidator(_known_encodings)]
