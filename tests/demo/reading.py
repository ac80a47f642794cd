"""Reads the demo's sources back with ordinary readers, apart from the code that wrote them.

Comes in: the sources' folder. Goes out: (system, table) -> source id -> row as a dict, with the source ids
that the truth uses.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from datetime import date, datetime
from pathlib import Path
from typing import Any

import dbfread
import openpyxl
import pyarrow.parquet as pq

Row = dict[str, Any]
Sources = dict[tuple[str, str], dict[str, Row]]
SHEETS = {
    "收款明细": ("receipts", 3),
    "线下项目": ("projects", 1),
    "应收账款": ("receivables", 1),
    "维护费用": ("service_costs", 1),
}


def read_sources(folder: Path) -> Sources:
    """Everything in `folder`."""
    sources: Sources = {}
    for system in ("crm", "erp"):
        for name, rows in _sqlite(folder / f"{system}.sqlite").items():
            sources[system, name] = rows
    for sheet, (name, header) in SHEETS.items():
        sources["ledger", name] = _sheet(folder / "ledger.xlsx", sheet, header)
    for name in ("calls", "tickets"):
        sources["callcentre", name] = _json_lines(folder / "callcentre" / f"{name}.jsonl")
    sources["surveys", "surveys"] = _json_lines(folder / "surveys.jsonl")
    sources["wechat", "contacts"] = _csv(folder / "wechat_contacts.csv", "utf-8-sig")
    sources["hr", "staff"] = _csv(folder / "staff.csv", "gb18030")
    sources["members", "member"] = _dbf(folder / "MEMBER.DBF")
    sources["members", "xfjl"] = _dbf(folder / "XFJL.DBF")
    logins = pq.read_table(folder / "logins.parquet").to_pylist()
    sources["platform", "logins"] = {str(number): row for number, row in enumerate(logins, start=1)}
    sources["notes", "account_notes"] = {
        path.name: _note(path) for path in (folder / "account_notes").iterdir()
    }
    return sources


def text(value: Any) -> str:
    """A value as text, dates as YYYY-MM-DD."""
    return value.isoformat()[:10] if isinstance(value, date | datetime) else str(value)


def _sqlite(path: Path) -> dict[str, dict[str, Row]]:
    with sqlite3.connect(path) as con:
        con.row_factory = sqlite3.Row
        names = [name for (name,) in con.execute("select name from sqlite_master where type = 'table'")]
        return {
            name: {str(row[0]): dict(row) for row in con.execute(f"select * from {name}")} for name in names
        }


def _sheet(path: Path, sheet: str, header_row: int) -> dict[str, Row]:
    rows = list(openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True))
    header = [str(name) for name in rows[header_row - 1]]
    data = [row for row in rows[header_row:] if row[0] != "合计"]
    return {str(number): dict(zip(header, row, strict=True)) for number, row in enumerate(data, start=1)}


def _json_lines(path: Path) -> dict[str, Row]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {next(iter(row.values())): row for row in rows}


def _csv(path: Path, encoding: str) -> dict[str, Row]:
    with path.open(encoding=encoding, newline="") as file:
        rows: list[Row] = list(csv.DictReader(file))
    return {next(iter(row.values())): row for row in rows}


def _dbf(path: Path) -> dict[str, Row]:
    rows = [dict(row) for row in dbfread.DBF(path, encoding="gbk", char_decode_errors="strict")]
    return {next(iter(row.values())): row for row in rows}


def _note(path: Path) -> Row:
    return dict(line.split("：", 1) for line in path.read_text(encoding="utf-8").splitlines())
