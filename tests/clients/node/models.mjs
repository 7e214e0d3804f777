// OpenAI's list of models.
import assert from "node:assert/strict";
import { OpenAI, all, check, openai, refuses } from "./checks.mjs";

check("GET /v1/models: listed", async () => {
  const models = await all(openai.models.list());
  assert.ok(models.some((model) => model.id === "practice-echo"));
  assert.ok(models.every((model) => model.object === "model" && model.created > 0 && model.owned_by));
});

check("GET /v1/models/{id}: with and without tag and site", async () => {
  for (const name of ["practice-echo", "practice-echo:latest", "playground/practice-echo"]) {
    assert.equal((await openai.models.retrieve(name)).id, name);
  }
  await refuses(OpenAI.NotFoundError, () => openai.models.retrieve("no-such-model"), { code: "model_not_found" });
});
