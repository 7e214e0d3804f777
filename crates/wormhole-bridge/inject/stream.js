// @ts-check
// Requests of the page, streamed to the bridge: one message for each chunk the network delivers.

/**
 * How many chunks may still be sent. The bridge grants more as its reader takes them; without credit the body is
 * not read, and HTTP's own flow control slows the site down.
 * @param {number} chunks
 * @param {AbortSignal} signal
 */
function createCredit(chunks, signal) {
  let left = chunks;
  /** @type {(() => void) | undefined} */
  let wake;
  signal.addEventListener("abort", () => wake?.(), { once: true });
  return Object.freeze({
    left: () => left,
    /** For what cannot wait. */
    spend() {
      left -= 1;
    },
    /** @param {number} more */
    grant(more) {
      left += more;
      wake?.();
    },
    async take() {
      while (left < 1 && !signal.aborted) {
        await new Promise((resolve) => {
          wake = () => resolve(undefined);
        });
      }
      signal.throwIfAborted();
      left -= 1;
    },
  });
}

/**
 * Cuts text into pieces of at most `limit` units, never inside a surrogate pair: half a pair is no text.
 * @param {string} text
 * @param {number} limit
 */
function* pieces(text, limit) {
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + limit, text.length);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
}

/**
 * @param {{ scope: any, emit: (id: number, frame: Frame) => void,
 *           cookie: (name: string, decode: boolean) => string | undefined }} parts
 */
function createStreams({ scope, emit, cookie }) {
  // Captured once: what happens to the globals later does not concern us.
  const { AbortController, Request, TextDecoder, URL } = scope;
  const fetch = scope.fetch.bind(scope);
  const origin = scope.location.origin;
  /** @type {Map<number, { control: AbortController, credit: ReturnType<typeof createCredit> }>} */
  const running = new Map();

  /** @param {FetchCommand} command @param {AbortSignal} signal */
  function request(command, signal) {
    const url = new URL(command.path, origin);
    if (url.origin !== origin) throw new CommandError("script", "fetch: the path leaves the page's origin");
    const headers = [...command.headers];
    const token = command.csrf ? cookie(command.csrf.cookie, command.csrf.decode) : undefined;
    if (command.csrf && token !== undefined) headers.push([command.csrf.header, token]);
    const body = command.body ?? undefined;
    return new Request(url.href, {
      method: command.method, headers, body, signal, credentials: "same-origin", cache: "no-store",
    });
  }

  /** @param {any} response */
  function head(response) {
    const url = response.url ? new URL(response.url) : undefined;
    return /** @type {const} */ ({
      k: "head",
      status: response.status,
      url: url ? url.origin + url.pathname : "",
      content_type: response.headers.get("content-type") ?? "",
      retry_after: response.headers.get("retry-after") ?? "",
    });
  }

  /** Only bytes that are UTF-8 to the end become an end. @param {any} decoder @param {Uint8Array=} bytes */
  function decode(decoder, bytes) {
    try {
      return bytes ? decoder.decode(bytes, { stream: true }) : decoder.decode();
    } catch {
      throw new CommandError("encoding", "the body is not UTF-8, or ends inside a character");
    }
  }

  /** @param {FetchCommand} command @param {any} response @param {ReturnType<typeof createCredit>} credit */
  async function pump(command, response, credit) {
    if (!response.body) return;
    const reader = response.body.getReader();
    const decoder = new TextDecoder("utf-8", { fatal: true });
    for (;;) {
      const { done, value } = await reader.read();
      for (const text of pieces(decode(decoder, done ? undefined : value), CHUNK_UNITS)) {
        await credit.take();
        emit(command.id, { k: "chunk", text });
      }
      if (done) return;
    }
  }

  /** What the network breaks is a TypeError of `fetch` or of the reader; a bad request never gets that far. */
  const network = (/** @type {any} */ thrown) =>
    thrown instanceof CommandError || thrown?.name === "AbortError" ? thrown
      : new CommandError("network", `${thrown?.name}: ${thrown?.message}`);

  return Object.freeze({
    /** @param {FetchCommand} command */
    async start(command) {
      const { id } = command;
      const control = new AbortController();
      const { signal } = control;
      const credit = createCredit(command.credit, signal);
      running.set(id, { control, credit });
      try {
        const asked = request(command, signal);
        try {
          const response = await fetch(asked);
          emit(id, head(response));
          await pump(command, response, credit);
        } catch (thrown) {
          throw network(thrown);
        }
        emit(id, { k: "end" });
      } catch (/** @type {any} */ thrown) {
        const aborted = signal.aborted || thrown?.name === "AbortError";
        control.abort();
        emit(id, describeError(aborted ? new CommandError("aborted", "aborted") : thrown));
      } finally {
        running.delete(id);
      }
    },
    /** @param {number} id @param {number} chunks */
    grant: (id, chunks) => running.get(id)?.credit.grant(chunks),
    /** @param {number} id */
    abort: (id) => running.get(id)?.control.abort(),
    abortAll() {
      for (const { control } of running.values()) control.abort();
    },
  });
}
