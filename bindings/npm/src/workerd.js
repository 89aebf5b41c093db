// The package for workerd, which compiles modules before it runs scripts.

import { initSync } from "./slim.js";
import module from "./core.wasm";

initSync(module);

export * from "./slim.js";
