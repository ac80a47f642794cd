"""Public data sets with known answers, matched by the code of a run with English models as data.

If this fails, either the matcher got worse for everybody, or it can no longer be used for other countries'
records by writing a model. Skips, saying so, without the data sets.
"""

from __future__ import annotations

import pytest

from benchmarks.identity_shared import DATA_SETS, DataSet, is_there, scored

pytestmark = pytest.mark.skipif(
    not is_there(), reason="febrl and fake_1000 are not on this machine (shared/data)"
)


@pytest.mark.parametrize("data", DATA_SETS, ids=lambda data: data.name)
def test_english_models_reach_what_is_asked_of_them(data: DataSet) -> None:
    found = scored(data)
    assert found.f1 >= data.wanted, found
