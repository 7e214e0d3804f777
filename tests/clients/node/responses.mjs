// The responses API.
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { CITY, HELLO, OpenAI, PERSON, PNG, all, call, check, inOrder, openai, openaiWith, refuses, user } from "./checks.mjs";

const ROUTE = "POST /v1/responses";
const weather = { type: "function", name: "weather", description: "Tells the weather.", parameters: CITY, strict: false };
const PARIS = user(`What is the weather in Paris? ${call("weather", { city: "Paris" })}`);
const agent = (fields) => create({ model: "practice-agent", ...fields });
const create = (fields = {}) => openai.responses.create({ model: "practice-echo", input: HELLO, ...fields });

check(`${ROUTE}: whole`, async () => {
  const answer = await create({ metadata: { a: "b" } });
  assert.equal(answer.output_text, HELLO);
  assert.equal(answer.status, "completed");
  assert.deepEqual(answer.metadata, { a: "b" });
  const { input_tokens, output_tokens, total_tokens } = answer.usage;
  assert.ok(total_tokens === input_tokens + output_tokens && total_tokens > 0);
});

check(`${ROUTE}: input items and instructions`, async () => {
  const input = [
    { role: "developer", content: [{ type: "input_text", text: "text of developer" }] },
    user([{ type: "input_text", text: "text of user" }]),
    { type: "reasoning", id: "rs_1", summary: [] },
    { type: "function_call", call_id: "call_1", name: "look", arguments: "{}" },
    { type: "function_call_output", call_id: "call_1", output: "text of result" },
    { role: "assistant", content: [{ type: "output_text", text: "text of assistant", annotations: [] }] },
    { type: "message", role: "user", content: "text at the end" },
  ];
  const posted = (await create({ input, instructions: "text of instructions" })).output_text;
  const marks = ["of instructions", "of developer", "of user", "of result", "of assistant", "at the end"];
  inOrder(posted, marks.map((mark) => `text ${mark}`));
});

check(`${ROUTE}: streamed`, async () => {
  const stream = openai.responses.stream({ model: "practice-thinker", input: [user(HELLO)] });
  const events = await all(stream);
  const final = await stream.finalResponse();
  events.forEach((event, place) => assert.equal(event.sequence_number, place));
  assert.deepEqual(events.slice(0, 2).map((event) => event.type), ["response.created", "response.in_progress"]);
  assert.equal(events.at(-1).type, "response.completed");
  const deltas = events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta);
  assert.equal(deltas.join(""), final.output_text);
  assert.ok(final.output_text);
  assert.equal(final.output[0].type, "reasoning");
  assert.ok(final.output[0].summary[0].text);
});

check(`${ROUTE}: functions`, async () => {
  const tools = [weather];
  const stream = openai.responses.stream({ model: "practice-agent", input: [PARIS], tools });
  const events = await all(stream);
  const answer = await stream.finalResponse();
  const [made] = answer.output.filter((item) => item.type === "function_call");
  assert.equal(made.name, "weather");
  assert.deepEqual(JSON.parse(made.arguments), { city: "Paris" });
  assert.ok(events.some((event) => event.type === "response.function_call_arguments.done"));
  const result = { type: "function_call_output", call_id: made.call_id, output: "22 degrees" };
  const next = await agent({ input: [result], previous_response_id: answer.id, tools });
  assert.ok(next.output_text.includes("22 degrees"), next.output_text);
  for (const tool_choice of ["required", { type: "function", name: "weather" }]) {
    assert.equal((await agent({ tools, tool_choice })).output.at(-1).type, "function_call");
  }
  assert.ok((await agent({ input: [PARIS], tools, tool_choice: "none" })).output_text);
  const space = { type: "namespace", name: "mcp", description: "x", tools: [{ ...weather, name: "rain" }] };
  const asked = agent({ input: "hello", tools: [space, { type: "web_search" }] });
  const { data, response } = await asked.withResponse();
  assert.ok(response.headers.get("x-wormhole-ignored").includes("tools.web_search"));
  assert.equal(data.output.at(-1).type, "function_call");
});

check(`${ROUTE}: text.format`, async () => {
  const text = { format: { type: "json_schema", name: "person", schema: PERSON, strict: true } };
  const answer = JSON.parse((await agent({ text })).output_text);
  assert.deepEqual(Object.keys(answer).toSorted(), ["age", "name"]);
  assert.ok(answer.age >= 7);
  const parsed = await openai.responses.parse({ model: "practice-agent", input: "who?", text });
  assert.deepEqual(JSON.parse(parsed.output_text), answer);
  assert.ok(JSON.parse((await agent({ text: { format: { type: "json_object" } } })).output_text));
});

check(`${ROUTE}: max_output_tokens`, async () => {
  const long = { input: "word ".repeat(200), max_output_tokens: 16 };
  const answer = await create(long);
  assert.deepEqual([answer.status, answer.incomplete_details.reason], ["incomplete", "max_output_tokens"]);
  assert.equal((await all(await create({ ...long, stream: true }))).at(-1).type, "response.incomplete");
});

check(`${ROUTE}: images`, async () => {
  const image_url = `data:image/png;base64,${PNG}`;
  const input = [user([{ type: "input_text", text: "see" }, { type: "input_image", image_url }])];
  assert.ok((await create({ model: "practice-eyes", input })).output_text.includes("image/png"));
  await refuses(OpenAI.BadRequestError, () => create({ input }), { status: 400 });
});

check(`${ROUTE}: previous_response_id and store`, async () => {
  const first = await create({ input: "my name is Ada" });
  const second = await create({ input: "and now?", previous_response_id: first.id });
  assert.ok(second.output_text.includes("and now?"));
  assert.equal(second.previous_response_id, first.id);
  const unstored = await create({ store: false });
  await refuses(OpenAI.NotFoundError, () => openai.responses.retrieve(unstored.id));
  const again = () => create({ previous_response_id: unstored.id });
  await refuses(OpenAI.BadRequestError, again, { code: "previous_response_not_found" });
});

check(`${ROUTE}: a packed body`, async () => {
  // With gzip: this Node has no zstd.
  const packing = (url, { body, headers, ...options }) => {
    const packed = new Headers(headers);
    packed.delete("content-length");
    packed.set("content-encoding", "gzip");
    return fetch(url, { ...options, headers: packed, body: gzipSync(body) });
  };
  const client = openaiWith({ fetch: packing });
  assert.equal((await client.responses.create({ model: "practice-echo", input: HELLO })).output_text, HELLO);
});

check("GET /v1/responses/{id}: stored as it was sent", async () => {
  const first = await create();
  const { _request_id: _, ...stored } = await openai.responses.retrieve(first.id);
  assert.deepEqual(stored, { ...first });
  await refuses(OpenAI.NotFoundError, () => openai.responses.retrieve("resp_none"), { code: "response_not_found" });
});

check("DELETE /v1/responses/{id}: gone", async () => {
  const first = await create();
  await openai.responses.delete(first.id);
  await refuses(OpenAI.NotFoundError, () => openai.responses.retrieve(first.id), { status: 404 });
  await refuses(OpenAI.NotFoundError, () => openai.responses.delete(first.id), { status: 404 });
});
