"""Judges the ledgers of a workspace that is split, by their records alone: each for itself, and what one repeats of another."""

import collections
import re

from ledger_check import Judge

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REPEATED = re.compile(r"shard:(\d+)#(\d+)(?:@(\d+))?")


def home(run):
    """The byte of a run's id that says where it lives."""
    number = 0
    for digit in run:
        number = number * 32 + DIGITS.index(digit)
    return number.to_bytes(16, "big")[6]


class LedgerJudge(Judge):
    """One ledger: its own records, and the lives of the runs that it keeps."""

    def __init__(self, shard, count):
        super().__init__()
        self.shard, self.count = shard, count
        # What it repeats, by the other ledger and the number of the record there.
        self.repeats = {}

    def keeps(self, run):
        return home(run) & (self.count - 1) == self.shard

    def own(self):
        return [record for record in self.records if not REPEATED.fullmatch(record["actor"])]

    def _take_event(self, record, body):
        origin = REPEATED.fullmatch(record["actor"])
        if origin:
            place = int(origin[1]), int(origin[2])
            if place in self.repeats:
                self.fault(record, f"repeats record {place[1]} of ledger {place[0]} a second time")
            self.repeats[place] = record
        run = body.get("run")
        if run is None or self.keeps(run):
            super()._take_event(record, body)


class SplitJudge:
    """All ledgers of a workspace."""

    def __init__(self, count):
        self.ledgers = [LedgerJudge(shard, count) for shard in range(count)]
        # As for one ledger, over all of them.
        self.triggered, self.finished, self.lines = {}, {}, None
        self.double_effects = self.left_behind = 0

    def end(self):
        """What must hold once everything has come to rest."""
        faults = []
        for judge in self.ledgers:
            faults += [f"ledger {judge.shard}: {fault}" for fault in [*judge.end(), *self._repeats(judge), *self._not_repeated(judge)]]
            self.triggered.update(judge.triggered)
            self.finished.update(judge.finished)
            self.double_effects += judge.double_effects
            self.left_behind += judge.left_behind
        return [*faults, *self._in_one_place(), *self._known_to_the_first()]

    def _repeats(self, judge):
        """A repeated record is the same as where it comes from, and the order there is the order here."""
        newest = {}
        for (source, seq), record in judge.repeats.items():
            said = f"record {record['seq']} ({record['kind']}) repeats record {seq} of ledger {source}"
            if source == judge.shard or source >= len(self.ledgers) or seq > len(self.ledgers[source].records):
                yield f"{said}, which is nowhere"
                continue
            if said_there(self.ledgers[source].records[seq - 1]) != said_there(record):
                yield f"{said}, which says something else"
            # Whoever deploys tells every ledger, beside those who repeat.
            if record["kind"] == "manifest_deployed":
                continue
            if seq <= newest.get(source, 0):
                yield f"{said}, and comes after record {newest[source]}"
            newest[source] = seq
            known = int(REPEATED.fullmatch(record["actor"])[3] or 0)
            if source == 0 and known != self._known(judge.shard, seq):
                yield f"{said}, and says that record {known} was known there"

    def _known(self, shard, seq):
        """What the first ledger had repeated of another one before it had a record of its own."""
        known = [place for (source, place), record in self.ledgers[0].repeats.items() if source == shard and record["seq"] < seq]
        return max(known, default=0)

    def _repeats_of(self, judge, source, wanted):
        for record in self.ledgers[source].records:
            if wanted(record, record["body"]) and (source, record["seq"]) not in judge.repeats:
                yield f"does not know record {record['seq']} ({record['kind']}) of ledger {source}"

    def _not_repeated(self, judge):
        """What a ledger has to know and does not, when all is quiet."""
        def is_made(record, body):
            return record["kind"] == "attempt_finished" and body["outcome"] == "succeeded" and body["task"].endswith(":materialize")

        if judge.shard > 0:
            yield from self._repeats_of(judge, 0, lambda record, body: is_made(record, body) and not judge.keeps(body["run"]))
            yield from self._repeats_of(judge, 0, lambda record, body: record["kind"] == "run_requested" and judge.keeps(body["run"]))
            return
        for source in range(1, len(self.ledgers)):
            there = self.ledgers[source]
            yield from self._repeats_of(judge, source, lambda record, body: is_made(record, body) and there.keeps(body["run"]))

    def _in_one_place(self):
        """An event is the own record of one ledger, and what is about a run is in its home; but the first may begin it and end it."""
        places = collections.defaultdict(list)
        for judge in self.ledgers:
            for record in judge.own():
                places[record["event_id"]].append(judge.shard)
                run = record["body"].get("run")
                asked = record["kind"] in ("run_requested", "run_cancel_requested") and judge.shard == 0
                if run is not None and not judge.keeps(run) and not asked:
                    yield f"ledger {judge.shard}: record {record['seq']} ({record['kind']}) is about run {run}, whose home is elsewhere"
        for event, shards in places.items():
            if len(shards) > 1:
                yield f"event {event} is the own record of ledgers {shards}"

    def _known_to_the_first(self):
        first = self.ledgers[0]
        known = {record["body"]["run"]: record["body"]["outcome"] for record in first.records if record["kind"] == "run_finished"}
        for run, end in self.finished.items():
            if known.get(run) != end["outcome"]:
                yield f"run {run} ended {end['outcome']}, and the first ledger says {known.get(run)}"


def said_there(record):
    body = {name: value for name, value in record["body"].items() if name != "replaces"}
    return record["kind"], record["event_id"], body
