"""Each rule against the defects that it is for.

Comes in: a connection of `quality_truth`, and `quality_defects.yml`. Goes out: a `Score` per rule and the
share of clean records that were flagged. Recall counts planted defects that came into the input layer and
that somebody could see; precision counts a flag as right where the defect was planted, or the truth proves
the flaw.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

EXPECTATIONS = Path(__file__).parent / "quality_defects.yml"
_KEY = "system, source_table, source_id"


@dataclass(frozen=True)
class Score:
    """One rule.

    Attributes:
        planted: defects that it is for, as the truth lists them.
        unseen: of these, not in the input layer, set aside before, or invisible by the reason given.
        found: of the others, flagged.
        flagged: records that the rule flags. right: of these, planted or proven.
    """

    rule_id: str
    severity: str
    planted: int
    unseen: int
    found: int
    flagged: int
    right: int
    why_unseen: str
    why_proven: str

    @property
    def recall(self) -> float | None:
        """Share found of what could be seen; None where nothing was."""
        seen = self.planted - self.unseen
        return self.found / seen if seen else None

    @property
    def precision(self) -> float | None:
        """Share right of what was flagged; None where nothing was."""
        return self.right / self.flagged if self.flagged else None


@dataclass(frozen=True)
class Clean:
    """Records without any planted defect: how many, and how many of them a rule flags without proof."""

    records: int
    flagged: int
    by_rule: tuple[tuple[str, int], ...]


def scores(con: duckdb.DuckDBPyConnection) -> tuple[list[Score], Clean]:
    """Every rule that is meant for a defect or flagged anything, in the catalogue's order."""
    told: dict[str, Any] = yaml.safe_load(EXPECTATIONS.read_text(encoding="utf-8"))
    con.execute(f"create or replace temp table right_flags (rule_id varchar, {_columns()})")
    rules = con.execute(
        "select rule_id, entity, gate, severity, (select count(*) from quality.record_issues as i "
        "where i.rule_id = r.rule_id) from quality.rules as r"
    ).fetchall()
    if unknown := set(told) - {rule[0] for rule in rules}:
        raise SystemExit(f"{EXPECTATIONS.name}: no such rules: {', '.join(sorted(unknown))}")
    found = []
    for rule_id, entity, gate, severity, flagged in rules:
        if rule_id in told or flagged:
            found.append(_score(con, rule_id, entity, gate, severity, told.get(rule_id, {})))
    return found, _clean(con)


def _score(
    con: duckdb.DuckDBPyConnection, rule_id: str, entity: str, gate: int, severity: str, said: dict[str, Any]
) -> Score:
    con.execute(
        f"create or replace temp table meant as select * from ({_meant(said)}) "
        f"where (system, source_table) in (select distinct system, source_table from input.{entity})"
    )
    planted = _count(con, "meant")
    con.execute(f"delete from meant where ({_KEY}) not in (select ({_KEY}) from input.{entity})")
    if gate == 2:
        con.execute(
            f"delete from meant where ({_KEY}) in "
            f"(select ({_KEY}) from quality.set_aside where entity = '{entity}')"
        )
    con.execute(
        f"create or replace temp table flags as select {_KEY} from quality.record_issues "
        f"where rule_id = '{rule_id}'"
    )
    proven = said.get("proof", {}).get("sql")
    also = ", ".join(f"'{kind}'" for kind in said.get("also", []))
    con.execute(
        f"insert into right_flags select '{rule_id}', * from flags "
        f"where ({_KEY}) in (select ({_KEY}) from meant)"
        + (f" or ({_KEY}) in (select ({_KEY}) from ({proven}))" if proven else "")
        + (f" or ({_KEY}) in (select ({_KEY}) from defects where defect in ({also}))" if also else "")
    )
    if "unseen" in said:
        con.execute(
            f"delete from meant where ({_KEY}) in (select ({_KEY}) from ({said['unseen']['sql']})) "
            f"and ({_KEY}) not in (select ({_KEY}) from flags)"
        )
    seen = _count(con, "meant")
    return Score(
        rule_id, severity, planted, planted - seen,
        _count(con, f"meant where ({_KEY}) in (select ({_KEY}) from flags)"), _count(con, "flags"),
        _count(con, f"right_flags where rule_id = '{rule_id}'"), said.get("unseen", {}).get("why", ""),
        said.get("proof", said.get("expected", {})).get("why", ""),
    )  # fmt: skip


def _meant(said: dict[str, Any]) -> str:
    """SQL of the keys that the rule is for."""
    if "expected" in said:
        return f"select distinct {_KEY} from ({said['expected']['sql']})"
    parts = ["false"]
    for one in said.get("planted", []):
        limits = "".join(
            f" and {column} in ({', '.join(repr(value) for value in one[key])})"
            for key, column in (("field", "field"), ("table", "source_table")) if key in one
        )  # fmt: skip
        parts.append(f"(defect = '{one['kind']}'{limits})")
    return f"select distinct {_KEY} from defects where {' or '.join(parts)}"


def _clean(con: duckdb.DuckDBPyConnection) -> Clean:
    entities = [
        row[0] for row in con.execute("select distinct entity from quality.rules order by 1").fetchall()
    ]
    everything = " union all ".join(
        f"select '{entity}' as entity, {_KEY} from input.{entity}" for entity in entities
    )
    con.execute(
        f"create or replace temp table clean as select * from ({everything}) "
        f"where ({_KEY}) not in (select ({_KEY}) from defects)"
    )
    wrong = con.execute(
        f"""select rule_id, entity, {_KEY} from quality.record_issues semi join clean using (entity, {_KEY})
        where severity <> 'info' and (rule_id, {_KEY}) not in (select (rule_id, {_KEY}) from right_flags)"""
    ).fetchall()
    times: dict[str, int] = {}
    for row in wrong:
        times[row[0]] = times.get(row[0], 0) + 1
    return Clean(_count(con, "clean"), len({row[1:] for row in wrong}), tuple(sorted(times.items())))


def _columns() -> str:
    return ", ".join(f"{name} varchar" for name in _KEY.split(", "))


def _count(con: duckdb.DuckDBPyConnection, what: str) -> int:
    row = con.execute(f"select count(*) from {what}").fetchone()
    assert row is not None
    return int(row[0])
