#!/usr/bin/env bash
# The images, by version and revision.
#   scripts/images.sh build            wormhole-server, -bridge, -oai and -playground, tagged <version>-<revision> and `local`
#   scripts/images.sh push <registry>  the same to a registry (such as ghcr.io/me), and the chart if helm is there
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'images: %s\n' "$*" >&2; }

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
revision=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain 2>/dev/null)" ] || revision=$revision-dirty
tag=$version-$revision
names=(wormhole-server wormhole-bridge wormhole-oai wormhole-playground)

# Debian's newest Chromium as a value, so that the layer is built anew for a new one and the image says which it holds.
chromium_version() {
  docker run --rm debian:bookworm-slim sh -c \
    'apt-get update -qq && apt-cache policy chromium | sed -n "s/^ *Candidate: //p"'
}

build() {
  local chromium
  chromium=${CHROMIUM_VERSION:-$(chromium_version)}
  say "$tag, Chromium $chromium"
  local name file args
  for name in "${names[@]}"; do
    file=Dockerfile.${name#wormhole-}
    args=(--build-arg "WORMHOLE_VERSION=$version" --build-arg "WORMHOLE_REVISION=$revision")
    case $name in
      wormhole-playground) file=Dockerfile.oai args+=(--target playground) ;;
      # Debian's other updates are looked for once a week.
      wormhole-bridge) args+=(--build-arg "CHROMIUM_VERSION=$chromium" --build-arg "PACKAGES_AS_OF=$(date +%G-W%V)") ;;
    esac
    docker build "${args[@]}" -f "$file" -t "$name:$tag" -t "$name:local" .
  done
}

push() {
  local registry=${1%/} name base
  for name in "${names[@]}"; do
    docker image inspect "$name:$tag" >/dev/null 2>&1 || { say "there is no $name:$tag; build first"; exit 1; }
    # Images on the stand-ins of a machine without a registry carry that machine's certificates.
    base=$(docker image inspect -f '{{index .Config.Labels "org.standin"}}' "$name:$tag")
    case $registry in
      localhost[:/]* | 127.0.0.1[:/]*) ;;
      *) [ "$base" != 1 ] || { say "$name:$tag was built on a stand-in: it goes to no registry but loopback's"; exit 1; } ;;
    esac
    for to in "$registry/$name:$tag" "$registry/$name:$version"; do
      docker tag "$name:$tag" "$to"
      docker push "$to"
      docker rmi "$to" >/dev/null
    done
  done
  if command -v helm >/dev/null && [ -d charts/wormhole ]; then
    push_chart "$registry"
  else
    say "no helm here, or no chart: the chart is not pushed"
  fi
}

push_chart() {
  local folder plain=()
  folder=$(mktemp -d)
  case $1 in localhost[:/]* | 127.0.0.1[:/]*) plain=(--plain-http) ;; esac
  helm package charts/wormhole --destination "$folder" >/dev/null
  helm push "$folder"/wormhole-*.tgz "oci://$1/charts" "${plain[@]}"
  rm -r "$folder"
}

case ${1:-} in
  build) build ;;
  push) push "${2:?the registry, such as ghcr.io/me}" ;;
  *) sed -n '2,4p' "$0"; exit 64 ;;
esac
