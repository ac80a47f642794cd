"""Names that survive the trip into the warehouse.

Comes in: a column's name as a source has it. Goes out: the name that dlt gives it there. dlt turns every
Chinese header into `x`, so two of them would collapse into one column without a word; specs therefore map
them to English names, and only names that dlt leaves as they are pass.
"""

from __future__ import annotations

import re
from functools import cache

_PLAIN = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 60


@cache
def normalise(name: str) -> str:
    """`name` in dlt's snake case: delete_Flag -> delete_flag, OrderID -> order_id."""
    # Imported late: dlt takes a second to import, and reading a spec should not.
    from dlt.common.normalizers.naming.snake_case import NamingConvention

    return NamingConvention().normalize_identifier(name) if name.strip() else ""


def is_plain_name(name: str) -> bool:
    """Whether `name` is lower snake case, which dlt and every database leave unchanged."""
    return len(name) <= _LONGEST and _PLAIN.fullmatch(name) is not None and normalise(name) == name
