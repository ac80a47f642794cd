"""A company's own file of rules. If these fail, a slip passes in silence, or publishes a number."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.errors import GuikeError
from quality.catalogue import RULES_FOLDER, load_catalogue
from quality.gate import run_gate_1
from tests.quality.input_layer import Records

RULE = """\
rules:
  - rule_id: orders.is_ours
    entity: orders
    field: order_no
    expectation: expect_column_values_to_match_regex
    kwargs: {regex: '^A'}
    severity: warn
    dimension: validity
    mask: none
    title: {en: Ours, zh: 本公司}
    meaning: {en: Not ours., zh: 非本公司。}
    remedy: {en: Mend it., zh: 请改正。}
    protects: [customer_tiers]
"""


def company(folder: Path, text: str) -> Path:
    shutil.copytree(RULES_FOLDER, folder / "rules", ignore=shutil.ignore_patterns("company*"))
    (folder / "rules" / "company.yml").write_text(text, encoding="utf-8")
    return folder / "rules"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (RULE + "rules: []\n", 14, "rules stands there twice"),
        (RULE.replace("severity", "severty"), 7, "mistyped for severity"),
        (RULE.replace("order_no", "customer_phone"), 2, "customer_phone is personal data"),
        (RULE.replace("mask: none", "mask: none\n    shown: customer_name"), 2, "mask: name"),
        (RULE.replace("orders", "customers").replace("order_no", "mobile"), 2, "mask: phone"),
        (RULE.replace("orders", "customers").replace("order_no", "credit_code"), 2, "mask: code"),
        ("- a\n", 1, "names with values"),
    ],
)
def test_a_slip_is_told_with_file_and_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    with pytest.raises(GuikeError) as refusal:
        load_catalogue(company(tmp_path, text))
    assert f"company.yml, line {line}: " in refusal.value.what
    assert reason in refusal.value.what


@pytest.mark.parametrize(
    "text",
    [
        RULE.replace("field: order_no", "field: order_no\n    where: i.nothing = 1"),
        RULE.replace("_to_match_regex", "_to_be_between").replace("regex: '^A'", "min_value: 1"),
    ],
)
def test_a_rule_that_does_not_fit_its_column_is_named(
    sound: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    catalogue = load_catalogue(company(tmp_path, text))
    monkeypatch.setattr("quality.gate.load_catalogue", lambda: catalogue)
    for n in range(20):
        sound.change("orders", f"o{n}", order_no=f"A{n}")
    sound.write()
    with pytest.raises(GuikeError) as refusal:
        run_gate_1(sound.settings, "run-1")
    told = f"{refusal.value.what} {refusal.value.remedy}"
    assert "orders.is_ours" in told
    assert "company.yml, line 2" in told
    assert "orders.yml" not in told
