"""What a bundle has to say follows from its raw files: every claim in order, and everything that is not shown."""

import re

import drills
import parity
import performance
import reliability
from bundle import CLAIMS, NEGATIVE, RAW, written
from claim import FAILS, UNKNOWN
from raw import Raw

TABLE = reliability.CLAIMS + parity.CLAIMS + performance.CLAIMS

# What no command of this repository can show, on any machine.
NEVER_SHOWN = [
    ("power-loss", "a loss of power on real hardware: processes are killed and system calls watched, and the disk's own cache is believed"),
    ("cloudflare", "Cloudflare itself: the edge runs on local workerd, so limits, alarms, prices and distances of the platform are taken from its documents"),
    ("machines", "more than one machine: all processes share a host, and distance is a proxy that holds bytes"),
    ("months", "months of operation: the longest run is the soak"),
]
# Beyond this share of the cores, times say more about the neighbours than about what is measured.
CALM = 0.5


def entries(files, manifest_parts):
    """claims.json and negative.json as they follow from the raw files and from what the manifest says."""
    raw = Raw(files)
    claims = [claim.judge(raw) for claim in TABLE]
    return {CLAIMS: written(claims), NEGATIVE: written(negative(raw, claims, manifest_parts))}


def negative(raw, claims, manifest_parts):
    found = []

    def note(kind, what, reason):
        found.append({"kind": kind, "what": what, "reason": reason})

    for claim in claims:
        if claim["verdict"] == FAILS:
            bound = claim["bound"]
            note("failed", claim["id"], f"{claim['claim']}: {claim['figure']} {claim['unit']}, and the bound is {bound['is']} {bound['value']}")
        elif claim["verdict"] == UNKNOWN:
            note("skipped", claim["id"], claim["reason"])
    tree, artefacts, environment = (manifest_parts[part] for part in ("tree", "artefacts", "environment"))
    for part in (artefacts, environment):
        for name, value in sorted(part.items()):
            if value.get("reason"):
                note("skipped", name, value["reason"])
    if tree.get("changed"):
        note("not shown", "tree", f"files that differ from the commit: {tree['changed']}")
    for name, reason in origins(raw, tree, environment):
        note("not shown", RAW + name, reason)
    for name in drills.taken_on_trust(raw):
        note("not shown", RAW + name, "which events were acknowledged is not listed, so the drill's own count of the missing ones is taken")
    for what, reason in NEVER_SHOWN:
        note("not shown", what, reason)
    return found


def origins(raw, tree, environment):
    """Raw files that were not made from this tree on a calm machine, each with the reason."""
    known = raw.json("origin.json") if "origin.json" in raw.files else {}
    cores = (environment.get("cores") or {}).get("value")
    for name in sorted(raw.files):
        if name == "origin.json":
            continue
        # What lies beside the facts of a drill was made with them.
        origin = known.get(re.sub(r"^(drills/[a-z-]+)\..*", r"\1.json", name))
        if origin is None:
            yield name, "which tree it was made from was not written down"
            continue
        if origin.get("source") != tree.get("source") or origin.get("source") is None:
            yield name, f"it was made from another tree, source {short(origin.get('source'))}"
        if origin.get("changed"):
            yield name, f"it was made while {origin['changed']} files differed from their commit"
        load = origin.get("load")
        if name.startswith("samples/") and (load is None or cores is None or load > CALM * cores):
            yield name, f"its times were taken on a machine with a load of {load} on {cores} cores"


def short(source):
    return str(source)[:12]
