# Guike: everything starts here. `make help` lists the targets.
# `make demo ARGS="--customers 20000"` passes options on; `make PYTHON=python3.12 …` chooses the Python.

.DEFAULT_GOAL := help
.PHONY: demo run test dev lint bench bench-identity docs clean help setup

# The lock is made for 3.11 to 3.13; 3.11 first, because that is where most of the testing is done.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	if $$p -c 'import venv' >/dev/null 2>&1; then echo $$p; break; fi; done)
BIN := .venv/bin
ARGS ?=

# Without bytecode every start of dbt, Dagster and Great Expectations takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

demo: setup ## Make the demo company and run everything on it, up to the published marts
	@$(BIN)/guike demo $(ARGS)

run: setup ## Run all stages on the company's systems; unchanged stages are skipped
	@$(BIN)/guike run $(ARGS)

test: setup ## Run the tests (with GUIKE_REQUIRE_SERVICES=1 a missing server is a failure)
	@$(BIN)/python -m pytest $(ARGS)

dev: setup ## Open the Dagster UI: assets, checks, schedule, runs
	@$(BIN)/guike dev $(ARGS)

lint: setup ## Check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: setup ## Measure time and memory by stage (ARGS="--records 100000" for a small one)
	@$(BIN)/python benchmarks/end_to_end.py $(ARGS)

bench-identity: setup ## Measure identity: agreement with the truth, rivals (ARGS="--parts scale": time by size)
	@$(BIN)/python benchmarks/identity.py $(ARGS)

docs: setup ## Write docs/quality-rules.md and its Chinese twin from the catalogue of rules
	@$(BIN)/guike --lang en quality rules --markdown > docs/quality-rules.md
	@$(BIN)/guike --lang zh quality rules --markdown > docs/quality-rules.zh-CN.md

clean: ## Remove .venv, caches and build leftovers; the data stays
	@rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		dbt_project/target dbt_project/logs
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## Show this list
	@echo "Guike 归客"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

setup:
	@if [ -z "$(PYTHON)" ]; then \
		echo "No Python with the venv module was found. Install Python 3.11, 3.12 or 3.13 (on Debian: apt-get install python3 python3-venv)."; \
		echo "没有找到 Python。请安装 Python 3.11、3.12 或 3.13（Debian：apt-get install python3 python3-venv）。"; exit 1; fi
	@"$(PYTHON)" .ci/setup.py
