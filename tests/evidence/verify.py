"""Verifies an evidence bundle with Python's standard library alone: every verdict is computed again from the raw files.

usage: verify.py BUNDLE [--self-test] [--require-all]

A bundle is authentic when its bytes are those of BUNDLE.sha256, its manifest names exactly its files, every ledger in it is chained,
and claims.json and negative.json are what follows from the raw files. A claim may fail in an authentic bundle; `--require-all` wants every
claim known and none failed. Exit codes: 0 authentic, 1 not, 2 usage.
"""

import argparse
import collections
import pathlib
import sys

import verdict
from bundle import CLAIMS, NEGATIVE, Broken, check_manifest, digest, read_json, unpack
from claim import FAILS, UNKNOWN
from ledgers import check_ledgers
from raw import Raw

PARTS = ("tree", "artefacts", "environment")


def verify(archive, stated):
    """The manifest and the claims of an authentic bundle; anything else is refused with what is wrong."""
    if digest(archive) != stated:
        raise Broken("the archive is not the one whose SHA-256 is stated")
    files = unpack(archive)
    manifest = check_manifest(files)
    check_ledgers(Raw(files))
    computed = verdict.entries(files, {part: manifest[part] for part in PARTS})
    for name, data in computed.items():
        if files.get(name) != data:
            raise Broken(f"{name}: {first_difference(files.get(name), data, name)}")
    return manifest, read_json(files[CLAIMS], CLAIMS), read_json(files[NEGATIVE], NEGATIVE)


def first_difference(stated, computed, name):
    if stated is None:
        return "it is missing"
    for one, other in zip(read_json(stated, name), read_json(computed, name)):
        if one != other:
            return f"it says {one}, and the raw files say {other}"
    return "it says more or less than the raw files"


def stated_digest(path):
    """The hash beside the bundle, in the form of sha256sum."""
    try:
        return pathlib.Path(f"{path}.sha256").read_text(encoding="ascii").split()[0]
    except (OSError, IndexError, ValueError) as error:
        raise Broken(f"{path}.sha256 does not state a hash: {error}") from None


def show(claims, negative):
    width = max(len(claim["id"]) for claim in claims)
    for claim in claims:
        figure = "unknown" if claim["figure"] is None else f"{claim['figure']:,} {claim['unit']}"
        bound = "" if claim["bound"] is None else f"{claim['bound']['is']} {claim['bound']['value']:,}"
        print(f"{claim['verdict']:<8} {claim['id']:<{width}} {figure:>22}  {bound}")
    counts = collections.Counter(claim["verdict"] for claim in claims)
    print("\n" + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) + f"; {len(negative)} things failed, were skipped or are not shown")
    return counts


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].splitlines()[0])
    parser.add_argument("bundle")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("--require-all", action="store_true")
    arguments = parser.parse_args()
    try:
        archive, stated = pathlib.Path(arguments.bundle).read_bytes(), stated_digest(arguments.bundle)
        _, claims, negative = verify(archive, stated)
    except (Broken, OSError) as fault:
        print(f"not authentic: {fault}", file=sys.stderr)
        raise SystemExit(1) from None
    counts = show(claims, negative)
    if arguments.self_test:
        from self_test import tamper_with_everything

        tamper_with_everything(archive, verify)
    print(f"authentic: {digest(archive)}")
    if arguments.require_all and (counts[FAILS] or counts[UNKNOWN]):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
