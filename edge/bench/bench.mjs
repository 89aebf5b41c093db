// Measures the edge on local workerd beside the least that a durable write takes there, and beside the native door, in turn.
//
//   node edge/bench/bench.mjs [--native BINARY] [--rounds N] [--seconds S] [--open TASKS]
//
// Every figure of a door is the middle of its rounds. Ratios are of requests a second, ours by the peer's, in the same run.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";

import { keep } from "../../tests/samples/samples.mjs";
import { edgeDoor, minimalDoor, nativeDoor } from "./doors.mjs";

const { values: options } = parseArgs({
  options: {
    native: { type: "string" },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "2" },
    open: { type: "string", default: "100000" },
  },
});
const ROUNDS = Number(options.rounds);
const WINDOW_MS = Number(options.seconds) * 1_000;
const TASKS = 60_000;
const uuid = (number) => `01930a0b-0000-7000-8000-${number.toString(16).padStart(12, "0")}`;

size();
const edge = await edgeDoor();
const minimal = await minimalDoor();
const native = options.native ? await nativeDoor(options.native) : null;
for (const { name, coldMs, firstCallMs } of [edge, minimal]) {
  keep("cold start", name, "ms", coldMs);
  keep("first call of the object", name, "ms", firstCallMs);
}
console.log(`cold start to the first answer: edge ${fixed(edge.coldMs)} ms, minimal ${fixed(minimal.coldMs)} ms`);
console.log(`first call of the object: edge ${fixed(edge.firstCallMs)} ms, minimal ${fixed(minimal.firstCallMs)} ms`);
const ours = native ? [edge, native] : [edge];
for (const door of ours) await prepare(door, TASKS);
let fact = 0;
const work = {
  completed: (door) => complete(door),
  trigger: (door) => door.must("POST", "/v1/runs", { selection: "bench/one" }, undefined, { "idempotency-key": `k${++fact}` }),
};
const insert = (door) => door.must("POST", "/", { id: `f${++fact}`, attempt: 1, workerId: "w1", outcome: "SUCCEEDED" });
for (const callers of [1, 32]) {
  for (const [name, ask] of Object.entries(work)) {
    const figures = new Map([minimal, ...ours].map((door) => [door, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      figures.get(minimal).push(await measure(minimal, insert, callers));
      for (const door of ours) figures.get(door).push(await measure(door, ask, callers));
    }
    for (const [door, taken] of figures) {
      keep(`${name}, ${callers} callers`, door.name, "/s", ...taken.map(({ rate }) => rate));
      keep(`${name}, ${callers} callers, processor`, door.name, "µs a request", ...taken.map(({ cpuUs }) => cpuUs));
    }
    const row = [minimal, ...ours].map((door) => {
      const middle = median(figures.get(door));
      return `${door.name} ${fixed(middle.rate)} req/s, ${fixed(middle.cpuUs)} µs`;
    });
    const ratio = median(figures.get(edge)).rate / median(figures.get(minimal)).rate;
    console.log(`${name}, ${callers} callers: ${row.join("; ")}; edge by minimal ${ratio.toFixed(2)}`);
  }
}
await edge.end();
await native?.end();
await minimal.end();
await memory(Number(options.open));

/** What is uploaded. */
function size() {
  const built = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "../built");
  let [raw, compressed] = [0, 0];
  for (const name of readdirSync(built)) {
    const bytes = readFileSync(join(built, name));
    raw += bytes.length;
    compressed += gzipSync(bytes, { level: 9 }).length;
  }
  keep("size", "edge", "bytes", raw);
  keep("size, compressed", "edge", "bytes", compressed);
  console.log(`size with glue: ${raw} bytes, ${compressed} compressed`);
}

/** A manifest with one asset of many partitions and one without; a run of the first, decided by the benchmark itself. */
async function prepare(door, tasks) {
  const asset = { upstreams: [], run: { command: ["true"] }, timeouts: { startMs: 3_600_000 } };
  const partitions = [{ name: "n", kind: "static", values: [...Array(tasks).keys()] }];
  await door.must("POST", "/v1/manifests", { version: 1, assets: [
    { ...asset, key: "bench/many", id: uuid(1), partitions },
    { ...asset, key: "bench/one", id: uuid(2), queue: "nobody" },
  ] });
  const { epoch } = await door.must("POST", "/v1/scheduler", { holder: "bench", ttlMs: 600_000, takeOver: true });
  const trigger = { selection: "bench/many", allPartitions: true };
  const { runId, plan, tasks: count } = await door.must("POST", "/v1/runs", trigger);
  const append = async (events) => {
    const { results } = await door.must("POST", "/v1/ledger", { epoch, after: 1e15, events });
    const taken = results.filter((result) => result.appended).length;
    if (taken !== events.length) throw new Error(`${events.length - taken} decisions were not taken: ${JSON.stringify(results[0])}`);
  };
  await append([{ kind: "run_planned", body: { run: runId, plan, tasks: count } }]);
  let after = "";
  for (let done = 0; done < count; ) {
    const page = await door.must("GET", `/v1/runs/${runId}/tasks?limit=2000${after}`);
    await append(page.tasks.map(({ taskKey }) => ({ kind: "dispatch_requested", body: { attempt: 1, queue: "default", run: runId, task: taskKey } })));
    done += page.tasks.length;
    after = `&after=${encodeURIComponent(page.next ?? "")}`;
  }
  door.envelopes = [];
  door.ready = true;
}

/** Leased attempts are taken before the window, so that only the callback is measured. */
async function stock(door, count) {
  while (door.envelopes.length < count) {
    const { tasks } = await door.must("POST", "/v1/leases", { workerId: "w1", queues: ["default"], max: 500 });
    if (tasks.length === 0) throw new Error(`${door.name} has no more work`);
    door.envelopes.push(...tasks.map(({ taskId, taskToken }) => [taskId, taskToken]));
  }
}

function complete(door) {
  const [task, token] = door.envelopes.pop() ?? [];
  if (!task) return null;
  return door.must("POST", `/v1/tasks/${task}/completed`, { attempt: 1, workerId: "w1", outcome: "SUCCEEDED" }, token);
}

async function measure(door, ask, callers) {
  if (ask === work.completed) await stock(door, Math.min(4_000, (WINDOW_MS / 1_000) * (callers === 1 ? 1_200 : 2_000)));
  let done = 0;
  const [cpu, begun] = [door.processorUs(), performance.now()];
  let end = begun + WINDOW_MS;
  const caller = async () => {
    while (performance.now() < end) {
      const asked = ask(door);
      if (asked === null) return;
      try {
        await asked;
      } catch (error) {
        // A door that is faster than its limit of triggers is measured until it has reached it.
        if (error.status !== 429) throw error;
        end = Math.min(end, performance.now());
        return;
      }
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const seconds = (performance.now() - begun) / 1_000;
  return { rate: done / seconds, cpuUs: (door.processorUs() - cpu) / done };
}

/** A fresh object with so many open tasks. */
async function memory(open) {
  const door = await edgeDoor();
  const before = door.residentMb();
  await prepare(door, open);
  const begun = performance.now();
  await door.must("GET", "/health");
  keep("memory at the start", "edge", "MB", before);
  keep(`memory with ${open} open tasks`, "edge", "MB", door.residentMb());
  console.log(`memory of workerd: ${fixed(before)} MB at the start, ${fixed(door.residentMb())} MB with ${open} open tasks; /health then ${fixed(performance.now() - begun)} ms`);
  await door.end();
}

function median(figures) {
  const sorted = [...figures].sort((left, right) => left.rate - right.rate);
  return sorted[Math.floor(sorted.length / 2)];
}

function fixed(number) {
  return Math.round(number).toLocaleString("en");
}
