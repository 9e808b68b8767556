# Every task that people and CI run; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help demo serve install setup test clusters faults lint format docs bench lock clean

PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/.runtime
DEV := .venv/.dev
BENCH := .venv/.bench
UNUSED := pandas python-dateutil # which chdb-core asks for and does not need; with pandas all that uses pyarrow is slower
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:  ## List these targets
	@awk -F ':.*##' '/^[a-z-]+:.*##/ {printf "  make %-8s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUNTIME)  ## Set up, make a year of sample calls, start the server, print a link and requests
	@exec $(BIN)/calltally demo

serve: $(RUNTIME)  ## Set up and start the server on ./calltally-data (or CALLTALLY_DATA)
	@exec $(BIN)/calltally serve

install: $(RUNTIME)  ## Make .venv with what the server needs and nothing else, as a service has it
	@$(BIN)/python -m compileall -q src

setup: $(DEV)  ## Make .venv with everything that development needs

test: $(DEV)  ## Set up and run the whole test suite (as root, also with the Debian packages that it needs)
	@scripts/packages chromium-headless-shell,chromium,chromium-browser,google-chrome=chromium-headless-shell curl=curl
	$(BIN)/pytest -n auto -m 'not cluster'
	@$(MAKE) --no-print-directory clusters

clusters: $(DEV)  ## Run the tests on PostgreSQL, clusters of ClickHouse, fleets (as root, with the packages they need)
	@scripts/packages clickhouse-server=clickhouse-server setpriv=util-linux \
		/usr/share/zookeeper/bin/zkServer.sh=zookeeper \
		/usr/lib/postgresql/15/bin/postgres,/usr/lib/postgresql/17/bin/postgres=postgresql nginx,/usr/sbin/nginx=nginx-light
	$(BIN)/pytest -n auto --dist loadgroup -m cluster --hypothesis-profile=few

faults: $(DEV)  ## Kill the server a hundred times and fill disks (ten minutes; full disks as root)
	CALLTALLY_KILLS=100 $(BIN)/pytest tests/faults

lint: $(DEV)  ## Check format, lint, strict types, import staircase, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m scripts.docs --check

format: $(DEV)  ## Format the code and mend what lint can mend
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

docs: $(DEV)  ## Write the generated parts of docs/ anew
	$(BIN)/python -m scripts.docs

bench: $(BENCH)  ## Measure speed and memory (over an hour, 20 GB of disk; as root, with the Debian packages that it needs)
	@scripts/packages chromium,chromium-browser,google-chrome=chromium \
		/usr/lib/postgresql/15/bin/postgres=postgresql-15 clickhouse-server=clickhouse-server setpriv=util-linux
	$(BIN)/python -m benchmarks

lock: $(DEV)  ## Write the lock files anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra fast --group build --generate-hashes --universal --upgrade --no-header --no-annotate --quiet --output-file requirements.lock
	uv pip compile pyproject.toml --extra fast --group dev --generate-hashes --universal --upgrade --no-header --no-annotate --quiet $(UNUSED:%=--no-emit-package %) --output-file requirements-dev.lock
	uv pip compile --group bench --constraint requirements-dev.lock --generate-hashes --universal --upgrade --no-header --no-annotate --quiet $(UNUSED:%=--no-emit-package %) --output-file requirements-bench.lock

$(BENCH): requirements-bench.lock $(DEV)
	@echo "Installing what is compared with ..."
	@$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements-bench.lock
	@touch $@

clean:  ## Remove .venv and caches; the data folder stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache benchmarks/out

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Calltally needs Python 3.11 or newer (set PYTHON=...)"; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "No venv could be made; on Debian: apt-get install python3-venv"; exit 1; }

$(RUNTIME): requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing what Calltally needs ..."
	@$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo "Installing what development needs ..."
	@$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements-dev.lock
	@touch $@
