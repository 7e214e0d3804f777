#!/usr/bin/env bash
# The Compose file, for real: a copy of this tree as a stranger would clone it, its images built, the demo up, asked with
# OpenAI's library; each service restarted, the bridge killed; what the containers may do looked at from outside.
# Beside other stacks: project name and ports are its own. What it starts it removes; the images stay, tagged `test`.
#   scripts/test-compose.sh                    builds the images
#   WORMHOLE_TAG=0.1.0 scripts/test-compose.sh takes those of this tag, as `make images` or a release made them
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/.tools/venv/bin/python chat=$PWD/tests/compose/chat.py scan=$PWD/scripts/scan-images.sh

work=$(mktemp -d)
export COMPOSE_PROJECT_NAME=wormhole-test-$$ WORMHOLE_ENV_FILE=$work/settings
given_tag=${WORMHOLE_TAG:-}
export WORMHOLE_TAG=${given_tag:-test}
if [ -n "$given_tag" ]; then
  image=${WORMHOLE_REGISTRY:-}wormhole-server:$WORMHOLE_TAG
  WORMHOLE_REVISION=$(docker image inspect -f '{{index .Config.Labels "org.opencontainers.image.revision"}}' "$image")
  export WORMHOLE_REVISION
else
  # As `make images` has them, so that what that built is not built again.
  mapfile -t chosen < <(scripts/images.sh settings)
  export "${chosen[@]}"
fi
read -r WORMHOLE_PUBLISH_OAI WORMHOLE_PUBLISH_SERVER WORMHOLE_PUBLISH_CONSOLE < <("$python" -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(held.getsockname()[1] for held in sockets))')
export WORMHOLE_PUBLISH_OAI WORMHOLE_PUBLISH_SERVER WORMHOLE_PUBLISH_CONSOLE
api=http://127.0.0.1:$WORMHOLE_PUBLISH_OAI/v1
failures=0

say() { printf '\n=== %s (%ss)\n' "$*" "$SECONDS"; }
compose() { docker compose -f docker-compose.yml -f "$work/test.yml" --profile demo "$@"; }
container() { compose ps -q "$1"; }
check() { # what, command...
  local what=$1
  shift
  if "$@"; then printf 'ok      %s\n' "$what"; else
    printf 'FAILED  %s\n' "$what"
    failures=$((failures + 1))
  fi
}
finish() {
  local code=$?
  if [ $code != 0 ] || [ $failures != 0 ]; then compose logs --tail 60 --no-color || true; fi
  compose down --volumes --remove-orphans --timeout 5 >/dev/null 2>&1 || true
  rm -rf "$work"
  exit $((code != 0 || failures != 0))
}
trap finish EXIT

# What the tree holds and git would: no .env, no data, and another owner.
mkdir "$work/clone"
git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- --ignore-failed-read -cf - 2>/dev/null |
  tar -xf - -C "$work/clone"
[ "$(id -u)" != 0 ] || chown -R 4321:4321 "$work/clone"
cd "$work/clone"

# For this test alone: the practice site tells what it has seen, and the first bridge, whose account nobody has, waits for a
# login there rather than at the real site.
cat >"$work/test.yml" <<'Y'
services:
  wormhole-playground:
    environment: { PLAYGROUND_CONTROL: "true" }
  wormhole-bridge:
    environment:
      WORMHOLE_SITE: /etc/wormhole/sites/playground.yaml
      WORMHOLE_SITE_ORIGIN: https://wormhole-playground:8443
      CHROME_TRUST_KEYS_FILE: /identity/key-hash
    volumes: ["playground-identity:/identity:ro"]
    depends_on: { wormhole-playground: { condition: service_healthy } }
Y
# A turn that waits for a login waits this long.
echo 'WORMHOLE_TURN_DEADLINE=30s' >"$WORMHOLE_ENV_FILE"

image_of() { echo "${WORMHOLE_REGISTRY:-}$1:$WORMHOLE_TAG"; }

# A GET from inside a container's network: the images have no curl, some not even a shell.
get() { # container, port, path
  docker run --rm --network "container:$1" debian:bookworm-slim timeout 10 bash -c \
    "exec 3<>/dev/tcp/127.0.0.1/$2; printf 'GET $3 HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3; cat <&3"
}
logins() { get "$(container wormhole-playground)" 8088 /control/state | grep -o '"logins_ok":[0-9]*' | cut -d: -f2; }
answers() { "$python" "$chat" "$api" answers "$1"; }
one_login() { [ "$(logins)" = 1 ]; }

say "configuration"
# Not a word, so no warning either.
clean() { ! env -u WORMHOLE_ENV_FILE docker compose "$@" config --quiet 2>&1 | grep .; }
check "docker compose config is clean" clean
check "with every profile, too" clean --profile demo --profile monitoring
check "and with the override files" clean -f docker-compose.yml -f docker-compose.debug.yml -f docker-compose.folders.yml

if [ -z "$given_tag" ]; then
  say "build"
  compose build --quiet
fi

say "up, and nobody logs in"
compose up -d --wait --wait-timeout 300 wormhole-oai wormhole-bridge
check "a question is answered login_required" "$python" "$chat" "$api" refuses login_required

say "demo"
compose up -d --wait --wait-timeout 300
check "the demo answers" answers "the first question"
check "the site saw one login" one_login

for service in wormhole-server wormhole-oai wormhole-bridge-demo wormhole-bridge; do
  say "restart $service"
  compose restart "$service"
  check "it answers again" answers "after the restart of $service"
done
check "the site saw one login" one_login

token() { docker exec "$(container wormhole-bridge)" sha256sum /tokens/console/token; }
say "kill -9 of the bridge"
made=$(token)
before=$(container wormhole-bridge-demo)
docker kill --signal KILL "$before" >/dev/null
docker rm "$before" >/dev/null
compose up -d --wait --wait-timeout 300
after=$(container wormhole-bridge-demo)
hostname_of() { docker inspect -f '{{.Config.Hostname}}' "$1"; }
check "it is another container" [ "$before" != "$after" ]
check "of another host name" [ "${before:0:12}" != "$(hostname_of "$after")" ]
check "it answers again" answers "after the kill"
check "tokens were made once" [ "$(token)" = "$made" ]
check "the site saw one login" one_login

say "the operator's program in the bridge's image"
check "wormhole status says that all are ready" docker exec "$after" wormhole status
check "wormhole canary gets an answer" docker exec "$after" wormhole canary --url http://wormhole-oai:11434 --model practice-echo

say "containers"
services=(wormhole-server wormhole-bridge wormhole-oai wormhole-playground wormhole-bridge-demo)
# No `grep -q` behind a pipe: it would leave while the other end still writes, which `pipefail` calls a failure.
logged() { compose logs --no-color --no-log-prefix "$1" | grep . >/dev/null; }
published() { docker inspect -f '{{range .NetworkSettings.Ports}}{{range .}}{{.HostIp}} {{end}}{{end}}' "$1"; }
as_root_beside() { # container, command...: in its process namespace, with the right to look
  local of=$1
  shift
  docker run --rm --pid "container:$of" --cap-add SYS_PTRACE debian:bookworm-slim "$@"
}
for service in "${services[@]}"; do
  id=$(container "$service")
  check "$service: docker compose logs shows its lines" logged "$service"
  check "$service: uid 10001" [ "$(docker inspect -f '{{.Config.User}}' "$id")" = 10001:10001 ]
  check "$service: read-only root" [ "$(docker inspect -f '{{.HostConfig.ReadonlyRootfs}}' "$id")" = true ]
  check "$service: no capabilities" grep -q '^CapEff:.0*$' <(as_root_beside "$id" cat /proc/1/status)
  check "$service: no new privileges" grep -q '^NoNewPrivs:.1$' <(as_root_beside "$id" cat /proc/1/status)
  check "$service: published on loopback alone" [ -z "$(published "$id" | tr ' ' '\n' | grep -v '^127.0.0.1$')" ]
done
check "the bridge cannot write to its root" bash -c "! docker exec '$after' touch /etc/x 2>/dev/null"

say "sandbox"
# The user namespace of each renderer, then that of init.
namespaces() {
  as_root_beside "$after" bash -c '
    for process in /proc/[0-9]*; do
      case $(tr "\0" " " 2>/dev/null <"$process/cmdline") in
        */chromium\ --type=renderer*) readlink "$process/ns/user" ;;
      esac
    done; echo "init $(readlink /proc/1/ns/user)"'
}
sandboxed() {
  local seen init
  seen=$(namespaces)
  init=$(sed -n 's/^init //p' <<<"$seen")
  printf '        %s\n' "$(tr '\n' ' ' <<<"$seen")"
  grep -q '^user:' <<<"$seen" && ! grep -qxF "$init" <<<"$seen"
}
arguments() { as_root_beside "$after" bash -c 'cat /proc/[0-9]*/cmdline | tr "\0" "\n"' 2>/dev/null; }
keeps_sandbox() {
  arguments >"$work/arguments" || true
  grep -q -- --user-data-dir= "$work/arguments" && ! grep -qx -- --no-sandbox "$work/arguments"
}
check "renderers run in user namespaces of their own" sandboxed
check "no process has --no-sandbox" keeps_sandbox

say "images"
size_of() { docker image inspect -f '{{.Size}}' "$(image_of "$1")"; }
small() { [ "$(size_of "$1")" -le 40000000 ]; }
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
shows_version() { docker run --rm "$(image_of "$1")" --version | grep -F "$version ($WORMHOLE_REVISION)" >/dev/null; }
for image in wormhole-server wormhole-bridge wormhole-oai wormhole-playground; do
  printf '        %-20s %4d MB\n' "$image" "$(($(size_of "$image") / 1000000))"
  check "$image --version tells version and revision" shows_version "$image"
done
for image in wormhole-server wormhole-oai wormhole-playground; do check "$image: at most 40 MB" small "$image"; done
declare -A admin=([wormhole-server]=9465 [wormhole-bridge]=9466 [wormhole-bridge-demo]=9466 [wormhole-oai]=9467)
build_info() { get "$(container "$1")" "${admin[$1]}" /metrics | grep '^wormhole_build_info' | grep -F "$WORMHOLE_REVISION" >/dev/null; }
for service in "${!admin[@]}"; do check "$service: wormhole_build_info tells the revision" build_info "$service"; done
label() { docker image inspect -f "{{index .Config.Labels \"$2\"}}" "$(image_of "$1")"; }
labelled() {
  local of=org.opencontainers.image
  [ "$(label "$1" $of.title)" = "$1" ] && [ -n "$(label "$1" $of.description)" ] && [ "$(label "$1" $of.licenses)" = MIT ] &&
    [ "$(label "$1" $of.version)" = "$version" ] && [ "$(label "$1" $of.revision)" = "$WORMHOLE_REVISION" ]
}
for image in wormhole-server wormhole-bridge wormhole-oai wormhole-playground; do check "$image: labels" labelled "$image"; done
as_labelled() { docker exec "$after" chromium --version | grep -F " $(label wormhole-bridge org.chromium.version | cut -d- -f1) " >/dev/null; }
check "the bridge's Chromium is the one that its label names" as_labelled
check "no pending security update of Debian" "$scan" "$WORMHOLE_TAG"

say "a folder that cannot be written to"
install -d -m 0755 "$work/foreign"
# The API ends with one line that names the setting, after what it always logs.
api_refuses() {
  docker run --rm -e WORMHOLE_SENDER_TOKEN=x -e WORMHOLE_ALLOW_ANONYMOUS=true -v "$work/foreign:/data" \
    "$(image_of wormhole-oai)" 2>&1 | grep -v ' INFO ' | tee "$work/refused" | sed 's/^/        /'
  [ "$(wc -l <"$work/refused")" = 1 ] && grep '^WORMHOLE_DATA: ' "$work/refused" >/dev/null
}
check "the API says so in one line" api_refuses
# The bridge tries again, since somebody may mend it, and says why it is not ready.
bridge_waits() {
  local id waited
  id=$(docker run -d -e WORMHOLE_PAGE_TOKEN=x -e CHROME_USER_DATA_DIR=/data/chrome -v "$work/foreign:/data" "$(image_of wormhole-bridge)")
  for waited in {1..30}; do
    docker exec "$id" wormhole-bridge healthcheck --ready >"$work/refused" 2>&1 || true
    grep -q 'cannot use the profile folder' "$work/refused" && break
    sleep 1
  done
  docker rm --force "$id" >/dev/null
  sed 's/^/        /' "$work/refused"
  grep -i 'cannot use the profile folder /data/chrome.*permission denied' "$work/refused" >/dev/null
}
check "the bridge says so on /readyz" bridge_waits

say "$failures failed"
