// Bytes go into one buffer, an operation runs, bytes come out of it.

// Numbers of 32 bits come out of the module with a sign.
const REFUSED = -1;
const NOWHERE = -1;
const MAX_JSON_BYTES = 16 * 1024 * 1024;
const KEPT_BYTES = 1024 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

let wasm;
let memory;
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
  wasm = new WebAssembly.Instance(module, imports(module)).exports;
  memory = new Uint8Array(wasm.memory.buffer);
  if (wasm.__wbindgen_start) wasm.__wbindgen_start();
}

// The operations take and return numbers only, so what the module imports is never called with anything.
function imports(module) {
  const found = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    (found[from] ??= {})[name] = () => {};
  }
  return found;
}

// A memory that grows takes its old buffer away.
function view() {
  if (memory.length === 0) memory = new Uint8Array(wasm.memory.buffer);
  return memory;
}

function putBytes(bytes) {
  const start = wasm.reserve(bytes.length);
  view().set(bytes, start);
  return bytes.length;
}

// Lone surrogates are written as replacement characters: who must tell them apart looks first.
function putText(text) {
  const units = text.length;
  let start = wasm.reserve(units);
  let { read, written } = encoder.encodeInto(text, view().subarray(start, start + units));
  if (read < units) {
    const rest = (units - read) * 3;
    start = wasm.reserve(written + rest);
    const from = start + written;
    written += encoder.encodeInto(text.slice(read), view().subarray(from, from + rest)).written;
  }
  return written;
}

function takeBytes(length) {
  const start = wasm.output();
  return view().slice(start, start + length);
}

function takeText(length) {
  const start = wasm.output();
  return decoder.decode(view().subarray(start, start + length));
}

function refusal() {
  const code = wasm.refusal_code();
  const offset = wasm.refusal_offset();
  descriptions[code] ??= takeText(wasm.describe(code)).split("\n");
  const [name, sentence] = descriptions[code];
  return new ArcoflowError(name, sentence, offset === NOWHERE ? undefined : offset);
}

/** A refusal of the glue, with the sentence of the core. */
export function refuse(code, offset) {
  for (let index = 0; ; index += 1) {
    descriptions[index] ??= takeText(wasm.describe(index)).split("\n");
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
  const length = wasm.canonicalize(putBytes(input));
  if (length === REFUSED) throw refusal();
  const output = takeBytes(length);
  if (input.length > KEPT_BYTES) wasm.release();
  return output;
}

function canonicalText(text) {
  const length = wasm.canonicalize(putText(jsonText(text)));
  if (length === REFUSED) throw refusal();
  const output = takeText(length);
  if (text.length > KEPT_BYTES) wasm.release();
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
  const length = wasm.canonicalize(putText(text.slice(0, at)));
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
  return view()[wasm.output()];
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
  const length = wasm.call(operation, put);
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
