// A ledger is replayed by the core: manifests and lines of an export go in, the states of its runs come out.

import { ArcoflowError, instance } from "./glue.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A line that is no record of the ledger, or a manifest that is none. */
export class ReplayError extends ArcoflowError {
  constructor(code, message, more) {
    super(code, message);
    this.name = "ReplayError";
    Object.assign(this, more);
  }
}

/** A replay from the first record on. It takes the compiled module of `arcoflow/replay.wasm`. */
export class Replay {
  #wasm;
  #core;
  #room = 0;
  #input = 0;

  constructor(module) {
    this.#wasm = instance(module);
    this.#core = this.#wasm.replay_new();
  }

  /** Takes a manifest, in the bytes that its address is about. It has to come before the first run under it. */
  manifest(content) {
    const findings = this.#call("replay_manifest", content);
    if (findings === null) return;
    const [{ code, message }] = findings;
    throw new ReplayError(code, message, { findings });
  }

  /** Takes the next line of an export, without its end. */
  line(line) {
    const broken = this.#call("replay_line", line);
    if (broken !== null) throw new ReplayError("ledger.broken", broken.sentence, { seq: broken.seq });
  }

  /** What the ledger comes to. */
  result() {
    return this.#said(this.#wasm.replay_result(this.#core));
  }

  #call(name, input) {
    const bytes = typeof input === "string" ? encoder.encode(input) : input;
    if (!(bytes instanceof Uint8Array)) throw new TypeError("a string or a Uint8Array is wanted");
    if (bytes.length > this.#room) {
      this.#input = this.#wasm.replay_reserve(this.#core, bytes.length) >>> 0;
      this.#room = bytes.length;
    }
    new Uint8Array(this.#wasm.memory.buffer, this.#input, bytes.length).set(bytes);
    return this.#said(this.#wasm[name](this.#core, bytes.length));
  }

  #said(length) {
    if (length === 0) return null;
    const start = this.#wasm.replay_start(this.#core) >>> 0;
    return JSON.parse(decoder.decode(new Uint8Array(this.#wasm.memory.buffer, start, length)));
  }
}
