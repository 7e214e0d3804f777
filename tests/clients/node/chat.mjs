// Chat completions without tools.
import assert from "node:assert/strict";
import { HELLO, OpenAI, PERSON, PNG, all, check, inOrder, openai, readGated, refuses, user } from "./checks.mjs";

const ROUTE = "POST /v1/chat/completions";
const create = (fields = {}) =>
  openai.chat.completions.create({ model: "practice-echo", messages: [user(HELLO)], ...fields });
const text = (answer) => answer.choices[0].message.content;

check(`${ROUTE}: whole`, async () => {
  const answer = await create();
  assert.equal(text(answer), HELLO);
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.equal(answer.choices[0].message.refusal, null);
  const { prompt_tokens, completion_tokens, total_tokens } = answer.usage;
  assert.ok(total_tokens === prompt_tokens + completion_tokens && total_tokens > 0);
});

check(`${ROUTE}: streamed, each word as it comes`, async () => {
  const finishes = [];
  async function* pieces() {
    for await (const chunk of await create({ model: "practice-gate", messages: [user("[[words:5]]")], stream: true })) {
      finishes.push(chunk.choices[0].finish_reason);
      yield chunk.choices[0].delta.content;
    }
  }
  await readGated(pieces());
  assert.equal(finishes.pop(), "stop");
  assert.ok(finishes.every((finish) => finish === null));
});

check(`${ROUTE}: streamed through the SDK's helper`, async () => {
  const stream = openai.chat.completions.stream({ model: "practice-echo", messages: [user(HELLO)] });
  let deltas = "";
  stream.on("content", (delta) => (deltas += delta));
  const final = await stream.finalChatCompletion();
  assert.equal(text(final), HELLO);
  assert.equal(deltas, HELLO);
  assert.equal(final.choices[0].message.role, "assistant");
});

check(`${ROUTE}: roles`, async () => {
  const made = { id: "call_1", type: "function", function: { name: "look", arguments: '{"at": "sea"}' } };
  const messages = [
    { role: "system", content: "text of system" },
    { role: "developer", content: "text of developer" },
    user("text of ada", { name: "ada" }),
    { role: "assistant", content: null, tool_calls: [made] },
    { role: "tool", tool_call_id: "call_1", content: [{ type: "text", text: "text of tool" }] },
    { role: "assistant", content: null, function_call: { name: "old", arguments: "{}" } },
    { role: "function", name: "old", content: "text of function" },
    { role: "assistant", content: [{ type: "text", text: "text of assistant" }] },
    user("text of user"),
  ];
  const posted = text(await create({ messages }));
  const speakers = ["system", "developer", "ada", "tool", "function", "assistant", "user"];
  inOrder(posted, speakers.map((who) => `text of ${who}`));
  assert.ok(posted.includes("look"), posted);
  await refuses(OpenAI.BadRequestError, () => create({ messages: [{ role: "robot", content: "x" }] }));
});

check(`${ROUTE}: content as text, parts, null`, async () => {
  const parts = [{ type: "text", text: "one", cache_control: { type: "ephemeral" } }, { type: "text", text: "two" }];
  assert.deepEqual(text(await create({ messages: [user(parts)] })).split(/\s+/), ["one", "two"]);
  const empty = [{ role: "assistant", content: null }, { role: "assistant", content: "" }];
  assert.ok(text(await create({ messages: [user("a"), ...empty, user("b")] })).includes("b"));
  const unknown = [user([{ type: "hologram", hologram: "x" }])];
  await refuses(OpenAI.BadRequestError, () => create({ messages: unknown }), { status: 400 });
});

check(`${ROUTE}: n`, async () => {
  assert.equal((await create({ n: 1 })).choices.length, 1);
  await refuses(OpenAI.BadRequestError, () => create({ n: 2 }), { param: "n", type: "invalid_request_error" });
});

check(`${ROUTE}: stop`, async () => {
  for (const stop of [" wörld", ["never", " wörld"]]) {
    const answer = await create({ stop });
    assert.equal(text(answer), "héllo,");
    assert.equal(answer.choices[0].finish_reason, "stop");
  }
});

check(`${ROUTE}: length limits`, async () => {
  const messages = [user("word ".repeat(200))];
  for (const field of ["max_tokens", "max_completion_tokens"]) {
    const answer = await create({ messages, [field]: 16 });
    assert.equal(answer.choices[0].finish_reason, "length");
    assert.ok(answer.usage.completion_tokens <= 16 && text(answer).length < 200);
  }
  const chunks = await all(await create({ messages, max_tokens: 16, stream: true }));
  assert.equal(chunks.at(-1).choices[0].finish_reason, "length");
});

check(`${ROUTE}: usage of a stream`, async () => {
  const chunks = await all(await create({ stream: true, stream_options: { include_usage: true } }));
  const last = chunks.pop();
  assert.deepEqual(last.choices, []);
  assert.ok(last.usage.total_tokens > 0);
  assert.ok(chunks.every((chunk) => !chunk.usage && chunk.choices.length === 1));
  assert.equal(new Set(chunks.map(({ id, created, model }) => `${id} ${created} ${model}`)).size, 1);
  assert.equal(chunks.filter((chunk) => chunk.choices[0].delta.role).length, 1);
});

check(`${ROUTE}: reasoning`, async () => {
  const { message } = (await create({ model: "practice-thinker" })).choices[0];
  assert.ok(message.reasoning_content && message.content);
  assert.equal(message.reasoning, message.reasoning_content);
  let [thoughts, words] = ["", ""];
  for await (const { choices } of await create({ model: "practice-thinker", stream: true })) {
    const { delta } = choices[0];
    assert.equal(delta.reasoning, delta.reasoning_content);
    assert.ok(!(words && delta.reasoning), "reasoning stands before the answer");
    thoughts += delta.reasoning_content ?? "";
    words += delta.content ?? "";
  }
  assert.deepEqual([thoughts, words], [message.reasoning_content, message.content]);
});

check(`${ROUTE}: response_format`, async () => {
  const model = "practice-agent";
  assert.equal(text(await create({ response_format: { type: "text" } })), HELLO);
  const object = await create({ model, response_format: { type: "json_object" } });
  assert.equal(typeof JSON.parse(text(object)), "object");
  const response_format = { type: "json_schema", json_schema: { name: "person", schema: PERSON, strict: true } };
  const parsed = await openai.chat.completions.parse({ model, messages: [user("who?")], response_format });
  const answer = JSON.parse(text(parsed));
  assert.deepEqual(Object.keys(answer).toSorted(), ["age", "name"]);
  assert.ok(answer.age >= 7);
  const chunks = await all(await create({ model, response_format, stream: true }));
  const streamed = chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join("");
  assert.deepEqual(JSON.parse(streamed), answer);
  const unknown = { type: "yaml" };
  await refuses(OpenAI.BadRequestError, () => create({ response_format: unknown }), { param: "response_format.type" });
});

check(`${ROUTE}: images`, async () => {
  for (const image_url of [{ url: `data:image/png;base64,${PNG}` }, `data:image/png;base64,${PNG}`]) {
    const messages = [user([{ type: "text", text: "what is this?" }, { type: "image_url", image_url }])];
    assert.ok(text(await create({ model: "practice-eyes", messages })).includes("image/png"));
    const error = await refuses(OpenAI.BadRequestError, () => create({ messages }), { status: 400 });
    assert.ok(error.message.includes("image"), error.message);
  }
  const messages = [user([{ type: "image_url", image_url: { url: "https://example.com/a.png" } }])];
  await refuses(OpenAI.BadRequestError, () => create({ model: "practice-eyes", messages }), { status: 400 });
});

check(`${ROUTE}: what cannot be honoured is accepted and named`, async () => {
  const asked = { temperature: 0.5, seed: 1, logit_bias: { 1: 1 }, reasoning_effort: "low", user: "someone" };
  const { data, response } = await create({ ...asked, metadata: { a: "b" }, brand_new: true }).withResponse();
  const named = response.headers.get("x-wormhole-ignored");
  for (const name of ["temperature", "seed", "reasoning_effort", "brand_new"]) assert.ok(named.includes(name), named);
  assert.equal(text(data), HELLO);
});
