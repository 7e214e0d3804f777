#!/usr/bin/env bash
# Dockerfiles, Compose files, workflows, Prometheus' configuration: what their linters say. Exceptions stand with their
# reasons in .hadolint.yaml, .checkov.yaml and .yamllint.yaml.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/.tools/linters/bin
dockerfiles=(Dockerfile.server Dockerfile.bridge Dockerfile.oai)

"$bin/hadolint" --config .hadolint.yaml "${dockerfiles[@]}"
"$bin/checkov" --config-file .checkov.yaml --file "${dockerfiles[@]}"
"$bin/yamllint" --strict -c .yamllint.yaml docker-compose*.yml monitoring .github .hadolint.yaml .checkov.yaml
# In Prometheus' container the rules lie elsewhere.
configuration=$(mktemp)
trap 'rm "$configuration"' EXIT
sed "s|/etc/prometheus/rules.yaml|$PWD/charts/wormhole/files/rules.yaml|" monitoring/prometheus.yml >"$configuration"
promtool check config "$configuration" >/dev/null
NODE_PATH=.tools/linters/node_modules node scripts/lint-workflows.cjs .github/workflows/*.yml
if docker compose version >/dev/null 2>&1; then
  docker compose --profile demo --profile monitoring config --quiet
fi
