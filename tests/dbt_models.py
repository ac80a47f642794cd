"""The SQL of a dbt model without dbt: for tests and benchmarks that need a model on a world of their own.

Comes in: a model's file, the project's macros and vars. Goes out: SQL for DuckDB whose sources and models are
read by the names that the project itself would use, or by others' rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import jinja2
import yaml

from pipelines.settings import ROOT

_PROJECT = ROOT / "dbt_project"
_MACRO = re.compile(r"\{%-?\s*macro\s+(\w+).*?endmacro\s*-?%\}", re.DOTALL)


class _Return(Exception):
    """What dbt's `return` is: the end of a macro, with a value of any type."""


def model_sql(model: str) -> str:
    """The query of a model of the core; sources and models by `schema.name`."""
    return render(model, ref=lambda name: f"core.{name}")


def render(model: str, *, ref: Callable[[str], str], variables: dict[str, Any] | None = None) -> str:
    """The query of a model of the project.

    Args:
        ref: the relation that a model is read from.
        variables: in place of those that dbt_project.yml gives.
    """
    file = next((_PROJECT / "models").rglob(f"{model}.sql"))
    environment = _environment()
    environment.globals["ref"] = ref
    _now.name = model
    _now.variables = _variables() | (variables or {})
    return environment.from_string(file.read_text(encoding="utf-8")).render()


# What macros ask for while a model is rendered. They see the same object for good, so it is changed in place.
_now = SimpleNamespace(name="", variables={})


@cache
def _variables() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((_PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    return dict(content["vars"])


@cache
def _environment() -> jinja2.Environment:
    """All macros as globals, each a template of its own, so that `return` ends the macro it stands in."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])

    def returning(value: Any) -> Any:
        raise _Return(value)

    environment.globals |= {
        "adapter": SimpleNamespace(dispatch=lambda name: environment.globals[f"duckdb__{name}"]),
        "return": returning,
        "source": lambda schema, table: f"{schema}.{table}",
        "config": lambda **_: "",
        "execute": True,
        "model": _now,
        "var": lambda name: _now.variables[name],
    }
    for file in sorted((_PROJECT / "macros").rglob("*.sql")):
        for found in _MACRO.finditer(file.read_text(encoding="utf-8")):
            environment.globals[found[1]] = _callable(environment.from_string(found[0]), found[1])
    return environment


def _callable(template: jinja2.Template, name: str) -> Callable[..., Any]:
    """The macro, with what it returns; only when it is called are all the others there."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(template.module, name)(*args, **kwargs)
        except _Return as given:
            return given.args[0]

    return call
