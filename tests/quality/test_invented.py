"""Who is suspected of inventing customer data, and above all who isn't.

Failing means that a cheat among colleagues stays unseen, or that an honest employee stands under suspicion
because of a region, a fair, few records, or chance. The figures over many companies are those of
benchmarks/quality_invented.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from benchmarks.quality_invented import input_layer, judge

STAFF, RECORDS = 14, 90
FIRST = date(2024, 1, 1)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        input_layer(connection)
        yield connection


class Company:
    """A made-up input layer: employees of one system with 90 customers each, every other one called back."""

    def __init__(self, con: duckdb.DuckDBPyConnection, seed: int, *, spread: float = 0.5) -> None:
        self.con, self.rng = con, np.random.default_rng(seed)
        who = np.repeat(np.arange(STAFF), RECORDS)
        count = len(who)
        tail = self.rng.integers(0, 10**8, count)
        self.rows = pd.DataFrame({
            "staff": who,
            "mobile": ["138" + f"{number:08d}" for number in tail],
            "created_at": [FIRST + timedelta(days=int(n)) for n in self.rng.integers(0, 700, count)],
            # Honest employees differ: the odds of picking up vary by exp(spread) and more.
            "answers": (1 / (1 + np.exp(-1.2 - self.rng.normal(0, spread, STAFF))))[who],
            "result": "reached",
        })  # fmt: skip

    def of(self, one: int) -> Any:
        return self.rows.index[self.rows.staff == one]

    def cheat(self, one: int, share: float = 0.5) -> None:
        """Numbers on a few keys and in blocks; half of them are nobody's, the others ring and ring."""
        for row in self.of(one)[: int(RECORDS * share)]:
            keys = "".join(self.rng.choice(list("3689"), 4))
            self.rows.loc[row, "mobile"] = "139" + keys[0] + keys[0] + keys[1] + keys[1] + keys
            self.rows.loc[row, "result"] = "wrong_number" if row % 2 else "not_reached"

    def suspected(self) -> set[str]:
        rows = self.rows
        missed = (rows.result == "reached") & (self.rng.random(len(rows)) > rows.answers)
        rows.loc[missed, "result"] = "not_reached"
        key = rows.index.astype(str)
        head = {"system": "crm", "source_table": "t", "loaded_at": FIRST}
        staff = pd.DataFrame({"source_id": [str(n) for n in range(STAFF)]} | head)
        staff = staff.assign(staff_name=[f"员工{n}" for n in range(STAFF)])
        customers = pd.DataFrame(
            {"source_id": key, "mobile": rows.mobile, "created_at": rows.created_at} | head
        )
        customers["collected_by_source_id"] = rows.staff.astype(str)
        # What an heir looks after isn't what an heir collected.
        customers["owner_source_id"] = "0"
        calls = pd.DataFrame({"source_id": key, "customer_phone": rows.mobile, "outcome": rows.result} | head)
        calls = calls.assign(system="callcentre", channel="call", direction="out")[::2]
        for name, frame in {"staff": staff, "customers": customers, "interactions": calls}.items():
            self.con.execute(f"insert into input.{name} by name from frame")
            assert len(frame)
        judge(self.con)
        found = self.con.execute(
            "select source_id from quality.unified__staff where is_suspected_of_inventing"
        ).fetchall()
        return {one for (one,) in found}


def test_a_cheat_among_colleagues_is_found_with_the_evidence(con: duckdb.DuckDBPyConnection) -> None:
    company = Company(con, 1)
    company.cheat(5)
    assert company.suspected() == {"5"}
    evidence = con.execute(
        "select evidence_of_inventing, is_suspected_of_patterned, is_suspected_of_deadline_burst "
        "from quality.unified__staff where source_id = '5'"
    ).fetchone()
    assert evidence is not None
    assert evidence[1:] == (True, False)
    assert all(word in evidence[0] for word in ("colleagues'", "同事"))
    # Figures and no values: no number that anybody typed stands in any sentence.
    assert not con.execute(
        "select * from quality.staff_suspicions where regexp_matches(evidence_en || evidence_zh, '[0-9]{5}')"
    ).fetchall()


def test_three_of_fourteen_are_found_together(con: duckdb.DuckDBPyConnection) -> None:
    company = Company(con, 2)
    for one in (2, 7, 11):
        company.cheat(one, 0.6)
    assert company.suspected() == {"2", "7", "11"}


@pytest.mark.parametrize("seed", range(4))
def test_honest_employees_who_differ_are_left_alone(con: duckdb.DuckDBPyConnection, seed: int) -> None:
    company = Company(con, 100 + seed, spread=0.7)
    company.rows.loc[company.of(3), "answers"] = 0.2  # a region where nobody picks up
    harvest = company.of(4)[:60]
    company.rows.loc[harvest, "created_at"] = date(2025, 3, 31)  # a fair on a deadline
    company.rows = company.rows.drop(company.of(6)[8:])  # new
    assert company.suspected() == set()


def test_one_kind_of_evidence_is_no_suspicion_however_strong(con: duckdb.DuckDBPyConnection) -> None:
    """Who sells lucky numbers types blocks all day; all of them are reached."""
    company = Company(con, 3)
    company.cheat(8, 0.9)
    company.rows.loc[company.of(8), "result"] = "reached"
    assert company.suspected() == set()
    unusual = con.execute(
        "select distinct kind from quality.staff_suspicions where source_id = '8' and is_unusual"
    ).fetchall()
    assert unusual == [("typing",)]


def test_without_calls_nothing_is_said_about_reaching(con: duckdb.DuckDBPyConnection) -> None:
    """A system that only notes conversations can't tell how often they fail."""
    company = Company(con, 4)
    company.rows["answers"] = 1.0
    company.suspected()
    tests = {test for (test,) in con.execute("select distinct test from quality.staff_suspicions").fetchall()}
    assert not tests & {"never_reached", "bounced"}
    assert "patterned" in tests


def test_mail_that_comes_back_counts_and_mail_that_does_not_has_arrived(
    con: duckdb.DuckDBPyConnection,
) -> None:
    company = Company(con, 5)
    company.suspected()
    mail = pd.DataFrame({"source_id": company.rows.index.astype(str)})
    mail = mail.assign(system="crm", address="a" + mail.source_id + "@example.com", staff=company.rows.staff)
    con.execute(
        "update input.customers set email = mail.address from mail where mail.source_id = customers.source_id"
    )
    con.execute(
        "insert into input.interactions by name select 'mail' as system, 't' as source_table, source_id, "
        "address as customer_email, 'email' as channel, 'out' as direction, "
        "case when staff = 5 and source_id::int % 2 = 0 or source_id::int % 50 = 0 then 'wrong_number' end "
        "as outcome from mail"
    )
    judge(con)
    told = con.execute(
        "select source_id, records from quality.staff_suspicions where test = 'bounced' and is_unusual"
    ).fetchall()
    # 45 numbers called and 90 addresses written to.
    assert told == [("5", 135)]
