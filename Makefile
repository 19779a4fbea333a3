# SPDX-License-Identifier: GPL-2.0-only
# The front door: `make` shows the whole path on this machine, `make test` runs every test.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
# What runs make itself must not take this one for its parent.
ALONE := env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS
VFIOGEN := $(ALONE) $(BIN)/vfiogen
PYTEST := $(ALONE) $(BIN)/python -m pytest
KERNELS := $(ALONE) $(BIN)/python -m tests.kernels
SUDO := $(shell test "$$(id -u)" = 0 || echo sudo)
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get
# Tests side by side; guests as many as there is room for.
WORKERS := -n auto --maxprocesses 8
GUESTS := -n auto
HEADERS := $(wildcard /lib/modules/*/build/.config /usr/src/linux-headers-*/.config)

.DEFAULT_GOAL := all
.PHONY: all setup check generate build test lint fast machine kernels kbuild lab lab-full bench docs clean

all: check generate build

# A virtual environment with the tool, editable. Debian splits what venv needs into a package.
setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "installing python3-venv"; \
		$(APT) update -qq; $(APT) install -y -qq python3-venv >/dev/null; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing vfiogen into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

check: setup
	@$(VFIOGEN) check

generate: setup
	@$(VFIOGEN) generate

# For KERNEL_DIR, or the machine's newest headers, or else a tree that is fetched and prepared.
build: setup
	@$(KERNELS) install
ifneq ($(KERNEL_DIR),)
	@$(VFIOGEN) build --kernel-dir $(KERNEL_DIR)
else ifneq ($(HEADERS),)
	@$(VFIOGEN) build
else
	@$(KERNELS) fetch newest
	@$(VFIOGEN) build --kernel-dir "$$($(KERNELS) path newest)"
endif

test: lint fast machine kernels kbuild lab

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy

fast: setup
	@$(PYTEST) $(WORKERS) tests/unit tests/diagnostics tests/golden

# The state machine, explored on a model and in user space. Needs gcc and the kernels' sources.
machine: setup
	@$(KERNELS) install
	@$(PYTEST) $(WORKERS) tests/machine

kernels: setup
	@$(KERNELS) install
	@$(KERNELS) build

kbuild: kernels
	@$(PYTEST) $(WORKERS) --dist loadfile tests/kbuild

# Rendered drivers in a virtual machine, under the kernel's sanitizers: DRIVER=edu, TEST=words of test
# names. With MUTATIONS=1 deliberate faults, each of which a test has to find.
lab: kernels
ifneq ($(MUTATIONS),)
	@$(PYTEST) tests/lab $(GUESTS) --faults $(if $(TEST),-k "$(TEST)")
else
	@$(PYTEST) tests/lab $(GUESTS) $(addprefix --driver ,$(DRIVER)) $(if $(TEST),-k "$(TEST)")
ifeq ($(DRIVER)$(TEST),)
	@$(PYTEST) tests/lab $(GUESTS) --lab-kernel 6.12 -m smoke --driver edu --driver igb
endif
endif

# What takes longer than `make test` should: upstream's drivers and the rendered ones side by side.
lab-full: kernels
	@$(PYTEST) tests/lab $(GUESTS) --full -m full $(addprefix --driver ,$(DRIVER)) $(if $(TEST),-k "$(TEST)")

# Compiled as an installed tool is, where Python is told to keep nothing too.
bench: setup
	@$(BIN)/python -m compileall -q generator
	@$(BIN)/python -m tests.bench.bench

docs: setup
	@$(BIN)/python docs/generate.py

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
