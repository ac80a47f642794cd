"""Remarks as salespeople write them, taken apart.

Failing means that a person, a firm or a number would stand wrong beside a contact, or be lost with it. The
rules were made on the tuned half of the labelled set; the untouched half was written before them, and of its
failures nothing but the totals is to be looked at: examples of a kind that fails go into the tuned half.
"""

from __future__ import annotations

import csv
import json
import time
import unicodedata
from pathlib import Path

import pytest

from pipelines.extract.remarks import COLUMNS, PARTS, Part, parse_remark, remark_rows

PRECISION, RECALL = 0.97, 0.90


def labelled(half: str) -> list[dict[str, str]]:
    """The remarks of one half, each with its parts; several values of a part are joined by 、."""
    path = Path(__file__).with_name(f"remarks_{half}.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def same(text: str) -> str:
    """`text` as it is compared: width, case, blanks and a last full stop don't matter."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split()).rstrip(".")


def figures(half: str) -> dict[str, tuple[int, float, float]]:
    """Per part: how many values are labelled, precision, recall."""
    counts = {part: [0, 0, 0] for part in PARTS}
    for row in labelled(half):
        found = parse_remark(row["remark"])
        for part, count in counts.items():
            wanted = {same(value) for value in row[part].split("、") if value}
            got = {same(value) for value in found.get(part, Part((), 0.0)).values}
            count[0] += len(wanted & got)
            count[1] += len(got)
            count[2] += len(wanted)
    return {part: (wanted, hit / got, hit / wanted) for part, (hit, got, wanted) in counts.items()}


def test_the_labelled_set_is_large_and_its_halves_differ() -> None:
    tuned, untouched = ({row["remark"] for row in labelled(half)} for half in ("tuned", "untouched"))
    assert len(tuned) >= 160
    assert len(untouched) >= 160
    assert not tuned & untouched


def test_every_part_is_read_precisely_on_remarks_that_no_rule_was_made_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with capsys.disabled():
        for half in ("tuned", "untouched"):
            print(f"\n{half:10}{'part':10}{'values':>7}{'precision':>11}{'recall':>8}")
            for part, (values, precision, recall) in figures(half).items():
                print(f"{'':10}{part:10}{values:7}{precision:11.3f}{recall:8.3f}")
    for part, (_, precision, recall) in figures("untouched").items():
        assert precision >= PRECISION, part
        assert recall >= RECALL, part


@pytest.mark.parametrize(
    "text", ["", " ", "-", "。。。", "🌹", "( ", "a\x00b", "老", "—" * 500, "1" * 400, "总"]
)
def test_a_remark_that_says_nothing_breaks_nothing(text: str) -> None:
    assert set(parse_remark(text)) <= set(PARTS)


def test_rows_hold_one_text_per_part_and_the_confidence_of_each() -> None:
    rows = remark_rows(["张总、李经理 13900001111", "张总、李经理 13900001111", "晴天"])
    assert set(rows) == {"张总、李经理 13900001111", "晴天"}
    row = dict(zip(COLUMNS, rows["张总、李经理 13900001111"], strict=True))
    assert row["remark_person"] == "张、李"
    assert row["remark_honorific"] == "总、经理"
    assert row["remark_company"] is None
    assert json.loads(row["remark_confidence"] or "") == {"person": 0.95, "honorific": 0.95, "phone": 0.98}
    assert rows["晴天"] == (None,) * len(COLUMNS)


def test_many_remarks_take_little_time() -> None:
    parse_remark("张总 Lily 无锡")
    texts = [f"{row['remark']} {number}号" for row in labelled("tuned") for number in range(20)]
    started = time.process_time()
    remark_rows(texts)
    assert (time.process_time() - started) / len(texts) < 0.0005
