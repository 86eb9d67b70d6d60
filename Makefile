# The same commands for a person and for CI. `make` alone lists them.
SHELL := /bin/sh
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help setup demo test check format bench lock clean
.DEFAULT_GOAL := help

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

setup: $(READY) ## make .venv with everything in it (PYTHON=/path/to/python chooses the interpreter)
	@:

$(READY): pyproject.toml requirements-dev.txt .ci/setup
	@rm -f $@
	@PYTHON='$(PYTHON)' .ci/setup
	@touch $@

demo: setup ## build the example plugins, run a host, send it signed webhooks, show what came out (KEEP=1 leaves it running)
	@$(BIN)/innkeeper demo $(if $(KEEP),--keep)

test: setup ## run all tests (ARGS="-k name" passes options to pytest)
	@$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

check: setup ## ruff, types, and who imports whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python .ci/import_directions.py .

format: setup ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup ## measure, on an otherwise idle machine
	@$(BIN)/python -m pytest -s $(ARGS) tests/benchmarks

COMPILE := uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --universal --python-version 3.11 $(if $(UPGRADE),--upgrade)

lock: ## write the lock files from pyproject.toml (UPGRADE=1 takes newer versions); needs uv
	@command -v uv >/dev/null || { echo 'make lock needs uv: pip install uv' >&2; exit 1; }
	$(COMPILE) pyproject.toml --output-file requirements.txt
	$(COMPILE) pyproject.toml --extra dev --constraint requirements.txt --output-file requirements-dev.txt

clean: ## remove .venv and all caches of this folder
	rm -rf .venv .cache .hypothesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
