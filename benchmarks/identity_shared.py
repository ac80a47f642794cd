"""The public English data sets in ../shared/data, where that folder is there: febrl3, febrl4, fake_1000.

Comes in: the CSV files as they are, and a model in benchmarks/models, in the form of those beside
pipelines/identity/model.py. Goes out: `Scores` of the clusters against the truth, read only to score.
Pairs are found and weighed by the code that a run uses; the model alone is another, so that another country's
records need data, not code. febrl's truth is the number in `rec-1496-dup-0`; febrl4 compares 4a with 4b only,
one model serves both, trained on febrl3. fake_1000's truth is its column `cluster`, with which
fake_1000_labels.csv agrees in each of its 3,176 pairs. Pairs are those of clusters, closed transitively.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.identity_scores import Scores, score
from pipelines.identity.blocking import find_pairs, list_keys
from pipelines.identity.cluster import connect_components
from pipelines.identity.model import Model, read_model, score_pairs

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"
MODELS = Path(__file__).resolve().parent / "models"


@dataclass(frozen=True)
class DataSet:
    """Files, the SQL of the truth and of a record's name, the model's name, and the F1 that is asked for."""

    name: str
    files: tuple[str, ...]
    truth: str
    key: str
    model: str
    wanted: float


DATA_SETS = (
    DataSet(
        "febrl3", ("febrl/dataset3.csv",), "split_part(rec_id, '-', 2)", "rec_id", "person_address_en", 0.998
    ),
    DataSet(
        "febrl4",
        ("febrl/dataset4a.csv", "febrl/dataset4b.csv"),
        "split_part(rec_id, '-', 2)",
        "rec_id",
        "person_address_en",
        0.995,
    ),
    DataSet("fake_1000", ("fake_1000.csv",), "cluster", "unique_id::integer", "person_mail_en", 0.92),
)


def is_there() -> bool:
    """Whether the shared data can be read here."""
    return all((FOLDER / file).exists() for data in DATA_SETS for file in data.files)


def scored(data: DataSet) -> Scores:
    """Read, match and score one data set."""
    model = read_model(MODELS / f"{data.model}.yml")
    with duckdb.connect() as con:
        _read(con, data)
        derive_records(con, model, "raw", "records")
        list_keys(con, model, "records", "keys")
        find_pairs(con, model, "keys", "pairs")
        if len(data.files) > 1:
            _keep_between_files(con)
        score_pairs(con, model, "records", "pairs", "scored")
        accepted = f"(from scored where score >= {model.merge} and not is_capped)"
        connect_components(con, accepted, "components")
        return score(con, "(select truth, cluster from truths left join components using (node))")


def derive_records(con: duckdb.DuckDBPyConnection, model: Model, raw: str, target: str) -> None:
    """Write the model's columns, made from those of `raw`, to the TEMP table `target`.

    Args:
        raw: a table with node and whatever the model's `columns` are made of.
        target: gets node and the model's columns.
    """
    derived = "".join(f", {sql} as {name}" for name, sql in model.columns.items())
    con.execute(f"create or replace temp table {target} as select node{derived} from {raw}")


def _read(con: duckdb.DuckDBPyConnection, data: DataSet) -> None:
    """`raw`: node, file and the files' columns; `truths`: node and truth, which no matcher reads."""
    parts = []
    for number, file in enumerate(data.files):
        path = FOLDER / file
        header = path.open(encoding="utf-8").readline()
        delimiter = ", " if ", " in header else ","
        parts.append(
            f"select {number} as file, * from read_csv('{path}', all_varchar = true, delim = '{delimiter}')"
        )
    con.execute(
        f"create temp table raw as select row_number() over (order by file, {data.key}) as node, * "
        f"from ({' union all by name '.join(parts)})"
    )
    con.execute(f"create temp table truths as select node, {data.truth} as truth from raw")


def _keep_between_files(con: duckdb.DuckDBPyConnection) -> None:
    """Leave out the pairs within a file: each holds a customer once, and only the link is asked for."""
    con.execute(
        "delete from pairs using raw as one, raw as other where left_node = one.node "
        "and right_node = other.node and one.file = other.file"
    )
