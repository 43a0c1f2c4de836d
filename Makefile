# make, and you see what there is. Everything runs in .venv, which `make install` builds from requirements.txt.

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/installed
PYTHONS := $(or $(PYTHON),python3 python3.13 python3.12 python3.11)
USABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
LOCK := $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
	$(if $(UPGRADE),--upgrade)
WORKERS ?= auto
SIDE_BY_SIDE = $(PY) -m pytest -n $(WORKERS) --maxprocesses 4 --dist loadfile

# Else every process, of which Airflow starts one a task, would compile anew whatever it loads.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo up pin dashboard bench test test-slow soak test-celery test-compose test-airflow pictures docs release lint format lock audit clean

help: ## Show this help
	@echo "make <target>, where <target> is"
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | awk -F'|' '{printf "  %-10s %s\n", $$1, $$2}'

install: $(STAMP) ## Build .venv from requirements.txt; PYTHON= names the interpreter

$(STAMP): requirements.txt pyproject.toml
	@$(PY) -c 'import pip; $(USABLE)' 2>/dev/null || { \
	    found=; \
	    for python in $(PYTHONS); do \
	        if $$python -c '$(USABLE)' >/dev/null 2>&1; then found=$$python; break; fi; \
	    done; \
	    if [ -z "$$found" ]; then \
	        echo "Python 3.11, 3.12 or 3.13 with its venv module is needed. Tried:" >&2; \
	        for python in $(PYTHONS); do \
	            echo "  $$python: $$($$python -c 'import platform; print(platform.python_version())' 2>/dev/null || echo no)" >&2; \
	        done; \
	        echo "Install one (Debian and Ubuntu: with python3-venv), or name it: make install PYTHON=/path/to/python3.12" >&2; \
	        exit 1; \
	    fi; \
	    echo "Creating $(VENV) with $$($$found --version)"; \
	    $$found -m venv --clear $(VENV); \
	}
	@# Where Python keeps no byte code it has to be made now, as pip does; elsewhere it is, of what is loaded.
	@$(if $(PYTHONDONTWRITEBYTECODE),UV_COMPILE_BYTECODE=1) $(PY) tools/install.py
	@touch $@

demo: $(STAMP) ## Segment customers by both DAGs on an embedded PostgreSQL; CUSTOMERS=a.csv or ORDERS=a.csv, CONFIG=folder
	@$(PY) tools/demo.py $(if $(CUSTOMERS),--customers "$(CUSTOMERS)") $(if $(ORDERS),--orders "$(ORDERS)") \
	    $(if $(CONFIG),--config "$(CONFIG)")

up: $(STAMP) ## Run all of Airflow here until Ctrl-C; PORT=8080, CUSTOMERS=a.csv or ORDERS=a.csv, CONFIG=folder
	@exec $(PY) tools/up.py $(if $(PORT),--port "$(PORT)") $(if $(CUSTOMERS),--customers "$(CUSTOMERS)") \
	    $(if $(ORDERS),--orders "$(ORDERS)") $(if $(CONFIG),--config "$(CONFIG)")

pin: $(STAMP) ## Pin the containers' images by digest in .env, as their registries have them today; needs Docker
	@$(PY) tools/image_pins.py

dashboard: $(STAMP) ## Pack the dashboard for Superset; WAREHOUSE=postgresql://login@host:5432/database, without a password
	@$(PY) tools/dashboard_file.py "$(WAREHOUSE)"

bench: $(STAMP) ## Measure the night; ROWS=2000000, MODELS="kmeans gmm", JSON=out.json
	@$(PY) benchmarks/nightly.py $(if $(ROWS),--rows "$(ROWS)") $(if $(MODELS),--models $(MODELS)) \
	    $(if $(JSON),--json "$(JSON)")

test: lint ## Lint and run the quick tests, under 10 minutes
	$(SIDE_BY_SIDE) --ignore tests/dags --ignore tests/plugins
	@# Apart, because Airflow takes over the logging and the plugins of a process that imports it.
	$(SIDE_BY_SIDE) tests/dags tests/plugins

test-slow: $(STAMP) ## Run the slow tests: simulations, faults, whole systems; under 25 minutes
	$(SIDE_BY_SIDE) -m "slow and not soak"

soak: $(STAMP) ## Run storms and simulations at full length, and properties on new examples; before an issue is closed
	$(SIDE_BY_SIDE) -m soak
	@# Properties, which all other runs hold against the same examples, against others.
	$(SIDE_BY_SIDE) -m "hypothesis and not slow" --hypothesis-profile search

test-celery: $(STAMP) ## Run the tests with Redis and two Celery workers; ROWS=5000000 measures
	$(if $(ROWS),CELERY_ROWS="$(ROWS)") $(PY) -m pytest -m slow tests/celery

test-compose: $(STAMP) ## Run the containers: deploy, scale, break; needs a container engine with Compose
	$(PY) -m pytest -x -s -m compose tests/compose

test-airflow: $(STAMP) ## Run the DAGs' tests on another release of Airflow, in .venv-airflow-<release>; AIRFLOW=3.3.0
	@$(PY) tools/airflow_release.py $(AIRFLOW)

pictures: $(STAMP) ## Take the pictures of the Segments page for the documentation anew; needs chromium
	PICTURES=docs/images $(PY) -m pytest -m slow tests/browser -k picture

docs: $(STAMP) ## Write docs/configure.md and docs/tables.md anew from the code and the schema
	@$(PY) tools/reference.py

release: $(STAMP) ## Keep a warehouse of this release, from which the tests of every later one migrate
	@PYTHONPATH=.:tools:benchmarks $(PY) -m tests.releases.keeping \
	    $$($(PY) -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')

lint: $(STAMP) ## Check style, types and the direction of imports
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
	$(PY) -m sqlfluff lint --disable-progress-bar sql

format: $(STAMP) ## Format the code and apply the safe fixes
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

lock: $(STAMP) ## Compile requirements.in into both locks; UPGRADE=1 takes the newest versions
	$(LOCK) requirements.in --output-file requirements.txt
	sed '/^# --- below/,$$d' requirements.in | $(LOCK) --constraints requirements.txt --output-file requirements-runtime.txt -

audit: $(STAMP) ## Look for known vulnerabilities in the locked packages and for risky code; needs the internet
	$(PY) -m uv tool run bandit --quiet --recursive --severity-level high clustering dags plugins tools
	$(PY) -m uv tool run pip-audit --strict --disable-pip --no-deps --requirement requirements-runtime.txt

clean: ## Remove caches and build files; .venv and model versions stay
	rm -rf .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist plugins/clustering.egg-info
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
