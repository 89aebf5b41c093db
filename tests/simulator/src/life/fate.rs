//! Once a minute the world changes a little: somebody is cut off, a clock jumps, a disk is full, a key is replaced.

use super::{Life, MINUTE_MS, Moment, WORKERS};
use crate::judge::Broken;
use crate::post::Node;

impl Life {
    /// What happens in this minute.
    pub(super) fn fate(&mut self) -> Result<(), Broken> {
        self.place(MINUTE_MS, Moment::Fate);
        let nodes = self.schedulers.len() + WORKERS;
        if self.faults.partition_ms > 0 && self.fate.below(60) == 0 {
            self.marks.hit("partition");
            let which = self.fate.below(nodes as u64) as usize;
            let node = match which.checked_sub(self.schedulers.len()) {
                None => Node::Scheduler(which),
                Some(worker) => Node::Worker(worker),
            };
            let until = self.now_ms + self.fate.between(1_000, self.faults.partition_ms);
            let ways = self.fate.below(3);
            self.rows.away(node, until);
            self.cut.insert(node, (until, ways != 1, ways != 2));
        }
        if self.faults.clock_jump_ms > 0 && self.fate.below(180) == 0 {
            let jump = self.fate.between(1_000, self.faults.clock_jump_ms) as i64;
            let is_back = self.fate.below(2) == 0;
            self.marks.hit(if is_back {
                "clock jumped back"
            } else {
                "clock jumped forward"
            });
            // What was written before is on disk before.
            self.sync()?;
            let was_ms = self.door.clock(self.now_ms);
            self.door.skew_ms += if is_back { -jump } else { jump };
            if is_back {
                let door_ms = self.door.clock(self.now_ms);
                self.judge.clock_went_back(was_ms, door_ms);
            }
            self.alarm_at = None;
        }
        if self.faults.key_rotation && self.fate.below(90) == 0 {
            self.marks.hit("key rotated");
            self.door.rotate();
        }
        self.look_for_row()?;
        if self.faults.row_lost && self.fate.below(20) == 0 {
            self.lose_row()?;
        }
        self.door.is_full = self.faults.store_full > 0 && self.fate.below(40) == 0;
        if self.door.is_full {
            self.rows.trouble(self.now_ms + MINUTE_MS);
        }
        if self.faults.split_brain && self.fate.below(30) == 0 {
            let which = self.fate.below(2) as usize;
            if let Some(scheduler) = self.schedulers.get_mut(which).filter(|one| !one.decides()) {
                scheduler.usurp();
                self.rows.trouble(self.now_ms + MINUTE_MS);
            }
        }
        Ok(())
    }
}
