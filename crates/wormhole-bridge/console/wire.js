// @ts-check
// What the page and the bridge say to each other; `src/console/wire.rs` is the other side.

/**
 * @typedef {"starting"|"logging_in"|"ready"|"expired"|"challenge"|"blocked"|"browser_down"|"draining"} State
 * @typedef {{at: number, state: State, detail: string}} Change
 * @typedef {{type: "status", site: string, account: string, state: State, detail: string, since: number,
 *   paused: boolean, may_work: boolean, hub_joined: boolean, hub_detail: string, models: number, running: number,
 *   version: string, changes: Change[]}} Status
 * @typedef {{type: "seats", viewers: number, yours: boolean, held: boolean}} Seats
 * @typedef {{id: string, address: string, ours: boolean, shown: boolean}} PageLine
 * @typedef {{type: "pages", pages: PageLine[]}} Pages
 * @typedef {{type: "note", text: string}} Note
 * @typedef {Status | Seats | Pages | Note} Tell
 * @typedef {{type: string} & Record<string, unknown>} Want
 * @typedef {(want: Want) => void} Send
 * @typedef {{width: number, height: number, jpeg: Blob}} Frame
 */

/** How many bytes stand before the JPEG: width and height, two each. */
const HEAD = 4;

/**
 * A picture as it came; none where there is nothing to see.
 * @param {ArrayBuffer} bytes
 * @returns {Frame | null}
 */
export function readFrame(bytes) {
  if (bytes.byteLength <= HEAD) return null;
  const head = new DataView(bytes);
  const jpeg = new Blob([new Uint8Array(bytes, HEAD)], { type: "image/jpeg" });
  return { width: head.getUint16(0), height: head.getUint16(2), jpeg };
}

/**
 * The bits by which DevTools knows the keys that are held.
 * @param {{altKey: boolean, ctrlKey: boolean, metaKey: boolean, shiftKey: boolean}} event
 */
export function modifiers(event) {
  return (event.altKey ? 1 : 0) | (event.ctrlKey ? 2 : 0) | (event.metaKey ? 4 : 0) | (event.shiftKey ? 8 : 0);
}
