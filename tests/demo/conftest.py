"""One demo company for all tests of this folder: 2,000 customers, read back from its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.demo import DemoSummary, make_demo
from tests.demo.reading import Sources, read_sources


@pytest.fixture(scope="session")
def summary(tmp_path_factory: pytest.TempPathFactory) -> DemoSummary:
    return make_demo(tmp_path_factory.mktemp("demo") / "company", 2000, 7)


@pytest.fixture(scope="session")
def folder(summary: DemoSummary) -> Path:
    return summary.folder


@pytest.fixture(scope="session")
def sources(folder: Path) -> Sources:
    return read_sources(folder / "sources")
