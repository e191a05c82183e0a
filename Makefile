# The index of all commands. Needs python3 (with venv), make and git; brings everything else itself.
#
# Another Python beside the first:   make check PYTHON=python3.13 VENV=.venv-3.13
# A storm over another transport:    make storm TRANSPORT=httpx    TRANSPORT=httpx2
# One test, or all of them at once:  make test PYTEST_ARGS="tests/platform_core -k retry"    PYTEST_ARGS="-n 2"

PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?= -n 2
TRANSPORT ?= native
SECONDS ?= 60
CHROMIUM ?= chromium

BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# pyright says on every run that there is a newer one: constraints.txt decides.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.PHONY: $(shell grep -oE '^[a-z-]+:' $(MAKEFILE_LIST) | tr -d ':')

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

venv: $(READY) ## make the virtual environment, .venv, from constraints.txt

# pip first: --group needs 25.1, --build-constraint 25.3.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --constraint constraints.txt --upgrade pip
	$(PIP_INSTALL) --constraint constraints.txt --build-constraint constraints.txt --group dev --editable '.[all,bench]'
	@touch $@

demo: $(READY) ## run examples/quickstart.py against an emulator on this machine
	$(BIN)/python examples/quickstart.py

stranger: $(READY) ## a stranger's path, timed: a fresh clone, make demo, the tutorial typed in and each output compared
	$(BIN)/python -m tools.stranger

fan-out: $(READY) ## run a thousand executions on a Dask cluster, and kill one of its workers on the way
	$(BIN)/python examples/fan_out_dask.py

errors: $(READY) ## print what each error says, as met over real HTTP
	$(BIN)/python tools/error_messages.py

page: $(READY) ## run the snippets of the platform's page, and print which pass in which world
	$(BIN)/python tools/page_table.py

bench: $(READY) ## what a call costs, beside httpx, aiohttp, urllib3 and others, in docs/benchmarks.md
	$(BIN)/python -m benchmarks.side_by_side $(BENCH_ARGS)

crash: $(READY) ## kill a client at each of its actions, recover elsewhere, print what became of it
	$(BIN)/python -m tools.crash_sweep

bench-compare: $(READY) ## two revisions in turn, this one and REV=…: what a call costs now, beside what it cost then
	$(BIN)/python -m benchmarks.compare $(REV) $(BENCH_ARGS)

instructions: $(READY) ## instructions for one poll and for whole calls, in docs/benchmarks.md; needs valgrind
	$(BIN)/python -m benchmarks.instructions $(BENCH_ARGS)

test: $(READY) ## run the tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

many: $(READY) ## wait for 10,000 executions in one process, in each world, in docs/benchmarks.md
	$(BIN)/python -m benchmarks.many_runs $(BENCH_ARGS)

large: $(READY) ## a body of one GiB up and down, in each world: speed, memory, CPU time, in docs/benchmarks.md
	$(BIN)/python -m benchmarks.large $(BENCH_ARGS)

imports: $(READY) ## what an import costs, in fresh processes, beside httpx and the standard modules, in docs/benchmarks.md
	$(BIN)/python -m benchmarks.imports $(BENCH_ARGS)

poll-plan: $(READY) ## the poll plan beside the plans of others, in virtual time, in docs/poll_plan.md
	$(BIN)/python -m benchmarks.poll_plan

conformance: $(READY) ## every transport against one suite, each answer cut at every point: a table, also in docs/transports.md
	$(BIN)/python -m pytest $(PYTEST_ARGS) --quiet -p no:cacheprovider -p platform_transports.conformance \
	  --pyargs platform_transports.conformance --platform-transport tests.conformance.subjects:SUBJECTS
	$(BIN)/python -m tests.conformance.page

storm: $(READY) ## 20,000 calls, a third of them cut off, over each native transport: is anything lost?
	$(BIN)/python -m benchmarks.storms --transport $(TRANSPORT)

storms: $(READY) ## three over each transport, httpx and httpx2 too, into docs/storm.md
	$(BIN)/python -m benchmarks.storms --transport all --page docs/storm.md

sweep: $(READY) ## cut calls over the native transports off at each checkpoint, line and socket call, and count
	$(BIN)/python -m pytest -q $(PYTEST_ARGS) tests/platform_transports/test_natives_sweep.py tests/platform_transports/test_sync_interrupts.py

nginx: $(READY) ## every transport against nginx: needs `apt-get install nginx-light`, or another nginx
	@PATH="$$PATH:/usr/sbin"; command -v nginx >/dev/null || { echo 'nginx is not installed: apt-get install nginx-light'; exit 1; }
	$(BIN)/python -m pytest $(PYTEST_ARGS) tests/platform_transports/check_nginx.py

explore: $(READY) ## all that can happen to one run and to two, complete within stated bounds, in docs/exploration.md
	$(BIN)/python -m tests.exploration.command

simulate: $(READY) ## long random runs through the real clients, in docs/simulation.md; SEED=7 WORLD=trio MODE=safety replays one
	$(BIN)/python -m tests.simulation.command $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SEED),--seed $(SEED)) $(if $(WORLD),--world $(WORLD)) $(if $(MODE),--mode $(MODE))

simulated-mutants: $(READY) ## put deliberate faults into the drivers and the clients: does the simulation find each?
	$(BIN)/python -m tests.simulation.hunt

mutants: $(READY) ## put deliberate faults into the core and the pool: does the exploration find each?
	$(BIN)/python -m tests.exploration.hunt

mutmut: $(READY) ## change one thing at a time in the core and in http1: does a test of the module notice? In docs/mutation.md
	$(PIP_INSTALL) --constraint constraints.txt --group mutation
	nice -n 19 $(BIN)/python -m tools.mutmut_run $(MUTMUT_ARGS)

# In an environment of its own: atheris has wheels for few systems, and no test needs it.
fuzz: ## give any bytes to all that reads what a peer sends, guided by coverage: SECONDS=60
	@test -x $(VENV)-fuzz/bin/python || $(PYTHON) -m venv $(VENV)-fuzz
	$(VENV)-fuzz/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --upgrade pip
	$(VENV)-fuzz/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group fuzz --editable '.[testing]'
	$(VENV)-fuzz/bin/python -m tests.fuzzing.command --seconds $(SECONDS)

machines: $(READY) ## draw the machines of the core into docs/machines.md
	$(BIN)/python tools/machines.py

lint: $(READY) ## style, format, who imports whom, sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	@! grep -nE '^ *(from|import) platform_core\b' platform_core/*.py || { echo 'platform_core imports itself relatively, so that the folder can be vendored by copying it'; exit 1; }
	$(BIN)/python tools/size_report.py --check

types: $(READY) ## mypy and pyright, both strict; and whether every public name is typed
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python tools/public_types.py

surface: $(READY) ## write the public names, signatures and defaults into tests/surface
	$(BIN)/python -m tools.surface

coverage: $(READY) ## branch coverage of platform_core, each module by its own test file
	$(BIN)/python tools/module_coverage.py

browser: $(READY) ## the emulator's page in headless Chromium: needs `apt-get install chromium`, or CHROMIUM=… another one
	@command -v "$(CHROMIUM)" >/dev/null || { echo 'Chromium is not installed: apt-get install chromium, or say where it is: make browser CHROMIUM=…'; exit 1; }
	$(PIP_INSTALL) --constraint constraints.txt --group browser
	CHROMIUM="$$(command -v $(CHROMIUM))" $(BIN)/python -m pytest $(PYTEST_ARGS) tests/browser/check_live_page.py

screenshots: $(READY) ## the pictures of the docs, in docs/images: the command line, the emulator's page, the site; needs Chromium too
	@command -v "$(CHROMIUM)" >/dev/null || { echo 'Chromium is not installed: apt-get install chromium, or say where it is: make screenshots CHROMIUM=…'; exit 1; }
	$(PIP_INSTALL) --constraint constraints.txt --group browser --group docs
	$(BIN)/zensical build --strict --clean
	CHROMIUM="$$(command -v $(CHROMIUM))" $(BIN)/python -m tools.screenshots

site: $(READY) ## build the documentation into build/site, where a warning is an error, and a public name without a place in the reference
	$(PIP_INSTALL) --constraint constraints.txt --group docs
	$(BIN)/zensical build --strict --clean
	$(BIN)/python -m tools.reference

docs: site ## build the documentation, and run what its pages show
	$(BIN)/python -m pytest $(PYTEST_ARGS) --quiet tests/docs tests/test_readme.py

# `site`, not `docs`: `test` has run the pages already.
check: lint types test site coverage ## all that must pass before a change lands

format: $(READY) ## put code into shape, and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

constraints: ## renew constraints.txt: the newest releases that pyproject.toml admits
	PYTHON=$(PYTHON) tools/constraints.sh

clean: ## remove what the other commands made
	rm -rf $(VENV) $(VENV)-fuzz .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .mutmut .hypothesis .fuzz .coverage .coverage.* htmlcov build dist
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +
