"""Judges an exported ledger by its records alone; shares no code with the product."""

import hashlib
import json


class Judge:
    """Reads records in order and collects what is wrong with them."""

    def __init__(self):
        self.faults = []
        self.records = []
        self.open = {}
        self.attempts = {}
        self.succeeded = {}
        self.cancelled = {}
        self.finished = {}
        self.triggered = {}
        self.expired = []
        self.ticks = {}
        self.lines = []
        self.double_effects = 0
        self.left_behind = 0
        self._chain = bytes(32)
        self._at_ms = 0
        self._events = set()

    def fault(self, record, sentence):
        self.faults.append(f"record {record['seq']} ({record['kind']}): {sentence}")

    def take(self, line):
        """Takes one record as a JSON object."""
        self.lines.append(line)
        record = dict(line)
        stated = bytes.fromhex(record.pop("chain"))
        canonical = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        self._chain = hashlib.sha256(self._chain + canonical.encode("utf-8")).digest()
        self.records.append(record)
        if self._chain != stated:
            self.fault(record, "the chain does not hold")
        if record["seq"] != len(self.records):
            self.fault(record, f"is number {len(self.records)}")
        if record["at_ms"] < self._at_ms:
            self.fault(record, "goes back in time")
        self._at_ms = record["at_ms"]
        if record["event_id"] in self._events:
            self.fault(record, "its event stands twice")
        self._events.add(record["event_id"])
        self._take_event(record, record["body"])

    def _take_event(self, record, body):
        kind, run = record["kind"], body.get("run")
        task = (run, body.get("task"))
        if run in self.finished:
            self.fault(record, "comes after the end of its run")
        if kind in ("run_triggered", "run_requested"):
            self.triggered[run] = record["seq"]
            self._ticked(record, body.get("on_account_of", {}))
        elif kind == "run_cancel_requested":
            self.cancelled[run] = record["seq"]
        elif kind == "run_finished":
            self.finished[run] = body
        elif kind == "dispatch_requested":
            self._dispatched(record, body, run, task)
        elif kind == "attempt_started":
            if self.open.get(task) != body["attempt"]:
                self.fault(record, "starts an attempt that is not open")
        elif kind in ("attempt_finished", "attempt_expired"):
            if kind == "attempt_expired":
                self.expired.append(record)
            if self.open.pop(task, None) != body["attempt"]:
                self.fault(record, "ends an attempt that is not open")
            if body.get("outcome") == "succeeded":
                self.succeeded[task] = self.succeeded.get(task, 0) + 1
                if self.succeeded[task] > 1:
                    self.double_effects += 1
                    self.fault(record, "succeeds a second time")

    def _ticked(self, record, account):
        """A tick of a schedule starts one run, and none before its time."""
        schedule = account.get("schedule", {})
        tick_s = schedule.get("tick_s")
        if tick_s is None:
            return
        tick = (schedule.get("schedule"), tick_s)
        if tick in self.ticks:
            self.double_effects += 1
            self.fault(record, f"starts a run for a tick that record {self.ticks[tick]} started one for")
        self.ticks[tick] = record["seq"]
        if tick_s * 1000 > record["at_ms"]:
            self.fault(record, "comes before its tick")

    def _dispatched(self, record, body, run, task):
        if run not in self.triggered:
            self.fault(record, "dispatches for a run that nobody triggered")
        if run in self.cancelled:
            self.fault(record, "dispatches after the cancel")
        if task in self.open:
            self.fault(record, "opens a second attempt beside an open one")
        if task in self.succeeded:
            self.fault(record, "tries again what has succeeded")
        if body["attempt"] != self.attempts.get(task, 0) + 1:
            self.fault(record, "leaves a gap between attempts")
        self.attempts[task] = body["attempt"]
        self.open[task] = body["attempt"]

    def end(self):
        """What must hold once everything has come to rest."""
        for run in self.triggered:
            if run not in self.finished:
                self.left_behind += 1
                self.faults.append(f"run {run} has no end")
        for run, end in self.finished.items():
            succeeded = sum(1 for (of, _), times in self.succeeded.items() if of == run and times)
            if succeeded != end["succeeded"]:
                self.faults.append(f"run {run} counts {end['succeeded']} successes, its records {succeeded}")
        for task, attempt in self.open.items():
            if task[0] not in self.cancelled:
                self.left_behind += 1
                self.faults.append(f"attempt {attempt} of {task[1]} in run {task[0]} was left behind")
        return self.faults
