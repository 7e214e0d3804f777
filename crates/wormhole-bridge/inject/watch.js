// @ts-check
// Watches one answer grow in the page, and says what of it is certain.
//
// It uses no timers, as a hidden tab holds them back: the bridge says when an answer has stood still (`confirm`), and
// when it has done so for long enough to be whole (`finish`).

/**
 * @typedef {{ id: number, op: "watch", replies: string, body: string | null, ignore: string[], asked: string | null,
 *             stop: string | null, busy: string | null, done: string | null, error: string[], composer: string,
 *             credit: number }} WatchCommand
 * @typedef {"none" | "on" | "off"} Sign Whether the page shows that it is still writing; `none`: it has not shown so far.
 */

/** The beginning that two texts share, never half a character. @param {string} one @param {string} other */
function shared(one, other) {
  let end = 0;
  const most = Math.min(one.length, other.length);
  while (end < most && one.charCodeAt(end) === other.charCodeAt(end)) end += 1;
  const last = one.charCodeAt(end - 1);
  return one.slice(0, last >= 0xd800 && last <= 0xdbff ? end - 1 : end);
}

/**
 * @param {{ scope: any, page: ReturnType<typeof createPage>, controls: ReturnType<typeof createControls>,
 *           command: WatchCommand, say: (frame: Frame) => void }} parts
 */
function createWatch({ scope, page, controls, command, say }) {
  const { MutationObserver, location, document } = scope;
  const markdown = createMarkdown(scope, command.ignore);
  const control = new scope.AbortController();
  const credit = createCredit(command.credit, control.signal);
  const count = (/** @type {string | null} */ selector) => (selector ? page.all(selector).length : 0);
  const showing = (/** @type {string | null} */ selector) => selector !== null && page.shown(selector) > 0;
  const errors = () => command.error.flatMap((selector) => [...page.all(selector)]).filter(page.visible);

  const before = { replies: [...page.all(command.replies)], asked: count(command.asked), errors: new Set(errors().map(textOf)) };
  let sent = false, posted = false, wasOn = false, over = false, events = 0;
  /** @type {any} */
  let reply;
  /** What was passed on, what was certain at the last change, and the whole as it was then. */
  let passed = "", certain = "", whole = "";
  let last = "";

  /** @param {any} element */
  function textOf(element) {
    return String(element.innerText ?? element.textContent ?? "").trim();
  }

  /** The answer to our own message: never one that was there before. */
  function bind() {
    const all = [...page.all(command.replies)];
    if (reply?.isConnected && all.includes(reply)) return;
    const mine = command.asked ? [...page.all(command.asked)].slice(before.asked).at(0) : undefined;
    if (command.asked && !mine) return;
    const later = (/** @type {any} */ element) =>
      !mine || (mine.compareDocumentPosition(element) & 4) !== 0;
    reply = all.slice(before.replies.length).find((element) => !before.replies.includes(element) && later(element));
  }

  /** @returns {Sign} */
  function sign() {
    const on = showing(command.stop) || showing(command.busy);
    wasOn ||= on;
    if (on) return "on";
    if (command.done === null) return wasOn ? "off" : "none";
    const after = (/** @type {any} */ mark) => reply && (reply.contains(mark) || (reply.compareDocumentPosition(mark) & 4) !== 0);
    return [...page.all(command.done)].some((mark) => page.visible(mark) && after(mark)) ? "off" : "on";
  }

  const body = () => (command.body ? reply?.querySelector(command.body) : reply);

  /** What the page complains of that it did not before; or that it has taken back, and says again. */
  function complaint() {
    const now = errors().map(textOf);
    for (const words of before.errors) if (!now.includes(words)) before.errors.delete(words);
    return now.find((words) => !before.errors.has(words));
  }

  function isPosted() {
    return count(command.asked) > before.asked || reply !== undefined || (sent && controls.isEmpty(command.composer));
  }

  /** What may be passed on now. @param {string} next What is certain. @param {boolean} still It has stood still. */
  function release(next, still) {
    const sure = still ? next : shared(next, certain);
    certain = next;
    return sure.length > passed.length && sure.startsWith(passed) ? sure.slice(passed.length) : "";
  }

  /** @param {boolean} still */
  function look(still) {
    if (over) return;
    bind();
    const root = body();
    const now = root ? markdown.whole(root) : "";
    const moved = now !== whole;
    whole = now;
    posted ||= isPosted();
    const words = complaint();
    const status = { posted, sign: sign(), address: location.pathname + location.search, ...(words === undefined ? {} : { error: words.slice(0, MESSAGE_UNITS) }) };
    const text = root ? release(markdown.stable(root), still) : "";
    const said = JSON.stringify(status);
    if (!text && !moved && said === last) return;
    last = said;
    if (text) pass(text, status);
    else event({ ...status, text: "" });
  }

  /** @param {string} text @param {object} status */
  function pass(text, status) {
    passed += text;
    for (const piece of pieces(text, CHUNK_UNITS / 4)) event({ ...status, text: piece });
  }

  /** Pieces wait for the bridge in its channel: it grants more than one look needs. @param {object} what */
  function event(what) {
    events += 1;
    credit.spend();
    say({ k: "chunk", text: JSON.stringify(what) });
  }

  /** @param {any[]} records */
  function changed(records) {
    for (const { target } of records) markdown.changed(target);
    if (credit.left() > 0) look(false);
  }

  const observer = new MutationObserver(changed);
  observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });

  function close() {
    over = true;
    observer.disconnect();
    control.abort();
  }

  return Object.freeze({
    id: command.id,
    sent() {
      sent = true;
      look(false);
    },
    /** @param {number} chunks */
    grant(chunks) {
      credit.grant(chunks);
      changed(observer.takeRecords());
    },
    confirm() {
      changed(observer.takeRecords());
      look(true);
    },
    /** Ends the answer, unless more was said than the bridge has `heard`. @param {number} heard */
    finish(heard) {
      changed(observer.takeRecords());
      if (over || heard !== events || sign() === "on" || !body()) return;
      const rest = markdown.whole(body());
      const status = { posted, sign: "off", address: location.pathname + location.search };
      if (rest.startsWith(passed)) pass(rest.slice(passed.length), status);
      else event({ ...status, text: "", rewritten: true });
      close();
      say({ k: "end" });
    },
    /** Nobody wants the answer any more: the page is told, too, once it offers to be. */
    abort() {
      if (over) return;
      close();
      const { stop } = command;
      if (!sent || stop === null || sign() === "off") return;
      if (page.pressShown(stop)) return;
      const later = new MutationObserver(() => {
        if (page.pressShown(stop)) later.disconnect();
      });
      later.observe(document, { subtree: true, childList: true, attributes: true });
      return later;
    },
    close,
  });
}

/**
 * @param {{ scope: any, page: ReturnType<typeof createPage>, controls: ReturnType<typeof createControls>,
 *           emit: (id: number, frame: Frame) => void }} parts
 */
function createWatches({ scope, page, controls, emit }) {
  /** @type {ReturnType<typeof createWatch> | undefined} One answer at a time. */
  let current;
  /** Waits to stop an answer that nobody wants. @type {any} */
  let stopper;
  const mine = (/** @type {number} */ id) => (current?.id === id ? current : undefined);

  return Object.freeze({
    /** @param {WatchCommand} command */
    start(command) {
      current?.close();
      stopper?.disconnect();
      current = createWatch({ scope, page, controls, command, say: (frame) => emit(command.id, frame) });
    },
    sent: () => current?.sent(),
    grant: (/** @type {number} */ id, /** @type {number} */ chunks) => mine(id)?.grant(chunks),
    confirm: (/** @type {number} */ id) => mine(id)?.confirm(),
    finish: (/** @type {number} */ id, /** @type {number} */ heard) => mine(id)?.finish(heard),
    /** @param {number} id */
    abort(id) {
      stopper = mine(id)?.abort() ?? stopper;
    },
    abortAll: () => current?.close(),
  });
}
