"""Great Expectations' renderers, applied: a validation result, a suite or the list of results as HTML.

Comes in: Great Expectations' own objects, and the lines of the list. Goes out: pages in both languages. This
is the only module of the site that imports Great Expectations' renderers, which takes a moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from great_expectations.core import ExpectationSuite
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.render.renderer import (
    ExpectationSuitePageRenderer,
    SiteIndexPageRenderer,
    ValidationResultsPageRenderer,
)

from quality.data_docs.view import OfflinePageView
from quality.data_docs.words import both


def result_page(result: ExpectationSuiteValidationResult, language: str) -> str:
    """What one gate found of one entity in one run."""
    return _view("page.j2", language).render(_ResultRenderer().render(result))


def suite_page(suite: ExpectationSuite, language: str) -> str:
    """The rules of one entity at one gate."""
    return _view("page.j2", language).render(ExpectationSuitePageRenderer().render(suite))


def index_page(
    lines: Mapping[str, Mapping[str, Any]], suites: Mapping[str, str], language: str, zone: ZoneInfo
) -> str:
    """The front page.

    Args:
        lines: page -> what is said of its result, in the order in which they are shown.
        suites: name of a suite -> its page.
        zone: in which moments are shown.
    """
    content = {
        "site_name": "Guike",
        "validations_links": [
            {
                "expectation_suite_name": line["suite"], "filepath": page, "run_name": line["run_id"],
                "run_time": datetime.fromisoformat(line["run_at"]).astimezone(zone),
                "validation_success": line["passed"], "expectation_suite_filepath": suites.get(line["suite"]),
                "rules": f"{line['rules_failed']:,} / {line['rules']:,}", "failures": f"{line['failures']:,}",
            }
            for page, line in lines.items()
        ],
        "expectations_links": [
            {"expectation_suite_name": name, "filepath": page} for name, page in suites.items()
        ],
    }  # fmt: skip
    return _view("index_page.j2", language).render(_IndexRenderer.render(content))


@cache
def _view(template: str, language: str) -> OfflinePageView:
    """One for all pages: it compiles its templates once."""
    return OfflinePageView(template, language)


class _ResultRenderer(ValidationResultsPageRenderer):  # type: ignore[misc]
    """A result's page whose title holds the run's id as it is; the original looks for a date in it."""

    def _determine_page_title(
        self, run_name: str, run_time: str, data_asset_name: str, expectation_suite_name: str
    ) -> str:
        # 20261122T211136Z-9412, read as a date, has a time zone of 94 hours.
        return " / ".join(("Validations", expectation_suite_name, data_asset_name, run_name, run_time))


class _IndexRenderer(SiteIndexPageRenderer):  # type: ignore[misc]
    """The list with the columns that the gates fill, and moments in the company's time zone."""

    @classmethod
    def _generate_validation_results_link_table(cls, index_links_dict: dict[str, Any]) -> Any:
        table = super()._generate_validation_results_link_table(index_links_dict)
        table.table_columns = [
            {"field": "validation_success", "title": both("Gate", "关卡"), "align": "center"},
            {"field": "expectation_suite_name", "title": both("Suite", "规则集")},
            {"field": "run_time", "title": both("When", "时间")},
            {"field": "rules", "title": both("Rules with failures", "有不符的规则"), "align": "right"},
            {"field": "failures", "title": both("Failures", "不符次数"), "align": "right"},
            {"field": "run_name", "title": both("Run", "运行")},
        ]
        for row, line in zip(table.table_data, index_links_dict["validations_links"], strict=True):
            row |= {
                "rules": line["rules"], "failures": line["failures"],
                "expectation_suite_name": line["expectation_suite_name"],
            }  # fmt: skip
        return table

    @classmethod
    def _generate_expectation_suites_link_table(cls, index_links_dict: dict[str, Any]) -> Any:
        table = super()._generate_expectation_suites_link_table(index_links_dict)
        table.table_columns = [
            {"field": "kind", "title": both("Gate", "关卡")},
            {"field": "expectation_suite_name", "title": both("Suite", "规则集")},
        ]
        for row, line in zip(table.table_data, index_links_dict["expectations_links"], strict=True):
            gate, _, entity = line["expectation_suite_name"].partition(".")
            row |= {"kind": gate, "expectation_suite_name": entity, "_table_row_link_path": line["filepath"]}
        return table

    @classmethod
    def _get_formatted_datetime(cls, _datetime: datetime) -> str:
        return f"{_datetime:%Y-%m-%d %H:%M}"
