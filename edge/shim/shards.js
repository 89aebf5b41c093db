// In a workspace of several ledgers core says which of them a request goes to, and in what order it does is done here.

import { ask } from "./isolate.js";

const NOTHING = new Uint8Array(0);
/** How much longer a request for work pauses each time that it was woken for nothing, in milliseconds. */
const PAUSE_MS = 50;

/** Takes a request its way. `send` asks one ledger, and gives back a refusal where none answers. */
export function pass(env, request, { handover, waits }, body, send) {
  const bytes = body === null ? NOTHING : new Uint8Array(body);
  const placed = ask(env, (door, exchange) => door.place(handover, bytes, exchange));
  if (placed.response !== null) return placed.toResponse();
  return ways[placed.way.name]({ env, request, handover, waits, body, bytes, send, ...placed.way });
}

const ways = {
  /** One after the other, until one knows what it is about. */
  async first({ request, waits, body, send, ledgers }) {
    const signal = waits ? request.signal : undefined;
    let answer;
    for (const ledger of ledgers) {
      answer?.body?.cancel();
      answer = await send(ledger, body, signal);
      if (answer.status !== 404) break;
    }
    return answer;
  },

  /** All at once. */
  async each({ env, handover, body, send, ledgers }) {
    const answers = await Promise.all(ledgers.map((ledger) => send(ledger, body)));
    return refused(answers) ?? again(answers[0], join(env, handover, await Promise.all(answers.map(bytesOf))));
  },

  /** The others have the content before the first makes it current, and know that it is before anybody else is told. */
  async deploy({ env, handover, body, send, ledgers: [lead, ...others] }) {
    const refusal = refused(await Promise.all(others.map((ledger) => send(ledger, body))));
    if (refusal) return refusal;
    const answer = await send(lead, body);
    if (!answer.ok) return answer;
    const made = await bytesOf(answer);
    const told = ask(env, (door, exchange) => door.tell(handover, made, exchange));
    if (told.response !== null) return told.toResponse();
    return refused(await Promise.all(told.way.ledgers.map((ledger) => send(ledger, body)))) ?? again(answer, made);
  },

  /** One after the other until there is enough; where none has anything, whichever has something first. */
  async work(way) {
    const { request, ledgers, max, waitS } = way;
    const end = Date.now() + waitS * 1_000;
    const signal = waitS > 0 ? request.signal : undefined;
    let asked = ledgers;
    for (let woken = 0; ; woken += 1) {
      const { answer, count } = await take(way, asked, signal);
      const left = () => end - Date.now();
      if (!answer.ok || count > 0 || left() <= 0 || signal?.aborted) return answer;
      if (woken > 1) await pause(Math.min((woken - 1) * PAUSE_MS, left()));
      const first = left() > 0 ? await wait(way, left(), signal) : null;
      if (first === null || max === 0) return answer;
      if (!first.answer.ok) return first.answer;
      asked = [first.ledger];
    }
  },
};

/** What ledgers give, one after the other. What one has given is passed on, whatever becomes of the next. */
async function take({ env, handover, bytes, send, max }, ledgers, signal) {
  const given = [];
  let count = 0;
  let first = null;
  for (const ledger of ledgers) {
    const answer = await send(ledger, core(env, (door) => door.ask(bytes, max - count, 0)));
    if (!answer.ok && count === 0) return { answer, count };
    if (!answer.ok) break;
    first ??= answer;
    given.push(await bytesOf(answer));
    count += core(env, (door) => door.count(given.at(-1)));
    // Whoever is gone must not be given work.
    if (count >= max || signal?.aborted) break;
  }
  return { answer: again(first, join(env, handover, given)), count };
}

/** The first ledger that answers because it has work; none when the time is over, or the caller is gone. */
async function wait({ env, bytes, send, ledgers }, ms, signal) {
  const over = new AbortController();
  const stop = () => over.abort();
  const timer = setTimeout(stop, ms);
  signal?.addEventListener("abort", stop);
  const ended = new Promise((resolve) => over.signal.addEventListener("abort", () => resolve(null)));
  const look = core(env, (door) => door.ask(bytes, 0, Math.ceil(ms / 1_000)));
  try {
    return await Promise.race([ended, ...ledgers.map(async (ledger) => ({ ledger, answer: await send(ledger, look, over.signal) }))]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    stop();
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function refused(answers) {
  return answers.find((answer) => !answer.ok);
}

async function bytesOf(answer) {
  return new Uint8Array(await answer.arrayBuffer());
}

/** An answer with another body. */
function again({ status, headers }, body) {
  const kept = new Headers(headers);
  kept.delete("content-length");
  return new Response(body, { status, headers: kept });
}

function join(env, handover, answers) {
  const lengths = Uint32Array.from(answers, (answer) => answer.length);
  const all = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const answer of answers) {
    all.set(answer, at);
    at += answer.length;
  }
  return core(env, (door) => door.join(handover, all, lengths));
}

/** What a call of the core gives back. */
function core(env, work) {
  let given;
  ask(env, (door) => {
    given = work(door);
  });
  return given;
}
