// Embeddings: refused, or passed on to a server that this script plays.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { OpenAI, check, ollama, ollamaRefuses, openai, refuses } from "./checks.mjs";

const [OPENAI_ROUTE, EMBED, OLD] = ["POST /v1/embeddings", "POST /api/embed", "POST /api/embeddings"];

check(`${OPENAI_ROUTE}: refused`, async () => {
  const ask = () => openai.embeddings.create({ model: "small", input: "text" });
  await refuses(OpenAI.InternalServerError, ask, { status: 501, code: "unsupported" });
});
check(`${EMBED}: refused`, () => ollamaRefuses(() => ollama.embed({ model: "small", input: "text" }), 501));
check(`${OLD}: refused`, () => ollamaRefuses(() => ollama.embeddings({ model: "small", prompt: "text" }), 501));

// Gives each text its length and its place.
async function lengths(request, reply) {
  const { input, model } = JSON.parse(await text(request));
  const data = [input].flat().map((one, index) => ({ object: "embedding", index, embedding: [one.length, index] }));
  const usage = { prompt_tokens: 3, total_tokens: 3 };
  reply.setHeader("content-type", "application/json");
  reply.end(JSON.stringify({ object: "list", data, model, usage }));
}

const passedOn = (route, run) => {
  const served = async () => {
    const server = createServer(lengths);
    await new Promise((listening) => server.listen(Number(process.env.EMBEDDINGS_PORT), "127.0.0.1", listening));
    try {
      await run();
    } finally {
      server.close();
      server.closeAllConnections();
    }
  };
  check(`${route}: passed on`, served, "passed-on");
};

passedOn(OPENAI_ROUTE, async () => {
  // Without a word from the caller the SDK asks for base64 and reads it.
  const whole = await openai.embeddings.create({ model: "small", input: ["a", "abc"] });
  assert.deepEqual(whole.data.map((item) => Array.from(item.embedding)), [[1, 0], [3, 1]]);
  assert.equal(whole.usage.total_tokens, 3);
  const plain = await openai.embeddings.create({ model: "small", input: "ab", encoding_format: "float" });
  assert.deepEqual(plain.data[0].embedding, [2, 0]);
});
passedOn(EMBED, async () => {
  const answer = await ollama.embed({ model: "small", input: ["a", "abc"] });
  assert.deepEqual([answer.embeddings, answer.prompt_eval_count], [[[1, 0], [3, 1]], 3]);
});
passedOn(OLD, async () => {
  assert.deepEqual((await ollama.embeddings({ model: "small", prompt: "abc" })).embedding, [3, 0]);
});
