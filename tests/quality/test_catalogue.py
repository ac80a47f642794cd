"""The rule catalogue. If these fail, a mistyped rule checks nothing, or shows a customer's phone to all."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipelines.errors import GuikeError
from quality.catalogue import load_catalogue
from quality.expectations import class_name
from quality.rule import DIMENSIONS, EXPECTATIONS, PERSONAL
from tests.quality.input_layer import CHECKS_CONTRACT, INPUT_CONTRACT, contract, unified_contract

RULE = """\
max_set_aside: 0.1
entities:
  orders: {}
rules:
  - rule_id: orders.has_date
    entity: orders
    field: ordered_at
    expectation: expect_column_values_to_not_be_null
    severity: error
    dimension: validity
    mask: none
    title: {en: Date, zh: 日期}
    meaning: {en: No date., zh: 没有日期。}
    remedy: {en: Enter it., zh: 请补录。}
    protects: [customer_tiers]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "rules.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_smallest_catalogue_works(tmp_path: Path) -> None:
    catalogue = load_catalogue(write(tmp_path, RULE))
    assert catalogue.places == {"orders.has_date": ("rules.yml", 5)}
    assert catalogue.limit("orders") == 0.1
    other = load_catalogue(write(tmp_path, RULE + "# a remark\n"))
    assert other.rules_version != catalogue.rules_version


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("severity: error", "severity: fatal", 9, "severity"),
        ("to_not_be_null", "to_be_nice", 8, "unknown expectation"),
        ("mask: none", "mask: none\n    maks: none", 12, "maks"),
        ("entity: orders", "entity: order", 6, "no entity of the input contract"),
        ("rule_id: orders.", "rule_id: payments.", 5, "orders."),
        (
            "expectation: expect_column_values_to_not_be_null",
            "check: has_no_date\n    column: x",
            5,
            "column",
        ),
        ("    expectation: expect_column_values_to_not_be_null\n", "", 5, "either check or expectation"),
        ("_to_not_be_null", "_to_match_regex\n    kwargs: {regex: '('}", 5, "regular expression"),
        ("_to_not_be_null", "_to_be_between\n    kwargs: {min_value: 2, max_value: 1}", 5, "above"),
        ("_to_not_be_null", "_to_be_in_set\n    kwargs: {values: [1]}", 5, "value_set"),
        ("protects: [customer_tiers]", "protects: []", 15, "protects"),
        ("max_set_aside: 0.1", "max_set_aside: 10", 1, "max_set_aside"),
        ("max_set_aside: 0.1", "", 1, "max_set_aside"),
        ("severity: error", "severity: warn\n    gate: 3", 10, "gate"),
        ("severity: error", "severity: error\n    gate: 2", 5, "too late"),
        ("    remedy: {en: Enter it., zh: 请补录。}\n", "", 5, "remedy"),
        ("mask: none", "mask: none\n    max_failed: 2", 12, "max_failed"),
        ("orders: {}", "orders: {moment: '?'}", 3, "moment"),
        ("_to_not_be_null", "_to_match_regex\n    kwargs: {regex: {pattern: nil}}", 5, "no pattern nil"),
        ("_to_not_be_null", "_to_be_between\n    kwargs: {min_value: $least}", 5, "no threshold least"),
        ("rules:", "settings: {orders.gone: {enabled: false}}\nrules:", 4, "no rule orders.gone"),
        ("title: {en: Date, zh: 日期}", "title: {en: Date}", 12, "zh"),
        ("rules:", "rules: [", 5, ""),
    ],
)
def test_a_catalogue_that_cannot_work_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    assert old in RULE
    with pytest.raises(GuikeError) as refusal:
        load_catalogue(write(tmp_path, RULE.replace(old, new)))
    assert f"rules.yml, line {line}:" in refusal.value.what
    assert reason in refusal.value.what


def test_a_rule_stands_only_once(tmp_path: Path) -> None:
    with pytest.raises(GuikeError, match=r"orders\.has_date stands there twice"):
        load_catalogue(write(tmp_path, RULE + RULE.split("rules:\n")[1]))


COMPANY = """\
max_set_aside: 0.2
patterns: {real: '^[0-9]+$'}
thresholds: {least: 5}
entities:
  orders: {moment: ordered_at, helpers: {days: "1"}}
settings:
  orders.has_date: {severity: warn, max_failed: 0.5}
rules:
  - {rule_id: orders.number, entity: orders, field: order_no, gate: 2, severity: info, dimension: validity,
     expectation: expect_column_values_to_match_regex, kwargs: {regex: {pattern: real}}, mask: none,
     title: {en: Number, zh: 号}, meaning: {en: Not one., zh: 不是。}, remedy: {en: Mend., zh: 改。},
     protects: [customer_tiers]}
  - {rule_id: orders.cost, entity: orders, field: cost_amount, severity: warn, dimension: validity,
     expectation: expect_column_values_to_be_between, kwargs: {min_value: $least}, mask: none,
     title: {en: Cost, zh: 成本}, meaning: {en: Low., zh: 低。}, remedy: {en: Mend., zh: 改。},
     protects: [customer_tiers]}
"""


def test_a_company_s_file_adds_rules_and_changes_ours(tmp_path: Path) -> None:
    write(tmp_path, RULE + "patterns: {real: x}\nthresholds: {least: 1}\n")
    (tmp_path / "company.yml").write_text(COMPANY, encoding="utf-8")
    catalogue = load_catalogue(tmp_path)
    assert [rule.rule_id for rule in catalogue.rules] == ["orders.has_date", "orders.number", "orders.cost"]
    ours, number, cost = catalogue.rules
    assert (ours.severity, ours.max_failed, catalogue.limit("orders")) == ("warn", 0.5, 0.2)
    assert number.expected.kwargs == {"regex": "^[0-9]+$"}, "the later file's pattern counts"
    assert cost.expected.kwargs == {"min_value": 5}
    assert catalogue.places["orders.cost"] == ("company.yml", 13)
    assert (catalogue.of("orders", 2), catalogue.checked_at(2)) == ((number,), ("orders",))
    assert catalogue.plan("orders").moment == "ordered_at"
    text = COMPANY.replace("severity: warn, max_failed: 0.5", "enabled: false")
    (tmp_path / "company.yml").write_text(text, encoding="utf-8")
    catalogue = load_catalogue(tmp_path)
    assert "orders.has_date" not in {rule.rule_id for rule in catalogue.rules}
    assert [rule.rule_id for rule in catalogue.disabled] == ["orders.has_date"]


def test_a_number_of_the_company_s_own_may_be_asked_for_in_helpers_and_conditions(tmp_path: Path) -> None:
    write(tmp_path, RULE)
    text = COMPANY.replace("least: 5", "least: 5, few: 3, many: 9").replace(
        'days: "1"', "days: \"threshold('few')\""
    )
    text = text.replace(
        "kwargs: {min_value: $least}", "kwargs: {min_value: $least}, where: i.amount_net > threshold('many')"
    )
    (tmp_path / "company.yml").write_text(text, encoding="utf-8")
    assert load_catalogue(tmp_path).thresholds["many"] == 9


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("orders.has_date: {severity: warn", "orders.has_date: {severity: worse", 7, "severity"),
        ("rule_id: orders.number", "rule_id: orders.has_date", 9, "twice; first in rules.yml, line 5"),
        ("orders.has_date: {severity: warn", "orders.number: {severity: error", 7, "too late"),
        ("thresholds: {least: 5}", "thresholds: {least: five}", 3, "least"),
        ("thresholds: {least: 5}", "thresholds: {least: 5, leest: 5}", 3, "nothing asks for leest"),
        ("thresholds: {least: 5}", "thresholds: {least: 5, days: 5}", 3, "nothing asks for days"),
        ("thresholds: {least: 5}", "thresholds: {least: 5, real: 5}", 3, "nothing asks for real"),
        ("patterns: {real: '^", "patterns: {rael: x, real: '^", 2, "nothing asks for rael"),
    ],
)
def test_a_company_s_file_is_refused_with_its_own_name_and_line(
    tmp_path: Path, old: str, new: str, line: int, reason: str
) -> None:
    write(tmp_path, RULE)
    assert old in COMPANY
    (tmp_path / "company.yml").write_text(COMPANY.replace(old, new), encoding="utf-8")
    with pytest.raises(GuikeError) as refusal:
        load_catalogue(tmp_path)
    assert f"company.yml, line {line}:" in refusal.value.what
    assert reason in refusal.value.what


def test_every_expectation_exists_in_great_expectations() -> None:
    import great_expectations.expectations as gxe

    for name in EXPECTATIONS:
        assert hasattr(gxe, class_name(name)), name


def test_there_are_rules_of_every_dimension() -> None:
    rules = load_catalogue().rules
    assert len(rules) >= 20
    assert {rule.severity for rule in rules} >= {"error", "warn"}
    assert {rule.dimension for rule in rules} >= set(DIMENSIONS) - {"reconciliation"}


def test_rules_name_columns_of_the_input_contract_and_protect_marts_that_exist() -> None:
    catalogue = load_catalogue()
    inputs, checks = contract(INPUT_CONTRACT), contract(CHECKS_CONTRACT) | unified_contract()
    marts = {path.stem for path in (INPUT_CONTRACT.parents[1] / "marts").rglob("*.sql")}
    for rule in catalogue.rules:
        columns = set(inputs[f"input__{rule.entity}"])
        helpers = set(catalogue.plan(rule.entity).helpers) | set(
            checks.get(f"{'check' if rule.gate == 1 else 'unified'}__{rule.entity}", ())
        )
        assert rule.field in columns, rule.rule_id
        assert {rule.expected.column, rule.shown_column} <= columns | helpers, rule.rule_id
        assert set(rule.protects) <= marts, rule.rule_id


def test_personal_data_is_masked_as_the_input_contract_tags_it() -> None:
    models = yaml.safe_load(INPUT_CONTRACT.read_text(encoding="utf-8"))["models"]
    tags = {
        (model["name"].removeprefix("input__"), column["name"]): tag
        for model in models
        for column in model["columns"]
        if (tag := column.get("config", {}).get("meta", {}).get("personal_data"))
    }
    for rule in load_catalogue().rules:
        if tag := tags.get((rule.entity, rule.field)):
            assert rule.mask == tag, rule.rule_id
    assert {column for _, column in tags} == set(PERSONAL), "a company's rule may not show those"
