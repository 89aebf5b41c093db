//! What an earlier life of the worker left is taken up where it was: reported when it had ended, begun when it had not begun.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use arcoflow_core::identity::ids::AttemptId;
use arcoflow_core::wire::envelope::Envelope;

use super::directory::Directory;
use super::orphan;
use super::process_runner::{Attempt, ProcessRunner};
use super::result_file::ResultFile;
use super::shipping;
use super::verdict::{self, Ending};

/// An attempt that an earlier life left.
#[derive(Debug)]
pub(crate) struct Left {
    directory: Directory,
    envelope: Envelope,
}

impl Left {
    /// Which attempt it is.
    pub(crate) fn attempt(&self) -> AttemptId {
        self.envelope.attempt_id
    }
}

/// The attempts that a work directory holds.
pub(crate) fn left_in(work: &Path) -> io::Result<Vec<Left>> {
    let mut left = Vec::new();
    for entry in fs::read_dir(work)? {
        let entry = entry?;
        if entry.file_name() == "done" || !entry.file_type()?.is_dir() {
            continue;
        }
        let directory = Directory::at(entry.path());
        match directory.envelope() {
            Some(envelope) => left.push(Left {
                directory,
                envelope,
            }),
            // The envelope is written before the door hears of the attempt, so nobody waits for this one.
            None => directory.remove()?,
        }
    }
    Ok(left)
}

impl ProcessRunner {
    /// Takes up an attempt of an earlier life.
    pub(crate) async fn take_up(self: Arc<Self>, left: Left) {
        let attempt = self.attempt(left.envelope, left.directory);
        if let Some(report) = attempt.directory.outcome() {
            let _ = shipping::ship_rest(&attempt.hold, &attempt.directory.log_path()).await;
            self.report(&attempt, report).await;
        } else if attempt.directory.is_started() {
            self.give_up(&attempt).await;
        } else {
            self.begin(&attempt).await;
        }
    }

    /// Ends a program that outlived its worker, and reports that the attempt failed for that reason.
    async fn give_up(&self, attempt: &Attempt) {
        let directory = attempt.directory.clone();
        let killed = tokio::task::spawn_blocking(move || {
            orphan::kill(directory.process().as_ref(), &directory.envelope_path())
        });
        let killed = killed.await.unwrap_or(false);
        let task = attempt.envelope.task_key.as_str();
        tracing::info!(task, killed, "a task was running when the worker stopped");
        let report = verdict::of(
            &Ending::WorkerEnded,
            &attempt.envelope,
            attempt.hold.worker_id(),
            Ok(ResultFile::default()),
            "",
        );
        self.conclude(attempt, &report).await;
        let _ = shipping::ship_rest(&attempt.hold, &attempt.directory.log_path()).await;
        self.report(attempt, report).await;
    }
}
