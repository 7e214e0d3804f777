// @ts-check
// What bridge and page say to each other. Commands come in as objects; frames go out as JSON, an array a call.

/**
 * @typedef {{ cookie: string, header: string, decode: boolean }} CsrfRule
 * @typedef {{ id: number, op: "fetch", method: string, path: string, headers: [string, string][],
 *             body: string | null, csrf: CsrfRule | null, credit: number }} FetchCommand
 * @typedef {{ id: number, op: "credit", chunks: number }} CreditCommand
 * @typedef {{ id: number, op: "abort" }} AbortCommand
 * @typedef {{ id: number, op: "count" | "click" | "enter", selector: string }} ElementCommand
 * @typedef {{ id: number, op: "fill" | "compose", selector: string, value: string }} FillCommand
 * @typedef {{ id: number, op: "text", selector: string, limit: number }} TextCommand
 * @typedef {{ id: number, op: "location" | "cookies" }} PlainCommand
 * @typedef {{ id: number, op: "press" | "composed", selector: string }} ControlCommand
 * @typedef {{ id: number, op: "shown", selectors: string[] }} ShownCommand
 * @typedef {{ id: number, op: "sendable", send: string }} SendableCommand
 * @typedef {{ id: number, op: "submit", composer: string, send: string | null }} SubmitCommand
 * @typedef {{ id: number, op: "options", selector: string, most: number }} OptionsCommand
 * @typedef {{ id: number, op: "pick", selector: string, name: string }} PickCommand
 * @typedef {{ id: number, op: "confirm" }} ConfirmCommand
 * @typedef {{ id: number, op: "finish", heard: number }} FinishCommand
 * @typedef {FetchCommand | CreditCommand | AbortCommand | ElementCommand | FillCommand | TextCommand
 *           | PlainCommand | ControlCommand | ShownCommand | SendableCommand | SubmitCommand | OptionsCommand | PickCommand
 *           | WatchCommand | ConfirmCommand | FinishCommand} Command
 * @typedef {{ k: "hello", version: number, origin: string, path: string }
 *          | { k: "head", status: number, url: string, content_type: string, retry_after: string }
 *          | { k: "chunk", text: string } | { k: "end" } | { k: "value", value: unknown }
 *          | { k: "error", code: ErrorCode, message: string }
 *          | { k: "dialling" } | { k: "no_socket", reason: "policy" | "insecure" | "failed" | "lost" }} Frame
 * @typedef {"aborted" | "network" | "encoding" | "missing" | "script"} ErrorCode
 */

/** Version of the commands, said in `hello`: the bridge refuses a script of another one. */
const VERSION = 1;

/** The longest text of one chunk, in UTF-16 units. */
const CHUNK_UNITS = 64 * 1024;

/** The longest error message. */
const MESSAGE_UNITS = 200;

/** A failure with a code of the protocol. */
class CommandError extends Error {
  /** @param {ErrorCode} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = "CommandError";
    this.code = code;
  }
}

/** What each command must carry, by the `typeof` of its fields. */
const FIELDS = Object.freeze(/** @type {Record<string, Record<string, string>>} */ ({
  fetch: { method: "string", path: "string", headers: "object", credit: "number" },
  credit: { chunks: "number" },
  abort: {},
  count: { selector: "string" },
  fill: { selector: "string", value: "string" },
  click: { selector: "string" },
  enter: { selector: "string" },
  text: { selector: "string", limit: "number" },
  location: {},
  cookies: {},
  shown: { selectors: "object" },
  press: { selector: "string" },
  compose: { selector: "string", value: "string" },
  composed: { selector: "string" },
  sendable: { send: "string" },
  submit: { composer: "string" },
  options: { selector: "string", most: "number" },
  pick: { selector: "string", name: "string" },
  watch: { replies: "string", ignore: "object", error: "object", composer: "string", credit: "number" },
  confirm: {},
  finish: { heard: "number" },
}));

/**
 * The command, or an error that names what is wrong with it (never a value: one may be a password).
 * @param {any} command
 * @returns {Command}
 */
function readCommand(command) {
  const fields = Object.hasOwn(FIELDS, command.op) ? FIELDS[command.op] : undefined;
  if (!fields) throw new CommandError("script", `unknown command ${command.op}`);
  for (const [name, type] of Object.entries(fields)) {
    if (typeof command[name] !== type || command[name] === null) {
      throw new CommandError("script", `${command.op}: ${name} is not of type ${type}`);
    }
  }
  return command;
}

/**
 * What to report of anything that was thrown.
 * @param {any} thrown
 * @returns {{ k: "error", code: ErrorCode, message: string }}
 */
function describeError(thrown) {
  const code = thrown instanceof CommandError ? thrown.code : "script";
  const message =
    thrown instanceof CommandError ? thrown.message : `${thrown?.name ?? "Error"}: ${thrown?.message ?? thrown}`;
  return { k: "error", code, message: message.slice(0, MESSAGE_UNITS) };
}
