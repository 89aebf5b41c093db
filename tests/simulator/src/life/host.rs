//! The door's side of a life: requests reach it, alarms ring, and its host dies and comes back.

use arcoflow_core::door::session::Wake;
use serde_json::Value;

use super::{BEGIN_MS, Life, Moment};
use crate::door::{Came, Death};
use crate::judge::Broken;
use crate::post::{Call, Seen};
use crate::replay;

impl Life {
    pub(super) fn arrive(&mut self, call: &Call) -> Result<(), Broken> {
        if !self.door.is_up {
            return Ok(());
        }
        let death = match self.fate.once_in_thousand(self.faults.door_crash) {
            true if self.fate.below(2) == 0 => Some(Death::BeforeCommit),
            true => Some(Death::AfterCommit),
            false => None,
        };
        let before = self.judge.seq();
        let (came, wake) = self.door.take(call, self.now_ms, death);
        match came {
            Came::Answered(response) => {
                self.look(&wake)?;
                self.note_sign(call, &response.body, response.status);
                let refused_and_wrote = response.status >= 400 && self.judge.seq() != before;
                if refused_and_wrote {
                    return Err(Broken {
                        rule: "I06 a refusal leaves nothing behind",
                        detail: call.target.clone(),
                    });
                }
                let json = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
                if response.status == 507 {
                    self.marks.hit("store full");
                }
                self.reply(
                    call,
                    Seen {
                        status: response.status,
                        json,
                    },
                );
            }
            Came::Waits => self.look(&wake)?,
            Came::DiedBefore => {
                self.marks.hit("door died before commit");
                self.door_dies();
                return Ok(());
            }
            Came::DiedAfter => {
                self.marks.hit("answer lost after commit");
                self.look(&wake)?;
                self.door_dies();
                return Ok(());
            }
        }
        self.wake(&wake)?;
        self.arm();
        Ok(())
    }

    /// A sign of life that the door took, by its own clock.
    pub(super) fn note_sign(&mut self, call: &Call, answer: &[u8], status: u16) {
        let is_sign = call.target.ends_with("/heartbeat") && status == 200;
        let is_lease = call.target == "/v1/leases" && status == 200;
        if !is_sign && !is_lease {
            return;
        }
        let answer: Value = serde_json::from_slice(answer).unwrap_or(Value::Null);
        if is_lease {
            for envelope in answer["tasks"].as_array().into_iter().flatten() {
                let limit = envelope["heartbeatTimeoutMs"].as_u64().unwrap_or(0);
                self.judge
                    .signs
                    .entry(name_of(envelope))
                    .or_insert((0, limit))
                    .1 = limit;
            }
            return;
        }
        let task = call.target.split('/').nth(3).unwrap_or("");
        let body: Value = serde_json::from_slice(&call.body).unwrap_or(Value::Null);
        let attempt = body["attempt"].as_u64().unwrap_or(0);
        let at_ms = answer["serverTime"].as_u64().unwrap_or(0);
        if let Some((run, key)) = self.door.task_name(task)
            && let Some(sign) = self.judge.signs.get_mut(&(run, key, attempt))
        {
            sign.0 = sign.0.max(at_ms);
        }
    }

    /// The records that came are judged at once.
    pub(super) fn look(&mut self, wake: &Wake) -> Result<(), Broken> {
        if !wake.records {
            return Ok(());
        }
        for record in self.door.records_after(self.judge.seq()) {
            if self.tell {
                let body = String::from_utf8_lossy(&record.body);
                println!(
                    "{:>10} {:>6} {:<20} {} {body}",
                    self.now_ms - BEGIN_MS,
                    record.seq,
                    record.kind,
                    record.actor
                );
            }
            self.judge.take(&record, &mut self.marks)?;
        }
        Ok(())
    }

    pub(super) fn reply(&mut self, call: &Call, seen: Seen) {
        if self.network.once_in_thousand(self.faults.loss) || self.is_cut(call.from, false) {
            return;
        }
        let delay = self.delay();
        let (node, life, number) = (call.from, call.life, call.number);
        self.place(
            delay,
            Moment::Answers {
                node,
                life,
                number,
                seen: Some(seen),
            },
        );
    }

    /// Whoever waits for what happened is asked again.
    pub(super) fn wake(&mut self, wake: &Wake) -> Result<(), Broken> {
        for call in self.door.woken(wake) {
            if self.door.is_up {
                self.arrive(&call)?;
            }
        }
        Ok(())
    }

    pub(super) fn door_dies(&mut self) {
        self.door.die();
        self.alarm_at = None;
        self.waits_at = None;
        let after = self.fate.between(50, 60_000);
        self.place(after, Moment::Returns(None));
    }

    pub(super) fn door_returns(&mut self) -> Result<(), Broken> {
        self.marks.hit("door restarted");
        self.door.is_up = true;
        self.check_replay()?;
        self.alarm()
    }

    /// The live indexes are what the records say.
    pub(super) fn check_replay(&mut self) -> Result<(), Broken> {
        let records = self.door.records_after(0);
        if records.len() as u64 != self.judge.records() {
            return Err(Broken {
                rule: "I04 the ledger only grows",
                detail: format!("{} records", records.len()),
            });
        }
        replay::check(&mut self.door, records)
    }

    /// Sets the door's alarms to the next deadline and the next waiting request.
    pub(super) fn arm(&mut self) {
        if let Some(next) = self.door.next_deadline_ms() {
            let next = next.max(self.now_ms + 1);
            if self
                .alarm_at
                .is_none_or(|at| at > next || at <= self.now_ms)
            {
                if self.fate.once_in_thousand(self.faults.alarm_lost) {
                    // The next request sets it again.
                    self.marks.hit("alarm lost and made good");
                } else {
                    self.alarm_at = Some(next);
                    self.place(next - self.now_ms, Moment::Alarm);
                }
            }
        }
        if let Some(next) = self.door.next_wait_ms() {
            let next = next.max(self.now_ms + 1);
            if self
                .waits_at
                .is_none_or(|at| at > next || at <= self.now_ms)
            {
                self.waits_at = Some(next);
                self.place(next - self.now_ms, Moment::Waits);
            }
        }
    }

    pub(super) fn alarm(&mut self) -> Result<(), Broken> {
        if !self.door.is_up {
            return Ok(());
        }
        let (wake, _) = self.door.expire(self.now_ms);
        self.look(&wake)?;
        self.wake(&wake)?;
        self.arm();
        Ok(())
    }

    pub(super) fn look_at_waiting(&mut self) -> Result<(), Broken> {
        if !self.door.is_up {
            return Ok(());
        }
        let (again, given_up) = self.door.due(self.now_ms);
        for (call, response) in given_up {
            let json = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
            self.reply(
                &call,
                Seen {
                    status: response.status,
                    json,
                },
            );
        }
        for call in again {
            if self.door.is_up {
                self.arrive(&call)?;
            }
        }
        self.arm();
        Ok(())
    }
}

fn name_of(envelope: &Value) -> (String, String, u64) {
    let text = |member: &str| envelope[member].as_str().unwrap_or("").to_owned();
    (
        text("runId"),
        text("taskKey"),
        envelope["attempt"].as_u64().unwrap_or(0),
    )
}
