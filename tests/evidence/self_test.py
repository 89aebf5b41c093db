"""The verifier is tested on the bundle itself: it has to refuse every change of every file, however well the change is covered up.

A change is tried with the stated hash as it was, and with a hash that was stated anew. What is forged is sealed anew as a whole, manifest
and hash, so that only what follows from the raw files can give it away.
"""

import itertools
import json
import random

from bundle import CLAIMS, MANIFEST, NEGATIVE, Broken, digest, pack, read_json, sealed, written
from ledgers import ENDING

# Bits of the archive itself that are flipped: headers, padding and content alike.
FLIPS_OF_THE_ARCHIVE = 64


def tamper_with_everything(archive, verify):
    """Fails when a change is not seen."""
    files, stated = unpacked(archive), digest(archive)
    seen, missed = 0, []
    # One after the other: all of them at once are a thousand archives in memory.
    for what, changed, hash_of in itertools.chain(damaged(files, archive, stated), forged(files)):
        try:
            verify(changed, hash_of)
            missed.append(what)
        except Broken:
            seen += 1
    print(f"self-test: {seen} of {seen + len(missed)} changes were seen")
    if missed:
        raise SystemExit("not seen: " + "; ".join(missed))


def unpacked(archive):
    from bundle import unpack

    return unpack(archive)


def damaged(files, archive, stated):
    """Bits flipped, pieces cut off, files dropped, emptied and added: (what, archive, stated hash)."""
    choice = random.Random(stated)
    for name, data in files.items():
        places = {0, len(data) // 2, len(data) - 1} | {choice.randrange(len(data)) for _ in range(2)} if data else set()
        changes = [(f"{name}: bit of byte {at}", {**files, name: flipped(data, at, choice)}) for at in sorted(places)]
        changes.append((f"{name}: cut off", {**files, name: data[:-1]} if data else {}))
        changes.append((f"{name}: dropped", {other: files[other] for other in files if other != name}))
        for what, changed in changes:
            packed = pack(changed)
            yield f"{what}, hash kept", packed, stated
            # Whoever states a hash anew can say another machine: the manifest is what only the hash covers.
            if name != MANIFEST or "dropped" in what or "cut" in what:
                yield f"{what}, hash anew", packed, digest(packed)
    added = pack({**files, "raw/added.json": b"{}\n"})
    yield "a file added, hash kept", added, stated
    yield "a file added, hash anew", added, digest(added)
    manifest = archive.find(files[MANIFEST])
    for _ in range(FLIPS_OF_THE_ARCHIVE):
        at = choice.randrange(len(archive))
        packed = flipped(archive, at, choice)
        yield f"bit of byte {at} of the archive, hash kept", packed, stated
        if not manifest <= at < manifest + len(files[MANIFEST]):
            yield f"bit of byte {at} of the archive, hash anew", packed, digest(packed)
    yield "the archive cut off", archive[:-512], digest(archive[:-512])
    yield "the archive prolonged", archive + bytes(512), digest(archive + bytes(512))


def flipped(data, at, choice):
    return data[:at] + bytes([data[at] ^ (1 << choice.randrange(8))]) + data[at + 1 :]


def forged(files):
    """Lies in files that are sealed anew as a whole."""
    claims, negative = read_json(files[CLAIMS], CLAIMS), read_json(files[NEGATIVE], NEGATIVE)

    def resealed(changes, **parts):
        manifest = read_json(files[MANIFEST], MANIFEST) | parts
        rest = {name: data for name, data in (files | changes).items() if name != MANIFEST and data is not None}
        packed = pack(sealed(rest, manifest["tree"], manifest["artefacts"], manifest["environment"]))
        return packed, digest(packed)

    for index, claim in enumerate(claims):
        figure = {"figure": 0 if claim["figure"] is None else claim["figure"] * 2 + 1}
        others = [
            {"verdict": "holds" if claim["verdict"] != "holds" else "fails"}, {"claim": "all is well"},
            {"bound": None if claim["bound"] else {"is": "at least", "value": 0}},
        ]
        # Every figure, and by turns what stands beside it.
        for member, lie in [*figure.items(), *others[index % len(others)].items()]:
            forgery = claims[:index] + [claim | {member: lie}] + claims[index + 1 :]
            yield f"{claim['id']}: another {member}", *resealed({CLAIMS: written(forgery)})
    yield f"{claims[-1]['id']}: left out", *resealed({CLAIMS: written(claims[:-1])})
    for index, entry in enumerate(negative):
        yield f"negative.json: {entry['what']} left out", *resealed({NEGATIVE: written(negative[:index] + negative[index + 1 :])})
    yield "negative.json: emptied", *resealed({NEGATIVE: written([])})
    yield "the tree is unknown, and nobody says why", *resealed({}, tree={"tree": None})
    yield "an artefact whose digest is 0", *resealed({}, artefacts={"binary": {"sha256": 0}})
    for name, data in files.items():
        if name.endswith(ENDING):
            yield from ((f"{name}: {what}", *resealed({name: forgery})) for what, forgery in forged_ledgers(data))
        elif name.endswith(".json") and name.startswith("raw/"):
            yield f"{name}: cut off", *resealed({name: data[: len(data) // 2]})
        elif name.endswith(".jsonl"):
            yield f"{name}: cut off", *resealed({name: data[:-3]})
            yield f"{name}: half of it left out", *resealed({name: None})


def forged_ledgers(data):
    lines = data.splitlines(keepends=True)
    if len(lines) < 3:
        return
    middle = len(lines) // 2
    record = json.loads(lines[middle])
    record["actor"] = "worker:forged"
    yield "a record changed", b"".join([*lines[:middle], json.dumps(record).encode() + b"\n", *lines[middle + 1 :]])
    yield "a record left out", b"".join([*lines[:middle], *lines[middle + 1 :]])
    yield "two records swapped", b"".join([*lines[: middle - 1], lines[middle], lines[middle - 1], *lines[middle + 1 :]])
    yield "a record twice", b"".join([*lines[:middle], lines[middle], *lines[middle:]])
