// Ollama's models, and what there is none of.
import assert from "node:assert/strict";
import { BASE, KEY, all, check, ollama, ollamaRefuses } from "./checks.mjs";

const ECHO = "practice-echo";

check("GET /api/tags: models, each with its digest", async () => {
  const { models } = await ollama.list();
  assert.ok(models.some((model) => model.model === `${ECHO}:latest`));
  assert.equal(new Set(models.map((model) => model.digest)).size, models.length);
  assert.ok(models[0].details.family);
});

check("POST /api/show: capabilities and lengths", async () => {
  const shown = await ollama.show({ model: ECHO });
  assert.ok(shown.capabilities.includes("completion") && shown.capabilities.includes("tools"));
  assert.ok(shown.model_info[`${shown.model_info["general.architecture"]}.context_length`] > 0);
  assert.ok((await ollama.show({ model: "practice-eyes:latest" })).capabilities.includes("vision"));
  await ollamaRefuses(() => ollama.show({ model: "no-such-model" }), 404);
});

check("GET /api/ps: all of them", async () => {
  const { models } = await ollama.ps();
  assert.ok(models.some((model) => model.model === `${ECHO}:latest` && new Date(model.expires_at) > new Date()));
});

check("GET /api/version: a release", async () => {
  const [major, minor] = (await ollama.version()).version.split(".").map(Number);
  assert.ok(major > 0 || minor >= 14);
});

check("POST /api/pull: what is there, and what is not", async () => {
  assert.equal((await ollama.pull({ model: ECHO })).status, "success");
  assert.equal((await all(await ollama.pull({ model: ECHO, stream: true }))).at(-1).status, "success");
  await ollamaRefuses(() => ollama.pull({ model: "no-such-model" }), 404);
  await ollamaRefuses(async () => all(await ollama.pull({ model: "no-such-model", stream: true })), 404);
});

const refused = (route, ask) => check(`${route}: refused`, () => ollamaRefuses(ask, 501));

refused("POST /api/create", () => ollama.create({ model: "other", from: ECHO }));
refused("POST /api/copy", () => ollama.copy({ source: ECHO, destination: "other" }));
refused("POST /api/push", () => ollama.push({ model: ECHO }));
refused("DELETE /api/delete", () => ollama.delete({ model: ECHO }));

check("POST /api/blobs/{digest}: refused", async () => {
  // This SDK has no call for it.
  const headers = { Authorization: `Bearer ${KEY}` };
  const reply = await fetch(`${BASE}/api/blobs/sha256:${"0".repeat(64)}`, { method: "POST", headers, body: "no model" });
  assert.equal(reply.status, 501);
  assert.ok((await reply.json()).error);
});
