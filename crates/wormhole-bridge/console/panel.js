// @ts-check
// Everything around the picture: the state, the facts, the history.

import { ago, clock, title, words } from "./words.js";

/** @param {string} id */
const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * @param {string} id
 * @param {string | number} text
 */
function say(id, text) {
  const place = element(id);
  // Saying the same again would make a screen reader say it again, too.
  if (place.textContent !== String(text)) place.textContent = String(text);
}

/**
 * @param {string} tag
 * @param {string} text
 * @param {string} [style]
 */
function make(tag, text, style) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (style) made.className = style;
  return made;
}

/** @param {import("./wire.js").Status} status */
export function showStatus(status) {
  const { title: name, what, kind } = words(status);
  document.body.dataset.kind = kind;
  document.title = `${name} · Wormhole console`;
  say("account", `${status.account} at ${status.site}`);
  say("state", name);
  say("what", what);
  const paused = kind === "paused";
  say("detail", status.detail);
  element("detail").hidden = status.detail === "" || paused;
  say("pause", status.paused ? "Resume" : "Pause");
  // What is most likely wanted now stands out.
  element("pause").classList.toggle("main", status.paused);
  element("check").classList.toggle("main", !status.paused && (kind === "person" || kind === "bad"));
  say("hub", status.hub_joined ? "Joined" : `Not joined: ${status.hub_detail}`);
  say("models", status.models);
  say("running", status.running);
  say("version", status.version);
  showSince(status);
  const lines = status.changes.map((change) => {
    const line = document.createElement("li");
    line.append(make("time", clock(change.at)), make("span", title(change)));
    if (change.detail) line.append(make("span", change.detail, "why"));
    return line;
  });
  element("changes").replaceChildren(...lines);
}

/** Nobody says how the session is: what was said last must not pass for news. */
export function showLost() {
  document.body.dataset.kind = "waiting";
  document.title = "Not connected · Wormhole console";
  say("state", "Not connected");
  say("what", "The bridge does not answer. What stands below is what it said last.");
  element("detail").hidden = true;
}

/** @param {import("./wire.js").Status} status */
export function showSince(status) {
  const since = /** @type {HTMLTimeElement} */ (element("since"));
  since.dateTime = new Date(status.since).toISOString();
  say("since", `${clock(status.since)} (${ago(status.since)})`);
}

/**
 * The pages to choose from; nothing to choose where there is one.
 * @param {import("./wire.js").PageLine[]} pages
 * @param {(id: string) => void} choose
 */
export function showPages(pages, choose) {
  const buttons = pages.map((page) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = page.ours ? `Chat page: ${page.address}` : `Window: ${page.address}`;
    button.setAttribute("aria-pressed", String(page.shown));
    button.onclick = () => choose(page.id);
    return button;
  });
  element("pages").replaceChildren(...buttons);
  element("pages").hidden = pages.length < 2;
  const shown = pages.find((page) => page.shown);
  const address = /** @type {HTMLInputElement} */ (element("address"));
  if (document.activeElement !== address) address.value = shown?.address ?? "";
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let hide;

/** @param {string} text */
export function showNote(text) {
  say("note", text);
  element("note").hidden = false;
  clearTimeout(hide);
  hide = setTimeout(() => { element("note").hidden = true; }, 6_000);
}
