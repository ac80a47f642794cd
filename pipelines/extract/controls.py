"""What a system says about itself, as SQL over its own raw tables: `controls` in its YAML.

Comes in: a query. Goes out: why it can't be a control, judged without running it, when the spec is read.
"""

from __future__ import annotations

import duckdb

from pipelines.i18n import t


def control_problem(sql: str, known: set[str]) -> str | None:
    """Why `sql` can't be a control over the tables `known`, or None."""
    try:
        statements = duckdb.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            return t("a control must be a single SELECT")
        with duckdb.connect() as con:
            used = {name.replace('"', "") for name in con.get_table_names(sql, qualified=True)}
    except duckdb.Error as error:
        return t("the control is not valid SQL: {reason}", reason=str(error).splitlines()[0])
    if unknown := sorted(used - known):
        return t("the control reads {tables}, which this system doesn't have", tables=", ".join(unknown))
    return None
