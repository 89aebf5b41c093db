"""The claims of the drills on real processes: what was acknowledged is looked for in the exported ledger, record by record."""

import re
import statistics

from bundle import RAW, Broken
from claim import Claim
from ledgers import ENDING, judged
from raw import Unknown

ACKNOWLEDGED = ".acknowledged.jsonl"
# Drills that leave a ledger, with what each of them does.
DRILLS = {
    "kill": "the process is killed at commit points and at random",
    "edge": "the edge loses its scheduler and its workerd",
    "backfill": "a backfill is paused and killed",
}
DURABLE = "drills/durable.json"
POINT = re.compile(r"[CEW]\d+")
KINDS = {"trigger": ("run_triggered",), "started": ("attempt_started",), "completed": ("attempt_finished",)}


def ledger(raw, name):
    file = f"drills/{name}{ENDING}"
    if file not in raw.files:
        raise Unknown(f"there is no {RAW}{file}")
    return judged(raw, file)


def missing(name):
    """Acknowledged events that are not the record that the answer named."""

    def rule(raw):
        records = {record["seq"]: record for record in ledger(raw, name).records}
        acknowledged = raw.lines(f"drills/{name}{ACKNOWLEDGED}")
        if not acknowledged:
            raise Unknown("nothing was acknowledged")
        return sum(1 for event in acknowledged if not stands(event, records))

    return rule


def stands(event, records):
    record = records.get(event["seq"])
    if record is None or record["kind"] not in KINDS[event["what"]]:
        return False
    body = record["body"]
    return all(body.get(member) == event[member] for member in ("run", "task", "attempt") if event.get(member) is not None)


def left_behind(name):
    """Runs without an end, and open attempts of runs that nobody cancelled."""

    def rule(raw):
        judge = ledger(raw, name)
        return len(set(judge.triggered) - set(judge.finished)) + sum(1 for run, _ in judge.open if run not in judge.cancelled)

    return rule


def twice(name):
    return lambda raw: sum(times - 1 for times in ledger(raw, name).succeeded.values() if times > 1)


def false_timeouts(name):
    return lambda raw: raw.count(f"drills/{name}.json", "counts", "false_timeouts")


def timeline(raw, name):
    found = raw.member(f"drills/{name}.json", "timeline")
    for fault in found:
        times = [fault["fault_at_ms"], fault["detected_at_ms"], fault["repaired_at_ms"]]
        known = [time for time in times if time is not None]
        if times[0] is None or known != sorted(known):
            raise Broken(f"{RAW}drills/{name}.json: a fault is repaired before it comes: {fault}")
    return found


def repair(rule):
    """From the fault to what it had stopped going on, over the faults that were repaired."""

    def of(name):
        def figure(raw):
            times = [fault["repaired_at_ms"] - fault["fault_at_ms"] for fault in timeline(raw, name) if fault["repaired_at_ms"] is not None]
            if not times:
                raise Unknown(f"{RAW}drills/{name}.json has no fault that was repaired")
            return rule(times)

        return figure

    return of


def points(raw):
    """Named commit points at which the process died."""
    return len({point for fault in timeline(raw, "kill") for point in POINT.findall(str(fault.get("how")))})


def records(raw):
    names = raw.names("", ENDING)
    if not names:
        raise Unknown("there is no exported ledger")
    return sum(len(judged(raw, name).records) for name in names)


def claims():
    found = [Claim("ledgers-records", "records of exported ledgers, each chained to all before it", "records", records, (), "cargo xtask drill kill", ("at least", 1))]
    rows = [
        ("missing", "acknowledged events that are not in the ledger", "events", missing, ("exactly", 0)),
        ("left-behind", "runs and attempts that were left behind", "tasks", left_behind, ("exactly", 0)),
        ("twice", "tasks that succeeded again", "tasks", twice, ("exactly", 0)),
        ("false-timeouts", "attempts that were closed though their worker kept heartbeating", "attempts", false_timeouts, ("exactly", 0)),
        ("repair", "from a fault to what it had stopped, median", "ms", repair(statistics.median), None),
        ("repair-longest", "the longest of these times", "ms", repair(max), None),
    ]
    for name, happens in DRILLS.items():
        files = tuple(f"drills/{name}{ending}" for ending in (".json", ENDING, ACKNOWLEDGED))
        found += [Claim(f"{name}-{id}", f"{happens}: {says}", unit, figure(name), files, f"cargo xtask drill {name}", bound) for id, says, unit, figure, bound in rows]
        if name == "kill":
            says = "commit points at which the process was killed"
            found.append(Claim("kill-points", says, "points", points, files[:1], "cargo xtask drill kill", ("at least", 14)))
    rows = [
        ("answers", "acknowledgements whose system calls were watched", "answers", lambda raw: raw.count(DURABLE, "report", "answers_checked"), ("at least", 1)),
        ("early", "of them sent before a sync", "answers", lambda raw: len(raw.member(DURABLE, "report", "faults")), ("exactly", 0)),
    ]
    return found + [Claim(f"durable-{id}", says, unit, figure, (DURABLE,), "cargo xtask drill durable", bound) for id, says, unit, figure, bound in rows]


CLAIMS = claims()
