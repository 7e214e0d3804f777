#!/usr/bin/env bash
# The images, by version and revision.
#   scripts/images.sh build            wormhole-server, -bridge, -oai and -playground, tagged <version>-<revision> and `local`
#   scripts/images.sh push <registry>  the same to a registry (such as ghcr.io/me), and the chart
#   scripts/images.sh settings         what they are built with, as variables for Compose, whose build then makes the same
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'images: %s\n' "$*" >&2; }

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
revision=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain 2>/dev/null)" ] || revision=$revision-dirty
tag=$version-$revision
names=(wormhole-server wormhole-bridge wormhole-oai wormhole-playground)

# Debian's newest Chromium as a value, so that the layer is built anew for a new one and the image says which it holds.
newest_chromium() {
  docker run --rm debian:bookworm-slim sh -c \
    'apt-get update -qq && apt-cache policy chromium | sed -n "s/^ *Candidate: //p"'
}

settings() {
  local chromium
  chromium=${CHROMIUM_VERSION:-$(newest_chromium)}
  # Debian's other updates are looked for once a week.
  printf '%s\n' "WORMHOLE_REVISION=$revision" "PACKAGES_AS_OF=${PACKAGES_AS_OF:-$(date +%G-W%V)}" "CHROMIUM_VERSION=$chromium"
}

# Whether an image is a stand-in that a machine without a registry made for itself, with its own certificates in it.
stand_in() { [ "$(docker image inspect -f '{{index .Config.Labels "org.standin"}}' "$1" 2>/dev/null)" = 1 ]; }

build() {
  local name file args chosen mark=()
  mapfile -t chosen < <(settings)
  say "$tag, ${chosen[*]}"
  # What is built from scratch inherits no label.
  ! stand_in debian:bookworm-slim || mark=(--label org.standin=1)
  for name in "${names[@]}"; do
    file=Dockerfile.${name#wormhole-}
    args=("${mark[@]}" --build-arg "WORMHOLE_VERSION=$version" --build-arg "${chosen[0]}" --build-arg "${chosen[1]}")
    case $name in
      wormhole-playground) file=Dockerfile.oai args+=(--target playground) ;;
      wormhole-bridge) args+=(--build-arg "${chosen[2]}") ;;
    esac
    docker build "${args[@]}" -f "$file" -t "$name:$tag" -t "$name:local" .
  done
}

push() {
  local registry=${1%/} name to
  for name in "${names[@]}"; do
    docker image inspect "$name:$tag" >/dev/null 2>&1 || { say "there is no $name:$tag; build first"; exit 1; }
    case $registry in
      localhost[:/]* | 127.0.0.1[:/]*) ;;
      *) ! stand_in "$name:$tag" || { say "$name:$tag was built on a stand-in: it goes to no registry but loopback's"; exit 1; } ;;
    esac
    for to in "$registry/$name:$tag" "$registry/$name:$version"; do
      docker tag "$name:$tag" "$to"
      docker push "$to"
      docker rmi "$to" >/dev/null
    done
  done
  push_chart "$registry"
}

push_chart() {
  local folder helm plain=()
  helm=$(command -v helm) || { scripts/setup.sh chart; helm=.tools/chart/bin/helm3; }
  folder=$(mktemp -d)
  case $1 in localhost[:/]* | 127.0.0.1[:/]*) plain=(--plain-http) ;; esac
  "$helm" package charts/wormhole --destination "$folder" >/dev/null
  "$helm" push "$folder"/wormhole-*.tgz "oci://$1/charts" "${plain[@]}"
  rm -r "$folder"
}

case ${1:-} in
  build) build ;;
  push) push "${2:?the registry, such as ghcr.io/me}" ;;
  settings) settings ;;
  *) sed -n '2,5p' "$0"; exit 64 ;;
esac
