// Bundles the answerer as a deployment does, starts workerd on it, sends the questions and prints the answers.

import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

import { build } from "esbuild";
import program from "workerd";

const here = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const questions = await text(process.stdin);
const place = await mkdtemp(join(tmpdir(), "arcoflow-workerd-"));

await build({
  entryPoints: [join(here, "worker.js")],
  bundle: true,
  format: "esm",
  conditions: ["workerd", "worker"],
  loader: { ".wasm": "copy" },
  outdir: place,
  logLevel: "error",
});
const modules = (await readdir(place)).map((name) =>
  name.endsWith(".wasm")
    ? `(name = "${name}", wasm = embed "${name}")`
    : `(name = "${name}", esModule = embed "${name}")`,
);
modules.sort((left, right) => right.includes('"worker.js"') - left.includes('"worker.js"'));

const port = await new Promise((found) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const { port } = probe.address();
    probe.close(() => found(port));
  });
});
await writeFile(
  join(place, "config.capnp"),
  `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [${modules.join(", ")}], compatibilityDate = "2026-10-01"))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
`,
);
const server = spawn(program.default ?? program, ["serve", "config.capnp"], { cwd: place, stdio: ["ignore", "ignore", "inherit"] });
let ended = false;
server.on("exit", () => (ended = true));

async function ask() {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (ended) throw new Error("workerd ended before it answered");
    try {
      const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: questions });
      if (!response.ok) throw new Error(`workerd answered ${response.status}: ${await response.text()}`);
      return await response.text();
    } catch (error) {
      if (error.cause?.code !== "ECONNREFUSED") throw error;
      await sleep(50);
    }
  }
  throw new Error("workerd does not listen");
}

try {
  process.stdout.write(await ask());
} finally {
  if (server.kill()) await new Promise((exited) => server.on("exit", exited));
  await rm(place, { recursive: true, force: true });
}
