"""Groups of options in a system's YAML, each a small frozen model of its own.

Comes in: mappings from the spec file. Goes out: validated values, put together
by `pipelines.extract.specs`.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


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
