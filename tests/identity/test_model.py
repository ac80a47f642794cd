"""Models as data. A failure: a model that says what it should be read as, is read as something else."""

from __future__ import annotations

import duckdb

from pipelines.identity.model import Model, find_pairs

_TITLE = {"en": "name", "zh": "姓名"}
_NAME = {
    "name": "name",
    "title": _TITLE,
    "levels": [
        {"when": "name_l = name_r", "title": _TITLE, "m": 0.9, "u": 0.01},
        {"title": _TITLE, "m": 0.1, "u": 0.99},
    ],
}


def _model(*keys: str) -> Model:
    written = {"name": "small", "version": 1, "title": _TITLE, "prior": 0.01, "merge": 0.9, "review": 0.5}
    return Model.model_validate(written | {"comparisons": [_NAME], "keys": [{"of": key} for key in keys]})


def test_keys_may_be_texts_or_lists_in_any_order() -> None:
    found = []
    for keys in (("name", "numbers"), ("numbers", "name")):
        with duckdb.connect() as con:
            con.execute(
                "create temp table records as select *, true as is_changed from (values "
                "(1, 'Li', ['7']), (2, 'Li', []), (3, 'Wu', ['8', '7']), (4, 'Xu', null), (5, '', ['']), "
                "(6, '', [''])) as said (node, name, numbers)"
            )
            find_pairs(con, _model(*keys), "records", "pairs")
            found.append(con.execute("from pairs order by all").fetchall())
    assert found == [[(1, 2), (1, 3)]] * 2
