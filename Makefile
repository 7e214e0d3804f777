# Everything a clone can do. `make demo` and `make test` install what they need.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
TOOLS := .tools
# Of each of the two runs of a soak.
DURATION ?= 30m
TURNS ?= 5000
export PATH := $(CURDIR)/$(TOOLS)/bin:$(PATH)

.PHONY: help demo test test-clients test-chart test-apiserver test-alerts test-compose test-push test-all images push k8s bench soak lint lint-images scan-images scan-chart fmt setup

help: ## Show this
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Practice site, Chromium and all three services: one streamed answer, then stays up
	@scripts/setup.sh chromium
	cargo run --locked -p wormhole -- demo $(ARGS)

test: ## Everything CI runs
	@scripts/setup.sh chromium nextest clients pages
	cargo nextest run --locked --workspace
	node --test crates/wormhole-bridge/inject/
	@$(MAKE) --no-print-directory test-chart

test-clients: ## Real programs against the demo: llm, aider, codex, opencode, Claude Code
	@scripts/setup.sh chromium clients
	cargo build --locked -p wormhole
	@scripts/test-clients.sh

test-chart: ## The Helm chart, k8s/ and the alerts: guards, options, strict schemas, agreement with the programs
	@scripts/setup.sh chart prometheus nextest
	$(TOOLS)/chart/venv/bin/python -m pytest --quiet -p no:cacheprovider tests/chart
	scripts/render-chart.sh target/manifests
	WORMHOLE_TEST_MANIFESTS=$(CURDIR)/target/manifests cargo nextest run --locked --workspace \
		--features wormhole-cluster/manifests -E 'package(wormhole-cluster) and test(/^manifests::/)'
	promtool test rules tests/monitoring/rules.test.yaml

test-apiserver: ## wormhole-cluster against a real kube-apiserver over etcd (builds it once, some ten minutes)
	@scripts/setup.sh nextest apiserver
	WORMHOLE_TEST_APISERVER=$${WORMHOLE_TEST_APISERVER:-$(CURDIR)/$(TOOLS)/apiserver/bin/kube-apiserver} \
		PATH=$$PATH:$(CURDIR)/$(TOOLS)/apiserver/bin \
		cargo nextest run --locked --workspace --features wormhole-cluster/programs,wormhole/kube \
		-E 'package(wormhole-cluster)'

test-alerts: ## Every alert in a real Prometheus: fires when its fault is there, clears when it is mended (some minutes)
	@scripts/setup.sh chromium prometheus clients
	cargo build --locked --workspace --bins
	$(TOOLS)/venv/bin/python -B tests/monitoring/alerts.py target/debug $(ARGS)

test-compose: ## The images and Compose: demo up, asked, restarted, killed, looked at from outside (needs Docker)
	@scripts/setup.sh clients
	@scripts/test-compose.sh

test-push: images ## Images and chart to a registry on loopback and back (needs Docker)
	@scripts/setup.sh registry chart
	@scripts/test-push.sh

test-all: test test-clients test-alerts lint-images scan-chart test-compose scan-images test-push ## All suites

images: ## The four images, tagged by version and revision (needs Docker)
	@scripts/images.sh build

push: ## Push images and chart: make push REGISTRY=ghcr.io/me
	@scripts/images.sh push "$(REGISTRY)"

k8s: ## Make k8s/ anew from the chart
	@scripts/setup.sh chart
	$(TOOLS)/chart/venv/bin/python scripts/render-k8s.py

scan-images: ## Debian's packages in the images against its security archive of now (needs Docker)
	@scripts/scan-images.sh

scan-chart: ## checkov over the rendered manifests
	@scripts/scan-chart.sh

bench: ## The tables of docs/PERFORMANCE.md, measured here and now
	@scripts/setup.sh chromium
	cargo build --release --locked --workspace
	target/release/wormhole-bench $(ARGS)

soak: ## Large fault tests, then the tables of a soak: make soak DURATION=30m TURNS=5000
	@scripts/setup.sh chromium nextest
	WORMHOLE_TEST_TURNS=2000 cargo nextest run --locked --workspace -E 'package(wormhole) and test(/^isolation::/)'
	cargo build --release --locked --workspace
	target/release/wormhole-bench soak --duration $(DURATION) --turns $(TURNS) --write docs/PERFORMANCE.md $(ARGS)

lint: ## Formatting, clippy, docs, dependencies
	@scripts/setup.sh deny
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --quiet
	cargo deny --log-level error check bans licenses sources

lint-images: ## Dockerfiles (hadolint, checkov), YAML, workflows, Prometheus' configuration
	@scripts/setup.sh linters prometheus
	@scripts/lint-images.sh

fmt: ## Format
	cargo fmt --all

setup: ## Install everything any target needs
	@scripts/setup.sh chromium nextest deny clients pages
