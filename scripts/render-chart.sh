#!/usr/bin/env bash
# Renders the chart in each of its typical shapes, one file each, for whoever checks manifests (types, policies, schemas).
#   scripts/render-chart.sh OUT    leaves defaults.yaml, demo.yaml, full.yaml and kustomize.yaml in OUT
set -euo pipefail
out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
scripts/setup.sh chart
render() { # name, further arguments
  .tools/chart/bin/helm3 template wormhole charts/wormhole --namespace wormhole "${@:2}" >"$out/$1.yaml"
}
render defaults
render demo -f charts/wormhole/ci/demo-values.yaml
render full -f charts/wormhole/ci/full-values.yaml
render kustomize -f k8s/values.yaml
