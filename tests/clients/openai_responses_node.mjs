// The official OpenAI Node SDK: responses, whole, streamed with its strict helper, and continued.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

// The SDK lives in .tools/node, which no parent folder of this file is.
const require = createRequire(pathToFileURL(path.join(process.env.NODE_CLIENTS, "package.json")));
const { default: OpenAI } = await import(pathToFileURL(require.resolve("openai")));

const client = new OpenAI({ baseURL: `${process.env.BASE_URL}/v1`, apiKey: process.env.API_KEY, timeout: 60_000 });
const input = "héllo, wörld 🕳️";

const first = await client.responses.create({ model: "practice-echo", input });
assert.equal(first.output_text, input);
const second = await client.responses.create({
  model: "practice-echo",
  input: "and now?",
  previous_response_id: first.id,
});
assert.ok(second.output_text.includes("and now?"), second.output_text);

const stream = client.responses.stream({ model: "practice-thinker", input });
let text = "";
let next = 0;
for await (const event of stream) {
  assert.equal(event.sequence_number, next++);
  if (event.type === "response.output_text.delta") text += event.delta;
}
const final = await stream.finalResponse();
assert.equal(final.status, "completed");
assert.equal(final.output_text, text);
assert.ok(text);
console.log("ok");
