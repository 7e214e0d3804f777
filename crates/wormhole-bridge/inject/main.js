// @ts-check
// Installs the script once in a document of the site, says hello, and runs what it is told.

/**
 * @param {any} scope The global object of our isolated world.
 * @param {{ origins: string[], binding: string, entry: string }} config
 */
function install(scope, config) {
  // The script is run in every frame of the process, and again in a document that already has it.
  if (scope.self !== scope.top || !config.origins.includes(scope.location.origin)) return;
  const send = scope[config.binding];
  if (Object.hasOwn(scope, config.entry) || typeof send !== "function") return;

  const doc = Array.from(scope.crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0")).join("");
  const over = new scope.AbortController();
  const transport = createTransport({ doc, send });
  const page = createPage(scope);
  const streams = createStreams({ scope, emit: transport.emit, cookie: page.cookie });
  const run = createRunner({ page, streams, emit: transport.emit });

  over.signal.addEventListener("abort", () => {
    transport.close();
    streams.abortAll();
  });
  scope.addEventListener("pagehide", () => over.abort(), { signal: over.signal });

  /** False when the commands are meant for another document: context ids are used again after a crash. */
  const deliver = (/** @type {string} */ expected, /** @type {unknown[]} */ commands) => {
    if (expected !== doc) return false;
    commands.forEach(run);
    return true;
  };
  Object.defineProperty(scope, config.entry, { value: Object.freeze({ deliver }) });
  transport.emit(0, { k: "hello", version: VERSION, origin: scope.location.origin, path: scope.location.pathname });
}

/**
 * @param {{ page: ReturnType<typeof createPage>, streams: ReturnType<typeof createStreams>,
 *           emit: (id: number, frame: Frame) => void }} parts
 */
function createRunner({ page, streams, emit }) {
  /** @param {any} command */
  function answer(command) {
    switch (command.op) {
      case "count": return page.count(command.selector);
      case "fill": return page.fill(command.selector, command.value);
      case "click": return page.click(command.selector);
      case "enter": return page.enter(command.selector);
      case "text": return page.text(command.selector, command.limit);
      case "location": return page.location();
      default: return page.cookieNames();
    }
  }

  return (/** @type {any} */ raw) => {
    try {
      const command = readCommand(raw);
      if (command.op === "fetch") void streams.start(command);
      else if (command.op === "credit") streams.grant(command.id, command.chunks);
      else if (command.op === "abort") streams.abort(command.id);
      else emit(command.id, { k: "value", value: answer(command) ?? null });
    } catch (thrown) {
      emit(raw.id, describeError(thrown));
    }
  };
}

install(globalThis, wormhole);
