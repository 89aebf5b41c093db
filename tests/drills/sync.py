"""Makes the sync of the disk fail under a working process: it must end at once, and find itself again from what is really there.

usage: sync.py BINARY [--times N] [--evidence DIR]

libfiu stands between the process and the C library, and lets `fdatasync` and `fsync` fail with EIO from some moment on. A database that
goes on after that promises what it cannot keep, because the kernel has forgotten what it could not write.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import evidence  # noqa: E402
from house import House, conclude, counts, judge, manifest, progress, verify  # noqa: E402

REASON = "the disk did not sync the ledger"
CALLS = ["posix/io/sync/fdatasync", "posix/io/sync/fsync"]
EIO = 5


def fail_syncs(drill, control):
    """From now on every sync of the process fails. Whoever told it so may wait for an answer for ever, when it was gone too soon."""
    command = ["fiu-ctrl", "-f", control]
    for call in CALLS:
        command += ["-c", f"enable name={call},failinfo={EIO}"]
    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*command, str(drill.process.pid)], start_new_session=True, **silent)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--times", type=int, default=5)
    evidence.add_argument(parser)
    arguments = parser.parse_args()
    facts = evidence.Evidence("sync", arguments.evidence)
    directory = tempfile.mkdtemp(prefix="arcoflow-sync-")
    drill = House(arguments.binary, directory)
    drill.trigger_s = 0.3
    faults, ended_ms = [], []
    control = os.path.join(directory, "fiu")
    preload = {"LD_PRELOAD": "/usr/lib/fiu/fiu_run_preload.so /usr/lib/fiu/fiu_posix_preload.so"}
    for number in range(arguments.times):
        drill.environment = {**preload, "FIU_CTRL_FIFO": control, "FIU_ENABLE": ""}
        drill.start()
        drill.wait_ready()
        if number == 0:
            drill.deploy(manifest())
            drill.open()
        drill.wait_for_callbacks(more=20)
        progress(f"{number + 1} of {arguments.times}: syncs fail")
        said = os.path.getsize(drill.log())
        fault = facts.fault("fdatasync fails with EIO")
        began = time.monotonic()
        teller = fail_syncs(drill, control)
        try:
            status = drill.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            faults.append("the process went on for 30 s with a disk that does not sync")
            status = drill.kill()
        fault.noticed(ended_with=status)
        if teller.poll() is None:
            os.killpg(teller.pid, signal.SIGKILL)
        teller.wait()
        ended_ms.append(round((time.monotonic() - began) * 1000))
        with open(drill.log(), encoding="utf-8", errors="replace") as file:
            file.seek(said)
            if REASON not in file.read():
                faults.append("the process did not say that a sync had failed")
        if status != -signal.SIGABRT:
            faults.append(f"the process ended with {status}, and not by aborting")
        drill.environment = {}
        drill.start()
        drill.wait_ready()
        drill.wait_for_callbacks()
        fault.repaired()
        drill.kill()
    drill.start()
    drill.wait_ready()
    door = drill.come_to_rest()
    found, judged, outcomes, missing = judge(drill, door)
    faults += found + verify(drill, door)
    report = {
        "failed syncs": arguments.times, "from the failure to the end of the process, ms": sorted(ended_ms), "records": len(judged.records),
        "runs": len(judged.triggered), "outcomes": dict(outcomes), "refused": dict(drill.refused), "unanswered_requests": drill.unanswered,
    }
    drill.process.terminate()
    drill.process.wait(timeout=20)
    # The workers report as soon as somebody listens, so nobody is silent for as long as an attempt may be.
    conclude(drill, facts, report, faults, judged, counts(drill, judged, missing, len(judged.expired)))
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
