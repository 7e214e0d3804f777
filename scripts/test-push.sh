#!/usr/bin/env bash
# `make push`, for real: a registry on this machine's loopback, out of Debian's package; images and chart go there, come back,
# and are what was sent. What it starts it ends; the images that `make images` left stay.
set -euo pipefail
cd "$(dirname "$0")/.."
names=(wormhole-server wormhole-bridge wormhole-oai wormhole-playground)
work=$(mktemp -d)
pulled=() registry=
finish() {
  local code=$?
  [ $code = 0 ] || tail -n 20 "$work/log" >&2 || true
  [ ${#pulled[@]} = 0 ] || docker rmi "${pulled[@]}" >/dev/null 2>&1 || true
  [ -z "$registry" ] || kill "$registry" || true
  rm -rf "$work"
}
trap finish EXIT

port=$(python3 -c 'import socket; print(socket.create_server(("127.0.0.1", 0)).getsockname()[1])')
# 127.0.0.0/8 is where Docker speaks plain HTTP without being told to.
to=127.0.0.1:$port/somebody
cat >"$work/config.yml" <<Y
version: 0.1
log: { level: warn, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: $work/storage } }
http: { addr: "127.0.0.1:$port" }
Y
"$(command -v docker-registry || echo .tools/bin/docker-registry)" serve "$work/config.yml" >"$work/log" 2>&1 &
registry=$!
for _ in {1..100}; do
  curl -sf "http://127.0.0.1:$port/v2/" >/dev/null && break
  kill -0 "$registry" || exit 1
  sleep 0.1
done

scripts/images.sh push "$to"

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
for name in "${names[@]}"; do
  sent=$(docker image inspect -f '{{.Id}}' "$name:local")
  revision=$(docker image inspect -f '{{index .Config.Labels "org.opencontainers.image.revision"}}' "$name:local")
  for tag in "$version" "$version-$revision"; do
    docker pull --quiet "$to/$name:$tag"
    pulled+=("$to/$name:$tag")
    [ "$(docker image inspect -f '{{.Id}}' "$to/$name:$tag")" = "$sent" ] || { echo "$name:$tag came back as another image"; exit 1; }
  done
  says=$(docker run --rm "$to/$name:$version" --version)
  echo "        $says"
  [ "$says" = "$name $version ($revision)" ] || { echo "$name says '$says'"; exit 1; }
done

helm=$(command -v helm || echo .tools/chart/bin/helm3)
"$helm" pull "oci://$to/charts/wormhole" --version "$version" --plain-http --untar --untardir "$work/chart"
diff -r --exclude Chart.yaml --exclude ci charts/wormhole "$work/chart/wormhole" # helm writes the one anew, and leaves the other out.
"$helm" template wormhole "$work/chart/wormhole" --set demo.enabled=true --set "image.registry=$to" >"$work/manifests.yaml"
for name in "${names[@]}"; do
  grep -F "$to/$name:$version" "$work/manifests.yaml" >/dev/null || { echo "the chart names no $to/$name:$version"; exit 1; }
done
echo "test-push: four images and the chart went to $to and came back"
