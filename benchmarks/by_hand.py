"""What a user would do instead: one pandas script over the same sources.

Reads the CRM, the ERP, the membership program and the ledger, cleans phone numbers with a regular
expression, calls records with the same phone one customer, sums what each spent per year and cuts the star
tiers. No checks, no lineage, no durable ids, no churn, nothing published; it is a yardstick for time and
memory, not for results.

    python benchmarks/by_hand.py FOLDER_OF_SOURCES
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import pandas as pd
from dbfread import DBF, FieldParser

CONTRACTS = """
    select customer_id as id, order_date as day, money as amount from wk_crm_contract where check_status = 1
"""
SALES = """
    select organ_id as id, oper_time as day, discount_last_money as amount
    from jsh_depot_head where sub_type = '销售' and delete_flag = '0'
"""
TIERS = [0, 3_000, 5_000, 10_000, 15_000, 20_000, 25_000, float("inf")]


def main(folder: Path) -> None:
    crm, erp = (sqlite3.connect(folder / f"{name}.sqlite") for name in ("crm", "erp"))
    customers = pd.concat(
        [
            pd.read_sql("select customer_id as id, mobile as phone from wk_crm_customer", crm).assign(
                system="crm"
            ),
            pd.read_sql("select id, telephone as phone from jsh_supplier", erp).assign(system="erp"),
            _dbf(folder / "MEMBER.DBF", {"KHBH": "id", "DH": "phone"}).assign(system="members"),
        ]
    ).astype({"id": str})
    orders = pd.concat(
        [
            pd.read_sql(CONTRACTS, crm).assign(system="crm"),
            pd.read_sql(SALES, erp).assign(system="erp"),
            _dbf(folder / "XFJL.DBF", {"KHBH": "id", "XFRQ": "day", "JE": "amount"}).assign(system="members"),
        ]
    ).astype({"id": str, "amount": float})
    phone = customers["phone"].astype(str).str.replace(r"\D", "", regex=True).str[-11:]
    customers["customer"] = phone.where(
        phone.str.fullmatch(r"1[3-9]\d{9}"), customers["system"] + customers["id"]
    )
    joined = orders.merge(customers[["system", "id", "customer"]], on=["system", "id"])
    joined["year"] = pd.to_datetime(joined["day"], errors="coerce").dt.year
    spend = joined.groupby(["customer", "year"])["amount"].sum()
    tiers = pd.cut(spend, TIERS, right=False, labels=range(len(TIERS) - 1))
    print(tiers.groupby(level="year").value_counts())


class _Lenient(FieldParser):
    """Dates that don't exist become empty, as pandas would make them."""

    def parseD(self, field: object, data: bytes) -> object:  # noqa: N802 (the library's name)
        try:
            return super().parseD(field, data)
        except ValueError:
            return None


def _dbf(path: Path, names: dict[str, str]) -> pd.DataFrame:
    rows = DBF(
        str(path), encoding="gb18030", char_decode_errors="replace", recfactory=dict, parserclass=_Lenient
    )
    return pd.DataFrame(iter(rows)).rename(columns=names)[list(names.values())]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
