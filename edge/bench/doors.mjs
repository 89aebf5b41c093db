// Doors of the benchmark: each is a process over an empty directory, with its processor time and memory in reach.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const edge = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "..");
/** Clock ticks a second, as Linux counts processor time. */
const TICKS = 100;

export class Door {
  constructor(name, url, pid, key, end) {
    Object.assign(this, { name, url: new URL(url), pid, key, end });
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  }

  /** Status and JSON of an answer. */
  send(method, path, body, token = this.key, headers = {}) {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const options = {
      agent: this.agent, host: this.url.hostname, port: this.url.port, method, path,
      headers: { authorization: `Bearer ${token}`, ...headers, ...(text ? { "content-type": "application/json", "content-length": Buffer.byteLength(text) } : {}) },
    };
    return new Promise((resolve, reject) => {
      const request = http.request(options, (response) => {
        const pieces = [];
        response.on("data", (piece) => pieces.push(piece));
        response.on("end", () => {
          const said = Buffer.concat(pieces).toString();
          resolve({ status: response.statusCode, json: said.startsWith("{") ? JSON.parse(said) : said });
        });
      });
      request.on("error", reject);
      request.end(text);
    });
  }

  async must(method, path, body, token, headers) {
    const answer = await this.send(method, path, body, token, headers);
    if (answer.status >= 300) {
      throw Object.assign(new Error(`${this.name}: ${method} ${path}: ${answer.status} ${JSON.stringify(answer.json)}`), { status: answer.status });
    }
    return answer.json;
  }

  /** Microseconds of processor time since the start. */
  processorUs() {
    const fields = readFileSync(`/proc/${this.pid}/stat`, "utf8").split(") ")[1].split(" ");
    return ((Number(fields[11]) + Number(fields[12])) / TICKS) * 1e6;
  }

  /** Resident megabytes. */
  residentMb() {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"))[1]) / 1024;
  }

  async answers(path = "/health") {
    for (;;) {
      try {
        if ((await this.send("GET", path)).status < 500) return;
      } catch {
        await sleep(2);
      }
    }
  }
}

function place() {
  const directory = mkdtempSync(join(tmpdir(), "arcoflow-bench-"));
  return { directory, gone: () => rmSync(directory, { recursive: true, force: true }) };
}

export function freePort() {
  return new Promise((found) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });
}

function ended(child, signal) {
  return new Promise((resolve) => {
    child.on("exit", resolve);
    if (signal) child.kill(signal);
    else child.stdin.end();
  });
}

/** Our door on workerd. */
export async function edgeDoor() {
  const { directory, gone } = place();
  const runner = spawn("node", [join(edge, "serve.mjs"), "--data", directory, "--port", "0"], { stdio: ["pipe", "pipe", "inherit"] });
  const first = await new Promise((line) => runner.stdout.once("data", (bytes) => line(bytes.toString())));
  const begun = performance.now();
  const { url, pid } = JSON.parse(first.split("\n")[0]);
  const { key } = JSON.parse(readFileSync(join(directory, "client.json"), "utf8"));
  const door = new Door("edge", url, pid, key, async () => {
    await ended(runner);
    gone();
  });
  await door.answers("/metrics");
  door.coldMs = performance.now() - begun;
  const object = performance.now();
  await door.answers();
  door.firstCallMs = performance.now() - object;
  return door;
}

/** The least that a durable write takes. */
export async function minimalDoor() {
  const { directory, gone } = place();
  const port = await freePort();
  mkdirSync(join(directory, "facts"));
  const child = spawn(
    join(edge, "node_modules/.bin/workerd"),
    ["serve", join(edge, "bench/minimal.capnp"), "--socket-addr", `http=127.0.0.1:${port}`, "--directory-path", `facts=${join(directory, "facts")}`],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const begun = performance.now();
  const door = new Door("minimal", `http://127.0.0.1:${port}`, child.pid, "minimal", async () => {
    await ended(child, "SIGTERM");
    gone();
  });
  await door.send("GET", "/", undefined, "nobody").catch(() => {});
  while (!(await door.send("GET", "/", undefined, "nobody").catch(() => null))) await sleep(2);
  door.coldMs = performance.now() - begun;
  const object = performance.now();
  await door.must("POST", "/", { id: "first" });
  door.firstCallMs = performance.now() - object;
  return door;
}

/** The native door, alone. */
export async function nativeDoor(binary) {
  const { directory, gone } = place();
  const port = await freePort();
  const child = spawn(binary, ["serve", "--no-scheduler", "--data", directory, "--listen", `127.0.0.1:${port}`], { stdio: "ignore" });
  const begun = performance.now();
  const door = new Door("native", `http://127.0.0.1:${port}`, child.pid, "nobody", async () => {
    await ended(child, "SIGTERM");
    gone();
  });
  await door.answers();
  door.coldMs = performance.now() - begun;
  door.firstCallMs = 0;
  door.key = JSON.parse(readFileSync(join(directory, "client.json"), "utf8")).key;
  return door;
}
