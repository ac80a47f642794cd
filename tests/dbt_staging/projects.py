"""A dbt project with a warehouse file of its own, and what a dbt command on it came to."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.settings import environment


@dataclass(frozen=True)
class Outcome:
    """What a dbt command came to: its exit code, what it printed, and the results by node id."""

    code: int
    output: str
    results: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Project:
    """A dbt project with its warehouse file; everything dbt writes is in `home`."""

    folder: Path
    home: Path

    @property
    def warehouse(self) -> Path:
        return self.home / "guike.duckdb"

    def dbt(self, *arguments: str) -> Outcome:
        """Run dbt as a subprocess."""
        target = self.home / "target"
        variables = {
            "GUIKE_WAREHOUSE": str(self.warehouse), "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(self.home / "logs"), "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8",
        }  # fmt: skip
        command = [
            sys.executable, "-m", "dbt.cli.main", *arguments,
            "--project-dir", str(self.folder), "--profiles-dir", str(self.folder),
        ]  # fmt: skip
        done = subprocess.run(
            command, env=environment() | variables,
            capture_output=True, text=True, encoding="utf-8", check=False,
        )  # fmt: skip
        path = target / "run_results.json"
        results = json.loads(path.read_text(encoding="utf-8"))["results"] if path.exists() else []
        return Outcome(done.returncode, done.stdout + done.stderr, {row["unique_id"]: row for row in results})

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the warehouse."""
        with duckdb.connect(str(self.warehouse), read_only=True) as con:
            return con.execute(sql).fetchall()
