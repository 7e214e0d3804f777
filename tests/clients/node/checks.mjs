// The list of checks, the clients, and what the checks share.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

// The SDKs live in .tools/node, which no parent folder of this file is.
const require = createRequire(pathToFileURL(path.join(process.env.NODE_CLIENTS, "package.json")));
const load = (name) => import(pathToFileURL(require.resolve(name)));
export const { default: OpenAI } = await load("openai");
export const { default: Anthropic } = await load("@anthropic-ai/sdk");
const { Ollama } = await load("ollama");

export const { BASE_URL: BASE, API_KEY: KEY } = process.env;
export const HELLO = "héllo, wörld 🕳️";
// One pixel.
export const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
export const CITY = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
export const PERSON = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer", minimum: 7 } },
  required: ["name", "age"],
  additionalProperties: false,
};

export const openaiWith = (options) => new OpenAI({ baseURL: `${BASE}/v1`, apiKey: KEY, timeout: 60_000, ...options });
export const anthropicWith = (options) => new Anthropic({ baseURL: BASE, apiKey: KEY, timeout: 60_000, ...options });
export const ollamaWith = (key) => new Ollama({ host: BASE, headers: { Authorization: `Bearer ${key}` } });
export const openai = openaiWith({});
export const anthropic = anthropicWith({});
export const ollama = ollamaWith(KEY);

export const CHECKS = [];

// Registers a check: the endpoint, a colon, what is checked.
export const check = (name, run, part = "all") => CHECKS.push([name, part, run]);

export const user = (content, fields = {}) => ({ role: "user", content, ...fields });

// The mark that makes the practice agent call a tool.
export const call = (name, args) => `[[call:${name} ${JSON.stringify(args)}]]`;

// The error of this class that `ask` throws; its fields are as expected.
export async function refuses(kind, ask, expected = {}) {
  try {
    await ask();
  } catch (error) {
    assert.ok(error instanceof kind, `${kind.name} was expected: ${error.stack}`);
    for (const [name, value] of Object.entries(expected)) assert.equal(error[name], value, `${name} of ${error}`);
    return error;
  }
  assert.fail(`${kind.name} was expected`);
}

// ollama-js has one class for errors and does not export it.
export async function ollamaRefuses(ask, status) {
  const error = await refuses(Error, ask, { name: "ResponseError" });
  if (status) assert.equal(error.status_code, status);
  return error;
}

export async function all(stream) {
  const items = [];
  for await (const item of stream) items.push(item);
  return items;
}

export const inOrder = (text, marks) => {
  const places = marks.map((mark) => text.indexOf(mark));
  assert.ok(!places.includes(-1), text);
  assert.deepEqual(places, places.toSorted((a, b) => a - b), text);
};

async function control(place, body) {
  const reply = await fetch(`${process.env.CONTROL_URL}/control/${place}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.ok(reply.ok, `control answered ${reply.status}`);
}

// Orders a fault of the practice site for its next turn.
export const misbehave = (fault) => control("faults", { call: "turn", fault });

// Reads a stream of the gated model: each word is released only when the one before has arrived here.
export async function readGated(pieces, words = 5) {
  const release = () => control("release", { count: 1 });
  let text = "";
  let received = 0;
  await release();
  for await (const piece of pieces) {
    text += piece ?? "";
    while (received < text.split(/\s+/).filter(Boolean).length) {
      received += 1;
      if (received < words) await release();
    }
  }
  assert.deepEqual(text.trim().split(/\s+/), Array.from({ length: words }, (_, n) => `w${n + 1}`));
}
