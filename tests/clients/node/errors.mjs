// Errors as each SDK's own classes.
import assert from "node:assert/strict";
import { Anthropic, HELLO, OpenAI, all, check, misbehave, ollamaRefuses, refuses, user } from "./checks.mjs";
import { anthropic, anthropicWith, ollama, ollamaWith, openai, openaiWith } from "./checks.mjs";

const [CHAT, MESSAGES, OLLAMA_CHAT] = ["POST /v1/chat/completions", "POST /v1/messages", "POST /api/chat"];
const asked = (fields) => ({ model: "practice-echo", messages: [user(HELLO)], ...fields });
const openaiAsk = (fields = {}, client = openai) => client.chat.completions.create(asked(fields));
const anthropicAsk = (fields = {}, client = anthropic) => client.messages.create(asked({ max_tokens: 99, ...fields }));
const ollamaAsk = (fields = {}, client = ollama) => client.chat(asked(fields));

check(`${CHAT}: errors as the SDK's classes`, async () => {
  const unknown = () => openaiAsk({ model: "no-such-model" });
  const error = await refuses(OpenAI.NotFoundError, unknown, { code: "model_not_found" });
  assert.ok(error.message.includes("no-such-model") && error.requestID);
  const wrong = openaiWith({ apiKey: "wrong" });
  await refuses(OpenAI.AuthenticationError, () => openaiAsk({}, wrong), { code: "invalid_api_key" });
  const limited = openaiWith({ apiKey: process.env.LIMITED_KEY, maxRetries: 0 });
  await openaiAsk({}, limited);
  const late = await refuses(OpenAI.RateLimitError, () => openaiAsk({}, limited), { type: "rate_limit_error" });
  assert.ok(Number(late.headers.get("retry-after")) > 0);
  await refuses(OpenAI.NotFoundError, () => openai.post("/nothing"), { code: "unknown_url" });
});

check(`${MESSAGES}: errors as the SDK's classes`, async () => {
  const unknown = () => anthropicAsk({ model: "no-such-model" });
  const { error, requestID } = await refuses(Anthropic.NotFoundError, unknown, { status: 404 });
  assert.deepEqual([error.type, error.error.type], ["error", "not_found_error"]);
  assert.ok(requestID && error.request_id === requestID);
  const robot = () => anthropicAsk({ messages: [{ role: "robot", content: "" }] });
  await refuses(Anthropic.BadRequestError, robot, { status: 400 });
  const wrong = anthropicWith({ apiKey: "wrong" });
  await refuses(Anthropic.AuthenticationError, () => anthropicAsk({}, wrong), { status: 401 });
});

check(`${OLLAMA_CHAT}: errors as the SDK's classes`, async () => {
  const error = await ollamaRefuses(() => ollamaAsk({ model: "no-such-model" }), 404);
  assert.ok(error.message.includes("no-such-model"));
  await ollamaRefuses(() => ollamaAsk({}, ollamaWith("wrong")), 401);
});

// The site breaks before a word, and then in the middle of a stream.
async function broken(kind, ask) {
  await misbehave({ kind: "status", code: 500 });
  await refuses(kind, () => ask());
  await misbehave({ kind: "cut", after_words: 1 });
  await refuses(kind, async () => all(await ask({ stream: true })));
}

check(`${CHAT}: a broken site, whole and in the middle of a stream`, () => broken(OpenAI.APIError, openaiAsk));
check(`${MESSAGES}: a broken site, whole and in the middle of a stream`, () =>
  broken(Anthropic.APIError, anthropicAsk));
check(`${OLLAMA_CHAT}: a broken site, whole and in the middle of a stream`, () => broken(Error, ollamaAsk));
