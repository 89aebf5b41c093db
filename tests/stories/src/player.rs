//! A story is played step by step, and every word of it is checked: the answer, each record, and that there is no other.

mod caller;
mod names;
mod observer;
mod scheduler;
mod wording;
mod worker;

use std::collections::BTreeMap;

use arcoflow_core::door::config::Moment;
use arcoflow_core::identity::digest::sha256;
use arcoflow_core::run::world::{Limits, World};
use serde_json::{Value, json};

use self::names::Names;
use self::observer::Manifests;
use self::scheduler::Scheduler;
use self::wording::Times;
use crate::door::api_key;
use crate::place::{Answer, Place, Request};
use crate::story::command::Command;
use crate::story::{At, Step, Story};

/// What a story left behind at each of its steps: equal on every target that played it right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The fingerprint of the state after each step, the setting first.
    pub fingerprints: Vec<String>,
}

/// One story at play.
struct Player<'a> {
    story: &'a Story,
    place: &'a mut dyn Place,
    now_ms: u64,
    requests: u64,
    names: Names,
    /// The envelopes of what was leased, by the attempt's name.
    envelopes: BTreeMap<String, Value>,
    manifests: Manifests,
    /// Reads along, after each step.
    observer: World,
    limits: Limits,
    schedulers: BTreeMap<String, Scheduler>,
}

/// Plays a story.
///
/// # Errors
/// The step that went another way than the story tells, and what came instead.
pub fn play(story: &Story, place: &mut dyn Place) -> Result<Trace, String> {
    let mut player = Player::new(story, place);
    let mut trace = Trace::default();
    player
        .begin()
        .map_err(|problem| format!("{}: before the first step: {problem}", story.name))?;
    trace.fingerprints.push(player.fingerprint()?);
    for step in &story.steps {
        let told = |problem: String| {
            format!(
                "{}, line {}: {}\n  {problem}",
                story.name, step.line, step.text
            )
        };
        let before = trace.fingerprints.last().cloned().unwrap_or_default();
        let fingerprint = player.step(step, &before).map_err(told)?;
        trace.fingerprints.push(fingerprint);
    }
    player
        .replay()
        .map_err(|problem| format!("{}, at its end: {problem}", story.name))?;
    Ok(trace)
}

/// What a step came to.
struct Came {
    answer: String,
    is_refused: bool,
}

impl Came {
    fn said(answer: impl Into<String>) -> Came {
        Came {
            answer: answer.into(),
            is_refused: false,
        }
    }
}

impl<'a> Player<'a> {
    fn new(story: &'a Story, place: &'a mut dyn Place) -> Player<'a> {
        let mut limits = Limits::default();
        if let Some(open) = story.open_attempts {
            limits.open_attempts = open;
        }
        Player {
            story,
            place,
            now_ms: story.begins_ms,
            requests: 0,
            names: Names::default(),
            envelopes: BTreeMap::new(),
            manifests: Manifests::default(),
            observer: World::default(),
            limits,
            schedulers: BTreeMap::new(),
        }
    }

    /// Deploys the pipeline that is there before the story begins.
    fn begin(&mut self) -> Result<(), String> {
        for pipeline in &self.story.manifests {
            self.names.manifest(&pipeline.name, &pipeline.manifest)?;
            if pipeline.is_deployed {
                let answer = self.post("/v1/manifests", &pipeline.manifest)?;
                if answer.status != 201 {
                    return Err(String::from_utf8_lossy(&answer.body).into_owned());
                }
            }
        }
        self.observe().map(|_| ())
    }

    fn times(&self) -> Times {
        Times {
            begins_ms: self.story.begins_ms,
            now_ms: self.now_ms,
        }
    }

    /// Plays a step and gives the fingerprint of the state after it.
    fn step(&mut self, step: &Step, before: &str) -> Result<String, String> {
        self.move_clock(step.at)?;
        let came = self.perform(&step.command)?;
        let records = self.observe()?;
        if !wording::agree(&step.answer, &came.answer) {
            return Err(format!(
                "told    -> {}\n  came    -> {}{}",
                step.answer,
                came.answer,
                all(&records)
            ));
        }
        let are_told = step.records.len() == records.len()
            && step
                .records
                .iter()
                .zip(&records)
                .all(|(told, came)| wording::agree(told, came));
        if !are_told {
            return Err(format!(
                "told   {}\n  came   {}",
                all(&step.records),
                all(&records)
            ));
        }
        let fingerprint = self.fingerprint()?;
        if came.is_refused && fingerprint != before {
            return Err("it was refused, and something changed all the same".to_owned());
        }
        Ok(fingerprint)
    }

    fn move_clock(&mut self, at: At) -> Result<(), String> {
        let to_ms = match at {
            At::Same => return Ok(()),
            At::Absolute(ms) => self.story.begins_ms + ms,
            At::Moment(ms) => ms,
            At::Later(ms) => self.now_ms + ms,
            At::Back(ms) => {
                self.now_ms = self.story.begins_ms + ms;
                return Ok(());
            }
            At::Wake => self
                .wakes()?
                .into_iter()
                .map(|(_, at_ms)| at_ms)
                .min()
                .ok_or("nothing is ever to be done")?,
        };
        if to_ms < self.now_ms {
            return Err("the time goes back; write `at back` when the clock does".to_owned());
        }
        self.now_ms = to_ms;
        Ok(())
    }

    fn perform(&mut self, command: &Command) -> Result<Came, String> {
        match command {
            Command::Deploy { manifest } => self.deploy(manifest),
            Command::Trigger {
                run,
                body,
                idempotency_key,
            } => self.trigger(run, body, idempotency_key.as_deref()),
            Command::Cancel { run, body } => self.cancel(run, body),
            Command::Rerun {
                of,
                run,
                body,
                idempotency_key,
            } => self.rerun(of, run, body, idempotency_key.as_deref()),
            Command::Backfill { name, body } => self.backfill(name, body),
            Command::ChangeBackfill { name, what, body } => self.change_backfill(name, what, body),
            Command::Switch {
                collection,
                name,
                what,
                body,
            } => {
                let answer = self.post(&format!("/v1/{collection}/{name}/{what}"), body)?;
                Ok(self.came(&answer, ""))
            }
            Command::Tell { name, body } => {
                let answer = self.post(&format!("/v1/sensors/{name}/messages"), body)?;
                Ok(self.came(&answer, ""))
            }
            Command::Tick {
                name,
                run,
                body,
                idempotency_key,
            } => self.tick(name, run, body, idempotency_key.as_deref()),
            Command::State { run } => self.state(run),
            Command::Why { task } => self.why(task),
            Command::Progress { name } => self.progress(name),
            Command::Lease {
                worker,
                queues,
                max,
                again,
            } => {
                let body =
                    json!({ "workerId": worker, "queues": queues, "max": max, "again": again });
                self.lease(worker, &body)
            }
            Command::Callback {
                what,
                attempt,
                worker,
                body,
            } => self.callback(what, attempt, worker.as_deref(), body),
            Command::Inputs { attempt } => self.inputs(attempt),
            Command::Expire => {
                let moment = self.moment();
                self.place.expire(moment).map(|()| Came::said(""))
            }
            Command::Lead {
                scheduler,
                take_over,
                ttl_ms,
            } => self.lead(scheduler, *take_over, *ttl_ms),
            Command::Decide { scheduler } => self.decide(scheduler),
            Command::Think { scheduler } => self.think(scheduler),
            Command::Propose { scheduler } => self.propose(scheduler),
            Command::Append { scheduler, event } => self.append(scheduler, event),
            Command::RestartDoor => self.place.restart().map(|()| Came::said("")),
            Command::RestartScheduler { scheduler } => {
                self.schedulers.remove(scheduler);
                Ok(Came::said(""))
            }
            Command::Replay => self.replay().map(|()| Came::said("the same")),
            Command::Wake => self.wake(),
        }
    }

    /// The time of the story, and randomness that is the same wherever the story is played.
    fn moment(&mut self) -> Moment {
        self.requests += 1;
        let text = format!("arcoflow-story:{}:{}", self.story.name, self.requests);
        Moment {
            now_ms: self.now_ms,
            entropy: sha256(text.as_bytes()).to_bytes(),
        }
    }

    fn send(&mut self, request: &Request) -> Result<Answer, String> {
        let moment = self.moment();
        self.place.send(moment, request)
    }

    fn post(&mut self, target: &str, body: &Value) -> Result<Answer, String> {
        self.post_with(target, &api_key(), None, body)
    }

    fn post_with(
        &mut self,
        target: &str,
        token: &str,
        idempotency_key: Option<&str>,
        body: &Value,
    ) -> Result<Answer, String> {
        self.send(&Request {
            method: "POST",
            target: target.to_owned(),
            token: token.to_owned(),
            idempotency_key: idempotency_key.map(str::to_owned),
            body: body.to_string().into_bytes(),
        })
    }

    /// What is read at a path by someone who may.
    fn get(&mut self, target: &str) -> Result<Value, String> {
        self.get_with(target, &api_key())
    }

    fn get_with(&mut self, target: &str, token: &str) -> Result<Value, String> {
        let answer = self.send(&Request {
            method: "GET",
            target: target.to_owned(),
            token: token.to_owned(),
            idempotency_key: None,
            body: Vec::new(),
        })?;
        if answer.status != 200 {
            return Err(format!(
                "{target}: {} {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            ));
        }
        Ok(json_of(&answer))
    }
}

/// The body of an answer.
fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
}

/// A member of a body, or of any JSON value, as text without quotes.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn all(records: &[String]) -> String {
    if records.is_empty() {
        return " + nothing".to_owned();
    }
    records
        .iter()
        .map(|record| format!(" + {record}"))
        .collect()
}

/// The members of two objects; those of the second go first.
fn merged(mut one: Value, more: &Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut one, more) {
        members.extend(
            more.iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    one
}

/// The body of a callback.
fn callback_body(envelope: &Value, worker: &str, more: &Value) -> Value {
    merged(
        json!({ "attempt": envelope["attempt"], "workerId": worker }),
        more,
    )
}
