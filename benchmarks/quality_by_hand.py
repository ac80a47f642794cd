"""What a user would do instead of the rules: one pandas script with the plain checks.

Comes in: a folder with customers, orders, order_lines and payments as Parquet. Goes out: how many records
    fail each
of a dozen checks; no keys, no history, no messages, nothing between systems.

    python benchmarks/quality_by_hand.py FOLDER
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import pandas as pd

NOW = pd.Timestamp("2026-07-02")


def main(folder: Path) -> None:
    started = time.perf_counter()
    customers, orders, lines, payments = (
        pd.read_parquet(folder / f"{name}.parquet")
        for name in ("customers", "orders", "order_lines", "payments")
    )
    phone = customers["mobile"].astype("string").str.replace(r"\.0$|^\+?86|\D", "", regex=True)
    known = customers["system"] + "|" + customers["source_id"]
    ordered = orders["system"] + "|" + orders["source_id"]
    paid_for = payments["system"] + "|" + payments["order_source_id"]
    paid = payments.groupby(paid_for)["amount_gross"].sum()
    worth = orders.set_index(ordered)["amount_gross"]
    sums = lines.groupby(lines["system"] + "|" + lines["order_source_id"])["amount_gross"].sum()
    checks = {
        "name missing": customers["customer_name"].isna(),
        "name placeholder": customers["customer_name"].isin(["测试", "无", "张三", "aaa"]),
        "phone invalid": ~phone.str.fullmatch(r"1[3-9]\d{9}", na=True),
        "phone invented": phone.str.fullmatch(r"1[3-9]\d(\d)\1{7}", na=False),
        "phone shared by ten": phone.groupby(phone).transform("size") >= 10,
        "e-mail invalid": ~customers["email"].astype("string").str.fullmatch(r"\S+@\S+\.\S+", na=True),
        "untouched": customers["updated_at"] < NOW - pd.DateOffset(years=2),
        "order date missing": orders["ordered_at"].isna(),
        "order date in future": orders["ordered_at"] > NOW,
        "order amount missing": orders["amount_gross"].isna(),
        "order of nobody": ~(orders["system"] + "|" + orders["customer_source_id"]).isin(known),
        "payment of no order": ~paid_for.isin(ordered),
        "overpaid": paid.sub(worth.reindex(paid.index)).gt(0),
        "lines differ": sums.sub(worth.reindex(sums.index)).abs().gt(0.05),
    }
    failed = {name: int(check.sum()) for name, check in checks.items()}
    seconds = time.perf_counter() - started
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "mib": mib, "failed": failed}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
