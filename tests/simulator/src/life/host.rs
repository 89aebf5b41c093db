//! The door's side of a life: requests reach it, alarms ring, and its host dies and comes back.

use arcoflow_core::door::session::Wake;
use serde_json::Value;

use super::{BEGIN_MS, Life, Moment};
use crate::door::Came;
use crate::judge::Broken;
use crate::post::{Call, Seen};
use crate::store::MOST_UNSYNCED;

/// What is open is compared with what the door keeps a time for when the number of records can be divided by this.
const OPEN_SAMPLED: u64 = 32;

impl Life {
    pub(super) fn arrive(&mut self, call: &Call) -> Result<(), Broken> {
        if !self.door.is_up {
            return Ok(());
        }
        let (came, wake) = self.door.take(call, self.now_ms)?;
        if self.fate.once_in_thousand(self.faults.door_crash) {
            return self.crash(&wake);
        }
        self.group.wake.merge(&wake);
        if let Came::Answered(response) = came {
            self.group.answers.push((call.clone(), response));
        }
        let is_whole = self.door.store.unsynced() == MOST_UNSYNCED;
        if self.faults.group_ms == 0 || is_whole {
            return self.sync();
        }
        if !self.group.is_due {
            self.group.is_due = true;
            let after = self.fate.between(1, self.faults.group_ms);
            self.place(after, Moment::Syncs);
        }
        Ok(())
    }

    /// What was written is on disk: it is judged, and the answers leave.
    pub(super) fn sync(&mut self) -> Result<(), Broken> {
        if !self.door.is_up {
            return Ok(());
        }
        if self.door.store.unsynced() > 1 {
            self.marks.hit("requests shared a sync");
        }
        self.door.store.sync();
        let group = std::mem::take(&mut self.group);
        let known = self.judge.seq();
        self.look(&group.wake)?;
        let door_ms = self.door.clock(self.now_ms);
        for (call, response) in group.answers {
            self.swept(&call, response.status)?;
            self.judge.answered(
                &call,
                response.status,
                &response.body,
                door_ms,
                self.rows.is_one_lost(),
            )?;
            if response.status == 507 {
                self.marks.hit("store full");
            }
            let json = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
            let status = response.status;
            self.reply(&call, Seen { status, json });
        }
        self.wake(&group.wake)?;
        self.lose_row_after(known);
        self.arm();
        Ok(())
    }

    /// The host dies: after the sync and before any answer, or before it, and then a prefix of what was written is left.
    fn crash(&mut self, wake: &Wake) -> Result<(), Broken> {
        let group = std::mem::take(&mut self.group);
        let unsynced = self.door.store.unsynced();
        let keep = match self.fate.below(2) {
            0 => self.fate.below(unsynced as u64) as usize,
            _ => unsynced,
        };
        self.marks.hit(match keep {
            _ if keep == unsynced => "answer lost after commit",
            0 => "door died before commit",
            _ => "a prefix survived",
        });
        self.door_dies(keep);
        let records = wake.records || group.wake.records;
        self.look(&Wake {
            records,
            ..Wake::default()
        })
    }

    /// The records that came are judged at once.
    pub(super) fn look(&mut self, wake: &Wake) -> Result<(), Broken> {
        if !wake.records {
            return Ok(());
        }
        for record in self.door.records_after(self.judge.seq()) {
            let body = serde_json::from_str(&record.body).unwrap_or(Value::Null);
            if self.tell {
                println!(
                    "{:>10} {:>6} {:<20} {} {body}",
                    self.now_ms - BEGIN_MS,
                    record.seq,
                    record.kind,
                    record.actor
                );
            }
            self.judge.take(&record, &body, &mut self.marks)?;
            self.mirror.take(&record, &body)?;
        }
        if self.judge.records().is_multiple_of(OPEN_SAMPLED)
            && self.door.store.unsynced() == 0
            && !self.rows.is_one_lost()
        {
            let kept = self.door.open_attempts();
            self.judge.check_open(&kept)?;
        }
        Ok(())
    }

    pub(super) fn reply(&mut self, call: &Call, seen: Seen) {
        if self.network.once_in_thousand(self.faults.loss) || self.is_cut(call.from, false) {
            return self.rows.away(call.from, self.now_ms + call.patience_ms);
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

    fn door_dies(&mut self, keep: usize) {
        self.door.die(keep);
        self.alarm_at = None;
        self.waits_at = None;
        let after = self.fate.between(50, 60_000);
        self.rows.trouble(self.now_ms + after);
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
        if self.rows.is_one_lost() {
            return Ok(());
        }
        let read = self.replica.seq();
        let records = self.door.records_after(read);
        if read + records.len() as u64 != self.judge.records() {
            return Err(Broken {
                rule: "I04 the ledger only grows",
                detail: format!("{} records after {read}", records.len()),
            });
        }
        self.replica
            .check(&mut self.door, records, &self.rows.forgotten)
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
        // What an answer wakes may write in its turn.
        while self.door.store.unsynced() > 0 {
            self.sync()?;
        }
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
