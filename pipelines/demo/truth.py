"""What really is the case, kept apart from the sources; the pipeline never reads it.

Comes in: every table as it was written, every defect where it was planted, the world itself. Goes out:
`entity_records`, `defects`, `churn`, `revenue_by_month`, `cheats` as Parquet and `summary.json` in the truth
folder.

In `entity_records` a firm's office, and the member card of its contact, is a `true_customer` of its own that
rolls up to the firm, its `group_customer`; so are the rows that point at the office's record or at the card.
Rows that only name the firm, or ring from its number, are the firm's. Elsewhere the two columns are the same.
"""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.demo.fabric import Booleans, Integers, Objects, as_date, constant, day_text, numbers, optional
from pipelines.demo.leaving import ACTIVE, REASONS, Leaving
from pipelines.demo.registers import CARD, ITSELF
from pipelines.demo.tables import Table
from pipelines.demo.world import END, NEVER

_RECORDS = pa.schema(
    [
        ("system", pa.string()),
        ("source_table", pa.string()),
        ("source_id", pa.string()),
        ("true_customer", pa.string()),
        ("group_customer", pa.string()),
    ]
)
_DEFECTS = pa.schema(
    [(name, pa.string()) for name in ("defect", "system", "source_table", "source_id", "field")]
)
_ROWS_AT_ONCE = 500_000


def customer_names(who: Integers) -> Objects:
    """The truth's own name of a firm or person: T and seven digits."""
    return np.asarray(constant("T", len(who)) + numbers(np.asarray(who) + 1, 7))


def part_names(who: Integers, part: Integers) -> Objects:
    """The same with -1, -2 … for a firm's offices and -9 for its contact's private card."""
    names = customer_names(who)
    apart = np.flatnonzero(part != ITSELF)
    names[apart] += "-" + numbers(part[apart], 1)
    return names


class Truth:
    """Collects the truth while the sources are written."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.rows: Counter[str] = Counter()
        self.planted: Counter[str] = Counter()
        self._apart = np.zeros((0, 2), dtype=np.int64)
        self._records = pq.ParquetWriter(folder / "entity_records.parquet", _RECORDS)
        self._defects: list[pa.Table] = []
        self._revenue: list[tuple[str, NDArray[Any], Integers]] = []

    def record(self, table: Table) -> None:
        """Note whose every row of `table` is, and count the rows as written."""
        self.rows[f"{table.system}.{table.name}"] += len(table)
        about = np.flatnonzero(table.customer >= 0)
        part = np.full(len(table), ITSELF) if table.part is None else table.part
        self._note_parts(table.customer[about], part[about])
        for start in range(0, len(about), _ROWS_AT_ONCE):
            rows = about[start : start + _ROWS_AT_ONCE]
            self._records.write_table(
                _text_table(
                    _RECORDS,
                    table.system,
                    table.name,
                    table.source_ids(rows),
                    part_names(table.customer[rows], part[rows]),
                    customer_names(table.customer[rows]),
                )
            )

    def _note_parts(self, customer: Integers, part: Integers) -> None:
        """Keep each (firm, part) apart from the firm itself once, to be counted."""
        found = np.stack([customer, part], axis=1)[part != ITSELF]
        self._apart = np.unique(np.concatenate([self._apart, found]), axis=0)

    def defect(self, name: str, table: Table, rows: Integers, field: str) -> None:
        """Note that these rows of `table` have the defect in `field`."""
        self.planted[name] += len(rows)
        if len(rows):
            self._defects.append(
                _text_table(_DEFECTS, name, table.system, table.name, table.source_ids(rows), field)
            )

    def revenue(self, system: str, days: Integers, cents: Integers) -> None:
        """Add true revenue: cents with tax by day, returns negative."""
        self._revenue.append((system, days, cents))

    def cheats(self, rows: dict[str, list[Any]]) -> None:
        """Write which employees invent customer data, and which honest ones might be taken for them."""
        pq.write_table(pa.table(rows), self.folder / "cheats.parquet")

    def finish(self, leaving: Leaving, bought: Booleans, summary: dict[str, Any]) -> None:
        """Write everything; `bought` says which firms and people ever bought (others can't be lost)."""
        self._records.close()
        pq.write_table(pa.concat_tables(self._defects), self.folder / "defects.parquet")
        pq.write_table(self._churn(leaving, bought), self.folder / "churn.parquet")
        pq.write_table(self._revenue_by_month(), self.folder / "revenue_by_month.parquet")
        cards = int((self._apart[:, 1] == CARD).sum())
        summary |= {"offices": len(self._apart) - cards, "private_cards": cards}
        summary |= {"rows": dict(sorted(self.rows.items())), "defects": dict(sorted(self.planted.items()))}
        text = json.dumps(summary, ensure_ascii=False, indent=1, sort_keys=True)
        (self.folder / "summary.json").write_text(text + "\n", encoding="utf-8")

    @staticmethod
    def _churn(leaving: Leaving, bought: Booleans) -> pa.Table:
        """Who was lost: people, and firms as a group, since a firm leaves with all its customers.

        `true_customer` is the firm's own name. Its offices and its contact's card have no rows: what was
        bought through them counts as bought by the firm, and its day of leaving is theirs too. To judge a
        customer found by the pipeline, compare over `group_customer`.
        """
        who = np.flatnonzero(leaving.gone() & bought)
        back = leaving.won_back[who]
        won_back = optional(back <= END, day_text(np.minimum(back, NEVER)))
        kind = np.where(ACTIVE[leaving.reason[who]], "active", "passive")
        return pa.table(
            {
                "true_customer": pa.array(customer_names(who), pa.string()),
                "left_on": pa.array(day_text(leaving.left[who]), pa.string()).cast(pa.date32()),
                "kind": pa.array(kind, pa.string()),
                "reason": pa.array(REASONS[leaving.reason[who]], pa.string()),
                "contractual": pa.array(leaving.is_contractual[who]),
                "won_back_on": pa.array(won_back, pa.string()).cast(pa.date32()),
            }
        )

    def _revenue_by_month(self) -> pa.Table:
        sums: Counter[tuple[str, str]] = Counter()
        for system, days, cents in self._revenue:
            first = int(days.min())
            per_day = np.zeros(int(days.max()) - first + 1, dtype=np.int64)
            np.add.at(per_day, days - first, cents)
            for offset in np.flatnonzero(per_day).tolist():
                sums[as_date(first + offset).strftime("%Y-%m"), system] += int(per_day[offset])
        keys = sorted(sums)
        amounts = [Decimal(sums[key]).scaleb(-2) for key in keys]
        return pa.table(
            {
                "month": pa.array([month for month, _ in keys], pa.string()),
                "system": pa.array([system for _, system in keys], pa.string()),
                "amount_gross": pa.array(amounts, pa.decimal128(18, 2)),
            }
        )


def _text_table(schema: pa.Schema, *columns: Any) -> pa.Table:
    """A table of strings; a single word stands for a whole column."""
    count = max(len(column) for column in columns if not isinstance(column, str))
    arrays = [
        pa.array(constant(column, count) if isinstance(column, str) else column, pa.string())
        for column in columns
    ]
    return pa.Table.from_arrays(arrays, schema=schema)
