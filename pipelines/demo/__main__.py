"""`python -m pipelines.demo --home DIR --customers N --seed S`: make the demo company from a shell."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipelines.demo import make_demo
from pipelines.errors import GuikeError


def main(arguments: list[str] | None = None) -> int:
    """Make the demo and print what was made; 1 when it can't be."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.demo")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--customers", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--crm-url")
    parser.add_argument("--erp-url")
    options = parser.parse_args(arguments)
    try:
        summary = make_demo(
            options.home, options.customers, options.seed, crm_url=options.crm_url, erp_url=options.erp_url,
            progress=print,
        )  # fmt: skip
    except GuikeError as error:
        print(error, file=sys.stderr)
        return 1
    for table, rows in summary.rows.items():
        print(f"{table:32} {rows:>10,}")
    print(f"{summary.seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
