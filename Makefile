# Needs only make and Python 3.11 or later with venv. Everything is installed into .venv.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Written when an install has ended well; a newer pyproject.toml asks for another one.
USER_STAMP := $(VENV)/.installed
DEV_STAMP  := $(VENV)/.installed-dev

# Separate words, so that `make test PYTEST_ARGS="-k cow"` works.
PYTEST_ARGS ?= -n 2
BENCH_ARGS  ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' Makefile

demo: $(USER_STAMP) ## install into .venv and check the core of the catalogue under every design
	$(BIN)/pagefault check --core

test: $(DEV_STAMP) ## ruff, mypy and pytest
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest $(PYTEST_ARGS)

bench: $(USER_STAMP) ## compare with the other checkers that are installed
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

clean: ## remove .venv, caches and build products
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(USER_STAMP): pyproject.toml | $(BIN)/python
	@echo "installing pagefault into $(VENV)"
	@$(PIP) install --editable .
	@touch $@

# What the developer needs holds what the user needs.
$(DEV_STAMP): pyproject.toml | $(BIN)/python
	@echo "installing pagefault and the developer's tools into $(VENV)"
	@$(PIP) install --editable '.[dev]'
	@touch $(USER_STAMP) $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || \
	  { echo "error: no $(PYTHON) here. Debian: apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: pagefault needs Python 3.11 or later, and $(PYTHON) is" \
	    "$$($(PYTHON) --version 2>&1). Name another: make demo PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "error: $(PYTHON) cannot make a virtual environment." \
	    "Debian: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
