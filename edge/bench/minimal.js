// The least that a durable write at the edge takes: a worker that compares a key, and an object that does one idempotent insert.

import { DurableObject } from "cloudflare:workers";

export class Minimal extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS fact (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID");
  }

  async fetch(request) {
    const body = await request.json();
    const { rowsWritten } = this.ctx.storage.sql.exec(
      "INSERT INTO fact (id, body) VALUES (?, ?) ON CONFLICT (id) DO NOTHING",
      body.id,
      JSON.stringify(body),
    );
    return Response.json({ accepted: true, fresh: rowsWritten > 0 });
  }
}

export default {
  async fetch(request, env) {
    if (request.headers.get("authorization") !== "Bearer minimal") return new Response(null, { status: 401 });
    return env.MINIMAL.get(env.MINIMAL.idFromName("0")).fetch(request);
  },
};
