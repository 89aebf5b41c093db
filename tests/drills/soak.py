"""Keeps a process under steady load for a long time, with kills and pauses in it, and looks for what only time shows.

usage: soak.py BINARY [--minutes N] [--out FILE]

Workers over HTTP report tasks at once; `arcoflow worker` runs programs, is killed with -9 every minute and stopped for longer than it may
be silent in between. The process itself is killed once, before the measuring begins. Every ten seconds its memory, its descriptors, the
time that callbacks take and the size of the ledger are written down; in the end slopes are fitted by least squares.
"""

import argparse
import collections
import json
import os
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from evidence import now_ms  # noqa: E402
from house import House, asset_id, judge, manifest, percentile, progress, verify  # noqa: E402
from pause import start_worker  # noqa: E402

SAMPLE_S = 10
# What memory and descriptors may rise by from the first third to the last: caches that fill, and no more.
MOST_RISE_MIB = 16
MOST_MORE_DESCRIPTORS = 8


class SoakDrill(House):
    trigger_s = 2

    def __init__(self, binary, directory):
        super().__init__(binary, directory)
        self.took_ms = []

    def call_back(self, what, envelope, body):
        began = time.perf_counter()
        taken = super().call_back(what, envelope, body)
        with self.lock:
            self.took_ms.append((time.perf_counter() - began) * 1000)
        return taken

    def trigger(self, number, caller=0):
        return {"selection": "*", "allPartitions": True, "runKey": f"soak {caller} {number}"}

    def sample(self, began):
        """One row of figures about the process."""
        with self.lock:
            took, self.took_ms = sorted(self.took_ms), []
        place = f"/proc/{self.process.pid}"
        with open(f"{place}/statm", encoding="ascii") as file:
            resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        size = sum(os.path.getsize(os.path.join(self.data, name)) for name in ("ledger.db", "ledger.db-wal") if os.path.exists(os.path.join(self.data, name)))
        return {
            "at_ms": now_ms(), "s": round(time.monotonic() - began, 1), "rss_bytes": resident, "descriptors": len(os.listdir(f"{place}/fd")),
            "callbacks": len(took), "p50_ms": percentile(took, 0.5), "p99_ms": percentile(took, 0.99), "ledger_bytes": size,
        }


def pipeline():
    document = manifest(8)
    document["assets"].append({
        "key": "drill/program", "id": asset_id(2), "upstreams": [{"asset": "drill/seed"}], "queue": "program",
        "run": {"command": ["sh", "-c", "echo a line of log; sleep 0.05"]}, "timeouts": {"startMs": 3000, "heartbeatMs": 3000},
        "retry": {"maxAttempts": 100, "baseDelayMs": 50, "maxDelayMs": 200},
        "partitions": [{"name": "n", "kind": "static", "values": [0]}],
    })
    return document


def disturb(drill, stop, events):
    """Kills the worker that runs programs, and stops it for a while, in turn."""
    number = 0
    worker = start_worker(drill, f"program-{number}")
    while not stop.wait(30):
        number += 1
        if number % 2:
            os.kill(worker.pid, signal.SIGSTOP)
            stop.wait(5)
            os.kill(worker.pid, signal.SIGCONT)
            events.append({"at_ms": now_ms(), "what": "SIGSTOP of a worker for 5 s"})
        else:
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
            worker = start_worker(drill, f"program-{number % 4}")
            events.append({"at_ms": now_ms(), "what": "kill -9 of a worker"})
    return worker


def slope_per_hour(rows, figure):
    """Least squares: how much a figure rises in an hour."""
    points = [(row["s"] / 3600, row[figure]) for row in rows if row[figure] is not None]
    if len(points) < 3:
        return None
    return round(statistics.linear_regression(*zip(*points)).slope, 2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="arcoflow-soak-")
    drill = SoakDrill(arguments.binary, directory)
    drill.start()
    drill.wait_ready()
    drill.deploy(pipeline())
    stop, events, last = threading.Event(), [], []
    drill.open(workers=3)
    disturbing = threading.Thread(target=lambda: last.append(disturb(drill, stop, events)))
    disturbing.start()
    time.sleep(min(30, arguments.minutes * 6))
    drill.kill()
    events.append({"at_ms": now_ms(), "what": "kill -9 of the process"})
    drill.start()
    drill.wait_ready()
    rows = measure(drill, arguments.minutes * 60)
    drill.no_more_triggers.set()
    door = drill.come_to_rest()
    stop.set()
    disturbing.join()
    for worker in last:
        worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=30)
    found, judged, outcomes, missing = judge(drill, door)
    faults = found + verify(drill, door)
    third = max(1, len(rows) // 3)
    report = summary(rows[:third], rows[-third:], rows)
    faults += risen(report)
    drill.process.terminate()
    drill.process.wait(timeout=20)
    report.update({
        "minutes": arguments.minutes, "records": len(judged.records), "runs": len(judged.triggered), "outcomes": dict(outcomes),
        "acknowledged": sum(drill.acknowledged()), "acknowledged_missing": missing, "left_behind": judged.left_behind,
        "double_effects": judged.double_effects, "events": dict(collections.Counter(event["what"] for event in events)), "faults": faults,
    })
    if arguments.out:
        os.makedirs(os.path.dirname(arguments.out), exist_ok=True)
        with open(arguments.out, "w", encoding="utf-8") as file:
            json.dump({"report": report, "samples": rows, "events": events}, file, indent=2, sort_keys=True)
    print(json.dumps(report, indent=2))
    if faults:
        print(f"everything is kept in {directory}", file=sys.stderr)
        raise SystemExit(1)
    shutil.rmtree(directory, ignore_errors=True)


def measure(drill, seconds):
    began, rows = time.monotonic(), []
    while time.monotonic() - began < seconds:
        time.sleep(SAMPLE_S)
        rows.append(drill.sample(began))
        progress(f"{rows[-1]['s']:.0f} of {seconds:.0f} s: {rows[-1]['rss_bytes'] >> 20} MiB, {rows[-1]['descriptors']} descriptors")
    return rows


def summary(first, last, rows):
    middle = lambda part, figure: statistics.median(row[figure] for row in part if row[figure] is not None)  # noqa: E731
    return {
        "samples": len(rows),
        "rss_mib": {"first third": round(middle(first, "rss_bytes") / 2**20, 1), "last third": round(middle(last, "rss_bytes") / 2**20, 1)},
        "rss_mib_per_hour": round((slope_per_hour(rows, "rss_bytes") or 0) / 2**20, 2),
        "descriptors": {"first third": middle(first, "descriptors"), "last third": middle(last, "descriptors")},
        "descriptors_per_hour": slope_per_hour(rows, "descriptors"),
        "p50_ms": {"first third": middle(first, "p50_ms"), "last third": middle(last, "p50_ms")},
        "p99_ms": {"first third": middle(first, "p99_ms"), "last third": middle(last, "p99_ms")},
        "p99_drift": round(middle(last, "p99_ms") / middle(first, "p99_ms"), 2),
        "ledger_mib_per_hour": round((slope_per_hour(rows, "ledger_bytes") or 0) / 2**20, 1),
    }


def risen(report):
    faults = []
    memory, open_files = report["rss_mib"], report["descriptors"]
    if memory["last third"] - memory["first third"] > MOST_RISE_MIB:
        faults.append(f"memory rose from {memory['first third']} to {memory['last third']} MiB")
    if open_files["last third"] - open_files["first third"] > MOST_MORE_DESCRIPTORS:
        faults.append(f"descriptors rose from {open_files['first third']} to {open_files['last third']}")
    return faults


if __name__ == "__main__":
    main()
