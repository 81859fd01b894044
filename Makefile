# make demo · make test · make check · make bench · make nightly · make explorer: each does its own set-up in .venv
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(firstword $(foreach v,3.13 3.12 3.11,$(if $(shell command -v python$(v) 2>/dev/null && python$(v) -c "import ensurepip, sqlite3" 2>/dev/null && echo yes),python$(v))) python3)
UV := $(shell command -v uv 2>/dev/null)
READY := $(VENV)/.ready
EXPLORER := gateway/explorer/assets/index.html

.PHONY: demo explorer test nightly oracles newest check format bench schema lock clean

demo: $(READY)  ## build the demo memory and serve it with an explorer
	@test -e $(EXPLORER) || $(BIN)/python -m gateway.explorer.build || echo "going on with the plain page"
	$(BIN)/memory-gateway demo --port $(PORT)

explorer: $(READY)  ## build the explorer, the page at /graphql, anew
	$(BIN)/python -m gateway.explorer.build

test: $(READY)  ## every test, on two workers; starts the servers that it needs
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup --durations=20

nightly: oracles newest

oracles: $(READY)  ## for the night: each query on both executors, and thousands of made-up ones
	MEMORY_GATEWAY_TEST_BOTH=1 MEMORY_GATEWAY_TEST_EXAMPLES=5000 $(BIN)/python -m pytest -q --timeout=14400 -n 2 --dist loadgroup tests/gateway

newest: $(READY)  ## for the night: what Neo4j is asked, asked of its newest version, which needs Java 21
	MEMORY_GATEWAY_TEST_NEO4J_VERSION=newest $(BIN)/python -m pytest -q -k neo4j tests/contract tests/backends

check: $(READY)  ## format, lint, import contracts, types, schema
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/pyright
	$(BIN)/memory-gateway schema check schema.graphql

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)  ## what there is to measure; MEMORY=folder for another memory than the demo
	$(BIN)/python -m benchmarks.engine
	$(BIN)/python -m benchmarks.run $(MEMORY)

schema: $(READY)  ## print schema.graphql anew
	$(BIN)/memory-gateway schema print > schema.graphql.new && mv schema.graphql.new schema.graphql

lock:  ## resolve requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --group dev --all-extras --universal --generate-hashes --no-header --no-emit-index-url -o requirements.lock

clean:
	rm -rf $(VENV) .demo .pytest_cache .ruff_cache .hypothesis

$(READY): pyproject.toml requirements.lock
ifeq ($(UV),)
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
else
	uv venv --quiet --clear --python $(PYTHON) $(VENV)
	uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
endif
	touch $@
