"""Walks ten years of days of four assets in a row, breaks the walk on purpose, and counts what came of it.

usage: backfill.py BINARY [--years N] [--evidence DIR]

Three houses, one after another, with the same workers, that report every task as done at once over HTTP:

1. one run of as many tasks that wait for nothing, which is what the bare callbacks cost;
2. the backfill, undisturbed;
3. the backfill again, paused, resumed, killed with -9 in the middle, and gone on with.

In the end every partition must have been made exactly once, every chunk must have one run, and the ledger must verify.
"""

import argparse
import collections
import datetime
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
from house import asset_id, free_port  # noqa: E402
from ledger_check import Judge  # noqa: E402

START = datetime.date(2012, 1, 1)
LEVELS = ["raw/day", "clean/day", "mart/day", "report/day"]
CHUNK = 30
AT_ONCE = 4
WORKERS = 4


def asset(number, key, space, upstreams):
    timeouts = {"startMs": 60000, "heartbeatMs": 60000}
    return {"key": key, "id": asset_id(number), "partitions": [space], "upstreams": upstreams, "timeouts": timeouts,
            "run": {"command": ["true"]}}


def walked(days):
    """Four assets in a row, a partition a day."""
    end = START + datetime.timedelta(days=days)
    space = {"name": "day", "kind": "daily", "start": str(START), "end": str(end)}
    rows = [asset(0, LEVELS[0], space, [])]
    for number, (before, key) in enumerate(zip(LEVELS, LEVELS[1:]), 1):
        rows.append(asset(number, key, space, [{"asset": before}]))
    return {"version": 1, "assets": rows}


def bare(tasks):
    """As many tasks that wait for nothing."""
    space = {"name": "n", "kind": "static", "values": list(range(tasks))}
    return {"version": 1, "assets": [asset(9, "bare/task", space, [])]}


def say(sentence):
    print(f"{time.strftime('%H:%M:%S')} {sentence}", flush=True)


class House:
    """The process, and workers that outlive it. Whatever ends the drill, neither stays behind."""

    def __init__(self, binary, directory):
        self.binary, self.directory, self.port = binary, directory, free_port()
        self.process = None
        self.stop = threading.Event()
        self.done = 0
        self.lock = threading.Lock()
        self.surprises = []
        self.threads = []
        self.processor_s = 0.0
        os.makedirs(directory)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        self._end(signal.SIGTERM)

    def start(self):
        log = open(os.path.join(self.directory, "process.log"), "ab")
        self.process = subprocess.Popen(
            [self.binary, "serve", "--data", os.path.join(self.directory, ".arcoflow"), "--listen", f"127.0.0.1:{self.port}"],
            cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if self.door().send("GET", "/ready")[0] == 200:
                    return
            except (Away, OSError, ValueError, KeyError):
                pass
            time.sleep(0.02)
        raise SystemExit(f"the process is not ready; see {self.directory}/process.log")

    def door(self):
        with open(os.path.join(self.directory, ".arcoflow", "client.json"), encoding="utf-8") as file:
            key = json.load(file)["key"]
        return Door(f"http://127.0.0.1:{self.port}", key, timeout_s=60)

    def post(self, target, body, status):
        answer = self.door().send("POST", target, body)
        if answer[0] != status:
            raise SystemExit(f"{target} was answered with {answer[0]}: {answer[2]}")
        return answer[2]

    def get(self, target):
        return self.door().send("GET", target)[2]

    def kill(self):
        self._end(signal.SIGKILL)

    def _end(self, how):
        os.kill(self.process.pid, how)
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.processor_s += used.ru_utime + used.ru_stime

    def work(self):
        self.threads = [threading.Thread(target=self._work, args=(f"drill-{number}",)) for number in range(WORKERS)]
        for thread in self.threads:
            thread.start()

    def _insist(self, door, target, body, token=None):
        """The answer, however often the process dies before it comes."""
        while not self.stop.is_set():
            try:
                return door.send("POST", target, body, token=token)
            except Away:
                time.sleep(0.05)
        return None

    def _work(self, worker):
        door = self.door()
        while not self.stop.is_set():
            answer = self._insist(door, "/v1/leases", {"workerId": worker, "queues": ["default"], "max": 16, "waitS": 1, "again": True})
            if answer is None:
                return
            if answer[0] != 200:
                self.surprises.append(("lease", answer[0]))
                continue
            for envelope in answer[2]["tasks"]:
                self._finish(door, worker, envelope)

    def _finish(self, door, worker, envelope):
        said = {"attempt": envelope["attempt"], "workerId": worker}
        place = f"/v1/tasks/{envelope['taskId']}"
        for what, body in (("started", said), ("completed", {**said, "outcome": "SUCCEEDED"})):
            answer = self._insist(door, f"{place}/{what}", body, envelope["taskToken"])
            if answer is None:
                return
            if answer[0] != 200:
                self.surprises.append((what, answer[0]))
                return
        with self.lock:
            self.done += 1

    def judged(self):
        judge = Judge()
        for record in self.door().ledger():
            judge.take(record)
        return judge, judge.end()


def wait_until(what, ask, seconds=1800):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ask():
            return
        time.sleep(0.05)
    raise SystemExit(f"{what} did not come within {seconds} s")


def request(house):
    body = {"trigger": {"allPartitions": True}, "chunkSize": CHUNK, "concurrency": AT_ONCE}
    answer = house.post("/v1/backfills", body, 202)
    return f"/v1/backfills/{answer['backfillId']}", answer["chunks"]


def run_bare(binary, place, tasks):
    say(f"one run of {tasks} tasks that wait for nothing")
    with House(binary, place) as house:
        house.post("/v1/manifests", bare(tasks), 201)
        run = house.post("/v1/runs", {"allPartitions": True}, 202)["runId"]
        began = time.monotonic()
        house.work()
        wait_until("the end of the run", lambda: house.done >= tasks)
        took = time.monotonic() - began
        wait_until("its record", lambda: house.get(f"/v1/runs/{run}")["state"] == "succeeded")
    return took, house.processor_s, house.surprises


def run_backfill(binary, place, days, facts):
    tasks = days * len(LEVELS)
    say(f"a backfill of as many{', paused and killed on its way' if facts else ''}")
    with House(binary, place) as house:
        house.post("/v1/manifests", walked(days), 201)
        began = time.monotonic()
        target, chunks = request(house)
        house.work()
        told = disturb(house, target, tasks, facts) if facts else {}
        wait_until("the end of the backfill", lambda: house.get(target)["state"] == "succeeded")
        took = time.monotonic() - began
        faults = [f"a worker was answered {what} with {status}" for what, status in house.surprises]
        judge, more = count(house, days, chunks)
    return took, house.processor_s, told, faults + more, judge


def disturb(house, target, tasks, facts):
    """Pauses a quarter of the way, resumes, and kills the process half of the way."""
    wait_until("a quarter", lambda: house.done >= tasks // 4)
    house.post(f"{target}/pause", {"reason": "the drill"}, 202)
    wait_until("rest", lambda: house.get(target)["open"] == [])
    paused = house.get(target)
    say(f"paused after {paused['succeeded']} chunks, and resumed")
    time.sleep(1)
    still = house.get(target)
    if (paused["state"], still["succeeded"]) != ("paused", paused["succeeded"]) or still["open"]:
        raise SystemExit(f"a paused backfill went on: {paused} {still}")
    house.post(f"{target}/resume", {}, 202)
    wait_until("the middle", lambda: house.done >= tasks // 2)
    at_kill = house.done
    say(f"killed after {at_kill} tasks, and started again")
    began = time.monotonic()
    fault = facts.fault("kill -9")
    house.kill()
    fault.noticed()
    house.start()
    wait_until("work after the kill", lambda: house.done > at_kill + WORKERS)
    fault.repaired()
    return {"paused after chunks": paused["succeeded"], "killed after tasks": at_kill,
            "from the kill to the next completions, s": round(time.monotonic() - began, 2)}


def count(house, days, chunks):
    """What must hold of the ledger and of the states of the partitions."""
    judge, faults = house.judged()
    made = collections.Counter(task for (_, task), times in judge.succeeded.items() for _ in range(times))
    expected = {f"{key}[day=d:{START + datetime.timedelta(days=day)}]:materialize" for key in LEVELS for day in range(days)}
    if set(made) != expected:
        faults.append(f"{len(expected - set(made))} partitions were never made, {len(set(made) - expected)} are none")
    more = sum(1 for times in made.values() if times != 1)
    if more:
        faults.append(f"{more} partitions were made more than once")
    runs = [record for record in judge.records if record["kind"] == "run_requested"]
    ended = collections.Counter(body["outcome"] for body in judge.finished.values())
    if len(runs) != chunks or ended != {"succeeded": chunks}:
        faults.append(f"{chunks} chunks had {len(runs)} runs, which ended so: {dict(ended)}")
    for line in house.get("/v1/assets")["assets"]:
        if line["counts"]["succeeded"] != days:
            faults.append(f"{line['assetKey']} has {line['counts']}")
    return judge, faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--years", type=int, default=10)
    evidence.add_argument(parser)
    arguments = parser.parse_args()
    facts = evidence.Evidence("backfill", arguments.evidence)
    days = (START.replace(year=START.year + arguments.years) - START).days
    tasks = days * len(LEVELS)
    place = tempfile.mkdtemp(prefix="arcoflow-backfill-")
    binary = os.path.abspath(arguments.binary)
    bare_s, bare_processor_s, surprises = run_bare(binary, os.path.join(place, "bare"), tasks)
    calm_s, calm_processor_s, _, faults, _ = run_backfill(binary, os.path.join(place, "calm"), days, None)
    broken_s, _, told, more, judged = run_backfill(binary, os.path.join(place, "broken"), days, facts)
    faults += more + [f"a bare worker was answered {what} with {status}" for what, status in surprises]
    report = {"tasks": tasks, "bare callbacks, s": round(bare_s, 2), "backfill, s": round(calm_s, 2),
              "backfill beside bare callbacks": round(calm_s / bare_s, 2),
              "processor time of the process, bare, s": round(bare_processor_s, 2),
              "processor time of the process, backfill, s": round(calm_processor_s, 2),
              "backfill with pause and kill, s": round(broken_s, 2), **told}
    for name, figure in report.items():
        print(f"{name:<45} {figure}")
    numbers = {"acknowledged": tasks, "left_behind": judged.left_behind, "double_effects": judged.double_effects,
               "false_timeouts": len(judged.expired)}
    missing = "its workers count what was acknowledged, and every partition is looked for instead"
    facts.write({**report, "faults": faults}, judged.lines, numbers, {"acknowledged_missing": missing})
    if faults:
        print("\n".join(faults[:50]))
        sys.exit(f"FAILED: {len(faults)} faults; everything is in {place}")
    print("PASSED: every partition was made exactly once, every chunk has one run, and the ledger verifies")
    shutil.rmtree(place)


if __name__ == "__main__":
    main()
