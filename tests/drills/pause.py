"""Stops workers with SIGSTOP for longer than they may be silent, lets others do their work, and wakes them up again.

usage: pause.py BINARY [--rounds N] [--evidence DIR]

Half of the rounds stop a worker of this drill, which is a process of its own and tells what its late callbacks were answered: they must be
refused, and it must be told to stop. The other half stop `arcoflow worker`, whose program sleeps longer than the worker may. In the end
every task must have succeeded once, by the attempt that somebody else made.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import evidence  # noqa: E402
from door_client import Away, Door  # noqa: E402
from house import House, asset_id, conclude, counts, judge, progress, spawn, verify, wait_until  # noqa: E402

SILENCE_MS = 2_000


def pipeline():
    asset = {
        "upstreams": [], "timeouts": {"startMs": 20_000, "heartbeatMs": SILENCE_MS},
        "retry": {"maxAttempts": 100, "baseDelayMs": 50, "maxDelayMs": 200},
    }
    return {"version": 1, "assets": [
        {**asset, "key": "drill/by_hand", "id": asset_id(0), "queue": "by-hand", "run": {"command": ["true"]}},
        {**asset, "key": "drill/program", "id": asset_id(1), "queue": "program", "run": {"command": ["sleep", "4"]}},
    ]}


def late_worker(url, key):
    """Takes one task, says that it has started, and speaks again when it is allowed to run again. Prints what it was told, line by line."""
    door = Door(url, key)

    def tell(**line):
        print(json.dumps(line), flush=True)

    while True:
        status, _, body = door.send("POST", "/v1/leases", {"workerId": "late", "queues": ["by-hand"], "max": 1, "waitS": 5})
        if status == 200 and body["tasks"]:
            break
    envelope = body["tasks"][0]
    said = {"attempt": envelope["attempt"], "workerId": "late"}
    place = f"/v1/tasks/{envelope['taskId']}"
    tell(what="started", status=door.send("POST", place + "/started", said, token=envelope["taskToken"])[0])
    sys.stdin.readline()
    for what, more in (("heartbeat", {}), ("completed", {"outcome": "SUCCEEDED", "output": {"rowCount": 999}})):
        while True:
            try:
                status, _, answer = door.send("POST", f"{place}/{what}", {**said, **more}, token=envelope["taskToken"])
                break
            except Away:
                continue
        tell(what=what, status=status, type=answer.get("type"), expected=answer.get("expectedAttempt"))


class PauseDrill(House):
    def records(self):
        return list(self.door().ledger())

    def of_run(self, run, kind):
        return [record for record in self.records() if record["kind"] == kind and record["body"].get("run") == run]

    def run_of(self, asset):
        status, answer = self.ask("POST", "/v1/runs", {"selection": asset})
        if status != 202:
            raise SystemExit(f"a trigger was answered with {status}: {answer}")
        self.triggers[answer["runId"]] = answer["seq"]
        return answer["runId"]

    def refusals(self):
        """Callbacks that the door has refused because the attempt was over."""
        text = self.ask("GET", "/metrics")[1].decode()
        lines = [line for line in text.splitlines() if line.startswith("arcoflow_answers_total{") and 'status="4' in line]
        return sum(int(line.rsplit(" ", 1)[1]) for line in lines if 'status="409"' in line or 'status="410"' in line)

    def ended(self, run):
        status, view = self.ask("GET", f"/v1/runs/{run}")
        return status == 200 and view["state"] == "succeeded"


def stop_by_hand(drill, facts):
    """A worker of ours is stopped between its start and its end."""
    run = drill.run_of("drill/by_hand")
    command = [sys.executable, os.path.abspath(__file__), "--late", f"http://127.0.0.1:{drill.port}", drill.key()]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if json.loads(worker.stdout.readline())["status"] != 200:
        raise SystemExit("the worker that is to be late could not start")
    fault = facts.fault("SIGSTOP of a worker", worker="drill", run=run)
    os.kill(worker.pid, signal.SIGSTOP)
    wait_until("the end of its silence", lambda: drill.of_run(run, "attempt_expired"), 30)
    fault.noticed()
    work_off(drill, "by-hand", "punctual")
    wait_until("another attempt", lambda: drill.ended(run), 30)
    fault.repaired()
    head = len(drill.records())
    os.kill(worker.pid, signal.SIGCONT)
    worker.stdin.write("\n")
    worker.stdin.close()
    answers = [json.loads(line) for line in worker.stdout]
    worker.wait(timeout=20)
    faults = []
    statuses = {answer["what"]: answer["status"] for answer in answers}
    if statuses.get("heartbeat") not in (409, 410) or statuses.get("completed") not in (409, 410):
        faults.append(f"the late callbacks of run {run} were answered {answers}")
    if len(drill.records()) != head:
        faults.append(f"the late callbacks of run {run} left a record")
    fault.row["late_answers"] = answers
    return faults


def work_off(drill, queue, name):
    """One task of a queue, from its lease to its end."""
    door = drill.door()
    status, _, body = door.send("POST", "/v1/leases", {"workerId": name, "queues": [queue], "max": 1, "waitS": 10})
    if status != 200 or not body["tasks"]:
        raise SystemExit(f"nobody could take the next attempt: {status}, {body}")
    for envelope in body["tasks"]:
        drill.run_task(name, envelope)


def start_worker(drill, name):
    place = os.path.join(drill.directory, name)
    os.makedirs(place, exist_ok=True)
    door = f"http://127.0.0.1:{drill.port}"
    command = [drill.binary, "worker", "--door", door, "--data", place, "--dir", place, "--queue", "program", "--slots", "1"]
    return spawn(command, os.path.join(drill.directory, f"{name}.log"), {"ARCOFLOW_TOKEN": drill.key()})


def stop_a_program(drill, facts, number):
    """`arcoflow worker` is stopped while its program runs, and another one makes the next attempt."""
    first = start_worker(drill, f"first-{number}")
    run = drill.run_of("drill/program")
    wait_until("the start of the program", lambda: drill.of_run(run, "attempt_started"), 30)
    refused = drill.refusals()
    fault = facts.fault("SIGSTOP of a worker", worker="arcoflow worker", run=run)
    os.kill(first.pid, signal.SIGSTOP)
    wait_until("the end of its silence", lambda: drill.of_run(run, "attempt_expired"), 30)
    fault.noticed()
    second = start_worker(drill, f"second-{number}")
    wait_until("another attempt", lambda: drill.ended(run), 60)
    fault.repaired()
    os.kill(first.pid, signal.SIGCONT)
    faults = []
    try:
        wait_until("the refusal of the late worker", lambda: drill.refusals() > refused, 20)
    except SystemExit as late:
        faults.append(f"run {run}: {late}")
    fault.row["late_callbacks_refused"] = drill.refusals() - refused
    for worker in (first, second):
        worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=30)
    return faults


def main():
    if sys.argv[1:2] == ["--late"]:
        return late_worker(*sys.argv[2:4])
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=4)
    evidence.add_argument(parser)
    arguments = parser.parse_args()
    facts = evidence.Evidence("pause", arguments.evidence)
    directory = tempfile.mkdtemp(prefix="arcoflow-pause-")
    drill = PauseDrill(arguments.binary, directory)
    drill.start()
    drill.wait_ready()
    drill.deploy(pipeline())
    faults = []
    for number in range(arguments.rounds):
        progress(f"round {number + 1} of {arguments.rounds}")
        faults += stop_by_hand(drill, facts) if number % 2 == 0 else stop_a_program(drill, facts, number)
    door = drill.come_to_rest()
    found, judged, outcomes, missing = judge(drill, door)
    faults += found + verify(drill, door)
    # Each round stops one worker once: whatever else was closed for silence had a worker that spoke.
    too_many = len(judged.expired) - arguments.rounds
    if too_many > 0:
        faults.append(f"{too_many} attempts were closed for silence though their workers spoke")
    report = {
        "rounds": arguments.rounds, "closed for silence": len(judged.expired), "records": len(judged.records),
        "runs": len(judged.triggered), "outcomes": dict(outcomes), "refused": dict(drill.refused),
    }
    drill.process.terminate()
    drill.process.wait(timeout=20)
    conclude(drill, facts, report, faults, judged, counts(drill, judged, missing, max(0, too_many)))
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
