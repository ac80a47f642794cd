"""Every sentence that Guike prints exists in Chinese.

Failing means that a Chinese reader would see an English sentence, or that a figure would be missing from
the Chinese one. The sentences are found in the source code, so none has to be listed anywhere.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pipelines import cli, i18n
from pipelines.settings import ROOT

PACKAGES = ("pipelines", "quality", "warehouse")
PLACEHOLDER = re.compile(r"(?<!\{)\{([a-z_0-9]+)[^{}]*\}(?!\})")


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name == "t" and node.args:
                yield node


def _sentences() -> dict[str, str]:
    """Each literal given to `t`, with the place of one of its uses."""
    found: dict[str, str] = {}
    for path in _sources():
        for call in _calls(ast.parse(path.read_text(encoding="utf-8"))):
            first = call.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                found[first.value] = f"{path.relative_to(ROOT)}:{call.lineno}"
    return found


def _helps(command: object) -> Iterator[str]:
    """The help texts of the command line, which are translated when it is built."""
    if getattr(command, "help", None):
        yield " ".join(str(command.help).split())  # type: ignore[attr-defined]
    for parameter in getattr(command, "params", ()):
        if getattr(parameter, "help", None):
            yield parameter.help
    for child in getattr(command, "commands", {}).values():
        yield from _helps(child)


@pytest.fixture(scope="module")
def chinese() -> dict[str, str]:
    return i18n.catalogue()


def test_every_sentence_has_chinese(chinese: dict[str, str]) -> None:
    missing = {text: place for text, place in _sentences().items() if text not in chinese}
    assert not missing, "\n".join(f"{place}: {text}" for text, place in missing.items())


def test_every_help_text_has_chinese(chinese: dict[str, str]) -> None:
    import typer

    i18n.set_language("en")
    try:
        missing = [text for text in _helps(typer.main.get_command(cli.app)) if text not in chinese]
    finally:
        i18n.set_language(None)
    assert not missing


def test_chinese_has_the_same_placeholders(chinese: dict[str, str]) -> None:
    wrong = [
        english
        for english, text in chinese.items()
        if sorted(PLACEHOLDER.findall(english)) != sorted(PLACEHOLDER.findall(text))
    ]
    assert not wrong


def test_nothing_in_the_catalogue_is_unused(chinese: dict[str, str]) -> None:
    """A sentence that no code prints is left over from an earlier one."""
    import typer

    used = set(_sentences()) | set(_helps(typer.main.get_command(cli.app)))
    assert not sorted(set(chinese) - used)


def test_no_sentence_is_translated_twice() -> None:
    """YAML would silently take the later one, also where the earlier is what a reader expects."""
    node = yaml.compose((ROOT / "pipelines" / "locale" / "zh.yml").read_text(encoding="utf-8"))
    assert isinstance(node, yaml.MappingNode)
    times = Counter(key.value for key, _ in node.value)
    assert not [sentence for sentence, many in times.items() if many > 1]


def test_sentences_are_literals() -> None:
    """A sentence put together at run time can't be found, and so not translated."""
    built = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in _sources()
        for call in _calls(ast.parse(path.read_text(encoding="utf-8")))
        if not isinstance(call.args[0], ast.Constant) and path != ROOT / "pipelines" / "cli.py"
    ]
    assert not built


def test_language_falls_back_to_english() -> None:
    i18n.set_language("zh")
    try:
        assert i18n.t("no such sentence {x}", x=1) == "no such sentence 1"
    finally:
        i18n.set_language(None)
