// Bytes go into one buffer, an operation runs, bytes come out of it.

// Numbers of 32 bits come out of the module with a sign.
const REFUSED = -1;
const NOWHERE = -1;
const MAX_JSON_BYTES = 16 * 1024 * 1024;
const KEPT_BYTES = 1024 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

// Where a call leaves three numbers: the start of the output, the code and the offset of a refusal.
const START = 0;
const CODE = 1;
const OFFSET = 2;
// A short string is copied faster by hand than by the encoder and the decoder, which cost the same for one byte as for many.
const SHORT = 48;

let wasm;
let core;
let memory;
let said;
let room = 0;
let inputStart = 0;
let descriptions = [];

/** A refusal: a stable code, a sentence, and the byte offset in the input where the rule has a place. */
export class ArcoflowError extends Error {
  constructor(code, message, offset) {
    super(offset === undefined ? message : `${message} (at byte ${offset})`);
    this.name = "ArcoflowError";
    this.code = code;
    if (offset !== undefined) this.offset = offset;
  }
}

/** Starts the core from a compiled module; nothing else may be called before. */
export function initSync(module) {
  if (wasm) return;
  wasm = instance(module);
  core = wasm.core_new();
  look();
}

function look() {
  memory = new Uint8Array(wasm.memory.buffer);
  said = new Int32Array(wasm.memory.buffer, wasm.core_said(core), 3);
}

/** What a module exports. Its operations take and return numbers only, so what it imports is never called with anything. */
export function instance(module) {
  const imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    (imports[from] ??= {})[name] = () => {};
  }
  const { exports } = new WebAssembly.Instance(module, imports);
  exports.__wbindgen_start?.();
  return exports;
}

// A memory that grows takes its old buffer away.
function view() {
  if (memory.length === 0) look();
  return memory;
}

function reserve(length) {
  if (length > room) {
    inputStart = wasm.core_reserve(core, length);
    room = length;
  }
  view();
  return inputStart;
}

function release() {
  wasm.core_release(core);
  room = 0;
}

function putBytes(bytes) {
  const start = reserve(bytes.length);
  memory.set(bytes, start);
  return bytes.length;
}

// Lone surrogates are written as replacement characters: who must tell them apart looks first.
function putText(text) {
  const units = text.length;
  let start = reserve(units);
  if (units <= SHORT) {
    let at = 0;
    for (; at < units; at += 1) {
      const unit = text.charCodeAt(at);
      if (unit > 0x7f) break;
      memory[start + at] = unit;
    }
    if (at === units) return units;
  }
  let { read, written } = encoder.encodeInto(text, memory.subarray(start, start + units));
  if (read < units) {
    const rest = (units - read) * 3;
    // What is written moves along when the buffer grows.
    start = reserve(written + rest);
    const from = start + written;
    written += encoder.encodeInto(text.slice(read), memory.subarray(from, from + rest)).written;
  }
  return written;
}

function takeBytes(length) {
  view();
  const start = said[START];
  return memory.slice(start, start + length);
}

function takeText(length) {
  view();
  const start = said[START];
  if (length <= SHORT) {
    let text = "";
    for (let at = start; at < start + length; at += 1) {
      const byte = memory[at];
      if (byte > 0x7f) return decoder.decode(memory.subarray(start, start + length));
      text += String.fromCharCode(byte);
    }
    return text;
  }
  return decoder.decode(memory.subarray(start, start + length));
}

function refusal() {
  view();
  const code = said[CODE];
  const offset = said[OFFSET];
  descriptions[code] ??= takeText(wasm.core_describe(core, code)).split("\n");
  const [name, sentence] = descriptions[code];
  return new ArcoflowError(name, sentence, offset === NOWHERE ? undefined : offset);
}

/** A refusal of the glue, with the sentence of the core. */
export function refuse(code, offset) {
  for (let index = 0; ; index += 1) {
    descriptions[index] ??= takeText(wasm.core_describe(core, index)).split("\n");
    const [name, sentence] = descriptions[index];
    if (name === code) return new ArcoflowError(code, sentence, offset);
    if (name === "") return new ArcoflowError(code, code, offset);
  }
}

/** The canonical form, of the kind that came in. */
export function canonicalize(input) {
  if (typeof input === "string") return canonicalText(input);
  if (!(input instanceof Uint8Array)) throw new TypeError("canonicalize takes a string or a Uint8Array");
  if (input.length > MAX_JSON_BYTES) throw refuse("json.too_long");
  const length = wasm.core_canonicalize(core, putBytes(input));
  if (length === REFUSED) throw refusal();
  const output = takeBytes(length);
  if (input.length > KEPT_BYTES) release();
  return output;
}

function canonicalText(text) {
  const length = wasm.core_canonicalize(core, putText(jsonText(text)));
  if (length === REFUSED) throw refusal();
  const output = takeText(length);
  if (text.length > KEPT_BYTES) release();
  return output;
}

/** A JSON text, unless it is too long or no text at all. */
export function jsonText(text) {
  if (text.length > MAX_JSON_BYTES) throw refuse("json.too_long");
  if (!wellFormed(text)) throw surrogate(text);
  return text;
}

const wellFormed = String.prototype.isWellFormed
  ? (text) => text.isWellFormed()
  : (text) => !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);

/** The refusal of a JSON text with a lone surrogate, unless something before it is refused. */
function surrogate(text) {
  const at = loneSurrogate(text);
  const offset = encoder.encode(text.slice(0, at)).length;
  const length = wasm.core_canonicalize(core, putText(text.slice(0, at)));
  const earlier = length === REFUSED ? refusal() : undefined;
  if (earlier && (earlier.offset === undefined || earlier.offset < offset)) return earlier;
  return refuse("json.surrogate", offset);
}

function loneSurrogate(text) {
  for (let at = 0; at < text.length; at += 1) {
    const point = text.codePointAt(at);
    if (point >= 0xd800 && point <= 0xdfff) return at;
    if (point > 0xffff) at += 1;
  }
  return text.length;
}

/** Refuses a text that has no UTF-8, for the grammars that a replacement character would pass. */
export function whole(text, code) {
  if (typeof text !== "string") throw new TypeError("a string is wanted");
  if (!wellFormed(text)) throw refuse(code, encoder.encode(text.slice(0, loneSurrogate(text))).length);
  return text;
}

/** Runs an operation on a text or on bytes, and returns text. */
export function call(operation, input) {
  const length = run(operation, input);
  return takeText(length);
}

/** Runs an operation whose output is one byte. */
export function callForByte(operation, input) {
  run(operation, input);
  return view()[said[START]];
}

/** Runs an operation for its refusals. */
export function check(operation, input) {
  run(operation, input);
}

function run(operation, input) {
  let put;
  if (typeof input === "string") put = putText(input);
  else if (input instanceof Uint8Array) put = putBytes(input);
  else throw new TypeError("a string or a Uint8Array is wanted");
  const length = wasm.core_call(core, operation, put);
  if (length === REFUSED) throw refusal();
  return length;
}

/** Several inputs in one: each after its length in four bytes. */
export function pack(...inputs) {
  const parts = inputs.map((input) => (typeof input === "string" ? encoder.encode(input) : input));
  const packed = new Uint8Array(parts.reduce((length, part) => length + 4 + part.length, 0));
  const lengths = new DataView(packed.buffer);
  let at = 0;
  for (const part of parts) {
    lengths.setUint32(at, part.length, true);
    packed.set(part, at + 4);
    at += 4 + part.length;
  }
  return packed;
}

/** A whole number in eight bytes; anything else in none, which the core refuses. */
export function number(value) {
  if (!Number.isInteger(value) || value < 0 || value > Number.MAX_SAFE_INTEGER) return new Uint8Array(0);
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}
