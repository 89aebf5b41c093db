// The object of one shard: it holds the ledger, wakes who waits for it, and closes what is overdue.

import { DurableObject } from "cloudflare:workers";
import { ask, refusal } from "./isolate.js";
import { Storage } from "./storage.js";

/** The header that carries an admitted request from the worker to its object. */
export const HANDOVER = "arcoflow-handover";
/** The header that carries a body that is short and plain. */
export const BODY = "arcoflow-body";
/** The pause after an alarm that failed, in milliseconds. */
const AGAIN_MS = 5_000;
/** How late an alarm may ring before it is taken for lost, in milliseconds. */
const LATE_MS = 5_000;
/** So many requests are answered at once before one waits for others. */
const PROBE = 16;
const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

export class Ledger extends DurableObject {
  #store;
  /** Whether this door may answer from the storage; undefined until a request says which ledger is meant. */
  #fits;
  #waiting = new Set();
  /** What those wait for that arrive together, and how many they are. */
  #together = null;
  #gathered = 0;
  /** Whether the last that waited were many, and how many requests have come since. */
  #isCrowded = false;
  #alone = 0;
  /** When the alarm rings, as far as this incarnation knows; never, when nothing waits for a deadline. */
  #alarm = null;

  constructor(ctx, env) {
    super(ctx, env);
    this.#store = new Storage(ctx.storage);
    ask(env, (door) => {
      this.#fits = door.install(this.#store);
    });
  }

  async fetch(request) {
    const handover = request.headers.get(HANDOVER);
    if (!this.#isMeant(handover)) return refusal("upgrade-required-server");
    const body = await this.#arrive(request);
    try {
      return await this.#answer(handover, body, request);
    } catch (error) {
      console.error(`a request was not answered: ${error?.stack ?? error}`);
      return refusal("internal");
    }
  }

  async alarm() {
    this.#alarm = null;
    if (this.#fits === false) return;
    try {
      this.#settle(ask(this.env, (door, exchange) => door.expire(this.#store, exchange)));
    } catch (error) {
      console.error(`deadlines were not looked at: ${error?.stack ?? error}`);
      this.#arm(Date.now() + AGAIN_MS);
    }
  }

  #isMeant(handover) {
    if (this.#fits === undefined) {
      ask(this.env, (door) => {
        this.#fits = door.fits(this.#store, handover);
      });
    }
    return this.#fits;
  }

  /** The body of a request. Those that bring one together are answered in one event, so that the platform writes to disk once for all. */
  async #arrive(request) {
    const text = request.headers.get(BODY);
    if (text === null && request.body === null) return NOTHING;
    const body = text === null ? new Uint8Array(await request.arrayBuffer()) : encoder.encode(text);
    // To wait costs a single caller more than it saves: one in so many finds out whether there are others.
    this.#alone += 1;
    if (this.#isCrowded || this.#alone >= PROBE) {
      this.#gathered += 1;
      await (this.#together ??= this.#turn());
    }
    return body;
  }

  /** The next event, when all that is under way has arrived. */
  async #turn() {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#isCrowded = this.#gathered > 1;
    this.#gathered = 0;
    this.#alone = 0;
    this.#together = null;
  }

  async #answer(handover, body, request) {
    let end = null;
    for (;;) {
      const exchange = this.#ask(handover, body);
      if (exchange.cursor !== null) return this.#stream(exchange, handover, request.signal);
      if (exchange.waiting === null) return exchange.toResponse();
      const { topics, giveUpMs, againMs } = exchange.waiting;
      end ??= Date.now() + giveUpMs;
      const left = end - Date.now();
      if (left <= 0) return exchange.toResponse();
      const { signal } = request;
      await this.#until(topics, Math.min(left, againMs), signal);
      // Whoever is gone must not be given work.
      if (signal?.aborted) return exchange.toResponse();
    }
  }

  #ask(handover, body, cursor) {
    const unarmed = this.#alarm === null || this.#alarm < Date.now() - LATE_MS;
    // An alarm that should have rung long ago was lost; any request sets it again.
    if (unarmed) this.#alarm = null;
    return this.#settle(
      ask(this.env, (door, exchange) => door.answer(this.#store, handover, body, cursor, unarmed, exchange)),
    );
  }

  /** Arms the alarm and wakes who waits; the platform holds every answer until the transaction is on disk. */
  #settle(exchange) {
    if (exchange.due !== null) this.#arm(exchange.due);
    if (exchange.woken !== null) {
      for (const waiter of this.#waiting) {
        if (waiter.topics.some((topic) => exchange.woken.includes(topic))) waiter.wake();
      }
    }
    return exchange;
  }

  #arm(due) {
    if (this.#alarm !== null && this.#alarm <= due) return;
    this.#alarm = due;
    if (due === Infinity) return;
    this.ctx.storage.setAlarm(due).catch((error) => {
      this.#alarm = null;
      console.error(`the alarm was not set: ${error?.stack ?? error}`);
    });
  }

  #until(topics, ms, signal) {
    return new Promise((resolve) => {
      const waiter = { topics };
      const timer = setTimeout(() => waiter.wake(), ms);
      waiter.wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", waiter.wake);
        this.#waiting.delete(waiter);
        resolve();
      };
      signal?.addEventListener("abort", waiter.wake);
      this.#waiting.add(waiter);
    });
  }

  /** Pieces of a stream until the reader leaves. */
  #stream(first, handover, signal) {
    const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    const go = async () => {
      let exchange = first;
      for (;;) {
        const { body } = exchange.response;
        if (body.length > 0) await writer.write(body);
        else await this.#until(["records"], 15_000, signal);
        if (signal?.aborted) break;
        const cursor = exchange.cursor;
        exchange = this.#ask(handover, NOTHING, cursor);
        if (exchange.cursor === null) break;
        if (exchange.response.body.length === 0) await writer.write(KEPT_OPEN);
      }
      await writer.close();
    };
    // A write fails when the reader has left, and then nobody is told.
    go().catch(() => writer.abort().catch(() => {}));
    return first.toResponse(readable);
  }
}

/** A comment of an event stream. */
const KEPT_OPEN = encoder.encode(":\n\n");
