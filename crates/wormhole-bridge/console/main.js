// @ts-check
// Puts the parts together.

import { createKeys, strike } from "./keys.js";
import { createLink } from "./link.js";
import { showLost, showNote, showPages, showSince, showStatus } from "./panel.js";
import { createScreen } from "./screen.js";

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 */
const element = (id) => /** @type {T} */ (document.getElementById(id));
/** @param {string} id */
const button = (id) => /** @type {HTMLButtonElement} */ (document.getElementById(id));

/** @type {import("./wire.js").Status | null} */
let status = null;
/** @type {import("./wire.js").Seats} */
let seats = { type: "seats", viewers: 0, yours: false, held: false };
let up = false;
let pictured = false;

const mayWork = () => up && seats.yours && (status?.may_work ?? false);

const { send } = createLink({
  onTell(tell) {
    if (tell.type === "status") showStatus((status = tell));
    else if (tell.type === "pages") showPages(tell.pages, (page) => send({ type: "show", page }));
    else if (tell.type === "note") showNote(tell.text);
    else {
      if (seats.yours && !tell.yours && tell.held) showNote("Somebody else has taken the control. You are watching.");
      seats = tell;
    }
    refresh();
  },
  async onFrame(frame) {
    pictured = frame !== null;
    if (frame) await screen.draw(frame).catch(() => { pictured = false; });
    refresh();
  },
  onLink(words, isUp) {
    up = isUp;
    element("link").textContent = words;
    if (!up) seats = { ...seats, yours: false };
    if (!up && status) showLost();
    refresh();
  },
});

const keyboard = /** @type {HTMLTextAreaElement} */ (element("keyboard"));
const screen = createScreen({
  send,
  mayWork,
  canvas: /** @type {HTMLCanvasElement} */ (element("picture")),
  onPress: () => keyboard.focus({ preventScroll: true }),
});
createKeys({ send, mayWork, field: keyboard, leave: () => element("text").focus() });

/** What may be done, and what to do. */
function refresh() {
  const order = up && seats.yours && status !== null;
  for (const id of ["pause", "check", "log_in", "restart"]) button(id).disabled = !order;
  for (const control of document.querySelectorAll(".tools button, .send button, .send input, .tools input")) {
    /** @type {HTMLInputElement | HTMLButtonElement} */ (control).disabled = !mayWork();
  }
  button("take").hidden = !up || seats.yours;
  element("viewers").textContent = !up ? "–" : seats.viewers === 1 ? "Only you" : `${seats.viewers}, you among them`;
  element("screen").classList.toggle("idle", !mayWork());
  element("blank").hidden = pictured;
  const blank = status?.state === "browser_down" ? "The browser is down. Its picture comes back with it." : "No picture yet.";
  element("blank").textContent = up ? blank : "Not connected.";
  const hint = element("hint");
  if (hint.textContent !== words()) hint.textContent = words();
}

function words() {
  if (!up) return "";
  if (!seats.yours) return seats.held ? "Somebody else has the control. You are watching." : "Nobody has the control.";
  if (mayWork()) {
    return status?.running ? "The page is yours, but answers still run: leaving it would cut them off."
      : "Your clicks and keys go to the page.";
  }
  return status?.state === "ready" || status?.state === "logging_in" ? "Wormhole works in this page. Pause to use it yourself."
    : "You can use the page as soon as it is there.";
}

/**
 * @param {string} id
 * @param {() => void} act
 */
const on = (id, act) => element(id).addEventListener("click", act);
/** @param {string} order */
const order = (order) => send({ type: "order", order });

on("take", () => send({ type: "take_control" }));
on("check", () => order("check"));
on("log_in", () => order("log_in"));
on("pause", () => order(status?.paused ? "resume" : "pause"));
for (const to of ["back", "reload", "start", "login"]) on(to, () => send({ type: "go", to }));
on("enter", () => strike(send, "Enter", 13));
on("zoom", () => {
  const full = element("screen").classList.toggle("full");
  button("zoom").setAttribute("aria-pressed", String(full));
});

const sure = /** @type {HTMLDialogElement} */ (element("sure"));
on("restart", () => sure.showModal());
sure.addEventListener("close", () => {
  if (sure.returnValue === "yes") order("restart");
  sure.returnValue = "";
});

const text = /** @type {HTMLInputElement} */ (element("text"));
element("send").addEventListener("submit", (event) => {
  event.preventDefault();
  if (text.value) send({ type: "text", text: text.value });
  text.value = "";
});
on("paste", async () => {
  const pasted = await navigator.clipboard?.readText().catch(() => "");
  if (pasted) send({ type: "text", text: pasted });
  else text.focus();
});
element("open").addEventListener("submit", (event) => {
  event.preventDefault();
  send({ type: "open", url: /** @type {HTMLInputElement} */ (element("address")).value });
  // As in every browser: who has gone somewhere is in the page.
  keyboard.focus({ preventScroll: true });
});

setInterval(() => { if (status) showSince(status); }, 30_000);
