"""Takes rows out of the indexes of a ledger by hand, while the process works and while it is down, and waits for them to come back.

usage: sweep.py BINARY [--rounds N] [--evidence DIR]

Each round takes one kind of row: a run, an attempt that waits, is leased or runs, or the time at which one of them is due. The records stay
as they are. Within two periods of the scheduler's sweep the row must be there again, found and counted, and the work must go on.
"""

import argparse
import os
import shutil
import sqlite3
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import evidence  # noqa: E402
from house import AGAIN, House, conclude, counts, judge, manifest, percentile, progress, verify, wait_until  # noqa: E402

PERIOD_S = 30
FAR_MS = 9_000_000_000_000
OPEN = "run IN (SELECT run FROM run WHERE finished_seq IS NULL AND planned_seq IS NOT NULL)"
# A run that ends before the next sweep needs no time-out any more, and nobody writes it again.
FRESH = "NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.run = run.run AND state >= 3)"
# What is taken away, and whether the process is down meanwhile.
DAMAGES = {
    "a run": f"DELETE FROM run WHERE run = (SELECT run FROM run WHERE {OPEN} LIMIT 1)",
    "an attempt that waits": f"DELETE FROM attempt WHERE (run, task, attempt) = (SELECT run, task, attempt FROM attempt WHERE state = 0 AND {OPEN} LIMIT 1)",
    "an attempt that runs": f"DELETE FROM attempt WHERE (run, task, attempt) = (SELECT run, task, attempt FROM attempt WHERE state = 2 AND {OPEN} LIMIT 1)",
    "the deadline of an attempt": f"UPDATE attempt SET due_ms = {FAR_MS}, deadline_ms = NULL WHERE (run, task, attempt) = (SELECT run, task, attempt FROM attempt WHERE state = 2 AND {OPEN} LIMIT 1)",
    "the time-out of a run": f"UPDATE run SET due_ms = NULL WHERE run = (SELECT run FROM run WHERE {OPEN} AND due_ms IS NOT NULL AND {FRESH} LIMIT 1)",
    "every open run and attempt": f"DELETE FROM attempt WHERE state < 3 AND {OPEN}; DELETE FROM run WHERE {OPEN}",
}


class SweepDrill(House):
    busy_s = 12
    trigger_s = 40
    most_tasks = 1
    # A worker whose row is lost is told that there is no such task; it believes its own eyes and asks again.
    callbacks_again = (*AGAIN, 404)

    def swept(self):
        status, view = self.ask("GET", "/v1/sweep")
        return view if status == 200 else {"repaired": -1, "at": None}

    def damage(self, statements):
        """How many rows were changed; the process may be at work, and waits."""
        ledger = sqlite3.connect(os.path.join(self.data, "ledger.db"), timeout=10, isolation_level=None)
        try:
            ledger.execute("BEGIN IMMEDIATE")
            changed = sum(ledger.execute(statement).rowcount for statement in statements.split(";"))
            ledger.execute("COMMIT")
            return changed
        finally:
            ledger.close()

    def take(self, statements, seconds=60):
        """Waits until there is something to take, and takes it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if changed := self.damage(statements):
                return changed
            time.sleep(0.2)
        raise SystemExit(f"there was nothing to take away within {seconds} s: {statements}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=8)
    evidence.add_argument(parser)
    arguments = parser.parse_args()
    facts = evidence.Evidence("sweep", arguments.evidence)
    directory = tempfile.mkdtemp(prefix="arcoflow-sweep-")
    drill = SweepDrill(arguments.binary, directory)
    drill.start()
    drill.wait_ready()
    drill.deploy({**manifest(6), "runTimeoutMs": 3_600_000})
    drill.open(workers=4)
    faults, latencies = [], []
    for number in range(arguments.rounds):
        what, statements = list(DAMAGES.items())[number % len(DAMAGES)]
        is_down = number % 2 == 1
        progress(f"round {number + 1} of {arguments.rounds}: {what} is lost{' while the process is down' if is_down else ''}")
        drill.wait_for_callbacks(more=1)
        before = drill.swept()
        if is_down:
            drill.kill()
        rows = drill.take(statements) if not is_down else drill.damage(statements)
        fault = facts.fault("rows are lost", what=what, rows=rows, down=is_down)
        began = time.monotonic()
        if is_down:
            drill.start()
            drill.wait_ready()
        if rows == 0:
            fault.row["skipped"] = "nothing of the kind was there when the process was killed"
            continue
        try:
            wait_until("the repair", lambda: drill.swept()["repaired"] >= before["repaired"] + rows, 2 * PERIOD_S + 5)
        except SystemExit:
            faults.append(f"{what} ({rows} rows) was lost, and not there again after two periods: {drill.swept()}")
            continue
        latencies.append(round((time.monotonic() - began) * 1000))
        if latencies[-1] > 2 * PERIOD_S * 1000:
            faults.append(f"{what} was there again after {latencies[-1]} ms, which is more than two periods")
        fault.noticed()
        fault.repaired()
    door = drill.come_to_rest()
    swept = drill.swept()
    text = drill.ask("GET", "/metrics")[1].decode()
    if f"arcoflow_left_behind_repaired_total {swept['repaired']}" not in text:
        faults.append("the metrics do not say what was repaired")
    found, judged, outcomes, missing = judge(drill, door)
    faults += found + verify(drill, door)
    report = {
        "rounds": arguments.rounds, "rows repaired": swept["repaired"], "repair ms": sorted(latencies),
        "repair ms, median": percentile(sorted(latencies), 0.5), "records": len(judged.records), "runs": len(judged.triggered),
        "outcomes": dict(outcomes), "refused": dict(drill.refused),
    }
    drill.process.terminate()
    drill.process.wait(timeout=20)
    unknown = {"false_timeouts": f"{len(judged.expired)} attempts ended by silence: the door cannot hear a worker whose row is lost"}
    conclude(drill, facts, report, faults, judged, counts(drill, judged, missing, None), unknown)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
