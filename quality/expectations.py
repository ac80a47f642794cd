"""Great Expectations, and nothing else: which rows of a frame fail which rule.

Comes in: a pandas frame whose index is the row number, or the place of a value among the different ones,
and rules of the catalogue. Goes out: per rule how many values were checked, and which of these numbers
fail; no values, they stay in the warehouse. Great Expectations is imported when first used, as that takes
seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quality.rule import Rule

if TYPE_CHECKING:
    import numpy.typing as npt
    from great_expectations.datasource.fluent.pandas_datasource import PandasDatasource

# The row number is the frame's index: Great Expectations then answers with a plain list of integers. A named
# index column would come back as one dictionary per failing row, which takes 35 µs each.
RESULT_FORMAT: dict[str, Any] = {
    "result_format": "COMPLETE",
    "exclude_unexpected_values": True,
    "include_unexpected_rows": False,
    "return_unexpected_index_query": False,
}


class NotEvaluated(RuntimeError):
    """A rule that can't be asked of what its column holds."""

    def __init__(self, rule_id: str, reason: str) -> None:
        super().__init__(f"{rule_id} could not be evaluated: {reason}")
        self.rule_id, self.reason = rule_id, reason


@dataclass(frozen=True)
class Outcome:
    """What came of one rule.

    Attributes:
        checked: values of the frame looked at; missing ones aren't, unless the rule is about missing values.
        failing: what the frame's index says of those that fail, int64, in the frame's order.
    """

    checked: int
    failing: npt.NDArray[np.int64]


@cache
def _source() -> PandasDatasource:
    """An in-memory context: no project folder, no telemetry, no progress bars."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context.data_sources.add_pandas("warehouse")


def class_name(expectation: str) -> str:
    """Great Expectations' class for a snake-case name: expect_column_… → ExpectColumn…"""
    return "".join(word.capitalize() for word in expectation.split("_"))


def evaluate(frame: pd.DataFrame, rules: list[Rule]) -> dict[str, Outcome]:
    """Evaluate `rules` on the whole frame; gives an outcome per rule_id.

    Raises:
        NotEvaluated: Great Expectations could not evaluate a rule on this frame.
    """
    if frame.empty:
        return {rule.rule_id: Outcome(0, np.empty(0, np.int64)) for rule in rules}
    from great_expectations import ExpectationSuite

    source = _source()
    asset = source.add_dataframe_asset("rows")
    try:
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
        # As one suite: Great Expectations hashes the whole frame each time that it is asked something.
        suite = ExpectationSuite("rules", expectations=[_expectation(rule) for rule in rules])
        found = batch.validate(suite, result_format=RESULT_FORMAT).results
        return dict(_outcome(validation) for validation in found)
    finally:
        source.delete_asset("rows")


def _expectation(rule: Rule) -> Any:
    import great_expectations.expectations as gxe

    expected = rule.expected
    kind = getattr(gxe, class_name(expected.name))
    return kind(column=expected.column, meta={"rule_id": rule.rule_id}, **expected.kwargs)


def _outcome(validation: Any) -> tuple[str, Outcome]:
    rule_id = validation.expectation_config.meta["rule_id"]
    if "unexpected_index_list" not in validation.result:
        failed = validation.exception_info or {}
        told = failed if "exception_message" in failed else next(iter(failed.values()), {})
        reason = told.get("exception_message") or told
        raise NotEvaluated(rule_id, str(reason))
    result = validation.result
    checked = result["element_count"] - (result.get("missing_count") or 0)
    return rule_id, Outcome(checked, np.asarray(result["unexpected_index_list"], dtype=np.int64))
