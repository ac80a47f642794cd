"""Groups of options in a system's YAML, each a small frozen model of its own.

Comes in: mappings from the spec file. Goes out: validated values, put together
by `pipelines.extract.specs`.
"""

from __future__ import annotations

import codecs
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pipelines.extract.spec_file import problem
from pipelines.i18n import t


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
