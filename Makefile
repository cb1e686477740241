# From a fresh clone: `make demo` or `make test`. Needs Python 3.11 or newer, g++ and make; all else is installed
# into $(VENV). A second run installs nothing and compiles only what changed.
PYTHON ?= python3
VENV ?= .venv
# WERROR=1: warnings of the C++ compiler are errors (CI).
WERROR ?=
# Further arguments: `make test PYTEST="-k conv2d"`, `make demo DEMO="--quick"`.
PYTEST ?=
# Processes that the Python tests are shared among; a file of tests stays in one, and files keep the order of
# tests/conftest.py. They wait without spinning, or the threads of one process would keep the other one from the cores.
WORKERS ?= 2
SHARED_PYTEST = OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
DEMO ?=
COUNT ?=
MCA ?=
X86 ?=
BENCH ?=
ACCURACY ?=

BIN := $(VENV)/bin
REQUIREMENTS := $(wildcard requirements/*.txt)
# What compiles the core, which needs no torch: `make -j 2 arm build` has the cross compilers work while pip installs it.
BUILD_TOOLS := $(VENV)/.build-tools
INSTALLED := $(VENV)/.installed
EDITABLE := $(VENV)/.editable
CPP := $(shell find csrc tests/cpp tests/x86 bench/cpp bench/executorch -name '*.h' -o -name '*.cc')
# Absolute, and the virtual environment's tools first: what builds must not depend on what else a machine has.
export PATH := $(abspath $(BIN)):$(PATH)

# One build for all goals of a run, so that `make -j demo test` has one ninja at work.
TESTS := $(if $(filter test check-cpp,$(MAKECMDGOALS)),ON,OFF)
export MOBILEKERNELS_CMAKE_ARGS = -DMOBILEKERNELS_TESTS=$(TESTS) -DMOBILEKERNELS_WERROR=$(if $(WERROR),ON,OFF)

.DEFAULT_GOAL := help
.PHONY: help setup build demo test check-cpp arm arm-root wheel-aarch64 executorch-aarch64 test-executorch android-check \
  test-arm x86 test-x86 runner test-devices count-arm mca-arm mca-x86 peers bench accuracy lint format symbols clean \
  distclean

help: ## this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/\1|\2/' | \
	  while IFS='|' read -r goal text; do printf '  make %-18s %s\n' "$$goal" "$$text"; done

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "mobilekernels needs Python 3.11 or newer; choose one with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(BUILD_TOOLS): requirements/build.txt | $(BIN)/python
	$(BIN)/python -m pip install -q -r $<
	@touch $@

$(INSTALLED): $(REQUIREMENTS) $(BUILD_TOOLS)
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
	$(SHARED_PYTEST) $(PYTEST)

ARM_PRESETS := linux-aarch64 linux-armv7
ARM_TOOLS := aarch64-linux-gnu-g++ arm-linux-gnueabihf-g++

arm: $(BUILD_TOOLS) ## cross-build the core, its C++ tests and the benchmark runner for ARM (Debian: g++-aarch64-linux-gnu g++-arm-linux-gnueabihf)
	@for tool in $(ARM_TOOLS); do command -v $$tool > /dev/null || \
	  { echo "make arm needs $$tool: apt-get install g++-aarch64-linux-gnu g++-arm-linux-gnueabihf"; exit 1; }; done
	@mkdir -p build
	@for preset in $(ARM_PRESETS); do \
	  $(BIN)/cmake --preset $$preset -DMOBILEKERNELS_WERROR=$(if $(WERROR),ON,OFF) > build/$$preset.log 2>&1 || \
	    { cat build/$$preset.log; exit 1; }; \
	  $(BIN)/cmake --build --preset $$preset || exit 1; done

android-check: $(BUILD_TOOLS) ## compile the core for Android, the kernels for macOS and iOS, without their SDKs (Debian: clang-22 libc++-22-dev)
	@mkdir -p build
	@for preset in android-arm64 android-armv7 macos-arm64 ios-arm64; do preset=freestanding-$$preset; \
	  { $(BIN)/cmake --preset $$preset -DMOBILEKERNELS_WERROR=ON && $(BIN)/cmake --build --preset $$preset; } \
	    > build/$$preset.log 2>&1 || { cat build/$$preset.log; exit 1; }; \
	  echo "$$preset: $$(find build/$$preset -name '*.cc.obj' | wc -l) files compiled, no warning"; done

# Python, torch and ExecuTorch for aarch64 in a folder; pip and Debian's packages are all that makes it.
arm-root: $(BUILD_TOOLS)
	@$(BIN)/python -m tools.arm_root > /dev/null

AARCH64_WHEEL := manylinux_2_28_aarch64.whl

# The folder that setuptools collects the wheel's files in would keep what the checkout no longer has.
wheel-aarch64: $(INSTALLED) arm-root ## cross-build the wheel for aarch64 Linux into dist/, against torch 2.10 (Debian: qemu-user g++-aarch64-linux-gnu)
	@rm -rf build/cmake-*-linux-aarch64/wheel dist/mobilekernels-*-$(AARCH64_WHEEL)
	MOBILEKERNELS_CROSS=linux-aarch64 MOBILEKERNELS_CROSS_ROOT=build/arm-root \
	  $(BIN)/python -m pip wheel -q --no-build-isolation --no-deps -w dist .
	@$(BIN)/python -m tools.check_wheel dist/mobilekernels-*-$(AARCH64_WHEEL)

# The package of the target's architecture lies in the emulated root.
executorch-aarch64: $(BUILD_TOOLS) arm-root ## cross-build the ExecuTorch kernels and mk_runner for aarch64 Linux (Debian: qemu-user g++-aarch64-linux-gnu)
	@$(BIN)/cmake --preset executorch-aarch64 -DMOBILEKERNELS_WERROR=$(if $(WERROR),ON,OFF) \
	  > build/executorch-aarch64.log 2>&1 || { cat build/executorch-aarch64.log; exit 1; }
	$(BIN)/cmake --build --preset executorch-aarch64

test-executorch: build executorch-aarch64 ## .pte files in ExecuTorch, here and on emulated ARM cores: the same bytes
	MOBILEKERNELS_REQUIRE_DEVICES=1 $(SHARED_PYTEST) tests/executorch tests/export/test_same_bytes.py

test-arm: build runner arm wheel-aarch64 ## C++ and Python tests on emulated ARM cores (Debian: qemu-user)
	@command -v qemu-aarch64 > /dev/null || { echo "make test-arm needs qemu: apt-get install qemu-user"; exit 1; }
	$(BIN)/python -m tests.arm.emulate --wheel dist/mobilekernels-*-$(AARCH64_WHEEL)

x86: $(BUILD_TOOLS) ## build static C++ tests and the benchmark runner, for emulated x86 CPUs
	@mkdir -p build
	@$(BIN)/cmake --preset linux-x86_64 -DMOBILEKERNELS_WERROR=$(if $(WERROR),ON,OFF) > build/linux-x86_64.log 2>&1 || \
	  { cat build/linux-x86_64.log; exit 1; }
	$(BIN)/cmake --build --preset linux-x86_64

test-x86: runner x86 ## C++ tests on emulated x86 CPUs, with and without AVX-512 (Debian: bochs bochs-term qemu-user); X86="--cpu icelake --only gemm_test"
	@for tool in bochs qemu-x86_64; do command -v $$tool > /dev/null || \
	  { echo "make test-x86 needs $$tool: apt-get install bochs bochs-term qemu-user"; exit 1; }; done
	$(BIN)/python -m tests.x86.emulate $(X86)

runner: $(BUILD_TOOLS) ## build the benchmark runner for this machine (`make arm` builds it for ARM)
	@mkdir -p build
	@$(BIN)/cmake -S . -B build/native -G Ninja -DMOBILEKERNELS_TESTS=OFF -DMOBILEKERNELS_BENCH=ON \
	  -DMOBILEKERNELS_WERROR=$(if $(WERROR),ON,OFF) > build/native.log 2>&1 || { cat build/native.log; exit 1; }
	$(BIN)/cmake --build build/native --target mk_bench

test-devices: build runner arm ## the benchmark on devices: qemu, ssh to this machine (Debian: qemu-user openssh-server adb)
	MOBILEKERNELS_REQUIRE_DEVICES=1 $(BIN)/python -m pytest tests/devices tests/bench tests/cli/test_bench.py

count-arm: arm ## proxy for speed: instructions per MAC on emulated ARM cores, ours and stock (COUNT=--ours-only: gate alone)
	$(BIN)/python -m bench.arm.count $(COUNT)

mca-arm: arm ## proxy for speed: our inner loops by llvm-mca's models of ARM cores (Debian: llvm-22)
	$(BIN)/python -m bench.arm.mca --gate $(MCA)

mca-x86: x86 ## proxy for speed: our inner loops by llvm-mca's models of x86 cores (Debian: llvm-22)
	$(BIN)/python -m bench.x86.mca --gate $(MCA)

# The peers outside of PyTorch are no part of the set-up: they are measured against, and nothing else needs them.
peers: $(INSTALLED)
	$(BIN)/python -m pip install -q -r requirements/bench.txt

bench: build runner peers ## layers and whole networks, ours and every peer; writes bench/results/ (BENCH=--quick: three minutes)
	$(BIN)/python -m bench $(BENCH)

accuracy: build ## int8 and pruned networks on Fashion-MNIST, trained here (Debian: dataset-fashion-mnist; ACCURACY=--quick: two minutes)
	$(BIN)/python examples/fashion_mnist.py $(ACCURACY)

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
