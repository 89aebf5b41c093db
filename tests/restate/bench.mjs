// Measures Restate on the work of the host benchmark, and keeps the samples beside those of the host.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { keep } from "../samples/samples.mjs";

const SERVER = new URL("./node_modules/@restatedev/restate-server-linux-x64/bin/restate-server", import.meta.url).pathname;
const SERVICE = new URL("./service.mjs", import.meta.url).pathname;

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const ports = { ingress: await freePort(), admin: await freePort(), node: await freePort(), service: await freePort() };
const data = mkdtempSync(join(tmpdir(), "restate-bench-"));
const environment = {
  PATH: process.env.PATH,
  RESTATE_BASE_DIR: data,
  RESTATE_CLUSTER_NAME: "bench",
  RESTATE_NODE_NAME: "bench",
  RESTATE_LISTEN_MODE: "tcp",
  RESTATE_BIND_IP: "127.0.0.1",
  RESTATE_BIND_PORT: String(ports.node),
  RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ports.ingress}`,
  RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${ports.admin}`,
  RESTATE_LOG_FILTER: "error",
  DO_NOT_TRACK: "1",
};

let server;
const startServer = () => {
  server = spawn(SERVER, ["--no-logo"], { env: environment, stdio: ["ignore", "ignore", "inherit"] });
};
const stopServer = () =>
  new Promise((resolve) => {
    server.once("exit", resolve);
    server.kill("SIGKILL");
  });

const service = spawn(process.execPath, [SERVICE, String(ports.service)], { stdio: ["ignore", "pipe", "ignore"] });
const heard = [];
let onHeard = () => {};
createInterface({ input: service.stdout }).on("line", (line) => {
  if (!line.startsWith("{")) return;
  heard.push(JSON.parse(line));
  onHeard();
});
const hear = async (member) => {
  for (;;) {
    const index = heard.findIndex((what) => member in what);
    if (index >= 0) return heard.splice(index, 1)[0];
    await new Promise((resolve) => {
      onHeard = resolve;
    });
  }
};

const until = async (what, attempt) => {
  const began = Date.now();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() - began > 60_000) throw new Error(`${what}: ${error}`);
      await sleep(50);
    }
  }
};

const post = async (port, path, body) => {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
};
const call = (path, body) => post(ports.ingress, path, body);

const bytesOf = (directory) => {
  let bytes = 0;
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    try {
      if (entry.isFile()) {
        const { size, blocks } = statSync(join(entry.parentPath, entry.name));
        // A log whose room was reserved has more blocks than content, a sparse file has fewer.
        bytes += Math.min(size, blocks * 512);
      }
    } catch {
      // A file that was compacted away between the listing and the look has no size.
    }
  }
  return bytes;
};

const cpuSeconds = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

const residentMib = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;

const sample = (measure, unit, ...values) => keep(measure, "Restate", unit, ...values);

const fanOut = async (count) => {
  const [began, cpu, bytes] = [performance.now(), cpuSeconds(server.pid), bytesOf(data)];
  await call("/flow/fanOut", count);
  sample(`fan-out of ${count}`, "/s", (count * 1_000) / (performance.now() - began));
  sample(`fan-out of ${count}, processor`, "µs a task", ((cpuSeconds(server.pid) - cpu) * 1e6) / count);
  sample(`fan-out of ${count}, disk`, "bytes a task", (bytesOf(data) - bytes) / count);
};

const chain = async (levels) => {
  await call("/flow/chain", levels);
  const began = performance.now();
  await call("/flow/chain", levels);
  sample("a level", "ms", (performance.now() - began) / levels);
};

const trigger = async () => {
  const times = [];
  for (let round = 0; round < 100; round += 1) {
    await sleep(20);
    const began = performance.timeOrigin + performance.now();
    times.push((await call("/task/stamp", null)) - began);
  }
  sample("trigger to first user code", "ms", ...times);
};

const idle = async () => {
  await sleep(2_000);
  const cpu = cpuSeconds(server.pid);
  await sleep(20_000);
  sample("resident memory", "MiB", residentMib(server.pid));
  sample("processor", "% of a core", ((cpuSeconds(server.pid) - cpu) / 20) * 100);
};

const restart = async () => {
  const times = [];
  for (let round = 0; round < 5; round += 1) {
    await post(ports.ingress, "/flow/fanOut/send", 2_000);
    await sleep(700);
    await stopServer();
    // What was on its way to the worker when the server died has arrived by then.
    await sleep(300);
    service.kill("SIGUSR2");
    const began = Date.now();
    startServer();
    times.push((await hear("ran")).ran - began);
    await until("the run before", () => call("/task/run", 0));
    await sleep(5_000);
  }
  sample("restart to first resumed task", "ms", ...times);
};

try {
  startServer();
  await hear("listens");
  const uri = `http://127.0.0.1:${ports.service}`;
  await until("the server does not start", () => post(ports.admin, "/deployments", { uri, force: true }));
  await until("the service is not found", () => call("/task/run", 0));
  await idle();
  await trigger();
  await chain(100);
  await fanOut(1_000);
  await fanOut(10_000);
  await restart();
} finally {
  service.kill("SIGKILL");
  server?.kill("SIGKILL");
  rmSync(data, { recursive: true, force: true });
}
process.exit(0);
