//! At the end of a life everything works again: what is open comes to its end, and then nothing happens any more.

use super::{Life, MINUTE_MS};
use crate::judge::{Broken, rule};
use crate::post::{Node, Out};
use crate::replay::Replica;

/// How long the longest run takes when everything works: three attempts of the longest kind, with every pause between them.
const LONGEST_MS: u64 = 12 * 60 * MINUTE_MS;
/// The moments of an hour in which nobody has anything to do: leases are renewed and requests wait, once a period each.
const MOST_IDLE_STEPS: u64 = 6_000;

impl Life {
    /// Heals the world at `end_ms`, waits until all is quiet, and looks at everything.
    pub(super) fn end(&mut self, end_ms: u64) -> Result<(), Broken> {
        self.heal()?;
        self.rest(30 + self.standstill())?;
        self.judge.check_ticks()?;
        let mut out = Out::default();
        self.client.hush(&mut out);
        self.post(Node::Client, out)?;
        let last_ms = end_ms + LONGEST_MS;
        while self.now_ms < last_ms && !self.is_done() {
            self.rest(10)?;
        }
        self.look_for_row()?;
        rule(
            !self.rows.is_one_lost(),
            "I30 what was lost is there again",
            || format!("{:?}", self.rows),
        )?;
        self.judge.check_acknowledged(&self.client.acknowledged())?;
        self.judge.check_all_ended()?;
        let behind = self.judge.behind();
        rule(
            behind.is_empty(),
            "I29 what an automation keeps is up to date",
            || format!("{behind:?}"),
        )?;
        // What was read piece by piece is read once more from the beginning.
        self.replica = Replica::new(self.new_database);
        self.check_replay()?;
        self.check_quiet()
    }

    fn is_done(&self) -> bool {
        self.client.is_done() && self.judge.open_runs() == 0 && self.judge.behind().is_empty()
    }

    /// For how many minutes the door's time may stand still, until its clock has caught up with its ledger: so long does the lease of a
    /// scheduler that is gone.
    fn standstill(&self) -> u64 {
        if self.faults.had("clock-jump") { 60 } else { 0 }
    }

    /// Lives on for so many minutes.
    fn rest(&mut self, minutes: u64) -> Result<(), Broken> {
        let until = self.now_ms + minutes * MINUTE_MS;
        self.go_until(until)?;
        self.now_ms = until;
        Ok(())
    }

    /// The end of all faults.
    fn heal(&mut self) -> Result<(), Broken> {
        self.faults.over();
        self.rows.lie_still();
        self.cut.clear();
        self.door.is_full = false;
        self.client.end();
        let mut out = Out::default();
        self.client.resume_all(&mut out);
        self.post(Node::Client, out)
    }

    /// With nothing to do nothing is recorded, and nobody asks more than once a period.
    fn check_quiet(&mut self) -> Result<(), Broken> {
        // A look that was under way has its time.
        self.rest(15 + self.standstill())?;
        let (records, steps) = (self.judge.records(), self.steps);
        self.rest(60)?;
        let (appended, stepped) = (self.judge.records() - records, self.steps - steps);
        rule(
            appended == 0 && stepped <= MOST_IDLE_STEPS,
            "I31 an idle system is quiet",
            || format!("{appended} records and {stepped} steps in an hour without anything to do"),
        )
    }
}
