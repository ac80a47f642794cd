"""What a run tells people besides its own lines: Data Docs after a gate, a message when something is wrong.

Comes in: what a gate decided, or the scores of two snapshots. Goes out: the Data Docs, and messages by
pipelines.notify. Nothing here fails a run.
"""

from __future__ import annotations

import logging

from pipelines.i18n import t
from pipelines.notify import channels, notify
from pipelines.settings import Settings
from quality.data_docs.site import build_after_gate
from quality.places import data_docs
from quality.scores import Score, fallen, scores_in
from warehouse.publish import Snapshot

_log = logging.getLogger("guike.run")


def after_gate(settings: Settings, gate: int, passed: bool, message: str) -> None:
    """Bring the Data Docs up to date, and tell where the gate has stopped the run."""
    build_after_gate(settings)
    if not passed:
        words = t("Readers still see the snapshot before. `guike quality gate` explains; details: {page}",
                  page=data_docs(settings) / "index.html")  # fmt: skip
        notify(settings, t("Gate {gate} has stopped the run", gate=gate), f"{message}\n\n{words}")


def scores_published(settings: Settings) -> list[Score]:
    """The scores that readers see now; none where that can't be told, which is no reason to fail."""
    try:
        return scores_in(settings, settings.published / "current.duckdb")
    except Exception as error:
        _log.warning(t("The scores published before can't be read: {reason}", reason=error))
        return []


def after_publishing(settings: Settings, before: list[Score], snapshot: Snapshot) -> None:
    """Tell which systems' scores have fallen since the snapshot before."""
    try:
        falls = fallen(before, scores_in(settings, snapshot.path), channels().score_drop)
    except Exception as error:
        _log.warning(t("The scores can't be compared: {reason}", reason=error))
        return
    if falls:
        lines = [
            t(
                "{system}: {after:.1%} after {before:.1%}",
                system=one.system,
                after=one.after,
                before=one.before,
            )
            for one in falls
        ]
        notify(settings, t("Data quality has fallen"), "\n".join(lines))
