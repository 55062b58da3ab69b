# Souk: every chore in one word. `make help` lists them.
PYTHON ?= python3
PORT ?= 8080
VENV := .venv
BIN := $(VENV)/bin

# uv installs in seconds what takes pip most of a minute; where it can't (a mirror that only pip knows), pip does.
# Programs of the venv are started by its python: their own first line fails in a folder with a space or a quote.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
install = $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) 2>/dev/null \
	|| $(PIP) --require-hashes -r $(1)

.DEFAULT_GOAL := help
.PHONY: help demo test lint format messages types contracts unit processes browser bench lock clean chromium caddy anvil

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

# Two makes in one folder must not install at once: the second waits, and finds all there.
ONE_AT_A_TIME := 'import fcntl, subprocess, sys; lock = open("pyproject.toml"); fcntl.flock(lock, fcntl.LOCK_EX); sys.exit(subprocess.call(sys.argv[1:]))'

ifndef SOUK_INSTALLS
$(VENV)/.run: requirements.lock requirements-uv.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "souk: $(PYTHON) is not there; set PYTHON=python3.11, or whatever is" >&2; exit 1; }
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

demo: $(VENV)/.run ## the whole shop on this machine, with a simulated Telegram (PORT=8080)
	@exec $(BIN)/python -m backend.cli demo --port $(PORT)

test: lint types contracts unit processes browser ## everything below, as CI does it

lint: $(VENV)/.dev ## style of Python and templates
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/djlint webapp/templates bot/simulator/templates --lint --quiet

format: $(VENV)/.dev ## put the style right
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

messages: $(VENV)/.dev ## bring the catalogues up to what the code says
	@$(BIN)/python -m tests.architecture.catalogues

types: $(VENV)/.dev ## mypy, strict
	@$(BIN)/mypy

contracts: $(VENV)/.dev ## who may import whom
	@$(BIN)/lint-imports

# Tests that kill and restart whole processes mostly wait, and want the machine for themselves. Three at a time keep two
# cores busy.
PROCESSES := tests/resilience tests/deployment tests/backend/notifications/test_worker_process.py

unit: $(VENV)/.dev chromium anvil ## rules, slices, web, bot, migrations on real servers
	@$(BIN)/pytest -n 3 --dist loadgroup --ignore tests/browser $(addprefix --ignore ,$(PROCESSES))

processes: $(VENV)/.dev caddy ## kill -9, Redis and PostgreSQL away, Caddy in front
	@$(BIN)/pytest -n 3 --dist loadfile $(PROCESSES)

browser: $(VENV)/.dev chromium anvil ## what a person does, in Chromium
	@$(BIN)/pytest -n 2 --dist worksteal tests/browser

chromium:
	@sh tests/browser/install_chromium.sh

caddy:
	@sh tests/deployment/install_caddy.sh

anvil: $(VENV)/.dev
	@sh tests/backend/payments/chains/install_anvil.sh

bench: $(VENV)/.dev ## the performance table; writes .bench/results.json
	@$(BIN)/python -m tests.bench

# The small lock follows the large one, so that tests run on what the shop runs on.
lock: $(VENV)/.run ## compile the locks again
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-strip-extras --extra embedded \
		--group dev --generate-hashes --no-emit-index-url pyproject.toml -o requirements-dev.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-strip-extras --extra embedded \
		--generate-hashes --no-emit-index-url --constraints requirements-dev.lock pyproject.toml \
		-o requirements.lock
	@echo uv | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --constraints requirements-dev.lock - -o requirements-uv.lock

clean: ## remove the venv, the demo's data and every cache
	@rm -rf $(VENV) .demo .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
