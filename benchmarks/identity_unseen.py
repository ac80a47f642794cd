"""Unseen data as a warehouse: what gate 1 would have let through, and the truth beside it.

Comes in: a home folder, a language, how many customers, a seed. Goes out: `guike.duckdb` there, whose
`quality.passed_<entity>` have the columns of the input contract, and `truth.parquet`. A share of the
customers' records may be held back in `bench.later_customers`, for an incremental run (`let_in`).
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from benchmarks.unseen_en import make_en
from benchmarks.unseen_zh import Made, make_zh
from pipelines.identity.mentions import ENTITIES
from pipelines.settings import ROOT, load_settings
from warehouse import store

MAKERS = {"zh": make_zh, "en": make_en}
_CONTRACT = ROOT / "dbt_project" / "models" / "input" / "_input.yml"
_EARLIEST = np.datetime64("2021-01-01")


def make_unseen(home: Path, language: str, customers: int, seed: int, held_back: float = 0.0) -> int:
    """Write the warehouse and the truth into `home`, replacing older ones; gives the number of records.

    Args:
        held_back: the share of customers' records (fraction) that come later.
    """
    home.mkdir(parents=True, exist_ok=True)
    settings = dataclasses.replace(load_settings(), home=home)
    for old in home.glob("guike.duckdb*"):
        old.unlink()
    made = MAKERS[language](customers, seed)
    with store.connect(settings) as con:
        store.ensure_schemas(con)
        for entity, columns in contract_columns().items():
            about = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            con.execute(f"create table quality.passed_{entity} ({about})")
        _fill(con, made, seed)
        con.execute("create schema bench")
        con.execute(
            "create table bench.later_customers as from quality.passed_customers "
            "where hash(system, source_id, $seed) % 10000 < $share * 10000",
            {"seed": seed, "share": held_back},
        )
        con.execute(
            "delete from quality.passed_customers where (system, source_id) in "
            "(select (system, source_id) from bench.later_customers)"
        )
    _write_truth(made, home / "truth.parquet")
    return sum(len(rows["truth"]) for rows in made.rows["customers"])


def let_in(con: duckdb.DuckDBPyConnection) -> None:
    """The records held back arrive."""
    con.execute("insert into quality.passed_customers from bench.later_customers")
    con.execute("delete from bench.later_customers")


def unseen_truth(con: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Make `truth_rows` of `identity_truth.py`."""
    con.execute(
        "create or replace temp table truth_rows as select *, truth as apart from read_parquet($file)",
        {"file": str(home / "truth.parquet")},
    )


def contract_columns() -> dict[str, dict[str, str]]:
    """Column → type of every entity of the input contract that identity may read."""
    models = yaml.safe_load(_CONTRACT.read_text(encoding="utf-8"))["models"]
    wanted = {"customers", "staff", *ENTITIES}
    found = {
        model["name"].removeprefix("input__"): {
            column["name"]: column["data_type"] for column in model["columns"]
        }
        for model in models
        if model["name"].startswith("input__")
    }
    return {entity: columns for entity, columns in found.items() if entity in wanted}


def _fill(con: duckdb.DuckDBPyConnection, made: Made, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for entity, parts in made.rows.items():
        for rows in parts:
            count = len(rows["truth"])
            columns = {name: _text(value, count) for name, value in rows.items() if name not in _TRUTH_ONLY}
            if entity == "customers":
                columns["created_at"] = pa.array(_EARLIEST + rng.integers(0, 1500, count))
            con.register("made_rows", pa.table(columns))
            con.execute(f"insert into quality.passed_{entity} by name select * from made_rows")
            con.unregister("made_rows")


_TRUTH_ONLY = ("truth", "is_firm")


def _write_truth(made: Made, file: Path) -> None:
    parts = [
        pa.table(
            {
                "system": _text(rows["system"], len(rows["truth"])),
                "source_table": _text(rows["source_table"], len(rows["truth"])),
                "source_id": _text(rows["source_id"], len(rows["truth"])),
                "truth": pa.array([f"U{number}" for number in rows["truth"].tolist()]),
                "is_firm": pa.array(rows["is_firm"]),
            }
        )
        for entity in made.rows.values()
        for rows in entity
    ]
    pq.write_table(pa.concat_tables(parts), file)


def _text(value: Any, count: int) -> pa.Array:
    """A column of text, of one word or of one value per row."""
    if isinstance(value, str):
        return pa.repeat(pa.scalar(value, pa.string()), count)
    return pa.array(value.astype(object), pa.string())
