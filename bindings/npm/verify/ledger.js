// A ledger is verified and replayed from its export and the manifests that it names, by the core of the npm package.

import { Replay } from "arcoflow/replay";

/** So many lines are taken before whoever looks on is told. */
const AT_ONCE = 1_000;

/**
 * What an export comes to: how many records hold, the chain value after them, the state of every run, and, when it is no ledger any
 * more, the record from which on it is none, with a sentence.
 */
export async function verify(module, ledger, manifests, onProgress = () => {}) {
  const replay = new Replay(module);
  for (const manifest of manifests) replay.manifest(manifest);
  const lines = linesOf(ledger);
  for (const [index, line] of lines.entries()) {
    try {
      replay.line(line);
    } catch (error) {
      if (error.code !== "ledger.broken") throw error;
      return { ...replay.result(), broken: { seq: error.seq, sentence: error.message } };
    }
    if ((index + 1) % AT_ONCE === 0) {
      onProgress(index + 1, lines.length);
      await new Promise((shown) => setTimeout(shown));
    }
  }
  return { ...replay.result(), broken: null };
}

/** The lines of a file in bytes, without their ends. */
function linesOf(bytes) {
  const lines = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0x0a, start);
    lines.push(bytes.subarray(start, end < 0 ? bytes.length : end));
    start = end < 0 ? bytes.length : end + 1;
  }
  return lines;
}
