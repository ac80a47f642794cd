"""Waivers. If these fail, what somebody answers for stops the work, or what nobody answers for passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from pipelines.errors import GuikeError
from pipelines.settings import Settings
from quality import waivers
from quality.catalogue import load_catalogue
from quality.gate import GateResult, run_gate_1
from quality.waivers import Waiver
from tests.quality.input_layer import LOADED_AT, Records

RULE = "orders.date_is_real"
UNTIL = date(2026, 7, 10)


@pytest.fixture
def broken(sound: Records) -> Records:
    """Two orders without a date, the gate's tables written once."""
    for n in range(2):
        sound.change("orders", f"o{n}", ordered_at=None)
    sound.write()
    assert run_gate_1(sound.settings, "run-1").set_aside["orders"] == 2
    return sound


def waive(settings: Settings, scope: str, rule: str = RULE, until: date = UNTIL) -> Waiver:
    return waivers.add(settings, load_catalogue(), rule, scope, until, "王芳", "旧系统迁移")


def gate(records: Records, day: date | None = None) -> GateResult:
    settings = replace(records.settings, fixed_as_of=day) if day else records.settings
    return run_gate_1(settings, "run-2")


def flagged(records: Records) -> list[str]:
    return [row[0] for row in records.query("select source_id from quality.record_issues order by 1")]


@pytest.mark.parametrize(
    ("scope", "left"), [("crm.orders.o0", ["o1"]), ("crm", []), ("all", []), ("erp", ["o0", "o1"])]
)
def test_a_waived_error_sets_nothing_aside(broken: Records, scope: str, left: list[str]) -> None:
    made = waive(broken.settings, scope)
    result = gate(broken)
    assert result.set_aside["orders"] == len(left)
    assert flagged(broken) == left
    waived = broken.query(
        "select source_id, waiver_id, reason, waived_by, waived_until, first_seen_at "
        "from quality.waived_issues order by 1"
    )
    gone = [name for name in ("o0", "o1") if name not in left]
    assert waived == [(o, made.waiver_id, "旧系统迁移", "王芳", UNTIL, LOADED_AT) for o in gone]
    resolved = broken.query("select source_id, resolution from quality.resolved_issues order by 1")
    assert resolved == [(name, "waived") for name in gone]
    assert broken.query(
        f"select sum(failed) from quality.check_counts where rule_id = '{RULE}'"
    ) == [(len(left),)], "what is waived isn't counted"  # fmt: skip


def test_an_expired_waiver_flags_again_and_the_issue_is_as_old_as_it_is(broken: Records) -> None:
    waive(broken.settings, "all")
    assert gate(broken, UNTIL).set_aside["orders"] == 0, "the last day counts"
    expired = gate(broken, date(2026, 7, 11))
    assert expired.set_aside["orders"] == 2
    life = (
        "select source_id, first_seen_at, run_id, returns, returned_at from quality.record_issues order by 1"
    )
    assert broken.query(life) == [(f"o{n}", LOADED_AT, "run-1", 0, None) for n in range(2)]
    assert broken.query("select count(*) from quality.waived_issues") == [(0,)]


def test_a_withdrawn_waiver_flags_again(broken: Records) -> None:
    made = waive(broken.settings, "crm")
    assert gate(broken).set_aside["orders"] == 0
    taken = waivers.withdraw(broken.settings, made.waiver_id, "王芳", "已核实")
    assert (taken.action, taken.supersedes) == ("withdrawn", made.waiver_id)
    assert gate(broken).set_aside["orders"] == 2
    with pytest.raises(GuikeError, match=made.waiver_id):
        waivers.withdraw(broken.settings, made.waiver_id, "王芳", "again")


def test_the_narrowest_waiver_is_named_and_the_later_counts(broken: Records) -> None:
    waive(broken.settings, "all")
    waive(broken.settings, "crm.orders.o0", until=date(2026, 7, 1))
    narrow = waive(broken.settings, "crm.orders.o0", until=date(2026, 7, 2))
    gate(broken)
    assert broken.query("select waiver_id from quality.waived_issues where source_id = 'o0'") == [
        (narrow.waiver_id,)
    ]
    assert broken.query("select count(*) from quality.waived_issues") == [(2,)]
    assert len(waivers.read(broken.settings)) == 3
    assert len(waivers.standing(waivers.read(broken.settings))) == 2


def test_the_fingerprint_follows_what_is_in_force(settings: Settings) -> None:
    empty = waivers.fingerprint(settings)
    waive(settings, "all")
    held = waivers.fingerprint(settings)
    assert held != empty
    assert waivers.fingerprint(replace(settings, fixed_as_of=UNTIL)) == held
    assert waivers.fingerprint(replace(settings, fixed_as_of=date(2026, 7, 11))) == empty


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rule_id": "orders.nothing"}, "no rule orders.nothing"),
        ({"scope": "nowhere"}, "no system"),
        ({"scope": "crm.orders"}, "names no record"),
        ({"until": date(2026, 6, 29)}, "has passed"),
        ({"reason": " "}, "why"),
    ],
)
def test_a_waiver_that_cannot_be_is_refused(
    settings: Settings, change: dict[str, object], reason: str
) -> None:
    said = {"rule_id": RULE, "scope": "crm", "until": UNTIL, "by": "x", "reason": "y"} | change
    with pytest.raises(GuikeError, match=reason):
        waivers.add(settings, load_catalogue(), **said)  # type: ignore[arg-type]
    assert waivers.read(settings) == []


def test_a_line_edited_by_hand_is_refused_with_its_number(settings: Settings) -> None:
    waive(settings, "all")
    path = waivers.file_of(settings)
    path.write_text(path.read_text("utf-8-sig").replace("2026-07-10", "10.7.2026"), "utf-8")
    with pytest.raises(GuikeError, match=r"waivers\.csv, line 2: .*10\.7\.2026"):
        waivers.read(settings)
