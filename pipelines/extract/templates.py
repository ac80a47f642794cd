"""Summaries that people write into a template of labelled lines, in text files.

Comes in: a table's files, and the labels as the sources of its columns; 变化|动态|Changes are three ways to
write one label. Goes out: one row per summary as Arrow batches; what stands in no column's section is left
out. Where the label that a file begins with comes again, its next summary begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pyarrow as pa

from pipelines.errors import GuikeError
from pipelines.extract.batches import batch_from_rows
from pipelines.extract.guards import match_columns
from pipelines.extract.headers import FILE_NAME
from pipelines.extract.parts import Findings, Part
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.i18n import t

_NUMBER = "@number"
# A heading's marks around a label: 一、 2. ## 【】 **; and what may stand between label and text.
_LABELLED = re.compile(
    r"[\s#*>·•【\[]*(?:[一二三四五六七八九十]+、|\d{1,2}[.、)）]\s*)?(?P<label>[^:：】\]]{1,30}?)\s*[】\]*]*\s*[:：](?P<text>.*)"
)
_HEADING = re.compile(
    r"\s*(?:#+|【|\[|\*\*|[一二三四五六七八九十]+、|\d{1,2}[.、)）])\s*(?P<label>[^】\]*]{1,30}?)[】\]*\s]*"
)

Summary = dict[str, str]


def read_templates(
    spec: SystemSpec, table: TableSpec, parts: Iterator[tuple[Part, Findings]]
) -> Iterator[tuple[Findings, pa.RecordBatch]]:
    """One row per summary.

    Raises:
        GuikeError: text in another encoding, or a label that no file holds in any of its spellings.
    """
    labels = {_folded(name): c.source for c in table.columns for name in c.source.split("|")}
    seen = {c.source: None for c in table.columns if c.source in (FILE_NAME, _NUMBER)}
    name = ""
    for part, findings in parts:
        name, encoding = part.name, spec.encoding or "utf-8-sig"
        findings.encoding = encoding.removesuffix("-sig")
        summaries = list(_summaries(_lines(part, encoding), part.name, labels))
        for summary in summaries:
            seen.update(dict.fromkeys(label for label in summary if label not in (FILE_NAME, _NUMBER)))
        yield findings, batch_from_rows(table, [[s.get(c.source) for c in table.columns] for s in summaries])
    match_columns(spec, table, list(seen), name)


def _folded(label: str) -> str:
    return "".join(label.split()).lower()


def _lines(part: Part, encoding: str) -> list[str]:
    try:
        return part.path.read_text(encoding=encoding).removeprefix("\ufeff").splitlines()
    except UnicodeDecodeError:
        raise GuikeError(
            t("{file} is not {encoding} text.", file=part.name, encoding=encoding),
            t("Save it in that encoding, or put encoding in the system's file right."),
        ) from None


def _summaries(lines: list[str], file: str, labels: Mapping[str, str]) -> Iterator[Summary]:
    """The summaries of one file; a line without a known label goes on with the section before it."""
    number, opening, current = 1, "", ""
    values: Summary = {FILE_NAME: file, _NUMBER: "1"}
    for line in lines:
        label, text = _labelled(line, labels)
        opening = opening or label
        if label and label == opening and label in values:
            yield values
            number += 1
            values = {FILE_NAME: file, _NUMBER: str(number)}
        if label:
            current = label
            values[current] = f"{values.get(current, '')}\n{text}".strip()
        elif current and line.strip():
            values[current] = f"{values[current]}\n{line.strip()}".strip()
    yield values


def _labelled(line: str, labels: Mapping[str, str]) -> tuple[str, str]:
    """The column whose label the line begins with, and the text after it; '' where it begins with none."""
    if (match := _LABELLED.match(line)) and (label := labels.get(_folded(match["label"]))):
        return label, match["text"].strip().strip("*").strip()
    if (match := _HEADING.fullmatch(line)) and (label := labels.get(_folded(match["label"]))):
        return label, ""
    return "", ""
