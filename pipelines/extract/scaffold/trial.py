"""A system tried out: a sample of its rows through its own staging models, in a warehouse of its own.

Comes in: a spec. Goes out: how many rows each table has, and a throw-away DuckDB file with the sample in
raw_<system> and the staging models over it, built by dbt as a run would. The company's warehouse isn't
touched.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.errors import GuikeError
from pipelines.extract import raw
from pipelines.extract.guards import match_columns
from pipelines.extract.load import open_source
from pipelines.extract.scaffold.introspect import sample_tables
from pipelines.extract.specs import SystemSpec, TableSpec
from pipelines.i18n import t
from pipelines.settings import Settings, environment, expand
from warehouse import store

# A cast in a staging model: {{ to_date('column') }} as field, with what may stand around it.
_CAST = re.compile(
    r"\b(?:to_date|to_utc|to_timestamp|to_money|to_exact_number|try_to|epoch_to_utc|day_first|month_first)"
    r"\(\s*'(?:\w+\.)?(?P<column>\w+)'[^\n]*?\bas (?P<field>\w+)\s*(?:,|$)",
    re.M,
)
_SOURCE = re.compile(r"source\('raw_\w+', '(\w+)'\)")
_MAIN = re.compile(r"\brecords as \(\s*select \* from \{\{ source\('raw_\w+', '(\w+)'\)")
Row = Sequence[str | None]


@dataclass(frozen=True)
class Parsed:
    """How many of a sample's filled cells a cast understood."""

    model: str
    field: str
    column: str
    filled: int
    parsed: int


@dataclass(frozen=True)
class Trial:
    """A system's staging models over a sample.

    Attributes:
        rows: table -> how many rows the source has (of a file: at least so many).
    """

    spec: SystemSpec
    models: tuple[Path, ...]
    rows: dict[str, int]
    con: duckdb.DuckDBPyConnection

    def first(self, model: str, rows: int) -> tuple[list[str], list[tuple[object, ...]]]:
        """The model's columns and its first rows."""
        found = self.con.execute(f'select * from staging."{model}" limit {rows:d}')
        return [column[0] for column in found.description or ()], found.fetchall()

    def parse_rates(self) -> list[Parsed]:
        """For each cast in a staging model, how many of the filled cells came through."""
        rates = []
        for path in self.models:
            sql = path.read_text(encoding="utf-8")
            tables = _MAIN.findall(sql) or _SOURCE.findall(sql)[:1]
            for match in _CAST.finditer(sql):
                if found := self._parse_rate(path.stem, tables, match["column"], match["field"]):
                    rates.append(found)
        return rates

    def _parse_rate(self, model: str, tables: Sequence[str], column: str, field: str) -> Parsed | None:
        owner = next(
            (
                one
                for one in self.spec.tables
                if one.name in tables and column in [c.name for c in one.columns]
            ),
            None,
        )
        if owner is None:
            return None
        # Empty in every system's own way: nothing, zeros, a date of zeros.
        row = self.con.execute(
            f'select count(*) from raw_{self.spec.name}."{owner.name}" '
            f"where trim(\"{column}\") not in ('', '0') and \"{column}\" not like '0000-00-00%'"
        ).fetchone()
        kept = self.con.execute(
            f'select (select count(*) from raw_{self.spec.name}."{owner.name}"), count(*), count("{field}") '
            f'from staging."{model}"'
        ).fetchone()
        assert row is not None
        assert kept is not None
        # Rows that the model leaves out, deleted ones or purchases, are not asked for.
        filled = round(row[0] * min(kept[1] / kept[0], 1)) if kept[0] else 0
        return Parsed(model, field, column, filled, min(kept[2], filled))


@contextmanager
def trial(settings: Settings, spec: SystemSpec, rows: int) -> Iterator[Trial]:
    """Read up to `rows` rows of each table, and build the staging models over them.

    Raises:
        GuikeError: the source can't be read, has other columns than the spec, or a model doesn't work.
    """
    models = tuple(sorted((settings.dbt_dir / "models" / "staging" / spec.name).glob("stg_*.sql")))
    if not models:
        raise GuikeError(
            t("{system} has no staging model.", system=spec.name),
            t(
                "Write one in dbt_project/models/staging/{system}; docs/add-a-system.md tells how.",
                system=spec.name,
            ),
        )
    counts, samples = _sample(settings, spec, rows)
    with tempfile.TemporaryDirectory(prefix="guike-trial-") as folder:
        warehouse = Path(folder) / "trial.duckdb"
        _fill(warehouse, spec, samples)
        _build(settings, spec, warehouse)
        with duckdb.connect(str(warehouse)) as con:
            con.execute("set timezone = 'UTC'")
            yield Trial(spec, models, counts, con)


def _sample(settings: Settings, spec: SystemSpec, rows: int) -> tuple[dict[str, int], dict[str, list[Row]]]:
    """How many rows each table has, and the first of them."""
    if spec.kind == "database":
        return _sample_database(spec, rows)
    counts: dict[str, int] = {}
    samples: dict[str, list[Row]] = {}
    with open_source(settings, spec) as source:
        for table in spec.tables:
            counts[table.name], samples[table.name] = 0, []
            for batch in source.read(table):
                counts[table.name] += batch.num_rows
                left = rows - len(samples[table.name])
                named = batch.slice(0, max(left, 0)).to_pylist()
                samples[table.name] += [[row[c.name] for c in table.columns] for row in named]
                if spec.kind == "rest" and not left:
                    break
    return counts, samples


def _sample_database(spec: SystemSpec, rows: int) -> tuple[dict[str, int], dict[str, list[Row]]]:
    def pick(table: TableSpec, found: Sequence[str]) -> list[str]:
        return match_columns(spec, table, found, f"{spec.name}.{table.source}", any_case=True)

    wanted = {table.source: lambda found, table=table: pick(table, found) for table in spec.tables}
    read = sample_tables(expand(spec.location), spec.database_schema, wanted, rows)
    counts = {table.name: read[table.source][0] for table in spec.tables}
    return counts, {table.name: read[table.source][1] for table in spec.tables}


def _fill(warehouse: Path, spec: SystemSpec, samples: dict[str, list[Row]]) -> None:
    with duckdb.connect(str(warehouse)) as con:
        store.ensure_schemas(con)
        raw.ensure_tables(con, spec)
        for table in spec.tables:
            rows = samples[table.name]
            columns = {
                column.name: pa.array([row[index] for row in rows], pa.string())
                for index, column in enumerate(table.columns)
            }
            columns["_row_number"] = pa.array(range(1, len(rows) + 1), pa.int64())
            if not table.key:
                columns["_row_id"] = columns["_row_number"].cast(pa.string())
            sample = pa.table(columns)
            con.register("sample", sample)
            con.execute(
                f'insert into raw_{spec.name}."{table.name}" by name '
                "select *, now()::timestamp as _loaded_at, 'trial' as _run_id from sample"
            )
            con.unregister("sample")


def _build(settings: Settings, spec: SystemSpec, warehouse: Path) -> None:
    folder = str(settings.dbt_dir)
    variables = {"as_of": settings.as_of.isoformat(), "timezone": settings.timezone}
    done = subprocess.run(
        [
            sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "--quiet", "run", "--select",
            f"path:models/staging/{spec.name}", "--project-dir", folder, "--profiles-dir", folder,
            "--vars", json.dumps(variables), "--target-path", str(warehouse.parent / "target"),
            "--log-path", str(warehouse.parent / "logs"),
        ],
        env=environment() | {"GUIKE_WAREHOUSE": str(warehouse)},
        capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    if done.returncode != 0:
        told = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        raise GuikeError(
            t("The staging models of {system} don't work:\n{reason}", system=spec.name,
              reason="\n".join(told[-12:]) or done.stderr.strip()),
            t("Put the model in dbt_project/models/staging/{system} right.", system=spec.name),
        )  # fmt: skip
