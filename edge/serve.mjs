// Runs the edge on this machine: workerd over a directory, with the keys and the address in the files that `arcoflow` reads.
//
//   node edge/serve.mjs [--data DIR] [--port PORT] [--audience TEXT] [--shards N]
//
// The directory holds `credentials.json` (the keyring; when it is missing it is made, for a workspace of N ledgers), `client.json` (the
// address and a key for the commands of this directory) and `ledgers` (what the objects store). A workerd that dies is started again on
// the same directory.
// The first line of output is JSON: the address, and the process id of workerd; a line like it follows each restart.

import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    data: { type: "string", default: ".arcoflow" },
    port: { type: "string", default: "8787" },
    audience: { type: "string" },
    shards: { type: "string" },
  },
});
const here = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const data = resolve(options.data);
const PERMISSIONS = ["runs:write", "manifests:write", "leases", "ledger", "read"];
/** Milliseconds between a death and the next start. */
const PAUSE_MS = 200;

if (!existsSync(join(here, "built/worker.js"))) {
  fail("the edge is not built; run `cargo xtask edge build`");
}
const shards = Number(options.shards ?? 1);
if (!(shards >= 1 && shards <= 256 && Number.isInteger(Math.log2(shards)))) {
  fail(`a workspace has 1, 2, 4 or another power of two up to 256 ledgers, not ${options.shards}`);
}
mkdirSync(join(data, "ledgers"), { recursive: true });
const port = options.port === "0" ? await freePort() : Number(options.port);
const url = `http://127.0.0.1:${port}`;
const keyring = load("credentials.json") ?? freshKeyring();
const kept = keyring.shards ?? 1;
if (options.shards !== undefined && kept !== shards) {
  fail(`the workspace in ${data} has ${kept} ledger${kept === 1 ? "" : "s"} and cannot have ${shards}: the runs are found by their number; take another directory`);
}
writeSecret("client.json", { url, key: ownKey(keyring), elsewhere: true });

let ending = false;
let server = start();
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, end);
// Whoever started this with a pipe is gone when the pipe closes.
if (!process.stdin.isTTY) process.stdin.on("end", end).on("error", end).resume();

function start() {
  const workerd = spawn(
    join(here, "node_modules/.bin/workerd"),
    ["serve", join(here, "local.capnp"), "--socket-addr", `http=127.0.0.1:${port}`, "--directory-path", `ledgers=${join(data, "ledgers")}`],
    {
      stdio: ["ignore", "inherit", "inherit"],
      env: {
        ...process.env,
        ARCOFLOW_KEYRING: JSON.stringify(keyring),
        ARCOFLOW_BASE_URL: url,
      },
    },
  );
  workerd.on("error", (error) => {
    fail(`workerd does not start: ${error.message}; run \`npm ci\` in edge`);
  });
  workerd.on("exit", (code, signal) => {
    if (ending) process.exit(0);
    console.error(`workerd ended with ${signal ?? code}; it is started again`);
    setTimeout(() => {
      if (!ending) server = start();
    }, PAUSE_MS);
  });
  console.log(JSON.stringify({ url, pid: workerd.pid }));
  return workerd;
}

function end() {
  if (ending) return;
  ending = true;
  if (server.exitCode !== null || server.signalCode !== null) process.exit(0);
  server.kill("SIGTERM");
  // Whatever was acknowledged is on disk.
  setTimeout(() => server.kill("SIGKILL"), 2_000).unref();
}

function fail(sentence) {
  console.error(`error: ${sentence}`);
  process.exit(1);
}

function load(name) {
  const path = join(data, name);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : null;
}

/** Only its owner may read it, and a reader sees the old text or the new one. */
function writeSecret(name, value) {
  const path = join(data, name);
  writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function freshKeyring() {
  const made = {
    tenant: "local",
    workspace: "default",
    audience: options.audience ?? `arcoflow-local-${randomBytes(8).toString("hex")}`,
    tokenKeys: [{ id: "k1", secret: randomBytes(32).toString("hex"), stage: "active" }],
    credentials: [],
    ...(shards === 1 ? {} : { shards }),
  };
  writeSecret("credentials.json", made);
  return made;
}

/** The key of the last start when the keyring still knows it, else a new one. */
function ownKey(keyring) {
  const known = load("client.json")?.key;
  const digest = (key) => `sha256:${createHash("sha256").update(key).digest("hex")}`;
  if (known && keyring.credentials.some((one) => one.digest === digest(known) && !one.revoked)) return known;
  const name = keyring.credentials.length === 0 ? "owner" : `owner-${keyring.credentials.length + 1}`;
  const key = `arco_${name}_${randomBytes(32).toString("base64url")}`;
  const { tenant, workspace } = keyring;
  keyring.credentials.push({ name, digest: digest(key), scope: { tenant, workspace }, permissions: PERMISSIONS, revoked: false });
  writeSecret("credentials.json", keyring);
  return key;
}

function freePort() {
  return new Promise((found) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });
}
