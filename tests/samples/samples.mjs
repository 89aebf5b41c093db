// Each sample of a benchmark is a line of JSON for whoever computes its figures again.

import { appendFileSync } from "node:fs";
import { parse } from "node:path";

const FILE = process.env.ARCOFLOW_SAMPLES;

/** Keeps the samples of what was measured of somebody, in a unit; without a file they are only printed. */
export function keep(measure, subject, unit, ...values) {
  if (!FILE) return;
  const bench = parse(FILE).name;
  appendFileSync(FILE, values.map((value) => `${JSON.stringify({ bench, measure, subject, unit, value })}\n`).join(""));
}
