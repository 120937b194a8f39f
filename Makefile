# Everything a newcomer types. A fresh clone needs Python 3.11 to 3.13 (with venv), pip and make.
# The work is done by .venv, which is made from hash-locked requirements on first use.

PYTHON ?= python3
SECONDS ?= 120
SEED ?= 7
WORKERS ?= 2
SEEDS ?= 5000
FIRST ?= 1
MINUTES ?= 30
KILLS ?= 50

VENV := .venv
BIN := $(VENV)/bin
LOCKED := $(VENV)/.locked
STAMP := $(VENV)/.installed

# One place for where the code lives; every check reads it.
CODE := hedgebot strategies tests

.DEFAULT_GOAL := help
.PHONY: help demo test check conformance cover campaign soak bench picture lock sbom audit clean $(VENV)

help:  ## what can be done here
	@awk 'BEGIN { FS = ":.*## " } /^[.a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV): $(STAMP)  ## the virtual environment, from the hash-locked requirements

# A stamp is written last: an install that broke off is done again, not trusted.
$(STAMP): $(LOCKED) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

$(LOCKED): requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 14) else "hedgebot needs Python 3.11, 3.12 or 3.13; $(PYTHON) is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12 ...")'
	@echo "installing the locked requirements into $(VENV) (a minute or two) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes -r requirements-dev.lock
	@touch $(LOCKED)

demo: $(STAMP)  ## two minutes of live hedging against the simulated exchange (SECONDS=0: until stopped)
	@$(BIN)/hedgebot demo --seconds $(SECONDS) --seed $(SEED)

test: $(STAMP)  ## every test: what works without a pause, then the wire, then the end-to-end tests apart
	@$(BIN)/python tests/run.py $(WORKERS) $(ARGS)

check: $(STAMP)  ## formatting, lint, types, import directions, tidiness
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -q -p no:randomly tests/tidy

conformance: $(STAMP)  ## ccxt's own test suites against the simulated exchange, every product, with counts and reasons
	@$(BIN)/python -m tests.wire.ccxt_suites $(ARGS)

cover: $(STAMP)  ## branch coverage of the pure rooms and the journal
	@$(BIN)/python -m pytest -q -n $(WORKERS) --cov --cov-branch --cov-report=term-missing:skip-covered tests/unit tests/property

campaign: $(STAMP)  ## 50 kills at every failpoint, then thousands of worlds of faults (in pieces: FIRST=1001 SEEDS=1000), then hours and days of some
	@$(BIN)/python -m tests.e2e.matrix $(KILLS)
	@$(BIN)/hedgebot sim run --first $(FIRST) --seeds $(SEEDS) --minutes $(MINUTES) --minimise; held=$$?; \
	$(BIN)/hedgebot sim long && exit $$held

soak: $(STAMP)  ## the daemon on bad lines for MINUTES=30 real minutes: memory, tasks, descriptors, and whether the books agree
	@$(BIN)/hedgebot sim soak --minutes $(MINUTES)

bench: $(STAMP)  ## the benchmarks, one at a time
	@$(BIN)/python -m pytest -q -s -p no:randomly --timeout=900 -m bench tests/benchmarks

picture: $(STAMP)  ## draw the demo's screen anew (runbooks/demo.svg)
	@$(BIN)/python -m hedgebot.console.picture runbooks/demo.svg

lock: $(STAMP)  ## resolve the dependencies anew and write both lock files
	@$(BIN)/python tests/tidy/lock.py
	@$(MAKE) --no-print-directory sbom

sbom: $(STAMP)  ## write the bill of materials of what is locked (.ci/sbom.cdx.json)
	@$(BIN)/python -m tests.tidy.sbom

audit: $(STAMP)  ## what is installed against the locks, file by file, licences and bill; pip-audit where it is installed
	@$(BIN)/python -m tests.tidy.audit

clean:  ## remove what was built; state directories are never touched
	@rm -rf $(VENV) build dist hedgebot.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov
	@find hedgebot strategies tests -name __pycache__ -type d -prune -exec rm -rf {} +
