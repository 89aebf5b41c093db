//! A worker of a life: honest, slow, dead, silent for a while, or lying, as the dice say for each attempt.

mod lies;
mod outcome;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::faults::Faults;
use crate::marks::Marks;
use crate::post::{Draft, Out, Seen};

/// The alarm that asks for work again; other alarms are numbers of attempts.
const ASK: u64 = 0;
/// How long a request for work waits, in seconds.
const WAIT_S: u64 = 60;
const SLOTS: usize = 3;
const PAUSE_MS: u64 = 2_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Starting,
    Running,
    Reporting,
}

/// How an attempt goes, decided when it is leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Works,
    Fails(&'static str),
    /// Never ends, and says so all the time.
    Hangs,
    /// Says nothing from some moment on, and reports all the same, much later.
    Sleeps,
    /// Does not hear that it is to stop.
    Deaf,
}

struct Attempt {
    envelope: Value,
    token: String,
    phase: Phase,
    way: Way,
    /// When the work ends.
    ends_at_ms: u64,
    /// When it says that it lives.
    beats_at_ms: u64,
    is_told_to_stop: bool,
    outcome: Value,
    reports: u32,
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    Work,
    Started(u64),
    Beat(u64),
    Completed(u64),
    /// What must be refused.
    Lie,
}

/// What a worker knows; nothing of it survives.
pub(crate) struct Worker {
    name: String,
    attempts: BTreeMap<u64, Attempt>,
    asked: BTreeMap<u64, Asked>,
    next_tag: u64,
    next_attempt: u64,
    again: bool,
    /// Whether it waits before it asks for work again.
    pauses: bool,
    dice: Dice,
    /// Attempts of this life and where they are: what is given twice is done once.
    at_hand: BTreeMap<String, u64>,
    /// A token of an attempt that is over, for lies.
    old: Option<(String, String)>,
}

impl Worker {
    pub(crate) fn new(name: &str, dice: Dice) -> Worker {
        Worker {
            name: name.to_owned(),
            attempts: BTreeMap::new(),
            asked: BTreeMap::new(),
            next_tag: 0,
            next_attempt: 1,
            again: true,
            pauses: false,
            dice,
            at_hand: BTreeMap::new(),
            old: None,
        }
    }

    /// How many attempts it has in hand.
    pub(crate) fn busy(&self) -> usize {
        self.attempts.len()
    }

    fn ask(&mut self, asked: Asked, out: &mut Out, draft: impl FnOnce(u64) -> Draft) {
        self.next_tag += 1;
        self.asked.insert(self.next_tag, asked);
        out.calls.push(draft(self.next_tag));
    }

    /// An alarm rings, or the worker begins.
    pub(crate) fn ring(&mut self, what: u64, now_ms: u64, faults: &Faults, out: &mut Out) {
        if what == ASK {
            self.pauses = false;
            self.ask_for_work(out);
        } else {
            self.go_on(what, now_ms, faults, out);
        }
    }

    fn ask_for_work(&mut self, out: &mut Out) {
        let waits = self
            .asked
            .values()
            .any(|asked| matches!(asked, Asked::Work));
        let free = SLOTS.saturating_sub(self.attempts.len());
        if waits || self.pauses || free == 0 {
            return;
        }
        let body = json!({ "workerId": self.name, "queues": ["default"], "max": free, "waitS": WAIT_S, "again": self.again });
        self.ask(Asked::Work, out, |tag| {
            Draft::post(tag, "/v1/leases", body).waits(WAIT_S)
        });
    }

    /// Takes an answer, or the absence of one.
    pub(crate) fn hear(
        &mut self,
        tag: u64,
        seen: Option<Seen>,
        now_ms: u64,
        faults: &Faults,
        marks: &mut Marks,
        out: &mut Out,
    ) {
        let Some(asked) = self.asked.remove(&tag) else {
            return;
        };
        match asked {
            Asked::Work => self.hear_work(seen, now_ms, faults, marks, out),
            Asked::Started(attempt) => self.hear_started(attempt, seen, now_ms, out),
            Asked::Beat(attempt) => self.hear_beat(attempt, seen, marks),
            Asked::Completed(attempt) => {
                self.hear_completed(attempt, seen, faults, marks, out);
            }
            Asked::Lie => {
                if let Some(seen) = seen.filter(|seen| seen.status < 500) {
                    let refused = (400..500).contains(&seen.status);
                    out.demand(
                        refused,
                        "I34 a token is good for its own attempt alone",
                        || format!("a lie was taken: {} {}", seen.status, seen.json),
                    );
                    marks.hit("lie refused");
                }
            }
        }
        self.ask_for_work(out);
    }

    fn hear_work(
        &mut self,
        seen: Option<Seen>,
        now_ms: u64,
        faults: &Faults,
        marks: &mut Marks,
        out: &mut Out,
    ) {
        let Some(seen) = seen.filter(|seen| seen.status == 200) else {
            self.again = true;
            self.pauses = true;
            out.alarms.push((PAUSE_MS, ASK));
            return;
        };
        let was_again = std::mem::take(&mut self.again);
        for envelope in seen.json["tasks"].as_array().into_iter().flatten() {
            let id = envelope["attemptId"].as_str().unwrap_or("").to_owned();
            if self.at_hand.contains_key(&id) {
                continue;
            }
            if was_again && envelope["attempt"].as_u64() == Some(1) {
                marks.hit("leased again after a lost answer");
            }
            let number = self.next_attempt;
            self.next_attempt += 1;
            self.at_hand.insert(id, number);
            let way = self.way(faults);
            let takes = match self.dice.below(10) {
                0 => self.dice.between(60_000, 900_000),
                _ => self.dice.between(200, 30_000),
            };
            let attempt = Attempt {
                token: envelope["taskToken"].as_str().unwrap_or("").to_owned(),
                envelope: envelope.clone(),
                phase: Phase::Starting,
                way,
                ends_at_ms: now_ms + takes,
                beats_at_ms: u64::MAX,
                is_told_to_stop: false,
                outcome: Value::Null,
                reports: 0,
            };
            self.attempts.insert(number, attempt);
            out.alarms.push((self.dice.below(50), number));
        }
    }

    fn way(&mut self, faults: &Faults) -> Way {
        if !faults.bad_tasks {
            return match self.dice.below(40) {
                0 => Way::Fails("USER_CODE"),
                _ => Way::Works,
            };
        }
        match self.dice.below(40) {
            0..=2 => Way::Fails("USER_CODE"),
            3 => Way::Fails("DATA_QUALITY"),
            4 => Way::Fails("INFRASTRUCTURE"),
            5 => Way::Hangs,
            6 | 7 => Way::Sleeps,
            8 => Way::Deaf,
            _ => Way::Works,
        }
    }

    /// The next step of an attempt.
    fn go_on(&mut self, number: u64, now_ms: u64, faults: &Faults, out: &mut Out) {
        let Some(attempt) = self.attempts.get_mut(&number) else {
            return;
        };
        let body = json!({ "attempt": attempt.envelope["attempt"], "attemptId": attempt.envelope["attemptId"], "workerId": self.name });
        let draft = |what: &str, body: Value, token: &str, task: &Value| {
            let target = format!("/v1/tasks/{}/{what}", task.as_str().unwrap_or(""));
            Draft::post(0, target, body).with_token(token)
        };
        match attempt.phase {
            Phase::Starting => {
                let call = draft("started", body, &attempt.token, &attempt.envelope["taskId"]);
                self.ask(Asked::Started(number), out, |tag| Draft { tag, ..call });
            }
            Phase::Running if now_ms >= attempt.ends_at_ms && attempt.way != Way::Hangs => {
                self.report(number, now_ms, faults, out);
            }
            Phase::Running => {
                if now_ms >= attempt.beats_at_ms && attempt.way != Way::Sleeps {
                    let interval = attempt.envelope["heartbeatIntervalMs"]
                        .as_u64()
                        .unwrap_or(20_000);
                    attempt.beats_at_ms = now_ms + interval;
                    let call = draft(
                        "heartbeat",
                        body,
                        &attempt.token,
                        &attempt.envelope["taskId"],
                    );
                    self.ask(Asked::Beat(number), out, |tag| Draft { tag, ..call });
                }
                self.sleep_until_next(number, now_ms, out);
                self.lie(number, faults, out);
            }
            Phase::Reporting => self.report(number, now_ms, faults, out),
        }
    }

    fn sleep_until_next(&self, number: u64, now_ms: u64, out: &mut Out) {
        let Some(attempt) = self.attempts.get(&number) else {
            return;
        };
        let ends = if attempt.way == Way::Hangs {
            u64::MAX
        } else {
            attempt.ends_at_ms
        };
        let beats = if attempt.way == Way::Sleeps {
            u64::MAX
        } else {
            attempt.beats_at_ms
        };
        let next = ends.min(beats);
        if next < u64::MAX {
            out.alarms
                .push((next.saturating_sub(now_ms).max(1), number));
        }
    }

    fn report(&mut self, number: u64, now_ms: u64, faults: &Faults, out: &mut Out) {
        let Some(attempt) = self.attempts.get_mut(&number) else {
            return;
        };
        attempt.phase = Phase::Reporting;
        if attempt.outcome.is_null() {
            attempt.outcome = attempt.outcome(now_ms, faults, &mut self.dice);
        }
        let mut body = json!({ "attempt": attempt.envelope["attempt"], "workerId": self.name });
        if let (Value::Object(body), Value::Object(more)) = (&mut body, attempt.outcome.clone()) {
            body.extend(more);
        }
        let task = attempt.envelope["taskId"].as_str().unwrap_or("").to_owned();
        let draft =
            Draft::post(0, format!("/v1/tasks/{task}/completed"), body).with_token(&attempt.token);
        self.ask(Asked::Completed(number), out, |tag| Draft { tag, ..draft });
    }

    fn hear_started(&mut self, number: u64, seen: Option<Seen>, now_ms: u64, out: &mut Out) {
        let Some(attempt) = self.attempts.get_mut(&number) else {
            return;
        };
        match seen {
            Some(seen) if seen.status == 200 => {
                attempt.phase = Phase::Running;
                let interval = attempt.envelope["heartbeatIntervalMs"].as_u64();
                attempt.beats_at_ms = now_ms + interval.unwrap_or(20_000);
                if attempt.way == Way::Sleeps {
                    attempt.ends_at_ms = now_ms + self.dice.between(60_000, 1_500_000);
                }
                self.sleep_until_next(number, now_ms, out);
            }
            Some(seen) if seen.status < 500 && seen.status != 429 => self.drop_attempt(number),
            _ => out.alarms.push((PAUSE_MS, number)),
        }
    }

    fn hear_beat(&mut self, number: u64, seen: Option<Seen>, marks: &mut Marks) {
        let (Some(attempt), Some(seen)) = (self.attempts.get_mut(&number), seen) else {
            return;
        };
        if seen.status == 200 {
            if let Some(token) = seen.json["taskToken"].as_str() {
                token.clone_into(&mut attempt.token);
            }
            if seen.json["shouldCancel"] == true && attempt.way != Way::Deaf {
                if !attempt.is_told_to_stop {
                    marks.hit("cancel of a running task");
                }
                attempt.is_told_to_stop = true;
                if attempt.way != Way::Hangs || self.dice.below(2) == 0 {
                    attempt.way = Way::Works;
                    attempt.ends_at_ms = attempt.beats_at_ms.min(attempt.ends_at_ms);
                }
            }
        } else if seen.status < 500 && seen.status != 429 && attempt.phase == Phase::Running {
            self.drop_attempt(number);
        }
    }

    fn hear_completed(
        &mut self,
        number: u64,
        seen: Option<Seen>,
        faults: &Faults,
        marks: &mut Marks,
        out: &mut Out,
    ) {
        let Some(attempt) = self.attempts.get_mut(&number) else {
            return;
        };
        attempt.reports += 1;
        let Some(seen) = seen.filter(|seen| seen.status < 500 && seen.status != 429) else {
            out.alarms.push((PAUSE_MS, number));
            return;
        };
        if attempt.reports > 1 && seen.status == 200 {
            marks.hit("completed repeated");
        }
        if seen.slug() == "attempt-superseded" {
            marks.hit("superseded attempt refused");
        }
        let again = self.dice.once_in_thousand(faults.lies * 2);
        let (task, token) = (attempt.envelope["taskId"].clone(), attempt.token.clone());
        let number_of_attempt = attempt.envelope["attempt"].clone();
        let was_taken = seen.status == 200;
        let is_look = attempt.is_look();
        if is_look && was_taken {
            marks.hit("look reported");
        }
        let succeeded = attempt.outcome["outcome"] == "SUCCEEDED";
        self.old = Some((text(&task), token.clone()));
        self.drop_attempt(number);
        if again && was_taken && succeeded && !is_look {
            // The same worker says the opposite of what was taken.
            let body = json!({ "attempt": number_of_attempt, "workerId": self.name, "outcome": "FAILED", "error": { "category": "USER_CODE" } });
            let draft = Draft::post(0, format!("/v1/tasks/{}/completed", text(&task)), body)
                .with_token(&token);
            marks.hit("completed contradicted");
            self.ask(Asked::Lie, out, |tag| Draft { tag, ..draft });
        }
    }

    fn drop_attempt(&mut self, number: u64) {
        if let Some(attempt) = self.attempts.remove(&number) {
            self.at_hand
                .remove(attempt.envelope["attemptId"].as_str().unwrap_or(""));
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("").to_owned()
}
