// A ledger is verified from its export alone: each record is chained to everything before it, in the bytes that the core writes.

import { canonicalize } from "arcoflow";

const encoder = new TextEncoder();
const HEX = 64;
/** What stands before the chain value, which is the last member of a line. */
const BEFORE = ',"chain":"';

/**
 * What the lines of an export come to: how many records hold, the chain value after them, and, when it is no ledger any more, the
 * record from which on it is none, with a sentence.
 */
export async function verify(text, onProgress = () => {}) {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  let chain = new Uint8Array(32);
  let before = 0;
  for (const [index, line] of lines.entries()) {
    const seq = index + 1;
    const broken = (sentence) => ({ records: index, head: hex(chain), broken: { seq, sentence } });
    const at = line.length - HEX - 2 - BEFORE.length;
    const stated = line.slice(-HEX - 2, -2);
    if (line.slice(at, at + BEFORE.length) !== BEFORE || !/^[0-9a-f]{64}$/.test(stated) || !line.endsWith('"}')) {
      return broken("it does not end in a chain value");
    }
    const stood = `${line.slice(0, at)}}`;
    let canonical;
    let record;
    try {
      canonical = canonicalize(stood);
      record = JSON.parse(canonical);
    } catch (error) {
      return broken(`it is no record: ${error.message}`);
    }
    if (canonical !== stood) return broken("it is not canonical JSON");
    if (record.seq !== seq) return broken(`it says that it is record ${record.seq}`);
    if (!(record.at_ms >= before)) return broken("its time is before that of the record before it");
    chain = await next(chain, canonical);
    if (hex(chain) !== stated) return broken("its chain value does not follow from the records up to it");
    before = record.at_ms;
    if (seq % 1_000 === 0) onProgress(seq, lines.length);
  }
  return { records: lines.length, head: hex(chain), broken: null };
}

/** SHA-256 over a chain value and the canonical JSON that follows it. */
async function next(chain, canonical) {
  const bytes = encoder.encode(canonical);
  const both = new Uint8Array(chain.length + bytes.length);
  both.set(chain);
  both.set(bytes, chain.length);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", both));
}

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
