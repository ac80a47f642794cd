"""Scores by system, and who is told when one falls. If these fail, a fall goes unnoticed, or none is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.orchestration import telling
from quality.scores import Fall, Score, fallen, read_scores
from tests.quality.input_layer import Records


def _score(system: str, failed: int) -> Score:
    return Score(system, 1000, failed, "validity")


def test_a_systems_score_weighs_every_check(records: Records) -> None:
    with records.connection() as con:
        con.execute("create schema quality")
        assert read_scores(con) == []
        con.execute(
            """create table quality.scorecard as from (values
                ('crm', 'validity', 90, 9), ('crm', 'validity', 10, 0), ('crm', 'timeliness', 100, 21),
                ('hr', 'validity', 5, 0)) as t(system, dimension, checked, failed)"""
        )
        found = read_scores(con)
    assert found == [Score("crm", 200, 30, "timeliness"), Score("hr", 5, 0, "validity")]
    assert [one.score for one in found] == [0.85, 1.0]


def test_only_a_fall_by_more_than_the_threshold_counts() -> None:
    before = [_score("crm", 100), _score("erp", 100), _score("hr", 0), _score("gone", 0)]
    after = [_score("crm", 150), _score("erp", 151), _score("hr", 200), _score("new", 900)]
    assert fallen(before, after, 0.05) == [Fall("hr", 1.0, 0.8), Fall("erp", 0.9, 0.849)]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The messages that would have been sent: subject and text."""
    messages: list[tuple[Any, ...]] = []
    monkeypatch.setattr(telling, "notify", lambda _settings, *message: messages.append(message))
    monkeypatch.setenv("GUIKE_NOTIFY_SCORE_DROP", "0.05")
    return messages


def test_a_fall_since_the_last_snapshot_is_told(
    records: Records, sent: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class _Snapshot:
        path = tmp_path / "new.duckdb"

    monkeypatch.setattr(telling, "scores_in", lambda *_: [_score("crm", 300), _score("erp", 0)])
    telling.after_publishing(records.settings, [_score("crm", 100), _score("erp", 0)], _Snapshot())  # type: ignore[arg-type]
    [(_, text)] = sent
    assert "crm: 70.0% after 90.0%" in text
    assert "erp" not in text
    telling.after_publishing(records.settings, [], _Snapshot())  # type: ignore[arg-type]
    monkeypatch.setenv("GUIKE_NOTIFY_SCORE_DROP", "much")
    telling.after_publishing(records.settings, [_score("crm", 0)], _Snapshot())  # type: ignore[arg-type]
    assert len(sent) == 1


def test_a_gate_that_stops_the_run_is_told(
    records: Records, sent: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "build_after_gate", lambda _: None)
    telling.after_gate(records.settings, 1, True, "fine")
    assert not sent
    telling.after_gate(records.settings, 1, False, "3 of 20 orders are set aside")
    [(subject, text)] = sent
    assert "1" in subject
    assert "3 of 20 orders" in text
    assert "index.html" in text


def test_scores_that_cannot_be_read_fail_no_run(records: Records) -> None:
    records.settings.published.mkdir(parents=True)
    (records.settings.published / "current.duckdb").write_bytes(b"no database")
    assert telling.scores_published(records.settings) == []
