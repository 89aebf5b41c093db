//! The attempt index holds one row for each attempt: who holds it, until when, and which records say so.

use alloc::string::String;

use crate::door::session::{Session, bytes_16};
use crate::door::sql::{Row, StoreError, first};
use crate::identity::derived;
use crate::identity::ids::{RunId, TaskId};
use crate::identity::keys::TaskKey;

/// Where an attempt is, as a number in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttemptState {
    /// It can be leased.
    Requested = 0,
    /// A worker took it, and has not started.
    Leased = 1,
    /// A worker runs it.
    Running = 2,
    /// It ended well.
    Succeeded = 3,
    /// It ended badly.
    Failed = 4,
    /// It was cut short.
    Cancelled = 5,
    /// A deadline passed.
    Expired = 6,
}

impl AttemptState {
    /// The state of a number; a number of a later version reads as expired, which is closed.
    #[must_use]
    pub fn of(number: i64) -> AttemptState {
        match number {
            0 => AttemptState::Requested,
            1 => AttemptState::Leased,
            2 => AttemptState::Running,
            3 => AttemptState::Succeeded,
            4 => AttemptState::Failed,
            5 => AttemptState::Cancelled,
            _ => AttemptState::Expired,
        }
    }

    /// Whether nothing more happens to it.
    #[must_use]
    pub fn is_closed(self) -> bool {
        self >= AttemptState::Succeeded
    }

    /// The name as it stands in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AttemptState::Requested => "requested",
            AttemptState::Leased => "leased",
            AttemptState::Running => "running",
            AttemptState::Succeeded => "succeeded",
            AttemptState::Failed => "failed",
            AttemptState::Cancelled => "cancelled",
            AttemptState::Expired => "expired",
        }
    }
}

/// The name of a row: the run, the random part of the task id, and the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptName {
    /// The run.
    pub run: RunId,
    /// The task.
    pub task: TaskId,
    /// The attempt, from 1.
    pub attempt: u32,
}

impl AttemptName {
    /// The name of a task's attempt.
    #[must_use]
    pub fn new(run: RunId, key: &TaskKey, attempt: u32) -> AttemptName {
        AttemptName {
            run,
            task: derived::task_id(&run, key),
            attempt,
        }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its name.
    pub name: AttemptName,
    /// The task, readable.
    pub task_key: String,
    /// Where it is.
    pub state: AttemptState,
    /// Its queue.
    pub queue: String,
    /// While it can be leased: when it may be. While a worker has it: when it is closed for silence. Milliseconds since 1970.
    pub due_ms: u64,
    /// When it is closed whatever it does, in milliseconds since 1970.
    pub deadline_ms: Option<u64>,
    /// The worker that leased or claimed it.
    pub worker: Option<String>,
    /// The record that asked for it.
    pub requested_seq: u64,
    /// The newest record of the first ledger that this one had repeated by then; absent in the first.
    pub heard_seq: Option<u64>,
    /// The record in which a worker claimed it.
    pub started_seq: Option<u64>,
    /// The record that closed it.
    pub closed_seq: Option<u64>,
}

/// The columns that [`attempt_of`] reads.
macro_rules! columns {
    ($rest:literal) => {
        $crate::door::attempt::columns!(@ ", run, task", $rest)
    };
    (of_task $rest:literal) => {
        $crate::door::attempt::columns!(@ "", $rest)
    };
    (@ $names:literal, $rest:literal) => {
        concat!(
            "SELECT attempt, task_key, state, queue, due_ms, deadline_ms, worker, requested_seq, started_seq, closed_seq, heard_seq",
            $names,
            " FROM attempt ",
            $rest
        )
    };
}
pub(crate) use columns;

/// Reads a row of [`columns`].
pub(crate) fn attempt_of(row: &dyn Row) -> Attempt {
    let run = RunId::from_bytes(bytes_16(row.blob(11)));
    // A task id has the time of its run, so the row keeps its random part only.
    let mut task = run.to_bytes();
    if let (Some(random), bytes @ [_, ..]) = (task.get_mut(6..), row.blob(12))
        && random.len() == bytes.len()
    {
        random.copy_from_slice(bytes);
    }
    attempt_of_task(row, run, TaskId::from_bytes(task))
}

/// Reads a row of [`columns`] `of_task`, which does not say again whose attempt it is.
fn attempt_of_task(row: &dyn Row, run: RunId, task: TaskId) -> Attempt {
    Attempt {
        name: AttemptName {
            run,
            task,
            attempt: u32::try_from(row.integer(0)).unwrap_or(0),
        },
        task_key: String::from(row.text(1)),
        state: AttemptState::of(row.integer(2)),
        queue: String::from(row.text(3)),
        due_ms: row.unsigned(4),
        deadline_ms: row.optional(5),
        worker: (!row.is_null(6)).then(|| String::from(row.text(6))),
        requested_seq: row.unsigned(7),
        started_seq: row.optional(8),
        closed_seq: row.optional(9),
        heard_seq: row.optional(10),
    }
}

/// The key of a row as it is bound: run, random part of the task id, attempt.
pub(crate) struct BoundName {
    pub(crate) run: [u8; 16],
    pub(crate) task: [u8; 10],
    pub(crate) attempt: u32,
}

impl From<&AttemptName> for BoundName {
    fn from(name: &AttemptName) -> Self {
        let mut task = [0; 10];
        task.copy_from_slice(&name.task.to_bytes()[6..]);
        BoundName {
            run: name.run.to_bytes(),
            task,
            attempt: name.attempt,
        }
    }
}

impl Session<'_> {
    /// One attempt.
    ///
    /// # Errors
    /// What the store says.
    pub fn attempt(&mut self, name: &AttemptName) -> Result<Option<Attempt>, StoreError> {
        let bound = BoundName::from(name);
        let parameters = [
            bound.run.as_slice().into(),
            bound.task.as_slice().into(),
            bound.attempt.into(),
        ];
        first(
            self.sql,
            columns!(of_task "WHERE run = ?1 AND task = ?2 AND attempt = ?3"),
            &parameters,
            |row| attempt_of_task(row, name.run, name.task),
        )
    }

    /// The newest attempt of a task.
    ///
    /// # Errors
    /// What the store says.
    pub fn newest_attempt(
        &mut self,
        run: &RunId,
        task: &TaskId,
    ) -> Result<Option<Attempt>, StoreError> {
        let bound = BoundName::from(&AttemptName {
            run: *run,
            task: *task,
            attempt: 0,
        });
        first(
            self.sql,
            columns!(of_task "WHERE run = ?1 AND task = ?2 ORDER BY attempt DESC LIMIT 1"),
            &[bound.run.as_slice().into(), bound.task.as_slice().into()],
            |row| attempt_of_task(row, *run, *task),
        )
    }

    /// Says when the host looks at an attempt again, in the door's milliseconds since 1970.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) fn set_due(&mut self, name: &AttemptName, due_ms: u64) -> Result<(), StoreError> {
        let bound = BoundName::from(name);
        self.wake.deadline = true;
        self.sql.execute(
            "UPDATE attempt SET due_ms = ?4 WHERE run = ?1 AND task = ?2 AND attempt = ?3",
            &[
                bound.run.as_slice().into(),
                bound.task.as_slice().into(),
                bound.attempt.into(),
                due_ms.into(),
            ],
        )?;
        Ok(())
    }
}
