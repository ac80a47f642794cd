"""Models of what speaks for one customer and what against: data in, scored pairs out.

Comes in: a model (a YAML file beside this module, or one of a benchmark's), and a TEMP table of records whose
columns it names. Goes out: the pairs of records worth comparing, each with the probability that the two are
one. Which pairs are looked at comes from the model's keys, so that their number grows with the records, not
with their square; what each agreement weighs is computed by Splink (Fellegi and Sunter's model with
term frequencies). A model's numbers are versioned with the code: no run changes them.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal

import duckdb
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from splink import DuckDBAPI, Linker

from pipelines.errors import GuikeError
from pipelines.i18n import t
from pipelines.identity.normalise import quoted

_FOLDER = Path(__file__).with_name("models")
_SIDES = re.compile(r"\b(\w+)_[lr]\b")


class Title(BaseModel):
    """What people read, in both languages."""

    model_config = ConfigDict(extra="forbid")
    en: str
    zh: str


class Level(BaseModel):
    """One outcome of a comparison.

    Attributes:
        when: SQL over the columns with _l and _r; the last level has none.
        missing: one side has no value, which says nothing.
        m, u: how often the level occurs between two records of one customer, and of two customers.
        frequency: weigh by how common the value is.
        at_most: a pair with this level is never more than a question to a person …
        decides: … unless another comparison has a level that decides.
        bridges: false where one side says too little to join two customers, however well it fits both.
    """

    model_config = ConfigDict(extra="forbid")
    when: str | None = None
    missing: bool = False
    title: Title | None = None
    m: float | None = Field(None, gt=0, le=1)
    u: float | None = Field(None, gt=0, le=1)
    frequency: bool = False
    at_most: Literal["review"] | None = None
    decides: bool = False
    bridges: bool = True

    @model_validator(mode="after")
    def _is_whole(self) -> Level:
        if not self.missing and (self.m is None or self.u is None or self.title is None):
            raise ValueError("a level needs title, m and u, unless it is missing: true")
        return self


class Comparison(BaseModel):
    """One thing that two records are compared by.

    Attributes:
        column: the one whose frequencies count.
        identifies: agreement in it is named as the reason, before a common name.
        shown: columns of which people are shown the first that has a value; by default the missing level's.
    """

    model_config = ConfigDict(extra="forbid")
    name: str = Field(pattern="^[a-z_]+$")
    title: Title
    column: str | None = None
    identifies: bool = False
    shown: list[str] = []
    levels: list[Level] = Field(min_length=2)

    @model_validator(mode="after")
    def _ends_open(self) -> Comparison:
        if [level.when is None for level in self.levels] != [False] * (len(self.levels) - 1) + [True]:
            raise ValueError("the last level, and no other, has no `when`")
        if any(level.frequency for level in self.levels) and not self.column:
            raise ValueError("a level with frequency: true needs the comparison's `column`")
        return self

    @property
    def seen(self) -> list[str]:
        """What `shown` says, or its default."""
        asked = next((level.when or "" for level in self.levels if level.missing), "")
        return self.shown or list(dict.fromkeys(_SIDES.findall(asked)))

    @property
    def highest(self) -> int:
        """The number of the first level that isn't a missing one."""
        return sum(not level.missing for level in self.levels) - 1

    def level(self, number: int) -> Level:
        """The level that Splink calls `number`: the last one is 0, a missing one -1."""
        if number < 0:
            return next(level for level in self.levels if level.missing)
        return [level for level in self.levels if not level.missing][self.highest - number]


class Key(BaseModel):
    """Records that share it are compared.

    Attributes:
        of: SQL that gives a text or a list of texts; NULL and '' are no key.
        when: SQL; other records have no such key.
        strong: one customer's own (a number, an address): in a crowd, its records are still compared with
            the first of them.
    """

    model_config = ConfigDict(extra="forbid")
    of: str
    when: str = "true"
    strong: bool = False


class Model(BaseModel):
    """What two records of one kind of customer are compared by.

    Attributes:
        prior: the probability that two records taken at random are one customer.
        merge, review: at or above `merge` two records are one, at or above `review` a person is asked.
        columns: how each column comes from the input's, where they aren't there already.
        most: the records that may share a key which is not strong.
        smoothing: how common a value is, is asked of the records and of so many more in which it has the
            share u; few records say little about it.
    """

    model_config = ConfigDict(extra="forbid")
    name: str
    version: int
    title: Title
    prior: float = Field(gt=0, lt=1)
    merge: float = Field(gt=0, le=1)
    review: float = Field(gt=0, le=1)
    columns: dict[str, str] = {}
    comparisons: list[Comparison] = Field(min_length=1)
    keys: list[Key] = Field(min_length=1)
    most: int = Field(60, gt=1)
    smoothing: int = Field(0, ge=0)

    def signature(self) -> str:
        """A hash that changes with anything in the model."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]

    def compared(self) -> list[str]:
        """The columns that the levels name."""
        conditions = [level.when or "" for comparison in self.comparisons for level in comparison.levels]
        named = {name for condition in conditions for name in _SIDES.findall(condition)}
        return sorted(named | {c.column for c in self.comparisons if c.column})

    def frequencies(self) -> list[str]:
        """The columns whose values are weighed by how common they are."""
        return sorted({c.column for c in self.comparisons if c.column and any(x.frequency for x in c.levels)})

    def settings(self, in_parts: bool = False) -> dict[str, Any]:
        """The model as Splink's settings; `in_parts` has it tell the weight of each comparison."""
        return {
            "link_type": "dedupe_only",
            "unique_id_column_name": "node",
            "probability_two_random_records_match": self.prior,
            "blocking_rules_to_generate_predictions": [],
            "retain_matching_columns": True,
            "retain_intermediate_calculation_columns": in_parts,
            "comparisons": [_settings_of(comparison) for comparison in self.comparisons],
        }


def _settings_of(comparison: Comparison) -> dict[str, Any]:
    levels = []
    for level in comparison.levels:
        written: dict[str, Any] = {"sql_condition": level.when or "ELSE"}
        if level.missing:
            written |= {"is_null_level": True, "label_for_charts": "missing"}
        else:
            assert level.title is not None
            written |= {
                "m_probability": level.m,
                "u_probability": level.u,
                "label_for_charts": level.title.en,
            }
        if level.frequency:
            written |= {"tf_adjustment_column": comparison.column, "tf_adjustment_weight": 1.0}
        levels.append(written)
    return {"output_column_name": comparison.name, "comparison_levels": levels}


def read_model(path: Path) -> Model:
    """The model in the file.

    Raises:
        GuikeError: it isn't one; with the file and the place in it.
    """
    try:
        return Model.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise GuikeError(
            t("The model {file} can't be read: {reason}", file=path, reason=error),
            t("Put the file right; the models beside pipelines/identity/model.py show how one is written."),
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "–"
        raise GuikeError(
            t("The model {file} is wrong at {place}: {reason}", file=path, place=place, reason=first["msg"]),
            t("Put the file right; the models beside pipelines/identity/model.py show how one is written."),
        ) from None


@cache
def load_model(name: str) -> Model:
    """One of the models that come with Guike: `person` or `organisation`."""
    return read_model(_FOLDER / f"{name}.yml")


def score_pairs(
    con: duckdb.DuckDBPyConnection,
    model: Model,
    records: str,
    pairs: str,
    target: str,
    frequencies: str | None = None,
    *,
    least: float | None = None,
    in_parts: bool = False,
) -> None:
    """Have Splink weigh the `pairs` of `records`.

    Args:
        records: a TEMP table with node and the columns that the model compares.
        pairs: a TEMP table with left_node and right_node.
        target: gets left_node, right_node, model, score (the probability that both are one customer), weight
            (log2 of the odds), levels (of each comparison, in the model's order), method (what identifies),
            is_capped (a person should be asked) and is_sparse (one side says too little to join two
            customers), for the pairs at or above `review`.
        frequencies: a TEMP table (model, attribute, value, share); by default the records' own.
        least: the score from which on pairs are written, by default `review`.
        in_parts: also give weights and adjustments: of each comparison, and for how common its value is.
    """
    if not con.execute(f"select 1 from {pairs} limit 1").fetchone():
        con.execute(
            f"create or replace temp table {target} (left_node bigint, right_node bigint, model varchar, "
            "score double, weight double, levels tinyint[], method varchar, "
            "is_capped boolean, is_sparse boolean)"
        )
        return
    # It tells of its progress, and that the model was not trained in this process.
    logging.getLogger("splink").setLevel(logging.ERROR)
    # Splink's tables go to memory, which spills like any other, and not into the warehouse's file.
    con.execute("attach if not exists ':memory:' as scoring")
    schema = con.execute("select current_database() || '.' || current_schema()").fetchone()
    assert schema is not None
    con.execute("use scoring")
    try:
        columns = ", ".join(model.compared())
        con.execute(f"create or replace view scoring_records as select node, {columns} from temp.{records}")
        con.execute(
            "create or replace table scoring_pairs as select '0' as match_key, left_node as join_key_l, "
            f"right_node as join_key_r from temp.{pairs}"
        )
        api = DuckDBAPI(con)
        settings = model.settings(in_parts)
        linker = Linker(
            api.register("scoring_records"), settings, validate_settings=False, log_level=logging.ERROR
        )
        for column in model.frequencies():
            con.execute(
                f"create or replace table frequency_{column} as {_shares(model, column, frequencies)}"
            )
            linker.table_management.register_term_frequency_lookup(
                api.register(f"frequency_{column}"), column
            )
        linker.table_management.register_blocked_pairs_for_predict(api.register("scoring_pairs"))
        least = model.review if least is None else least
        scored = linker.inference.predict(threshold_match_probability=least or None, warning_mode="never")
        con.execute(
            f"create or replace temp table {target} as {_result(model, scored.physical_name, in_parts)}"
        )
    finally:
        con.execute(f"use {schema[0]}")
        con.execute("detach scoring")


def _shares(model: Model, column: str, frequencies: str | None) -> str:
    if frequencies:
        return (
            f"select value as {column}, share as tf_{column} from temp.{frequencies} "
            f"where model = {quoted(model.name)} and attribute = {quoted(column)}"
        )
    return f"select value as {column}, share as tf_{column} from ({count_frequencies(model, column)})"


def count_frequencies(model: Model, column: str, records: str = "scoring_records") -> str:
    """The query for how common each value of `column` is among `records`: value, share."""
    usual = min(x.u or 1.0 for c in model.comparisons if c.column == column for x in c.levels if x.frequency)
    return (
        f"select {column} as value, (count(*) + {model.smoothing * usual}) "
        f"/ (sum(count(*)) over () + {model.smoothing}) as share "
        f"from {records} where {column} is not null group by {column}"
    )


def _result(model: Model, scored: str, in_parts: bool) -> str:
    levels = ", ".join(f"gamma_{comparison.name}" for comparison in model.comparisons)
    capping = _any_level(model, lambda level: level.at_most is not None)
    deciding = _any_level(model, lambda level: level.decides)
    sparse = _any_level(model, lambda level: not level.bridges)
    methods = " ".join(
        f"when gamma_{comparison.name} = {comparison.highest} then {quoted(comparison.name)}"
        for comparison in model.comparisons
        if comparison.identifies
    )
    method = f"case {methods} else 'name' end" if methods else "'name'"
    return f"""
        select node_l as left_node, node_r as right_node, {quoted(model.name)} as model,
            match_probability as score, match_weight as weight, [{levels}]::tinyint[] as levels,
            {method} as method, ({capping}) and not ({deciding}) as is_capped,
            {sparse} as is_sparse{_parts(model) if in_parts else ""}
        from {scored}"""


def _parts(model: Model) -> str:
    weights = [f"mw_{one.name}" for one in model.comparisons]
    rare = [f"mw_tf_adj_{c.name}" if any(x.frequency for x in c.levels) else "0" for c in model.comparisons]
    return f", [{', '.join(weights)}]::double[] as weights, [{', '.join(rare)}]::double[] as adjustments"


def _any_level(model: Model, wanted: Callable[[Level], bool]) -> str:
    """The condition that some comparison has a level that is wanted."""
    return (
        " or ".join(
            f"gamma_{comparison.name} = {number}"
            for comparison in model.comparisons
            for number in range(comparison.highest + 1)
            if wanted(comparison.level(number))
        )
        or "false"
    )
