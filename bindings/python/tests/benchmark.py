"""The wheel beside its peers, in turn, on the documents in the directory that is given; ratios of processor time."""

import json
import pathlib
import sys
import time

import arcoflow
import canonicaljson
import orjson
import rfc8785

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "tests/samples"))
from samples import keep  # noqa: E402

ROUNDS, ROUND_NS = 15, 20_000_000


def once(work, repeats):
    start = time.thread_time_ns()
    for _ in range(repeats):
        work()
    return (time.thread_time_ns() - start) / repeats


def compare(document, peers):
    candidates = list(peers.values())
    repeats = [max(1, min(50_000, int(ROUND_NS / max(once(work, 3), 100)))) for work in candidates]
    times = [[] for _ in candidates]
    for _ in range(ROUNDS):
        for index, work in enumerate(candidates):
            times[index].append(once(work, repeats[index]))
    for subject, taken in zip(peers, times):
        keep(document, subject, "ns", taken)
    return [sorted(list)[ROUNDS // 4] for list in times]


print("python: times of ours in ns, then how many times longer the peers take than ours from an object")
print("document             bytes      bytes     object     rfc8785 canonicaljson  orjson sorted (lenient)")
for name in ["shuffled-220b", "shuffled-4kb", "shuffled-1mb", "cjk-1mb"]:
    data = (pathlib.Path(sys.argv[1]) / f"{name}.json").read_bytes()
    value = json.loads(data)
    ours, walked, rfc, canonical, lenient = compare(
        name,
        {
            "Python": lambda: arcoflow.canonicalize(data),
            "Python, object": lambda: arcoflow.canonicalize_value(value),
            "rfc8785": lambda: rfc8785.dumps(value),
            "canonicaljson": lambda: canonicaljson.encode_canonical_json(value),
            "orjson": lambda: orjson.dumps(value, option=orjson.OPT_SORT_KEYS),
        },
    )
    print(
        f"{name:<16} {len(data):>9} {ours:>10.0f} {walked:>10.0f} {rfc / walked:>10.1f}x {canonical / walked:>12.1f}x {lenient / walked:>12.1f}x"
    )
