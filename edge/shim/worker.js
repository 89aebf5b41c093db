// The worker in front: it asks the core about the head of a request, reads the body up to the cap, and goes to the ledger.

import { ask, refusal } from "./isolate.js";
import { BODY, HANDOVER } from "./ledger.js";
import { pass as passAmong } from "./shards.js";

export { Ledger } from "./ledger.js";

/** How long a body may take, in milliseconds. */
const BODY_MS = 30_000;

export default {
  async fetch(request, env) {
    try {
      const exchange = ask(env, (door, exchange) =>
        door.admit(request.method, target(request.url), head(request), exchange),
      );
      if (exchange.response !== null) return exchange.toResponse();
      return await pass(request, env, exchange);
    } catch (error) {
      console.error(`a request was not admitted: ${error?.stack ?? error}`);
      return refusal("internal");
    }
  },
};

async function pass(request, env, admitted) {
  const { ledger, handover, cap, waits } = admitted;
  const body = cap > 0 && request.body !== null ? await read(request, cap) : null;
  if (body === TOO_LARGE) return ask(env, (door, exchange) => door.tooLarge(handover, exchange)).toResponse();
  if (body === TOO_SLOW) return refusal("request-timeout");
  const to = (one, body, signal) => send(env, one, body, signal);
  if (ledger === "") return passAmong(env, request, admitted, body, to);
  return to(admitted, body, waits ? request.signal : undefined);
}

/** Asks a ledger. The signal of a request costs more than all else here, so it goes with those alone that may wait. */
async function send(env, { ledger, handover }, body, signal) {
  const object = env.LEDGER.get(env.LEDGER.idFromName(ledger));
  const headers = { [HANDOVER]: handover };
  const text = body === null ? null : plain(body);
  if (text !== null) headers[BODY] = text;
  try {
    return await object.fetch("https://ledger/", {
      method: "POST",
      headers,
      body: text === null ? body : null,
      signal,
    });
  } catch (error) {
    if (!signal?.aborted) console.error(`the ledger did not answer: ${error?.stack ?? error}`);
    return refusal("unavailable");
  }
}

/** Path and query as they came. */
function target(url) {
  const path = url.indexOf("/", url.indexOf("://") + 3);
  return url.slice(path);
}

function head(request) {
  let lines = "";
  for (const [name, value] of request.headers) lines += `${name}:${value}\n`;
  // The platform has taken the framing of a body apart and says only that there is one.
  if (request.body !== null && !request.headers.has("content-length")) lines += "transfer-encoding:chunked\n";
  return lines;
}

/** The most bytes of a body that goes to the object as the value of a header: a stream of its own costs more than all of its bytes. */
const SMALL = 4_096;
/** What the value of a header says as it is. */
const PLAIN = /^[!-~]([ -~]*[!-~])?$/;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function plain(body) {
  if (body.byteLength > SMALL) return null;
  const text = decoder.decode(body);
  return PLAIN.test(text) ? text : null;
}

const TOO_LARGE = Symbol("too large");
const TOO_SLOW = Symbol("too slow");

async function read(request, cap) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve(TOO_SLOW), BODY_MS);
  });
  try {
    // A length that was given has been held against the cap.
    const whole = request.headers.has("content-length") ? request.arrayBuffer() : pieces(request.body, cap);
    const body = await Promise.race([whole, late]);
    return body.byteLength > cap ? TOO_LARGE : body;
  } finally {
    clearTimeout(timer);
  }
}

async function pieces(stream, cap) {
  const reader = stream.getReader();
  const read = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    read.push(value);
    length += value.byteLength;
    if (length > cap) {
      reader.cancel().catch(() => {});
      return TOO_LARGE;
    }
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const piece of read) {
    body.set(piece, at);
    at += piece.byteLength;
  }
  return body;
}
