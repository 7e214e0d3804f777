// @ts-check
// Installs the script once in a document of the site, says hello, and runs what it is told.

/**
 * @param {any} scope The global object of our isolated world.
 * @param {{ origins: string[], binding: string, entry: string, socket?: { url: string, token: string } | null }} config
 *   With `socket` everything goes through a WebSocket, and the binding says only that one is dialled, or cannot be.
 */
function install(scope, config) {
  // The script is run in every frame of the process, and again in a document that already has it.
  if (scope.self !== scope.top || !config.origins.includes(scope.location.origin)) return;
  const send = scope[config.binding];
  if (Object.hasOwn(scope, config.entry) || typeof send !== "function") return;

  const doc = Array.from(scope.crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0")).join("");
  const over = new scope.AbortController();
  const aside = (/** @type {Frame} */ frame) => send(JSON.stringify([{ doc, id: 0, seq: 0, ...frame }]));
  const socket = config.socket ? createSocket({
    scope, doc, ...config.socket,
    begin() {
      streams.abortAll();
      watches.abortAll();
      transport.restart();
      hello();
    },
    run: (commands) => commands.forEach(run),
    fail(reason) {
      over.abort();
      aside({ k: "no_socket", reason });
    },
  }) : undefined;
  const transport = createTransport({ doc, send: socket?.send ?? send });
  const page = createPage(scope);
  const streams = createStreams({ scope, emit: transport.emit, cookie: page.cookie });
  const controls = createControls({ scope, page });
  const watches = createWatches({ scope, page, controls, emit: transport.emit });
  const run = createRunner({ page, controls, streams, watches, emit: transport.emit });

  over.signal.addEventListener("abort", () => {
    transport.close();
    socket?.close();
    streams.abortAll();
    watches.abortAll();
  });
  scope.addEventListener("pagehide", () => over.abort(), { signal: over.signal });
  if (socket) scope.addEventListener("securitypolicyviolation", socket.forbidden, { signal: over.signal });

  /** False when the commands are meant for another document: context ids are used again after a crash. */
  const deliver = (/** @type {string} */ expected, /** @type {unknown[]} */ commands) => {
    if (expected !== doc) return false;
    commands.forEach(run);
    return true;
  };
  Object.defineProperty(scope, config.entry, { value: Object.freeze({ deliver }) });
  const hello = () =>
    transport.emit(0, { k: "hello", version: VERSION, origin: scope.location.origin, path: scope.location.pathname });
  if (socket) {
    // A socket takes its time: by then, another document may be on its way.
    aside({ k: "dialling" });
    socket.open();
  } else hello();
}

/**
 * @param {{ page: ReturnType<typeof createPage>, controls: ReturnType<typeof createControls>,
 *           streams: ReturnType<typeof createStreams>, watches: ReturnType<typeof createWatches>,
 *           emit: (id: number, frame: Frame) => void }} parts
 */
function createRunner({ page, controls, streams, watches, emit }) {
  /** Commands that are answered by a stream of their own, or by another command's. */
  const silent = Object.freeze(/** @type {Record<string, (command: any) => void>} */ ({
    fetch: (command) => void streams.start(command),
    watch: (command) => watches.start(command),
    confirm: ({ id }) => watches.confirm(id),
    finish: ({ id, heard }) => watches.finish(id, heard),
    credit({ id, chunks }) {
      streams.grant(id, chunks);
      watches.grant(id, chunks);
    },
    abort({ id }) {
      streams.abort(id);
      watches.abort(id);
    },
  }));
  const answers = Object.freeze(/** @type {Record<string, (command: any) => unknown>} */ ({
    count: ({ selector }) => page.count(selector),
    fill: ({ selector, value }) => page.fill(selector, value),
    click: ({ selector }) => page.click(selector),
    enter: ({ selector }) => page.enter(selector),
    text: ({ selector, limit }) => page.text(selector, limit),
    location: () => page.location(),
    cookies: () => page.cookieNames(),
    shown: ({ selectors }) => selectors.map(page.shown),
    press: ({ selector }) => page.pressShown(selector),
    compose: ({ selector, value }) => controls.compose(selector, value),
    composed: ({ selector }) => controls.composed(selector),
    options: ({ selector, most }) => controls.options(selector, most),
    pick: ({ selector, name }) => controls.pick(selector, name),
    sendable: ({ send }) => controls.sendable(send),
    submit({ composer, send }) {
      controls.submit(composer, send);
      watches.sent();
    },
  }));

  return (/** @type {any} */ raw) => {
    try {
      const command = readCommand(raw);
      if (Object.hasOwn(silent, command.op)) silent[command.op](command);
      else emit(command.id, { k: "value", value: answers[command.op](command) ?? null });
    } catch (thrown) {
      emit(raw.id, describeError(thrown));
    }
  };
}

install(globalThis, wormhole);
