# Everything a clone can do. `make demo` and `make test` install what they need.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
TOOLS := .tools
export PATH := $(CURDIR)/$(TOOLS)/bin:$(PATH)

.PHONY: help demo test test-clients test-all bench lint fmt setup

help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Practice site, Chromium and all three services: one streamed answer, then stays up
	@scripts/setup.sh chromium
	cargo run --locked -p wormhole -- demo $(ARGS)

test: ## Everything CI runs
	@scripts/setup.sh chromium nextest clients pages
	cargo nextest run --locked --workspace
	node --test crates/wormhole-bridge/inject/

test-clients: ## Real programs against the demo: llm, aider, codex, opencode
	@scripts/setup.sh chromium clients
	cargo build --locked -p wormhole
	@scripts/test-clients.sh

test-all: test test-clients ## All suites; those of later issues (images, Compose) join here

bench: ## The tables of docs/PERFORMANCE.md, measured here and now
	@scripts/setup.sh chromium
	cargo build --release --locked --workspace
	target/release/wormhole-bench $(ARGS)

lint: ## Formatting, clippy, docs, dependencies
	@scripts/setup.sh deny
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --quiet
	cargo deny --log-level error check bans licenses sources

fmt: ## Format
	cargo fmt --all

setup: ## Install everything any target needs
	@scripts/setup.sh chromium nextest deny clients pages
