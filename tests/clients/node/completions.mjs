// Completions of old.
import assert from "node:assert/strict";
import { HELLO, OpenAI, all, check, openai, refuses } from "./checks.mjs";

const ROUTE = "POST /v1/completions";
const create = (fields = {}) => openai.completions.create({ model: "practice-echo", prompt: HELLO, ...fields });

check(`${ROUTE}: whole`, async () => {
  const answer = await create();
  assert.equal(answer.choices[0].text, HELLO);
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.ok(answer.usage.total_tokens > 0);
  assert.equal((await create({ prompt: [HELLO] })).choices[0].text, HELLO);
});

check(`${ROUTE}: suffix`, async () => {
  const { text } = (await create({ prompt: "fn a() {", suffix: "} // end" })).choices[0];
  assert.ok(text.includes("fn a() {") && text.includes("} // end"), text);
});

check(`${ROUTE}: streamed`, async () => {
  const chunks = await all(await create({ stream: true, stream_options: { include_usage: true } }));
  const last = chunks.pop();
  assert.equal(chunks.map((chunk) => chunk.choices[0].text).join(""), HELLO);
  assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
  assert.deepEqual(last.choices, []);
  assert.ok(last.usage.completion_tokens > 0);
});

check(`${ROUTE}: limits and refusals`, async () => {
  const cut = await create({ prompt: "word ".repeat(200), max_tokens: 16 });
  assert.equal(cut.choices[0].finish_reason, "length");
  assert.equal((await create({ stop: [" wörld"] })).choices[0].text, "héllo,");
  for (const fields of [{ prompt: ["a", "b"] }, { prompt: [1, 2] }, { n: 2 }, { best_of: 2 }]) {
    await refuses(OpenAI.BadRequestError, () => create(fields), { status: 400 });
  }
});
