//! The judge reads the ledger record by record and knows the rules; of how the product keeps them it knows nothing.

mod attempts;

use std::collections::{BTreeMap, BTreeSet};

use arcoflow_core::door::verify::Verifier;
use arcoflow_core::wire::record::Record;
use serde_json::Value;

use crate::marks::Marks;

/// A rule that was broken: its name, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) rule: &'static str,
    pub(crate) detail: String,
}

type Verdict = Result<(), Broken>;

fn rule(holds: bool, rule: &'static str, detail: impl FnOnce() -> String) -> Verdict {
    if holds {
        Ok(())
    } else {
        Err(Broken {
            rule,
            detail: detail(),
        })
    }
}

/// The grace of every asset of the pipeline, in milliseconds.
const GRACE_MS: u64 = 30_000;

/// A task of a run by its text.
type TaskName = (String, String);

#[derive(Clone, Debug, Default)]
struct Task {
    /// The newest attempt and whether it is open.
    attempt: u64,
    is_open: bool,
    claimed_by: Option<String>,
    /// The door's time before which it may not begin.
    not_before: u64,
    /// How it ended for good: succeeded, or cancelled.
    ended: Option<&'static str>,
    last_failure: Option<String>,
}

/// What the judge has seen.
pub(crate) struct Judge {
    verifier: Verifier,
    tasks: BTreeMap<TaskName, Task>,
    /// When each cancelled run was cancelled.
    cancelled: BTreeMap<String, u64>,
    finished: BTreeMap<String, String>,
    pub(crate) triggered: BTreeSet<String>,
    /// How many runs each may have at once.
    pub(crate) backfills: BTreeMap<String, u64>,
    run_keys: BTreeMap<String, String>,
    /// The door's time of the last sign of life of an attempt, with the silence that it may keep.
    pub(crate) signs: BTreeMap<(String, String, u64), (u64, u64)>,
    chunks: BTreeMap<(String, u64), String>,
    ticks: BTreeSet<String>,
    upstreams: BTreeMap<String, Vec<&'static str>>,
}

/// The assets of the pipeline and what has to be done before each: the judge's own copy of the graph.
const NEEDS: &[(&str, &[&str])] = &[
    ("raw/a:materialize", &[]),
    ("raw/b:materialize", &[]),
    ("raw/b:check", &["raw/b:materialize"]),
    ("mid/c:materialize", &["raw/a:materialize", "raw/b:check"]),
    ("mid/d:materialize", &["raw/b:check"]),
    ("mid/d:check", &["mid/d:materialize"]),
    (
        "mart/e:materialize",
        &["mid/c:materialize", "mid/d:materialize"],
    ),
];

impl Judge {
    pub(crate) fn new() -> Judge {
        let upstreams = NEEDS
            .iter()
            .map(|(task, needs)| ((*task).to_owned(), needs.to_vec()));
        Judge {
            verifier: Verifier::new(),
            tasks: BTreeMap::new(),
            cancelled: BTreeMap::new(),
            finished: BTreeMap::new(),
            triggered: BTreeSet::new(),
            backfills: BTreeMap::new(),
            run_keys: BTreeMap::new(),
            signs: BTreeMap::new(),
            chunks: BTreeMap::new(),
            ticks: BTreeSet::new(),
            upstreams: upstreams.collect(),
        }
    }

    pub(crate) fn seq(&self) -> u64 {
        self.verifier.seq()
    }

    pub(crate) fn chain(&self) -> String {
        self.verifier.chain().to_hex()
    }

    pub(crate) fn records(&self) -> u64 {
        self.verifier.seq()
    }

    /// Takes the next record.
    pub(crate) fn take(&mut self, record: &Record, marks: &mut Marks) -> Verdict {
        let taken = self.verifier.take(record);
        rule(
            taken.is_ok(),
            "I02 I03 the ledger is a chain without gaps",
            || format!("{taken:?}"),
        )?;
        let body: Value = serde_json::from_slice(&record.body).unwrap_or(Value::Null);
        let run = text(&body["run"]);
        let is_of_run = !run.is_empty();
        let at = || format!("record {} {} {body}", record.seq, record.kind);
        rule(
            !is_of_run || !self.finished.contains_key(&run),
            "I23 nothing is recorded of a run after its end",
            at,
        )?;
        rule(
            actor_may(&record.actor, &record.kind),
            "I05 facts and decisions come from whom they may",
            || format!("{} by {}", at(), record.actor),
        )?;
        match record.kind.as_str() {
            "run_triggered" => self.triggered(&run, &body, at),
            "run_requested" => self.requested(&run, &body, at),
            "backfill_requested" => {
                let at_once = body["request"]["concurrency"].as_u64().unwrap_or(1);
                self.backfills.insert(text(&body["backfill"]), at_once);
                Ok(())
            }
            "run_cancel_requested" => self.cancel(run, record.at_ms, at),
            "dispatch_requested" => self.dispatched(&run, &body, marks, at),
            "attempt_started" => self.started(&run, &body, record.at_ms, at),
            "attempt_finished" => self.ended(&run, &body, marks, at),
            "attempt_expired" => self.expired(&run, &body, record.at_ms, marks, at),
            "run_finished" => self.run_finished(&run, &body, marks, at),
            _ => Ok(()),
        }
    }

    /// What has not started is cancelled at once, without a record of its own.
    fn cancel(&mut self, run: String, at_ms: u64, at: impl Fn() -> String) -> Verdict {
        for ((of, _), task) in self.tasks.range_mut((run.clone(), String::new())..) {
            if *of != run {
                break;
            }
            if task.is_open && task.claimed_by.is_none() {
                task.is_open = false;
                task.ended = Some("cancelled");
            }
        }
        rule(
            self.cancelled.insert(run, at_ms).is_none(),
            "I25 a run is cancelled once",
            at,
        )
    }

    fn triggered(&mut self, run: &str, body: &Value, at: impl Fn() -> String) -> Verdict {
        rule(
            self.triggered.insert(run.to_owned()),
            "I01 a run begins once",
            &at,
        )?;
        match body["trigger"]["runKey"].as_str() {
            Some(key) => {
                let first = self.run_keys.insert(key.to_owned(), run.to_owned());
                rule(first.is_none(), "I07 one run key is one run", at)
            }
            None => Ok(()),
        }
    }

    fn requested(&mut self, run: &str, body: &Value, at: impl Fn() -> String) -> Verdict {
        self.triggered(run, body, &at)?;
        if let Some(tick) = body["on_account_of"].get("schedule") {
            return rule(
                self.ticks.insert(tick.to_string()),
                "I27 a tick starts one run",
                at,
            );
        }
        let account = &body["on_account_of"]["backfill"];
        let chunk = (
            text(&account["backfill"]),
            account["chunk"].as_u64().unwrap_or(0),
        );
        let open = self
            .chunks
            .get(&chunk)
            .is_some_and(|run| !self.finished.contains_key(run));
        rule(!open, "I12 a chunk has one run at a time", &at)?;
        let of_backfill = self.chunks.iter().filter(|((backfill, _), run)| {
            *backfill == chunk.0 && !self.finished.contains_key(*run)
        });
        let most = self.backfills.get(&chunk.0).copied().unwrap_or(0);
        rule(
            (of_backfill.count() as u64) < most,
            "I35 a backfill has no more runs at once than it asked for",
            at,
        )?;
        self.chunks.insert(chunk, run.to_owned());
        Ok(())
    }

    fn run_finished(
        &mut self,
        run: &str,
        body: &Value,
        marks: &mut Marks,
        at: impl Fn() -> String,
    ) -> Verdict {
        let outcome = text(&body["outcome"]);
        let of_run = || {
            self.tasks
                .range((run.to_owned(), String::new())..)
                .take_while(|((of, _), _)| of == run)
        };
        rule(
            of_run().all(|(_, task)| !task.is_open),
            "I28 a run ends when nothing of it is open",
            &at,
        )?;
        let succeeded = of_run()
            .filter(|(_, task)| task.ended == Some("succeeded"))
            .count() as u64;
        rule(
            body["succeeded"].as_u64() == Some(succeeded),
            "I28 the counts of a run are those of its tasks",
            &at,
        )?;
        match outcome.as_str() {
            "succeeded" => {
                marks.hit("run succeeded");
                let skipped =
                    body["skipped"].as_u64().unwrap_or(0) + body["cancelled"].as_u64().unwrap_or(0);
                rule(
                    skipped == 0,
                    "I28 a run that succeeded left nothing out",
                    at,
                )?;
            }
            "cancelled" => {
                marks.hit("run cancelled");
                rule(
                    self.cancelled.contains_key(run),
                    "I28 only a cancelled run is cancelled",
                    at,
                )?;
            }
            _ => marks.hit("run failed"),
        }
        if body["skipped"].as_u64() > Some(0) {
            marks.hit("task skipped");
        }
        if self.chunks.values().any(|of| of == run) {
            marks.hit("chunk ended");
        }
        self.finished.insert(run.to_owned(), outcome);
        Ok(())
    }

    /// Everything that was acknowledged is there.
    pub(crate) fn check_acknowledged(&self, acknowledged: &Value) -> Verdict {
        let missing = |list: &Value, is_known: &dyn Fn(&String) -> bool| {
            let ids = list.as_array().into_iter().flatten().map(text);
            ids.filter(|id| !is_known(id)).collect::<Vec<_>>()
        };
        let runs = missing(&acknowledged["runs"], &|run| self.triggered.contains(run));
        let backfills = missing(&acknowledged["backfills"], &|backfill| {
            self.backfills.contains_key(backfill)
        });
        rule(
            runs.is_empty() && backfills.is_empty(),
            "I01 what was acknowledged is in the ledger",
            || format!("{runs:?} {backfills:?}"),
        )
    }

    /// After everything works again, every run comes to its end.
    pub(crate) fn check_all_ended(&self) -> Verdict {
        let open: Vec<&String> = self
            .triggered
            .iter()
            .filter(|run| !self.finished.contains_key(*run))
            .collect();
        rule(open.is_empty(), "I29 every run ends", || {
            format!("{open:?}")
        })
    }

    pub(crate) fn open_runs(&self) -> usize {
        self.triggered.len() - self.finished.len()
    }
}

fn actor_may(actor: &str, kind: &str) -> bool {
    let decisions = [
        "run_planned",
        "run_rejected",
        "dispatch_requested",
        "run_finished",
        "run_requested",
        "schedule_ticked",
    ];
    let by_workers = ["attempt_started", "attempt_finished"];
    if decisions.contains(&kind) {
        actor.starts_with("scheduler:")
    } else if by_workers.contains(&kind) {
        actor.starts_with("worker")
    } else if kind == "attempt_expired" {
        actor == "door"
    } else {
        actor.starts_with("key:")
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("").to_owned()
}
