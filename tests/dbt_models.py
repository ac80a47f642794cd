"""The SQL of a dbt model without dbt: for tests that need a model on a world of their own."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jinja2

from pipelines.settings import ROOT

_PROJECT = ROOT / "dbt_project"


def model_sql(model: str) -> str:
    """The query of a model of the core; sources and models by `schema.name`, with text.sql's macros."""
    macros: dict[str, Callable[..., Any]] = {}
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals |= {
        "adapter": SimpleNamespace(dispatch=lambda name: macros[f"duckdb__{name}"]),
        "return": lambda value: value,
        "source": lambda schema, table: f"{schema}.{table}",
        "ref": lambda name: f"core.{name}",
        "config": lambda **_: "",
    }
    text = (_PROJECT / "macros" / "text.sql").read_text(encoding="utf-8")
    module = environment.from_string(text).module
    macros |= {name: value for name, value in vars(module).items() if callable(value)}
    found = next((_PROJECT / "models" / "core").rglob(f"{model}.sql"))
    return environment.from_string(found.read_text(encoding="utf-8")).render(**macros)
