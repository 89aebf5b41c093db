// Lends the core in WebAssembly a SQLite, has it play every story of a directory, and prints what it says.
//
//   node play.mjs BOUND STORIES

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, resolve } from "node:path";
import "./sqlite.mjs";

const [bound, stories] = process.argv.slice(2);
const core = createRequire(import.meta.url)(resolve(bound, "arcoflow_stories_web.js"));
for (const file of readdirSync(stories).sort()) {
  if (file.endsWith(".scenario")) {
    process.stdout.write(core.play_file(basename(file, ".scenario"), readFileSync(resolve(stories, file), "utf8")));
  }
}
