"""`guike preview-merge` on a whole company: what it says is what a run would then give.

Failing means that somebody would decide on a merge by figures that don't come true, or that a preview would
change, lock or fill what belongs to the runs.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.end_to_end.conftest import Company

# Two whose years add up to a higher class in at least one year, in which both bought.
_PAIR = """
    select one.customer_id, other.customer_id
    from marts.customer_tiers as one
    inner join marts.customer_tiers as other using (scheme, period_year)
    where scheme = 'abc' and one.tier_code = 'B' and other.tier_code = 'B'
        and one.customer_id < other.customer_id
    order by one.spend_gross + other.spend_gross desc, 1, 2
    limit 1
"""
_TIERS = "select customer_id, scheme, period_year, tier_code from marts.customer_tiers"
_TIER_NAMES = (
    "select scheme, period_year, tier_name_en from marts.customer_tiers where customer_id = ? order by 1, 2"
)
_REVENUE = (
    "select year(ordered_on), sum(amount_gross)::double from core.fct_orders "
    "where is_revenue and customer_id = ? group by 1 order by 1"
)
_LOSSES = (
    "select lost_on::varchar, reason from marts.customer_churn where customer_id = ? order by spell_number"
)


def _pair(company: Company) -> tuple[str, str]:
    with company.published() as con:
        row = con.execute(_PAIR).fetchone()
    assert row
    return row[0], row[1]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _json(output: str) -> dict[str, Any]:
    """What stands behind the progress lines; both come in one stream."""
    found: dict[str, Any] = json.loads(output[output.index("\n{") :])
    return found


def _left(company: Company) -> list[Path]:
    return list((company.home / "tmp").glob("preview-*"))


def test_what_it_says_comes_true_and_it_changes_nothing(copy: Company) -> None:
    kept, merged = _pair(copy)
    files = [copy.home / "guike.duckdb", copy.home / "published" / "current.duckdb"]
    before = [_digest(file) for file in files]
    found = _json(copy.guike("preview-merge", merged, kept, "--json"))
    assert [_digest(file) for file in files] == before
    assert _left(copy) == []
    assert (found["kept"], found["merged"]) == (kept, merged)
    with copy.published() as con:
        earlier = {row[:3]: row[3] for row in con.execute(_TIERS).fetchall()}

    _merge_by_hand(copy, kept, merged)
    copy.guike("run", "--from", "core")
    with copy.published() as con:
        later = {row[:3]: row[3] for row in con.execute(_TIERS).fetchall()}
        tiers = con.execute(_TIER_NAMES, [kept]).fetchall()
        revenue = con.execute(_REVENUE, [kept]).fetchall()
        losses = con.execute(_LOSSES, [kept]).fetchall()
    assert [(row["scheme"], row["year"], row["after"]) for row in found["tiers"]] == tiers
    assert [(row["year"], row["after"]) for row in found["revenue"]] == revenue
    assert [(loss["lost_on"], loss["reason"]) for loss in found["churn"]["after"]["losses"]] == losses
    changed = [
        key
        for key in earlier.keys() | later.keys()
        if earlier.get(key) != later.get(key) and key[0] not in (kept, merged)
    ]
    assert sum(row["customers"] for row in found["others"]["tiers"]) == len(changed)
    assert found["others"]["customers"] >= len({key[0] for key in changed})


def _merge_by_hand(company: Company, kept: str, merged: str) -> None:
    with duckdb.connect(str(company.home / "guike.duckdb")) as con:
        for table in ("customer_xref", "members"):
            con.execute(f"update identity.{table} set customer_id = ? where customer_id = ?", [kept, merged])
        con.execute(
            "update identity.customer_ids set status = 'merged', merged_into = ? where customer_id = ?",
            [kept, merged],
        )


def test_ctrl_c_leaves_nothing_behind(copy: Company) -> None:
    process = copy.start("preview-merge", *_pair(copy))
    assert process.stdout
    for line in process.stdout:
        if "1 of" in line:  # dbt is at work
            break
    assert _left(copy)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert _left(copy) == []


def test_a_ctrl_c_that_only_dbt_noticed_is_none_of_its_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.orchestration import preview
    from pipelines.settings import load_settings

    said = {"info": {"level": "error", "name": "Error", "msg": "Encountered an error:\nKeyboardInterrupt"}}

    class Interrupted:
        lines = io.StringIO(json.dumps(said) + "\n")

        def wait(self) -> int:
            return 2

    monkeypatch.setattr(preview, "run_dbt", lambda *_: nullcontext(Interrupted()))
    with pytest.raises(KeyboardInterrupt):
        preview._build(load_settings())


def test_what_a_killed_preview_left_is_cleared_and_a_full_disk_is_told(
    copy: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.errors import GuikeError
    from pipelines.orchestration import preview
    from pipelines.settings import load_settings

    gone = subprocess.Popen(["true"])
    gone.wait()
    left = copy.home / "tmp" / f"preview-{gone.pid}"
    left.mkdir(parents=True)
    (left / "guike.duckdb").write_bytes(b"x")
    monkeypatch.setenv("GUIKE_HOME", str(copy.home))
    usage = shutil.disk_usage(copy.home)
    monkeypatch.setattr(preview.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(GuikeError, match="no room|没有空间"):
        preview.preview_merge(load_settings(), *_pair(copy))
    assert _left(copy) == []
