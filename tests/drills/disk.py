"""Fills the disk under a working process, down to the reserve and then to the last byte, and frees it again.

usage: disk.py BINARY [--evidence DIR]

The ledger lies on a small file system of its own. On the reserve nothing new may begin, and what runs must be completed; without any room
the process must go on reading, say that it is not ready, and lose nothing that it acknowledged; with room again it must go on by itself.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import evidence  # noqa: E402
from house import AGAIN, House, conclude, counts, judge, manifest, progress, verify, wait_until  # noqa: E402

DISK_MIB = 160
# The product keeps 64 MiB back; this much is left of them.
RESERVE_LEFT_MIB = 24
ROUNDS = 2


class DiskDrill(House):
    busy_s = 0.1
    trigger_s = 0.4
    # A full disk is no answer: the worker asks again.
    callbacks_again = (*AGAIN, 507)

    def run_task(self, name, envelope):
        log = f"/v1/tasks/{envelope['taskId']}/log"
        piece = {"attempt": envelope["attempt"], "workerId": name, "offset": 0, "text": "x" * 40_000}
        # What a task prints is not a fact: it may be lost, and fills the disk sooner.
        self.insist(lambda door: door.send("POST", log, piece, token=envelope["taskToken"]), AGAIN)
        super().run_task(name, envelope)

    def disk_state(self):
        status, text = self.ask("GET", "/metrics")
        if status != 200:
            return None
        for line in text.decode().splitlines():
            if line.startswith("arcoflow_disk_state{") and line.endswith(" 1"):
                return line.split('"')[1]
        return None

    def room(self):
        space = os.statvfs(self.directory)
        return space.f_bavail * space.f_frsize

    def fill(self, leave_mib):
        """Takes the room away but for so much."""
        with open(os.path.join(self.directory, "ballast"), "ab") as ballast:
            try:
                while self.room() > leave_mib << 20:
                    ballast.write(bytes(min(1 << 20, max(4096, self.room() - (leave_mib << 20)))))
                    ballast.flush()
            except OSError:
                pass

    def press(self):
        """Asks for a write that needs room: when all that ran has ended, nobody else would find out that there is none."""
        padded = manifest()
        for asset in padded["assets"]:
            asset["description"] = f"{time.monotonic_ns()} " + "x" * 3_000
        status, answer = self.ask("POST", "/v1/manifests", padded)
        if status not in (0, 201, *AGAIN, 507):
            raise SystemExit(f"a manifest that takes room was answered with {status}: {answer}")

    def free(self):
        os.remove(os.path.join(self.directory, "ballast"))


def in_a_namespace():
    """Without the right to mount, this drill takes a user namespace in which it has it."""
    if os.geteuid() != 0:
        os.execvp("unshare", ["unshare", "--user", "--map-root-user", "--mount", sys.executable, *sys.argv])


def on_the_reserve(drill, facts, report):
    """Nothing new begins, what runs is completed, and whoever asks is told."""
    faults = []
    fault = facts.fault("only the reserve is left", left_mib=RESERVE_LEFT_MIB)
    drill.fill(RESERVE_LEFT_MIB)
    wait_until("a refused trigger", lambda: drill.ask("POST", "/v1/runs", {"selection": "drill/seed", "allPartitions": True})[0] == 507)
    fault.noticed()
    if drill.ask("GET", "/ready")[0] != 507 or drill.disk_state() != "reserve":
        faults.append("a process on its reserve said that it is ready, or not that it is on its reserve")
    drill.wait_for_callbacks(more=20)
    report["callbacks taken on the reserve"] = 20
    return fault, faults


def without_room(drill, facts, report):
    """Reads go on; no write is acknowledged that is not there."""
    faults = []
    fault = facts.fault("the disk is full")
    # What is freed by a truncated log is taken away again.
    drill.fill(0)
    wait_until("a full disk", lambda: (drill.fill(0), drill.press(), drill.disk_state() == "full")[2], 120)
    fault.noticed()
    reads = [drill.ask("GET", target)[0] for target in ("/health", "/v1/runs?limit=5", "/v1/ledger?after=0&limit=5", "/metrics")]
    ready = drill.ask("GET", "/ready")[0]
    if reads != [200] * 4 or ready != 507:
        faults.append(f"on a full disk reads were answered {reads}, and readiness {ready}")
    before = drill.acknowledged()
    time.sleep(2)
    if drill.process.poll() is not None:
        faults.append("the process ended on a full disk")
    report["acknowledged on a full disk"] = sum(drill.acknowledged()) - sum(before)
    return fault, faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    evidence.add_argument(parser)
    arguments = parser.parse_args()
    in_a_namespace()
    facts = evidence.Evidence("disk", arguments.evidence)
    base = tempfile.mkdtemp(prefix="arcoflow-disk-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "arcoflow-drill", base], check=True)
    try:
        run(arguments, facts, os.path.join(base, "house"))
    finally:
        subprocess.run(["umount", "--lazy", base], check=False)
        shutil.rmtree(base, ignore_errors=True)


def run(arguments, facts, directory):
    drill = DiskDrill(arguments.binary, directory)
    drill.start()
    drill.wait_ready()
    drill.deploy(manifest())
    drill.open()
    report, faults = {"rounds": ROUNDS}, []
    drill.wait_for_callbacks(more=40)
    for number in range(ROUNDS):
        progress(f"round {number + 1} of {ROUNDS}: only the reserve is left")
        low, found = on_the_reserve(drill, facts, report)
        faults += found
        progress(f"round {number + 1} of {ROUNDS}: no room is left")
        full, found = without_room(drill, facts, report)
        faults += found
        drill.free()
        drill.wait_for_callbacks()
        full.repaired(freed_at_ms=evidence.now_ms())
        triggers = drill.acknowledged()[0]
        wait_until("a new run", lambda: drill.acknowledged()[0] > triggers)
        wait_until("readiness", lambda: drill.ask("GET", "/ready")[0] == 200 and drill.disk_state() == "ok")
        low.repaired()
        drill.wait_for_callbacks(more=20)
    door = drill.come_to_rest()
    found, judged, outcomes, missing = judge(drill, door)
    faults += found + verify(drill, door)
    report.update({"records": len(judged.records), "runs": len(judged.triggered), "outcomes": dict(outcomes), "refused": dict(drill.refused)})
    silent = [record for record in judged.expired if record["body"]["reason"] != "start"]
    drill.process.terminate()
    drill.process.wait(timeout=20)
    numbers = counts(drill, judged, missing, None)
    unknown = {"false_timeouts": f"{len(silent)} attempts fell silent, because no heartbeat could be written down while the disk was full"}
    conclude(drill, facts, report, faults, judged, numbers, unknown)


if __name__ == "__main__":
    main()
