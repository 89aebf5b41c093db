//! What was lost is written again from its records, and nothing else is touched.

use alloc::collections::BTreeSet;
use alloc::string::ToString;
use alloc::vec::Vec;

use crate::door::attempt::{AttemptName, AttemptState, BoundName};
use crate::door::index::life;
use crate::door::session::Session;
use crate::door::sql::StoreError;
use crate::identity::ids::{BackfillId, RunId, TaskId};
use crate::identity::keys::TaskKey;
use crate::wire::event::Event;
use crate::wire::sweep::{LeftBehind, OwedAttempt, OwedBackfill, OwedRun};

/// Records that are read at once.
const PAGE: u64 = 1_000;

/// What the indexes lack, by the names under which the records speak of it.
#[derive(Default)]
pub(super) struct Lost {
    runs: BTreeSet<RunId>,
    attempts: BTreeSet<(RunId, TaskId, u32)>,
    backfills: BTreeSet<BackfillId>,
    /// The oldest record that speaks of any of it.
    from_seq: Option<u64>,
    pub(super) found: Vec<LeftBehind>,
}

impl Lost {
    fn from(&mut self, seq: u64) {
        self.from_seq = Some(self.from_seq.map_or(seq, |from| from.min(seq)));
    }

    pub(super) fn backfill(&mut self, owed: &OwedBackfill) {
        self.from(owed.seq);
        self.backfills.insert(owed.backfill_id);
        self.found.push(LeftBehind {
            at: 0,
            run_id: None,
            backfill_id: Some(owed.backfill_id),
            task_key: None,
            attempt: None,
            fault: "the door had no row of it".to_string(),
        });
    }

    pub(super) fn run(&mut self, owed: &OwedRun, fault: &str) {
        self.from(owed.seq);
        self.runs.insert(owed.run_id);
        self.found.push(LeftBehind {
            at: 0,
            run_id: Some(owed.run_id),
            backfill_id: None,
            task_key: None,
            attempt: None,
            fault: fault.to_string(),
        });
    }

    pub(super) fn attempt(
        &mut self,
        owed: &OwedRun,
        attempt: &OwedAttempt,
        name: &AttemptName,
        fault: &str,
    ) {
        self.from(owed.seq);
        self.attempts.insert((name.run, name.task, name.attempt));
        self.found.push(LeftBehind {
            at: 0,
            run_id: Some(owed.run_id),
            backfill_id: None,
            task_key: Some(attempt.task_key.clone()),
            attempt: Some(attempt.attempt),
            fault: fault.to_string(),
        });
    }

    /// Whether a record speaks of something that is lost.
    fn concerns(&self, event: &Event) -> bool {
        let attempt = |run: RunId, task, attempt| {
            let name = AttemptName::new(run, task, attempt);
            self.attempts.contains(&(run, name.task, name.attempt))
        };
        match event {
            Event::DispatchRequested(body) => attempt(body.run, &body.task, body.attempt),
            Event::AttemptStarted(body) => attempt(body.run, &body.task, body.attempt),
            Event::AttemptFinished(body) => attempt(body.run, &body.task, body.attempt),
            Event::AttemptExpired(body) => attempt(body.run, &body.task, body.attempt),
            // A cancel closes attempts as well as the run, and closing twice is closing once.
            Event::RunCancelRequested(body) => {
                self.runs.contains(&body.run)
                    || self.attempts.iter().any(|(run, _, _)| *run == body.run)
            }
            Event::BackfillRequested(body) => self.backfills.contains(&body.backfill),
            Event::BackfillPaused(body)
            | Event::BackfillResumed(body)
            | Event::BackfillCancelled(body) => self.backfills.contains(&body.backfill),
            _ => event.run().is_some_and(|run| self.runs.contains(&run)),
        }
    }
}

/// Writes again what was lost, from its records, and nothing else. The answer is how many rows that were.
pub(super) fn restore(session: &mut Session<'_>, lost: &Lost) -> Result<u64, StoreError> {
    let Some(from_seq) = lost.from_seq else {
        return Ok(0);
    };
    remove(session, lost)?;
    let mut after = from_seq.saturating_sub(1);
    loop {
        let records = session.records_after(after, PAGE)?;
        let Some(last) = records.last() else { break };
        after = last.seq;
        for record in &records {
            if let Some(event) = record.event().filter(|event| lost.concerns(event)) {
                life::apply(session, record, &event)?;
            }
        }
    }
    hold_again(session, lost)
}

/// Takes away what is left of the rows, because a row is written once from its first record.
fn remove(session: &mut Session<'_>, lost: &Lost) -> Result<(), StoreError> {
    for run in &lost.runs {
        session.sql.execute(
            "DELETE FROM run WHERE run = ?1",
            &[run.to_bytes().as_slice().into()],
        )?;
    }
    for id in &lost.backfills {
        session.sql.execute(
            "DELETE FROM backfill WHERE backfill = ?1",
            &[id.to_bytes().as_slice().into()],
        )?;
    }
    for (run, task, attempt) in &lost.attempts {
        let bound = BoundName::from(&AttemptName {
            run: *run,
            task: *task,
            attempt: *attempt,
        });
        session.sql.execute(
            "DELETE FROM attempt WHERE run = ?1 AND task = ?2 AND attempt = ?3",
            &[
                bound.run.as_slice().into(),
                bound.task.as_slice().into(),
                bound.attempt.into(),
            ],
        )?;
    }
    Ok(())
}

/// No record says when a worker was heard last, so one that runs is given the whole time of a heartbeat from now on. The answer is how
/// many rows are there again.
fn hold_again(session: &mut Session<'_>, lost: &Lost) -> Result<u64, StoreError> {
    let now_ms = session.now_ms()?;
    let mut repaired = 0;
    for run in &lost.runs {
        repaired += u64::from(session.run(run)?.is_some());
        // What was put off for want of the run ends in its time again.
        session.wake.deadline = true;
        session.sql.execute(
            "UPDATE attempt SET due_ms = deadline_ms WHERE run = ?1 AND state = 2 AND due_ms > deadline_ms",
            &[run.to_bytes().as_slice().into()],
        )?;
    }
    for id in &lost.backfills {
        repaired += u64::from(session.backfill(id)?.is_some());
    }
    for (run, task, attempt) in &lost.attempts {
        let name = AttemptName {
            run: *run,
            task: *task,
            attempt: *attempt,
        };
        let Some(row) = session.attempt(&name)? else {
            continue;
        };
        repaired += 1;
        let (Ok(task), Some(run)) = (TaskKey::parse(&row.task_key), session.run(run)?) else {
            continue;
        };
        if row.state == AttemptState::Running {
            let heartbeat_ms = session.timeouts(&run.manifest, &task)?.heartbeat_ms;
            let due_ms = now_ms
                .saturating_add(heartbeat_ms)
                .min(row.deadline_ms.unwrap_or(u64::MAX));
            session.set_due(&name, due_ms)?;
        }
    }
    Ok(repaired)
}
