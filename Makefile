# Commands for development. `make help` lists them.
# The system's Python where it will do: distributions build theirs with a profile, version managers seldom do, and the
# tests need a sixth longer with such a one.
ifeq ($(origin PYTHON), undefined)
PYTHON := $(shell /usr/bin/python3 -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo /usr/bin/python3 || echo python3)
endif
PORT ?= 8080
VENV := .venv
BIN := $(VENV)/bin

# Without bytecode files every process of the tests and of the demo compiles 2,700 files when it starts: 2 s each.
unexport PYTHONDONTWRITEBYTECODE

# uv installs in seconds, pip needs most of a minute. pip is used where uv fails (a mirror that only pip knows).
# Start pip by the venv's python: the first line of an installed script fails in a folder with a space or a quote.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
install = $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) 2>/dev/null \
	|| $(PIP) --require-hashes -r $(1)

.DEFAULT_GOAL := help
.PHONY: help demo test check lint format messages types contracts unit processes browser bench simulations lock clean chromium caddy anvil

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

# Two makes in one folder must not install at the same time: the second one waits and finds everything installed.
ONE_AT_A_TIME := 'import fcntl, subprocess, sys; lock = open("pyproject.toml"); fcntl.flock(lock, fcntl.LOCK_EX); sys.exit(subprocess.call(sys.argv[1:]))'

ifndef SOUK_INSTALLS
$(VENV)/.run: requirements.lock requirements-uv.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "souk: $(PYTHON) not found; set PYTHON, for example PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit("souk: Python 3.11 or newer is needed; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@SOUK_INSTALLS=1 $(PYTHON) -c $(ONE_AT_A_TIME) $(MAKE) --no-print-directory $@
else
$(VENV)/.run: requirements.lock requirements-uv.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing from requirements.lock …" >&2
	@$(PIP) --require-hashes -r requirements-uv.lock
	@$(call install,requirements.lock)
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
endif

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "installing from requirements-dev.lock …" >&2
	@$(call install,requirements-dev.lock)
	@touch $@

demo: $(VENV)/.run ## run the whole shop on this machine, with a simulated Telegram (PORT=8080)
	@exec $(BIN)/python -m backend.cli demo --port $(PORT)

test: $(VENV)/.dev chromium caddy anvil ## run every check below, as CI does
	@$(BIN)/python -m tests.run

check: $(VENV)/.dev anvil ## run what daily work needs: lint, types, contracts and the tests of what changed
	@$(BIN)/python -m tests.changed

lint: $(VENV)/.dev ## check the style of Python and templates
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/djlint webapp/templates bot/simulator/templates --lint --quiet

format: $(VENV)/.dev ## fix the style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

messages: $(VENV)/.dev ## add new messages to the translation files, remove unused ones
	@$(BIN)/python -m tests.architecture.catalogues

types: $(VENV)/.dev ## check types (mypy, strict)
	@$(BIN)/mypy

contracts: $(VENV)/.dev ## check which package may import which
	@$(BIN)/lint-imports

# Tests that kill and restart processes mostly wait: three at a time keep two cores busy. In the order of the folders:
# xdist's own order begins with the files of many tests, and ends with a single long one on a single core.
PROCESSES := tests/resilience tests/deployment tests/backend/notifications/test_worker_process.py

unit: $(VENV)/.dev chromium anvil ## test rules, slices, web, bot and migrations on real servers
	@$(BIN)/pytest -n 2 --dist loadgroup --ignore tests/browser $(addprefix --ignore ,$(PROCESSES))

processes: $(VENV)/.dev caddy ## test whole processes: kill -9, Redis and PostgreSQL down, Caddy in front
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(PROCESSES)

browser: $(VENV)/.dev chromium anvil ## test in Chromium what people do
	@$(BIN)/pytest -n 2 --dist loadgroup tests/browser

chromium:
	@sh tests/browser/install_chromium.sh

caddy:
	@sh tests/deployment/install_caddy.sh

anvil: $(VENV)/.dev
	@sh tests/backend/payments/chains/install_anvil.sh

bench: $(VENV)/.dev simulations ## measure performance and memory; writes .bench/results.json
	@$(BIN)/python -m tests.bench

# make test runs a few fixed examples of these.
simulations: $(VENV)/.dev ## run the large simulations: 400 random lives of orders and ledger, 200 people in line, 1,000 carts at once, 10,000 forged calls, a month of 100,000 students
	@SOUK_EXAMPLES=400 $(BIN)/pytest -q tests/backend/orders/test_state_machine.py tests/backend/wallet/test_machine.py \
		tests/backend/orders/test_cart_machine.py tests/backend/catalog/test_waiting_race.py \
		tests/backend/readings/test_machine.py
	@SOUK_EXAMPLES=1000 $(BIN)/pytest -q tests/backend/orders/test_rush.py
	@SOUK_EXAMPLES=10000 $(BIN)/pytest -q tests/webapp/payments/hooks/test_forged.py
	@SOUK_EXAMPLES=100000 $(BIN)/pytest -q tests/backend/courses/test_month.py

# The small lock uses the large one as constraints, so that tests run with the shop's own versions.
lock: $(VENV)/.run ## compile the lock files again
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-strip-extras --extra embedded \
		--group dev --generate-hashes --no-emit-index-url pyproject.toml -o requirements-dev.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-strip-extras --extra embedded \
		--generate-hashes --no-emit-index-url --constraints requirements-dev.lock pyproject.toml \
		-o requirements.lock
	@echo uv | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --constraints requirements-dev.lock - -o requirements-uv.lock

clean: ## remove the venv, the demo's data and all caches
	@rm -rf $(VENV) .demo .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
