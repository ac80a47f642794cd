"""The demo's call centre. A failure here means that the demo reads no calls, or somebody else's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.extract.specs import SystemSpec, load_spec
from pipelines.orchestration.demo_sources import demo_service
from pipelines.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("GUIKE_CALLCENTRE_URL", raising=False)
    folder = tmp_path / "demo" / "sources" / "callcentre"
    folder.mkdir(parents=True)
    for name in ("calls", "tickets"):
        (folder / f"{name}.jsonl").write_text('{"call_id": "1"}\n', encoding="utf-8")
    return replace(load_settings(), home=tmp_path)


@pytest.fixture
def spec() -> SystemSpec:
    return load_spec(load_settings().systems_dir / "callcentre.yml")


def test_two_demos_at_once_are_served_apart(settings: Settings, spec: SystemSpec) -> None:
    with demo_service(settings, spec) as one, demo_service(settings, spec) as other:
        assert one.location != other.location
        assert one.location.startswith("http://127.0.0.1:")
        assert one.signature(one.tables[0]) == spec.signature(spec.tables[0])


def test_a_real_call_centre_is_left_alone(
    settings: Settings, spec: SystemSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUIKE_CALLCENTRE_URL", "http://192.0.2.1/api")
    with demo_service(settings, spec) as found:
        assert found is spec


def test_without_a_demo_nothing_is_served(settings: Settings, spec: SystemSpec, tmp_path: Path) -> None:
    with demo_service(replace(settings, home=tmp_path / "elsewhere"), spec) as found:
        assert found is spec
