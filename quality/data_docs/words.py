"""The words of Great Expectations' pages in both languages.

Comes in: the nested content that its renderers give. Goes out: the same with every word known here as markup
that holds both languages, of which the page's style shows one. Words that aren't known stay English.
"""

from __future__ import annotations

import html
import re
from typing import Any

from pipelines.i18n import catalogue

_CHINESE = {
    "Overview": "概览",
    "Expectation Suite:": "规则集：",
    "Expectation suite:": "规则集：",
    "Data asset:": "数据表：",
    "Batch Spec": "批次",
    "Status:": "结论：",
    "Statistics": "统计",
    "Evaluated Expectations": "规则数",
    "Successful Expectations": "全部符合的规则",
    "Unsuccessful Expectations": "有不符记录的规则",
    "Success Percent": "全部符合的比例",
    "Show more info...": "更多信息",
    "Info": "信息",
    "Great Expectations Version": "Great Expectations 版本",
    "Run Name": "运行",
    "Run Time": "时间",
    "Expectation": "规则",
    "Status": "结果",
    "Observed Value": "观察值",
    "Data Docs": "数据质量报告",
    "Expectation Suites": "规则集",
    "Expectation Suite": "规则集",
    "Validation Results": "检查结果",
    "Notes": "说明",
    "Expectation Suite Name": "规则集名称",
}
# What Great Expectations calls success is, of a suite, the gate's verdict; a rule may fail and be tolerated.
_IN_OTHER_WORDS = {
    "Succeeded": ("The run may go on", "放行"),
    "Failed": ("Stops the run", "阻止运行"),
}
# Keys whose values templates compare, or show without markup.
_FOR_TEMPLATES = ("section_name", "page_title", "renderer_type", "content_block_type", "tab_name")
_FOUND = "$unexpected_count unexpected values found. $unexpected_percent of $element_count total rows."
_FOUND_ZH = "共 $element_count 条，其中 $unexpected_count 条不符，占 $unexpected_percent。"
_CONTAINS = re.compile(
    r"This Expectation suite currently contains (?P<rules>\d+) .* across (?P<fields>\d+) .*"
)
_UNEXPECTED = re.compile(r"(?P<share>\S+%) unexpected")


def both(english: str, chinese: str) -> str:
    """Markup that holds a text in both languages; the text itself is markup, too."""
    return f'<span class="en" lang="en">{english}</span><span class="zh" lang="zh">{chinese}</span>'


def escaped(english: str, chinese: str) -> str:
    """`both` of plain text; also safe where Great Expectations looks for `$placeholders`."""
    return both(*(html.escape(text).replace("$", "&#36;") for text in (english, chinese)))


def known(word: str) -> str:
    """`both` of a word that Guike's own catalogue of sentences translates."""
    return escaped(word, catalogue().get(word, word))


def in_both_languages(content: Any) -> Any:
    """`content` with its known words in both languages."""
    if isinstance(content, dict):
        return {
            key: value if key in _FOR_TEMPLATES else in_both_languages(value)
            for key, value in content.items()
        }
    if isinstance(content, list):
        return [in_both_languages(item) for item in content]
    return _word(content) if isinstance(content, str) else content


def _word(text: str) -> str:
    if text in _CHINESE:
        return both(text, _CHINESE[text])
    if text in _IN_OTHER_WORDS:
        return both(*_IN_OTHER_WORDS[text])
    if _FOUND in text:
        return text.replace(_FOUND, both(_FOUND, _FOUND_ZH)).strip()
    if match := _UNEXPECTED.fullmatch(text):
        return both(text, f"{match['share']} 不符")
    if match := _CONTAINS.match(text):
        return both(text, f"共 {match['rules']} 条规则，涉及 {match['fields']} 个字段。")
    return text
