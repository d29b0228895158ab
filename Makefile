# Every verb of the project. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
PYTHON := $(VENV)/bin/python
# The suite measures nothing that bytecode files would help, and leaves the tree as it found it.
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help setup setup-dev demo test test-all check fmt bench docs clean

help: ## this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  \033[1m%-9s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.ready ## .venv with ramuda in it
setup-dev: $(VENV)/.ready-dev

$(VENV)/.ready: pyproject.toml tools/setup.sh
	@tools/setup.sh '.[delegates]'
	@touch $@

$(VENV)/.ready-dev: pyproject.toml tools/setup.sh
	@tools/setup.sh '.[dev]'
	@touch $@ $(VENV)/.ready

demo: setup ## a server, a Python and a Node.js function, their answers, logs, metrics and times
	@$(PYTHON) tools/demo.py

test: setup-dev ## the whole test suite, types, style and import contracts included
	@$(PYTHON) -m pytest -n 2 -m "not slow"

test-all: setup-dev ## the same and the slow ones: real clients, big packages
	@$(PYTHON) -m pytest -n 2

check: setup-dev ## types, style and import contracts alone
	@$(PYTHON) -m pytest -q tests/architecture

fmt: setup-dev ## format the code and mend what ruff can mend
	@$(VENV)/bin/ruff check -q --fix src tests benchmarks tools examples
	@$(VENV)/bin/ruff format src tests benchmarks tools examples

bench: setup ## the project's figures, beside AWS's Runtime Interface Emulator
	@$(PYTHON) -m benchmarks.bench

docs: setup-dev ## write the generated pages in docs/ again
	@$(PYTHON) tools/coverage.py

clean: ## remove .venv and every cache of this folder
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
