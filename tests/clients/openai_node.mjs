// The official OpenAI Node SDK: model list, whole and streamed chat, and its strict streaming helper.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

// The SDK lives in .tools/node, which no parent folder of this file is.
const require = createRequire(pathToFileURL(path.join(process.env.NODE_CLIENTS, "package.json")));
const { default: OpenAI } = await import(pathToFileURL(require.resolve("openai")));

const WORDS = 5;
const client = new OpenAI({ baseURL: `${process.env.BASE_URL}/v1`, apiKey: process.env.API_KEY, timeout: 60_000 });

async function releaseOneWord() {
  const reply = await fetch(`${process.env.CONTROL_URL}/control/release`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ count: 1 }),
  });
  assert.ok(reply.ok, `control answered ${reply.status}`);
}

const names = [];
for await (const model of client.models.list()) names.push(model.id);
assert.ok(names.includes("practice-echo"), names.join(" "));

const whole = await client.chat.completions.create({
  model: "practice-echo",
  messages: [{ role: "user", content: "héllo, wörld 🕳️" }],
});
assert.equal(whole.choices[0].message.content, "héllo, wörld 🕳️");
assert.equal(whole.choices[0].finish_reason, "stop");

// Each word is released only when the one before has arrived here.
const stream = client.chat.completions.stream({
  model: "practice-gate",
  messages: [{ role: "user", content: `[[words:${WORDS}]]` }],
});
let text = "";
let received = 0;
await releaseOneWord();
for await (const chunk of stream) {
  text += chunk.choices[0]?.delta?.content ?? "";
  while (received < text.split(" ").filter(Boolean).length) {
    received += 1;
    if (received < WORDS) await releaseOneWord();
  }
}
assert.deepEqual(text.trim().split(/\s+/), Array.from({ length: WORDS }, (_, n) => `w${n + 1}`));
const final = await stream.finalChatCompletion();
assert.equal(final.choices[0].finish_reason, "stop");
console.log("ok");
