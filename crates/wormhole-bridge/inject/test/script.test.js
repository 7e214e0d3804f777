"use strict";
const assert = require("node:assert/strict");
const test = require("node:test");
const { commands, fixtures, until, world } = require("./script.js");

const get = (id, extra = {}) =>
  ({ id, op: "fetch", method: "GET", path: "/x", headers: [], body: null, csrf: null, credit: 256, ...extra });
/** So many turns of the event loop that whatever was under way has happened. */
const turns = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
const ended = (id) => (frames) => frames.some((frame) => frame.id === id && ["end", "error"].includes(frame.k));

/** A response whose body the test writes. */
function feed(init) {
  let body;
  const stream = new ReadableStream({ start: (controller) => { body = controller; } });
  return { body, response: new Response(stream, init) };
}

test("it greets once, from the top frame of its own origins alone, and leaves one frozen entry", () => {
  const { scope, frames, run } = world();
  run();
  const [{ doc, ...hello }] = frames;
  assert.equal(frames.length, 1);
  assert.deepEqual(hello, { id: 0, seq: 0, k: "hello", version: 1, origin: "https://chat.example", path: "/c/17" });
  assert.match(doc, /^[0-9a-f]{32}$/);
  assert.deepEqual(Object.keys(scope.__wormhole), ["deliver"]);
  assert.ok(Object.isFrozen(scope.__wormhole));
  assert.throws(() => { scope.__wormhole = {}; });
  assert.equal(world({ origin: "https://evil.example" }).frames.length, 0);
  assert.equal(world({ top: false }).frames.length, 0);
});

test("what it says has the shape of the fixtures", async () => {
  const shape = ({ k, ...rest }) => `${k}: ${Object.keys(rest).sort()}`;
  const known = new Set(fixtures.map(shape));
  const page = world({ fetch: async () => new Response("text") });
  page.deliver(get(1), { id: 2, op: "count", selector: "p" }, { id: 3, op: "click", selector: "p" });
  await until(page.frames, ended(1));
  assert.deepEqual(new Set(page.frames.map((frame) => frame.k)), new Set(["hello", "head", "chunk", "end", "value", "error"]));
  for (const frame of page.frames) assert.ok(known.has(shape(frame)), shape(frame));
  const codes = ["aborted", "network", "encoding", "missing", "script"];
  assert.deepEqual(fixtures.filter((frame) => frame.k === "error").map((frame) => frame.code), codes);
});

test("it takes every command that the bridge writes", () => {
  const page = world({ fetch: () => new Promise(() => {}) });
  assert.ok(page.deliver(...commands));
  const refused = page.frames.filter((frame) => frame.k === "error" && frame.code !== "missing");
  assert.deepEqual(refused, []);
});

test("commands for another document are refused, and bad ones named without their values", () => {
  const page = world();
  assert.equal(page.scope.__wormhole.deliver("another", [get(1)]), false);
  page.deliver({ id: 2, op: "dance" }, { id: 3, op: "fill", selector: 7, value: "geheim" });
  assert.deepEqual(page.of(2), [{ k: "error", code: "script", message: "unknown command dance" }]);
  assert.deepEqual(page.of(3), [{ k: "error", code: "script", message: "fill: selector is not of type string" }]);
});

test("a body cut at every byte gives the same text, and one cut inside a character is no whole body", async () => {
  const bytes = new TextEncoder().encode("data: wörld 🕳️\n\n");
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const { body, response } = feed();
    const page = world({ fetch: async () => response });
    page.deliver(get(1));
    body.enqueue(bytes.slice(0, cut));
    body.enqueue(bytes.slice(cut));
    body.close();
    await until(page.frames, ended(1));
    assert.equal(page.of(1).map((said) => said.text ?? "").join(""), "data: wörld 🕳️\n\n");
    assert.deepEqual(page.frames.filter((frame) => frame.id === 1).map((frame) => frame.seq), [...page.of(1).keys()]);
  }
  const page = world({ fetch: async () => new Response(bytes.slice(0, 13 + 2)) });
  page.deliver(get(1));
  await until(page.frames, ended(1));
  assert.equal(page.of(1).at(-1).code, "encoding");
});

test("long texts are cut, but never inside a surrogate pair", async () => {
  const text = "x".repeat(64 * 1024 - 1) + "🕳️".repeat(40000);
  const page = world({ fetch: async () => new Response(text) });
  page.deliver(get(1));
  await until(page.frames, ended(1));
  const pieces = page.of(1).filter((said) => said.k === "chunk").map((said) => said.text);
  assert.ok(pieces.every((piece) => piece.length <= 64 * 1024 && piece.isWellFormed()));
  assert.equal(pieces.join(""), text);
});

test("without credit nothing is sent, and what waits for credit can be aborted", async () => {
  const { body, response } = feed();
  const page = world({ fetch: async () => response });
  page.deliver(get(1, { credit: 1 }));
  body.enqueue(new TextEncoder().encode("a"));
  body.enqueue(new TextEncoder().encode("b"));
  body.enqueue(new TextEncoder().encode("c"));
  const sent = () => page.of(1).filter((said) => said.k === "chunk").map((said) => said.text).join("");
  await until(page.frames, () => sent() === "a");
  await turns();
  assert.equal(sent(), "a");
  page.deliver({ id: 1, op: "credit", chunks: 1 });
  await until(page.frames, () => sent() === "ab");
  page.deliver({ id: 1, op: "abort" });
  await until(page.frames, ended(1));
  assert.equal(page.of(1).at(-1).code, "aborted");
  assert.equal(sent(), "ab");
});

test("a broken connection is the network's fault, and a bad path the bridge's", async () => {
  const page = world();
  page.deliver(get(1), get(2, { path: "https://elsewhere.example/" }), get(3, { headers: [["bad header", ""]] }));
  for (const id of [1, 2, 3]) await until(page.frames, ended(id));
  assert.deepEqual([1, 2, 3].map((id) => page.of(id).at(-1).code), ["network", "script", "script"]);
});

test("the token is read from its cookie when the request is made", async () => {
  const asked = [];
  const page = world({ cookies: "a=1; csrf=x%20y=", fetch: async (request) => { asked.push(request); return new Response(""); } });
  const csrf = { cookie: "csrf", header: "x-csrf", decode: true };
  page.deliver(get(1, { csrf }), get(2, { csrf: { ...csrf, decode: false } }), get(3, { csrf: { ...csrf, cookie: "none" } }));
  for (const id of [1, 2, 3]) await until(page.frames, ended(id));
  assert.deepEqual(asked.map((request) => request.headers.get("x-csrf")), ["x y=", "x%20y=", null]);
  assert.ok(asked.every((request) => request.credentials === "same-origin"));
});

test("a document that goes away says nothing more", async () => {
  const { response } = feed();
  const page = world({ fetch: async () => response });
  page.deliver(get(1));
  await until(page.frames, () => page.of(1).length === 1);
  page.scope.dispatchEvent(new Event("pagehide"));
  await turns();
  assert.deepEqual(page.of(1).map((said) => said.k), ["head"]);
});

test("fields are filled past a framework's setter, and what is missing is named", () => {
  const elements = {};
  const page = world({ elements });
  const field = new page.HTMLInputElement({});
  Object.defineProperty(field, "value", { set() { throw new Error("shadowed"); } });
  const heard = [];
  for (const name of ["input", "change"]) field.addEventListener(name, () => heard.push(name));
  Object.assign(elements, { "#field": [field], p: [new page.Element({ innerText: "one two" }), {}] });
  page.deliver({ id: 1, op: "fill", selector: "#field", value: "geheim" }, { id: 2, op: "count", selector: "p" });
  page.deliver({ id: 3, op: "text", selector: "p", limit: 3 }, { id: 4, op: "enter", selector: "#nothing" });
  assert.equal(field.typed, "geheim");
  assert.deepEqual(heard, ["input", "change"]);
  assert.deepEqual(page.of(1), [{ k: "value", value: null }]);
  assert.deepEqual(page.of(2), [{ k: "value", value: 2 }]);
  assert.deepEqual(page.of(3), [{ k: "value", value: "one" }]);
  assert.deepEqual(page.of(4), [{ k: "error", code: "missing", message: "#nothing" }]);
  assert.ok(!JSON.stringify(page.frames).includes("geheim"));
});
