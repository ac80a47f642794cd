"""Whatever comes, and in whatever order: adds, edits, deletions, judgements, runs.

Failing means that an id has meant two customers, that a report of last year can't be explained any more, that
a judgement was not obeyed, or that yesterday's order of arrival decides who is one customer today.

A universe of few names, numbers and codes, so that customers merge and split. Each run after the first is
incremental, also where it would match all anew because much has changed.

The stated limit of incremental runs is that names are as common as when all was last matched. Here it doesn't
show: beside the models' smoothing, a dozen records more of one name weigh nothing.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import GuikeError
from pipelines.identity import judgements, resolve
from pipelines.identity.judgement_rules import in_force
from pipelines.identity.ledger import replay
from pipelines.identity.match import match_by_models
from tests.identity.conftest import World, make_world
from warehouse import store

Content = dict[str, Any]
Partition = set[frozenset[str]]

_CODES = ("91350100M000100Y43", "91320200MA0000001G")
_PERSONAL_IDS = ("990000198001010012", "990000199002020022")
_SWITCHBOARD, _MOBILES = "0510-81234567", ("13912345678", "13881726354", "13711112345")
_MAILS = ("wei88@example.com", "na66@example.com")


def _maybe(*values: str) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), st.sampled_from(values))


_people = st.fixed_dictionaries({
    "party_type": st.sampled_from(["person", "person", None]),
    "customer_name": _maybe("王伟", "王伟", "王先生", "王娜", "李娜", "欧阳雪梅", "测试"),
    "mobile": _maybe(*_MOBILES),
    "email": _maybe(*_MAILS),
    "credit_code": st.one_of(st.none(), st.none(), st.sampled_from(_PERSONAL_IDS)),
    "region": st.one_of(st.none(), st.none(), st.sampled_from(["江苏无锡", "江苏苏州"])),
})  # fmt: skip
_firms = st.fixed_dictionaries({
    "party_type": st.just("organisation"),
    "customer_name": _maybe(
        "无锡鑫源机械有限公司", "鑫源机械", "鑫源", "无锡鑫源机械有限公司苏州分公司",
        "苏州大海传媒有限公司", "大海传媒",
    ),
    "contact_name": _maybe("王伟", "李娜"),
    "phone": _maybe(_SWITCHBOARD, _MOBILES[0]),
    "email": _maybe(_MAILS[0]),
    "credit_code": _maybe(*_CODES),
})  # fmt: skip

# Records 0 to 7 are people, 8 to 13 firms; every third one stands in the ERP.
_SLOTS = 14
_slots = st.integers(0, _SLOTS - 1)


def _content_of(slot: int) -> st.SearchStrategy[Content]:
    return _people if slot < 8 else _firms


def _name_of(slot: int) -> str:
    return f"{_system(slot)}.customers.{slot}"


def _system(slot: int) -> str:
    return "erp" if slot % 3 == 0 else "crm"


@dataclass(frozen=True)
class Edit:
    """A record arrives or changes; without content it goes."""

    slot: int
    content: Content | None


@dataclass(frozen=True)
class Judgement:
    verdict: str
    slots: tuple[int, int]


@dataclass(frozen=True)
class Parting:
    """Two records that are one customer at the moment, the `which`th such pair, are judged different."""

    which: int


Change = Edit | Judgement | Parting

_edits = _slots.flatmap(
    lambda slot: st.builds(Edit, st.just(slot), st.one_of(st.none(), *[_content_of(slot)] * 3))
)
_judgements = st.builds(
    Judgement,
    st.sampled_from(["same", "different", "different", "withdrawn"]),
    st.lists(_slots, min_size=2, max_size=2, unique=True).map(lambda pair: (pair[0], pair[1])),
)
_steps = st.lists(
    st.lists(
        st.one_of(_edits, _edits, _judgements, st.builds(Parting, st.integers(0, 20))), min_size=1, max_size=6
    ),
    min_size=2, max_size=3,
)  # fmt: skip
_first = st.tuples(*(st.one_of(st.none(), *[_content_of(slot)] * 3) for slot in range(_SLOTS)))
_orders = [
    {"source_id": "1", "system": "ledger", "customer_name": "鑫源机械"},
    {"source_id": "2", "system": "ledger", "customer_name": "苏州大海传媒有限公司"},
    {"source_id": "3", "system": "ledger", "customer_name": "王伟", "customer_phone": _MOBILES[0]},
    {"source_id": "4", "system": "crm", "customer_source_id": "7"},
]


class _Company:
    """The records of the moment, the warehouse, and what the last run's matcher said."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.records: dict[int, Content] = {}
        self.matched: Partition = set()

    def apply(self, step: Sequence[Change]) -> None:
        for change in step:
            if isinstance(change, Judgement):
                self._judge(change.verdict, *map(_name_of, change.slots))
            elif isinstance(change, Parting):
                together = sorted(pair for group in self.matched for pair in combinations(sorted(group), 2))
                if together:
                    self._judge("different", *together[change.which % len(together)])
            elif change.content is None:
                self.records.pop(change.slot, None)
            else:
                self.records[change.slot] = change.content

    def _judge(self, verdict: str, left: str, right: str) -> None:
        with suppress(GuikeError):  # contradicts others, or takes back what was never said
            self.world.judge(verdict, left, right)

    def run(self, order: random.Random | None = None, *, rebuild: bool = False) -> None:
        rows = [
            {"source_id": str(slot), "system": _system(slot)} | content
            for slot, content in sorted(self.records.items())
        ]
        if order:
            order.shuffle(rows)
        self.world.put(rows, orders=_orders)
        self.world.run(self._match, rebuild=rebuild)

    def _match(self, con: duckdb.DuckDBPyConnection) -> None:
        match_by_models(con)
        self.matched = _groups(
            con.execute(
                "select system || '.customers.' || source_id, cluster::varchar "
                "from nodes inner join node_clusters using (node)"
            ).fetchall()
        )

    def owners(self) -> dict[str, str]:
        return dict(self.world.rows(
            "select system || '.customers.' || source_id, customer_id from identity.customer_xref "
            "where source_table = 'customers'"
        ))  # fmt: skip

    def ids(self) -> list[Any]:
        return [
            self.world.rows(f"from identity.{table} order by all")
            for table in ("customer_ids", "customer_id_changes", "members", "member_changes")
        ]


def _groups(rows: Sequence[tuple[str, str]]) -> Partition:
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for record, group in rows:
        groups[group].add(record)
    return {frozenset(group) for group in groups.values()}


def _one_id_per_customer(company: _Company) -> None:
    owners = company.owners()
    assert set(owners) == {_name_of(slot) for slot in company.records}
    assert _groups(list(owners.items())) == company.matched
    assert not company.world.rows(
        "select system, source_table, source_id from identity.customer_xref group by all having count(*) > 1"
    )
    assert not company.world.rows(
        "from identity.customer_xref "
        "anti join (from identity.customer_ids where status = 'active') using (customer_id)"
    )
    assert not company.world.rows(
        "select customer_id from identity.customer_ids group by customer_id having count(*) > 1"
    )


def _aliases_resolve(company: _Company) -> None:
    ids = {one: (status, alias) for one, status, alias in company.world.rows(
        "select customer_id, status, merged_into from identity.customer_ids")}  # fmt: skip
    for status, alias in ids.values():
        assert status in ("active", "merged", "retired")
        assert (alias is not None) == (status == "merged")
        assert alias is None or ids[alias][0] in ("active", "retired")


def _log_replays(company: _Company) -> None:
    with store.connect(company.world.settings) as con:
        assert replay(con) == 0


def _judgements_hold(company: _Company) -> None:
    owners = company.owners()
    for one in in_force(judgements.read(company.world.settings)):
        left, right = owners.get(str(one.left)), owners.get(str(one.right))
        if left and right:
            assert (left == right) == (one.verdict == "same"), one


_INVARIANTS: tuple[Callable[[_Company], None], ...] = (
    _one_id_per_customer, _aliases_resolve, _log_replays, _judgements_hold,
)  # fmt: skip


def _live(factory: pytest.TempPathFactory, first: tuple[Content | None, ...], steps: list[Any]) -> None:
    company = _Company(make_world(factory.mktemp("company"), threads=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resolve, "_REBUILD_SHARE", 1e9)
        for step in [[Edit(slot, content) for slot, content in enumerate(first)], *steps]:
            company.apply(step)
            company.run()
            for holds in _INVARIANTS:
                holds(company)
        before = company.owners(), company.ids()
        # Nothing new: a system was not there and its rows are yesterday's, or all came in another order.
        company.run(random.Random(1))
        assert (company.owners(), company.ids()) == before
        company.run(rebuild=True)
        assert (company.owners(), company.ids()) == before


def _examples(count: int) -> settings:
    return settings(
        max_examples=count, deadline=None, derandomize=True, database=None,
        suppress_health_check=[
            HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.large_base_example,
            HealthCheck.data_too_large,
        ],
    )  # fmt: skip


@pytest.mark.slow
@_examples(2)
@given(first=_first, steps=_steps)
def test_whatever_comes_ids_last_and_judgements_hold(
    tmp_path_factory: pytest.TempPathFactory, first: tuple[Content | None, ...], steps: list[Any]
) -> None:
    _live(tmp_path_factory, first, steps)


@pytest.mark.thorough
@_examples(100)
@given(first=_first, steps=_steps)
def test_whatever_comes_and_a_hundred_times(
    tmp_path_factory: pytest.TempPathFactory, first: tuple[Content | None, ...], steps: list[Any]
) -> None:
    _live(tmp_path_factory, first, steps)
