//! The rules of attempts: who may begin one, who may end it, and when.

use serde_json::{Value, json};

use super::{Judge, Task, Verdict, rule, text};
use crate::graph;
use crate::marks::Marks;
use crate::pipeline::{GRACE_MS, MOST_OF_POOL, MOST_OPEN};

impl Judge {
    pub(super) fn task(&mut self, run: &str, body: &Value) -> (&mut Task, u64) {
        let task = self
            .tasks
            .entry((run.to_owned(), text(&body["task"])))
            .or_default();
        (task, body["attempt"].as_u64().unwrap_or(0))
    }

    pub(super) fn dispatched(
        &mut self,
        run: &str,
        body: &Value,
        marks: &mut Marks,
        at: impl Fn() -> String,
    ) -> Verdict {
        rule(
            !self.cancelled.contains_key(run),
            "I25 nothing is dispatched after a cancel",
            &at,
        )?;
        let name = text(&body["task"]);
        for upstream in graph::needs(&name) {
            let done = self.tasks.get(&(run.to_owned(), upstream.clone()));
            let is_planned = self.is_in_run(run, &upstream);
            let succeeded = done.is_some_and(|task| task.ended == Some("succeeded"));
            rule(
                succeeded || !is_planned,
                "I22 what a task needs has succeeded",
                || format!("{} needs {upstream}", at()),
            )?;
        }
        let (task, attempt) = self.task(run, body);
        rule(
            !task.is_open,
            "I15 one attempt of a task is open at a time",
            &at,
        )?;
        rule(
            task.ended.is_none(),
            "I23 what has ended is not tried again",
            &at,
        )?;
        rule(
            attempt == task.attempt + 1,
            "I16 attempts count without a gap",
            &at,
        )?;
        rule(
            attempt <= graph::policy(&name).most_attempts,
            "I17 no more attempts than allowed",
            &at,
        )?;
        let permanent = task
            .last_failure
            .as_ref()
            .is_some_and(|error| !graph::is_retryable(error));
        rule(
            !permanent,
            "I17 what repeating cannot mend is not repeated",
            &at,
        )?;
        if attempt > 1 {
            marks.hit("retry");
        }
        task.attempt = attempt;
        task.is_open = true;
        task.claimed_by = None;
        task.started_ms = 0;
        task.not_before = body["not_before"].as_u64().unwrap_or(0);
        self.open.insert((run.to_owned(), name));
        self.check_places(at)
    }

    /// No more attempts are open than there are places.
    pub(super) fn check_places(&self, at: impl Fn() -> String) -> Verdict {
        let of_pool = self.open.iter().filter(|(_, name)| graph::is_pooled(name));
        rule(
            self.open.len() <= MOST_OPEN,
            "I35 no more attempts are open than the queue has places",
            &at,
        )?;
        rule(
            of_pool.count() <= MOST_OF_POOL,
            "I35 no more attempts are open than the pool has places",
            at,
        )
    }

    /// Whether a run has a task at all, as far as its records tell.
    pub(super) fn is_in_run(&self, run: &str, task: &str) -> bool {
        self.tasks.contains_key(&(run.to_owned(), task.to_owned()))
    }

    pub(super) fn started(
        &mut self,
        run: &str,
        body: &Value,
        at_ms: u64,
        at: impl Fn() -> String,
    ) -> Verdict {
        let worker = text(&body["worker"]);
        let (task, attempt) = self.task(run, body);
        rule(
            task.is_open && task.attempt == attempt,
            "I18 only an open attempt starts",
            &at,
        )?;
        rule(
            task.claimed_by.is_none(),
            "I19 one worker claims an attempt",
            &at,
        )?;
        rule(
            at_ms >= task.not_before,
            "I26 nothing begins before its time",
            at,
        )?;
        (task.claimed_by, task.started_ms) = (Some(worker), at_ms);
        self.answers
            .begun((run.to_owned(), text(&body["task"]), attempt), at_ms);
        Ok(())
    }

    pub(super) fn ended(
        &mut self,
        run: &str,
        body: &Value,
        marks: &mut Marks,
        at: impl Fn() -> String,
    ) -> Verdict {
        let (task, attempt) = self.task(run, body);
        rule(
            task.is_open && task.attempt == attempt,
            "I18 only an open attempt ends, once",
            &at,
        )?;
        task.is_open = false;
        let name = (run.to_owned(), text(&body["task"]));
        match body["outcome"].as_str() {
            Some("succeeded") => task.ended = Some("succeeded"),
            Some("cancelled") => task.last_failure = Some(json!({ "category": "CANCELLED" })),
            _ => task.last_failure = Some(body["error"].clone()),
        }
        self.open.remove(&name);
        if body["outcome"] == "succeeded" {
            rule(
                self.made.insert(name),
                "I24 what a run makes is made once",
                at,
            )?;
        }
        if body["outcome"] == "cancelled" {
            marks.hit("cancel raced a dispatch");
        }
        Ok(())
    }

    pub(super) fn expired(
        &mut self,
        run: &str,
        body: &Value,
        at_ms: u64,
        marks: &mut Marks,
        at: impl Fn() -> String,
    ) -> Verdict {
        let name = (
            run.to_owned(),
            text(&body["task"]),
            body["attempt"].as_u64().unwrap_or(0),
        );
        let sign = self.answers.sign(&name);
        let (task, attempt) = self.task(run, body);
        rule(
            task.is_open && task.attempt == attempt,
            "I18 only an open attempt expires, once",
            &at,
        )?;
        task.is_open = false;
        task.last_failure = Some(json!({ "category": "TIMEOUT" }));
        let (was_claimed, started_ms) = (task.claimed_by.is_some(), task.started_ms);
        self.open.remove(&(run.to_owned(), name.1.clone()));
        match body["reason"].as_str().unwrap_or("") {
            "start" => {
                marks.hit("start missed");
                rule(
                    !was_claimed,
                    "I21 what was started does not miss its start",
                    at,
                )
            }
            "heartbeat" => {
                marks.hit("heartbeat missed");
                let (last, limit) = sign.unwrap_or((0, 0));
                let silent = at_ms.saturating_sub(last);
                rule(
                    limit == 0 || silent >= limit,
                    "I21 who gave a sign of life in time is not closed",
                    || format!("{}: silent for {silent} of {limit} ms", at()),
                )
            }
            "deadline" => {
                marks.hit("deadline passed");
                let took = at_ms.saturating_sub(started_ms);
                rule(
                    was_claimed && took >= graph::policy(&name.1).attempt_ms,
                    "I21 what is within its time is not closed",
                    || format!("{}: after {took} ms", at()),
                )
            }
            _ => {
                marks.hit("grace passed");
                let since = self
                    .cancelled
                    .get(run)
                    .map(|since| at_ms.saturating_sub(*since));
                rule(
                    since >= Some(GRACE_MS),
                    "I25 only a cancelled run has a grace, and all of it",
                    at,
                )
            }
        }
    }
}
