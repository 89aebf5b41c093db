"""Cuts the connection between a scheduler and its door in every way that networks know, while callers and workers reach the door.

usage: cut.py BINARY [--evidence DIR]

A proxy stands between `arcoflow scheduler --door` and `arcoflow serve --no-scheduler`. It refuses connections, swallows everything in
silence until the network heals, loses the answers only, or forgets connections for ever, as a router does that was restarted. Meanwhile
triggers and callbacks must go on being accepted; afterwards work must go on, and no worker that spoke may be taken for dead.
"""

import argparse
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import evidence  # noqa: E402
from edge import DECIDES, Scheduler  # noqa: E402
from house import House, conclude, counts, judge, manifest, progress, verify, wait_until  # noqa: E402

# How each cut is made, and how long it lasts in seconds.
CUTS = [("refused", 4), ("swallowed", 4), ("answers lost", 4), ("forgotten", 4), ("swallowed", 20)]


class Proxy:
    """Passes bytes on both ways, unless the network is cut."""

    def __init__(self, port):
        self.to = ("127.0.0.1", port)
        self.cut = None
        self.generation = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            near, _ = self.listener.accept()
            if self.cut == "refused":
                near.close()
            else:
                threading.Thread(target=self._pass, args=(near,), daemon=True).start()

    def _pass(self, near):
        generation = self.generation
        try:
            far = socket.create_connection(self.to, timeout=5)
        except OSError:
            near.close()
            return
        try:
            while True:
                cut = self.cut
                if cut == "refused":
                    break
                if generation != self.generation:
                    # Whoever is forgotten hears nothing, not even an end.
                    time.sleep(0.2)
                    continue
                wanted = {None: [near, far], "answers lost": [near, far]}.get(cut, [])
                ready, _, _ = select.select(wanted, [], [], 0.05)
                if not self._move(ready, near, far, cut):
                    break
        except OSError:
            pass
        near.close()
        far.close()

    def _move(self, ready, near, far, cut):
        for end in ready:
            data = end.recv(65536)
            if not data:
                return False
            if end is near:
                far.sendall(data)
            elif cut is None:
                near.sendall(data)
        if cut == "answers lost" and far in ready:
            # What follows a lost piece cannot be read, so the connection ends with the cut.
            while self.cut == cut:
                time.sleep(0.02)
            return False
        return True

    def make(self, cut):
        if cut == "forgotten":
            self.generation += 1
        self.cut = cut

    def heal(self):
        self.cut = None


class CutDrill(House):
    busy_s = 1
    beat_s = 0.5
    trigger_s = 3
    most_tasks = 1

    def __init__(self, binary, directory):
        super().__init__(binary, directory)
        self.proxy = Proxy(self.port)
        self.url = f"http://127.0.0.1:{self.proxy.port}"

    def arguments(self):
        return [*super().arguments(), "--no-scheduler"]

    def decisions(self):
        """The newest record that a scheduler wrote."""
        status, health = self.ask("GET", "/health")
        if status != 200:
            return 0
        status, page = self.ask("GET", f"/v1/ledger?after={max(0, health['head'] - 500)}&limit=500")
        made = [record["seq"] for record in page["records"] if record["actor"].startswith("scheduler")]
        return made[-1] if made else 0

    def goes_on(self):
        before = self.decisions()
        wait_until("a decision", lambda: self.decisions() > before, 120)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    evidence.add_argument(parser)
    arguments = parser.parse_args()
    facts = evidence.Evidence("cut", arguments.evidence)
    directory = tempfile.mkdtemp(prefix="arcoflow-cut-")
    drill = CutDrill(arguments.binary, directory)
    drill.start()
    wait_until("the door", lambda: drill.ask("GET", "/health")[0] == 200)
    drill.deploy(manifest(4))
    scheduler = Scheduler(drill, "scheduler")
    scheduler.wait_for(DECIDES)
    drill.open(workers=4)
    drill.wait_for_callbacks(more=20)
    faults, recovered = [], []
    for number, (how, seconds) in enumerate(CUTS):
        progress(f"cut {number + 1} of {len(CUTS)}: {how} for {seconds} s")
        fault = facts.fault("the connection is cut", how=how, for_s=seconds)
        drill.proxy.make(how)
        before = drill.acknowledged()
        fault.noticed()
        time.sleep(seconds)
        after = drill.acknowledged()
        if after[0] == before[0]:
            faults.append(f"no trigger was accepted while the connection was cut ({how})")
        drill.proxy.heal()
        healed = time.monotonic()
        drill.goes_on()
        recovered.append((how, round((time.monotonic() - healed) * 1000)))
        fault.repaired(healed_to_decision_ms=recovered[-1][1])
        drill.wait_for_callbacks(more=10)
    door = drill.come_to_rest()
    found, judged, outcomes, missing = judge(drill, door)
    faults += found + verify(drill, door)
    for record in judged.expired:
        faults.append(f"record {record['seq']}: an attempt was closed for silence ({record['body']['reason']}), and its worker spoke")
    scheduler.kill(signal.SIGTERM)
    report = {
        "from the healing to the first decision, ms": recovered, "records": len(judged.records), "runs": len(judged.triggered),
        "outcomes": dict(outcomes), "refused": dict(drill.refused),
    }
    drill.process.terminate()
    drill.process.wait(timeout=20)
    conclude(drill, facts, report, faults, judged, counts(drill, judged, missing, len(judged.expired)))
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
