"use strict";
const assert = require("node:assert/strict");
const test = require("node:test");
const { until, world } = require("./script.js");

/** The bridge's end: sockets that open, break and are counted as the test says; time that passes when it says so. */
function bridge({ opens = true, throws = false } = {}) {
  const dialled = [];
  const timers = new Map();
  let now = 0;
  let last = 0;
  class WebSocket {
    constructor(url) {
      if (throws) throw new DOMException("insecure", "SecurityError");
      Object.assign(this, { url, said: [], closedWith: undefined });
      dialled.push(this);
    }
    send(text) {
      this.said.push(JSON.parse(text));
    }
    close(code) {
      this.closedWith = code;
    }
    opened() {
      this.onopen();
      return this;
    }
    tells(message) {
      this.onmessage({ data: JSON.stringify(message) });
      return this;
    }
    breaks(code = 1006) {
      this.onclose({ code });
    }
  }
  /** Lets so many milliseconds pass. */
  const pass = (wait) => {
    const until = now + wait;
    for (;;) {
      const next = [...timers].sort(([, a], [, b]) => a.at - b.at).find(([, timer]) => timer.at <= until);
      if (!next) break;
      timers.delete(next[0]);
      now = next[1].at;
      next[1].run();
      if (!opens) dialled.at(-1).closedWith ?? dialled.at(-1).breaks();
    }
    now = until;
  };
  const config = { url: "ws://127.0.0.1:8766/", token: "sesame" };
  return {
    dialled, pass,
    socket: {
      config, WebSocket,
      setTimeout: (run, wait) => timers.set(last += 1, { run, at: now + wait }) && last,
      clearTimeout: (id) => timers.delete(id),
    },
  };
}

const frames = (socket) => socket.said.slice(1).flatMap((message) => message.frames);

test("it says the token first, then greets, and nothing goes through the binding", () => {
  const end = bridge();
  const page = world(end);
  const [socket] = end.dialled;
  assert.equal(socket.url, "ws://127.0.0.1:8766/");
  socket.opened();
  const [{ token, doc, taken }] = socket.said;
  assert.deepEqual([token, taken], ["sesame", 0]);
  socket.tells({ heard: null });
  const [hello] = frames(socket);
  assert.deepEqual([hello.k, hello.doc, hello.path], ["hello", doc, "/c/17"]);
  socket.tells({ heard: 1, commands: [{ id: 1, op: "count", selector: "p" }, { id: 2, op: "location" }] });
  assert.deepEqual(frames(socket).slice(1).map(({ id, k }) => [id, k]), [[1, "value"], [2, "value"]]);
  assert.ok(socket.said.slice(2).every(({ heard }) => heard === 1));
  assert.deepEqual(page.frames.map(({ k }) => k), ["dialling"]);
});

test("commands that say nothing are acknowledged, and those of a batch once", () => {
  const end = bridge();
  world(end);
  const [socket] = end.dialled;
  socket.opened().tells({ heard: null }).tells({ heard: 1, commands: [] });
  assert.deepEqual(socket.said.at(-1), { heard: 1, frames: [] });
  socket.tells({ heard: 2, commands: [{ id: 1, op: "count", selector: "p" }] });
  assert.equal(socket.said.at(-1).heard, 2);
  assert.equal(socket.said.length, 4);
});

test("what was not heard is said again by the next socket, in its order, and what was is not", async () => {
  const end = bridge();
  let body;
  const stream = new ReadableStream({ start: (controller) => { body = controller; } });
  world({ ...end, fetch: async () => new Response(stream) });
  const [first] = end.dialled;
  first.opened().tells({ heard: null });
  const fetch = { id: 1, op: "fetch", method: "GET", path: "/x", headers: [], body: null, csrf: null, credit: 256 };
  first.tells({ heard: 1, commands: [fetch] });
  const text = (word) => body.enqueue(new TextEncoder().encode(word));
  const chunks = (socket) => frames(socket).filter(({ k }) => k === "chunk").map((frame) => frame.text).join("");
  text("one ");
  await until(first.said, () => chunks(first) === "one ");
  const known = first.said.length - 1;
  text("two ");
  await until(first.said, () => chunks(first) === "one two ");
  first.breaks();
  text("three");
  body.close();
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  end.pass(50);
  const [, second] = end.dialled;
  second.opened();
  assert.deepEqual([second.said[0].doc, second.said[0].taken], [first.said[0].doc, 1]);
  second.tells({ heard: known });
  assert.equal(chunks(second), "two three");
  const all = [...frames(first).slice(0, -1), ...frames(second)].filter(({ id }) => id === 1);
  assert.deepEqual(all.map(({ seq }) => seq), [...all.keys()]);
  assert.equal(all.at(-1).k, "end");
});

test("a bridge that knows the document no more is greeted anew, and what ran is stopped", async () => {
  const end = bridge();
  let signal;
  world({ ...end, fetch: (request) => { signal = request.signal; return new Promise(() => {}); } });
  const [first] = end.dialled;
  first.opened().tells({ heard: null });
  const fetch = { id: 1, op: "fetch", method: "GET", path: "/x", headers: [], body: null, csrf: null, credit: 256 };
  first.tells({ heard: 1, commands: [fetch] });
  assert.equal(signal.aborted, false);
  first.breaks();
  end.pass(50);
  const [, second] = end.dialled;
  second.opened().tells({ heard: null });
  assert.equal(signal.aborted, true);
  assert.deepEqual([frames(second)[0].k, frames(second)[0].seq], ["hello", 0]);
});

test("it gives up in time and says why through the binding, once", () => {
  const forbidding = { disposition: "enforce", effectiveDirective: "connect-src", blockedURI: "ws://127.0.0.1:8766" };
  const other = { ...forbidding, blockedURI: "https://elsewhere.example" };
  const cases = [
    ["insecure", bridge({ throws: true }), () => {}],
    ["policy", bridge({ opens: false }), (page) => {
      for (const init of [other, { ...forbidding, disposition: "report" }, forbidding, forbidding]) {
        page.scope.dispatchEvent(Object.assign(new Event("securitypolicyviolation"), init));
      }
    }],
    ["failed", bridge({ opens: false }), (page, { dialled, pass }) => {
      dialled[0].breaks();
      pass(5999);
      assert.deepEqual(page.frames.map(({ k }) => k), ["dialling"]);
      assert.ok(dialled.length > 5 && dialled.length < 20, `${dialled.length} tries`);
      pass(60000);
    }],
    ["failed", bridge(), (page, { dialled }) => dialled[0].opened().breaks(4401)],
    ["lost", bridge(), (page, { dialled, pass }) => {
      dialled[0].opened().tells({ heard: null }).breaks();
      pass(60000);
    }],
    ["lost", bridge(), (page, { dialled }) => dialled[0].opened().tells({ heard: null }).breaks(1009)],
  ];
  for (const [reason, end, happen] of cases) {
    const page = world(end);
    happen(page, end);
    const tries = end.dialled.length;
    end.pass(60000);
    assert.equal(end.dialled.length, tries, `${reason}: no more tries`);
    const said = page.frames.map((frame) => [frame.k, frame.id, frame.seq, frame.reason]);
    assert.deepEqual(said, [["dialling", 0, 0, undefined], ["no_socket", 0, 0, reason]]);
    assert.match(page.frames[0].doc, /^[0-9a-f]{32}$/);
    assert.equal(page.frames[1].doc, page.frames[0].doc);
  }
});

test("a document that goes away closes its socket, and dials no other", () => {
  const end = bridge();
  const page = world(end);
  const [socket] = end.dialled;
  socket.opened().tells({ heard: null });
  page.scope.dispatchEvent(new Event("pagehide"));
  assert.equal(socket.closedWith, 1000);
  socket.breaks(1000);
  end.pass(60000);
  assert.equal(end.dialled.length, 1);
  assert.deepEqual(page.frames.map(({ k }) => k), ["dialling"]);
});
