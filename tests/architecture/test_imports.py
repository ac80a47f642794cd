"""The folder rules of docs/architecture.md, read from the import statements.

Failing means that a part has begun to depend on one that it must run without: then it can no longer be
tested, moved or replaced alone, or a secret, a clock or the truth gets in where it doesn't belong.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from pipelines.settings import ROOT

PACKAGES = ("pipelines", "quality", "warehouse")

# Package -> prefixes of what it may not import.
FORBIDDEN = {
    "pipelines/extract": (
        "pipelines.identity", "pipelines.demo", "pipelines.orchestration", "pipelines.commands",
        "pipelines.cli", "quality",
    ),
    "pipelines/identity": (
        "pipelines.extract", "pipelines.demo", "pipelines.orchestration", "pipelines.commands",
        "pipelines.cli",
    ),
    "quality": (
        "pipelines.demo", "pipelines.identity", "pipelines.orchestration", "pipelines.commands",
        "pipelines.cli",
    ),
    "warehouse": (
        "pipelines.extract", "pipelines.identity", "pipelines.demo", "pipelines.orchestration",
        "pipelines.commands", "pipelines.cli", "quality",
    ),
    "pipelines/demo": (
        "pipelines.extract", "pipelines.identity", "pipelines.orchestration", "pipelines.commands",
        "pipelines.cli", "quality", "warehouse",
    ),
    "pipelines/orchestration": ("pipelines.commands", "pipelines.cli"),
}  # fmt: skip

MAY_IMPORT_DEMO = ("pipelines/demo/", "pipelines/commands/run.py", "pipelines/orchestration/demo_sources.py")


def _files(package: str) -> Iterator[str]:
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path.relative_to(ROOT).as_posix()


@cache
def _tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def _imports(file: str) -> set[str]:
    """Every module that `file` imports, wherever the statement stands; relative ones made absolute."""
    package = Path(file).parent.parts
    found = set()
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (above, node.module or "") if part)
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def _within(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


ALL_FILES = [file for package in PACKAGES for file in _files(package)]


@pytest.mark.parametrize("package", FORBIDDEN)
def test_package_stays_within_its_rules(package: str) -> None:
    wrong = [
        f"{file} imports {module}"
        for file in _files(package)
        for module in sorted(_imports(file))
        if any(_within(module, prefix) for prefix in FORBIDDEN[package])
    ]
    assert not wrong


def test_only_orchestration_imports_dagster() -> None:
    dagster = ("dagster", "dagster_dbt", "dagster_dlt", "dagster_webserver")
    wrong = [
        file
        for file in ALL_FILES
        if not file.startswith("pipelines/orchestration/")
        and any(_within(module, name) for module in _imports(file) for name in dagster)
    ]
    assert not wrong


def test_only_commands_and_demo_server_import_the_demo() -> None:
    """The pipeline must work for a company that has removed the demo."""
    wrong = [
        file
        for file in ALL_FILES
        if not file.startswith(MAY_IMPORT_DEMO)
        and any(_within(module, "pipelines.demo") for module in _imports(file))
    ]
    assert not wrong


def test_only_settings_reads_the_environment() -> None:
    wrong = []
    for file in ALL_FILES:
        # The second one makes a process's environment; it reads nothing.
        if file in ("pipelines/settings.py", "pipelines/orchestration/dbt_child.py"):
            continue
        for node in ast.walk(_tree(file)):
            attribute = isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "os"
            if attribute and node.attr in ("environ", "getenv", "environb"):  # type: ignore[attr-defined]
                wrong.append(f"{file}:{node.lineno}")  # type: ignore[attr-defined]
        wrong += [file for module in _imports(file) if module in ("os.environ", "os.getenv")]
    assert not wrong


def test_nobody_reads_the_truth() -> None:
    """Only the demo writes the truth, and only tests read it: a pipeline that sees it proves nothing."""
    wrong = []
    for file in ALL_FILES:
        if file.startswith("pipelines/demo/"):
            continue
        for node in ast.walk(_tree(file)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                path_like = node.value.strip("/").split("/")
                if "truth" in path_like:
                    wrong.append(f"{file}:{node.lineno}")
    sql = [*(ROOT / "dbt_project").rglob("*.sql"), *(ROOT / "pipelines" / "systems").glob("*.yml")]
    wrong += [str(path.relative_to(ROOT)) for path in sql if "/truth" in path.read_text(encoding="utf-8")]
    assert not wrong


def test_no_module_imports_the_cli() -> None:
    wrong = [file for file in ALL_FILES if "pipelines.cli" in _imports(file)]
    assert not wrong


def test_command_line_starts_light() -> None:
    """`guike --help` must not wait for dbt, Dagster or Great Expectations: commands import those."""
    heavy = ("duckdb", "pandas", "numpy", "pyarrow", "dlt", "great_expectations", "quality", "pydantic")
    wrong = []
    for file in ("pipelines/cli.py", *_files("pipelines/commands")):
        top = [node for node in _tree(file).body if isinstance(node, ast.Import | ast.ImportFrom)]
        names = [alias.name for node in top if isinstance(node, ast.Import) for alias in node.names]
        names += [node.module or "" for node in top if isinstance(node, ast.ImportFrom)]
        wrong += [f"{file} imports {name}" for name in names if any(_within(name, one) for one in heavy)]
    assert not wrong
