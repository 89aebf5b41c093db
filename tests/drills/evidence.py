"""Writes down what a drill saw: when each fault came, when it was noticed and repaired, and the counts that judge it.

`NAME.json` holds raw facts with times in milliseconds since 1970, as the drill's own clock tells them; `NAME.ledger.jsonl` is the ledger as
it was exported when everything had come to rest, `NAME.acknowledged.jsonl` what callers and workers were told is in it. What nobody measured is null, and `unknown` says why.
"""

import json
import os
import time

# The counts that every drill states: none of them may be above 0 but the first.
COUNTS = ["acknowledged", "acknowledged_missing", "left_behind", "double_effects", "false_timeouts"]


def now_ms():
    return round(time.time() * 1000)


class Fault:
    """One thing that was broken on purpose, and how long it mattered."""

    def __init__(self, kind, facts):
        self.row = {"fault": kind, **facts, "fault_at_ms": now_ms(), "detected_at_ms": None, "repaired_at_ms": None}

    def noticed(self, **facts):
        """The product, or somebody who uses it, saw the fault. Only the first time counts."""
        if self.row["detected_at_ms"] is None:
            self.row["detected_at_ms"] = now_ms()
        self.row.update(facts)

    def repaired(self, **facts):
        """What the fault had stopped goes on. Only the first time counts."""
        if self.row["repaired_at_ms"] is None:
            self.row["repaired_at_ms"] = now_ms()
        self.row.update(facts)


class Evidence:
    def __init__(self, name, directory):
        self.name, self.directory = name, directory
        self.began_at_ms = now_ms()
        self.faults = []

    def fault(self, kind, **facts):
        fault = Fault(kind, facts)
        self.faults.append(fault)
        return fault

    def write(self, report, records, counts, unknown=None, acknowledged=None):
        """Writes the facts, and the ledger beside them. `counts` may lack what `unknown` gives a reason for."""
        missing = [name for name in COUNTS if name not in counts and name not in (unknown or {})]
        if missing:
            raise SystemExit(f"drill {self.name} says nothing about {', '.join(missing)}")
        if self.directory is None:
            return
        os.makedirs(self.directory, exist_ok=True)
        latencies = sorted(
            fault.row["repaired_at_ms"] - fault.row["fault_at_ms"] for fault in self.faults if fault.row["repaired_at_ms"] is not None
        )
        facts = {
            "drill": self.name, "began_at_ms": self.began_at_ms, "ended_at_ms": now_ms(),
            "timeline": [fault.row for fault in self.faults],
            "counts": {name: counts.get(name) for name in COUNTS}, "unknown": unknown or {},
            "repair_ms": {"count": len(latencies), "median": middle(latencies), "max": latencies[-1] if latencies else None},
            "report": report, "ledger": f"{self.name}.ledger.jsonl" if records is not None else None,
        }
        place = os.path.join(self.directory, self.name)
        with open(place + ".json", "w", encoding="utf-8") as file:
            json.dump(facts, file, indent=2, sort_keys=True)
            file.write("\n")
        if records is not None:
            write_lines(place + ".ledger.jsonl", records)
        if acknowledged is not None:
            write_lines(place + ".acknowledged.jsonl", acknowledged)


def write_lines(path, values):
    with open(path, "w", encoding="utf-8") as file:
        for value in values:
            file.write(json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n")


def middle(values):
    return values[len(values) // 2] if values else None


def add_argument(parser):
    parser.add_argument("--evidence", metavar="DIR", help="where the facts and the ledger are written")
