// The package for Node, browsers and bundlers: the module travels in the script, so importing it is enough.

import { initSync } from "./slim.js";
import wasm from "./core.wasm.js";

function bytes(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  if (globalThis.Buffer) return globalThis.Buffer.from(base64, "base64");
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

initSync(new WebAssembly.Module(bytes(wasm)));

export * from "./slim.js";
