"""Breaks the edge while it works: its scheduler goes away, workerd is killed, and two schedulers want the same door.

usage: edge.py BINARY ROOT [--kills N] [--seed S] [--evidence DIR]

The door runs on workerd over a directory, as `node edge/serve.mjs` starts it; schedulers are processes of the binary that dial in with
`arcoflow scheduler --door`. Callers and workers of this drill talk HTTP and remember every answer that they got. In the end every run
must have ended, every acknowledged trigger and callback must be in the ledger, and the ledger must verify: by `arcoflow ledger verify`,
and by a judge that shares no code with it, from the file that `arcoflow ledger export` writes.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import evidence  # noqa: E402
from door_client import Away, Door  # noqa: E402
from house import House, conclude, counts, judge, manifest, progress, spawn  # noqa: E402
from ledger_check import Judge  # noqa: E402

LEASE = "2s"
FOLLOWS = "another scheduler decides; this one follows"
DECIDES = "decides under epoch"
ALONE = "the door does not answer"


class Scheduler:
    """A process of the binary, and what it says."""

    def __init__(self, drill, name):
        self.log = os.path.join(drill.directory, f"{name}.log")
        self._read = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        command = [drill.binary, "scheduler", "--door", drill.url, "--name", name, "--lease", LEASE]
        self.process = spawn(command, self.log, {"ARCOFLOW_TOKEN": drill.key()})

    def said(self):
        with open(self.log, encoding="utf-8") as file:
            file.seek(self._read)
            return file.read()

    def last_of(self, *sentences):
        """Which of some sentences it said last."""
        places = {sentence: self.said().rfind(sentence) for sentence in sentences}
        last = max(places, key=places.get)
        return last if places[last] >= 0 else None

    def wait_for(self, sentence, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.last_of(FOLLOWS, DECIDES, ALONE) == sentence:
                return
            time.sleep(0.05)
        raise SystemExit(f"a scheduler did not say `{sentence}` within {seconds} s; it said:\n{self.said()}")

    def kill(self, how=signal.SIGKILL):
        os.kill(self.process.pid, how)
        return self.process.wait()


class EdgeDrill(House):
    # What else `serve.mjs` is told.
    told = []

    def __init__(self, binary, root, directory, seed):
        super().__init__(binary, directory, seed)
        self.root = root
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = None
        self.workerd = None
        self.away_ms = []
        self.at_rest = threading.Event()

    def run_task(self, name, envelope):
        while self.at_rest.is_set():
            time.sleep(0.01)
        super().run_task(name, envelope)

    def start_door(self):
        log = open(os.path.join(self.directory, "workerd.log"), "ab")
        self.server = subprocess.Popen(
            ["node", os.path.join(self.root, "edge/serve.mjs"), "--data", self.data, "--port", str(self.port), *self.told],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
        )
        log.close()
        threading.Thread(target=self._follow_server, daemon=True).start()
        self.wait_health()

    def _follow_server(self):
        for line in self.server.stdout:
            self.workerd = json.loads(line)["pid"]

    def wait_health(self, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.door().send("GET", "/health")[0] == 200:
                    return
            except (Away, OSError, ValueError, KeyError):
                pass
            time.sleep(0.01)
        raise SystemExit(f"the edge does not answer after {seconds} s; see {self.directory}/workerd.log")

    def door(self):
        return Door(self.url, self.key())

    def kill_workerd(self, fault):
        """`kill -9`; the runner starts it again over the same directory."""
        killed = self.workerd
        begun = time.monotonic()
        os.kill(killed, signal.SIGKILL)
        while self.workerd == killed:
            time.sleep(0.005)
        fault.noticed()
        self.wait_health()
        fault.repaired()
        self.away_ms.append((time.monotonic() - begun) * 1000)

    def end(self):
        self.server.stdin.close()
        self.server.wait(timeout=20)


def without_a_scheduler(drill, scheduler, report, facts):
    """Triggers and callbacks go on being accepted while nobody decides."""
    # The workers rest until the scheduler is dead, so that there is something left to call back about.
    drill.at_rest.set()
    time.sleep(1.5)
    facts.fault("the only scheduler dies")
    scheduler.kill()
    before = drill.acknowledged()
    drill.at_rest.clear()
    time.sleep(4)
    after = drill.acknowledged()
    report["accepted_without_a_scheduler"] = {"triggers": after[0] - before[0], "callbacks": after[1] - before[1]}
    faults = []
    if after[0] == before[0]:
        faults.append("no trigger was accepted while the scheduler was away")
    if after[1] == before[1]:
        faults.append("no callback was accepted while the scheduler was away")
    return faults


def two_schedulers(drill, report, facts):
    """One wins, the other is told; when the winner dies, the other goes on; whoever is fenced follows."""
    first = Scheduler(drill, "first")
    first.wait_for(DECIDES)
    second = Scheduler(drill, "second")
    second.wait_for(FOLLOWS)
    begun = time.monotonic()
    facts.faults[-1].repaired()
    death = facts.fault("a scheduler dies beside another")
    first.kill()
    second.wait_for(DECIDES)
    death.noticed()
    death.repaired()
    report["taken_over_after_a_death_ms"] = round((time.monotonic() - begun) * 1000)
    first = Scheduler(drill, "first")
    first.wait_for(FOLLOWS)
    begun = time.monotonic()
    second.kill(signal.SIGTERM)
    first.wait_for(DECIDES)
    report["taken_over_after_a_farewell_ms"] = round((time.monotonic() - begun) * 1000)
    usurped = facts.fault("the lease is taken over")
    status, _, answer = drill.door().send("POST", "/v1/scheduler", {"holder": "usurper", "ttlMs": 1000, "takeOver": True})
    if status != 200 or not answer["granted"]:
        raise SystemExit(f"a lease that was taken over was answered with {status}: {answer}")
    first.wait_for(FOLLOWS)
    usurped.noticed()
    first.wait_for(DECIDES)
    usurped.repaired()
    return first


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("root")
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    evidence.add_argument(parser)
    arguments = parser.parse_args()
    facts = evidence.Evidence("edge", arguments.evidence)
    directory = tempfile.mkdtemp(prefix="arcoflow-edge-")
    drill = EdgeDrill(os.path.abspath(arguments.binary), os.path.abspath(arguments.root), directory, arguments.seed)
    report, begun = {}, time.monotonic()
    drill.start_door()
    drill.deploy(manifest())
    scheduler = Scheduler(drill, "first")
    scheduler.wait_for(DECIDES)
    drill.open()
    progress("the scheduler goes away")
    time.sleep(2)
    faults = without_a_scheduler(drill, scheduler, report, facts)
    progress("two schedulers")
    scheduler = two_schedulers(drill, report, facts)
    for number in range(arguments.kills):
        time.sleep(drill.random.uniform(0.2, 1.5))
        drill.kill_workerd(facts.fault("kill -9 of workerd"))
        progress(f"{number + 1}/{arguments.kills} kills of workerd, {len(drill.triggers)} triggers acknowledged")
    door = drill.come_to_rest()
    found, judged, outcomes, missing = judge(drill, door)
    faults += found + verify(drill, door, len(judged.records))
    scheduler.kill(signal.SIGTERM)
    drill.end()
    report.update({
        "kills_of_workerd": arguments.kills, "seconds": round(time.monotonic() - begun, 1), "records": len(judged.records),
        "runs": len(judged.triggered), "outcomes": dict(outcomes), "acknowledged_triggers": len(drill.triggers),
        "acknowledged_callbacks": len(drill.callbacks), "unanswered_requests": drill.unanswered, "refused": dict(drill.refused),
        "killed_to_healthy_ms": sorted(round(ms) for ms in drill.away_ms),
    })
    # Its workers rest while the scheduler dies, and say nothing: that silence is no mistake of the door.
    unknown = {"false_timeouts": "this drill lets its workers be silent"}
    conclude(drill, facts, report, faults, judged, counts(drill, judged, missing, None), unknown)
    shutil.rmtree(directory, ignore_errors=True)


def verify(drill, door, records):
    """The product's own verdict over HTTP, and the judge's over the exported file."""
    faults = []
    at = ["--url", drill.url, "--token", door.token]
    verified = subprocess.run([drill.binary, "ledger", "verify", *at], capture_output=True, text=True)
    if verified.returncode != 0:
        faults.append(f"`arcoflow ledger verify` ended with {verified.returncode}: {verified.stdout}{verified.stderr}")
    exported = os.path.join(drill.directory, "ledger.jsonl")
    subprocess.run([drill.binary, "ledger", "export", "--out", exported, *at], check=True, capture_output=True)
    checked = Judge()
    with open(exported, encoding="utf-8") as file:
        for line in file:
            checked.take(json.loads(line))
    faults += [f"exported: {fault}" for fault in checked.end()]
    if len(checked.records) != records:
        faults.append(f"{len(checked.records)} records were exported, {records} were read")
    return faults


if __name__ == "__main__":
    main()
