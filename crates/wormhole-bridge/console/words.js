// @ts-check
// States and times in words.

/** @typedef {{title: string, what: string, kind: "good"|"waiting"|"person"|"bad"|"paused"}} Words */

/** @type {Record<import("./wire.js").State, Words>} */
const STATES = {
  starting: { title: "Starting", what: "The browser or the chat page is coming up.", kind: "waiting" },
  logging_in: { title: "Logging in", what: "The credentials are being given to the site.", kind: "waiting" },
  ready: { title: "Ready", what: "Logged in. Messages are posted and answered.", kind: "good" },
  expired: { title: "Session ended", what: "A new login follows by itself, once the answers that still run have ended.", kind: "waiting" },
  challenge: { title: "A person is needed", what: "The site asks for something that only a person can do. Do it in the page; the rest goes on by itself.", kind: "person" },
  blocked: { title: "Blocked", what: "Nothing is tried again until somebody acts.", kind: "bad" },
  browser_down: { title: "Browser down", what: "The browser is gone and being started again.", kind: "bad" },
  draining: { title: "Going down", what: "What runs is being finished; nothing new is taken.", kind: "waiting" },
};

/** @type {Words} */
const PAUSED = { title: "Paused", what: "The page is yours. Messages wait until you resume.", kind: "paused" };

/**
 * @param {import("./wire.js").Status} status
 * @returns {Words}
 */
export function words(status) {
  return status.paused && status.state === "starting" ? PAUSED : STATES[status.state];
}

/** @param {import("./wire.js").Change} change */
export function title({ state, detail }) {
  return state === "starting" && detail.startsWith("paused") ? PAUSED.title : STATES[state].title;
}

/**
 * The time of day, with the date where it was another day.
 * @param {number} at milliseconds since 1970
 */
export function clock(at) {
  const time = new Date(at);
  const hour = time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const today = time.toDateString() === new Date().toDateString();
  return today ? hour : `${time.toLocaleDateString()} ${hour}`;
}

/**
 * How long ago that is.
 * @param {number} at milliseconds since 1970
 */
export function ago(at) {
  const minutes = Math.floor((Date.now() - at) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`;
}
