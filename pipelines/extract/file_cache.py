"""The rows of a drop folder's files, kept so that each file is parsed once.

Comes in: files with their content hashes, and batches as they are read. Goes out: the same batches, from
Parquet where the file was read before under the same spec. An entry is written when its file has been read to
the end, so one broken file costs none of the others; the index changes when all have been.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.extract.batches import BATCH_ROWS


class Entry(NamedTuple):
    """One file as it was read: the hash of its contents, and the name of the Parquet file."""

    content_hash: str
    key: str


class FileCache:
    """The parsed files of one table."""

    def __init__(self, folder: Path, signature: str) -> None:
        self._folder, self._signature = folder, signature
        self._index = folder / "index.json"
        self.entries: dict[str, Entry] = {}
        if self._index.exists():
            known = json.loads(self._index.read_text(encoding="utf-8"))
            self.entries = {name: Entry(*entry) for name, entry in known.items()}

    def entry(self, name: str, content_hash: str) -> Entry:
        """What the entry of this file is, or will be, under the spec as it is now."""
        text = f"{self._signature}\0{name}\0{content_hash}"
        return Entry(content_hash, hashlib.sha256(text.encode()).hexdigest()[:32])

    def has(self, entry: Entry) -> bool:
        """Whether the rows are there."""
        return self._path(entry).exists()

    def rows(self, entry: Entry) -> Iterator[pa.RecordBatch]:
        """The rows of a file read before."""
        with pq.ParquetFile(self._path(entry)) as file:
            yield from file.iter_batches(BATCH_ROWS)

    def keep(
        self, entry: Entry, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
    ) -> Iterator[pa.RecordBatch]:
        """The batches as they come, kept once the last one has been taken."""
        self._folder.mkdir(parents=True, exist_ok=True)
        beside = self._path(entry).with_suffix(".new")
        with pq.ParquetWriter(beside, schema) as file:
            for batch in batches:
                file.write_batch(batch)
                yield batch
        os.replace(beside, self._path(entry))

    def finish(self, entries: Mapping[str, Entry]) -> None:
        """These are the table's files now; the rows of all others are let go."""
        self._folder.mkdir(parents=True, exist_ok=True)
        beside = self._index.with_suffix(".new")
        beside.write_text(json.dumps(dict(entries), ensure_ascii=False), encoding="utf-8")
        os.replace(beside, self._index)
        self.entries = dict(entries)
        current = {self._path(entry) for entry in entries.values()}
        for path in self._folder.glob("*.parquet"):
            if path not in current:
                path.unlink()

    def _path(self, entry: Entry) -> Path:
        return self._folder / f"{entry.key}.parquet"
