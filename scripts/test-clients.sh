#!/usr/bin/env bash
# Real programs, unmodified, against `wormhole demo`: each asks through the API, and the agents call a tool and answer
# from its result. Heavier than CI should carry (aider alone is 300 MB): `make test-clients`, before a release.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD programs=$PWD/.tools/programs

install_programs() {
  [ -x "$programs/llm/bin/llm" ] || { python3 -m venv "$programs/llm" && "$programs/llm/bin/pip" install -q llm==0.36 httpx; }
  [ -x "$programs/aider/bin/aider" ] || { python3 -m venv "$programs/aider" && "$programs/aider/bin/pip" install -q aider-chat==0.86.2; }
  [ -x "$programs/node/node_modules/.bin/codex" ] ||
    npm --prefix "$programs/node" install --silent --no-audit --no-fund @openai/codex@0.169.0 opencode-ai@1.18.33
  [ -x "$programs/claude/node_modules/.bin/claude" ] ||
    npm --prefix "$programs/claude" install --silent --no-audit --no-fund @anthropic-ai/claude-code@2.1.330
}

work=$(mktemp -d)
target/debug/wormhole demo --port 0 >"$work/demo.out" 2>"$work/demo.err" &
demo=$!
trap 'kill $demo 2>/dev/null || true; wait $demo 2>/dev/null || true; rm -rf "$work"' EXIT
install_programs
for _ in $(seq 120); do
  base=$(sed -n 's#.*curl -N \(http://[0-9.:]*\)/.*#\1#p' "$work/demo.out")
  [ -n "$base" ] && break
  kill -0 $demo || { cat "$work/demo.out" "$work/demo.err"; exit 1; }
  sleep 0.5
done

export HOME=$work NO_PROXY='*' OPENAI_API_KEY=x OPENAI_API_BASE=$base/v1
passed=0
# name, text that its output must hold, command
holds() {
  local name=$1 wanted=$2 output
  shift 2
  output=$(cd "$work" && timeout 180 "$@" </dev/null 2>&1) || true
  if grep -qF -- "$wanted" <<<"$output"; then
    printf 'ok      %s\n' "$name"
    passed=$((passed + 1))
  else
    printf 'FAILED  %s: no %q in\n%s\n' "$name" "$wanted" "$(tail -n 30 <<<"$output")"
    failed=1
  fi
}

mkdir -p "$work/.codex" "$work/.config/opencode" "$work/llm"
cat >"$work/llm/extra-openai-models.yaml" <<YAML
- { model_id: practice, model_name: practice-echo, api_base: $base/v1 }
YAML
cat >"$work/.codex/config.toml" <<TOML
model = "practice-agent"
model_provider = "wormhole"
[model_providers.wormhole]
name = "wormhole"
base_url = "$base/v1"
wire_api = "responses"
TOML
cat >"$work/.config/opencode/opencode.json" <<JSON
{"autoupdate": false, "model": "wormhole/practice-agent", "provider": {"wormhole": {
  "npm": "@ai-sdk/openai-compatible", "options": {"baseURL": "$base/v1", "apiKey": "x"},
  "models": {"practice-agent": {"name": "agent"}}}}}
JSON

failed=0
holds "llm" "hello from llm" env LLM_USER_PATH="$work/llm" "$programs/llm/bin/llm" -m practice --key x "hello from llm"
holds "aider" "Tokens:" "$programs/aider/bin/aider" --model openai/practice-echo --no-git --yes-always --no-check-update \
  --no-show-model-warnings --map-tokens 0 --message "say hello"
holds "codex exec calls a tool" 'The last result says' "$programs/node/node_modules/.bin/codex" exec --skip-git-repo-check \
  --sandbox danger-full-access 'run it [[call:exec_command {"cmd":"echo the-treasure"}]]'
holds "codex exec --oss" 'The last result says' env CODEX_OSS_BASE_URL="$base/v1" "$programs/node/node_modules/.bin/codex" exec \
  --oss --local-provider ollama -m practice-agent --skip-git-repo-check --sandbox danger-full-access \
  'run it [[call:exec_command {"cmd":"echo the-treasure"}]]'
holds "opencode calls a tool" 'The last result says' "$programs/node/node_modules/.bin/opencode" run \
  'look [[call:bash {"command":"echo the-treasure","description":"x"}]]'
printf 'the treasure is under the tree\n' >"$work/map.txt"
holds "Claude Code calls two tools" 'the treasure is under the tree' env ANTHROPIC_BASE_URL="$base" ANTHROPIC_AUTH_TOKEN=x \
  ANTHROPIC_MODEL=practice-agent ANTHROPIC_SMALL_FAST_MODEL=practice-agent CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 DISABLE_AUTOUPDATER=1 \
  "$programs/claude/node_modules/.bin/claude" --allowedTools Bash,Read -p "look around
  [[call:Bash {\"command\":\"ls\",\"description\":\"x\"}]] [[call:Read {\"file_path\":\"$work/map.txt\"}]]"
printf '%d passed, %d failed\n' "$passed" "$((6 - passed))"
exit $failed
