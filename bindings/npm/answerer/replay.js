// Replays the ledger of the fixtures with the packed package: `node replay.js DIRECTORY`.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { Replay } from "arcoflow/replay";

const [directory] = process.argv.slice(2);
const module = new WebAssembly.Module(readFileSync(createRequire(import.meta.url).resolve("arcoflow/replay.wasm")));
const manifests = readdirSync(join(directory, "manifests")).map((name) => readFileSync(join(directory, "manifests", name)));
const lines = readFileSync(join(directory, "ledger.jsonl"), "utf8").split("\n").slice(0, -1);
const expected = JSON.parse(readFileSync(join(directory, "states.json"), "utf8"));

const whole = replay(manifests, lines);
assert.deepEqual(whole.result(), expected);

// Without manifests the chain holds, and no state is made up.
const bare = replay([], lines).result();
assert.equal(bare.head, expected.head);
for (const run of bare.runs) assert.deepEqual([run.state, run.stateFingerprint], [null, null]);

for (const [index, line] of lines.entries()) {
  const before = replay(manifests, lines.slice(0, index));
  const head = before.result().head;
  const at = Math.floor(Math.random() * line.length);
  const touched = `${line.slice(0, at)}${line[at] === "0" ? "1" : "0"}${line.slice(at + 1)}`;
  for (const wrong of [touched, `${line} `, lines[index + 1] ?? "", ""]) {
    assert.throws(() => before.line(wrong), { name: "ReplayError", code: "ledger.broken" }, wrong);
  }
  assert.equal(before.result().head, head, "the replay stays before what it refused");
  before.line(line);
}

assert.throws(() => new Replay(module).manifest("{}"), (error) => error.name === "ReplayError" && error.findings.length > 0);
assert.throws(() => new Replay(module).line(1), TypeError);
console.log(`${lines.length} records and ${expected.runs.length} runs replayed`);

function replay(manifests, lines) {
  const replay = new Replay(module);
  for (const manifest of manifests) replay.manifest(manifest);
  for (const line of lines) replay.line(line);
  return replay;
}
