"""Kills the arcoflow process again and again while it works, and judges what is left.

usage: kill.py BINARY PIPELINE [--kills N] [--seed S] [--evidence DIR]

The process is killed at each named commit point in turn and at random moments. Beside the built-in worker, which runs the pipeline's
programs, this drill triggers runs and works off a queue of its own over HTTP, and remembers every answer that it got. In the end
every run must have ended, every acknowledged trigger and callback must be in the ledger, no task may have succeeded twice, and the
ledger must verify.
"""

import argparse
import collections
import os
import shutil
import signal
import sys
import tempfile
import time
import tomllib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import evidence  # noqa: E402
from house import PARTITIONS, QUEUE, House, asset_id, conclude, counts, judge, percentile, progress, verify  # noqa: E402

# Each point with the latest passage to die at: some are passed at every request, some only when a deadline comes.
POINTS = {"E1": 60, "E2": 60, "E3": 60, "E4": 2, "E5": 2, "C1": 30, "C2": 30, "C4": 20, "C5": 20, "C12": 1, "W1": 10, "W2": 20, "W3": 20, "W4": 20, "W5": 20}


def pipeline(source, target):
    """A copy of the pipeline, and its manifest with two assets of this drill's own and patience for many kills."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".arcoflow", "__pycache__"))
    with open(os.path.join(target, "arcoflow.toml"), "rb") as file:
        manifest = tomllib.load(file)
    manifest.pop("schedules", None)
    patience = {"maxAttempts": 100, "baseDelayMs": 50, "maxDelayMs": 200}
    for asset in manifest["assets"]:
        asset["retry"] = patience
    space = [{"name": "n", "kind": "static", "values": list(range(PARTITIONS))}]
    timeouts = {"startMs": 3000, "heartbeatMs": 5000}
    for number, (key, upstreams) in enumerate([("drill/seed", []), ("drill/leaf", [{"asset": "drill/seed"}])]):
        manifest["assets"].append({
            "key": key, "id": asset_id(number), "upstreams": upstreams, "partitions": space, "queue": QUEUE,
            "retry": patience, "timeouts": timeouts, "run": {"command": ["true"]},
        })
    manifest.setdefault("queues", {})
    if manifest["queues"]:
        manifest["queues"][QUEUE] = {"limit": 1000}
    else:
        manifest.pop("queues")
    return manifest


class KillDrill(House):
    def __init__(self, binary, directory, seed, facts):
        super().__init__(binary, directory, seed)
        self.facts = facts
        self.resumed_ms = []
        # The fault that the next record after a start repairs.
        self.broken = None

    def arguments(self):
        return [*super().arguments(), "--worker", "--dir", self.directory, "--queue", "default"]

    def round(self, number):
        """One life of the process. The answer is how it ended."""
        point = list(POINTS)[(number // 2) % len(POINTS)] if number % 2 == 0 else None
        crash_at = f"{point}:{self.random.randint(1, POINTS[point])}" if point else None
        started = time.monotonic()
        self.environment = {"ARCOFLOW_CRASH_AT": crash_at} if crash_at else {}
        self.start()
        if self.wait_ready():
            with_head = self.head()
            if point:
                end = time.monotonic() + 5
                while self.process.poll() is None and time.monotonic() < end:
                    self.note_resumed(started, with_head)
                    time.sleep(0.01)
                how = point if self.process.poll() is not None else "random"
            else:
                time.sleep(self.random.uniform(0.05, 2.0))
                self.note_resumed(started, with_head)
                how = "random"
        else:
            how = f"{point} at start" if point else "at start"
        fault = self.facts.fault("kill -9", how=how)
        status = self.kill()
        fault.noticed()
        self.broken = fault
        if status != -signal.SIGKILL:
            raise SystemExit(f"the process ended with {status}, and was not killed; see {self.directory}/process.log")
        return how

    def last_life(self, seconds=20):
        """Starts once more, and waits until something comes of it; at rest nothing does."""
        self.environment = {}
        started = time.monotonic()
        self.start()
        self.wait_ready()
        with_head = self.head()
        while time.monotonic() - started < seconds and self.broken.row["repaired_at_ms"] is None:
            self.note_resumed(started, with_head)
            time.sleep(0.01)

    def head(self):
        status, health = self.ask("GET", "/health")
        return health["head"] if status == 200 else None

    def note_resumed(self, started, with_head):
        if with_head is not None and with_head >= 0:
            head = self.head()
            if head is not None and head > with_head and (not self.resumed_ms or self.resumed_ms[-1][0] != started):
                self.resumed_ms.append((started, (time.monotonic() - started) * 1000))
                if self.broken:
                    self.broken.repaired()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("pipeline")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    evidence.add_argument(parser)
    arguments = parser.parse_args()
    facts = evidence.Evidence("kill", arguments.evidence)
    base = tempfile.mkdtemp(prefix="arcoflow-kill-")
    directory = os.path.join(base, "pipeline")
    manifest = pipeline(arguments.pipeline, directory)
    drill = KillDrill(arguments.binary, directory, arguments.seed, facts)
    drill.start()
    drill.wait_ready()
    drill.deploy(manifest)
    drill.kill()
    ends = collections.Counter()
    begun = time.monotonic()
    drill.open()
    for number in range(arguments.kills):
        ends[drill.round(number)] += 1
        progress(f"{number + 1}/{arguments.kills} kills, {len(drill.triggers)} triggers and {len(drill.callbacks)} callbacks acknowledged")
    # The last life has no kill: nothing new is triggered, and the workers go on until all runs have ended.
    drill.last_life()
    door = drill.come_to_rest()
    faults, judged, outcomes, missing = judge(drill, door)
    faults += verify(drill, door)
    drill.process.terminate()
    drill.process.wait(timeout=20)
    resumed = sorted(ms for _, ms in drill.resumed_ms)
    report = {
        "kills": sum(ends.values()), "ends": dict(sorted(ends.items())), "seconds": round(time.monotonic() - begun, 1),
        "records": len(judged.records), "runs": len(judged.triggered), "outcomes": dict(outcomes),
        "acknowledged_triggers": len(drill.triggers), "acknowledged_callbacks": len(drill.callbacks),
        "unanswered_requests": drill.unanswered, "refused": dict(drill.refused),
        "attempts_beyond_the_first": sum(1 for attempt in judged.attempts.values() if attempt > 1),
        "start_to_first_record_ms": {"median": percentile(resumed, 0.5), "p99": percentile(resumed, 0.99)},
    }
    # The built-in worker dies with the process, so its attempts end by silence, and that is right.
    unknown = {"false_timeouts": "the worker in the process dies at each kill, and no ledger tells its silence from another's"}
    conclude(drill, facts, report, faults, judged, counts(drill, judged, missing, None), unknown)
    shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
