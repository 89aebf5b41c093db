"""Breaks a workspace of four ledgers while it works: schedulers and workerd are killed, and what one ledger tells another has to arrive.

usage: split.py BINARY ROOT [--kills K] [--seed S] [--evidence DIR]

The door runs on workerd as `node edge/serve.mjs --shards 4` starts it, an object for each ledger, and two schedulers dial in and share the
ledgers. Callers and workers of this drill talk HTTP and remember every answer that they got; one backfill is walked meanwhile. In the end
every run must have ended in the ledger of its home and be known to the first, every acknowledged trigger and callback must be in just that
ledger, what a ledger repeats must be what the other one says, in its order and once, and every ledger must verify: by `arcoflow ledger
verify`, and by a judge that shares no code with it.
"""

import argparse
import hashlib
import os
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import evidence  # noqa: E402
from edge import EdgeDrill, Scheduler  # noqa: E402
from house import KINDS, conclude, counts, judge_views, manifest, progress, verify, wait_until  # noqa: E402
from split_check import SplitJudge, home  # noqa: E402

LEDGERS = 4
PARTITIONS = 24


class SplitDrill(EdgeDrill):
    told = ["--shards", str(LEDGERS)]
    trigger_s = 0.2

    def trigger(self, number, caller=0):
        """Small runs; every third has no key, and a home that the edge draws."""
        if number % 40 == 1:
            return {"selection": "*", "allPartitions": True, "runKey": f"drill {caller} {number}"}
        one = {"selection": "drill/*", "partitionKey": f"n=i:{number % PARTITIONS}"}
        return one if number % 3 == 0 else {**one, "runKey": f"drill {caller} {number}"}

    def heads(self):
        status, health = self.ask("GET", "/health")
        return health["shards"] if status == 200 else None

    def see_through(self, what, seconds=90):
        """A run in each ledger, from its trigger to its end."""
        runs = [self._run_in(ledger, what) for ledger in range(LEDGERS)]
        for run in runs:
            wait_until(f"the end of run {run} after {what}", lambda run=run: self._has_ended(run), seconds)

    def _run_in(self, ledger, what):
        keys = (f"after {what}, try {number}" for number in range(1 << 16))
        key = next(key for key in keys if hashlib.sha256(key.encode()).digest()[0] & (LEDGERS - 1) == ledger)
        trigger = {"selection": "drill/seed", "partitionKey": "n=i:0", "runKey": key}
        answer = self.insist(lambda door: door.send("POST", "/v1/runs", trigger), (429, 500, 503))
        if answer[0] != 202 or home(answer[2]["runId"]) & (LEDGERS - 1) != ledger:
            raise SystemExit(f"a run for ledger {ledger} was answered with {answer[0]}: {answer[2]}")
        with self.lock:
            self.triggers[answer[2]["runId"]] = answer[2]["seq"]
        return answer[2]["runId"]

    def _has_ended(self, run):
        status, view = self.ask("GET", f"/v1/runs/{run}")
        return status == 200 and view["state"] in ("succeeded", "failed", "cancelled")

    def come_to_quiet(self, seconds=60):
        """Until no ledger has had a new record for some time: what is repeated comes after what ended."""
        end, heads, since = time.monotonic() + seconds, None, time.monotonic()
        while time.monotonic() < end:
            newest = self.heads()
            if newest is None or newest != heads:
                heads, since = newest, time.monotonic()
            elif time.monotonic() - since > 4:
                return
            time.sleep(0.2)
        raise SystemExit(f"the ledgers have no rest after {seconds} s: {heads}")


def kill(drill, schedulers, number, facts):
    """By turns workerd and a scheduler; what follows has to be carried through in every ledger."""
    if number % 2 == 0:
        fault = facts.fault("kill -9 of workerd")
        drill.kill_workerd(fault)
    else:
        name = ("first", "second")[number // 2 % 2]
        fault = facts.fault("kill -9 of a scheduler beside another", scheduler=name)
        schedulers[name].kill()
        fault.noticed()
        drill.see_through(f"the death of a scheduler, {number}")
        fault.repaired()
        schedulers[name] = Scheduler(drill, name)
    drill.see_through(f"kill {number}")


def judge(drill, door, report):
    """Everything that is wrong, as sentences; the judge; and how many acknowledged events are missing."""
    judged = SplitJudge(LEDGERS)
    for ledger in judged.ledgers:
        for record in door.ledger(ledger.shard):
            ledger.take(record)
    faults, missing = judged.end(), 0
    expected = [("run_triggered", run, None, None, seq) for run, seq in drill.triggers.items()]
    expected += [(KINDS[what], run, task, attempt, seq) for what, run, task, attempt, seq in drill.callbacks]
    for kind, run, task, attempt, seq in expected:
        ledger = judged.ledgers[home(run) & (LEDGERS - 1)]
        record = ledger.records[seq - 1] if seq <= len(ledger.records) else {"kind": None, "body": {}, "actor": ""}
        body = record["body"]
        found = (record["kind"], body.get("run"), body.get("task") if task else None, body.get("attempt") if task else None)
        if found != (kind, run, task, attempt) or record["actor"].startswith("shard:"):
            missing += 1
            faults.append(f"the acknowledged {kind} of run {run} is not record {seq} of ledger {ledger.shard}")
    outcomes, found = judge_views(judged, door)
    faults += found
    report.update({
        "runs": len(judged.triggered), "outcomes": dict(outcomes),
        "records": [len(ledger.records) for ledger in judged.ledgers],
        "repeated": [len(ledger.repeats) for ledger in judged.ledgers],
        "runs_by_ledger": [len(ledger.triggered) for ledger in judged.ledgers],
    })
    return faults, judged, missing


def judge_backfill(drill, target, chunks, judged):
    status, view = drill.ask("GET", target)
    if status != 200 or view["state"] != "succeeded":
        yield f"the backfill was answered with {status}: {view}"
    runs = [record["body"]["run"] for record in judged.ledgers[0].own() if record["kind"] == "run_requested"]
    if len(set(runs)) != chunks or len(runs) != chunks:
        yield f"{chunks} chunks have {len(runs)} runs"
    yield from (f"the chunk's run {run} has no end" for run in runs if run not in judged.finished)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("root")
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    evidence.add_argument(parser)
    arguments = parser.parse_args()
    facts = evidence.Evidence("split", arguments.evidence)
    directory = tempfile.mkdtemp(prefix="arcoflow-split-")
    drill = SplitDrill(os.path.abspath(arguments.binary), os.path.abspath(arguments.root), directory, arguments.seed)
    report, begun = {}, time.monotonic()
    drill.start_door()
    drill.deploy(manifest(PARTITIONS))
    schedulers = {name: Scheduler(drill, name) for name in ("first", "second")}
    drill.open()
    drill.see_through("the start")
    request = {"trigger": {"allPartitions": True}, "dimension": "n", "concurrency": 3}
    status, _, backfill = drill.door().send("POST", "/v1/backfills", request)
    if status != 202:
        raise SystemExit(f"the backfill was answered with {status}: {backfill}")
    target = f"/v1/backfills/{backfill['backfillId']}"
    for number in range(arguments.kills):
        time.sleep(drill.random.uniform(0.2, 1.5))
        kill(drill, schedulers, number, facts)
        progress(f"{number + 1}/{arguments.kills} kills, {len(drill.triggers)} triggers acknowledged")
    drill.no_more_triggers.set()
    wait_until("the end of the backfill", lambda: (drill.ask("GET", target)[1] or {}).get("state") == "succeeded", 180)
    door = drill.come_to_rest()
    drill.come_to_quiet()
    faults, judged, missing = judge(drill, door, report)
    faults += [*judge_backfill(drill, target, backfill["chunks"], judged), *verify(drill, door)]
    for scheduler in schedulers.values():
        scheduler.kill(signal.SIGTERM)
    drill.end()
    report.update({
        "kills": arguments.kills, "seconds": round(time.monotonic() - begun, 1), "chunks_of_the_backfill": backfill["chunks"],
        "acknowledged_triggers": len(drill.triggers), "acknowledged_callbacks": len(drill.callbacks),
        "unanswered_requests": drill.unanswered, "refused": dict(drill.refused),
        "killed_to_healthy_ms": sorted(round(ms) for ms in drill.away_ms),
    })
    if arguments.evidence is not None:
        os.makedirs(arguments.evidence, exist_ok=True)
        for ledger in judged.ledgers:
            evidence.write_lines(os.path.join(arguments.evidence, f"split.{ledger.shard}.ledger.jsonl"), ledger.lines)
    # Workers wait while workerd is away, so nobody can say whether a silence was theirs.
    unknown = {"false_timeouts": "workers of this drill have no door to speak to while workerd is dead"}
    conclude(drill, facts, report, faults, judged, counts(drill, judged, missing, None), unknown)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
