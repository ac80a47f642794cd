"""Pages of a REST table as they are fetched, on disk, so that a broken read can go on.

Comes in: pages of rows, with the position of the page and of the next. Goes out: their rows as Arrow batches.
Each page is a Parquet file, put into place by renaming; after that a line in `journal.jsonl` says that it is
there. So a page is either complete or doesn't count, whenever the process ends.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.extract.batches import BATCH_ROWS, text_schema
from pipelines.extract.specs import TableSpec
from pipelines.settings import Settings

_KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Page:
    """A complete page.

    Attributes:
        position: where it was read; None for the first one.
        next: the position after it; None if it is the last one.
        digest: a hash of its rows.
        total: the number of rows that the service stated with it.
        names: the names in its rows that no earlier page has.
    """

    position: str | None
    next: str | None
    rows: int
    digest: str
    total: int | None
    names: list[str]


class Pages:
    """The pages of one table in `folder`, of a read with `signature`; those of any other read are dropped.

    Attributes:
        pages: those that are there, in order.
        rows: the rows of all of them, repeats included.
        names: all names in the rows, in the order of their first appearance.
        digests: the hashes of the pages.
        positions: the positions that follow the pages.
    """

    def __init__(self, settings: Settings, table: TableSpec, folder: Path, signature: str) -> None:
        self._settings, self._table, self._folder = settings, table, folder
        self._signature = signature
        self._journal = folder / "journal.jsonl"
        self._began = time.time()
        self._begin(self._kept())

    def add(self, page: Page, batch: pa.RecordBatch) -> None:
        """Keep a page."""
        path = self._file(len(self.pages))
        beside = path.with_suffix(".new")
        pq.write_table(pa.Table.from_batches([batch]), beside)
        os.replace(beside, path)
        with self._journal.open("a", encoding="utf-8") as journal:
            journal.write(_line(asdict(page)))
        self._take(page)

    def start_over(self) -> None:
        """Forget all pages, and be ready for new ones."""
        self._began = time.time()
        self._begin([])

    def remove(self) -> None:
        """Forget all pages, and leave nothing on disk."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def without_repeats(self) -> int:
        """Drop rows that an earlier page has exactly so; returns how many rows there are then.

        Rows of a table without a key may be equal for good, so they stay. So do different rows of one key, as
        from any other kind of source: which one is right is for the checks after the load to say.
        """
        if not self._table.key or len(self.pages) < 2:
            return self.rows
        with self._connect() as con:
            files = ", ".join(map(_literal, self._files()))
            con.execute(
                "create view pages as "
                f"select * from read_parquet([{files}], filename = true, file_row_number = true)"
            )
            keys = ", ".join(f'"{name}"' for name in self._table.key)
            found = con.execute(f"select count(*) - count(distinct ({keys})) from pages").fetchone()
            if found is not None and found[0]:
                self._copy_first_ones(con)
        return self._count()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, in the order in which they came."""
        for path in [self._once] if self._once.exists() else self._files():
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(BATCH_ROWS):
                    yield batch.cast(text_schema(self._table))

    @property
    def _once(self) -> Path:
        return self._folder / "once" / "rows.parquet"

    def _copy_first_ones(self, con: duckdb.DuckDBPyConnection) -> None:
        self._once.parent.mkdir()
        columns = ", ".join(f'"{column.name}"' for column in self._table.columns)
        con.execute(
            f"""
            copy (
                select {columns}
                from (select *, min(filename) over (partition by {columns}) as first_file from pages)
                where filename = first_file
                order by filename, file_row_number
            ) to {_literal(self._once)} (format parquet)
            """
        )

    def _count(self) -> int:
        return int(pq.read_metadata(self._once).num_rows) if self._once.exists() else self.rows

    def _connect(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(
            config={"threads": self._settings.threads, "memory_limit": self._settings.memory_limit}
        )

    def _take(self, page: Page) -> None:
        self.pages.append(page)
        self.rows += page.rows
        self.names.update(dict.fromkeys(page.names))
        self.digests.add(page.digest)
        self.positions.add(page.next)

    def _begin(self, pages: list[Page]) -> None:
        """Count `pages` and no others; write a journal that says so."""
        self.pages: list[Page] = []
        self.rows, self.names = 0, dict[str, None]()
        self.digests, self.positions = set[str](), set[str | None]()
        for page in pages:
            self._take(page)
        if not pages:
            self.remove()
        shutil.rmtree(self._once.parent, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        beside = self._journal.with_suffix(".new")
        head = {"signature": self._signature, "began": self._began}
        lines = [_line(head), *(_line(asdict(page)) for page in self.pages)]
        beside.write_text("".join(lines), encoding="utf-8")
        os.replace(beside, self._journal)

    def _kept(self) -> list[Page]:
        """The pages of a read that was broken off not long ago, as far as they are whole."""
        try:
            lines = self._journal.read_text(encoding="utf-8").splitlines()
            head = json.loads(lines[0])
            if head["signature"] != self._signature or time.time() - head["began"] > _KEPT_SECONDS:
                return []
            self._began = head["began"]
        except (OSError, ValueError, LookupError, TypeError):
            return []
        pages: list[Page] = []
        for line in lines[1:]:
            try:
                page = Page(**json.loads(line))
                if digest(pq.read_table(self._file(len(pages))).combine_chunks()) != page.digest:
                    break
            except (OSError, ValueError, TypeError):
                break
            pages.append(page)
        # A read that came to its end is not gone on with: its rows are to be today's.
        return pages if pages and pages[-1].next is not None else []

    def _file(self, index: int) -> Path:
        return self._folder / f"{index + 1:08}.parquet"

    def _files(self) -> list[Path]:
        return [self._file(index) for index in range(len(self.pages))]


def digest(rows: pa.RecordBatch | pa.Table) -> str:
    """A hash of the rows' values and order."""
    found = hashlib.sha256()
    for column in rows.columns:
        found.update(json.dumps(column.to_pylist(), ensure_ascii=False).encode())
    return found.hexdigest()


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False) + "\n"


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
