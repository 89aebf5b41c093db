// Lends the core in WebAssembly a SQLite, has it live the lives of some seeds, and prints the report of each on a line of its own.
//
//   node live.mjs BOUND HOURS SEED…

import { createRequire } from "node:module";
import { resolve } from "node:path";
import "./sqlite.mjs";

const [bound, hours, ...seeds] = process.argv.slice(2);
const core = createRequire(import.meta.url)(resolve(bound, "arcoflow_stories_web.js"));
for (const seed of seeds) {
  process.stdout.write(`${core.live(Number(seed), Number(hours))}\n`);
}
