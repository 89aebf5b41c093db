// The npm package beside its peers, in turn, on the documents in the directory that is given; ratios of processor time.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";

import peer from "canonicalize";
import stable from "safe-stable-stringify";

// Copied beside this file, with it, into a project that has the package.
import { keep } from "./samples.mjs";

const start = performance.now();
const arcoflow = await import("arcoflow");
arcoflow.canonicalize("{}");
const ready = performance.now() - start;

const ROUNDS = 15;
const ROUND_MS = 20;

function processorMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function once(work, repeats) {
  const before = processorMs();
  for (let index = 0; index < repeats; index += 1) work();
  return (processorMs() - before) / repeats;
}

/** The lower quartile of the milliseconds of each candidate, which are kept as samples of a document. */
function compare(document, peers) {
  const [subjects, candidates] = [Object.keys(peers), Object.values(peers)];
  const repeats = candidates.map((work) => {
    for (let index = 0; index < 300 && index * once(work, 1) < 50; index += 1) work();
    return Math.max(1, Math.min(100_000, Math.round(ROUND_MS / Math.max(once(work, 20), 0.0002))));
  });
  const times = candidates.map(() => []);
  for (let round = 0; round < ROUNDS; round += 1) {
    candidates.forEach((work, index) => times[index].push(once(work, repeats[index])));
  }
  subjects.forEach((subject, index) => keep(document, subject, "ms", ...times[index]));
  return times.map((list) => list.sort((left, right) => left - right)[ROUNDS >> 2]);
}

const micros = (ms) => `${(ms * 1000).toFixed(2)} µs`;
const ratio = (time, ours) => `${(time / ours).toFixed(1)}x`;

keep("import and first call", "npm", "ms", ready);
console.log(`npm: import and first call ${ready.toFixed(2)} ms; then times of ours and how many times longer the peers take`);
console.log("document             bytes  bytes in+out string in+out  canonicalize safe-stable   JSON.parse (over string)");
for (const name of ["shuffled-220b", "shuffled-4kb", "shuffled-1mb", "canonical-1mb", "cjk-1mb"]) {
  const bytes = readFileSync(join(process.argv[2], `${name}.json`));
  const text = bytes.toString();
  const input = new Uint8Array(bytes);
  const [ours, strings, theirs, safe, parse] = compare(name, {
    npm: () => arcoflow.canonicalize(input),
    "npm, string": () => arcoflow.canonicalize(text),
    canonicalize: () => peer(JSON.parse(text)),
    "safe-stable-stringify": () => stable(JSON.parse(text)),
    "JSON.parse": () => JSON.parse(text),
  });
  console.log(
    name.padEnd(16),
    String(input.length).padStart(9),
    micros(ours).padStart(13),
    micros(strings).padStart(13),
    ratio(theirs, ours).padStart(13),
    ratio(safe, ours).padStart(11),
    ratio(parse, strings).padStart(12),
  );
}
