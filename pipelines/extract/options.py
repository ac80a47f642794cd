"""Groups of options in a system's YAML, each a small frozen model of its own.

Comes in: mappings from the spec file. Goes out: validated values, put together
by `pipelines.extract.specs`.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pipelines.extract.naming import normalise
from pipelines.extract.spec_file import problem
from pipelines.i18n import t

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


class Paging(Frozen):
    """How a REST system pages: names of its query parameters and of the fields in its answer."""

    page: str = "page"
    size: str = "size"
    first: int = 1
    data: str = "data"
    pages: str = "pages"
    total: str = "total"


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
