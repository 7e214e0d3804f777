// The script as it is assembled, in a context of its own, with a page made of a few lines.

"use strict";
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const FILES = ["protocol.js", "transport.js", "socket.js", "page.js", "controls.js", "inline.js", "markdown.js", "stream.js", "watch.js", "main.js"];
const read = (...parts) => fs.readFileSync(path.join(__dirname, ...parts), "utf8");
const SOURCE = FILES.map((file) => read("..", file)).join("");

exports.fixtures = JSON.parse(read("../../../wormhole-protocol/fixtures/page_frames.json"));
exports.commands = JSON.parse(read("commands.json"));

/** A world with just what the script may use; everything the script says lands in `frames`. */
exports.world = ({ origin = "https://chat.example", fetch = undefined, elements = {}, cookies = "", top = true, socket = undefined } = {}) => {
  const frames = [];
  class Element extends EventTarget {
    constructor(init) {
      super();
      Object.assign(this, init);
    }
    focus() {}
    click() {
      this.dispatchEvent(new Event("click"));
    }
  }
  class HTMLInputElement extends Element {
    get value() {
      return this.typed ?? "";
    }
    set value(text) {
      this.typed = text;
    }
  }
  class HTMLTextAreaElement extends HTMLInputElement {
    get value() {
      return super.value;
    }
    set value(text) {
      super.value = text;
    }
  }
  class HTMLSelectElement extends HTMLTextAreaElement {
    get value() {
      return super.value;
    }
    set value(text) {
      super.value = text;
    }
  }
  class Document {
    get cookie() {
      return cookies;
    }
    querySelectorAll(selector) {
      return elements[selector] ?? [];
    }
  }
  const scope = new EventTarget();
  Object.assign(scope, {
    location: { origin, pathname: "/c/17", href: `${origin}/c/17?x=1` },
    crypto, AbortController, TextDecoder, URL, Request, Event, InputEvent: Event, KeyboardEvent: Event,
    HTMLInputElement, HTMLTextAreaElement, HTMLSelectElement, HTMLFormElement: class {}, Document,
    // What only a browser has is tested in one; see tests/it/dom_markdown.rs and dom_turns.rs.
    MutationObserver: class { observe() {} disconnect() {} takeRecords() { return []; } },
    document: new Document(),
    fetch: fetch ?? (() => Promise.reject(new TypeError("Failed to fetch"))),
    __wormhole_emit: (text) => frames.push(...JSON.parse(text)),
    WebSocket: socket?.WebSocket, setTimeout: socket?.setTimeout, clearTimeout: socket?.clearTimeout,
  });
  scope.self = scope;
  scope.top = top ? scope : {};
  const config = { origins: ["https://chat.example"], binding: "__wormhole_emit", entry: "__wormhole", socket: socket?.config };
  const run = () => {
    const body = `"use strict"; ((globalThis) => {${SOURCE}\n})(scope);`;
    vm.runInThisContext(`((wormhole, scope) => { ${body} })`)(config, scope);
  };
  run();
  return {
    scope, frames, run, HTMLInputElement, Element,
    deliver: (...commands) => scope.__wormhole.deliver(frames[0].doc, commands),
    /** What was said in answer to one command, without what is the same in all. */
    of: (id) => frames.filter((frame) => frame.id === id).map(({ doc, id, seq, ...said }) => said),
  };
};

/** Waits until so many frames were said. */
exports.until = async (frames, holds) => {
  while (!holds(frames)) await new Promise((resolve) => setImmediate(resolve));
};
