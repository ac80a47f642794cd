"""The demo is the same bytes for the same seed, complete or not there at all, and quick.

If this fails, two people don't see the same demo, tests on it flicker, or a broken one is taken for whole.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.demo import make_demo
from pipelines.errors import GuikeError
from pipelines.settings import ROOT


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_seed_same_bytes_also_in_another_process(tmp_path: Path) -> None:
    make_demo(tmp_path / "one", 300, 11)
    command = [sys.executable, "-m", "pipelines.demo", "--customers", "300", "--seed", "11"]
    subprocess.run([*command, "--home", str(tmp_path / "two")], cwd=ROOT, check=True, capture_output=True)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_another_seed_gives_another_company(tmp_path: Path) -> None:
    make_demo(tmp_path / "one", 300, 1)
    make_demo(tmp_path / "two", 300, 2)
    one, two = digests(tmp_path / "one"), digests(tmp_path / "two")
    same = {name for name in one.keys() & two.keys() if one[name] == two[name]}
    assert not same


def test_interrupted_run_leaves_the_old_demo_and_nothing_else(tmp_path: Path) -> None:
    make_demo(tmp_path / "company", 300, 1)
    before = digests(tmp_path)

    def interrupt(sentence: str) -> None:
        if sentence.startswith("erp"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_demo(tmp_path / "company", 300, 2, progress=interrupt)
    assert digests(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["company"]


def test_remade_demo_replaces_the_old_one(tmp_path: Path) -> None:
    make_demo(tmp_path / "company", 300, 1)
    make_demo(tmp_path / "company", 300, 2)
    make_demo(tmp_path / "fresh", 300, 2)
    assert digests(tmp_path / "company") == digests(tmp_path / "fresh")


@pytest.mark.parametrize("customers", [0, 199, 5_000_001])
def test_impossible_sizes_are_refused(tmp_path: Path, customers: int) -> None:
    with pytest.raises(GuikeError, match="customers"):
        make_demo(tmp_path / "company", customers, 1)
    assert not list(tmp_path.iterdir())


def test_smallest_demo_works(tmp_path: Path) -> None:
    summary = make_demo(tmp_path / "company", 200, 3)
    assert len(summary.systems) == 10  # nine systems and the account notes


def test_unreachable_database_is_named_without_its_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(GuikeError) as error:
        make_demo(tmp_path / "company", 200, 3, erp_url="postgresql+psycopg://me:secret@127.0.0.1:9/none")
    assert "secret" not in str(error.value)
    assert "127.0.0.1:9" in str(error.value)
    assert not list(tmp_path.iterdir())


def test_two_thousand_customers_take_seconds(tmp_path: Path) -> None:
    started = time.monotonic()
    make_demo(tmp_path / "company", 2000, 5)
    assert time.monotonic() - started < 15


@pytest.mark.thorough
def test_a_hundred_thousand_customers_take_less_than_a_minute(tmp_path: Path) -> None:
    started = time.monotonic()
    make_demo(tmp_path / "company", 100_000, 5)
    assert time.monotonic() - started < 60
