#!/usr/bin/env bash
# Renders the chart in each of its typical shapes and builds k8s/, one file each, for whoever checks manifests (types,
# policies, schemas).
#   scripts/render-chart.sh OUT    leaves defaults, demo, full, k8s-base, k8s-demo and k8s-seccomp as .yaml in OUT
set -euo pipefail
out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
scripts/setup.sh chart
render() { # name, further arguments
  .tools/chart/bin/helm3 template wormhole charts/wormhole --namespace wormhole "${@:2}" >"$out/$1.yaml"
}
build() { # name, folder
  .tools/chart/bin/kubectl36 kustomize "k8s/$2" >"$out/$1.yaml"
}
render defaults
render demo -f charts/wormhole/ci/demo-values.yaml
render full -f charts/wormhole/ci/full-values.yaml
build k8s-base base
build k8s-demo overlays/demo
build k8s-seccomp seccomp
