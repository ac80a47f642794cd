"""The documents say what is there.

Failing means that a reader would follow a link to nothing, type a command that doesn't exist, or look for a
setting in vain.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from pipelines import cli
from pipelines.settings import ROOT

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!https?:)([^)#]+)\)")
COMMAND = re.compile(r"\bguike (?:--\w+ \w+ )?([a-z]+(?:-[a-z]+)*)\b")
TARGET = re.compile(r"`make ([a-z]+)|^make ([a-z]+)", re.M)
VARIABLE = re.compile(r'"(GUIKE_[A-Z_]+)"')


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert not [link for link in LINK.findall(text) if not (document.parent / link).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_targets_exist(document: Path) -> None:
    text = "\n".join(_code(document))
    commands = set(typer.main.get_command(cli.app).commands)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    assert not set(COMMAND.findall(text)) - commands
    assert not {one or other for one, other in TARGET.findall(text)} - targets


def _code(document: Path) -> list[str]:
    """The code of a document: its blocks of shell, and what stands between backquotes."""
    text = document.read_text(encoding="utf-8")
    blocks: list[str] = re.findall(r"```bash\n(.*?)```", text, re.S)
    return blocks + [f"`{code}`" for code in re.findall(r"`([^`\n]+)`", text)]


@pytest.mark.parametrize("file", [".env.example", "docs/operations.md"])
def test_every_setting_is_documented(file: str) -> None:
    settings = (ROOT / "pipelines" / "settings.py").read_text(encoding="utf-8")
    known = set(VARIABLE.findall(settings)) | {"GUIKE_LANG"}
    known -= {"GUIKE_ROOT"} | ({"GUIKE_REQUIRE_SERVICES"} if file.endswith(".md") else set())
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not {name for name in known if name not in text}


def test_both_readmes_tell_the_same() -> None:
    """The same headings, tables and commands, so that no language falls behind."""
    shapes = []
    for readme in READMES:
        text = readme.read_text(encoding="utf-8")
        relations = re.findall(r"`((?:core|identity|marts|quality|ops)\.\w+)`", text)
        shapes.append((len(re.findall(r"^## ", text, re.M)), relations, re.findall(r"docs/[\w./-]+", text)))
    assert shapes[0] == shapes[1]
