PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The baselines have an environment of their own: they need other versions than Railhead does.
BENCH_VENV := .venv-bench
# So has the generator of clients: what it needs is nothing that Railhead or its tests import.
OPENAPI_VENV := .venv-openapi
ARGS ?=
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url

.PHONY: fuzz tables mutants help setup run test bench lock

help: ## Show what each target does.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## Create .venv from the hash-pinned lock; leaves .venv/bin/railhead.

$(VENV)/.ready: requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: setup ## Start the stack, post the sample and an evening of traffic, print the answers. ARGS=--exit ends there.
	$(BIN)/railhead demo $(ARGS)

test: setup ## Format, lint, strict types, unit, property and end-to-end tests.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder $(ARGS)

$(BENCH_VENV)/.ready: requirements/bench.txt
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

tables: setup ## Write the tables of the documents from the code.
	$(BIN)/python -m tests.documents.tables

bench: setup $(BENCH_VENV)/.ready ## Measure ingest API, stream and the whole path beside baselines. ARGS=--quick is a smoke run.
	RAILHEAD_BENCH_PYTHON=$(BENCH_VENV)/bin/python $(BIN)/railhead bench $(ARGS)

mutants: setup ## Apply every mutant of the table and see each one caught.
	$(BIN)/python -m tests.system.mutants

fuzz: setup ## Send the ingest API 100,000 hostile requests. ARGS='--seed 2 --requests 5000' for others.
	$(BIN)/python -m tests.system.fuzz $(ARGS)

.PHONY: clients
clients: setup ## Try other people's clients, each in its own environment, and write docs/clients.md. ARGS='--only node'
	$(BIN)/python -m tests.clients $(ARGS)

lock: ## Pin every dependency with its hashes again (needs uv).
	$(LOCK) --extra build -o requirements/server.txt pyproject.toml
	$(LOCK) --extra onebox --extra build --extra dev -o requirements/dev.txt pyproject.toml
	$(LOCK) --group bench -o requirements/bench.txt
	$(LOCK) --group openapi -o requirements/openapi.txt
	for one in tests/clients/python/*.in; do $(LOCK) --no-strip-extras -o $${one%.in}.txt $$one; done

.PHONY: chaos
chaos: setup ## Inject faults into the whole stack for ten minutes and prove that nothing was lost. ARGS=--seconds 120 --seed 7
	$(BIN)/python -m tests.system.chaos $(ARGS)

$(OPENAPI_VENV)/.ready: requirements/openapi.txt
	$(PYTHON) -m venv $(OPENAPI_VENV)
	$(OPENAPI_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/openapi.txt
	@touch $@

.PHONY: openapi-clients
openapi-clients: setup $(OPENAPI_VENV)/.ready ## Generate clients from /openapi.json (Python, and TypeScript if npm is there) and run them.
	$(BIN)/python -m tests.system.openapi --python $(OPENAPI_VENV)/bin/python
