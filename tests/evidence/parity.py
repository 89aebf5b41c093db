"""The claims of parity: what each target was asked, and how many of its answers were other than those of the fixtures."""

import re

from bundle import RAW, Broken
from claim import Claim
from raw import Unknown

FIXTURES, STORIES, CONTRACT = "parity/fixtures.json", "parity/stories.json", "parity/contract.json"
SHA256 = re.compile(r"[0-9a-f]{64}")


def target(raw, name, wanted):
    """The facts of a target that was asked."""
    targets = raw.member(name, "targets")
    if wanted not in targets:
        raise Unknown(f"{RAW}{name}: `{wanted}` was not asked")
    facts = targets[wanted]
    if "missing" in facts:
        raise Unknown(f"{RAW}{name}: `{wanted}` could not be asked: {facts['missing']}")
    return facts


def wrong_answers(wanted):
    def rule(raw):
        target(raw, FIXTURES, wanted)
        asked, right = (raw.count(FIXTURES, "targets", wanted, member) for member in ("asked", "right"))
        if asked != raw.count(FIXTURES, "written") + raw.count(FIXTURES, "drawn") or right > asked:
            raise Broken(f"{RAW}{FIXTURES}: `{wanted}` was not asked every question")
        return asked - right

    return rule


def questions(raw):
    return raw.count(FIXTURES, "written") + raw.count(FIXTURES, "drawn")


def other_states(wanted):
    """The stories of a target whose fingerprints are not those of the native core; the comparison is made here."""

    def rule(raw):
        native, played = (target(raw, STORIES, name) for name in ("native", wanted))
        if "states" not in played:
            # This target compares in a test of its own, and says how many it played.
            told, same = (raw.count(STORIES, "targets", wanted, member) for member in ("told", "same"))
            return raw.count(STORIES, "stories") - same if told else len(native["states"])
        for states in (native["states"], played["states"]):
            if not all(isinstance(state, str) and SHA256.fullmatch(state) for state in states.values()):
                raise Broken(f"{RAW}{STORIES}: a state is no SHA-256")
        if len(native["states"]) != raw.count(STORIES, "stories"):
            raise Broken(f"{RAW}{STORIES}: its stories are not those that the native core played")
        return sum(1 for story, state in native["states"].items() if played["states"].get(story) != state)

    return rule


def claims():
    found = [Claim("fixtures-questions", "questions of identity that a target is asked", "questions", questions, (FIXTURES,), "cargo xtask fixtures", ("at least", 1))]
    for name in ("native", "node", "chromium", "vite", "workerd", "python"):
        says = f"answers of the target `{name}` that are not those of the fixtures"
        found.append(Claim(f"fixtures-{name}", says, "answers", wrong_answers(name), (FIXTURES,), "cargo xtask fixtures", ("exactly", 0)))
    for name in ("wasm", "http", "workerd"):
        says = f"stories after which the target `{name}` is in another state than the native core"
        found.append(Claim(f"stories-{name}", says, "stories", other_states(name), (STORIES,), "cargo xtask stories", ("exactly", 0)))
    rows = [
        ("contract-exchanges", "exchanges with the native door and with the one on workerd", "exchanges", "exchanges", ("at least", 1)),
        ("contract-differences", "of them answered with other bytes, time and chance aside", "exchanges", "differences", ("exactly", 0)),
    ]
    for id, says, unit, member, bound in rows:
        figure = lambda raw, member=member: raw.count(CONTRACT, member)  # noqa: E731
        found.append(Claim(id, says, unit, figure, (CONTRACT,), "cargo xtask contract", bound))
    return found


CLAIMS = claims()
