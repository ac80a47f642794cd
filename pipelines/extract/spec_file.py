"""YAML with line numbers, and validation errors that name them.

Comes in: a spec file and a pydantic model. Goes out: the validated model, or one GuikeError that lists every
problem as `file, line: reason`. PyYAML alone would keep the last of two equal keys without a word, and
pydantic alone knows no lines; the user who edits the file needs both.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from pipelines.errors import GuikeError
from pipelines.i18n import t

Location = Sequence[str | int]
Model = TypeVar("Model", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """YAML in which `no`, `on` and dates are the words that they look like: columns are called so."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":bool", ":timestamp"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def problem(reason: str, *at: str | int) -> PydanticCustomError:
    """A validation error for use inside pydantic validators.

    Args:
        reason: the sentence for the user, already translated.
        at: keys and indexes from the validated object down to the offending node, for its line number.
    """
    return PydanticCustomError("guike", "{reason}", {"reason": reason, "at": at})


def read_model(path: Path, model: type[Model]) -> Model:
    """Read `path` and validate it as `model`.

    Raises:
        GuikeError: the file isn't UTF-8 YAML, or doesn't fit the model; names file, lines and reasons.
    """
    node, data = _parse(path)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = [_describe(path, node, detail) for detail in error.errors(include_url=False)]
        raise GuikeError("\n".join(lines), t("Mend the file, then try again.")) from None


def _parse(path: Path) -> tuple[yaml.Node, Any]:
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        if node is None:
            raise GuikeError(t("{file} is empty.", file=path.name), t("Mend the file, then try again."))
        _refuse_repeated_keys(path, node)
        return node, loader.construct_document(node)
    except UnicodeDecodeError:
        raise GuikeError(t("{file} is not UTF-8 text.", file=path.name), t("Save it as UTF-8.")) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise GuikeError(
            t("{file}, line {line}: {reason}", file=path.name, line=line, reason=error.problem),
            t("Mend the file, then try again."),
        ) from None


def _refuse_repeated_keys(path: Path, node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                reason = t("the key '{key}' stands there twice", key=key.value)
                raise GuikeError(
                    t("{file}, line {line}: {reason}", file=path.name, line=_line(key), reason=reason),
                    t("Mend the file, then try again."),
                )
            seen.add(key.value)
            _refuse_repeated_keys(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _refuse_repeated_keys(path, item)


def _describe(path: Path, node: yaml.Node, detail: ErrorDetails) -> str:
    at = [*detail["loc"], *detail.get("ctx", {}).get("at", ())]
    line, reason = _find(node, at), _reason(detail)
    place = ".".join(str(part) for part in detail["loc"])
    if place and detail["type"] != "guike":
        reason = f"{place}: {reason}"
    return t("{file}, line {line}: {reason}", file=path.name, line=line, reason=reason)


def _reason(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return t("unknown key")
    if kind == "missing":
        return t("is missing")
    if kind == "literal_error":
        return t("'{value}' is not one of {allowed}", value=detail["input"], allowed=context["expected"])
    return detail["msg"]


def _find(node: yaml.Node, at: Location) -> int:
    """The line (1-based) of the deepest node that the path reaches; of a key rather than of its value."""
    line = _line(node)
    for part in at:
        if isinstance(node, yaml.MappingNode):
            pairs = [(key, value) for key, value in node.value if key.value == str(part)]
            if not pairs:
                break
            line, node = _line(pairs[0][0]), pairs[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = _line(node)
        else:
            break
    return line


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
