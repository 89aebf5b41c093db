"""Every exported ledger in a bundle is chained by SHA-256 over canonical JSON from its first record to its last."""

import functools
import os
import sys

from bundle import RAW, Broken, read_lines

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "drills"))
from ledger_check import Judge  # noqa: E402

ENDING = ".ledger.jsonl"


def judged(raw, name):
    """What an independent reader of the records finds, and the records."""
    return _judged(name, raw.files[name])


# The self-test verifies the same ledger in hundreds of bundles.
@functools.lru_cache(maxsize=32)
def _judged(name, data):
    judge = Judge()
    for record in read_lines(data, RAW + name):
        try:
            judge.take(record)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Broken(f"{RAW}{name}: a record cannot be read: {error!r}") from None
    return judge


def check_ledgers(raw):
    """Fails when a record is missing, changed or out of its place."""
    for name in raw.names("", ENDING):
        for fault in judged(raw, name).faults:
            if "the chain does not hold" in fault or "is number" in fault:
                raise Broken(f"{RAW}{name}: {fault}")
