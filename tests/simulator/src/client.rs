//! The callers of a life: they trigger, repeat themselves, change their minds, and ask for years of days.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::marks::Marks;
use crate::pipeline;
use crate::post::{Draft, Out, Seen};

const PAUSE_MS: u64 = 3_000;

#[derive(Clone, Debug)]
enum Asked {
    Deploy(u64),
    Trigger { key: Option<String> },
    Backfill,
    Other,
}

/// A caller does not die; it asks until it is answered.
pub(crate) struct Client {
    dice: Dice,
    asked: BTreeMap<u64, (Asked, Draft)>,
    again: BTreeMap<u64, (Asked, Draft)>,
    next: u64,
    keys: u64,
    /// Runs that were acknowledged, by run key where there was one.
    pub(crate) runs: Vec<String>,
    by_key: BTreeMap<String, String>,
    pub(crate) backfills: Vec<String>,
    is_over: bool,
}

/// The alarm for something new; other alarms are numbers of requests to repeat.
const NEW: u64 = 0;

impl Client {
    pub(crate) fn new(seed: u64) -> Client {
        Client {
            dice: Dice::of(seed, "client"),
            asked: BTreeMap::new(),
            again: BTreeMap::new(),
            next: 0,
            keys: 0,
            runs: Vec::new(),
            by_key: BTreeMap::new(),
            backfills: Vec::new(),
            is_over: false,
        }
    }

    /// Nothing new is asked for from here on.
    pub(crate) fn end(&mut self) {
        self.is_over = true;
    }

    /// Whether everything that was asked was answered.
    pub(crate) fn is_done(&self) -> bool {
        self.asked.is_empty() && self.again.is_empty()
    }

    pub(crate) fn begin(&mut self, out: &mut Out) {
        self.send(
            Asked::Deploy(1),
            Draft::post(0, "/v1/manifests", pipeline::manifest(1)),
            out,
        );
        out.alarms.push((1_000, NEW));
    }

    fn send(&mut self, asked: Asked, draft: Draft, out: &mut Out) {
        self.next += 1;
        let draft = Draft {
            tag: self.next,
            ..draft
        };
        out.calls.push(draft.clone());
        self.asked.insert(self.next, (asked, draft));
    }

    pub(crate) fn ring(&mut self, what: u64, marks: &mut Marks, out: &mut Out) {
        if let Some((asked, draft)) = self.again.remove(&what) {
            self.send(asked, draft, out);
            return;
        }
        if what != NEW || self.is_over {
            return;
        }
        out.alarms.push((self.dice.between(60_000, 1_500_000), NEW));
        self.something(marks, out);
    }

    fn something(&mut self, marks: &mut Marks, out: &mut Out) {
        match self.dice.below(20) {
            0 => {
                let version = self.dice.between(1, 3);
                self.send(
                    Asked::Deploy(version),
                    Draft::post(0, "/v1/manifests", pipeline::manifest(version)),
                    out,
                );
            }
            1 | 2 => self.cancel(out),
            3 => {
                if let Some(run) = self.dice.pick(&self.runs).cloned() {
                    marks.hit("rerun");
                    self.send(
                        Asked::Trigger { key: None },
                        Draft::post(0, format!("/v1/runs/{run}/rerun"), json!({})),
                        out,
                    );
                }
            }
            4 => {
                let body = json!({
                    "trigger": { "selection": "+day/clean", "allPartitions": true }, "chunkSize": self.dice.between(1, 3), "concurrency": self.dice.between(1, 3),
                });
                self.send(Asked::Backfill, Draft::post(0, "/v1/backfills", body), out);
            }
            5 | 6 => self.change_backfill(marks, out),
            _ => self.trigger(marks, out),
        }
    }

    fn trigger(&mut self, marks: &mut Marks, out: &mut Out) {
        let mut body = match self.dice.below(5) {
            0 => json!({ "selection": "raw/b+" }),
            1 => {
                json!({ "selection": "+day/clean", "partitionKey": format!("day=d:2026-03-2{}", self.dice.below(8)) })
            }
            2 => json!({ "selection": "raw/*", "priority": 5 }),
            _ => json!({ "selection": "+mart/e" }),
        };
        self.keys += 1;
        let mut key = None;
        let mut idempotency_key = None;
        match self.dice.below(4) {
            0 => {
                let run_key = format!("key {}", self.keys);
                body["runKey"] = json!(run_key);
                key = Some(run_key);
            }
            1 => idempotency_key = Some(format!("once-{}", self.keys)),
            _ => {}
        }
        let draft = Draft {
            idempotency_key,
            ..Draft::post(0, "/v1/runs", body)
        };
        // A caller that is not sure asks twice at once.
        if key.is_some() && self.dice.below(2) == 0 {
            marks.hit("run key repeated");
            self.send(Asked::Trigger { key: key.clone() }, draft.clone(), out);
        } else if draft.idempotency_key.is_some() && self.dice.below(2) == 0 {
            marks.hit("key reused");
            key = draft.idempotency_key.clone();
            self.send(Asked::Trigger { key: key.clone() }, draft.clone(), out);
        }
        self.send(Asked::Trigger { key }, draft, out);
        if self.dice.below(6) == 0 {
            self.cancel(out);
        }
    }

    fn cancel(&mut self, out: &mut Out) {
        if let Some(run) = self.runs.last().cloned() {
            self.send(
                Asked::Other,
                Draft::post(0, format!("/v1/runs/{run}/cancel"), json!({})),
                out,
            );
        }
    }

    fn change_backfill(&mut self, marks: &mut Marks, out: &mut Out) {
        let Some(backfill) = self.dice.pick(&self.backfills).cloned() else {
            return;
        };
        let (what, body) = match self.dice.below(5) {
            0 | 1 => ("pause", json!({})),
            2 => ("resume", json!({ "retryFailed": true })),
            3 => ("resume", json!({})),
            _ => ("cancel", json!({})),
        };
        if what == "pause" {
            marks.hit("backfill paused");
        }
        self.send(
            Asked::Other,
            Draft::post(0, format!("/v1/backfills/{backfill}/{what}"), body),
            out,
        );
    }

    /// A paused backfill waits for ever; at the end everything goes on.
    pub(crate) fn resume_all(&mut self, out: &mut Out) {
        for backfill in self.backfills.clone() {
            self.send(
                Asked::Other,
                Draft::post(0, format!("/v1/backfills/{backfill}/resume"), json!({})),
                out,
            );
        }
    }

    /// Takes an answer, or the absence of one.
    pub(crate) fn hear(&mut self, tag: u64, seen: Option<Seen>, out: &mut Out) {
        let Some((asked, draft)) = self.asked.remove(&tag) else {
            return;
        };
        let Some(seen) = seen.filter(|seen| seen.status < 500 && seen.status != 429) else {
            // A trigger without any key is a new one each time it is asked: whoever repeats it wants that.
            self.next += 1;
            out.alarms.push((PAUSE_MS, self.next));
            self.again.insert(self.next, (asked, draft));
            return;
        };
        match asked {
            Asked::Deploy(version) => {
                assert!(
                    matches!(seen.status, 200 | 201),
                    "version {version}: {}",
                    seen.json
                );
            }
            Asked::Trigger { key } if seen.status == 202 || seen.status == 200 => {
                let run = seen.text("runId");
                assert!(!run.is_empty(), "a run has an id: {}", seen.json);
                if let Some(key) = key {
                    let first = self.by_key.entry(key).or_insert_with(|| run.clone());
                    assert_eq!(*first, run, "one run key is one run");
                }
                if !self.runs.contains(&run) {
                    self.runs.push(run);
                }
            }
            Asked::Backfill if seen.status < 300 => {
                self.backfills.push(seen.text("backfillId"));
            }
            _ => {}
        }
    }

    /// What was acknowledged, for the judge.
    pub(crate) fn acknowledged(&self) -> Value {
        json!({ "runs": self.runs, "backfills": self.backfills })
    }
}
