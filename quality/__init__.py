"""Record checks (gate 1) and reconciliation (gate 2).

Comes in: the input contract's tables (`input.<entity>`), dbt's join checks (`quality.check__<entity>`), and
later the core facts. Goes out: every failing record in `quality.record_issues`, the records set aside in
`quality.set_aside`, the rest as `quality.passed_<entity>`, and `quality.reconciliation`. The rules are data,
in `rules/`; Great Expectations evaluates them. Nothing is deleted: rows in = passed + set aside.
"""
