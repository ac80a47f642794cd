"""What two records say for and against being one customer, as the matcher weighs it.

Comes in: two node numbers and the working file. Goes out: for each comparison of the model both values,
what came of comparing them and its weight in bits. The two records are put into a small database of their
own, with the frequencies that the last full match counted, and go through the same SQL and the same models
as in a run: the numbers are the run's, though nothing of it was kept but the result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from pipelines.identity.blocking import find_pairs, list_keys
from pipelines.identity.match import MODELS, OF_KIND, USABLE, list_compared
from pipelines.identity.model import Comparison, Model, load_model, score_pairs
from pipelines.identity.normalise import install_macros, quoted

_OF_TWO = {
    "nodes": "from identity.nodes where node in ({nodes})",
    "node_identifiers": "from identity.node_identifiers where node in ({nodes})",
    "shared_values": "from identity.shared_values semi join identity.node_identifiers using (kind, value) "
    "where (kind, value) in (select (kind, value) from identity.node_identifiers where node in ({nodes}))",
    "touched": "select unnest([{nodes}]) as node",
}
_FREQUENCIES = (
    "from identity.frequencies where model = $model and attribute = $column and list_contains($values, value)"
)


@dataclass(frozen=True)
class Step:
    """One comparison of the two records.

    Attributes:
        comparison: its name in the model; title_… and level_…: its title, and the outcome's.
        left, right: the two values, None where there is none.
        is_missing: one side has no value, which says nothing.
        weight: bits, log2(m / u); negative speaks against.
        adjustment: bits more or fewer for a rare or a common value.
        total: bits after this step, the prior's included.
        only_asks: the outcome leaves the decision to a person, however much the rest weighs.
    """

    comparison: str
    title_en: str
    title_zh: str
    left: str | None
    right: str | None
    level_en: str | None
    level_zh: str | None
    is_missing: bool
    weight: float
    adjustment: float
    total: float
    only_asks: bool


@dataclass(frozen=True)
class Weighed:
    """The model's opinion of two records.

    Attributes:
        prior: bits that two records taken at random start with.
        weight: bits in the end; probability: the same as a share.
        merge, review: the probabilities from which on two records are one, and a person is asked.
        is_capped: an outcome leaves the decision to a person.
        is_sparse: one side says too little to join two customers.
        share_a_key: the two share something by which records are looked up; others are never compared.
        was_compared: the last run came across the pair and found it worth a decision or a question.
    """

    model: str
    model_title_en: str
    model_title_zh: str
    version: int
    prior: float
    steps: list[Step]
    weight: float
    probability: float
    merge: float
    review: float
    is_capped: bool
    is_sparse: bool
    share_a_key: bool
    was_compared: bool

    @property
    def rounded(self) -> str:
        """The probability for people."""
        return share(self.probability)

    @property
    def verdict(self) -> str:
        """What follows from it alone: match, attach, names, review or apart."""
        if self.probability < self.review:
            return "apart"
        if self.probability < self.merge:
            return "review"
        if self.is_capped:
            return "names"
        return "attach" if self.is_sparse else "match"


def share(probability: float) -> str:
    """A probability to three places, and never a rounded 0 or 1."""
    if probability > 0.9995:
        return "> 0.999"
    return "< 0.001" if probability < 0.0005 else f"{probability:.3f}"


def weigh(con: duckdb.DuckDBPyConnection, one: int, other: int) -> Weighed | None:
    """Weigh two nodes; None where no model compares them: a person and a firm, or a record without a name.

    Args:
        con: the working file.
        one, other: node numbers of identity.nodes.
    """
    found = []
    with duckdb.connect() as small:
        _copy(con, small, one, other)
        small.execute(USABLE)
        list_compared(small)
        small.execute("create temp table two (left_node bigint, right_node bigint)")
        small.execute("insert into two values (?, ?)", [min(one, other), max(one, other)])
        for name in MODELS:
            model = load_model(name)
            small.execute(
                f"create or replace temp table kind_records as select * from compared where {OF_KIND[name]}"
            )
            if small.execute("select count(*) from kind_records").fetchone() == (2,):
                found.append(_weighed(con, small, model, one))
    # Records of unknown kind are compared as both; the run, too, goes by the last one worth a look.
    worth = [weighed for weighed in found if weighed.probability >= weighed.review]
    return worth[-1] if worth else max(found, key=lambda weighed: weighed.weight, default=None)


def _copy(con: duckdb.DuckDBPyConnection, small: duckdb.DuckDBPyConnection, one: int, other: int) -> None:
    """The records of two nodes into the small database, as a run has all of them."""
    install_macros(small)
    for name, query in _OF_TWO.items():
        rows = con.execute(query.format(nodes=f"{one:d}, {other:d}")).fetch_arrow_table()
        small.register("copied", rows)
        small.execute(f"create temp table {name} as from copied")
        small.unregister("copied")


def _weighed(
    con: duckdb.DuckDBPyConnection, small: duckdb.DuckDBPyConnection, model: Model, one: int
) -> Weighed:
    _copy_frequencies(con, small, model)
    list_keys(small, model, "kind_records", "kind_keys")
    find_pairs(small, model, "kind_keys", "kind_pairs")
    share_a_key = bool(small.execute("select 1 from kind_pairs").fetchone())
    score_pairs(small, model, "kind_records", "two", "scored", "frequencies", least=0, in_parts=True)
    row = small.execute(
        "select left_node, right_node, score, weight, levels, is_capped, is_sparse, weights, adjustments "
        "from scored"
    ).fetchone()
    assert row is not None
    low, high, score, weight, levels, is_capped, is_sparse, weights, adjustments = row
    seen = [_seen(small, model, node) for node in ((low, high) if one == low else (high, low))]
    kept = con.execute(
        "select 1 from identity.pairs where left_node = ? and right_node = ? and model = ?",
        [low, high, model.name],
    ).fetchone()
    prior = math.log2(model.prior / (1 - model.prior))
    return Weighed(
        model=model.name, model_title_en=model.title.en, model_title_zh=model.title.zh, version=model.version,
        prior=prior, steps=_steps(model, prior, levels, weights, adjustments, seen), weight=weight,
        probability=score, merge=model.merge, review=model.review, is_capped=is_capped, is_sparse=is_sparse,
        share_a_key=share_a_key, was_compared=kept is not None,
    )  # fmt: skip


def _copy_frequencies(con: duckdb.DuckDBPyConnection, small: duckdb.DuckDBPyConnection, model: Model) -> None:
    small.execute(
        "create or replace temp table frequencies "
        "(model varchar, attribute varchar, value varchar, share double)"
    )
    for column in model.frequencies():
        values = [row[0] for row in small.execute(f"select distinct {column} from kind_records").fetchall()]
        rows = con.execute(_FREQUENCIES, {"model": model.name, "column": column, "values": values}).fetchall()
        if rows:
            small.executemany("insert into frequencies values (?, ?, ?, ?)", rows)


def _seen(small: duckdb.DuckDBPyConnection, model: Model, node: int) -> list[str | None]:
    """What people are shown of a record, for each comparison."""
    asked = ", ".join(f"coalesce({_texts(small, comparison)})" for comparison in model.comparisons)
    row = small.execute(f"select {asked} from kind_records where node = ?", [node]).fetchone()
    assert row is not None
    return list(row)


def _texts(small: duckdb.DuckDBPyConnection, comparison: Comparison) -> str:
    kinds = {row[0]: row[1] for row in small.execute("describe kind_records").fetchall()}
    texts = [
        f"nullif(array_to_string({name}, ', '), '')" if kinds[name].endswith("[]") else f"{name}::varchar"
        for name in comparison.seen
    ]
    return ", ".join(texts) or quoted("")


def _steps(
    model: Model,
    prior: float,
    levels: Sequence[int],
    weights: Sequence[float],
    adjustments: Sequence[float],
    seen: Sequence[Sequence[str | None]],
) -> list[Step]:
    steps, total = [], prior
    for place, comparison in enumerate(model.comparisons):
        level = comparison.level(levels[place])
        total += weights[place] + adjustments[place]
        steps.append(
            Step(
                comparison=comparison.name, title_en=comparison.title.en, title_zh=comparison.title.zh,
                left=seen[0][place], right=seen[1][place],
                level_en=level.title.en if level.title else None,
                level_zh=level.title.zh if level.title else None,
                is_missing=level.missing, weight=weights[place], adjustment=adjustments[place], total=total,
                only_asks=level.at_most is not None,
            )
        )  # fmt: skip
    return steps
