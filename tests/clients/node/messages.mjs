// Anthropic's messages.
import assert from "node:assert/strict";
import { Anthropic, CITY, HELLO, KEY, PERSON, PNG, all, anthropic, anthropicWith, call, check, inOrder, refuses, user } from "./checks.mjs";

const ROUTE = "POST /v1/messages";
const WEATHER = { name: "weather", description: "Tells the weather of a city.", input_schema: CITY };
const TIME = { ...WEATHER, name: "time" };
const PARIS = user(`What is the weather in Paris? ${call("weather", { city: "Paris" })}`);

const asked = (fields) => ({ model: "practice-echo", max_tokens: 2048, messages: [user(HELLO)], ...fields });
const create = (fields = {}, client = anthropic) => client.messages.create(asked(fields));
const streamed = (fields = {}) => anthropic.messages.stream(asked(fields));
const kinds = (message) => message.content.map((block) => block.type);

function uses(message) {
  assert.equal(message.stop_reason, "tool_use");
  return message.content.filter(({ type }) => type === "tool_use").map(({ name, input }) => [name, input]);
}

check(`${ROUTE}: whole`, async () => {
  const message = await create();
  assert.deepEqual(kinds(message), ["text"]);
  assert.equal(message.content[0].text, HELLO);
  assert.deepEqual([message.stop_reason, message.role], ["end_turn", "assistant"]);
  assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0 && message._request_id);
  const byBearer = anthropicWith({ authToken: KEY, apiKey: null });
  assert.equal((await create({}, byBearer)).content[0].text, HELLO);
});

check(`${ROUTE}: streamed`, async () => {
  const stream = streamed();
  let text = "";
  stream.on("text", (delta) => (text += delta));
  const final = await stream.finalMessage();
  assert.equal(final.content[0].text, HELLO);
  assert.equal(text, HELLO);
  assert.equal(final.stop_reason, "end_turn");
  const types = (await all(await create({ stream: true }))).map((event) => event.type).filter((type) => type !== "ping");
  const deltas = types.filter((type) => type === "content_block_delta");
  const expected = ["message_start", "content_block_start", ...deltas, "content_block_stop"];
  assert.deepEqual(types, [...expected, "message_delta", "message_stop"]);
});

check(`${ROUTE}: system, at the top and in the middle`, async () => {
  const system = [{ type: "text", text: "text at the top", cache_control: { type: "ephemeral" } }];
  const messages = [
    user("first"),
    { role: "assistant", content: "second" },
    { role: "system", content: "text in the middle" },
    user("third"),
  ];
  const posted = (await create({ messages, system })).content[0].text;
  inOrder(posted, ["text at the top", "first", "second", "text in the middle", "third"]);
  const beta = await anthropic.beta.messages.create(asked({ betas: ["x-1"], system: "text of the beta" }));
  assert.ok(beta.content[0].text.includes("text of the beta"));
});

check(`${ROUTE}: stop_sequences and max_tokens`, async () => {
  const message = await create({ stop_sequences: ["never", " wörld"] });
  assert.equal(message.content[0].text, "héllo,");
  assert.deepEqual([message.stop_reason, message.stop_sequence], ["stop_sequence", " wörld"]);
  const cut = await create({ messages: [user("word ".repeat(200))], max_tokens: 16 });
  assert.equal(cut.stop_reason, "max_tokens");
  assert.ok(cut.usage.output_tokens <= 16);
});

check(`${ROUTE}: thinking`, async () => {
  const thinking = { type: "enabled", budget_tokens: 1024 };
  const final = await streamed({ model: "practice-thinker", thinking }).finalMessage();
  assert.deepEqual(kinds(final), ["thinking", "text"]);
  const [{ thinking: thought }, { text }] = final.content;
  assert.ok(thought && text);
  // Given back in the next request, it is taken and not posted.
  const history = [user(HELLO), { role: "assistant", content: final.content }, user("next")];
  const posted = (await create({ messages: history })).content[0].text;
  assert.ok(!posted.includes(thought) && posted.includes("next"), posted);
  assert.deepEqual(kinds(await create({ model: "practice-thinker" })), ["text"]);
});

check(`${ROUTE}: tools, called and answered`, async () => {
  const agent = (fields) => ({ model: "practice-agent", tools: [WEATHER, TIME], ...fields });
  const called = await streamed(agent({ messages: [PARIS] })).finalMessage();
  assert.deepEqual(uses(called), [["weather", { city: "Paris" }]]);
  assert.deepEqual(uses(await create(agent({ messages: [PARIS] }))), uses(called));
  const made = called.content.find((block) => block.type === "tool_use");
  const history = [PARIS, { role: "assistant", content: called.content }];
  for (const content of ["22 degrees", [{ type: "text", text: "22 degrees" }]]) {
    for (const is_error of [false, true]) {
      const result = { type: "tool_result", tool_use_id: made.id, content, is_error };
      const answer = await create(agent({ messages: [...history, user([result])] }));
      assert.equal(answer.stop_reason, "end_turn");
      assert.ok(answer.content[0].text.includes("22 degrees"));
    }
  }
});

check(`${ROUTE}: tool_choice`, async () => {
  const made = (messages, tool_choice) =>
    create({ model: "practice-agent", messages, tools: [WEATHER, TIME], tool_choice });
  const names = async (...what) => uses(await made(...what)).map(([name]) => name);
  const greeting = [user("hello")];
  assert.equal((await made([PARIS], { type: "none" })).stop_reason, "end_turn");
  assert.deepEqual(await names([PARIS], { type: "auto" }), ["weather"]);
  assert.equal((await names(greeting, { type: "any" })).length, 1);
  assert.deepEqual(await names(greeting, { type: "tool", name: "time" }), ["time"]);
  const both = [user(`[[together]] ${call("weather", { city: "Paris" })} ${call("time", { city: "Rome" })}`)];
  assert.deepEqual(await names(both, { type: "auto" }), ["weather", "time"]);
  assert.equal((await names(both, { type: "auto", disable_parallel_tool_use: true })).length, 1);
});

check(`${ROUTE}: output_config.format`, async () => {
  const output_config = { format: { type: "json_schema", schema: PERSON } };
  const answer = JSON.parse((await create({ model: "practice-agent", output_config })).content[0].text);
  assert.deepEqual(Object.keys(answer).toSorted(), ["age", "name"]);
  assert.ok(answer.age >= 7);
});

check(`${ROUTE}: images`, async () => {
  const source = { type: "base64", media_type: "image/png", data: PNG };
  const messages = [user([{ type: "image", source }, { type: "text", text: "what is this?" }])];
  assert.ok((await create({ model: "practice-eyes", messages })).content[0].text.includes("image/png"));
  await refuses(Anthropic.BadRequestError, () => create({ messages }), { status: 400 });
});

check("POST /v1/messages/count_tokens: more for more", async () => {
  const count = async (text, fields = {}) =>
    (await anthropic.messages.countTokens({ model: "practice-echo", messages: [user(text)], ...fields })).input_tokens;
  const [few, some] = [await count(HELLO), await count(HELLO, { tools: [WEATHER] })];
  const many = await count("word ".repeat(1000), { system: "x", tools: [WEATHER] });
  assert.ok(0 < few && few < some && some < many);
});
