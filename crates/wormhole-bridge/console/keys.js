// @ts-check
// The keyboard on the page. Keys that a field of ours would only receive as text (input methods, phones) go as text.

import { modifiers } from "./wire.js";

/** Two presses of Escape closer than this leave the page; in milliseconds. */
const LEAVE = 600;

/**
 * @param {{send: import("./wire.js").Send, mayWork: () => boolean, field: HTMLTextAreaElement, leave: () => void}} parts
 */
export function createKeys({ send, mayWork, field, leave }) {
  let escaped = -Infinity;

  /** @param {KeyboardEvent} event */
  const isText = (event) => event.isComposing || event.keyCode === 229 || event.key === "Unidentified";
  /** @param {KeyboardEvent} event */
  const isPaste = (event) => (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "v";

  /**
   * @param {KeyboardEvent} event
   * @param {boolean} down
   */
  function press(event, down) {
    if (isText(event) || isPaste(event)) return;
    // Without the control nothing is kept back: the keys are this page's.
    if (!mayWork()) return;
    event.preventDefault();
    const { key, code, keyCode: number, location, repeat } = event;
    send({ type: "key", down, key, code, number, location, repeat, modifiers: modifiers(event) });
    if (down && key === "Escape") {
      if (event.timeStamp - escaped < LEAVE) leave();
      escaped = event.timeStamp;
    }
  }

  function text() {
    if (mayWork() && field.value) send({ type: "text", text: field.value });
    field.value = "";
  }

  field.addEventListener("keydown", (event) => press(event, true));
  field.addEventListener("keyup", (event) => press(event, false));
  field.addEventListener("input", (event) => {
    if (!(/** @type {InputEvent} */ (event).isComposing)) text();
  });
  field.addEventListener("compositionend", text);
}

/**
 * A key that is pressed and let go.
 * @param {import("./wire.js").Send} send
 * @param {string} key
 * @param {number} number
 */
export function strike(send, key, number) {
  for (const down of [true, false]) send({ type: "key", down, key, code: key, number });
}
