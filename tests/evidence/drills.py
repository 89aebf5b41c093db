"""The claims of the drills on real processes: what was acknowledged is looked for in the exported ledger, record by record."""

import pathlib
import re
import statistics

from bundle import RAW, Broken
from claim import Claim
from ledgers import ENDING, judged
from raw import Unknown

ACKNOWLEDGED = ".acknowledged.jsonl"
PROGRAMS = pathlib.Path(__file__).parents[1] / "drills"
# What each drill that leaves a ledger does; those whose program is there are judged.
DRILLS = {
    "kill": "the process is killed at commit points and at random",
    "edge": "the edge loses its scheduler and its workerd",
    "backfill": "a backfill is paused and killed",
    "disk": "the disk is full",
    "sync": "a sync fails",
    "clock": "the clock jumps",
    "pause": "a worker is stopped beyond its heartbeat",
    "cut": "the connection between scheduler and door is cut",
    "sweep": "rows are removed by hand",
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
        if f"drills/{name}{ACKNOWLEDGED}" not in raw.files:
            return counted(raw, name, "acknowledged_missing")
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


def counted(raw, name, what):
    """A count of the drill's own; what it could not count it has a reason for."""
    file = f"drills/{name}.json"
    reason = raw.member(file, "unknown").get(what)
    if reason:
        raise Unknown(f"{RAW}{file}: {reason}")
    return raw.count(file, "counts", what)


def false_timeouts(name):
    return lambda raw: counted(raw, name, "false_timeouts")


def taken_on_trust(raw):
    """Drills of which no list of acknowledged events is there, so that their own count of what is missing is taken."""
    for name in judged_here():
        if f"drills/{name}.json" in raw.files and f"drills/{name}{ACKNOWLEDGED}" not in raw.files:
            yield f"drills/{name}.json"


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


def judged_here():
    return [name for name in DRILLS if (PROGRAMS / f"{name}.py").exists()]


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
    for name in judged_here():
        happens = DRILLS[name]
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
