// Every row of the dialect table with the official Node SDKs: the checks of ../python, by the same names.
//
//    contract.mjs              all but those below
//    contract.mjs passed-on    embeddings, when the API has been told of a server for them
//    contract.mjs names        what is checked, without checking it
import { CHECKS } from "./checks.mjs";
import "./chat.mjs";
import "./tools.mjs";
import "./completions.mjs";
import "./responses.mjs";
import "./messages.mjs";
import "./ollama_chat.mjs";
import "./ollama_models.mjs";
import "./models.mjs";
import "./embeddings.mjs";
import "./errors.mjs";

const part = process.argv[2] ?? "all";
for (const [name, ofPart, run] of CHECKS) {
  if (part === "names") console.log(name);
  if (ofPart !== part) continue;
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`FAILED ${name}\n${error.stack ?? error}`);
  }
}
