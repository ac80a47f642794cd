"""Models as data. Failing means that a mistyped model decides about customers, or that a weight is not what
the model says."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines import i18n
from pipelines.errors import GuikeError
from pipelines.identity.blocking import find_pairs, list_keys
from pipelines.identity.match import MODELS
from pipelines.identity.model import Model, load_model, read_model, score_pairs

_TITLE = {"en": "name", "zh": "姓名"}
_PRIOR, _SAME, _OTHER, _CODE, _NO_CODE = 0.01, (0.9, 0.02), (0.1, 0.98), (0.8, 0.001), (0.2, 0.999)


def _level(numbers: tuple[float, float], when: str | None = None, **more: object) -> dict[str, object]:
    about = {"title": _TITLE, "m": numbers[0], "u": numbers[1]} | more
    return about | {"when": when} if when else about


def _raw(frequency: bool = False) -> dict[str, object]:
    return {
        "name": "tried", "version": 1, "title": _TITLE, "prior": _PRIOR, "merge": 0.9, "review": 0.000001,
        "most": 3,
        "comparisons": [
            {"name": "name", "title": _TITLE, "column": "called",
             "levels": [_level(_SAME, "called_l = called_r", frequency=frequency), _level(_OTHER)]},
            {"name": "code", "title": _TITLE, "identifies": True, "levels": [
                {"when": "code_l is null or code_r is null", "missing": True},
                _level(_CODE, "code_l = code_r"), _level(_NO_CODE)]},
        ],
        "keys": [{"of": "called"}, {"of": "code", "strong": True}],
    }  # fmt: skip


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    i18n.set_language("en")
    with duckdb.connect() as opened:
        yield opened


def _records(con: duckdb.DuckDBPyConnection, *rows: tuple[int, str | None, str | None, bool]) -> None:
    con.execute(
        "create or replace temp table said (node bigint, called varchar, code varchar, is_changed boolean)"
    )
    con.executemany("insert into said values (?, ?, ?, ?)", rows)


def _found(con: duckdb.DuckDBPyConnection, model: Model) -> set[tuple[int, int]]:
    list_keys(con, model, "said", "keys")
    find_pairs(con, model, "keys", "found", "(from said where is_changed)")
    return set(con.execute("from found").fetchall())


# -- what a file may hold ---------------------------------------------------------------------------------


def _break(raw: dict[str, object], path: str, value: object) -> dict[str, object]:
    """The model with something else at a place like `comparisons.0.levels.1.m`; None takes it out."""
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    here: object = raw
    for part in parents:
        here = here[part]  # type: ignore[index]
    if value is None:
        del here[last]  # type: ignore[attr-defined]
    else:
        here[last] = value  # type: ignore[index]
    return raw


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("surprise", 1, "surprise"),
        ("comparisons.0.levels.0.wen", "true", "comparisons.0.levels.0.wen"),
        ("comparisons.0.levels.1.m", None, "comparisons.0.levels.1"),
        ("comparisons.0.levels.1.when", "true", "comparisons.0"),
        ("comparisons.0.levels.0.m", "much", "comparisons.0.levels.0.m"),
        ("comparisons.0.levels.0.m", 1.5, "comparisons.0.levels.0.m"),
        ("comparisons.0.name", "Name!", "comparisons.0.name"),
        ("keys", [], "keys"),
        ("prior", 0, "prior"),
        ("title", {"en": "only one language"}, "title.zh"),
    ],
)
def test_a_broken_model_names_file_and_place(tmp_path: Path, path: str, value: object, place: str) -> None:
    i18n.set_language("en")
    file = tmp_path / "broken.yml"
    file.write_text(yaml.safe_dump(_break(_raw(), path, value)), encoding="utf-8")
    with pytest.raises(GuikeError) as error:
        read_model(file)
    assert str(file) in error.value.what
    assert f" at {place}: " in error.value.what
    assert error.value.remedy


@pytest.mark.parametrize(
    "content", [b"name: [", b"\xff\xfe\x00", b"- a list", b"", None],
    ids=["no YAML", "no UTF-8", "a list", "empty", "no file"],
)  # fmt: skip
def test_what_is_no_model_is_told(tmp_path: Path, content: bytes | None) -> None:
    i18n.set_language("en")
    file = tmp_path / "broken.yml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(GuikeError) as error:
        read_model(file)
    assert str(file) in error.value.what


def test_a_frequency_needs_its_column(tmp_path: Path) -> None:
    i18n.set_language("en")
    file = tmp_path / "broken.yml"
    file.write_text(yaml.safe_dump(_break(_raw(frequency=True), "comparisons.0.column", None)), "utf-8")
    with pytest.raises(GuikeError, match="at comparisons.0: "):
        read_model(file)


@pytest.mark.parametrize("name", MODELS)
def test_what_comes_with_guike_is_sound(name: str) -> None:
    model = load_model(name)
    assert model.name == name
    assert model.review < model.merge
    for comparison in model.comparisons:
        weighed = [level for level in comparison.levels if not level.missing]
        # Each level's part of all pairs; together no more than all of them.
        assert sum(level.m or 0 for level in weighed) <= 1.3, comparison.name
        assert sum(level.u or 0 for level in weighed) <= 1.1, comparison.name


def test_the_signature_follows_the_model() -> None:
    one = Model.model_validate(_raw())
    assert one.signature() == Model.model_validate(_raw()).signature()
    assert one.signature() != Model.model_validate(_break(_raw(), "prior", 0.02)).signature()


# -- which pairs are looked at ----------------------------------------------------------------------------


def test_pairs_share_a_key_and_one_has_changed(con: duckdb.DuckDBPyConnection) -> None:
    _records(
        con, (1, "a", "x", False), (2, "a", None, False), (3, "b", "x", True), (4, "b", "y", False),
        (5, "", None, True), (6, "", None, True), (7, None, None, True), (8, "c", None, True),
    )  # fmt: skip
    assert _found(con, Model.model_validate(_raw())) == {(1, 3), (3, 4)}


def test_a_crowd_at_a_weak_key_is_left_out(con: duckdb.DuckDBPyConnection) -> None:
    _records(con, *((node, "a", None, True) for node in range(1, 4)))
    assert _found(con, Model.model_validate(_raw())) == {(1, 2), (1, 3), (2, 3)}
    _records(con, *((node, "a", None, True) for node in range(1, 5)))
    assert _found(con, Model.model_validate(_raw())) == set()


def test_a_crowd_at_a_strong_key_is_compared_with_its_first(con: duckdb.DuckDBPyConnection) -> None:
    _records(con, *((node, None, "x", True) for node in (5, 3, 9, 4, 7)))
    assert _found(con, Model.model_validate(_raw())) == {(3, 4), (3, 5), (3, 7), (3, 9)}


def test_a_key_may_be_a_list(con: duckdb.DuckDBPyConnection) -> None:
    raw = _raw() | {"keys": [{"of": "string_split(code, ',')", "when": "called <> 'b'"}]}
    _records(con, (1, "a", "x,y", True), (2, "a", "y,z", True), (3, "a", "w", True), (4, "b", "x", True))
    assert _found(con, Model.model_validate(raw)) == {(1, 2)}


# -- what they weigh --------------------------------------------------------------------------------------


def _weight(*levels: tuple[float, float]) -> float:
    """Fellegi and Sunter: log2 of the odds."""
    return math.log2(_PRIOR / (1 - _PRIOR)) + sum(math.log2(m / u) for m, u in levels)


def _scored(con: duckdb.DuckDBPyConnection, model: Model) -> dict[tuple[int, int], Any]:
    con.execute("create or replace temp table asked as select one.node as left_node, two.node as right_node "
                "from said as one inner join said as two on one.node < two.node")  # fmt: skip
    score_pairs(con, model, "said", "asked", "scores")
    rows = con.execute("select left_node, right_node, weight, score, levels, method from scores").fetchall()
    return {(left, right): tuple(rest) for left, right, *rest in rows}


@pytest.mark.parametrize("frequency", [False, True])
def test_scores_are_as_by_hand(con: duckdb.DuckDBPyConnection, frequency: bool) -> None:
    _records(con, (1, "a", "x", True), (2, "a", "x", True), (3, "a", None, True), (4, "b", "y", True))
    found = _scored(con, Model.model_validate(_raw(frequency)))
    same = (_SAME[0], 3 / 4) if frequency else _SAME  # three of four are called so
    expected = {
        (1, 2): (_weight(same, _CODE), [1, 1], "code"),
        (1, 3): (_weight(same), [1, -1], "name"),
        (1, 4): (_weight(_OTHER, _NO_CODE), [0, 0], "name"),
        (3, 4): (_weight(_OTHER), [0, -1], "name"),
    }
    for pair, (weight, levels, method) in expected.items():
        if pair not in found:  # below `review`
            assert 2**weight / (1 + 2**weight) < 0.000001
            continue
        assert found[pair][0] == pytest.approx(weight, abs=1e-6)
        assert found[pair][1] == pytest.approx(2**weight / (1 + 2**weight), abs=1e-9)
        assert found[pair][2:] == (levels, method)
    assert {(1, 2), (1, 3), (3, 4)} <= set(found)


def test_smoothing_mixes_the_share_with_u(con: duckdb.DuckDBPyConnection) -> None:
    raw = _raw(frequency=True) | {"smoothing": 100}
    _records(con, (1, "a", None, True), (2, "a", None, True), (3, "b", None, True), (4, "b", None, True))
    found = _scored(con, Model.model_validate(raw))
    share = (2 + 100 * _SAME[1]) / (4 + 100)
    assert found[1, 2][0] == pytest.approx(_weight((_SAME[0], share)), abs=1e-6)


def test_scoring_leaves_the_connection_as_it_was(con: duckdb.DuckDBPyConnection) -> None:
    _records(con, (1, "a", "x", True), (2, "a", "x", True))
    where = con.execute("select current_database(), current_schema()").fetchone()
    _scored(con, Model.model_validate(_raw()))
    assert con.execute("select current_database(), current_schema()").fetchone() == where
    assert con.execute(
        "select count(*) from duckdb_databases() where database_name = 'scoring'"
    ).fetchone() == (0,)


_NAME = {
    "name": "name",
    "title": _TITLE,
    "levels": [
        {"when": "name_l = name_r", "title": _TITLE, "m": 0.9, "u": 0.01},
        {"title": _TITLE, "m": 0.1, "u": 0.99},
    ],
}


def _keyed_model(*keys: str) -> Model:
    written = {"name": "small", "version": 1, "title": _TITLE, "prior": 0.01, "merge": 0.9, "review": 0.5}
    return Model.model_validate(written | {"comparisons": [_NAME], "keys": [{"of": key} for key in keys]})


def test_keys_may_be_texts_or_lists_in_any_order() -> None:
    found = []
    for keys in (("name", "numbers"), ("numbers", "name")):
        with duckdb.connect() as con:
            con.execute(
                "create temp table records as from (values "
                "(1, 'Li', ['7']), (2, 'Li', []), (3, 'Wu', ['8', '7']), (4, 'Xu', null), (5, '', ['']), "
                "(6, '', [''])) as said (node, name, numbers)"
            )
            list_keys(con, _keyed_model(*keys), "records", "keys")
            find_pairs(con, _keyed_model(*keys), "keys", "pairs")
            found.append(con.execute("from pairs order by all").fetchall())
    assert found == [[(1, 2), (1, 3)]] * 2
