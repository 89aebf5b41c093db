// The package without a start of its own: `initSync` takes the compiled module of `arcoflow/core.wasm`.

import { canonicalize } from "./glue.js";
import { fingerprint } from "./names.js";
import { placeless, textOf } from "./value.js";

export { canonicalize };
export { initSync } from "./glue.js";
export * from "./names.js";

/** The canonical form of a value: `bigint` carries 64 bits, and whatever JSON cannot say is refused. */
export function canonicalizeValue(value) {
  return placeless(() => canonicalize(textOf(value)));
}

/** The fingerprint of a value. */
export function fingerprintValue(value) {
  return placeless(() => fingerprint(textOf(value)));
}
