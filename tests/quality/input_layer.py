"""A small hand-made input layer, with the columns and types of dbt's own contract."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import yaml

from pipelines.extract.specs import ENTITIES
from pipelines.settings import ROOT, Settings
from warehouse import store

INPUT_CONTRACT = ROOT / "dbt_project" / "models" / "input" / "_input.yml"
CHECKS_CONTRACT = ROOT / "dbt_project" / "models" / "input" / "checks" / "_checks.yml"
UNIFIED = ROOT / "dbt_project" / "models" / "core" / "checks"
LOADED_AT = datetime(2026, 7, 1, 1, 0)
KEY = ("system", "source_table", "source_id")


def contract(path: Path) -> dict[str, dict[str, str]]:
    """Model name -> column -> type."""
    models = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    return {m["name"]: {c["name"]: c["data_type"] for c in m["columns"]} for m in models}


def unified_contract() -> dict[str, dict[str, str]]:
    """The same of what gate 2's rules look at, `unified__<entity>`."""
    files = sorted(UNIFIED.glob("*.yml"))
    return {model: columns for path in files for model, columns in contract(path).items()}


@dataclass
class Records:
    """The input layer as Python rows; `write` puts it into the warehouse. Join checks default to false."""

    settings: Settings
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {entity: [] for entity in ENTITIES})
    failing: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def add(self, entity: str, source_id: str, **values: Any) -> None:
        head = {"system": "crm", "source_table": entity, "source_id": source_id, "loaded_at": LOADED_AT}
        self.rows[entity].append(head | values)

    def fail(self, entity: str, source_id: str, check: str) -> None:
        self.failing.setdefault(entity, {}).setdefault(check, set()).add(source_id)

    def change(self, entity: str, source_id: str, **values: Any) -> None:
        next(row for row in self.rows[entity] if row["source_id"] == source_id).update(values)

    def write(self) -> None:
        inputs, checks = contract(INPUT_CONTRACT), contract(CHECKS_CONTRACT) | unified_contract()
        with self.connection() as con:
            store.ensure_schemas(con)
            con.begin()  # one for all: each statement by itself would wait for the disk
            for entity, rows in self.rows.items():
                _table(con, f"input.{entity}", inputs[f"input__{entity}"], rows)
                for model in (f"check__{entity}", f"unified__{entity}"):
                    if columns := checks.get(model):
                        verdicts = [self._verdict(entity, row, columns) for row in rows]
                        _table(con, f"quality.{model}", columns, verdicts)
            con.commit()

    def _verdict(self, entity: str, row: dict[str, Any], columns: dict[str, str]) -> dict[str, Any]:
        """One row of dbt's checks: false but for what `fail` was told; what isn't boolean stays empty."""
        failing = self.failing.get(entity, {})
        return {
            name: row[name] if name in KEY else row["source_id"] in failing.get(name, set())
            for name, kind in columns.items()
            if name in KEY or kind == "boolean"
        }

    @contextmanager
    def connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with closing(store.connect(self.settings)) as con:
            yield con

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connection() as con:
            return con.execute(sql).fetchall()


def _table(
    con: duckdb.DuckDBPyConnection, name: str, columns: dict[str, str], rows: list[dict[str, Any]]
) -> None:
    con.execute(f"create or replace table {name} ({', '.join(f'{c} {kind}' for c, kind in columns.items())})")
    if rows:
        assert not {key for row in rows for key in row} - set(columns)
        marks = ", ".join("?" for _ in columns)
        con.executemany(
            f"insert into {name} values ({marks})", [[row.get(c) for c in columns] for row in rows]
        )
