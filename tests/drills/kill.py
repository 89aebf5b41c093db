"""Kills the arcoflow process again and again while it works, and judges what is left.

usage: kill.py BINARY PIPELINE [--kills N] [--seed S] [--json FILE]

The process is killed at each named commit point in turn and at random moments. Beside the built-in worker, which runs the pipeline's
programs, this drill triggers runs and works off a queue of its own over HTTP, and remembers every answer that it got. In the end
every run must have ended, every acknowledged trigger and callback must be in the ledger, no task may have succeeded twice, and the
ledger must verify.
"""

import argparse
import collections
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
import uuid

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from door_client import Away, Door  # noqa: E402
from ledger_check import Judge  # noqa: E402

# Each point with the latest passage to die at: some are passed at every request, some only when a deadline comes.
POINTS = {"E1": 60, "E2": 60, "E3": 60, "E4": 2, "E5": 2, "C1": 30, "C2": 30, "C4": 20, "C5": 20, "W1": 10, "W2": 20, "W3": 20, "W4": 20, "W5": 20}
QUEUE = "outside"
PARTITIONS = 12


def asset_id(number):
    """A version 7 UUID that is the same in every run of the drill."""
    return str(uuid.UUID(int=(0x01930A0B0000 << 80) | (0x7 << 76) | (0x2 << 62) | number))


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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Drill:
    def __init__(self, binary, directory, seed):
        self.binary = binary
        self.directory = directory
        self.random = random.Random(seed)
        self.port = free_port()
        self.process = None
        self.triggers = {}
        self.callbacks = []
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.no_more_triggers = threading.Event()
        self.unanswered = 0
        self.refused = collections.Counter()
        self.resumed_ms = []

    def start(self, crash_at=None):
        environment = dict(os.environ)
        environment.pop("ARCOFLOW_CRASH_AT", None)
        if crash_at:
            environment["ARCOFLOW_CRASH_AT"] = crash_at
        log = open(os.path.join(self.directory, "process.log"), "ab")
        self.process = subprocess.Popen(
            [self.binary, "serve", "--worker", "--dir", self.directory, "--data", os.path.join(self.directory, ".arcoflow"),
             "--listen", f"127.0.0.1:{self.port}", "--queue", "default"],
            env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )
        log.close()

    def door(self):
        with open(os.path.join(self.directory, ".arcoflow", "client.json"), encoding="utf-8") as file:
            client = json.load(file)
        return Door(f"http://127.0.0.1:{self.port}", client["key"])

    def wait_ready(self, seconds=30):
        """Whether the process answers and decides before it dies."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return False
            try:
                status, _, _ = self.door().send("GET", "/ready")
                if status == 200:
                    return True
            except (Away, OSError, ValueError, KeyError):
                pass
            time.sleep(0.01)
        raise SystemExit(f"the process is not ready after {seconds} s; see {self.directory}/process.log")

    def kill(self):
        """`kill -9`, and the exit status that shows it."""
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        return self.process.wait()

    # What callers and workers do, in threads of their own, from the first start to the last.

    def trigger_runs(self):
        number = 0
        while not self.no_more_triggers.is_set():
            number += 1
            everything = number % 12 == 1
            trigger = {"selection": "*" if everything else "drill/*", "allPartitions": True, "runKey": f"drill {number}"}
            answer = self.insist(lambda door: door.send("POST", "/v1/runs", trigger))
            if answer is None:
                return
            status, _, body = answer
            if status == 202:
                with self.lock:
                    self.triggers[body["runId"]] = body["seq"]
            else:
                self.refused[f"trigger {status}"] += 1
            self.no_more_triggers.wait(1.0)

    def work(self, name):
        while not self.stop.is_set():
            lease = {"workerId": name, "queues": [QUEUE], "max": 4, "waitS": 1}
            answer = self.insist(lambda door: door.send("POST", "/v1/leases", lease))
            if answer is None:
                return
            status, _, body = answer
            for envelope in body.get("tasks", []) if status == 200 else []:
                self.run_task(name, envelope)

    def run_task(self, name, envelope):
        common = {"attempt": envelope["attempt"], "workerId": name}
        steps = [("started", common), ("completed", {**common, "outcome": "SUCCEEDED", "output": {"rowCount": envelope["attempt"]}})]
        for what, body in steps:
            target = f"/v1/tasks/{envelope['taskId']}/{what}"
            answer = self.insist(lambda door: door.send("POST", target, body, token=envelope["taskToken"]))
            if answer is None:
                return
            status, _, body = answer
            if status != 200:
                self.refused[f"{what} {status}"] += 1
                return
            with self.lock:
                self.callbacks.append((what, envelope["runId"], envelope["taskKey"], envelope["attempt"], body["seq"]))

    def insist(self, send):
        """Repeats a request until the door answers it, across its deaths."""
        door = None
        while not self.stop.is_set():
            try:
                if door is None:
                    door = self.door()
                answer = send(door)
                if answer[0] not in (429, 500, 503):
                    return answer
            except (Away, OSError, ValueError, KeyError):
                door = None
                self.unanswered += 1
            time.sleep(0.02)
        return None

    def round(self, number):
        """One life of the process. The answer is how it ended."""
        point = list(POINTS)[(number // 2) % len(POINTS)] if number % 2 == 0 else None
        crash_at = f"{point}:{self.random.randint(1, POINTS[point])}" if point else None
        started = time.monotonic()
        self.start(crash_at)
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
        status = self.kill()
        if status != -signal.SIGKILL:
            raise SystemExit(f"the process ended with {status}, and was not killed; see {self.directory}/process.log")
        return how

    def head(self):
        try:
            return self.door().send("GET", "/health")[2]["head"]
        except (Away, OSError, ValueError, KeyError, TypeError):
            return None

    def note_resumed(self, started, with_head):
        if with_head is not None and with_head >= 0:
            head = self.head()
            if head is not None and head > with_head and (not self.resumed_ms or self.resumed_ms[-1][0] != started):
                self.resumed_ms.append((started, (time.monotonic() - started) * 1000))

    def finish(self, seconds=240):
        """Lets everything come to rest."""
        self.start()
        self.wait_ready()
        end = time.monotonic() + seconds
        door = self.door()
        quiet = 0
        while time.monotonic() < end:
            _, _, page = door.send("GET", "/v1/runs?open=true&limit=1000")
            quiet = quiet + 1 if not page["runs"] else 0
            if quiet == 3:
                return door
            time.sleep(0.2)
        raise SystemExit(f"{len(page['runs'])} runs have no end after {seconds} s")


def judge(drill, door):
    """Everything that is wrong, as sentences."""
    judge = Judge()
    for record in door.ledger():
        judge.take(record)
    faults = judge.end()
    by_seq = {record["seq"]: record for record in judge.records}
    for run, seq in drill.triggers.items():
        if judge.triggered.get(run) != seq:
            faults.append(f"the acknowledged trigger of run {run} is not record {seq}")
    kinds = {"started": "attempt_started", "completed": "attempt_finished"}
    for what, run, task, attempt, seq in drill.callbacks:
        record = by_seq.get(seq, {"kind": None, "body": {}})
        body = record["body"]
        if (record["kind"], body.get("run"), body.get("task"), body.get("attempt")) != (kinds[what], run, task, attempt):
            faults.append(f"the acknowledged `{what}` of attempt {attempt} of {task} in run {run} is not record {seq}")
    outcomes = collections.Counter()
    for run, end in judge.finished.items():
        status, _, view = door.send("GET", f"/v1/runs/{run}")
        outcomes[end["outcome"]] += 1
        if status != 200 or view["state"] != end["outcome"] or view["counts"].get("succeeded", 0) != end["succeeded"]:
            faults.append(f"the view of run {run} does not agree with its records")
        if end["outcome"] != "succeeded":
            faults.append(f"run {run} ended {end['outcome']}, and nothing but kills happened to it")
    return faults, judge, outcomes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("pipeline")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    base = tempfile.mkdtemp(prefix="arcoflow-kill-")
    directory = os.path.join(base, "pipeline")
    manifest = pipeline(arguments.pipeline, directory)
    drill = Drill(os.path.abspath(arguments.binary), directory, arguments.seed)
    drill.start()
    drill.wait_ready()
    status, _, answer = drill.door().send("POST", "/v1/manifests", manifest)
    if status != 201:
        raise SystemExit(f"the manifest was answered with {status}: {answer}")
    drill.kill()
    threads = [threading.Thread(target=drill.trigger_runs, daemon=True)]
    threads += [threading.Thread(target=drill.work, args=(f"drill-{number}",), daemon=True) for number in range(2)]
    ends = collections.Counter()
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for number in range(arguments.kills):
        ends[drill.round(number)] += 1
        progress(f"{number + 1}/{arguments.kills} kills, {len(drill.triggers)} triggers and {len(drill.callbacks)} callbacks acknowledged")
    # The last life has no kill: nothing new is triggered, and the workers go on until all runs have ended.
    drill.no_more_triggers.set()
    door = drill.finish()
    drill.stop.set()
    for thread in threads:
        thread.join(timeout=10)
    faults, judged, outcomes = judge(drill, door)
    verified = subprocess.run([drill.binary, "ledger", "verify", "--url", f"http://127.0.0.1:{drill.port}", "--token", door.token], capture_output=True, text=True)
    if verified.returncode != 0:
        faults.append(f"`arcoflow ledger verify` ended with {verified.returncode}: {verified.stdout}{verified.stderr}")
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
        "faults": faults,
    }
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2, sort_keys=True)
    print(json.dumps(report, indent=2))
    if faults:
        print(f"the ledger and the log are kept in {base}", file=sys.stderr)
        raise SystemExit(1)
    shutil.rmtree(base, ignore_errors=True)
    print(f"{len(judged.triggered)} passed, 0 failed")


def progress(sentence):
    """A line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r{sentence}", end="", file=sys.stderr, flush=True)


def percentile(values, share):
    return round(values[min(len(values) - 1, int(len(values) * share))], 1) if values else None


if __name__ == "__main__":
    main()
