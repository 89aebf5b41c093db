// Answers on standard input and output, with the package that is installed beside it.

import { createInterface } from "node:readline";

import { answer } from "./answer.js";

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(answer(line) + "\n");
}
