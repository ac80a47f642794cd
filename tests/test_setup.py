"""The set-up that `make` does before anything else (.ci/setup.py).

Failing means that every `make` would install all packages again, that an interrupted set-up would pass for
a finished one, or that somebody with an old Python would see a syntax error instead of a sentence.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from pipelines.settings import ROOT


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("guike_setup", ROOT / ".ci" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with a project and a virtual environment that hold nothing but names."""
    module = _script()
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "pyvenv.cfg").touch()
    (venv / "bin" / "python").touch()
    (tmp_path / "requirements.txt").write_text("a==1\n", encoding="utf-8")
    paths = {
        "ROOT": tmp_path, "VENV": venv, "STAMP": venv / "guike.stamp", "BIN": venv / "bin",
        "PYTHON": venv / "bin" / "python", "LOCK": tmp_path / "requirements.txt",
    }  # fmt: skip
    for name, path in paths.items():
        monkeypatch.setattr(module, name, str(path))
    monkeypatch.setattr(module, "make_venv", lambda: None)
    monkeypatch.setattr(module, "find_uv", lambda: "uv")
    return module


def _commands(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    ran: list[list[str]] = []
    monkeypatch.setattr(setup, "run", ran.append)
    setup.main()
    return ran


def test_installs_from_the_lock_with_hashes_once(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _commands(setup, monkeypatch)
    assert [command[1:3] for command in first] == [["pip", "sync"], ["pip", "install"]]
    assert {"--require-hashes", "--compile-bytecode", setup.LOCK} <= set(first[0])
    assert _commands(setup, monkeypatch) == []


def test_installs_again_when_the_lock_changes(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    _commands(setup, monkeypatch)
    Path(setup.LOCK).write_text("a==2\n", encoding="utf-8")
    assert _commands(setup, monkeypatch)


def test_interrupted_setup_is_repeated(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(command: list[str]) -> None:
        raise KeyboardInterrupt

    _commands(setup, monkeypatch)
    Path(setup.LOCK).write_text("a==2\n", encoding="utf-8")
    monkeypatch.setattr(setup, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        setup.main()
    Path(setup.LOCK).write_text("a==1\n", encoding="utf-8")
    assert _commands(setup, monkeypatch)


def test_old_python_is_told(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup, "OLDEST", (9, 0))
    with pytest.raises(SystemExit) as stopped:
        setup.main()
    assert stopped.value.code == 1
    assert "make PYTHON=" in capsys.readouterr().err


def test_a_folder_that_is_no_venv_is_left_alone(tmp_path: Path) -> None:
    module = _script()
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "precious").touch()
    module.VENV, module.PYTHON = str(folder), str(folder / "bin" / "python")
    with pytest.raises(SystemExit):
        module.make_venv()
    assert (folder / "precious").exists()


def test_pip_index_is_uvs_index(setup: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.invalid/simple")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    env = setup.environment()
    assert env["UV_DEFAULT_INDEX"] == "https://mirror.invalid/simple"
    assert "PYTHONDONTWRITEBYTECODE" not in env
