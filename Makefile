# The commands of a checkout. `make` alone prints this menu; CI runs `make test` and nothing else.

# The first Python on PATH that is new enough; `make demo PYTHON=/opt/python/bin/python3` chooses another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := menu
.PHONY: menu demo test e2e looks screenshots lint types format clean
.DELETE_ON_ERROR:

menu:
	@echo "make demo     install, start everything with a demonstration city, and print the address (Ctrl-C stops it)"
	@echo "make test     lint, types and the whole test suite, against real servers that it starts itself"
	@echo "make e2e      every role in a real browser, with pictures in var/screens; needs chromium on PATH"
	@echo "make looks    every page at every size, light and dark, empty and full, in var/looks; needs chromium on PATH"
	@echo "make screenshots  the pictures of the README, anew; needs chromium on PATH"
	@echo "make lint     only the lint"
	@echo "make types    only the types"
	@echo "make format   format the code and fix what can be fixed by itself"
	@echo "make clean    remove the virtual environment and all caches; the demonstration's data stays"

demo: $(VENV)/installed
	@$(BIN)/hotline demo

test: lint types
	$(BIN)/pytest

e2e: $(VENV)/installed-browser
	$(BIN)/pytest tests/e2e

looks: $(VENV)/installed-browser
	$(BIN)/python -m tests.e2e.looks

screenshots: $(VENV)/installed-browser
	$(BIN)/python -m tests.e2e.screenshots

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/installed-dev
	$(BIN)/mypy

format: $(VENV)/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Installed again only when what is asked for has changed. Versions are pinned in constraints.txt.
$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the service and its libraries into $(VENV) (some minutes the first time) ..."
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the service, its libraries and the tools of its developers into $(VENV) (some minutes the first time) ..."
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $(VENV)/installed $@

$(VENV)/installed-browser: $(VENV)/installed-dev
	$(PIP) install --constraint constraints.txt --editable '.[browser]'
	@touch $@

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found. On Debian or Ubuntu: apt install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "$(PYTHON) cannot make virtual environments. On Debian or Ubuntu: apt install $$(basename $(PYTHON))-venv"; exit 1; }
	@echo "Making the virtual environment $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
