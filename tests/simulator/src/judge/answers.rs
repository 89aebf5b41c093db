//! What the door answers is held against the records: who was given what and when, who lives, and under which epoch somebody decides.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Judge, Verdict, rule, text};
use crate::pipeline::LOOKS;
use crate::post::Call;

/// An attempt by its run, its task and its number.
type AttemptName = (String, String, u64);

#[derive(Default)]
pub(super) struct Answers {
    /// The door's time of the last sign of life of an attempt, with the silence that it may keep.
    signs: BTreeMap<AttemptName, (u64, u64)>,
    /// The run and the task of the ids that envelopes named.
    names: BTreeMap<String, (String, String)>,
    /// The newest look of a sensor, by the id of its task.
    looks: BTreeMap<String, u64>,
    /// The looks whose report was taken: who repeats it has the same answer.
    reported: BTreeSet<(String, u64)>,
    /// The latest time of the door before its clock went back.
    was_ms: u64,
    epoch: u64,
    /// Who was granted which epoch.
    holders: BTreeMap<u64, String>,
}

impl Answers {
    pub(super) fn sign(&self, name: &AttemptName) -> Option<(u64, u64)> {
        self.signs.get(name).copied()
    }

    pub(super) fn begun(&mut self, name: AttemptName, at_ms: u64) {
        self.signs.entry(name).or_insert((0, 0)).0 = at_ms;
    }
}

impl Judge {
    /// The door's clock went back from one time to another: what it heard by a time that it does not know any more, it heard now.
    pub(crate) fn clock_went_back(&mut self, was_ms: u64, door_ms: u64) {
        self.answers.was_ms = self.answers.was_ms.max(was_ms);
        let now_ms = self.at_ms.max(door_ms);
        for (last_ms, _) in self.answers.signs.values_mut() {
            *last_ms = now_ms.min(*last_ms);
        }
    }

    /// Takes an answer that leaves the door, whose time is `door_ms`. While a row is lost it may not know of the newest attempt.
    pub(crate) fn answered(
        &mut self,
        call: &Call,
        status: u16,
        answer: &[u8],
        door_ms: u64,
        is_row_lost: bool,
    ) -> Verdict {
        let read = |bytes: &[u8]| -> Value { serde_json::from_slice(bytes).unwrap_or(Value::Null) };
        if status == 409 && is_row_lost {
            return Ok(());
        }
        if status == 409 {
            return self.refused(call, &read(&call.body), &read(answer));
        }
        if status != 200 || call.method != "POST" {
            return Ok(());
        }
        let is_beat = call.target.ends_with("/heartbeat");
        match call.target.as_str() {
            "/v1/leases" => {
                // What a worker has is given to it again, whatever the clock has done since.
                let had_ms = match read(&call.body)["again"].as_bool() {
                    Some(true) => self.answers.was_ms,
                    _ => 0,
                };
                self.leased(&read(answer), door_ms.max(self.at_ms).max(had_ms))
            }
            "/v1/scheduler" => self.granted(&read(&call.body), &read(answer)),
            "/v1/ledger" => self.decided(&read(&call.body)),
            _ if is_beat => {
                self.lives(call, &read(&call.body), &read(answer));
                Ok(())
            }
            target if target.ends_with("/completed") => self.reported(call, &read(&call.body)),
            _ => Ok(()),
        }
    }

    /// A look reports once, and only while there is no newer one.
    fn reported(&mut self, call: &Call, request: &Value) -> Verdict {
        let task = call.target.split('/').nth(3).unwrap_or("");
        let attempt = request["attempt"].as_u64().unwrap_or(0);
        let Some(newest) = self.answers.looks.get(task) else {
            return Ok(());
        };
        let is_repeated = !self.answers.reported.insert((task.to_owned(), attempt));
        rule(
            is_repeated || attempt >= *newest,
            "I18 a look that is over reports nothing",
            || format!("{} {request}", call.target),
        )
    }

    /// A callback that does not fit the ledger is told why.
    fn refused(&self, call: &Call, request: &Value, problem: &Value) -> Verdict {
        let task = call.target.split('/').nth(3).unwrap_or("");
        let attempt = request["attempt"].as_u64().unwrap_or(u64::MAX);
        let named = self.answers.names.get(task);
        // Another request of the same sync may have asked for the newest one, after this one was refused; nobody has claimed it then.
        let is_earlier = named
            .and_then(|name| self.tasks.get(name))
            .is_some_and(|newest| {
                let claimed = u64::from(newest.claimed_by.is_some());
                attempt < (newest.attempt + claimed).saturating_sub(1)
            });
        let look = self.answers.looks.get(task);
        let is_earlier = is_earlier || look.is_some_and(|newest| attempt < *newest);
        let slug = problem["type"]
            .as_str()
            .and_then(|name| name.rsplit('/').next());
        rule(
            !is_earlier || slug == Some("attempt-superseded"),
            "I18 an earlier attempt is told that there is a newer one",
            || format!("{} {request}: {problem}", call.target),
        )
    }

    fn leased(&mut self, answer: &Value, door_ms: u64) -> Verdict {
        for envelope in answer["tasks"].as_array().into_iter().flatten() {
            let at = || envelope.to_string();
            let look = &envelope["payload"]["look"];
            if !look.is_null() {
                let newest = envelope["attempt"].as_u64().unwrap_or(0);
                self.answers.looks.insert(text(&envelope["taskId"]), newest);
                rule(
                    self.automations.is_cursor(LOOKS, look["cursor"].as_str()),
                    "I27 a look goes on where the last one ended",
                    at,
                )?;
                continue;
            }
            let name = (text(&envelope["runId"]), text(&envelope["taskKey"]));
            let attempt = envelope["attempt"].as_u64().unwrap_or(0);
            let limit = envelope["heartbeatTimeoutMs"].as_u64().unwrap_or(0);
            let task = self.tasks.get(&name);
            rule(
                task.is_some_and(|task| task.not_before <= door_ms),
                "I26 nothing begins before its time",
                at,
            )?;
            self.answers
                .names
                .insert(text(&envelope["taskId"]), name.clone());
            let sign = (name.0, name.1, attempt);
            self.answers.signs.entry(sign).or_insert((0, limit)).1 = limit;
        }
        Ok(())
    }

    fn granted(&mut self, request: &Value, answer: &Value) -> Verdict {
        let epoch = answer["epoch"].as_u64().unwrap_or(0);
        if answer["granted"] == true {
            let asks = text(&request["holder"]);
            let holder = self.answers.holders.entry(epoch);
            let holder = holder.or_insert_with(|| asks.clone());
            rule(*holder == asks, "I32 an epoch has one holder", || {
                format!("{epoch}: {asks} after {holder}")
            })?;
        }
        let newest = self.answers.epoch;
        self.answers.epoch = newest.max(epoch);
        rule(epoch >= newest, "I32 epochs never go back", || {
            format!("{epoch} after {newest}")
        })
    }

    fn decided(&mut self, request: &Value) -> Verdict {
        let epoch = request["epoch"].as_u64().unwrap_or(0);
        rule(
            epoch == self.answers.epoch,
            "I32 who decides has the newest epoch",
            || format!("{epoch} instead of {}", self.answers.epoch),
        )
    }

    /// A sign of life that the door took, by its own clock.
    fn lives(&mut self, call: &Call, request: &Value, answer: &Value) {
        let task = call.target.split('/').nth(3).unwrap_or("");
        let attempt = request["attempt"].as_u64().unwrap_or(0);
        let at_ms = answer["serverTime"].as_u64().unwrap_or(0);
        if let Some((run, key)) = self.answers.names.get(task)
            && let Some(sign) = self
                .answers
                .signs
                .get_mut(&(run.clone(), key.clone(), attempt))
        {
            sign.0 = sign.0.max(at_ms);
        }
    }
}
