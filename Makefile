# From a fresh clone: `make demo` or `make test`. Needs Python 3.11 or newer, g++ and make; all else is installed
# into $(VENV). A second run installs nothing and compiles only what changed.
PYTHON ?= python3
VENV ?= .venv
# WERROR=1: warnings of the C++ compiler are errors (CI).
WERROR ?=
# Further arguments: `make test PYTEST="-k conv2d"`, `make demo DEMO="--quick"`.
PYTEST ?=
DEMO ?=

BIN := $(VENV)/bin
REQUIREMENTS := $(wildcard requirements/*.txt)
INSTALLED := $(VENV)/.installed
EDITABLE := $(VENV)/.editable
CPP := $(shell find csrc tests/cpp -name '*.h' -o -name '*.cc')
# Absolute, and the virtual environment's tools first: what builds must not depend on what else a machine has.
export PATH := $(abspath $(BIN)):$(PATH)

# One build for all goals of a run, so that `make -j demo test` has one ninja at work.
TESTS := $(if $(filter test check-cpp,$(MAKECMDGOALS)),ON,OFF)
export MOBILEKERNELS_CMAKE_ARGS = -DMOBILEKERNELS_TESTS=$(TESTS) -DMOBILEKERNELS_WERROR=$(if $(WERROR),ON,OFF)

.DEFAULT_GOAL := help
.PHONY: help setup build demo test check-cpp arm test-arm lint format symbols clean distclean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | \
	  while IFS='|' read -r goal text; do printf '  make %-10s %s\n' "$$goal" "$$text"; done

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "mobilekernels needs Python 3.11 or newer; choose one with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): $(REQUIREMENTS) | $(BIN)/python
	$(BIN)/python -m pip install -q -r requirements/torch.txt -r requirements/dev.txt
	$(BIN)/python -m pip install -q --no-deps -r requirements/no-deps.txt
	@touch $@

# The first build is the editable install's; later ones go through setup.py alone, which is quicker.
$(EDITABLE): pyproject.toml setup.py $(INSTALLED)
	$(BIN)/python -m pip install -q --no-build-isolation --no-deps -e .
	@touch $@

setup: $(EDITABLE) ## make $(VENV), install what is needed, build

build: $(EDITABLE) ## compile what changed
	@$(BIN)/python setup.py -q build_ext --inplace

demo: build ## quantize, convert and compare a real network; writes mobilekernels-demo/report.html
	$(BIN)/python -m mobilekernels demo $(DEMO)

check-cpp: build ## the C++ tests
	$(BIN)/ctest --test-dir "$$($(BIN)/python setup.py --build-folder)" --output-on-failure

test: build check-cpp ## the whole test suite
	$(BIN)/python -m pytest $(PYTEST)

ARM_PRESETS := linux-aarch64 linux-armv7
ARM_TOOLS := aarch64-linux-gnu-g++ arm-linux-gnueabihf-g++

arm: $(INSTALLED) ## cross-build the core and its C++ tests for ARM (Debian: g++-aarch64-linux-gnu g++-arm-linux-gnueabihf)
	@for tool in $(ARM_TOOLS); do command -v $$tool > /dev/null || \
	  { echo "make arm needs $$tool: apt-get install g++-aarch64-linux-gnu g++-arm-linux-gnueabihf"; exit 1; }; done
	@mkdir -p build
	@for preset in $(ARM_PRESETS); do \
	  $(BIN)/cmake --preset $$preset -DMOBILEKERNELS_WERROR=$(if $(WERROR),ON,OFF) > build/$$preset.log 2>&1 || \
	    { cat build/$$preset.log; exit 1; }; \
	  $(BIN)/cmake --build --preset $$preset || exit 1; done

test-arm: arm ## the C++ tests on emulated ARM cores (Debian: qemu-user)
	@command -v qemu-aarch64 > /dev/null || { echo "make test-arm needs qemu: apt-get install qemu-user"; exit 1; }
	$(BIN)/python tests/arm/emulate.py

lint: $(INSTALLED) ## ruff, mypy, clang-format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(CPP)

format: $(INSTALLED) ## put everything into the project's format
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP)

# A weak symbol compiled with newer instructions could be the copy that the linker keeps for old processors.
symbols: build ## no kernel object may define a weak symbol
	@objects=$$(find "$$($(BIN)/python setup.py --build-folder)" -path '*mobilekernels_kernels_*' -name '*.o'); \
	test -n "$$objects" || { echo "symbols: no kernel objects found"; exit 1; }; \
	weak=$$(nm -C --defined-only $$objects | grep -E ' [WVu] ' || true); \
	if [ -n "$$weak" ]; then echo "symbols: weak symbols in kernel objects:"; echo "$$weak"; exit 1; fi; \
	echo "symbols: $$(echo "$$objects" | wc -l) kernel objects, no weak symbol"

clean: ## remove what was built
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis mobilekernels/*.so
	rm -f $(EDITABLE)
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean ## remove $(VENV) as well
	rm -rf $(VENV)
