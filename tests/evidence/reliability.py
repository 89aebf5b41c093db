"""The claims of the simulator, the mutants and the soak, and of every drill: what its exported ledger says, read without the product."""

import statistics

from bundle import RAW, Broken
from claim import Claim, ratio
from drills import CLAIMS as DRILLS
from drills import PROGRAMS
from raw import Unknown

SIMULATE, FRESH, WASM = "simulate.json", "simulate-fresh.json", "simulate-wasm.json"
MUTANTS, SOAK = "mutants.json", "soak.json"


def lives(raw, file=SIMULATE):
    found = raw.member(file, "lives")
    if not isinstance(found, list) or not found or len({life["seed"] for life in found}) != len(found):
        raise Broken(f"{RAW}{file}: its lives are not lives of seeds")
    return found


def total(member, file=SIMULATE):
    return lambda raw: sum(life[member] for life in lives(raw, file))


def hours(file=SIMULATE):
    return lambda raw: total("simulatedMs", file)(raw) / 3_600_000


def broken(file=SIMULATE):
    return lambda raw: sum(1 for life in lives(raw, file) if life["broken"] is not None)


def minutes_of_fresh(raw):
    return raw.count(FRESH, "processorMs") / 60_000


def unreached(raw):
    never, happened = raw.member(SIMULATE, "neverHappened"), raw.member(SIMULATE, "happened")
    if any(happened.get(mark, 0) > 0 for mark in never):
        raise Broken(f"{RAW}{SIMULATE}: what never happened has happened")
    return len({*never, *(mark for mark, count in happened.items() if count == 0)})


def unlike(raw):
    """Seeds whose second life had another digest."""
    digests, again = {str(life["seed"]): life["digest"] for life in lives(raw)}, raw.member(SIMULATE, "again")
    if not again:
        raise Unknown(f"{RAW}{SIMULATE}: no seed was lived twice")
    return sum(1 for seed, digest in again.items() if digests.get(seed) != digest)


def unlike_inside(raw):
    """Lives whose report inside WebAssembly is not the native one; they are compared here."""
    native, inside = raw.member(WASM, "native"), raw.member(WASM, "inside")
    if not native or len(native) != len(inside):
        raise Broken(f"{RAW}{WASM}: its lives are not in pairs")
    return sum(1 for one, other in zip(native, inside) if one["digest"] != other["digest"] or one["seed"] != other["seed"])


def a_second(of):
    def rule(raw):
        took = raw.count(SIMULATE, "processorMs")
        if took == 0:
            raise Unknown(f"{RAW}{SIMULATE} knows no time of the processor")
        return of(raw) * 1000 / took

    return rule


def simulator():
    rows = [
        ("broken", "seeds in which a rule was broken", "seeds", broken(), ("exactly", 0)),
        ("seeds", "seeds that were lived through", "seeds", lambda raw: len(lives(raw)), ("at least", 200)),
        ("hours", "simulated hours", "hours", hours(), None),
        ("steps", "steps, with every rule looked at after each", "steps", total("steps"), None),
        ("records", "records of their ledgers", "records", total("records"), None),
        ("kinds", "kinds of faults that were on in some life", "kinds", lambda raw: len({kind for life in lives(raw) for kind in life["faults"]}), None),
        ("unreached", "rare things that happened in no life", "things", unreached, ("exactly", 0)),
        ("unlike", "seeds that were lived twice and not the same", "seeds", unlike, ("exactly", 0)),
        ("speed", "simulated hours in a second of the processor", "hours/s", a_second(hours()), ("at least", 10)),
        ("step-speed", "steps in a second of the processor", "steps/s", a_second(total("steps")), ("at least", 300_000)),
    ]
    claims = [Claim(f"simulate-{id}", says, unit, figure, (SIMULATE,), "cargo xtask simulate", bound) for id, says, unit, figure, bound in rows]
    rows = [
        ("broken", "seeds that nobody had lived before in which a rule was broken", "seeds", broken(FRESH), ("exactly", 0)),
        ("minutes", "minutes of the processor that they were lived through in", "min", minutes_of_fresh, ("at least", 60)),
        ("hours", "simulated hours of them", "hours", hours(FRESH), None),
        ("steps", "steps of them", "steps", total("steps", FRESH), None),
    ]
    claims += [Claim(f"fresh-{id}", says, unit, figure, (FRESH,), "cargo xtask simulate --fresh", bound) for id, says, unit, figure, bound in rows]
    says = "seeds whose life inside WebAssembly was another than the native one"
    return [*claims, Claim("simulate-wasm", says, "seeds", unlike_inside, (WASM,), "cargo xtask simulate --wasm", ("exactly", 0))]


def planted(raw):
    found = raw.member(MUTANTS, "mutants")
    if not isinstance(found, list) or len({mutant["name"] for mutant in found}) != len(found):
        raise Broken(f"{RAW}{MUTANTS}: a mutant stands twice")
    return found


def survived(raw):
    """A mutant is dead when a rule caught it in a seed; one that does not build has shown nothing."""
    return sum(1 for mutant in planted(raw) if not mutant.get("rule") or not isinstance(mutant.get("seeds"), int))


def mutants():
    rows = [
        ("planted", "bugs that were planted in a copy of the core, a line each", "bugs", lambda raw: len(planted(raw)), ("at least", 30)),
        ("survived", "of them caught by no rule within 200 seeds", "bugs", survived, ("exactly", 0)),
    ]
    return [Claim(f"mutants-{id}", says, unit, figure, (MUTANTS,), "cargo xtask mutants", bound) for id, says, unit, figure, bound in rows]


def third(of, which):
    """The median of a figure over the first or the last third of the soak."""

    def rule(raw):
        rows = raw.member(SOAK, "samples")
        length = max(1, len(rows) // 3)
        values = [row[of] for row in (rows[:length] if which == "first" else rows[-length:]) if row[of] is not None]
        if not values:
            raise Unknown(f"{RAW}{SOAK} has no samples of {of}")
        return statistics.median(values)

    return rule


def rise(of, by=1):
    return lambda raw: (third(of, "last")(raw) - third(of, "first")(raw)) / by


def slope(of, by=1):
    """How much a figure rises in an hour, by least squares."""

    def rule(raw):
        points = [(row["s"] / 3600, row[of] / by) for row in raw.member(SOAK, "samples") if row[of] is not None]
        if len(points) < 3:
            raise Unknown(f"{RAW}{SOAK} has too few samples of {of}")
        return statistics.linear_regression(*zip(*points)).slope

    return rule


def soak():
    if not (PROGRAMS / "soak.py").exists():
        return []
    rows = [
        ("minutes", "how long it took", "minutes", lambda raw: max(row["s"] for row in raw.member(SOAK, "samples")) / 60, ("at least", 30)),
        ("memory-slope", "resident memory, by least squares", "MiB/h", slope("rss_bytes", 2**20), None),
        ("memory-rise", "resident memory of the last third over that of the first", "MiB", rise("rss_bytes", 2**20), ("at most", 16)),
        ("descriptors-slope", "open descriptors, by least squares", "/h", slope("descriptors"), None),
        ("descriptors-rise", "open descriptors of the last third over those of the first", "descriptors", rise("descriptors"), ("at most", 8)),
        ("drift", "99th percentile of callbacks in the last third by that in the first", "×", ratio(third("p99_ms", "last"), third("p99_ms", "first")), None),
        ("missing", "acknowledged events that are not in the ledger", "events", lambda raw: raw.count(SOAK, "report", "acknowledged_missing"), ("exactly", 0)),
        ("left-behind", "runs and attempts that were left behind", "tasks", lambda raw: raw.count(SOAK, "report", "left_behind"), ("exactly", 0)),
    ]
    return [Claim(f"soak-{id}", f"a steady load with kills and pauses in it: {says}", unit, figure, (SOAK,), "cargo xtask soak", bound) for id, says, unit, figure, bound in rows]


CLAIMS = simulator() + mutants() + DRILLS + soak()
