"""The claims of the benchmarks: medians of raw samples, and ratios of two that were taken in one run."""

from claim import Claim, median, percentile, ratio

HOST, RESTATE, EDGE, IDENTITY = "host", "restate", "edge", "identity"
OURS, THEIRS = "arcoflow", "Restate"


def of_bench(bench, id, says, unit, figure, bound=None):
    return Claim(f"{bench}-{id}", says, unit, figure, (f"samples/{bench}.jsonl",), f"cargo xtask bench {bench}", bound)


def host():
    def ours(measure):
        return median(HOST, measure, OURS)

    rows = [
        ("sync", "writes of 4 KiB that this machine makes durable one after the other", "/s", median(HOST, "fdatasync of 4 KiB", "machine"), None),
        ("completed-1", "completions that are on disk each second, one caller", "/s", ours("completed, 1 callers"), None),
        ("completed-8", "completions that are on disk each second, 8 callers", "/s", ours("completed, 8 callers"), None),
        ("completed-64", "completions that are on disk each second, 64 callers", "/s", ours("completed, 64 callers"), None),
        ("fan-out-1000", "no-op tasks a second through lease, started and completed, a run of 1,000", "tasks/s", ours("fan-out of 1000"), ("at least", 2000)),
        ("fan-out-10000", "no-op tasks a second through lease, started and completed, a run of 10,000", "tasks/s", ours("fan-out of 10000"), ("at least", 2000)),
        ("disk", "disk of a task of a run of 10,000", "bytes", ours("fan-out of 10000, disk"), ("below", 1024)),
        ("processor", "processor time of the host for a task of a run of 10,000", "µs", ours("fan-out of 10000, processor time of the house"), None),
        ("level", "a level of a chain of 100: lease, started, completed, next lease", "ms", ours("a level: lease, started, completed, next lease"), ("below", 10)),
        ("level-p99", "the same, 99th percentile", "ms", percentile(0.99, HOST, "a level: lease, started, completed, next lease", OURS), None),
        ("trigger", "trigger over HTTP to the first user code in a worker that waits", "ms", ours("in a worker that waits over HTTP"), ("below", 5)),
        ("trigger-process", "trigger over HTTP to the first user code in a program that is started for it", "ms", ours("in a program that the process worker starts"), None),
        ("restart", "process start after `kill -9` to the next task leased, in a run of 10,000", "ms", ours("process start to the next task leased"), ("below", 250)),
        ("idle-memory", "resident memory with nothing to do", "MiB", ours("resident memory"), ("below", 50)),
        ("idle-processor", "processor with nothing to do", "%", ours("processor"), ("below", 1)),
        ("callback", "a callback of one caller in a ledger of 1,000,000 tasks", "ms", ours("one caller, 1,000,000 tasks"), None),
        (
            "callback-growth", "a callback in a ledger of 1,000,000 tasks by one in a ledger of 1,000", "×",
            ratio(ours("one caller, 1,000,000 tasks"), ours("one caller, 1,000 tasks")), ("below", 1.5),
        ),
    ]
    return [of_bench(HOST, *row) for row in rows]


def restate():
    # What is measured here and there, and whether more is better: a ratio above 1 is in our favour.
    shared = [
        ("fan-out-1000", "tasks a second of a fan-out of 1,000", "fan-out of 1000", "fan-out of 1000", True, ("at least", 5)),
        ("fan-out-10000", "tasks a second of a fan-out of 10,000", "fan-out of 10000", "fan-out of 10000", True, ("at least", 5)),
        ("processor", "processor time of the server for a task", "fan-out of 10000, processor time of the house", "fan-out of 10000, processor", False, None),
        ("disk", "disk of a task", "fan-out of 10000, disk", "fan-out of 10000, disk", False, None),
        ("level", "a level of a chain of 100", "a level: lease, started, completed, next lease", "a level", False, ("at least", 5)),
        ("trigger", "trigger to the first user code", "in a worker that waits over HTTP", "trigger to first user code", False, ("at least", 2)),
        ("restart", "restart to the first resumed task", "process start to the next task leased", "restart to first resumed task", False, None),
        ("memory", "memory with nothing to do", "resident memory", "resident memory", False, ("at least", 5)),
    ]
    claims = []
    for id, says, here, there, more_is_better, bound in shared:
        ours, theirs = median(RESTATE, here, OURS), median(RESTATE, there, THEIRS)
        figure = ratio(ours, theirs) if more_is_better else ratio(theirs, ours)
        claims.append(of_bench(RESTATE, id, f"{says}, beside Restate in turn: above 1 is better here", "×", figure, bound))
    return claims


def edge():
    claims = []
    for callers in (1, 32):
        for what in ("completed", "trigger"):
            measure = f"{what}, {callers} callers"
            rate = {subject: median(EDGE, measure, subject) for subject in ("edge", "minimal", "native")}
            says = f"requests a second of `{what}` on local workerd, {callers} caller" + ("s" if callers > 1 else "")
            claims.append(of_bench(EDGE, f"{what}-{callers}", says, "/s", rate["edge"]))
            says += ", by those of a worker that does one idempotent insert"
            claims.append(of_bench(EDGE, f"{what}-{callers}-minimal", says, "×", ratio(rate["edge"], rate["minimal"]), ("at least", 0.8)))
            says = f"processor time of a `{what}` on local workerd, {callers} caller" + ("s" if callers > 1 else "")
            claims.append(of_bench(EDGE, f"{what}-{callers}-processor", says, "µs", median(EDGE, f"{measure}, processor", "edge")))
    rows = [
        ("size", "what is uploaded, compressed", "bytes", median(EDGE, "size, compressed", "edge"), ("at most", 300_000)),
        ("cold-start", "start of workerd to the first answer", "ms", median(EDGE, "cold start", "edge"), None),
        ("memory", "memory of workerd with 100,000 open tasks in one object", "MB", median(EDGE, "memory with 100000 open tasks", "edge"), None),
        (
            "round-trips", "round trips of a level of a chain of 100 with scheduler and worker 20 ms away", "round trips",
            median(EDGE, "a level, 20 ms away", "edge"), ("below", 3),
        ),
    ]
    return claims + [of_bench(EDGE, *row) for row in rows]


def identity():
    def beside(id, says, measure, ours, peer, at_least=None):
        figure = ratio(median(IDENTITY, measure, peer), median(IDENTITY, measure, ours))
        bound = None if at_least is None else ("at least", at_least)
        return of_bench(IDENTITY, id, f"canonical JSON of {says}", "×", figure, bound)

    native, npm, python = "native", "npm", "Python"
    claims = []
    for size, words, goals in [("220b", "220 bytes", (6, 6, 40)), ("4kb", "4 KB", (6.5, 13, 40)), ("1mb", "1 MB", (8, 15, 40))]:
        measure = f"shuffled-{size}"
        claims += [
            beside(f"native-{size}", f"{words}, natively: faster than serde_json with ordered maps", measure, native, "serde_json", goals[0]),
            beside(f"native-jcs-{size}", f"{words}, natively: faster than serde_jcs", measure, native, "serde_jcs", 12),
            beside(f"npm-{size}", f"{words}, npm package: faster than `canonicalize` on parsed input", measure, npm, "canonicalize", goals[1]),
            beside(f"python-{size}", f"{words}, Python package, from an object: faster than rfc8785", measure, f"{python}, object", "rfc8785", goals[2]),
        ]
    names = [
        ("ulid-parse", "a ULID is parsed", "ulid parse", 20), ("ulid-format", "a ULID is written", "ulid format", 10),
        ("partition-format", "a partition key of two dimensions is written", "partition key format, two dimensions", 40),
        ("partition-parse", "a partition key of two dimensions is parsed", "partition key parse, two dimensions", 60),
    ]
    claims += [of_bench(IDENTITY, id, says, "ns", median(IDENTITY, measure, native), ("at most", goal)) for id, says, measure, goal in names]
    return claims


CLAIMS = host() + restate() + edge() + identity()
