# Set-up needs nothing but Python >= 3.11 and make; the first target that needs it creates an environment: .venv for
# python3, .venv-python3.13 for PYTHON=python3.13, and so on, so that several interpreters have one each. Which JAX it
# holds depends on the interpreter: see constraints.txt.

PYTHON ?= python3
VENV ?= .venv$(patsubst %,-%,$(filter-out python3 python,$(notdir $(PYTHON))))
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# what one target compiles the next one need not, here and in other checkouts; `lrgd doctor --clear-cache` removes it
export JAX_COMPILATION_CACHE_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/lrgd-jax/programs/$(shell uname -n)
export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS ?= 0
export JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES ?= -1

.PHONY: check verify verify-all test examples example test-core test-slow lint parity notebooks docs coverage release-build release-check licences mutants fuzz faults bench bench-gpu bench-recommend verify-model clean help

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

check: ## all that guards main, on both stacks: what CI runs
	bash .ci/run

verify: $(VENV)/.core ## install, then check the claims about attention in float64 and float32, and certify them
	$(BIN)/lrgd verify --group A --exact --dtype float64,float32

verify-all: $(VENV)/.core ## the same for the claims of every part
	$(BIN)/lrgd verify --exact --dtype float64,float32 $(if $(VERDICTS),--json $(VERDICTS))

# most of their time is compilation of programs that run once, so these are compiled in haste; what is about rounding,
# and the claims, are tested as they are compiled for users
HASTY := tests/decoder tests/effect tests/experiments tests/cli tests/incontext tests/robust
test: $(VENV)/.test ## the test suite, one file a worker at a time
	XLA_FLAGS="$(XLA_FLAGS) --xla_backend_optimization_level=0" $(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(HASTY)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(HASTY:%=--ignore %)

examples: $(VENV)/.test ## the examples in docstrings
	XLA_FLAGS="$(XLA_FLAGS) --xla_backend_optimization_level=0" $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --doctest-modules lrgd_jax

example: $(VENV)/.test ## the suite of a small repository of somebody else's, with three layers of its own
	cd examples/own_attention_suite && $(abspath $(BIN))/python -m pytest -q

# what every stack must do the same
test-core: $(VENV)/.test ## the tests of attention, its duals, and the checking of claims
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile tests/certify tests/claims tests/attention tests/dual

test-slow: $(VENV)/.test ## the tests that take minutes
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.lint $(VENV)/.test ## style, types, and the order of the floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright --pythonpath $(BIN)/python

# ranx would compile functions that run once here, which takes longer than all the rest; interpreted they do the same
parity: $(VENV)/.parity ## against torch, transformers, ranx and shapiq
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -m parity --numprocesses 2 --dist loadfile

notebooks: $(VENV)/.notebooks ## run every notebook's source and keep the outputs
	$(BIN)/python notebooks/execute.py

docs: $(VENV)/.docs ## the documentation, into site/
	$(BIN)/python docs/generate.py
	PYTHONPATH=docs $(BIN)/zensical build --strict --clean --config-file zensical.yml
	$(BIN)/python docs/check_site.py

# which lines run does not depend on how they are compiled, so all of the tests are compiled in haste
coverage: $(VENV)/.mutants ## lines and branches of the package that the tests run, by room (an hour)
	rm -f .coverage .coverage.*
	XLA_FLAGS="$(XLA_FLAGS) --xla_backend_optimization_level=0" $(BIN)/python -m coverage run -m pytest --numprocesses 2 --dist loadfile $(TESTS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m benchmarks.coverage_by_room $(or $(COVERAGE),--json docs/results/coverage/summary.json --least 95)

release-build: $(VENV)/.release ## the wheel and the sdist into dist/, the same twice, with all that belongs into them
	$(BIN)/python -m release build

release-check: $(VENV)/.release ## that, each of them alone, and clean environments on every Python that is found, oldest and newest dependencies, an SBOM
	$(BIN)/python -m release $(RELEASE)

licences: $(VENV)/.release ## the licence of every package of the environment
	$(BIN)/python -m release licences

mutants: $(VENV)/.mutants ## change the code a little, many times: do the tests notice? (an hour; goes on where it stopped)
	$(BIN)/python benchmarks/mutants.py $(MUTANTS)

fuzz: $(VENV)/.test ## change small files a little, 100,800 times: is each read with its own numbers, or refused? (a quarter of an hour)
	$(BIN)/python -m benchmarks.fuzzing $(or $(FUZZ),--json docs/results/fuzzing/summary.json)

faults: $(VENV)/.test ## re-made faults of kernels: is each refuted, and what would a tolerance let pass? (two minutes)
	$(BIN)/python -m benchmarks.kernel_faults $(or $(FAULTS),--json docs/results/kernel-faults/summary.json)

# what ratios are taken against: the commit before the package was made fast, in a work tree of its own
BASELINE := 77d9fbe
BEFORE := .bench/$(BASELINE)
bench: $(VENV)/.test $(BEFORE) ## the ratios of docs/speed.md, side by side with an older commit (a quarter of an hour, on a quiet machine)
	$(BIN)/python -m benchmarks.verified_instances
	$(BIN)/python -m benchmarks.verify_speed --before $(BEFORE)
	$(BIN)/python -m benchmarks.exact_arithmetic --before $(BEFORE)
	$(BIN)/python -m benchmarks.attention_at_length --before $(BEFORE)
	$(BIN)/python -m benchmarks.explain_at_length --before $(BEFORE) --run
	$(BIN)/python -m benchmarks.candidate_scoring

bench-gpu: $(VENV)/.test ## the fused kernel beside what XLA makes of the same sums, where JAX finds a GPU
	$(BIN)/python -m benchmarks.fused_kernel

bench-recommend: $(VENV)/.test $(BEFORE) ## how fast the recommender is and how it grows, to 10^7 interactions: make bench-recommend BENCH=...
	$(BIN)/python -m benchmarks.recommender_speed --before $(BEFORE) $(BENCH)

$(BEFORE):
	git worktree prune && git worktree add --quiet --detach $@ $(BASELINE)

MODEL ?= ../shared/data/stories260K
PROMPT ?= ../shared/data/prompts/stories.txt
verify-model: $(VENV)/.core ## a real decoder against its chain of duals: make verify-model MODEL=... PROMPT=...
	$(BIN)/lrgd verify --model $(MODEL) --prompt-file $(PROMPT)

clean: ## remove what was built
	rm -rf .venv .venv-* .bench site build dist

# a shim of pyenv refuses a version that is not selected, so its folder of versions is looked into as well
$(VENV)/bin/python:
	@found="$(PYTHON)"; \
	"$$found" -c "" 2>/dev/null || found="$$(ls -d "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/$(patsubst python%,%,$(notdir $(PYTHON)))*/bin/python 2>/dev/null | tail -n 1)"; \
	if [ -z "$$found" ]; then echo "$(PYTHON) does not run; name a Python of 3.11 or newer: make PYTHON=/path/to/python3"; exit 1; fi; \
	"$$found" -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version) if sys.version_info < (3, 11) else None' \
	&& "$$found" -m venv $(VENV)

# one stamp an extra: installed again when the dependencies or their pins change
$(VENV)/.core: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.test $(VENV)/.lint $(VENV)/.notebooks $(VENV)/.docs $(VENV)/.mutants $(VENV)/.release: $(VENV)/.%: $(VENV)/.core
	$(PIP) install --quiet --constraint constraints.txt --editable ".[$*]"
	@touch $@

# torch first and alone: a range that another package asks for would bring a build with CUDA
$(VENV)/.parity: $(VENV)/.test
	$(PIP) install --quiet --constraint constraints.txt torch==2.13.0
	$(PIP) install --quiet --constraint constraints.txt --editable ".[parity]"
	@touch $@
