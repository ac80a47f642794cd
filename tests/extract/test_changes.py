"""Reading only what has changed, and what becomes of rows that are gone.

Failing means that an incremental run gives other rows than a whole reload would: figures drift away from the
source from night to night, and nobody can say since when.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.extract.cursor import lower_bound
from pipelines.extract.load import TableLoad
from pipelines.extract.specs import SystemSpec
from pipelines.extract.state import Held
from tests.extract.conftest import Extraction, MakeSpec

ROWS = 20_000
START = datetime(2026, 1, 1)
TABLE = """
- name: orders
  key: [id]
  floor: 0
  cursor:
    column: update_time
    lag: {lag}
    deletions: {deletions}
    why: every write goes through one trigger
  columns: [id, customer, amount, update_time]
"""
_metadata = sa.MetaData()
ORDERS = sa.Table(
    "orders",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("customer", sa.String(40)),
    sa.Column("amount", sa.Numeric(12, 2)),
    sa.Column("update_time", sa.DateTime),
)


class Shop:
    """A database with one table, whose rows carry the time of their last edit."""

    def __init__(self, url: str) -> None:
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)
        _metadata.create_all(self.engine)

    def do(self, *statements: Any) -> None:
        with self.engine.begin() as con:
            for statement in statements:
                con.execute(statement)

    def fill(self, rows: int) -> None:
        """Rows 1 to `rows`, one a minute."""
        lines = [
            {"id": n, "customer": f"客户{n}", "amount": n / 4, "update_time": START + timedelta(minutes=n)}
            for n in range(1, rows + 1)
        ]
        with self.engine.begin() as con:
            con.execute(sa.insert(ORDERS), lines)

    def rows(self) -> list[tuple[str, str]]:
        with self.engine.connect() as con:
            return [(str(row.id), row.customer) for row in con.execute(sa.select(ORDERS))]


@pytest.fixture(params=["sqlite", "mariadb", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/shop.sqlite"
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def shop(url: str) -> Iterator[Shop]:
    made = Shop(url)
    yield made
    made.engine.dispose()


def _spec(make_spec: MakeSpec, url: str, lag: str = "3 days", deletions: str = "keys") -> SystemSpec:
    return make_spec("database", url, TABLE.format(lag=lag, deletions=deletions))


def _counts(extract: Extraction) -> tuple[Any, ...]:
    """Mode, rows read, keys read, inserted, updated, deleted, returned of the last load."""
    (row,) = extract.ask(
        "select mode, rows_read, keys_read, inserted, updated, deleted, returned from ops.table_loads "
        f"where run_id = 'run-{extract.runs}'"
    )
    return row


def _raw(extract: Extraction) -> list[tuple[Any, ...]]:
    return extract.ask("select id, customer, amount, update_time from raw_legacy.orders order by all")


def _change_one_percent(shop: Shop) -> None:
    """120 edits, 40 new rows, 15 rows that arrive late, 25 deletions."""
    last = START + timedelta(minutes=ROWS)
    at = last + timedelta(hours=1)
    shop.do(
        sa.update(ORDERS).where(ORDERS.c.id % 166 == 0).values(customer="改名", update_time=at),
        sa.delete(ORDERS).where(ORDERS.c.id % 797 == 3),
        *(sa.insert(ORDERS).values(id=ROWS + n, customer="新", amount=1, update_time=at)
          for n in range(1, 41)),
        *(sa.insert(ORDERS).values(id=ROWS + n, customer="迟到", amount=1,
                                   update_time=last - timedelta(hours=n % 5))
          for n in range(41, 56)),
    )  # fmt: skip


def test_one_percent_of_changes_reads_three_percent_at_most(
    extract: Extraction, make_spec: MakeSpec, shop: Shop, url: str
) -> None:
    """Acceptance: what an incremental run reads, and that it yields what a whole reload yields."""
    shop.fill(ROWS)
    spec = _spec(make_spec, url, lag="5 hours")
    extract(spec)
    assert _counts(extract) == ("whole", ROWS, 0, ROWS, 0, 0, 0)
    _change_one_percent(shop)

    load = extract(spec)
    mode, rows_read, keys_read, *changed = _counts(extract)
    assert (mode, keys_read) == ("cursor", ROWS - 26 + 55)
    assert rows_read <= 0.03 * ROWS
    assert changed == [55, 120, 26, 0]
    assert extract.ask("select count(*), min(_deleted_in_run) from raw_legacy_deleted.orders") == [
        (26, "run-2")
    ]

    incremental, fingerprint = _raw(extract), load.tables[0].fingerprint
    extract.ask("drop schema raw_legacy cascade")
    whole = extract(spec)
    assert _counts(extract)[0] == "whole"
    assert _raw(extract) == incremental
    assert whole.tables[0].fingerprint == fingerprint


def test_nothing_new_is_unchanged(extract: Extraction, make_spec: MakeSpec, shop: Shop, url: str) -> None:
    shop.fill(50)
    spec = _spec(make_spec, url)
    first = extract(spec).tables[0]
    shop.do(sa.text("create table other (id integer)"))  # another file, for SQLite
    second = extract(spec).tables[0]
    assert (second.status, second.rows, second.loaded_at) == ("unchanged", 50, first.loaded_at)
    assert _counts(extract)[2:] == (50, 0, 0, 0, 0)
    loaded = extract.ask("select run_id from ops.loads where status = 'loaded'")
    assert loaded == [("run-1",)]  # so that no later stage has anything to do


def test_a_row_that_was_gone_comes_back(
    extract: Extraction, make_spec: MakeSpec, shop: Shop, url: str
) -> None:
    shop.fill(50)
    spec = _spec(make_spec, url)
    extract(spec)
    shop.do(sa.delete(ORDERS).where(ORDERS.c.id == 7))
    extract(spec)
    gone = "select id, customer, _deleted_in_run, _returned_at is null from raw_legacy_deleted.orders"
    assert extract.ask(gone) == [("7", "客户7", "run-2", True)]
    again = START + timedelta(minutes=60)
    shop.do(sa.insert(ORDERS).values(id=7, customer="客户7", amount=1, update_time=again))
    extract(spec)
    assert _counts(extract)[3:] == (1, 0, 0, 1)
    assert extract.ask(gone) == [("7", "客户7", "run-2", False)]
    assert extract.ask("select count(*) from raw_legacy.orders") == [(50,)]


def test_a_row_older_than_the_lag_has_the_whole_table_read(
    extract: Extraction, make_spec: MakeSpec, shop: Shop, url: str
) -> None:
    """A cursor that misses a row isn't trusted; the keys show it."""
    shop.fill(50)
    spec = _spec(make_spec, url, lag="10 minutes")
    extract(spec)
    shop.do(sa.insert(ORDERS).values(id=99, customer="补录", amount=1, update_time=START))
    extract(spec)
    assert _counts(extract)[:4] == ("whole", 51, 0, 1)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
class TestWhenTheWholeTableIsRead:
    """Only where raw holds what the cursor counts on."""

    @pytest.fixture
    def spec(self, make_spec: MakeSpec, shop: Shop, url: str) -> SystemSpec:
        shop.fill(50)
        return _spec(make_spec, url)

    def _next(self, extract: Extraction, shop: Shop, spec: SystemSpec) -> str:
        shop.do(sa.insert(ORDERS).values(id=51, customer="新", amount=1, update_time=datetime(2026, 2, 1)))
        extract(spec)
        assert extract.ask("select count(*) from raw_legacy.orders") == [(51,)]
        return str(_counts(extract)[0])

    def test_by_cursor_otherwise(self, extract: Extraction, shop: Shop, spec: SystemSpec) -> None:
        extract(spec)
        assert self._next(extract, shop, spec) == "cursor"

    def test_another_spec(
        self, extract: Extraction, shop: Shop, spec: SystemSpec, make_spec: MakeSpec, url: str
    ) -> None:
        extract(spec)
        tables = TABLE.format(lag="3 days", deletions="keys").replace("customer,", "")
        assert self._next(extract, shop, make_spec("database", url, tables)) == "whole"
        assert "customer" not in [name for name, *_ in extract.ask("describe raw_legacy.orders")]

    def test_another_number_of_rows_than_noted(
        self, extract: Extraction, shop: Shop, spec: SystemSpec
    ) -> None:
        extract(spec)
        extract.ask("delete from raw_legacy.orders where id = '7'")
        assert self._next(extract, shop, spec) == "whole"

    def test_long_ago(self, extract: Extraction, shop: Shop, spec: SystemSpec) -> None:
        extract(spec)
        extract.ask("update ops.table_state set full_at = full_at - interval 31 days")
        assert self._next(extract, shop, spec) == "whole"

    def test_on_request(self, extract: Extraction, shop: Shop, spec: SystemSpec) -> None:
        extract(spec)
        load = extract(spec, whole=True)
        assert (load.status, _counts(extract)[:2]) == ("unchanged", ("whole", 50))

    def test_a_time_in_the_future_hides_nothing(
        self, extract: Extraction, shop: Shop, spec: SystemSpec
    ) -> None:
        shop.do(sa.update(ORDERS).where(ORDERS.c.id == 1).values(update_time=datetime(2999, 1, 1)))
        extract(spec)
        shop.do(
            sa.update(ORDERS).where(ORDERS.c.id == 2)
            .values(customer="改名", update_time=datetime.now() + timedelta(hours=8))
        )  # fmt: skip
        extract(spec)
        assert _counts(extract)[0] == "cursor"
        assert extract.ask("select customer from raw_legacy.orders where id = '2'") == [("改名",)]

    def test_after_a_time_in_the_future_the_last_reading_counts(self, make_spec: MakeSpec, url: str) -> None:
        """Not the present: what was edited since yesterday's run would be missed."""
        spec = make_spec("database", url, TABLE.format(lag="1 hour", deletions="keys"))
        read = datetime(2024, 1, 2, 12)
        held = Held(
            1, read, "f", spec.signature(spec.tables[0]), read, "update_time", "2999-01-01 00:00:00",
            checked_at=read,
        )  # fmt: skip
        bound = lower_bound(spec, spec.tables[0], held, read + timedelta(days=1))
        assert bound == "2024-01-02 19:00:00"  # in the system's zone

    def test_a_cursor_that_is_no_time_is_refused(
        self, extract: Extraction, shop: Shop, make_spec: MakeSpec, url: str
    ) -> None:
        shop.fill(50)
        tables = TABLE.format(lag="3 days", deletions="keys").replace("n: update_time", "n: customer")
        spec = make_spec("database", url, tables)
        assert extract(spec).status == "loaded"
        shop.do(sa.delete(ORDERS).where(ORDERS.c.id == 1))
        load = extract(spec)
        assert load.status == "stale"
        assert "is no value that a cursor can count from" in str(load.message)


# A step: which row is touched, how, and how many minutes late its time is (the lag is 60).
_STEPS = st.lists(
    st.lists(
        st.tuples(st.integers(1, 12), st.sampled_from(["write", "delete"]), st.integers(0, 59)),
        max_size=6,
    ),
    min_size=2, max_size=3,
)  # fmt: skip


@settings(
    max_examples=6, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(steps=_STEPS)
def test_any_sequence_of_changes_gives_what_the_source_has(
    steps: list[list[tuple[int, str, int]]], tmp_path_factory: pytest.TempPathFactory,
    extract: Extraction, make_spec: MakeSpec,
) -> None:  # fmt: skip
    url = f"sqlite:///{tmp_path_factory.mktemp('shop')}/shop.sqlite"
    shop, spec = Shop(url), _spec(make_spec, url, lag="60 minutes")
    extract.forget("legacy")
    shop.fill(8)
    extract(spec)
    minutes = 8
    for number, step in enumerate(steps):
        for row, action, late in step:
            minutes += 1
            moment = START + timedelta(minutes=minutes) - timedelta(minutes=late)
            shop.do(sa.delete(ORDERS).where(ORDERS.c.id == row))
            if action == "write":
                text = f"客户{row} v{number}"
                shop.do(sa.insert(ORDERS).values(id=row, customer=text, amount=1, update_time=moment))
        if not shop.rows():
            shop.fill(1)
        load: TableLoad = extract(spec).tables[0]
        found = extract.ask("select id, customer from raw_legacy.orders order by all")
        assert found == sorted(shop.rows())
        assert load.rows == len(found)
    both = extract.ask(
        "select count(*) from raw_legacy_deleted.orders semi join raw_legacy.orders using (id) "
        "where _returned_at is null"
    )
    assert both == [(0,)]
