"""A small warehouse with the views that gate 1 leaves behind, and a way to fill it with records."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.identity import judgements
from pipelines.identity.match import Matcher, match_by_models
from pipelines.identity.mentions import ENTITIES
from pipelines.identity.resolve import IdentityResult, run_identity
from pipelines.settings import Settings, load_settings
from warehouse import store

_KEYS = {"system": "varchar", "source_table": "varchar", "source_id": "varchar"}
_CUSTOMERS = (
    _KEYS
    | dict.fromkeys(("party_type", "customer_name", "contact_name"), "varchar")
    | dict.fromkeys(("mobile", "phone", "email", "wechat_id", "credit_code", "region", "address"), "varchar")
    | {"created_at": "timestamp"}
)
_WHO = _KEYS | dict.fromkeys(
    ("customer_source_id", "customer_name", "customer_phone", "customer_email", "contact_name"), "varchar"
)
_STAFF = _KEYS | {"mobile": "varchar", "email": "varchar"}
Record = Mapping[str, Any]


def firm(source_id: str, name: str | None, **more: Any) -> dict[str, Any]:
    """An organisation's record."""
    return {"source_id": source_id, "party_type": "organisation", "customer_name": name} | more


def person(source_id: str, name: str | None, **more: Any) -> dict[str, Any]:
    """A person's record."""
    return {"source_id": source_id, "party_type": "person", "customer_name": name} | more


def sets(*groups: str) -> set[frozenset[str]]:
    """Groups of records with ids of one letter, as `World.partition` gives them."""
    return {frozenset(group) for group in groups}


class World:
    """A warehouse whose `quality.passed_…` relations are what the test puts there."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._run = 0

    def put(
        self, customers: Sequence[Record] = (), staff: Sequence[Record] = (), **entities: Sequence[Record]
    ) -> None:
        """Replace all relations; without a system, a record is in crm and named for its entity."""
        with store.connect(self.settings) as con:
            store.ensure_schemas(con)
            con.begin()
            _fill(con, "customers", _CUSTOMERS, customers)
            _fill(con, "staff", _STAFF, staff)
            for entity in ENTITIES:
                _fill(con, entity, _WHO, entities.get(entity, ()))
            con.commit()

    def run(self, matcher: Matcher = match_by_models, *, rebuild: bool = False) -> IdentityResult:
        """Run the identity stage."""
        self._run += 1
        return run_identity(self.settings, f"run-{self._run}", matcher, rebuild=rebuild)

    def judge(self, verdict: str, left: str, right: str) -> None:
        """A person judges two customers records: `crm.customers.<id>`, unless the system is named."""
        names = [name if "." in name else f"crm.customers.{name}" for name in (left, right)]
        judgements.add(self.settings, verdict, names[0], names[1], "Lin", "asked them")

    def rows(self, sql: str) -> list[Any]:
        """Ask the warehouse."""
        with store.connect(self.settings) as con:
            return con.execute(sql).fetchall()

    def owners(self, source_table: str = "customers") -> dict[str, str]:
        """source_id → customer_id of one source table."""
        return dict(
            self.rows(
                "select source_id, customer_id from identity.customer_xref "
                f"where source_table = '{source_table}'"
            )
        )

    def partition(self) -> set[frozenset[str]]:
        """The sets of customers records that have one id."""
        groups: dict[str, set[str]] = {}
        for source_id, customer_id in self.owners().items():
            groups.setdefault(customer_id, set()).add(source_id)
        return {frozenset(group) for group in groups.values()}


def _fill(
    con: duckdb.DuckDBPyConnection, entity: str, columns: dict[str, str], records: Sequence[Record]
) -> None:
    about = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    con.execute(f"create or replace table quality.passed_{entity} ({about})")
    defaults: dict[str, Any] = {"system": "crm", "source_table": entity}
    if "created_at" in columns:
        defaults["created_at"] = datetime(2024, 1, 1)
    for record in records:
        unknown = set(record) - set(columns)
        assert not unknown, unknown
        con.execute(
            f"insert into quality.passed_{entity} values ({', '.join('?' for _ in columns)})",
            [(defaults | dict(record)).get(name) for name in columns],
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty warehouse in a folder of its own."""
    return make_world(tmp_path)


def make_world(home: Path, threads: int = 2) -> World:
    """An empty warehouse in `home`."""
    made = World(dataclasses.replace(load_settings(), home=home, memory_limit="1GB", threads=threads))
    made.put()
    return made
