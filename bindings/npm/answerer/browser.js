// Hands the questions to a page in headless Chromium, and prints what the page answers.
//
// The page imports the installed package, through an import map or, with `--built`, as a bundler built it.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { text } from "node:stream/consumers";

const here = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const root = process.argv.includes("--built") ? join(here, "built") : here;
const MEDIA = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

const questions = await text(process.stdin);
const { promise, resolve, reject } = Promise.withResolvers?.() ?? withResolvers();

function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

const server = createServer(async (request, response) => {
  if (request.url === "/questions") return response.end(questions);
  if (request.method === "POST") {
    const body = await text(request);
    response.end();
    return request.url === "/answers" ? resolve(body) : reject(new Error(body));
  }
  try {
    const path = normalize(join(root, request.url === "/" ? "page.html" : new URL(request.url, "http://page").pathname));
    if (!path.startsWith(root)) throw new Error("outside");
    const body = await readFile(path);
    response.setHeader("content-type", MEDIA[extname(path)] ?? "application/octet-stream");
    response.end(body);
  } catch {
    response.statusCode = 404;
    response.end();
  }
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

const profile = await mkdtemp(join(tmpdir(), "arcoflow-chromium-"));
const browser = spawn(
  process.env.CHROMIUM ?? "chromium",
  [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    `--user-data-dir=${profile}`,
    `http://127.0.0.1:${server.address().port}/`,
  ],
  { stdio: "ignore" },
);
browser.on("error", () => reject(new Error("chromium does not start; install Debian's `chromium`")));
browser.on("exit", (code) => reject(new Error(`chromium ended with ${code} before the page answered`)));

try {
  process.stdout.write(await promise);
} finally {
  browser.removeAllListeners("exit");
  const ended = new Promise((exited) => browser.on("exit", exited));
  if (browser.kill()) await ended;
  server.closeAllConnections();
  server.close();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
}
