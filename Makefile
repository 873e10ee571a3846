# What a person or CI runs. Everything is set up from pinned requirements, in .venv and contracts/node_modules.
PYTHON ?= python3
VENV ?= .venv
DEEDBOOK_HOME ?= build/demo
BIN = $(VENV)/bin
RUN = PATH="$(CURDIR)/$(BIN):$$PATH"

BENCHES = gas verify sender mirror consents api

.PHONY: help demo network bench bench-million bench-demo $(BENCHES:%=bench-%) snapshots evm-rules via-ir test test-deep test-network halmos slither mutation install dev node format lint types imports artifacts artifacts-check forge vectors pytest rules pins clean

help: ## these words
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 18

demo: install ## the Guiyang sale, end to end (DEMO="--people 100 --lang en", or DEMO="--story shenzhen")
	@DEEDBOOK_HOME="$(DEEDBOOK_HOME)" $(BIN)/deedbook demo $(DEMO)

network: dev ## a live network of 4 geth signers and an RPC node; deploys and tells the demo on it (NETWORK="--keep")
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tools.network $(NETWORK)

test: dev node ## every check, as CI runs them
	@$(RUN) tools/check

test-deep: dev node ## the big counts, resumed after a stop; leaves build/reports/test-deep.json
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tools.deep $(DEEP)

test-network: dev node ## drills on a live network, resumed after a stop; leaves build/reports/test-network.json
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tests.network.runner $(DRILLS)

halmos slither mutation: dev node ## symbolic tests, static analysis, mutants: each leaves its report in build/reports
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tools.$@

bench: ## every number of the README's table, beside the peers; leaves build/bench/*.json
	@$(MAKE) --no-print-directory -k $(BENCHES:%=bench-%)

bench-verify: dev ## a sale's bundle verified offline, from start to exit
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tests.bench.verify $(BENCH)

bench-sender: dev node ## contract calls from request to stored receipt, on anvil and on 4 Clique signers (BENCH=--record keeps it)
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tests.bench.sender $(BENCH)

bench-mirror: dev node ## a chain's events copied into SQL, beside Ponder and web3.py (BENCH=--record keeps it)
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tests.bench.mirror $(BENCH)

bench-consents: dev node ## a million consents verified and records sealed, beside bare ciphers and recoveries (BENCH="--count 50000")
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tests.bench.consents $(BENCH)

bench-api: dev ## records read and entries taken over HTTP, beside bare ASGI functions (BENCH=--record keeps it)
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tests.bench.api $(BENCH)

bench-million: dev ## the sale of a million people's records, by commands, in build/bench-million (BENCH="--people 28155")
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tests.bench.million $(BENCH)

bench-demo: dev ## the demo of the whole survey beside that of fifty people: the same gas of execution
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tests.bench.demo $(BENCH)

bench-gas: dev node ## gas of the acts beside EAS, Ocean, Uniswap and OpenZeppelin (BENCH=--record keeps the report)
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tests.bench.gas $(BENCH)

snapshots: dev node ## write contracts/snapshots again: gas of every function, sizes, storage layouts
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tests.bench.snapshots --write

evm-rules: dev node ## the same bytecode under the rules from London to Prague
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tools.evm_rules $(RULES)

via-ir: dev node ## the contracts compiled through the other pipeline: the same tests, the same story
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tools.evm_rules --via-ir

install: ## what a user needs, in .venv
	@$(PYTHON) tools/install.py demo $(VENV)

dev: ## what a developer needs, in .venv
	@$(PYTHON) tools/install.py dev $(VENV)

node: dev ## compiler, contract libraries and Foundry, in contracts/node_modules; a browser for tests, in build/browser
	@$(RUN) tools/check node

format: dev ## write the house's format
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix-only --quiet .

lint types imports forge vectors artifacts-check pytest: dev ## one step of the check
	@$(RUN) tools/check $@

artifacts: node ## compile the contracts and write src/deedbook/chain/artifacts
	@$(RUN) tools/check artifacts

rules: dev ## write docs/rules.md and the table of contracts/README.md again
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tools.rules_table --write
	@$(RUN) PYTHONPATH="$(CURDIR)/src" python -m tools.contract_rules --write

pins: dev ## write requirements/*.txt again from pyproject.toml (needs uv)
	@tools/pins

clean: ## remove what a machine makes again by itself
	rm -rf $(VENV) build tests/browser/node_modules contracts/node_modules contracts/out contracts/cache
