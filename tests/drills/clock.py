"""Moves the machine's clock by an hour, forward and back, while the process works and while it is down.

usage: clock.py BINARY [--evidence DIR]

libfaketime stands between the process and the C library, and reads the offset from a file again and again. Workers say that they are alive
all the time, so no attempt may end by silence; a schedule ticks every minute, and no tick may start two runs, nor one before its time.
"""

import argparse
import glob
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import evidence  # noqa: E402
from house import AGAIN, House, asset_id, conclude, counts, judge, manifest, progress, verify  # noqa: E402

LIBRARY = "libfaketimeMT.so.1"
# Seconds, and whether the process is killed at the jump. Over a jump that is longer than the life of a token its worker is a stranger.
JUMPS = [(3600, False), (-3600, False), (7200, False), (0, False), (-3600, True), (0, False), (180, True), (-3600, True)]
HOUR_MS = 3_600_000


class ClockDrill(House):
    busy_s = 4
    beat_s = 0.5
    trigger_s = 8
    most_tasks = 1
    callbacks_again = AGAIN


def library():
    found = glob.glob(f"/usr/lib/*/faketime/{LIBRARY}")
    if not found:
        raise SystemExit("libfaketime is needed; install Debian's package `faketime`")
    return found[0]


def pipeline():
    """Attempts that may run for hours and may be silent for three seconds, and a schedule."""
    document = manifest(4, timeouts={"startMs": 30_000, "heartbeatMs": 3_000, "attemptMs": 12 * HOUR_MS})
    document["assets"].append({
        "key": "drill/tick", "id": asset_id(2), "upstreams": [], "queue": "outside", "run": {"command": ["true"]},
        "timeouts": {"startMs": 30_000, "heartbeatMs": 3_000, "attemptMs": 12 * HOUR_MS},
    })
    document["schedules"] = [{"name": "minute", "cron": "* * * * *", "catchUp": "all", "trigger": {"selection": "drill/tick"}}]
    return document


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    evidence.add_argument(parser)
    arguments = parser.parse_args()
    facts = evidence.Evidence("clock", arguments.evidence)
    directory = tempfile.mkdtemp(prefix="arcoflow-clock-")
    drill = ClockDrill(arguments.binary, directory)
    offset = os.path.join(directory, "offset")

    def set_clock(seconds):
        with open(offset + ".new", "w", encoding="utf-8") as file:
            file.write(f"{seconds:+d}s\n")
        os.replace(offset + ".new", offset)

    set_clock(0)
    # The clock that only counts is left alone: no machine's clock of that kind jumps.
    drill.environment = {"LD_PRELOAD": library(), "FAKETIME_TIMESTAMP_FILE": offset, "FAKETIME_NO_CACHE": "1",
                         "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
    drill.start()
    drill.wait_ready()
    drill.deploy(pipeline())
    drill.open(workers=6)
    drill.wait_for_callbacks(more=6)
    faults = []
    for number, (seconds, is_killed) in enumerate(JUMPS):
        progress(f"jump {number + 1} of {len(JUMPS)}: to {seconds:+d} s{', with a kill' if is_killed else ''}")
        fault = facts.fault("the clock jumps", to_s=seconds, killed=is_killed)
        if is_killed:
            drill.kill()
        set_clock(seconds)
        fault.noticed()
        if is_killed:
            drill.start()
            drill.wait_ready()
        drill.wait_for_callbacks(more=2)
        fault.repaired()
        # Longer than an attempt may be silent, so whoever is taken for dead is closed by now.
        time.sleep(5)
        drill.wait_for_callbacks(more=6)
    door = drill.come_to_rest()
    found, judged, outcomes, missing = judge(drill, door)
    faults += found + verify(drill, door)
    for record in judged.expired:
        faults.append(f"record {record['seq']}: an attempt of {record['body']['task']} ended by silence ({record['body']['reason']}), and its worker spoke")
    report = {
        "jumps": len(JUMPS), "ticks": len(judged.ticks), "records": len(judged.records), "runs": len(judged.triggered),
        "outcomes": dict(outcomes), "refused": dict(drill.refused),
    }
    drill.process.terminate()
    drill.process.wait(timeout=20)
    conclude(drill, facts, report, faults, judged, counts(drill, judged, missing, len(judged.expired)))
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
