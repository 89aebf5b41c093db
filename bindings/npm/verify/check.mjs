// Opens the page over a ledger that the edge wrote, as it is and with a byte of it turned over, and looks at what it shows.
//
//   node bindings/npm/verify/check.mjs [--screenshot FILE]
//
// The page has to take the whole ledger, with the head and the state of each run that the door says, to name the record that was touched,
// and to say which states it does not know when it is not given the manifests.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";

import { edgeDoor } from "../../../edge/bench/doors.mjs";

const { values: options } = parseArgs({ options: { screenshot: { type: "string" } } });
const here = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const MEDIA = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".json": "application/json", ".wasm": "application/wasm", ".jsonl": "application/jsonl" };
const FLIPS = 3;

const { lines, head, runs, manifest } = await written();
const states = runs.map((run) => run.stateFingerprint);
const said = [head, `${runs.length} runs replayed`, ...states];
const ledgers = new Map([
  ["/whole.jsonl", { bytes: whole(lines), expected: { state: "holds", says: said } }],
  ["/bare.jsonl", { bytes: whole(lines), isBare: true, expected: { state: "holds", says: [head, `${runs.length} runs not`] }, what: "without its manifest" }],
]);
for (let flip = 0; flip < FLIPS; flip += 1) {
  const at = Math.floor(Math.random() * lines.length);
  const touched = Buffer.from(lines[at]);
  const byte = Math.floor(Math.random() * touched.length);
  touched[byte] ^= 1 << Math.floor(Math.random() * 8);
  const bytes = whole([...lines.slice(0, at), touched, ...lines.slice(at + 1)]);
  ledgers.set(`/flip${flip}.jsonl`, { bytes, expected: { state: "broken", seq: at + 1 }, what: `byte ${byte} of record ${at + 1} touched` });
}
const middle = Math.floor(lines.length / 2);
const cut = whole([...lines.slice(0, middle), ...lines.slice(middle + 1)]);
// The first record that is not the next one.
ledgers.set("/cut.jsonl", { bytes: cut, expected: { state: "broken", seq: middle + 2 }, what: `record ${middle + 1} left out` });

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://page");
  try {
    const bytes = pathname === "/manifest.json" ? manifest : ledgers.get(pathname)?.bytes;
    response.setHeader("content-type", MEDIA[extname(pathname)] ?? MEDIA[".html"]);
    response.end(bytes ?? (await readFile(place(pathname))));
  } catch {
    response.statusCode = 404;
    response.end();
  }
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const faults = [];
for (const [name, { expected, isBare, what }] of ledgers) {
  const address = `http://127.0.0.1:${server.address().port}/?ledger=${name}${isBare ? "" : "&manifest=/manifest.json"}`;
  const shown = await open(address, name === "/whole.jsonl" ? options.screenshot : undefined);
  const state = /<output[^>]* data-state="(\w+)"/.exec(shown)?.[1];
  const sentence = /<strong>([^<]*)</.exec(shown)?.[1] ?? "nothing";
  const says = expected.says ?? [`Record ${expected.seq.toLocaleString("en")} `];
  const missing = says.filter((words) => !shown.includes(words));
  console.log(`${what ?? `${lines.length} records of the edge`}: ${sentence}`);
  if (state !== expected.state || missing.length > 0) {
    faults.push(`${what ?? "the whole ledger"}: expected ${expected.state}; the page shows \`${state}\`: ${sentence}, without ${missing.join(", ")}`);
  }
}
server.closeAllConnections();
server.close();
if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}

/** The records of a few runs at an edge as an export has them, the manifest, and what the door says of the head and of each run. */
async function written() {
  const door = await edgeDoor();
  const run = { command: ["true"] };
  const asset = { key: "page/one", id: "01930a0b-0000-7000-8000-000000000001", upstreams: [], run };
  const { manifest } = await door.must("POST", "/v1/manifests", { version: 1, assets: [asset] });
  const { epoch } = await door.must("POST", "/v1/scheduler", { holder: "check", ttlMs: 60_000, takeOver: true });
  const outcomes = [{ outcome: "SUCCEEDED" }, { outcome: "FAILED", error: { category: "CONFIGURATION", message: "nothing is right" } }];
  const ids = [];
  for (let number = 0; number < 20; number += 1) {
    const { runId, plan, tasks } = await door.must("POST", "/v1/runs", { labels: { note: `⚑ ${number} "ü"` } });
    ids.push(runId);
    const events = [
      { kind: "run_planned", body: { run: runId, plan, tasks } },
      { kind: "dispatch_requested", body: { attempt: 1, queue: "default", run: runId, task: "page/one:materialize" } },
    ];
    const { results } = await door.must("POST", "/v1/ledger", { epoch, after: 1e15, events });
    if (!results.every((result) => result.appended)) throw new Error(`a decision was not taken: ${JSON.stringify(results)}`);
    const { tasks: [task] } = await door.must("POST", "/v1/leases", { workerId: "w1", queues: ["default"], max: 1, start: true });
    await door.must("POST", `/v1/tasks/${task.taskId}/completed`, { attempt: 1, workerId: "w1", ...outcomes[number % outcomes.length] }, task.taskToken);
  }
  const lines = await records(door);
  const runs = await Promise.all(ids.map((id) => door.must("GET", `/v1/runs/${id}`)));
  const content = await fetch(new URL(`/v1/manifests/${manifest}`, door.url), { headers: { authorization: `Bearer ${door.key}` } });
  const bytes = Buffer.from(await content.arrayBuffer());
  await door.end();
  return { lines, head: JSON.parse(lines.at(-1)).chain, runs, manifest: bytes };
}

/** Every record in the bytes of the door, which a stream of events carries as they are. */
async function records(door) {
  const { head } = await door.must("GET", "/health");
  const answer = await fetch(new URL("/v1/ledger?after=0", door.url), {
    headers: { authorization: `Bearer ${door.key}`, accept: "text/event-stream" },
  });
  let said = "";
  const decoder = new TextDecoder();
  for await (const piece of answer.body) {
    said += decoder.decode(piece, { stream: true });
    const whole = said.split("\n\n").slice(0, -1);
    const data = whole.map((event) => /^data: (.*)$/m.exec(event)?.[1]).filter((line) => line !== undefined);
    // Leaving the loop ends the stream.
    if (data.length >= head) return data.map((line) => Buffer.from(line));
  }
  throw new Error("the stream ended before the newest record");
}

/** The lines of a file, in bytes. */
function whole(lines) {
  return Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")]));
}

/** Files of the page, and of the built package under `/dist`. */
function place(pathname) {
  const root = pathname.startsWith("/dist/") ? join(here, "..") : here;
  const path = normalize(join(root, pathname === "/" ? "index.html" : pathname));
  if (!path.startsWith(root)) throw new Error("outside");
  return path;
}

/** What the page is once its scripts have come to rest. */
async function open(url, screenshot) {
  const profile = await mkdtemp(join(tmpdir(), "arcoflow-chromium-"));
  const browse = async (more) => {
    const flags = [
      "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync", `--user-data-dir=${profile}`,
      "--virtual-time-budget=20000",
    ];
    const browser = spawn(process.env.CHROMIUM ?? "chromium", [...flags, ...more, url], { stdio: ["ignore", "pipe", "ignore"] });
    const [shown] = await Promise.all([text(browser.stdout), new Promise((resolve, reject) => browser.on("exit", resolve).on("error", reject))]);
    return shown;
  };
  try {
    if (screenshot) await browse([`--screenshot=${screenshot}`, "--window-size=900,700"]);
    return await browse(["--dump-dom"]);
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
