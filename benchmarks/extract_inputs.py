"""The tables and files that benchmarks/extract.py reads: 20 columns as a legacy system's orders have them.

Comes in: where to, and how many rows. Goes out: a table made by the server itself, a GB18030 CSV file or a
workbook; what is there already with as many rows is kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import sqlalchemy as sa

COLUMNS = {
    "id": "bigint", "customer_id": "int", "order_no": "varchar(24)", "customer_name": "varchar(60)",
    "contact": "varchar(40)", "phone": "varchar(20)", "email": "varchar(60)", "city": "varchar(20)",
    "address": "varchar(120)", "status": "smallint", "quantity": "int", "price": "decimal(18,4)",
    "amount": "decimal(18,2)", "discount": "decimal(5,4)", "ordered_on": "date", "created_at": "timestamp",
    "updated_at": "timestamp", "paid_at": "timestamp", "is_deleted": "smallint", "remark": "varchar(200)",
}  # fmt: skip

# `n` numbers the rows from 1; written so that MariaDB, PostgreSQL and DuckDB all take it.
_VALUES = """
n, n * 7919 % 100003, concat('SO', 20200000 + n % 5000, '-', lpad({n}, 8, '0')),
concat(case n % 4 when 0 then '上海远景' when 1 then '北京归客' when 2 then '深圳华夏' else '杭州明达' end,
       '贸易有限公司', n % 9973),
case when n % 9 > 0 then case n % 3 when 0 then '王小明' when 1 then '李伟' else '陈芳芳' end end,
concat('1', 38 + n % 50, lpad({m}, 8, '0')),
case when n % 3 > 0 then concat('user', n, '@example.com') end,
case n % 3 when 0 then '上海市' when 1 then '北京市' else '深圳市' end,
concat('人民路', n % 999, '号', n % 40, '室'), n % 6, n % 100 + 1, (n % 1000000) / 7.0,
(n * 13 % 10000000) / 100.0, case when n % 4 > 0 then (n % 100) / 100.0 end,
{day}, {time97}, {time89}, case when n % 5 > 0 then {time83} end, case when n % 50 = 0 then 1 else 0 end,
case when n % 10 = 0 then '客户要求“尽快”发货, 联系 "王"\n第二行' when n % 2 > 0 then '正常' end
"""


def _values(kind: str) -> str:
    text = "char" if kind == "mysql" else "varchar"
    whole = "signed" if kind == "mysql" else "int"

    def later(number: str, unit: str, base: str) -> str:
        if kind == "mysql":
            return f"{base} + interval ({number}) {unit}"
        return f"{base} + cast({number} as {whole}) * interval '1 {unit}'"

    times = {
        f"time{step}": later(f"n * {step} % 100000000", "second", "timestamp '2019-01-01 00:00:00'")
        for step in (97, 89, 83)
    }
    day = later("n % 2500", "day", "date '2018-01-01'")
    return _VALUES.format(n=f"cast(n as {text})", m=f"cast(n * 31 % 100000000 as {text})", day=day, **times)


def make_table(url: str, rows: int) -> None:
    """The table `orders` of the database, which is created if need be."""
    kind = sa.make_url(url).get_backend_name()
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as con:
        if sa.inspect(con).has_table("orders"):
            if con.exec_driver_sql("select count(*) from orders").scalar() == rows:
                return
            con.exec_driver_sql("drop table orders")
        kinds = {"timestamp": "datetime"} if kind == "mysql" else {}
        listed = ", ".join(f"{name} {kinds.get(sort, sort)}" for name, sort in COLUMNS.items())
        con.exec_driver_sql(f"create table orders ({listed}, primary key (id))")
        numbers = f"(select seq as n from seq_1_to_{rows}) as numbers"
        if kind != "mysql":
            numbers = f"generate_series(cast(1 as bigint), {rows}) as numbers(n)"
        query = f"insert into orders select {_values(kind)} from {numbers}"
        con.exec_driver_sql(query.replace("%", "%%"))


def make_csv(path: Path, rows: int) -> None:
    """A CSV file in GB18030, with quotes and line breaks in the remarks."""
    if path.exists():
        return
    plain = path.with_suffix(".utf8")
    with duckdb.connect() as con:
        con.execute(f"copy ({_query(rows)}) to '{plain}' (format csv, header)")
    with plain.open(encoding="utf-8", newline="") as source, path.open(
        "w", encoding="gb18030", newline=""
    ) as target:  # fmt: skip
        while block := source.read(1 << 20):
            target.write(block)
    plain.unlink()


def make_workbook(path: Path, rows: int) -> None:
    """A workbook of one sheet, `orders`, with the column names in its first row."""
    if path.exists():
        return
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("orders")
    sheet.append(list(COLUMNS))
    with duckdb.connect() as con:
        result = con.execute(_query(rows))
        while found := result.fetchmany(10_000):
            for row in found:
                sheet.append([_cell(value) for value in row])
    book.save(path)


def _cell(value: Any) -> Any:
    return float(value) if type(value).__name__ == "Decimal" else value


def _query(rows: int) -> str:
    values = ", ".join(f"cast(v{index} as {kind}) as {name}" for index, (name, kind) in
                       enumerate(COLUMNS.items()))  # fmt: skip
    names = ", ".join(f"v{index}" for index in range(len(COLUMNS)))
    inner = f"select {_values('duckdb')} from range(1, {rows + 1}) as numbers(n)"
    return f"select {values} from ({inner}) as made({names})"
