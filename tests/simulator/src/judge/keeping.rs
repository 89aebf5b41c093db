//! The rules of what is kept up to date: whatever is behind is made again, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};

use arcoflow_core::wire::record::Record;
use serde_json::Value;

use super::{Verdict, rule, text};
use crate::graph;
use crate::marks::Marks;
use crate::pipeline::{KEEPS, KEPT, MOST_KEEPING};
use crate::settings::Settings;

/// Up to where a task has done with what is newer upstream.
#[derive(Debug, Default)]
struct Done {
    seq: u64,
    /// A run works from what it made itself, also when another run has made the same since.
    own: BTreeMap<String, u64>,
}

/// The automation of the pipeline, and what it goes by.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    /// Whether there is one.
    is_declared: bool,
    evaluations: u64,
    is_paused: bool,
    /// The runs that the next evaluation has to name.
    unnamed: BTreeSet<String>,
    /// Its runs that have not ended, with what each is to make.
    open: BTreeMap<String, Vec<String>>,
    /// What each open run has made, and the record of it.
    made_in: BTreeMap<String, BTreeMap<String, u64>>,
    /// The record that last made each task's partition.
    made: BTreeMap<String, u64>,
    /// For each task of what is kept.
    done: BTreeMap<String, Done>,
    /// The record that asked for the open attempt of each task.
    dispatched: BTreeMap<(String, String), u64>,
}

impl Done {
    fn at(seq: u64) -> Done {
        Done {
            seq,
            ..Done::default()
        }
    }
}

impl Keeping {
    pub(super) fn new(settings: &Settings) -> Keeping {
        Keeping {
            is_declared: settings.has("automations"),
            ..Keeping::default()
        }
    }

    /// Takes a record; `is_being_made` tells whether an attempt at a task is open in any run.
    pub(super) fn take(
        &mut self,
        record: &Record,
        body: &Value,
        is_being_made: impl Fn(&str) -> bool,
        marks: &mut Marks,
        at: impl Fn() -> String,
    ) -> Verdict {
        let (run, task) = (text(&body["run"]), text(&body["task"]));
        match record.kind.as_str() {
            "automation_set" => self.is_paused = body["paused"] == true,
            "automation_evaluated" => return self.evaluated(body, marks, at),
            "run_requested" if body["on_account_of"].get("automation").is_some() => {
                return self.begun(&run, body, is_being_made, at);
            }
            "dispatch_requested" => {
                self.dispatched.insert((run, task), record.seq);
            }
            "attempt_finished" | "attempt_expired" => {
                let made = body["outcome"] == "succeeded";
                self.ended(record.seq, run, task, made);
            }
            "run_finished" => {
                let made = self.made_in.remove(&run).unwrap_or_default();
                let tasks = self.open.remove(&run).unwrap_or_default();
                for task in tasks.into_iter().filter(|task| !made.contains_key(task)) {
                    self.done.insert(task, Done::at(record.seq));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What is kept and behind what it is made from.
    pub(super) fn behind(&self) -> Vec<String> {
        let days = self
            .made
            .keys()
            .filter_map(|task| Some(format!("{KEPT}day{}", task.strip_prefix("day/clean")?)));
        let others = ["a", "b"].map(|name| format!("{KEPT}{name}:materialize"));
        let kept = days.chain(others).filter(|_| self.is_declared);
        kept.filter(|task| self.is_behind(task, &[])).collect()
    }

    /// Whether everything that stands before a task is there, and some of it is newer than what was made of it; what is made in the
    /// same run counts as both.
    fn is_behind(&self, task: &str, with: &[String]) -> bool {
        let needs = graph::needs(task);
        let made = |need: &String| match self.made.get(need) {
            _ if with.contains(need) => Some(u64::MAX),
            made => made.copied(),
        };
        let known = |need: &String| {
            let done = self.done.get(task)?;
            Some(done.own.get(need).copied().unwrap_or(done.seq))
        };
        needs.iter().all(|need| made(need).is_some())
            && needs.iter().any(|need| made(need) > known(need))
    }

    fn ended(&mut self, seq: u64, run: String, task: String, is_made: bool) {
        let dispatched = self.dispatched.remove(&(run.clone(), task.clone()));
        if task.starts_with(KEPT) {
            // What an attempt works from is fixed when it is asked for; a failure waits for something newer than itself.
            let done = match dispatched.filter(|_| is_made) {
                Some(seq) => Done {
                    seq,
                    own: self.made_in.get(&run).cloned().unwrap_or_default(),
                },
                None => Done::at(seq),
            };
            self.done.insert(task.clone(), done);
        }
        if is_made {
            let made_in = self.made_in.entry(run).or_default();
            made_in.insert(task.clone(), seq);
            self.made.insert(task, seq);
        }
    }

    fn evaluated(&mut self, body: &Value, marks: &mut Marks, at: impl Fn() -> String) -> Verdict {
        rule(
            body["automation"] == KEEPS
                && body["evaluation"].as_u64() == Some(self.evaluations + 1),
            "I27 the evaluations of an automation count without a gap",
            &at,
        )?;
        self.evaluations += 1;
        rule(
            !self.is_paused,
            "I27 an automation that is paused does nothing",
            &at,
        )?;
        let runs = body["runs"].as_array().into_iter().flatten().map(text);
        let runs: BTreeSet<String> = runs.collect();
        rule(
            runs == std::mem::take(&mut self.unnamed),
            "I27 an evaluation names the runs that it began",
            at,
        )?;
        marks.hit(if runs.is_empty() {
            "automation waited"
        } else {
            "automation began a run"
        });
        Ok(())
    }

    fn begun(
        &mut self,
        run: &str,
        body: &Value,
        is_being_made: impl Fn(&str) -> bool,
        at: impl Fn() -> String,
    ) -> Verdict {
        let evaluation = body["on_account_of"]["automation"]["evaluation"].as_u64();
        rule(
            evaluation == Some(self.evaluations + 1),
            "I27 a run of an automation belongs to its next evaluation",
            &at,
        )?;
        rule(
            self.open.len() < MOST_KEEPING,
            "I35 an automation has no more runs at once than it may",
            &at,
        )?;
        let partition = body["trigger"]["partitionKey"].as_str();
        let partition = partition.map_or(String::new(), |key| format!("[{key}]"));
        let assets = body["trigger"]["selection"].as_array();
        let tasks: Vec<String> = assets
            .into_iter()
            .flatten()
            .map(|asset| format!("{}{partition}:materialize", text(asset)))
            .collect();
        rule(
            !tasks.is_empty(),
            "I27 a run of an automation makes something",
            &at,
        )?;
        for task in &tasks {
            rule(
                self.is_behind(task, &tasks),
                "I27 only what is behind is made again",
                || format!("{task}: {}", at()),
            )?;
            let mut needs = graph::needs(task).into_iter();
            rule(
                !is_being_made(task) && !needs.any(|need| is_being_made(&need)),
                "I27 what is being made is waited for",
                || format!("{task}: {}", at()),
            )?;
        }
        self.unnamed.insert(run.to_owned());
        self.open.insert(run.to_owned(), tasks);
        Ok(())
    }
}
