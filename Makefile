# dialer — every entry point of the repository. `make` alone lists them.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup demo run sim test quick long chaos mutants check docs texts bench soak model fmt lock build sbom audit licences clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "dialer needs Python 3.11 or newer; name one with: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# what a user needs
$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --require-hashes -r requirements-build.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@$(COMPILE)
	@touch $@

# what a developer needs on top
$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

setup: $(VENV)/.dev ## Install everything, pinned with hashes, into .venv

demo: $(VENV)/.runtime ## Dial a sample campaign against a simulated Exotel, in about a minute
	$(BIN)/dialer demo

run: $(VENV)/.runtime ## Run all processes on this machine, with the settings of .env
	$(BIN)/dialer up

sim: $(VENV)/.runtime ## Run the Exotel simulator alone
	$(BIN)/dialer simulator

# for every start where Python itself may keep nothing (PYTHONDONTWRITEBYTECODE): a sixth of its time
COMPILE := $(BIN)/python -m compileall -q campaigns dialer workers

# what pytest makes of the tests' asserts is kept, or each of its processes makes it anew: 7 s of work each
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest

# a file's tests stay in one process, or each of them would start what the file shares
SPREAD := --dist loadfile --no-loadscope-reorder -n

quick: $(VENV)/.dev ## Run the unit and contract tests: half a minute, while you work
	$(PYTEST) $(SPREAD) auto tests/unit tests/contract

# minutes of making or starting and stopping whole installations, what needs other programs, or a time that is
# promised: `make long` and `make chaos` run them
LONG := $(addprefix tests/chaos/test_,supervisors.py failover.py cluster.py clock.py rhythms.py receiver_faults.py agents_at_work.py \
	nginx.py containers.py model_checked.py) $(addprefix tests/acceptance/test_,bench_programs.py demo_stopped.py two_installations.py)

# in a fresh checkout: what pytest makes of the asserts, and hypothesis of the code, is made once and found by all their
# processes, which would each make it anew at their start, for 11 s of work; what cannot be read is told by the tests
HALVES := tests/integration 'tests/unit tests/contract tests/acceptance tests/chaos'
COLLECT := PYTHONDONTWRITEBYTECODE= xargs -P 2 -L 1 $(BIN)/python -m pytest -q --collect-only > /dev/null || true

# three times as many processes as cores of a small machine: the long tests wait more than they work
test: $(VENV)/.dev ## Run the tests
	@$(COMPILE)
	@test -d tests/__pycache__ || printf '%s\n' $(HALVES) | $(COLLECT)
	$(PYTEST) $(SPREAD) 6 $(addprefix --ignore=,$(LONG))

MINUTES ?= 15

# in another order each time, so that all are run by and by
long: $(VENV)/.dev ## Run the longest tests, begun within MINUTES=15 (needs nginx, spin and gcc)
	@end=$$(( $$(date +%s) + 60 * $(MINUTES) )); \
	for file in $$(shuf -e $(LONG)); do \
	  if [ $$(date +%s) -ge $$end ]; then echo "make long: no time for $$file and others"; break; fi; \
	  $(PYTEST) -q $$file || exit 1; \
	done

KILLS ?= 1500
SIEGE := $(BIN)/python -m tests.chaos.chaos_run $(if $(SEED),--seed $(SEED))

chaos: $(VENV)/.dev ## Kill processes, cut links, fail each Redis command and each byte (needs nginx, spin, gcc); KILLS=1500, SEED=…
	$(SIEGE) --kills $(KILLS)
	$(SIEGE) --kills $$(( $(KILLS) / 3 )) --party 4
	$(BIN)/python -m tests.chaos.cuts $(if $(SEED),--seed $(SEED))
	$(BIN)/python -m pytest $(LONG)
	PACING_HOURS=2 $(BIN)/python -m pytest tests/integration/test_pacing_simulation.py
	HYPOTHESIS_EXAMPLES=1000 $(BIN)/python -m pytest -m hypothesis tests/unit tests/integration/test_api_schema.py
	HYPOTHESIS_EXAMPLES=200 $(BIN)/python -m pytest tests/integration/test_pacing_machine.py tests/integration/test_settling.py
	$(BIN)/python -m tests.chaos.nth_operation
	$(BIN)/python -m tests.chaos.nth_byte

mutants: $(VENV)/.dev ## Change the core one operator at a time: does a test notice? ONLY=gate.lua, SAMPLE=40
	$(BIN)/python -m tools.mutants $(if $(ONLY),--only $(ONLY)) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED))

check: $(VENV)/.dev ## Check style, types and the import rule
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

model: $(VENV)/.dev ## Check the model of the dial protocol (needs Debian's spin and gcc)
	$(BIN)/python tools/check_model.py

bench: $(VENV)/.dev ## Measure us beside others, half an hour, into docs/; QUICK=1: minutes, into out/
	$(BIN)/python -m bench.run $(if $(QUICK),--quick)

soak: $(VENV)/.runtime ## Forty minutes at the real pace, into docs/; an hour with SOAK=--hour
	$(BIN)/python -m bench.run $(or $(SOAK),--soak)

docs: $(VENV)/.dev ## Write what the code declares into docs/ and .env.example
	$(BIN)/python -m tools.make_docs

texts: $(VENV)/.dev ## Write what the pages say and has no text yet into workers/web/texts/
	$(BIN)/python -m tools.make_texts

fmt: $(VENV)/.dev ## Format the code
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

LOCK := $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host

build: sbom ## Build the wheel, the source archive and the bill of materials, into dist/
	$(BIN)/python -m build --no-isolation

SBOM := dist/dialer.cdx.json

sbom: $(VENV)/.dev ## List what is installed with dialer as a CycloneDX bill of materials, into dist/
	@mkdir -p dist
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --short-PURLs \
	  --of JSON -o $(SBOM) requirements.lock

audit: $(VENV)/.dev ## Compare every pin with the known vulnerabilities; fails where it cannot ask
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
	  -r requirements.lock -r requirements-dev.lock || \
	  { echo "make audit failed: a pin has a known vulnerability, or the source of known" \
	    "vulnerabilities could not be asked; the lines above say which" >&2; exit 1; }

licences: $(VENV)/.dev ## Write the page of the packages' licences
	$(BIN)/python -m tools.licences --write

lock: $(VENV)/.dev ## Pin the newest allowed versions of all dependencies
	$(LOCK) --upgrade --extra embedded -o requirements.lock pyproject.toml
	$(LOCK) --upgrade --extra embedded --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml
	for lock in requirements.lock requirements-dev.lock; do cat requirements-older.lock >> $$lock; done
	printf "hatchling\neditables\n" | $(LOCK) --upgrade -c requirements-dev.lock -o requirements-build.lock -

clean: ## Remove what was installed and made
	rm -rf $(VENV) var out dist build .mypy_cache .ruff_cache .pytest_cache
