"""How far a change reaches in an incremental run.

Failing means that a nightly run decides otherwise than one that matches all anew would, or that it goes over
all customers for one that has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import duckdb
import pytest

from pipelines.identity import resolve
from pipelines.identity.match import match_by_models
from tests.identity.conftest import World, firm, person, sets

Puts = dict[str, Any]
_CODE = "91350100M000100Y43"
_AWAY = [person("x", "李娜", mobile="13881726354"), person("y", "李娜", mobile="13881726354")]
_FIRM = firm("f", "无锡鑫源机械有限公司", contact_name="张伟", mobile="13912345678", credit_code=_CODE)
_SHORT = firm("s", "鑫源机械")
_OTHER = firm("g", "苏州鑫源机械有限公司", phone="0512-67654321")
_ENTRY = person("w", "张伟", system="wechat", mobile="13912345678", wechat_id="zhangwei_88")
_RARE = person("r", "欧阳翀霁", mobile="13711112345")
_BARE = person("b", "欧阳翀霁")
_NAMELESS = person("n", None, mobile="13912345678")


def _put(*customers: dict[str, Any], orders: tuple[tuple[str, str], ...] = (("crm", "f"),)) -> Puts:
    return {
        "customers": [*_AWAY, *customers],
        "orders": [
            {"source_id": str(number), "system": system, "customer_source_id": source_id}
            for number, (system, source_id) in enumerate(orders)
        ],
    }


_CASES: dict[str, tuple[Puts, Puts, set[str], set[frozenset[str]]]] = {
    "a firm of the same name makes a short one ambiguous": (
        _put(_FIRM, _SHORT), _put(_FIRM, _SHORT, _OTHER), {"g"}, sets("f", "s", "g"),
    ),
    "the other firm of the name goes": (
        _put(_FIRM, _SHORT, _OTHER), _put(_FIRM, _SHORT), set(), sets("fs"),
    ),
    "the firm that a short name meant is called otherwise": (
        _put(_FIRM, _SHORT), _put(_FIRM | {"customer_name": "无锡大海传媒有限公司"}, _SHORT), {"f"},
        sets("f", "s"),
    ),
    "whom a rare name means comes": (_put(_BARE), _put(_BARE, _RARE), {"r"}, sets("br")),
    "whom a rare name meant goes": (_put(_BARE, _RARE), _put(_BARE), set(), sets("b")),
    "an address book's entry begins to buy": (
        _put(_FIRM, _ENTRY), _put(_FIRM, _ENTRY, orders=(("crm", "f"), ("wechat", "w"))),
        {"f", "w", "x", "y"}, sets("f", "w"),
    ),
    "a buyer stops to buy": (
        _put(_FIRM, _ENTRY, _NAMELESS | {"system": "wechat"}, orders=(("crm", "f"), ("wechat", "w"))),
        _put(_FIRM, _ENTRY, _NAMELESS | {"system": "wechat"}, orders=(("crm", "f"),)),
        {"f", "w", "n", "x", "y"}, sets("fnw"),
    ),
    "a second person makes a nameless record ambiguous": (
        _put(person("a", "王伟", mobile="13912345678"), _NAMELESS),
        _put(person("a", "王伟", mobile="13912345678"), _NAMELESS, person("d", "李芳", mobile="13912345678")),
        {"a", "n", "d"}, sets("a", "n", "d"),
    ),
    "one of two goes whom a nameless record could mean": (
        _put(person("a", "王伟", mobile="13912345678"), _NAMELESS, person("d", "李芳", mobile="13912345678")),
        _put(person("a", "王伟", mobile="13912345678"), _NAMELESS), {"a", "n"}, sets("an"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", _CASES)
def test_a_change_reaches_as_far_as_it_must(world: World, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    first, second, reached, wanted = _CASES[case]
    monkeypatch.setattr(resolve, "_REBUILD_SHARE", 1e9)
    world.put(**first)
    world.run()
    world.put(**second)
    seen = _spied(world)
    assert seen == reached
    assert world.partition() == wanted | sets("xy")
    before = world.owners()
    world.run(rebuild=True)
    assert world.owners() == before


def _spied(world: World) -> set[str]:
    """Run; which records were matched anew."""
    seen: set[str] = set()

    def match(con: duckdb.DuckDBPyConnection) -> None:
        match_by_models(con)
        seen.update(
            row[0]
            for row in con.execute("select source_id from nodes semi join reached using (node)").fetchall()
        )

    world.run(match)
    return seen


@pytest.mark.parametrize("verdict", ["same", "different"])
def test_a_judgement_reaches_the_two_and_is_taken_back(world: World, verdict: str) -> None:
    world.put(**_put(person("a", "王伟", mobile="13912345678"), person("b", "王伟", mobile="13912345678"),
                     person("c", "李芳", email="fang66@example.com")))  # fmt: skip
    world.run()
    pair = ("a", "c") if verdict == "same" else ("a", "b")
    world.judge(verdict, *pair)
    assert _spied(world) == ({"a", "b", "c"} if verdict == "same" else {"a", "b"})
    judged = world.partition()
    assert judged == sets("abc", "xy") if verdict == "same" else judged == sets("a", "b", "c", "xy")
    world.judge("withdrawn", *pair)
    assert _spied(world) == ({"a", "b", "c"} if verdict == "same" else {"a", "b"})
    assert world.partition() == sets("ab", "c", "xy")


def test_a_judgement_that_replaces_another_is_obeyed(world: World) -> None:
    world.put(**_put(person("a", "王伟", mobile="13912345678"), person("b", "王伟", mobile="13912345678"),
                     person("c", "李芳", email="fang66@example.com")))  # fmt: skip
    world.run()
    world.judge("same", "a", "c")
    world.run()
    assert world.partition() == sets("abc", "xy")
    world.judge("different", "a", "c")
    world.run()
    assert world.partition() == sets("ab", "c", "xy")


def test_one_of_several_judgements_is_taken_back(world: World) -> None:
    world.put(**_put(person("a", "王伟", mobile="13912345678"), person("b", "王伟", mobile="13912345678"),
                     person("c", "李芳", email="fang66@example.com"), person("d", "陈涛")))  # fmt: skip
    world.judge("different", "a", "b")
    world.judge("same", "a", "c")
    world.judge("same", "b", "d")
    world.run()
    assert world.partition() == sets("ac", "bd", "xy")
    world.judge("withdrawn", "a", "b")
    world.run()
    assert world.partition() == sets("abcd", "xy")
    assert not world.rows("from identity.review_queue")
    assert not world.rows("from identity.cut_edges")


# A firm and its branch under one code: two customers, about whom a person is asked.
_LATE = firm("a", "无锡鑫源机械有限公司", credit_code=_CODE, created_at=datetime(2025, 1, 1))
_EARLY = firm("b", "无锡鑫源机械有限公司上海分公司", credit_code=_CODE, created_at=datetime(2020, 1, 1))
_ASKING = "select * exclude (left_node, right_node) from identity.review_queue order by all"


def test_a_question_stays_the_same_through_a_rebuild(world: World) -> None:
    """Records get their numbers as they come; a rebuild numbers them by their age."""
    world.put(**_put(_LATE))
    world.run()
    world.put(**_put(_LATE, _EARLY))
    world.run()
    asked = world.rows(_ASKING)
    assert asked
    world.run(rebuild=True)
    assert world.rows(_ASKING) == asked
    world.put(**_put(_LATE, _EARLY, _RARE))
    world.run()
    assert world.rows(_ASKING) == asked


def test_questions_that_no_change_concerns_are_not_put_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_anew: list[int] = []

    def keep(con: duckdb.DuckDBPyConnection, *rest: Any) -> None:
        put_anew.append(len(con.execute("from queue_now").fetchall()))
        keep_queue(con, *rest)

    keep_queue = resolve.keep_queue
    monkeypatch.setattr(resolve, "keep_queue", keep)
    monkeypatch.setattr(resolve, "_REBUILD_SHARE", 9)
    world.put(**_put(_LATE, _EARLY))
    world.run()
    asked = world.rows(_ASKING)
    world.put(**_put(_LATE, _EARLY, _RARE))
    world.run()
    assert world.rows(_ASKING) == asked
    world.put(**_put(_EARLY, _RARE))
    world.run()
    assert world.rows(_ASKING) == []
    assert put_anew == [1, 0, 0]


def test_who_loses_a_short_name_is_asked_about_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judged about was the record with the short name, which by now could be another firm's, too."""
    monkeypatch.setattr(resolve, "_REBUILD_SHARE", 9)
    world.put(**_put(_LATE, _EARLY, _SHORT))
    world.judge("different", "s", "b")
    world.run()
    assert world.partition() == sets("as", "b", "xy")
    assert world.rows(_ASKING) == []
    world.put(**_put(_LATE, _EARLY, _SHORT, _OTHER))
    world.run()
    assert world.partition() == sets("a", "s", "b", "g", "xy")
    asked = world.rows(_ASKING)
    assert [(row[2], row[5]) for row in asked] == [("a", "b")]
    world.run(rebuild=True)
    assert world.rows(_ASKING) == asked


def test_a_question_without_evidence_keeps_its_date(world: World) -> None:
    """No model compares records without a name: there are no levels to put into words."""
    nameless = {"party_type": "organisation", "phone": "0510-81234567"}
    world.put([{"source_id": "a", "credit_code": _CODE, **nameless},
               {"source_id": "b", "credit_code": "91320200MA0000001G", **nameless}])  # fmt: skip
    world.run()
    asked = world.rows(_ASKING)
    assert [row[9] for row in asked] == [None]
    world.run(rebuild=True)
    assert world.rows(_ASKING) == asked


def _merged(world: World) -> list[tuple[str, str]]:
    return [
        (kind, customer)
        for kind, customer in world.rows(
            "select kind, customer_id from identity.customer_id_changes order by change_id"
        )
    ]


@pytest.mark.parametrize("how", ["name goes", "name is a record's"])
def test_what_rows_alone_named_is_followed(world: World, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """A name that is a customer by itself is decided on only when something happens to it."""
    monkeypatch.setattr(resolve, "_REBUILD_SHARE", 1e9)
    names = [{"source_id": "1", "customer_name": "苏州大海传媒有限公司"},
             {"source_id": "2", "customer_name": "无锡银河建材有限公司"}]  # fmt: skip
    world.put(_AWAY, orders=names)
    world.run()
    sea, galaxy = (world.owners("orders")[one] for one in "12")
    world.run()
    assert world.owners("orders") == {"1": sea, "2": galaxy}
    then: dict[str, Callable[[], None]] = {
        "name goes": lambda: world.put(_AWAY, orders=names[:1]),
        "name is a record's": lambda: world.put([*_AWAY, firm("k", "无锡银河建材有限公司")], orders=names),
    }
    then[how]()
    world.run()
    assert world.owners("orders")["1"] == sea
    if how == "name goes":
        assert ("retired", galaxy) in _merged(world)
    else:
        assert world.owners()["k"] == galaxy == world.owners("orders")["2"]
    world.put(_AWAY, orders=names)
    world.run()
    assert world.owners("orders") == {"1": sea, "2": galaxy}
    before = world.rows("from identity.customer_id_changes order by change_id")
    world.run(rebuild=True)
    assert world.rows("from identity.customer_id_changes order by change_id") == before
