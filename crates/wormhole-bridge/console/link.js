// @ts-check
// The socket to the bridge. It comes back by itself.

import { readFrame } from "./wire.js";

/** The first retry comes this soon, the last ones this late; in milliseconds. */
const RETRY = { first: 500, last: 10_000 };

/** Close codes after which the same again would not help. */
const SIGNED_OUT = 1008;
const FULL = 1013;

/**
 * @param {{
 *   onTell: (tell: import("./wire.js").Tell) => void,
 *   onFrame: (frame: import("./wire.js").Frame | null) => Promise<void>,
 *   onLink: (words: string, up: boolean) => void,
 * }} handlers
 * @returns {{send: import("./wire.js").Send}}
 */
export function createLink({ onTell, onFrame, onLink }) {
  /** @type {WebSocket | null} */
  let socket = null;
  let wait = RETRY.first;

  /** @type {import("./wire.js").Send} */
  const send = (want) => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(want));
  };
  const look = () => send({ type: "look", on: document.visibilityState === "visible" });

  async function again() {
    // A socket that is refused does not say why; a request does.
    const signedOut = await fetch("api/status").then((answer) => answer.status === 401, () => false);
    if (signedOut) return location.reload();
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, RETRY.last);
  }

  function connect() {
    const address = new URL("api/view", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const mine = new WebSocket(address);
    socket = mine;
    mine.binaryType = "arraybuffer";
    mine.onopen = () => {
      wait = RETRY.first;
      onLink("Connected", true);
      look();
    };
    mine.onmessage = async ({ data }) => {
      if (typeof data === "string") return onTell(JSON.parse(data));
      const frame = readFrame(data);
      await onFrame(frame);
      if (frame && socket === mine) send({ type: "seen" });
    };
    mine.onclose = ({ code, reason }) => {
      if (code === SIGNED_OUT) return location.reload();
      onLink(code === FULL ? reason : "Connection lost, trying again…", false);
      void onFrame(null);
      void again();
    };
  }

  document.addEventListener("visibilitychange", look);
  connect();
  return { send };
}
