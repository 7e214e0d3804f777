// Tools in chat completions. The practice agent reads them out of the prompt that reaches it.
import assert from "node:assert/strict";
import { CITY, OpenAI, all, call, check, openai, refuses, user } from "./checks.mjs";

const ROUTE = "POST /v1/chat/completions";
const described = (name) => ({ name, description: `Tells the ${name} of a city.`, parameters: CITY });
const TOOLS = ["weather", "time"].map((name) => ({ type: "function", function: described(name) }));
const PARIS = user(`What is the weather in Paris? ${call("weather", { city: "Paris" })}`);
const BOTH = user(`Both! [[together]] ${call("weather", { city: "Paris" })} ${call("time", { city: "Rome" })}`);
const GREETING = [user("hello")];

const asked = (fields) => ({ model: "practice-agent", messages: [PARIS], tools: TOOLS, ...fields });
const create = (fields = {}) => openai.chat.completions.create(asked(fields));

function called(answer) {
  const [{ finish_reason, message }] = answer.choices;
  assert.equal(finish_reason, "tool_calls");
  assert.equal(new Set(message.tool_calls.map(({ id }) => id)).size, message.tool_calls.length);
  return message.tool_calls.map((made) => [made.function.name, JSON.parse(made.function.arguments)]);
}
const names = (answer) => called(answer).map(([name]) => name);

check(`${ROUTE}: tools, called and answered`, async () => {
  const answer = await create();
  assert.deepEqual(called(answer), [["weather", { city: "Paris" }]]);
  const { message } = answer.choices[0];
  const result = { role: "tool", tool_call_id: message.tool_calls[0].id, content: "22 degrees" };
  const final = await create({ messages: [PARIS, message, result] });
  assert.equal(final.choices[0].finish_reason, "stop");
  assert.ok(final.choices[0].message.content.includes("22 degrees"));
  assert.equal((await create({ messages: GREETING, tools: [] })).choices[0].message.tool_calls, undefined);
  // As some clients do: the calls stay in the history, the tools do not.
  assert.ok((await create({ messages: [PARIS, message, result], tools: undefined })).choices[0].message.content);
});

check(`${ROUTE}: tools, streamed`, async () => {
  const stream = openai.chat.completions.stream(asked({ stream_options: { include_usage: true } }));
  const pieces = [];
  stream.on("chunk", (chunk) => pieces.push(...(chunk.choices[0]?.delta.tool_calls ?? [])));
  assert.deepEqual(called(await stream.finalChatCompletion()), [["weather", { city: "Paris" }]]);
  const [first, ...rest] = pieces;
  assert.ok(first.id && first.type === "function" && first.function.name === "weather");
  assert.ok(rest.every((piece) => piece.id === undefined && piece.function.name === undefined));
});

check(`${ROUTE}: tool_choice`, async () => {
  const none = (await create({ tool_choice: "none" })).choices[0];
  assert.deepEqual([none.message.tool_calls, none.finish_reason], [undefined, "stop"]);
  assert.deepEqual(names(await create({ tool_choice: "auto" })), ["weather"]);
  assert.equal(names(await create({ messages: GREETING, tool_choice: "required" })).length, 1);
  const one = { type: "function", function: { name: "time" } };
  assert.deepEqual(names(await create({ messages: GREETING, tool_choice: one })), ["time"]);
  for (const mode of ["auto", "required"]) {
    const tool_choice = { type: "allowed_tools", allowed_tools: { mode, tools: [one] } };
    assert.deepEqual(names(await create({ messages: GREETING, tool_choice })), ["time"]);
  }
  const tool_choice = { type: "function", function: { name: "absent" } };
  await refuses(OpenAI.BadRequestError, () => create({ tool_choice }), { param: "tool_choice" });
});

check(`${ROUTE}: parallel_tool_calls`, async () => {
  const both = [["weather", { city: "Paris" }], ["time", { city: "Rome" }]];
  assert.deepEqual(called(await create({ messages: [BOTH] })), both);
  assert.deepEqual(called(await create({ messages: [BOTH], parallel_tool_calls: false })), both.slice(0, 1));
  const stream = openai.chat.completions.stream(asked({ messages: [BOTH] }));
  assert.deepEqual(called(await stream.finalChatCompletion()), both);
});

check(`${ROUTE}: functions of old`, async () => {
  const functions = TOOLS.map((tool) => tool.function);
  const old = (fields) => create({ tools: undefined, functions, ...fields });
  const [{ finish_reason, message }] = (await old({})).choices;
  assert.deepEqual([finish_reason, message.tool_calls], ["function_call", undefined]);
  assert.equal(message.function_call.name, "weather");
  assert.deepEqual(JSON.parse(message.function_call.arguments), { city: "Paris" });
  const result = { role: "function", name: "weather", content: "22 degrees" };
  const final = await old({ messages: [PARIS, message, result] });
  assert.ok(final.choices[0].message.content.includes("22 degrees"));
  const named = await old({ messages: GREETING, function_call: { name: "time" } });
  assert.equal(named.choices[0].message.function_call.name, "time");
  assert.equal((await old({ function_call: "none" })).choices[0].message.function_call, undefined);
  const chunks = await all(await old({ stream: true }));
  const made = chunks.map((chunk) => chunk.choices[0].delta.function_call).filter(Boolean);
  assert.equal(made[0].name, "weather");
  assert.deepEqual(JSON.parse(made.map((piece) => piece.arguments).join("")), { city: "Paris" });
  assert.equal(chunks.at(-1).choices[0].finish_reason, "function_call");
});
