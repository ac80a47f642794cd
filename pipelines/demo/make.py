"""Puts the demo company together: world, business, records, defects, files, truth.

Comes in: a folder, the number of true customers, a seed. Goes out: `sources/` with the nine legacy systems
and the account notes, and `truth/` beside it. All is written into a temporary folder and renamed at the
end, so an interrupted run leaves nothing half-written.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.demo import (
    cheating,
    contacts,
    contracts,
    crm,
    crm_contracts,
    crm_extras,
    erp,
    feedback,
    files,
    leaving,
    ledger,
    orders,
)
from pipelines.demo.contracts import Receipts
from pipelines.demo.database import Database, open_database
from pipelines.demo.dbf import Field, write_dbf
from pipelines.demo.defects import Planter
from pipelines.demo.fabric import DAY_SECONDS, Booleans, Integers, chance, stream
from pipelines.demo.noted import note_faults
from pipelines.demo.registers import MAIN, make_register
from pipelines.demo.tables import Table
from pipelines.demo.truth import Truth
from pipelines.demo.world import Customers, Staff, make_customers, make_staff
from pipelines.errors import GuikeError
from pipelines.i18n import t

_log = logging.getLogger("guike.demo")
# Goes up when the sources of one seed change: sources of an older edition are made again.
EDITION = 2
SMALLEST = 200
LARGEST = 5_000_000
_MEMBER_FIELDS = [
    Field("KHBH", "C", 10),
    Field("XM", "C", 20),
    Field("XB", "C", 2),
    Field("DH", "C", 22),
    Field("DZ", "C", 60),
    Field("RHRQ", "D", 8),
    Field("JF", "N", 10),
    Field("JB", "C", 8),
]
_PURCHASE_FIELDS = [
    Field("DJH", "C", 12),
    Field("KHBH", "C", 10),
    Field("XFRQ", "D", 8),
    Field("XM", "C", 40),
    Field("JE", "N", 12, 2),
    Field("FKFS", "C", 8),
    Field("ZT", "C", 4),
]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class DemoSummary:
    """What was made.

    Args:
        files: names of the files and folders in `sources`.
        rows: rows per `system.table`.
        defects: how often each defect was planted.
    """

    folder: Path
    customers: int
    seed: int
    systems: tuple[str, ...]
    files: tuple[str, ...]
    rows: dict[str, int]
    defects: dict[str, int]
    seconds: float


@dataclass
class _World:
    """Everything that is true, before it is written down."""

    seed: int
    staff: Staff
    customers: Customers
    leaving: leaving.Leaving
    cheating: cheating.Cheating
    contracts: contracts.Contracts
    contract_receipts: Receipts
    erp_orders: orders.Orders
    member_orders: orders.Orders
    projects: orders.Projects
    sources: Path
    truth: Truth
    plant: Planter


def make_demo(
    folder: Path, customers: int, seed: int, *, crm_url: str | None = None, erp_url: str | None = None,
    progress: Progress | None = None,
) -> DemoSummary:  # fmt: skip
    """Write the demo company into `folder` (`sources/` and `truth/`), replacing an older one.

    Args:
        customers: true customers, 200 to 5,000,000.
        seed: the same customers and seed give the same bytes.
        crm_url, erp_url: SQLAlchemy URLs of MariaDB/MySQL or PostgreSQL; SQLite files when None.
        progress: called with one sentence per step.

    Raises:
        GuikeError: a number out of range, or a database that can't be opened.
    """
    if not SMALLEST <= customers <= LARGEST:
        raise GuikeError(
            t("The demo can't be made with {customers} customers.", customers=f"{customers:,}"),
            t("Choose a number from {low} to {high}.", low=f"{SMALLEST:,}", high=f"{LARGEST:,}"),
        )
    started = time.monotonic()
    report = progress or _log.info
    with _beside(folder) as work:
        (work / "sources").mkdir()
        truth = Truth(work / "truth")
        world = _make_world(customers, seed, work / "sources", truth)
        report(t("The world is made: {customers} true customers.", customers=f"{customers:,}"))
        steps: dict[str, Callable[[], None]] = {
            "crm": partial(_write_crm, world, crm_url),
            "erp": partial(_write_erp, world, erp_url),
            "ledger": partial(_write_ledger, world),
            "callcentre, hr, members, notes, platform, surveys, wechat": partial(_write_files, world),
        }
        for title, write in steps.items():
            begun = time.monotonic()
            write()
            report(t("{part} written in {seconds} s.", part=title, seconds=f"{time.monotonic() - begun:.1f}"))
        _finish_truth(world, customers, seed)
    names = sorted(path.name for path in (folder / "sources").iterdir())
    systems = tuple(sorted({name.partition(".")[0] for name in truth.rows}))
    return DemoSummary(
        folder, customers, seed, systems, tuple(names), dict(sorted(truth.rows.items())),
        dict(sorted(truth.planted.items())), time.monotonic() - started,
    )  # fmt: skip


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A work folder beside `folder`; its `sources` and `truth` replace the old ones when all went well."""
    work = folder.with_name(folder.name + ".making")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        yield work
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("sources", "truth"):
            old = folder / name
            if old.exists():
                old.rename(work / f"old_{name}")
            (work / name).rename(old)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _make_world(count: int, seed: int, sources: Path, truth: Truth) -> _World:
    staff = make_staff(count, seed)
    customers = make_customers(count, staff, seed)
    fate = leaving.decide(customers, staff, seed)
    signed = contracts.make_contracts(customers, fate, seed)
    erp_orders = orders.make_orders(customers, fate, customers.in_erp, seed, "erp")
    return _World(
        seed=seed,
        staff=staff,
        customers=customers,
        leaving=fate,
        cheating=cheating.decide(customers, staff, seed),
        contracts=signed,
        contract_receipts=contracts.make_receipts(signed, fate, seed),
        erp_orders=orders.add_returns(erp_orders, seed),
        member_orders=orders.make_orders(customers, fate, customers.in_members, seed, "members"),
        projects=orders.make_projects(customers, fate, seed),
        sources=sources,
        truth=truth,
        plant=Planter(truth, seed),
    )


def _write_crm(world: _World, url: str | None) -> None:
    with open_database("crm", url or f"sqlite:///{world.sources / 'crm.sqlite'}") as database:
        _write_all(world, database, _crm_tables(world))


def _crm_tables(world: _World) -> Iterator[Table]:
    people, fate, plant, seed = world.customers, world.leaving, world.plant, world.seed
    typed = world.cheating
    register = make_register(people, people.in_crm, seed, "crm", offices=0.012, again=0.03)
    yield from crm.staff_tables(world.staff)
    yield crm.customer_table(people, fate, typed, register, plant, seed)
    yield crm.customer_data_table(people, register, plant, seed)
    yield crm_extras.field_table()
    people_there = crm.contacts_table(people, typed, register, plant, seed)
    yield crm_extras.contacts_data_table(people_there)
    yield people_there
    yield crm_extras.call_table(people, fate, typed, register, seed)
    yield crm.owner_table(people, register)
    yield crm.activity_table(people, fate, register, seed)
    yield crm.business_table(people, register, seed)
    yield from crm_contracts.product_tables()
    table = crm_contracts.contract_table(
        people, fate, world.contracts, world.contract_receipts, register, plant, seed
    )
    yield crm_extras.contract_data_table(table)
    yield table
    yield from crm_extras.visit_tables(world.contracts, table, fate)
    yield crm_extras.plan_table(world.contracts, table)
    yield crm_contracts.contract_product_table(world.contracts, table, seed)
    yield crm_contracts.receivables_table(
        people, world.contracts, world.contract_receipts, table, plant, seed
    )
    counted = world.contracts.is_revenue()
    world.truth.revenue("crm", world.contracts.signed[counted], world.contracts.cents[counted])


def _write_erp(world: _World, url: str | None) -> None:
    with open_database("erp", url or f"sqlite:///{world.sources / 'erp.sqlite'}") as database:
        _write_all(world, database, _erp_tables(world))


def _erp_tables(world: _World) -> Iterator[Table]:
    people, sales, plant, seed = world.customers, world.erp_orders, world.plant, world.seed
    register = make_register(people, people.in_erp, seed, "erp", offices=0.0, again=0.03)
    yield from erp.staff_tables(world.staff)
    yield from erp.material_tables()
    yield erp.supplier_table(people, register, plant, seed)
    heads = erp.head_table(people, sales, register, plant, seed)
    yield heads
    items = erp.item_table(erp.make_items(sales, seed), sales.customer)
    yield items
    yield from erp.purchase_tables(len(heads), len(items), len(register.customer), 36, seed)
    receipts = orders.make_order_receipts(sales, world.leaving, seed)
    yield from erp.receipt_tables(sales, receipts, heads, plant)
    counted = sales.is_revenue()
    world.truth.revenue("erp", sales.moment[counted] // DAY_SECONDS, sales.signed_cents()[counted])


def _write_all(world: _World, database: Database, tables: Iterable[Table]) -> None:
    for table in tables:
        database.write(table)
        _record(world, table)


def _write_ledger(world: _World) -> None:
    people, staff, plant, seed = world.customers, world.staff, world.plant, world.seed
    projects = ledger.projects_table(people, staff, world.projects, plant, seed)
    status = projects.columns["状态"]
    paid = ledger.make_receipts(world.projects, status, seed)
    receipts = ledger.receipts_table(people, staff, world.projects, paid, plant, seed)
    numbers = crm_contracts.contract_numbers(world.contracts)
    due = ledger.receivables_table(people, world.contracts, world.contract_receipts, numbers, plant, seed)
    costs = ledger.service_costs_table(people, np.flatnonzero(_bought(world)), plant, seed)
    sheets: list[tuple[str, str | None, Table, list[str]]] = [
        ("收款明细", "兰亭映像 收款明细（单位：万元）", receipts, ["金额（万元）"]),
        ("线下项目", None, projects, []),
        ("应收账款", None, due, []),
        ("维护费用", None, costs, []),
    ]
    files.write_workbook(world.sources / "ledger.xlsx", sheets)
    for _, _, table, _ in sheets:
        _record(world, table)
    counted = (status == "已完成") | (status == "进行中")
    world.truth.revenue("ledger", world.projects.day[counted], world.projects.cents[counted])


def _write_files(world: _World) -> None:
    people, staff, fate, plant, seed = world.customers, world.staff, world.leaving, world.plant, world.seed
    _write_members(world)
    wechat = contacts.wechat_table(people, staff, fate, plant, seed)
    files.write_csv(world.sources / "wechat_contacts.csv", wechat, "utf-8-sig")
    hr = contacts.staff_table(staff, plant)
    files.write_csv(world.sources / "staff.csv", hr, "gb18030")
    (world.sources / "callcentre").mkdir()
    calls = feedback.calls_table(people, fate, world.cheating, plant, seed)
    files.write_json_lines(world.sources / "callcentre" / "calls.jsonl", calls)
    tickets = feedback.tickets_table(people, fate, plant, seed)
    files.write_json_lines(world.sources / "callcentre" / "tickets.jsonl", tickets)
    surveys = feedback.surveys_table(people, fate, plant, seed)
    files.write_json_lines(world.sources / "surveys.jsonl", surveys)
    logins = feedback.logins_table(people, fate, seed)
    files.write_parquet(world.sources / "logins.parquet", logins)
    notes = feedback.notes_table(people, staff, fate, plant, seed)
    files.write_notes(world.sources / "account_notes", notes)
    for table in (wechat, hr, calls, tickets, surveys, logins, notes):
        _record(world, table)


def _write_members(world: _World) -> None:
    people, bought, plant, seed = world.customers, world.member_orders, world.plant, world.seed
    register = make_register(
        people, people.in_members, seed, "members", offices=0.0, again=0.02, private=True
    )
    record = register.rows_for(stream(seed, "member records"), bought.customer)
    purchases = contacts.purchase_table(bought, record, register, plant, seed)
    # Cards given back: their rows are marked as deleted, and a reader of DBF passes over them.
    gone = (register.role != MAIN) & chance(stream(seed, "deleted members"), len(register.role), 0.3)
    gone[record] = False
    members = contacts.member_table(people, bought, register, gone, plant, seed)
    write_dbf(world.sources / "MEMBER.DBF", _MEMBER_FIELDS, members.columns, gone)
    write_dbf(
        world.sources / "XFJL.DBF", _PURCHASE_FIELDS, purchases.columns, np.zeros(len(purchases), dtype=bool)
    )
    world.truth.record(members)
    world.truth.record(purchases)
    counted = bought.is_revenue()
    world.truth.revenue("members", bought.moment[counted] // DAY_SECONDS, bought.cents[counted])


def _record(world: _World, table: Table) -> None:
    world.truth.record(table)
    note_faults(world.truth, table, world.customers, world.staff)


def _bought(world: _World) -> Booleans:
    """Who ever bought anything that counts."""
    yes = np.zeros(len(world.customers), dtype=bool)
    parts: list[Integers] = [
        world.contracts.customer[world.contracts.is_revenue()],
        world.erp_orders.customer[world.erp_orders.is_revenue()],
        world.member_orders.customer[world.member_orders.is_revenue()],
        world.projects.customer,
    ]
    yes[np.concatenate(parts)] = True
    return yes


def _finish_truth(world: _World, customers: int, seed: int) -> None:
    summary: dict[str, Any] = {"customers": customers, "seed": seed, "buyers": int(_bought(world).sum())}
    world.truth.cheats(world.cheating.truth())
    world.truth.finish(world.leaving, _bought(world), summary)
