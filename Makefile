# `make demo` and `make test` do everything on a fresh machine: they make .venv themselves, and once the packages are
# installed they work offline.
PYTHON ?= python3
BIN := .venv/bin
# Where a shell forbids it, each process would compile all packages for itself: ten seconds, before the first test.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test long lint bench month decisions clean
.DELETE_ON_ERROR:

demo: .venv/.installed
	$(BIN)/hitl demo $(DEMO_ARGS)

# No more than four workers: each brings a PostgreSQL and a Chromium of its own.
test: .venv/.installed-dev lint
	$(BIN)/pytest -ra -n auto --maxprocesses 4 --dist worksteal -m "not long"

# Every fault of Slack's, on the second transport too, larger crowds, longer stories and more of their seeds.
long: .venv/.installed-dev
	$(BIN)/pytest -ra -n auto --maxprocesses 4 --dist worksteal -m long

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Ratios measured in one run; see benchmarks/README.md.
bench: .venv/.installed-dev
	$(BIN)/python -m benchmarks.ingest
	$(BIN)/python -m benchmarks.routing_cost
	$(BIN)/python -m benchmarks.click_to_app
	$(BIN)/python -m benchmarks.ack_under_load
	$(BIN)/python -m benchmarks.home
	$(BIN)/python -m benchmarks.calibration
	$(BIN)/python -m benchmarks.stats
	$(BIN)/python -m benchmarks.process

# Four weeks in simulated time: what audits, digests, rollbacks and measures against load come to.
month: .venv/.installed-dev
	$(BIN)/python -m benchmarks.month

# Trains the demo's classifiers anew and writes the decisions they make.
decisions: .venv/.installed-dev
	$(BIN)/python -m bot.demo.make_decisions

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv

# Without build isolation nothing but the lock decides what is installed.
.venv/.installed: requirements.lock pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

.venv/.installed-dev: requirements-dev.lock .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

clean:
	rm -rf .venv .artifacts
