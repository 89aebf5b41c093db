// Measures how many round trips a level of a chain takes when the scheduler and the worker are far from the edge.
//
//   node edge/bench/levels.mjs BINARY [--levels N] [--away MS]
//
// A proxy holds each byte for so many milliseconds each way. The worker is this program, so a level is what the door and the scheduler
// take and nothing else. Fewer than three round trips a level is the aim.

import { spawn } from "node:child_process";
import { createServer, connect } from "node:net";
import { parseArgs } from "node:util";

import { keep } from "../../tests/samples/samples.mjs";
import { Door, edgeDoor, freePort } from "./doors.mjs";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { levels: { type: "string", default: "100" }, away: { type: "string", default: "20" } },
});
const LEVELS = Number(options.levels);
const AWAY_MS = Number(options.away);
const uuid = (number) => `01930a0b-0000-7000-8000-${number.toString(16).padStart(12, "0")}`;

const edge = await edgeDoor();
for (const [away, start] of [[0, true], [AWAY_MS, false], [AWAY_MS, true]]) await measure(away, start);
await edge.end();
process.exit(0);

/** A worker that begins at once lets the lease start the attempt; another one says so itself, and waits for the answer. */
async function measure(away, start) {
  const url = await delayed(edge.url, away);
  const door = new Door("edge", url, edge.pid, edge.key);
  const prefix = `far${away}${start ? "start" : ""}`;
  const assets = [...Array(LEVELS).keys()].map((level) => ({
    key: `${prefix}/l${level}`, id: uuid(10_000 * away + (start ? 5_000 : 0) + level + 1), run: { command: ["true"] },
    upstreams: level === 0 ? [] : [{ asset: `${prefix}/l${level - 1}` }],
  }));
  await door.must("POST", "/v1/manifests", { version: 1, assets });
  const scheduler = spawn(positionals[0], ["scheduler", "--door", url, "--lease", "30s"], {
    env: { ...process.env, ARCOFLOW_TOKEN: edge.key }, stdio: "ignore",
  });
  while ((await edge.send("GET", "/ready")).status !== 200) await new Promise((later) => setTimeout(later, 20));
  const lease = () => door.must("POST", "/v1/leases", { workerId: "w1", queues: ["default"], max: 1, waitS: 30, start });
  // The worker waits before there is work, as a worker does, and the scheduler has read what there is.
  let waiting = lease();
  await new Promise((later) => setTimeout(later, 3_000));
  const begun = performance.now();
  await door.must("POST", "/v1/runs", {});
  let first;
  for (let level = 0; level < LEVELS; level += 1) {
    const { tasks: [task] } = await waiting;
    const body = { attempt: task.attempt, workerId: "w1" };
    if (!start) await door.must("POST", `/v1/tasks/${task.taskId}/started`, body, task.taskToken);
    first ??= performance.now();
    waiting = level + 1 < LEVELS ? lease() : null;
    await door.must("POST", `/v1/tasks/${task.taskId}/completed`, { ...body, outcome: "SUCCEEDED" }, task.taskToken);
  }
  const perLevel = (performance.now() - first) / (LEVELS - 1);
  const how = start ? "" : ", where workers say that they start";
  keep(`trigger to the first started, ${away} ms away${how}`, "edge", "ms", first - begun);
  if (away > 0) keep(`a level, ${away} ms away${how}`, "edge", "round trips", perLevel / (2 * away));
  const trips = away > 0 ? `, ${(perLevel / (2 * away)).toFixed(2)} round trips` : "";
  console.log(`${away} ms away, ${start ? "started by the lease" : "started by the worker"}: trigger to the first started ${(first - begun).toFixed(0)} ms; a level ${perLevel.toFixed(1)} ms${trips}`);
  await new Promise((ended) => {
    scheduler.on("exit", ended);
    scheduler.kill("SIGTERM");
  });
}

/** The address of a proxy that holds every piece for a while, in order. */
async function delayed(target, away) {
  const port = await freePort();
  const pass = (from, to) => {
    from.on("data", (piece) => setTimeout(() => to.write(piece), away));
    from.on("end", () => setTimeout(() => to.end(), away));
    from.on("error", () => to.destroy());
  };
  const proxy = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ host: target.hostname, port: Number(target.port), allowHalfOpen: true });
    near.setNoDelay(true);
    far.setNoDelay(true);
    pass(near, far);
    pass(far, near);
  });
  await new Promise((listening) => proxy.listen(port, "127.0.0.1", listening));
  return `http://127.0.0.1:${port}`;
}
