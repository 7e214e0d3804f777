// The official Anthropic Node SDK: whole and streamed messages, and its strict streaming helper.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

// The SDK lives in .tools/node, which no parent folder of this file is.
const require = createRequire(pathToFileURL(path.join(process.env.NODE_CLIENTS, "package.json")));
const { default: Anthropic } = await import(pathToFileURL(require.resolve("@anthropic-ai/sdk")));

const client = new Anthropic({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY, timeout: 60_000 });
const messages = [{ role: "user", content: "héllo, wörld 🕳️" }];

const whole = await client.messages.create({ model: "practice-echo", max_tokens: 1024, messages });
assert.equal(whole.content[0].text, "héllo, wörld 🕳️");
assert.equal(whole.stop_reason, "end_turn");

const thinking = { type: "enabled", budget_tokens: 1024 };
const stream = client.messages.stream({ model: "practice-thinker", max_tokens: 2048, messages, thinking });
let text = "";
stream.on("text", (delta) => (text += delta));
const final = await stream.finalMessage();
assert.deepEqual(final.content.map((block) => block.type), ["thinking", "text"]);
assert.equal(final.content[1].text, text);

await assert.rejects(
  client.messages.create({ model: "no-such-model", max_tokens: 10, messages }),
  (error) => error instanceof Anthropic.NotFoundError && Boolean(error.requestID),
);
console.log("ok");
