// @ts-check
// The other carrier: a WebSocket to the bridge's page port. A socket that breaks is replaced, and what was on its way
// is said again: both ends count the messages of a document, and neither hears one twice.

/** How long to try for a socket, in milliseconds. The bridge waits a little longer for a document it knows. */
const SOCKET_WITHIN = 6000;

/** The rests between two tries: from the first to the longest, in milliseconds. */
const SOCKET_REST = Object.freeze([50, 800]);

/** What the bridge closes with when it will not take more of this document, however often it tries. */
const SOCKET_FINAL = Object.freeze([1009, 4401]);

/**
 * @param {{ scope: any, doc: string, url: string, token: string, begin: () => void, run: (commands: unknown[]) => void,
 *           fail: (reason: "policy" | "insecure" | "failed" | "lost") => void }} parts `begin` is for a bridge that knows
 *   nothing of this document (yet, or any more); `fail` is called once, and ends it.
 */
function createSocket({ scope, doc, url, token, begin, run, fail }) {
  const { parse, stringify } = JSON;
  const { WebSocket } = scope;
  const host = new scope.URL(url).origin;
  /** @type {string[]} Said and not yet known to be heard: never more than the commands that run have credit for. */
  let kept = [];
  /** Messages that the bridge has heard; batches of commands that we have; of those, how many it knows we have. */
  let [heard, taken, told] = [0, 0, 0];
  /** @type {any} */
  let socket;
  let [joined, known, over] = [false, false, false];
  let rest = SOCKET_REST[0];
  /** @type {any} */
  let [redial, limit] = [undefined, undefined];

  function end() {
    over = true;
    joined = false;
    kept = [];
    scope.clearTimeout(redial);
    scope.clearTimeout(limit);
    socket?.close(1000, "left");
  }

  /** @param {"policy" | "insecure" | "failed" | "lost"} reason */
  function giveUp(reason) {
    if (over) return;
    end();
    fail(reason);
  }

  /** @param {string} frames */
  function send(frames) {
    if (over) return;
    told = taken;
    const text = `{"heard":${taken},"frames":${frames}}`;
    kept.push(text);
    if (joined) socket.send(text);
  }

  /** @param {number} count */
  function forget(count) {
    kept.splice(0, count - heard);
    heard = count;
  }

  /** @param {{ heard: number | null }} welcome */
  function join(welcome) {
    scope.clearTimeout(limit);
    [joined, rest] = [true, SOCKET_REST[0]];
    if (welcome.heard === null) {
      [kept, heard, taken, told, known] = [[], 0, 0, 0, true];
      begin();
    } else {
      forget(welcome.heard);
      for (const text of kept) socket.send(text);
    }
  }

  /** @param {{ heard: number, commands: unknown[] }} batch */
  function take(batch) {
    forget(batch.heard);
    taken += 1;
    run(batch.commands);
    // The bridge waits to hear that they have come; whatever was said meanwhile has told it.
    if (told !== taken) send("[]");
  }

  function dial() {
    try {
      socket = new WebSocket(url);
    } catch {
      giveUp("insecure");
      return;
    }
    const ours = socket;
    ours.onopen = () => ours.send(stringify({ token, doc, taken }));
    ours.onmessage = (/** @type {any} */ { data }) => {
      if (over) return;
      if (joined) take(parse(data));
      else join(parse(data));
    };
    ours.onclose = (/** @type {any} */ { code }) => {
      if (over) return;
      if (SOCKET_FINAL.includes(code)) {
        giveUp(known ? "lost" : "failed");
        return;
      }
      if (joined) hurry();
      joined = false;
      redial = scope.setTimeout(dial, rest);
      rest = Math.min(rest * 2, SOCKET_REST[1]);
    };
  }

  /** From now on there is a limit to the time without a socket. */
  function hurry() {
    limit = scope.setTimeout(() => giveUp(known ? "lost" : "failed"), SOCKET_WITHIN);
  }

  return Object.freeze({
    send,
    open() {
      hurry();
      dial();
    },
    close: end,
    /** The page's policy has forbidden something: if it was this, trying again is of no use. */
    forbidden(/** @type {any} */ { disposition, effectiveDirective, blockedURI }) {
      const ours = effectiveDirective === "connect-src" && String(blockedURI).startsWith(host);
      if (!known && ours && disposition === "enforce") giveUp("policy");
    },
  });
}
