"""Rows of files without a line of column names: JSON Lines and Parquet.

Comes in: files. Goes out: Arrow batches of text. What a format has typed becomes exact text: decimals with
all their places, times with their zone, lists and objects as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.errors import GuikeError
from pipelines.extract.batches import BATCH_ROWS, batch_from_columns
from pipelines.extract.dialect import encoding_of
from pipelines.extract.guards import match_columns
from pipelines.extract.headers import FILE_NAME
from pipelines.extract.parts import Findings, Part, Reader
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.extract.text_encoding import utf8_blocks
from pipelines.extract.text_values import Number, json_text, number_text, numbers_text
from pipelines.i18n import t


def read_parquet(
    spec: SystemSpec, table: TableSpec, part: Part, findings: Findings
) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet file.

    Raises:
        GuikeError: it is cut short or damaged, or has other columns.
    """
    try:
        file = pq.ParquetFile(part.path)
        asked = [FILE_NAME] if any(c.source == FILE_NAME for c in table.columns) else []
        names = match_columns(spec, table, [*file.schema_arrow.names, *asked], part.name)
        read = [name for name in dict.fromkeys(names) if name not in asked]
        for batch in file.iter_batches(BATCH_ROWS, columns=read):
            whole = {name: _as_text(batch.column(name)) for name in read}
            whole[FILE_NAME] = pa.repeat(part.name, batch.num_rows)
            yield batch_from_columns(table, [whole[name] for name in names])
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.filename:
            raise
        raise GuikeError(
            t("{file} is no complete Parquet file: {reason}", file=part.name,
              reason=str(error).splitlines()[0]),
            t("Export the file again."),
        ) from None  # fmt: skip


def _as_text(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_nested(kind):
        return pa.array([json_text(value) for value in values.to_pylist()], type=pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        hexed = [None if value is None else f"\\x{value.hex()}" for value in values.to_pylist()]
        return pa.array(hexed, type=pa.string())
    if pa.types.is_float64(kind):
        return numbers_text(values)
    if pa.types.is_floating(kind):
        shortest = pc.cast(values, pa.string()).to_pylist()
        return pa.array([number_text(float(text)) if text else None for text in shortest], pa.string())
    if pa.types.is_decimal(kind):
        texts = pc.cast(values, pa.string())
        if not pc.any(pc.match_substring(texts, "E")).as_py():
            return texts
        return pa.array([None if v is None else format(v, "f") for v in values.to_pylist()], pa.string())
    return pc.cast(values, pa.string())


def read_jsonl(
    spec: SystemSpec, table: TableSpec, parts: Iterator[tuple[Part, Findings]]
) -> Iterator[tuple[Findings, pa.RecordBatch]]:
    """The objects of all the files; a key may be absent from any one, so drift shows over all of them.

    Raises:
        GuikeError: a line that is no JSON object, or has a key twice; a key that no object has, or a new one.
    """
    keys: dict[str, None] = {}
    name = ""
    for part, findings in parts:
        name = part.name
        objects = _json_objects(spec, table, part, findings)
        while some := list(islice(objects, BATCH_ROWS)):
            for item in some:
                keys.update(dict.fromkeys(item))
            columns: list[Sequence[str | None]] = [
                [part.name] * len(some)
                if c.source == FILE_NAME
                else [json_text(item.get(c.source)) for item in some]
                for c in table.columns
            ]
            yield findings, batch_from_columns(table, columns)
    if keys:
        asked = [FILE_NAME] if any(c.source == FILE_NAME for c in table.columns) else []
        match_columns(spec, table, [*keys, *asked], name)


def _json_objects(
    spec: SystemSpec, table: TableSpec, part: Part, findings: Findings
) -> Iterator[dict[str, Any]]:
    encoding, findings.confidence = encoding_of(spec, table, part)
    findings.encoding = encoding.removesuffix("-sig")
    # Numbers stay as written: 1.50 would come back from a float as 1.5.
    decode = json.JSONDecoder(parse_float=Number, parse_int=Number, object_pairs_hook=_object).decode
    done = 0
    try:
        for block in utf8_blocks(part, encoding, t("Export the file again, as UTF-8.")):
            for line in StringIO(block.decode("utf-8", "surrogatepass")):
                if line.strip():
                    item = decode(line)
                    if not isinstance(item, dict):
                        raise ValueError(t("no JSON object"))
                    yield item
                done += 1
    except (ValueError, RecursionError) as error:
        raise GuikeError(
            t("{file}, line {line}: {reason}", file=part.name, line=done + 1, reason=error),
            t("Mend the line, or export the file again."),
        ) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    item = dict(pairs)
    if len(item) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(t("the key '{key}' stands there twice", key=twice))
    return item


LooseReader = Callable[
    [SystemSpec, TableSpec, Iterator[tuple[Part, Findings]]], Iterator[tuple[Findings, pa.RecordBatch]]
]


def file_by_file(read: Reader) -> LooseReader:
    """A reader of one file, where there may be thousands of them."""

    def read_all(
        spec: SystemSpec, table: TableSpec, parts: Iterator[tuple[Part, Findings]]
    ) -> Iterator[tuple[Findings, pa.RecordBatch]]:
        for part, findings in parts:
            for batch in read(spec, table, part, findings):
                yield findings, batch

    return read_all
