//! The judge reads the ledger record by record and knows the rules; of how the product keeps them it knows nothing.

mod answers;
mod attempts;
mod automations;
mod keeping;

use std::collections::{BTreeMap, BTreeSet};

use arcoflow_core::door::verify::Verifier;
use arcoflow_core::identity::ids::RunId;
use arcoflow_core::wire::record::Record;
use serde_json::Value;

use self::answers::Answers;
use self::automations::Automations;
use self::keeping::Keeping;
use crate::marks::Marks;
use crate::settings::Settings;

/// A rule that was broken: its name, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The rule, with the name of its invariant where it has one.
    pub rule: &'static str,
    /// What was seen.
    pub detail: String,
}

/// Whether a rule holds.
pub(crate) type Verdict = Result<(), Broken>;

/// Says that a rule is broken unless it holds.
pub(crate) fn rule(holds: bool, rule: &'static str, detail: impl FnOnce() -> String) -> Verdict {
    if holds {
        Ok(())
    } else {
        Err(Broken {
            rule,
            detail: detail(),
        })
    }
}

/// A task of a run by its text.
type TaskName = (String, String);

#[derive(Clone, Debug, Default)]
struct Task {
    /// The newest attempt and whether it is open.
    attempt: u64,
    is_open: bool,
    claimed_by: Option<String>,
    started_ms: u64,
    /// The door's time before which it may not begin.
    not_before: u64,
    /// How it ended for good: succeeded, or cancelled.
    ended: Option<&'static str>,
    /// The error of the newest attempt.
    last_failure: Option<Value>,
}

/// What the judge has seen.
pub(crate) struct Judge {
    verifier: Verifier,
    at_ms: u64,
    tasks: BTreeMap<TaskName, Task>,
    open: BTreeSet<TaskName>,
    /// What each run has made.
    made: BTreeSet<TaskName>,
    /// When each cancelled run was cancelled.
    cancelled: BTreeMap<String, u64>,
    finished: BTreeMap<String, String>,
    pub(crate) triggered: BTreeSet<String>,
    /// When a run is too old, for those that may get so.
    old_at: BTreeMap<String, u64>,
    run_keys: BTreeMap<String, String>,
    answers: Answers,
    automations: Automations,
    keeping: Keeping,
}

impl Judge {
    pub(crate) fn new(settings: &Settings) -> Judge {
        Judge {
            verifier: Verifier::new(),
            at_ms: 0,
            tasks: BTreeMap::new(),
            open: BTreeSet::new(),
            made: BTreeSet::new(),
            cancelled: BTreeMap::new(),
            finished: BTreeMap::new(),
            triggered: BTreeSet::new(),
            old_at: BTreeMap::new(),
            run_keys: BTreeMap::new(),
            answers: Answers::default(),
            automations: Automations::new(settings),
            keeping: Keeping::new(settings),
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

    /// Takes the next record, whose body is read already.
    pub(crate) fn take(&mut self, record: &Record, body: &Value, marks: &mut Marks) -> Verdict {
        let taken = self.verifier.take(record);
        rule(
            taken.is_ok(),
            "I02 I03 the ledger is a chain without gaps",
            || format!("{taken:?}"),
        )?;
        self.at_ms = record.at_ms;
        let run = text(&body["run"]);
        let is_of_run = !run.is_empty() && !record.kind.starts_with("schedule_");
        let at = || format!("record {} {} {body}", record.seq, record.kind);
        rule(
            !is_of_run || !self.finished.contains_key(&run),
            "I23 nothing is recorded of a run after its end",
            at,
        )?;
        rule(
            actor_may(&record.actor, &record.kind, body),
            "I05 facts and decisions come from whom they may",
            || format!("{} by {}", at(), record.actor),
        )?;
        let open = &self.open;
        let is_being_made = |task: &str| open.iter().any(|(_, open)| open == task);
        self.keeping.take(record, body, is_being_made, marks, at)?;
        match record.kind.as_str() {
            "run_triggered" => self.triggered(&run, body, record.at_ms, at),
            "run_requested" => self.requested(&run, body, record.at_ms, at),
            "run_cancel_requested" => self.cancel(run, record, marks, at),
            "dispatch_requested" => self.dispatched(&run, body, marks, at),
            "attempt_started" => self.started(&run, body, record.at_ms, at),
            "attempt_finished" => self.ended(&run, body, marks, at),
            "attempt_expired" => self.expired(&run, body, record.at_ms, marks, at),
            "run_finished" => self.run_finished(&run, body, marks, at),
            _ => self.automations.take(record, body, marks, at),
        }
    }

    /// What has not started is cancelled at once, without a record of its own.
    fn cancel(
        &mut self,
        run: String,
        record: &Record,
        marks: &mut Marks,
        at: impl Fn() -> String,
    ) -> Verdict {
        if record.actor == "door" {
            marks.hit("run too old");
            let old_at = self.old_at.get(&run).copied();
            rule(
                old_at.is_some_and(|old_at| old_at <= record.at_ms),
                "I26 a run is too old when it is, and not before",
                &at,
            )?;
        }
        for ((of, name), task) in self.tasks.range_mut((run.clone(), String::new())..) {
            if *of != run {
                break;
            }
            if task.is_open && task.claimed_by.is_none() {
                task.is_open = false;
                task.ended = Some("cancelled");
                self.open.remove(&(run.clone(), name.clone()));
            }
        }
        rule(
            self.cancelled.insert(run, record.at_ms).is_none(),
            "I25 a run is cancelled once",
            at,
        )
    }

    fn triggered(
        &mut self,
        run: &str,
        body: &Value,
        at_ms: u64,
        at: impl Fn() -> String,
    ) -> Verdict {
        rule(
            self.triggered.insert(run.to_owned()),
            "I01 a run begins once",
            &at,
        )?;
        if let Some(timeout_ms) = body["trigger"]["runTimeoutMs"].as_u64() {
            self.old_at.insert(run.to_owned(), at_ms + timeout_ms);
        }
        match body["trigger"]["runKey"].as_str() {
            Some(key) => {
                let first = self.run_keys.insert(key.to_owned(), run.to_owned());
                rule(first.is_none(), "I07 one run key is one run", at)
            }
            None => Ok(()),
        }
    }

    fn requested(
        &mut self,
        run: &str,
        body: &Value,
        at_ms: u64,
        at: impl Fn() -> String,
    ) -> Verdict {
        self.triggered(run, body, at_ms, &at)?;
        let finished = &self.finished;
        self.automations
            .requested(run, body, &|run| finished.contains_key(run), at)
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
        if self.automations.is_chunk(run) {
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
            self.automations.has_backfill(backfill)
        });
        let messages = missing(&acknowledged["messages"], &|message| {
            self.automations.has_message(message)
        });
        rule(
            runs.is_empty() && backfills.is_empty() && messages.is_empty(),
            "I01 what was acknowledged is in the ledger",
            || format!("{runs:?} {backfills:?} {messages:?}"),
        )?;
        let owed = self.automations.owed(&self.triggered);
        rule(
            owed.is_empty(),
            "I01 what a report says that it started has begun",
            || format!("{owed:?}"),
        )
    }

    /// No tick that is long past was forgotten.
    pub(crate) fn check_ticks(&self) -> Verdict {
        self.automations.check_ticks(self.at_ms)
    }

    /// What the door keeps a time for is what is open by the records.
    pub(crate) fn check_open(&self, kept: &[String]) -> Verdict {
        let mut open: Vec<String> = self
            .open
            .iter()
            .map(|(run, name)| {
                let attempt = self.tasks.get(&(run.clone(), name.clone()));
                let attempt = attempt.map_or(0, |task| task.attempt);
                format!("{} {name} {attempt} timed", hex_of_run(run))
            })
            .collect();
        open.sort();
        rule(
            open == kept,
            "I20 whatever is open has a time at which it ends",
            || format!("{open:?} and {kept:?}"),
        )
    }

    /// Whether a run, or an attempt of it, is open by the records.
    pub(crate) fn is_open(&self, run: &str, attempt: Option<(&str, u64)>) -> bool {
        let mut runs = self.triggered.iter();
        let Some(run) = runs.find(|known| hex_of_run(known) == run) else {
            return false;
        };
        match attempt {
            None => !self.finished.contains_key(run),
            Some((task, attempt)) => {
                let name = (run.clone(), task.to_owned());
                let is_newest = |task: &Task| task.attempt == attempt;
                self.open.contains(&name) && self.tasks.get(&name).is_some_and(is_newest)
            }
        }
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

    /// What is kept up to date and is not.
    pub(crate) fn behind(&self) -> Vec<String> {
        self.keeping.behind()
    }

    pub(crate) fn open_runs(&self) -> usize {
        self.triggered.len() - self.finished.len()
    }
}

fn actor_may(actor: &str, kind: &str, body: &Value) -> bool {
    let by_whom: &[&str] = match kind {
        "run_planned"
        | "run_rejected"
        | "dispatch_requested"
        | "run_finished"
        | "schedule_ticked"
        | "automation_evaluated" => &["scheduler:"],
        "attempt_started" | "attempt_finished" => &["worker"],
        "attempt_expired" => &["door"],
        "run_cancel_requested" => &["key:", "door"],
        "sensor_reported" if body.get("message").is_none() => &["worker", "door"],
        "run_requested" => match &body["on_account_of"] {
            account if account.get("backfill").is_some() => &["scheduler:"],
            account if account.get("automation").is_some() => &["scheduler:"],
            account if account["schedule"].get("tick_s").is_some() => &["scheduler:"],
            account if account.get("schedule").is_some() => &["key:"],
            _ => &["key:", "worker"],
        },
        _ => &["key:"],
    };
    by_whom.iter().any(|whom| actor.starts_with(whom))
}

fn hex_of_run(run: &str) -> String {
    let bytes = RunId::parse(run).map_or([0; 16], |run| run.to_bytes());
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("").to_owned()
}
