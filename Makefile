# Four words run everything: run, test, check, bench. `make help` says more.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
# An environment is done when it was filled from the requirements as they are now.
RUNTIME := $(VENV)/.runtime-$(shell cksum < requirements.txt | tr ' ' -)
COMPLETE := $(VENV)/.complete-$(shell cat requirements.txt requirements-dev.txt | cksum | tr ' ' -)
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
WORKERS ?= auto

# Containers like to forbid it. Then each of our processes compiles all of the code anew at every start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench
.DELETE_ON_ERROR:

help:
	@echo "make run      everything, from a fresh clone to a running console; PORT= VAR= DATABASE_URL= ARGS=--no-demo"
	@echo "make test     the whole test suite on a throw-away database; ARGS='-k name', ARGS=--faults=full, DATABASE_URL="
	@echo "make check    linters, types, architecture, migrations, deploy check"
	@echo "make bench    the benchmarks; ONLY=fanout,queue SCALE=small|full"
	@echo "make setup    only the environment in $(VENV); PYTHON= names another Python than $(PYTHON)"

setup: $(COMPLETE)

run: $(RUNTIME)
	@exec $(BIN)/python manage.py serve $(ARGS)

test: $(COMPLETE)
	@$(BIN)/python -m tests.chromium
	@$(BIN)/python -m tests.imapserver
	@exec $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 8 --dist load $(ARGS)

check: $(COMPLETE)
	@exec $(BIN)/python .ci/check.py $(ARGS)

bench: $(COMPLETE)
	@exec $(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(SCALE),--scale $(SCALE)) $(ARGS)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Forefront needs Python 3.11 or newer; install it, or name it: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv. Elsewhere install the full Python."; exit 1; }
	@echo "Making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv --clear $(VENV)

$(RUNTIME): | $(BIN)/python
	@echo "Installing what Forefront runs on (once)"
	@$(PIP) install -r requirements.txt
	@touch $@

$(COMPLETE): | $(BIN)/python
	@echo "Installing what Forefront runs on and its tests need (once)"
	@$(PIP) install -r requirements-dev.txt
	@touch $(RUNTIME) $@
