// One instance of the core serves an isolate. A trap leaves it in pieces, so the next call begins with a new one.

import { Door, __wbg_reset_state as reset, initSync, refuse } from "./arcoflow_edge.js";
import module from "./arcoflow_edge_bg.wasm";
import { Exchange } from "./exchange.js";

initSync({ module });

let door = null;
/** Counts the instances of this isolate. */
export let generation = 0;

/** Asks the core, and gives back what it said. Whatever it throws, the next call finds it whole. */
export function ask(env, work) {
  const exchange = new Exchange();
  try {
    door ??= new Door(required(env, "ARCOFLOW_KEYRING"), required(env, "ARCOFLOW_BASE_URL"));
    work(door, exchange);
    return exchange;
  } catch (error) {
    door = null;
    if (!(error instanceof Error) || error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
      generation += 1;
      reset();
    }
    throw error;
  }
}

/** A refusal by the name of its kind. */
export function refusal(slug) {
  const exchange = new Exchange();
  refuse(slug, exchange);
  return exchange.toResponse();
}

function required(env, name) {
  if (!env[name]) throw new Error(`${name} is not set; see docs/deploy.md`);
  return env[name];
}
