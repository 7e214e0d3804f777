// Ollama's chat and generate.
import assert from "node:assert/strict";
import { CITY, HELLO, PERSON, PNG, all, call, check, ollama, ollamaRefuses, readGated, user } from "./checks.mjs";

const [CHAT, GENERATE] = ["POST /api/chat", "POST /api/generate"];
const weather = { type: "function", function: { name: "weather", description: "Tells it.", parameters: CITY } };
const PARIS = user(`What is the weather in Paris? ${call("weather", { city: "Paris" })}`);
const chat = (fields = {}) => ollama.chat({ model: "practice-echo", messages: [user(HELLO)], ...fields });
const generate = (fields = {}) => ollama.generate({ model: "practice-echo", prompt: HELLO, ...fields });

function timed(last) {
  assert.deepEqual([last.done, last.done_reason], [true, "stop"]);
  const counts = [last.total_duration, last.eval_duration, last.prompt_eval_count, last.eval_count];
  assert.ok(Math.min(...counts) > 0, JSON.stringify(last));
}

check(`${CHAT}: whole`, async () => {
  const answer = await chat({ model: "practice-echo:latest" });
  assert.deepEqual([answer.message.role, answer.message.content], ["assistant", HELLO]);
  timed(answer);
  const posted = await chat({ messages: [{ role: "system", content: "text of system" }, user("a")] });
  assert.ok(posted.message.content.includes("text of system"));
});

check(`${CHAT}: streamed, each word as it comes`, async () => {
  const parts = [];
  async function* pieces() {
    const asked = { model: "practice-gate", messages: [user("[[words:5]]")], stream: true };
    for await (const part of await chat(asked)) {
      parts.push(part);
      yield part.message.content;
    }
  }
  await readGated(pieces());
  timed(parts.pop());
  assert.ok(parts.every((part) => part.done === false));
});

check(`${CHAT}: tools, called and answered`, async () => {
  const agent = (fields) => chat({ model: "practice-agent", tools: [weather], messages: [PARIS], ...fields });
  const whole = await agent({});
  const parts = await all(await agent({ stream: true }));
  const streamed = parts.flatMap((part) => part.message.tool_calls ?? []);
  for (const calls of [whole.message.tool_calls, streamed]) {
    assert.deepEqual(calls.map((made) => [made.function.name, made.function.arguments]), [["weather", { city: "Paris" }]]);
  }
  assert.equal(parts.at(-1).done_reason, "stop");
  for (const named of [{ tool_name: "weather" }, { name: "weather" }]) {
    const answer = await agent({ messages: [PARIS, whole.message, { role: "tool", content: "22 degrees", ...named }] });
    assert.ok(answer.message.content.includes("22 degrees"));
  }
});

check(`${CHAT}: think`, async () => {
  const model = "practice-thinker";
  let answer;
  for (const think of [true, "low"]) {
    answer = await chat({ model, think });
    assert.ok(answer.message.thinking && answer.message.content);
  }
  assert.equal((await chat({ model, think: false })).message.thinking, undefined);
  const parts = await all(await chat({ model, think: true, stream: true }));
  assert.equal(parts.map((part) => part.message.thinking ?? "").join(""), answer.message.thinking);
});

check(`${CHAT}: format`, async () => {
  const model = "practice-agent";
  assert.equal(typeof JSON.parse((await chat({ model, format: "json" })).message.content), "object");
  const answer = JSON.parse((await chat({ model, format: PERSON })).message.content);
  assert.deepEqual(Object.keys(answer).toSorted(), ["age", "name"]);
  assert.ok(answer.age >= 7);
  assert.equal((await chat({ format: "" })).message.content, HELLO);
});

check(`${CHAT}: keep_alive loads and unloads`, async () => {
  assert.equal((await chat({ messages: [] })).done_reason, "load");
  assert.equal((await chat({ messages: [], keep_alive: "5m" })).done_reason, "load");
  assert.equal((await chat({ messages: [], keep_alive: 0 })).done_reason, "unload");
  assert.equal((await chat({ keep_alive: -1 })).message.content, HELLO);
});

check(`${CHAT}: images`, async () => {
  const messages = [user("what is this?", { images: [PNG] })];
  assert.ok((await chat({ model: "practice-eyes", messages })).message.content.includes("image/png"));
  await ollamaRefuses(() => chat({ messages }), 400);
});

check(`${CHAT}: options`, async () => {
  const stopped = await chat({ options: { stop: [" wörld"], num_ctx: 4096 } });
  assert.equal(stopped.message.content, "héllo,");
  const cut = await chat({ messages: [user("word ".repeat(200))], options: { num_predict: 16 } });
  assert.equal(cut.done_reason, "length");
  assert.ok(cut.eval_count <= 16);
});

check(`${GENERATE}: whole`, async () => {
  const answer = await generate();
  assert.equal(answer.response, HELLO);
  timed(answer);
  assert.ok((await generate({ system: "text of system" })).response.includes("text of system"));
});

check(`${GENERATE}: streamed`, async () => {
  const parts = await all(await generate({ stream: true }));
  assert.equal(parts.map((part) => part.response).join(""), HELLO);
  timed(parts.at(-1));
});

check(`${GENERATE}: suffix`, async () => {
  const { response } = await generate({ prompt: "fn a() {", suffix: "} // end" });
  assert.ok(response.includes("fn a() {") && response.includes("} // end"), response);
});

check(`${GENERATE}: think, format, images`, async () => {
  const thought = await generate({ model: "practice-thinker", think: true });
  assert.ok(thought.thinking && thought.response);
  assert.equal((await generate({ model: "practice-thinker", think: false })).thinking, undefined);
  const answer = JSON.parse((await generate({ model: "practice-agent", format: PERSON })).response);
  assert.deepEqual(Object.keys(answer).toSorted(), ["age", "name"]);
  assert.ok((await generate({ model: "practice-eyes", images: [PNG] })).response.includes("image/png"));
  await ollamaRefuses(() => generate({ images: [PNG] }), 400);
});

check(`${GENERATE}: keep_alive loads and unloads`, async () => {
  assert.equal((await generate({ prompt: "" })).done_reason, "load");
  assert.equal((await generate({ prompt: "", keep_alive: 0 })).done_reason, "unload");
});
