"""The DAG: what runs after what, what is skipped, what stops the rest. Only this package imports Dagster."""
