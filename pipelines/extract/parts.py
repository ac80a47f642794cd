"""What a file reader is given, and what it tells besides the rows.

Comes in: nothing. Goes out: `Part`, a file or a file out of an archive, and `Findings`, which a reader fills
in while it reads and from which the verdict is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipelines.extract.specs import SystemSpec, TableSpec


@dataclass(frozen=True)
class Part:
    """One file to read: its name for people, where its bytes lie, and the hash of the file on disk."""

    name: str
    path: Path
    content_hash: str


@dataclass
class Findings:
    """What a reader has found out so far; see FileVerdict."""

    encoding: str | None = None
    delimiter: str | None = None
    header_row: int | None = None
    confidence: float = 1.0
    left_out: int = 0


Reader = Callable[[SystemSpec, TableSpec, Part, Findings], Iterator[pa.RecordBatch]]
