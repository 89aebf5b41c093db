// The edge as it is built, with a clock and a chance that the story gives. Each request says its story, its moment, and, when it is for
// no door, what is wanted of the object.

import { ask } from "./isolate.js";
import edge, { Ledger as Built } from "./worker.js";

let now = 0;
let chance = new Uint8Array(32);
Date.now = () => now;
crypto.getRandomValues = (bytes) => {
  bytes.set(chance.subarray(0, bytes.length));
  return bytes;
};

let current = null;

/** A new story, and a door that was restarted, meet an instance of the core that knows nothing. */
function forget(env) {
  try {
    ask(env, () => {
      throw FORGOTTEN;
    });
  } catch (error) {
    if (error !== FORGOTTEN) throw error;
  }
}

const FORGOTTEN = Symbol("forgotten");

/** The ledger of the workspace that every story is about. */
const LEDGER = "acme/main/0";

export default {
  async fetch(request, env) {
    const headers = new Headers(request.headers);
    const told = (name) => {
      const value = headers.get(name);
      headers.delete(name);
      return value;
    };
    const story = told("story");
    now = Number(told("story-now"));
    chance = bytes(told("story-chance"));
    const wants = told("story-wants");
    if (story !== current || wants === "restart") forget(env);
    current = story;
    const objects = {
      idFromName: (name) => env.LEDGER.idFromName(`${story}/${name}`),
      get: (id) => env.LEDGER.get(id),
    };
    if (wants !== null) {
      const object = objects.get(objects.idFromName(LEDGER));
      return object.fetch("https://story/", { method: "POST", headers: { "story-wants": wants }, body: request.body });
    }
    const { ARCOFLOW_KEYRING, ARCOFLOW_BASE_URL } = env;
    return edge.fetch(new Request(request, { headers }), { ARCOFLOW_KEYRING, ARCOFLOW_BASE_URL, LEDGER: objects });
  },
};

export class Ledger extends Built {
  async fetch(request) {
    switch (request.headers.get("story-wants")) {
      case null:
        return super.fetch(request);
      case "expire":
        await super.alarm();
        return new Response();
      case "restart":
        // Whoever waits for this hears that the object is gone.
        return this.ctx.abort("the story wants it");
      default:
        return Response.json(this.#rows(await request.json()));
    }
  }

  /** The clock of the platform rings in no story. */
  alarm() {}

  #rows({ sql, values }) {
    const cursor = this.ctx.storage.sql.exec(sql, ...values.map(taken));
    return cursor.raw().toArray().map((row) => row.map(given));
  }
}

/** A value as it crosses: bytes are hex digits in an object, everything else is itself. */
function given(value) {
  if (!(value instanceof ArrayBuffer)) return value;
  return { bytes: Array.from(new Uint8Array(value), (byte) => byte.toString(16).padStart(2, "0")).join("") };
}

function taken(value) {
  return value?.bytes === undefined ? value : bytes(value.bytes);
}

function bytes(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
