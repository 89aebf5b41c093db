// What the core says about one request: an answer, or where the request goes on, and what happened meanwhile.

export class Exchange {
  response = null;
  ledger = null;
  handover = null;
  cap = 0;
  waits = false;
  way = null;
  waiting = null;
  cursor = null;
  woken = null;
  due = null;

  respond(status, headers, body) {
    // The bytes are the core's memory: they are copied before the call returns.
    const named = {};
    for (const line of headers.split("\n")) {
      const at = line.indexOf(":");
      if (at > 0) named[line.slice(0, at)] = line.slice(at + 1);
    }
    this.response = { status, headers: named, body: body.slice() };
  }

  pass(cap, ledger, handover, waits) {
    this.cap = cap;
    this.ledger = ledger;
    this.handover = handover;
    this.waits = waits;
  }

  place(name, ledgers, handovers, max, waitS) {
    const known = handovers.split("\n");
    const placed = ledgers.split("\n").map((ledger, index) => ({ ledger, handover: known[index] }));
    this.way = { name, ledgers: placed, max, waitS };
  }

  wait(topics, giveUpMs, againMs) {
    this.waiting = { topics: topics.split("\n"), giveUpMs, againMs: againMs ?? Infinity };
  }

  follow(cursor) {
    this.cursor = cursor;
  }

  wake(topics) {
    this.woken = topics.split("\n");
  }

  deadline(due) {
    this.due = due;
  }

  /** The answer as the platform wants it; a body may stand in for that of the core. */
  toResponse(body = this.response.body) {
    return new Response(body, { status: this.response.status, headers: this.response.headers });
  }
}
