"""A small bundle is made, verified, doubted and tampered with, so that the evidence does not rest on untested programs."""

import contextlib
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import quotes
import self_test
import verify
from bundle import CLAIMS, MANIFEST, Broken, digest, pack, read_json, sealed, unpack, written
from claim import FAILS, HOLDS, MEASURED, UNKNOWN

HERE = pathlib.Path(__file__).parent
FACTS = {
    "tree": {"tree": "a" * 40, "source": "sha256:1", "changed": 0},
    "artefacts": {"binary": {"sha256": "b" * 64, "bytes": 3}, "Python wheel": {"sha256": None, "reason": "it was not built"}},
    "environment": {"cores": {"value": 2}, "node": {"value": None, "reason": "it is not installed"}},
}


RUN = {"run": "R1", "task": "a/é:materialize", "attempt": 1}
LIFE = [
    ("run_triggered", {"run": "R1"}), ("dispatch_requested", RUN), ("attempt_started", RUN), ("attempt_finished", RUN | {"outcome": "succeeded"}),
    ("run_finished", {"run": "R1", "outcome": "succeeded", "succeeded": 1}),
]
ACKNOWLEDGED = [{"what": "trigger", "run": "R1", "seq": 1}, {"what": "started", **RUN, "seq": 3}, {"what": "completed", **RUN, "seq": 4}]


def ledger(events):
    chain, lines = bytes(32), []
    for number, (kind, body) in enumerate(events, 1):
        record = {"seq": number, "at_ms": number, "event_id": str(number), "kind": kind, "actor": "key:owner", "body": body}
        canonical = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        chain = hashlib.sha256(chain + canonical.encode()).digest()
        lines.append(record | {"chain": chain.hex()})
    return as_lines(lines)


def as_lines(values):
    return "".join(json.dumps(value) + "\n" for value in values)


def samples(bench, measure, subject, values):
    lines = [{"bench": bench, "measure": measure, "subject": subject, "unit": "", "value": value} for value in values]
    return as_lines(lines)


def raw_files():
    parity = {"seed": 7, "written": 3, "drawn": 2, "targets": {"native": {"asked": 5, "right": 5}, "node": {"asked": 5, "right": 4}, "python": {"missing": "no wheel"}}}
    return {
        "samples/host.jsonl": samples("host", "fan-out of 1000", "arcoflow", [1500.0]) + samples("host", "completed, 1 callers", "arcoflow", [3, 1, 2]),
        "parity/fixtures.json": json.dumps(parity),
        "drills/kill.ledger.jsonl": ledger(LIFE),
        "drills/kill.acknowledged.jsonl": as_lines(ACKNOWLEDGED),
        "drills/kill.json": json.dumps({
            "timeline": [{"fault": "kill -9", "how": how, "fault_at_ms": 5, "detected_at_ms": 6, "repaired_at_ms": after} for how, after in [("E1", 25), ("C4 at start", 45), ("random", None)]],
            "counts": {"acknowledged_missing": 0, "false_timeouts": None}, "unknown": {"false_timeouts": "its worker dies"},
        }),
        "simulate.json": json.dumps({
            "lives": [
                {"seed": 1, "broken": None, "simulatedMs": 86_400_000, "steps": 9, "records": 5, "faults": ["loss"], "digest": "d1"},
                {"seed": 2, "broken": {"rule": "I15"}, "simulatedMs": 43_200_000, "steps": 3, "records": 1, "faults": ["loss", "skew"], "digest": "d2"},
            ],
            "again": {"2": "d3"}, "happened": {"a lie": 3, "an alarm lost": 0}, "neverHappened": ["an alarm lost"], "processorMs": 3_000,
        }),
        "mutants.json": json.dumps({"mutants": [{"name": "no fence", "rule": "I32", "seeds": 4}, {"name": "late", "rule": None, "seeds": 200}]}),
        "origin.json": json.dumps({"samples/host.jsonl": {"source": "sha256:1", "changed": 0, "load": 1.7}, "parity/fixtures.json": {"source": "sha256:2", "changed": 0, "load": 0}, "drills/kill.json": {"source": "sha256:1", "changed": 0, "load": 9}}),
    }


class Evidence(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.bundle = self.place / "out/bundle.tar"

    def make(self, raw, facts=FACTS):
        for name, text in raw.items():
            path = self.place / "raw" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        program = [sys.executable, HERE / "make.py", self.place / "raw", self.bundle]
        return subprocess.run(program, input=json.dumps(facts), capture_output=True, text=True)

    def made(self):
        made = self.make(raw_files())
        self.assertEqual(made.returncode, 0, made.stderr)
        return self.bundle.read_bytes()

    def ask(self, *words):
        return subprocess.run([sys.executable, HERE / "verify.py", *words, self.bundle], capture_output=True, text=True)

    def test_verdicts_follow_from_raw_files(self):
        claims = {claim["id"]: claim for claim in read_json(unpack(self.made())[CLAIMS], CLAIMS)}
        for id, figure, verdict in [
            ("fixtures-native", 0, HOLDS), ("fixtures-node", 1, FAILS), ("fixtures-python", None, UNKNOWN), ("fixtures-vite", None, UNKNOWN),
            ("host-fan-out-1000", 1500.0, FAILS), ("host-completed-1", 2, MEASURED), ("host-level", None, UNKNOWN), ("ledgers-records", 5, HOLDS),
            ("kill-missing", 0, HOLDS), ("kill-left-behind", 0, HOLDS), ("kill-twice", 0, HOLDS), ("kill-repair", 30, MEASURED), ("kill-points", 2, FAILS),
            ("kill-false-timeouts", None, UNKNOWN), ("edge-missing", None, UNKNOWN), ("simulate-broken", 1, FAILS), ("simulate-hours", 36.0, MEASURED),
            ("simulate-kinds", 2, MEASURED), ("simulate-unreached", 1, FAILS), ("simulate-unlike", 1, FAILS), ("simulate-speed", 12.0, HOLDS),
            ("mutants-planted", 2, FAILS), ("mutants-survived", 1, FAILS),
        ]:
            with self.subTest(id):
                self.assertEqual((claims[id]["figure"], claims[id]["verdict"]), (figure, verdict))
                self.assertEqual(claims[id]["reason"] is None, figure is not None)

    def test_a_ledger_is_believed_before_a_drill(self):
        def figures(events, acknowledged=None):
            raw = raw_files() | {"drills/kill.ledger.jsonl": ledger(events)}
            if acknowledged:
                raw["drills/kill.acknowledged.jsonl"] = as_lines(acknowledged)
            self.assertEqual(self.make(raw).returncode, 0)
            claims = read_json(unpack(self.bundle.read_bytes())[CLAIMS], CLAIMS)
            return [claim["figure"] for claim in claims if claim["id"] in ("kill-missing", "kill-left-behind", "kill-twice")]

        self.assertEqual(figures(LIFE), [0, 0, 0])
        self.assertEqual(figures(LIFE, [*ACKNOWLEDGED, {"what": "started", **RUN, "seq": 4}, {"what": "trigger", "run": "R2", "seq": 1}]), [2, 0, 0])
        self.assertEqual(figures(LIFE[:3], ACKNOWLEDGED), [1, 2, 0])
        again = RUN | {"attempt": 2}
        self.assertEqual(figures([*LIFE[:4], ("dispatch_requested", again), ("attempt_finished", again | {"outcome": "succeeded"}), LIFE[4]]), [0, 0, 1])

    def test_what_is_not_shown_is_said(self):
        self.made()
        files = unpack(self.bundle.read_bytes())
        said = {entry["what"]: entry["reason"] for entry in read_json(files["negative.json"], "negative")}
        self.assertIn("another tree", said["raw/parity/fixtures.json"])
        self.assertIn("load of 1.7 on 2 cores", said["raw/samples/host.jsonl"])
        self.assertIn("not written down", said["raw/simulate.json"])
        self.assertNotIn("raw/drills/kill.ledger.jsonl", said)
        for what in ("fixtures-node", "fixtures-python", "Python wheel", "node", "power-loss"):
            self.assertIn(what, said)

    def test_the_same_raw_files_make_the_same_bytes(self):
        self.assertEqual(self.made(), self.made())

    def test_a_bundle_is_verified_by_its_command(self):
        self.made()
        self.assertEqual(self.ask().returncode, 0)
        self.assertEqual(self.ask("--require-all").returncode, 1)
        with open(f"{self.bundle}.sha256", "w", encoding="ascii") as file:
            file.write("0" * 64 + "  bundle.tar\n")
        self.assertEqual(self.ask().returncode, 1)

    def test_every_change_is_seen(self):
        self.made()
        asked = self.ask("--self-test")
        self.assertEqual(asked.returncode, 0, asked.stderr)
        self.assertRegex(asked.stdout, r"self-test: (\d{3,}) of \1 changes were seen")

    def test_a_verifier_that_sees_nothing_fails_the_self_test(self):
        archive = self.made()

        def only_the_hash(archive, stated):
            if digest(archive) != stated:
                raise Broken("another hash")

        for blind in (lambda archive, stated: None, only_the_hash):
            with contextlib.redirect_stdout(io.StringIO()), self.assertRaises(SystemExit):
                self_test.tamper_with_everything(archive, blind)

    def test_malformed_raw_files_are_refused(self):
        for name, text in [
            ("samples/host.jsonl", '{"bench":"host"}\n'),
            ("samples/host.jsonl", samples("host", "completed, 1 callers", "arcoflow", [None])),
            ("samples/host.jsonl", samples("edge", "completed, 1 callers", "arcoflow", [1])),
            ("samples/host.jsonl", samples("host", "completed, 1 callers", "arcoflow", [1])[:-1]),
            ("parity/fixtures.json", '{"written":1,"written":2}'),
            ("parity/fixtures.json", json.dumps({"written": 3, "drawn": 2, "targets": {"native": {"asked": 4, "right": 4}}})),
            ("parity/fixtures.json", json.dumps({"written": 3, "drawn": -3, "targets": {"native": {"asked": 0, "right": 0}}})),
            ("drills/kill.ledger.jsonl", ledger(LIFE).replace("key:owner", "key:other", 1)),
            ("drills/kill.ledger.jsonl", "".join(ledger(LIFE).splitlines(keepends=True)[1:])),
            ("drills/kill.ledger.jsonl", "[]\n"),
            ("drills/kill.json", json.dumps({"timeline": [{"how": "E1", "fault_at_ms": 9, "detected_at_ms": None, "repaired_at_ms": 8}]})),
            ("simulate.json", json.dumps({"lives": []})),
        ]:
            with self.subTest(name=name, text=text[:60]):
                made = self.make(raw_files() | {name: text})
                self.assertNotEqual(made.returncode, 0)
                self.assertFalse(self.bundle.exists())

    def test_a_manifest_knows_or_says_why_not(self):
        files = {name: data for name, data in unpack(self.made()).items() if name != MANIFEST}
        for parts in [
            FACTS | {"tree": {"tree": None}}, FACTS | {"artefacts": {"binary": {"sha256": 0}}}, FACTS | {"environment": {"cores": {"value": 0, "reason": "unknown"}}},
            FACTS | {"environment": {"cores": {"value": 2, "reason": "for sure"}}},
        ]:
            with self.subTest(parts=parts):
                archive = pack(sealed(files, *(parts[part] for part in verify.PARTS)))
                self.assertRaises(Broken, verify.verify, archive, digest(archive))

    def test_documents_take_figures_and_states_over(self):
        claims = [
            {"id": "a", "figure": 1234.5, "unit": "ms", "verdict": HOLDS}, {"id": "b", "figure": None, "unit": "ms", "verdict": UNKNOWN},
            {"id": "c", "figure": 0, "unit": "tasks", "verdict": MEASURED},
        ]
        text = "takes [9 ms](evidence/verdict.md#a), [8 ms](x/verdict.md#b), [`a`](evidence/verdict.md#a)"
        self.assertEqual(quotes.with_figures(text, claims), text.replace("9 ms", "1,234.5 ms"))
        for ids, state in [("ac", "shown"), ("ab", "partly"), ("b", "not shown")]:
            links = ", ".join(f"[`{id}`](evidence/verdict.md#{id})" for id in ids)
            self.assertEqual(quotes.with_state(f"| it holds | {links} | ? |", {claim["id"]: claim["verdict"] for claim in claims}), f"| it holds | {links} | {state} |")
        self.assertEqual(quotes.with_state("| a gap | | not shown |", {}), "| a gap | | not shown |")


if __name__ == "__main__":
    unittest.main()
