"""A house to break: the arcoflow process, callers and workers that talk HTTP and remember every answer, and what judges the end."""

import atexit
import collections
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid

from door_client import Away, Door
from ledger_check import Judge

QUEUE = "outside"
PARTITIONS = 12
# Answers after which a worker asks again: the door is busy, broken or full.
AGAIN = (429, 500, 503)


def asset_id(number):
    """A version 7 UUID that is the same in every run of the drill."""
    return str(uuid.UUID(int=(0x01930A0B0000 << 80) | (0x7 << 76) | (0x2 << 62) | number))


def manifest(partitions=PARTITIONS, **more):
    """A seed and a leaf for each of some partitions, with patience for many deaths."""
    space = [{"name": "n", "kind": "static", "values": list(range(partitions))}]
    asset = {
        "partitions": space, "queue": QUEUE, "run": {"command": ["true"]}, "timeouts": {"startMs": 3000, "heartbeatMs": 5000},
        "retry": {"maxAttempts": 100, "baseDelayMs": 50, "maxDelayMs": 200}, **more,
    }
    return {"version": 1, "assets": [
        {**asset, "key": "drill/seed", "id": asset_id(0), "upstreams": []},
        {**asset, "key": "drill/leaf", "id": asset_id(1), "upstreams": [{"asset": "drill/seed"}]},
    ]}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def spawn(command, log, environment, directory=None):
    """Starts a process that writes to a log. A drill that fails leaves its files, and no process."""
    with open(log, "ab") as output:
        process = subprocess.Popen(command, env={**os.environ, **environment}, cwd=directory, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=output, start_new_session=True)
    atexit.register(process.kill)
    return process


class House:
    """The process, and threads that trigger and work from its first start to its last."""

    # How long a task takes, and how often its worker says that it is alive meanwhile.
    busy_s = 0
    beat_s = 0.5
    trigger_s = 1.0
    # How many tasks a worker takes at once; it runs them one after another, and each has to begin in time.
    most_tasks = 4
    # Callbacks that are refused so are sent again.
    callbacks_again = AGAIN

    def __init__(self, binary, directory, seed=1):
        self.binary = os.path.abspath(binary)
        self.directory = directory
        self.data = os.path.join(directory, ".arcoflow")
        self.random = random.Random(seed)
        self.port = free_port()
        self.process = None
        self.environment = {}
        self.triggers = {}
        self.callbacks = []
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.no_more_triggers = threading.Event()
        self.unanswered = 0
        self.refused = collections.Counter()
        self.threads = []
        os.makedirs(directory, exist_ok=True)

    def arguments(self):
        return ["serve", "--data", self.data, "--listen", f"127.0.0.1:{self.port}"]

    def start(self):
        self.process = spawn([self.binary, *self.arguments()], self.log(), self.environment, self.directory)

    def log(self):
        return os.path.join(self.directory, "process.log")

    def said(self, sentence):
        with open(self.log(), encoding="utf-8", errors="replace") as file:
            return sentence in file.read()

    def key(self):
        with open(os.path.join(self.data, "client.json"), encoding="utf-8") as file:
            return json.load(file)["key"]

    def door(self):
        return Door(f"http://127.0.0.1:{self.port}", self.key())

    def ask(self, method, target, body=None):
        """One request, and its status and body; 0 when nobody answers."""
        try:
            status, _, answer = self.door().send(method, target, body)
            return status, answer
        except (Away, OSError, ValueError, KeyError):
            return 0, None

    def wait_ready(self, seconds=60):
        """Whether the process answers and decides before it dies."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return False
            if self.ask("GET", "/ready")[0] == 200:
                return True
            time.sleep(0.01)
        raise SystemExit(f"the process is not ready after {seconds} s; see {self.log()}")

    def deploy(self, document):
        status, answer = self.ask("POST", "/v1/manifests", document)
        if status != 201:
            raise SystemExit(f"the manifest was answered with {status}: {answer}")

    def kill(self, how=signal.SIGKILL):
        """The exit status that shows how it ended."""
        if self.process.poll() is None:
            os.kill(self.process.pid, how)
        return self.process.wait()

    # What callers and workers do.

    def open(self, workers=2, callers=1):
        """Begins to trigger and to work."""
        self.threads += [threading.Thread(target=self.trigger_runs, args=(number,), daemon=True) for number in range(callers)]
        self.threads += [threading.Thread(target=self.work, args=(f"drill-{number}",), daemon=True) for number in range(workers)]
        for thread in self.threads:
            thread.start()

    def trigger(self, number, caller=0):
        everything = number % 12 == 1
        return {"selection": "*" if everything else "drill/*", "allPartitions": True, "runKey": f"drill {caller} {number}"}

    def trigger_runs(self, caller):
        number = 0
        while not self.no_more_triggers.is_set():
            number += 1
            trigger = self.trigger(number, caller)
            answer = self.insist(lambda door: door.send("POST", "/v1/runs", trigger), AGAIN)
            if answer is None:
                return
            status, _, body = answer
            if status == 202:
                with self.lock:
                    self.triggers[body["runId"]] = body["seq"]
            else:
                self.refused[f"trigger {status}"] += 1
            self.no_more_triggers.wait(self.trigger_s)

    def work(self, name):
        # What the door gave in an answer that never came is given again; it would have no worker, and be taken for silent.
        lease = {"workerId": name, "queues": [QUEUE], "max": self.most_tasks, "waitS": 1, "again": True}
        while not self.stop.is_set():
            answer = self.insist(lambda door: door.send("POST", "/v1/leases", lease), AGAIN)
            if answer is None:
                return
            status, _, body = answer
            if status != 200:
                time.sleep(0.1)
            for envelope in body.get("tasks", []) if status == 200 else []:
                self.run_task(name, envelope)

    def run_task(self, name, envelope):
        common = {"attempt": envelope["attempt"], "workerId": name}
        if not self.call_back("started", envelope, common):
            return
        end = time.monotonic() + self.busy_s
        while time.monotonic() < end and not self.stop.is_set():
            time.sleep(min(self.beat_s, max(0, end - time.monotonic())))
            if not self.call_back("heartbeat", envelope, common):
                return
        self.call_back("completed", envelope, {**common, "outcome": "SUCCEEDED", "output": {"rowCount": envelope["attempt"]}})

    def call_back(self, what, envelope, body):
        """Whether the door took it."""
        target = f"/v1/tasks/{envelope['taskId']}/{what}"
        answer = self.insist(lambda door: door.send("POST", target, body, token=envelope["taskToken"]), self.callbacks_again)
        if answer is None:
            return False
        status, _, body = answer
        if status != 200:
            self.refused[f"{what} {status}"] += 1
            return False
        if body.get("taskToken"):
            envelope["taskToken"] = body["taskToken"]
        if what != "heartbeat":
            with self.lock:
                self.callbacks.append((what, envelope["runId"], envelope["taskKey"], envelope["attempt"], body["seq"]))
        return True

    def insist(self, send, again):
        """Repeats a request until the door answers it, across its deaths."""
        door = None
        while not self.stop.is_set():
            try:
                if door is None:
                    door = self.door()
                answer = send(door)
                if answer[0] not in again:
                    return answer
            except (Away, OSError, ValueError, KeyError):
                door = None
                self.unanswered += 1
            time.sleep(0.02)
        return None

    def acknowledged(self):
        with self.lock:
            return len(self.triggers), len(self.callbacks)

    def wait_for_callbacks(self, more=1, seconds=60):
        """Waits until so many more callbacks were taken."""
        before = self.acknowledged()[1]
        wait_until(f"{more} more callbacks", lambda: self.acknowledged()[1] >= before + more, seconds)

    # The end.

    def come_to_rest(self, seconds=240):
        """No new runs, and every run ended. A slow machine has its time, as long as one run after the other ends."""
        self.no_more_triggers.set()
        end = time.monotonic() + seconds
        quiet, fewest = 0, None
        while time.monotonic() < end:
            status, page = self.ask("GET", "/v1/runs?open=true&limit=1000")
            left = len(page["runs"]) if status == 200 else fewest
            if fewest is None or left < fewest:
                fewest, end = left, time.monotonic() + seconds
            quiet = quiet + 1 if status == 200 and left == 0 else 0
            if quiet == 3:
                self.stop.set()
                for thread in self.threads:
                    thread.join(timeout=10)
                return self.door()
            time.sleep(0.2)
        raise SystemExit(f"{fewest if fewest is not None else 'some'} runs are open, and none ended for {seconds} s; see {self.log()}")


def wait_until(what, ask, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ask():
            return
        time.sleep(0.02)
    raise SystemExit(f"{what} did not come within {seconds} s")


# The records of what is acknowledged to a worker.
KINDS = {"started": "attempt_started", "completed": "attempt_finished"}


def judge(house, door):
    """Everything that is wrong, as sentences; the judge; how runs ended; and how many acknowledged events are missing."""
    judge = Judge()
    for record in door.ledger():
        judge.take(record)
    faults = judge.end()
    missing = 0
    by_seq = {record["seq"]: record for record in judge.records}
    for run, seq in house.triggers.items():
        if judge.triggered.get(run) != seq:
            missing += 1
            faults.append(f"the acknowledged trigger of run {run} is not record {seq}")
    for what, run, task, attempt, seq in house.callbacks:
        record = by_seq.get(seq, {"kind": None, "body": {}})
        body = record["body"]
        if (record["kind"], body.get("run"), body.get("task"), body.get("attempt")) != (KINDS[what], run, task, attempt):
            missing += 1
            faults.append(f"the acknowledged `{what}` of attempt {attempt} of {task} in run {run} is not record {seq}")
    outcomes, found = judge_views(judge, door)
    return faults + found, judge, outcomes, missing


def judge_views(judge, door):
    """How runs ended, and what the door shows otherwise."""
    outcomes, faults = collections.Counter(), []
    for run, end in judge.finished.items():
        status, _, view = door.send("GET", f"/v1/runs/{run}")
        outcomes[end["outcome"]] += 1
        if status != 200 or view["state"] != end["outcome"] or view["counts"].get("succeeded", 0) != end["succeeded"]:
            faults.append(f"the view of run {run} does not agree with its records")
        if end["outcome"] != "succeeded":
            faults.append(f"run {run} ended {end['outcome']}, and nothing but this drill happened to it")
    return outcomes, faults


def verify(house, door):
    """What `arcoflow ledger verify` finds wrong."""
    command = [house.binary, "ledger", "verify", "--url", f"http://{door.host}:{door.port}", "--token", door.token]
    verified = subprocess.run(command, capture_output=True, text=True)
    if verified.returncode != 0:
        return [f"`arcoflow ledger verify` ended with {verified.returncode}: {verified.stdout}{verified.stderr}"]
    return []


def counts(house, judged, missing, false_timeouts):
    return {
        "acknowledged": sum(house.acknowledged()), "acknowledged_missing": missing, "left_behind": judged.left_behind,
        "double_effects": judged.double_effects, "false_timeouts": false_timeouts,
    }


def acknowledged_events(house):
    """Every trigger and callback that was answered with a record, for whoever looks for the record again."""
    with house.lock:
        yield from ({"what": "trigger", "run": run, "seq": seq} for run, seq in house.triggers.items())
        for what, run, task, attempt, seq in house.callbacks:
            yield {"what": what, "run": run, "task": task, "attempt": attempt, "seq": seq}


def progress(sentence):
    """A line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{sentence}", end="", file=sys.stderr, flush=True)


def percentile(values, share):
    return round(values[min(len(values) - 1, int(len(values) * share))], 1) if values else None


def conclude(house, evidence, report, faults, judged, numbers, unknown=None):
    """Writes the evidence, prints the report, and ends with 1 when something is wrong."""
    report["faults"] = faults
    evidence.write(report, judged.lines, numbers, unknown, acknowledged_events(house))
    print(json.dumps(report, indent=2))
    if faults:
        print(f"everything is kept in {house.directory}", file=sys.stderr)
        raise SystemExit(1)
    print(f"{len(judged.triggered)} passed, 0 failed")
