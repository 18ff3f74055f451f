# Needs Python 3.11 or newer, gcc and make; `make help` lists what there is to do.

SHELL := /bin/bash
PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,$(shell command -v $(p) 2>/dev/null)))
VENV := .venv
READY := $(VENV)/ready
KQUAL := $(VENV)/bin/kqual
KQUAL_CACHE ?= $(HOME)/.cache/kqual
KQUAL_KERNELS ?= $(KQUAL_CACHE)/kernels
KERNEL_VERSIONS := 6.12 6.1
PACKAGES := gcc make git flex bison bc libelf-dev libssl-dev python3-venv xz-utils chromium
REPORT := build/report
# For axe-core, which it holds. Without what it depends on: a browser driver of 45 MB that no test uses.
AXE := axe-playwright-python==0.1.8
TESTS ?= tests
CI ?= false
export KQUAL_KERNELS CI

.DEFAULT_GOAL := help
.PHONY: help setup audit picture test fast lint deps kernels clean

help: ## this list
	@echo "make audit [KERNEL=path]    e.g. make audit KERNEL=~/src/linux"
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## virtual environment with kqual and its tests in .venv

$(READY): pyproject.toml Makefile
	@test -n "$(PYTHON)" || { echo "no Python found; try: apt install python3.11 python3.11-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11; try: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "$(PYTHON) cannot make virtual environments; try: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps '$(AXE)'
	@touch $@

audit: $(READY) ## audit KERNEL=path, or the bundled corpus without it; writes build/report/index.html
	@mkdir -p build
ifdef KERNEL
	@$(KQUAL) scan "$(KERNEL)" --format html -o $(REPORT) --fail-on never --allow-incomplete 100
else
	@$(KQUAL) scan corpus --config plain --rules corpus/rules.toml --format html -o $(REPORT) --fail-on never --allow-incomplete 100
endif

picture: audit ## docs/report*.png for the documentation: pages of the corpus' report, by chromium
	@$(VENV)/bin/python benchmarks/pictures.py $(REPORT) docs

test: $(if $(filter true,$(CI)),deps) $(READY) $(if $(filter true,$(CI)),kernels) ## the whole test suite; what the machine lacks is skipped, with CI=true it fails
	@$(VENV)/bin/python -m pytest -q -rs -n auto --dist loadfile $(TESTS)

fast: $(READY) ## what runs in two minutes of the test suite: no kernel tree, no whole commands
	@$(VENV)/bin/python -m pytest -q -n auto --dist loadfile -m 'not kernel and not slow' tests

lint: $(READY) ## ruff
	@$(VENV)/bin/ruff check .

deps: ## the Debian packages that tests on kernels need (as root)
	@missing=""; for p in $(PACKAGES); do dpkg-query -W -f '$${Status}\n' $$p 2>/dev/null | grep -q ' installed$$' || missing="$$missing $$p"; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then echo "no apt-get here; install what corresponds to:$$missing" >&2; exit 1; fi; \
	if [ "$$(id -u)" != 0 ]; then echo "packages are missing; try: sudo apt-get install$$missing" >&2; exit 1; fi; \
	apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $$missing

kernels: $(KERNEL_VERSIONS:%=$(KQUAL_KERNELS)/linux-source-%) ## kernel sources for the tests, from Debian's packages

$(KQUAL_KERNELS)/linux-source-%:
	@command -v apt-get >/dev/null || { echo "no apt-get here; unpack Linux $* as $@" >&2; exit 1; }
	rm -rf $(KQUAL_KERNELS)/fetch-$* && mkdir -p $(KQUAL_KERNELS)/fetch-$*
	cd $(KQUAL_KERNELS)/fetch-$* && { apt-get download linux-source-$* || { apt-get update && apt-get download linux-source-$*; }; } && \
		dpkg -x linux-source-$*_*.deb . && tar -xf usr/src/linux-source-$*.tar.xz
	mv $(KQUAL_KERNELS)/fetch-$*/linux-source-$* $@
	rm -r $(KQUAL_KERNELS)/fetch-$*

clean: ## forget reports, caches of tools and the virtual environment
	rm -rf build $(VENV) .pytest_cache .ruff_cache .hypothesis *.egg-info
