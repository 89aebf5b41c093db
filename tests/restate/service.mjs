// The worker of the comparison: one service call per task, and workflows that fan out and go down a chain.

import * as restate from "@restatedev/restate-sdk";

// When user code ran, in the milliseconds of this machine; the driver reads it from the standard output.
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);
let isWatched = false;

const task = restate.service({
  name: "task",
  handlers: {
    run: async (_ctx, index) => {
      if (isWatched) {
        isWatched = false;
        say({ ran: Date.now(), index });
      }
      return index;
    },
    stamp: async () => performance.timeOrigin + performance.now(),
  },
});

const flow = restate.service({
  name: "flow",
  handlers: {
    fanOut: async (ctx, count) => {
      const client = ctx.serviceClient(task);
      const calls = Array.from({ length: count }, (_, index) => client.run(index));
      return (await restate.RestatePromise.all(calls)).length;
    },
    chain: async (ctx, levels) => {
      const client = ctx.serviceClient(task);
      for (let level = 0; level < levels; level += 1) await client.run(level);
      return levels;
    },
  },
});

const port = Number(process.argv[2]);
restate.serve({ services: [task, flow], port }).then(() => say({ listens: port }));
// After a kill of the server, the first call that comes back is told.
process.on("SIGUSR2", () => {
  isWatched = true;
});
