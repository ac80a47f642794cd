"""The public English data sets in ../shared/data, where that folder is there: febrl3, febrl4, fake_1000.

Comes in: the CSV files as they are, and a model in benchmarks/models (columns, blocking rules, comparisons
with their probabilities, threshold: all of it data). Goes out: `Scores` of the clusters against the truth,
which is read only to score. febrl's truth is the number in `rec-1496-dup-0`; febrl4 compares 4a with 4b
only, one model serves both, trained on febrl3. fake_1000's truth is its column `cluster`, with which
fake_1000_labels.csv agrees in each of its 3,176 pairs. Pairs are those of clusters, closed transitively.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

from benchmarks.identity_scores import Scores, score
from pipelines.identity.cluster import connect_components

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"
MODELS = Path(__file__).resolve().parent / "models"


@dataclass(frozen=True)
class DataSet:
    """Files with their label, the SQL of the truth, the model's name, and the F1 that is asked for."""

    name: str
    files: dict[str, str]
    truth: str
    model: str
    wanted: float


DATA_SETS = (
    DataSet("febrl3", {"3": "febrl/dataset3.csv"}, "split_part(rec_id, '-', 2)", "person_address_en", 0.998),
    DataSet(
        "febrl4",
        {"a": "febrl/dataset4a.csv", "b": "febrl/dataset4b.csv"},
        "split_part(rec_id, '-', 2)",
        "person_address_en",
        0.995,
    ),
    DataSet("fake_1000", {"1": "fake_1000.csv"}, "cluster", "person_mail_en", 0.92),
)


def is_there() -> bool:
    """Whether the shared data can be read here."""
    return all((FOLDER / file).exists() for data in DATA_SETS for file in data.files.values())


def scored(data: DataSet) -> Scores:
    """Read, match and score one data set."""
    with duckdb.connect() as con:
        model = yaml.safe_load((MODELS / f"{data.model}.yml").read_text(encoding="utf-8"))
        _read(con, data, model["columns"])
        guike_clusters(con, "records", model, between="dataset" if len(data.files) > 1 else None)
        return score(con, "(select truth, cluster from truths left join clustered using (unique_id))")


def _read(con: duckdb.DuckDBPyConnection, data: DataSet, columns: dict[str, str]) -> None:
    """`records`: the model's columns and `dataset`; `truths`: unique_id and truth, which no matcher reads."""
    parts = []
    for label, file in data.files.items():
        path = FOLDER / file
        header = path.open(encoding="utf-8").readline()
        reader = f"read_csv('{path}', all_varchar = true, delim = '{', ' if ', ' in header else ','}')"
        parts.append(f"select '{label}' as dataset, * from {reader}")
    con.execute(f"create table raw as {' union all by name '.join(parts)}")
    told = ", ".join(f"{sql} as {name}" for name, sql in columns.items())
    con.execute(f"create table records as select dataset, {told} from raw")
    con.execute(
        f"create table truths as select {columns['unique_id']} as unique_id, {data.truth} as truth from raw"
    )


def guike_clusters(
    con: duckdb.DuckDBPyConnection, records: str, model: dict[str, Any], between: str | None = None
) -> None:
    """Cluster `records` as the table `clustered` (unique_id, cluster): the records that have a partner.

    Args:
        con: where the table `records` is.
        records: has unique_id and the model's columns.
        model: as read from YAML.
        between: only records that differ in this column are compared (linking two files without repeats).
    """
    from splink import DuckDBAPI, Linker

    api = DuckDBAPI(connection=con)
    frame = api.register(con.table(records).to_arrow_table(), dataset_display_name="splink_records")
    linker = Linker(frame, splink_settings(model, between), log_level=None)
    found = linker.inference.predict(threshold_match_probability=model["threshold"])
    con.execute(
        "create or replace table numbered as "
        f"select unique_id, row_number() over (order by unique_id) as node from {records}"
    )
    con.execute(
        "create or replace table found_edges as select one.node as left_node, other.node as right_node "
        f"from {found.physical_name} inner join numbered as one on unique_id_l = one.unique_id "
        "inner join numbered as other on unique_id_r = other.unique_id"
    )
    connect_components(con, "found_edges", "components")
    con.execute(
        "create or replace table clustered as "
        "select unique_id, cluster from numbered inner join components using (node)"
    )


def splink_settings(model: dict[str, Any], between: str | None = None) -> dict[str, Any]:
    """The model as Splink's settings dictionary."""
    only = f" and l.{between} <> r.{between}" if between else ""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "unique_id",
        "probability_two_random_records_match": model["probability_two_random_records_match"],
        "blocking_rules_to_generate_predictions": [rule + only for rule in model["blocking_rules"]],
        "comparisons": [
            {
                "output_column_name": comparison["name"],
                "comparison_levels": [_level(level) for level in comparison["levels"]],
            }
            for comparison in model["comparisons"]
        ],
        "retain_matching_columns": False,
    }


def _level(level: dict[str, Any]) -> dict[str, Any]:
    made = {"sql_condition": level["sql"], "label_for_charts": level["label"]}
    if level.get("is_null"):
        return made | {"is_null_level": True}
    made |= {"m_probability": level["m"], "u_probability": level["u"]}
    if column := level.get("term_frequency"):
        made |= {
            "tf_adjustment_column": column,
            "tf_adjustment_weight": 1.0,
            "tf_minimum_u_value": level["smallest_u"],
        }
    return made
