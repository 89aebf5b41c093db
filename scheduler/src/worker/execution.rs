//! A program runs until it ends, or until there is a reason to end it: a cancel, its deadline, its worker's end, a lost attempt.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arcoflow_core::wire::callback::CallbackAnswer;
use arcoflow_core::wire::event::ErrorCategory;
use tokio::net::unix::pipe;
use tokio::sync::watch;
use tokio::time::Instant;

use super::group::{self, Group, NotStarted};
use super::heartbeat::Word;
use super::log::Log;
use super::output;
use super::process_runner::{Attempt, ProcessRunner, blocking};
use super::verdict::Ending;
use crate::host::crash;

/// How long a program may take to end after it was told that its run was cancelled.
const CANCEL_GRACE: Duration = Duration::from_secs(10);
/// How long a program may take to end when its worker ends.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// How long the log of a group that is dead may stay open: a process that left the group may still hold it.
const DRAIN: Duration = Duration::from_secs(1);
/// How long before its deadline an attempt is ended at least and at most, so that the worker can still say why.
const MARGINS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));

/// Why a program is told to stop.
enum Reason {
    Cancelled(String),
    Lost(String),
    OutOfTime,
    WorkerEnds,
}

impl ProcessRunner {
    /// Runs the program to its end. An error says why the attempt is not this worker's any more.
    pub(crate) async fn execute(
        &self,
        attempt: &Attempt,
        answer: &CallbackAnswer,
        heard: watch::Receiver<Word>,
        log: &Arc<Log>,
    ) -> Result<Ending, String> {
        // The envelope's deadline allows for the latest start; the answer's is of this one.
        let deadline = answer.deadline.unwrap_or(attempt.envelope.deadline);
        let left_ms = deadline.saturating_sub(answer.server_time);
        let began = Instant::now();
        let (mut group, printed) = match self.launch(attempt).await {
            Ok(launched) => launched,
            Err(reason) => return Ok(Ending::NotStarted(reason)),
        };
        crash::point("W5");
        let captured = {
            let (log, path) = (log.clone(), attempt.directory.log_path());
            tokio::spawn(async move { log.capture(printed, &path).await })
        };
        let reason = self
            .supervise(&mut group, heard, began, Duration::from_millis(left_ms))
            .await;
        let status = group.end().await;
        let abort = captured.abort_handle();
        match tokio::time::timeout(DRAIN, captured).await {
            Ok(Ok(Err(error))) => tracing::warn!(%error, "a log cannot be kept"),
            Ok(_) => {}
            Err(_) => abort.abort(),
        }
        match (reason, status) {
            (None, Ok(status)) => Ok(Ending::Ended(status)),
            (None, Err(error)) => Ok(Ending::NotStarted(infrastructure(
                "how the program ended cannot be known",
                &error,
            ))),
            (Some(Reason::Cancelled(reason)), _) => Ok(Ending::Cancelled(reason)),
            (Some(Reason::OutOfTime), _) => Ok(Ending::TimedOut),
            (Some(Reason::WorkerEnds), _) => Ok(Ending::WorkerEnded),
            (Some(Reason::Lost(why)), _) => Err(why),
        }
    }

    /// Starts the program in an empty output directory, and notes that it did.
    async fn launch(&self, attempt: &Attempt) -> Result<(Group, pipe::Receiver), NotStarted> {
        let (directory, out) = (attempt.directory.clone(), attempt.output.clone());
        let prepared = blocking(move || {
            directory.mark_started()?;
            output::create_empty(&out)
        });
        let cannot = |error| infrastructure("the worker cannot prepare the attempt", &error);
        prepared.await.map_err(cannot)?;
        let envelope = &attempt.envelope;
        let mut names = vec![
            ("ARCOFLOW_RUN_ID", envelope.run_id.to_string()),
            ("ARCOFLOW_TASK_KEY", envelope.task_key.as_str().to_owned()),
            ("ARCOFLOW_ATTEMPT", envelope.attempt.to_string()),
        ];
        if let Some(look) = &envelope.payload.look {
            names.push(("ARCOFLOW_CURSOR", look.cursor.clone().unwrap_or_default()));
        }
        let launched = group::start(
            &envelope.payload.run,
            &self.pipeline_dir,
            &[
                ("ARCOFLOW_ENVELOPE", &attempt.directory.envelope_path()),
                ("ARCOFLOW_RESULT", &attempt.directory.result_path()),
                ("ARCOFLOW_OUTPUT", &attempt.output),
            ],
            &names,
        )?;
        // Without this note the next life finds the program by its environment.
        let _ = attempt.directory.note_process(&launched.0.identity());
        Ok(launched)
    }

    /// Waits for the end of the program, or ends it when there is a reason to.
    async fn supervise(
        &self,
        group: &mut Group,
        mut heard: watch::Receiver<Word>,
        began: Instant,
        left: Duration,
    ) -> Option<Reason> {
        let margin = (left / 10).clamp(MARGINS.0, MARGINS.1).min(left / 4);
        let reason = tokio::select! {
            biased;
            () = group.ended() => return None,
            reason = reason_to_stop(&mut heard) => reason,
            () = tokio::time::sleep_until(began + left - margin) => Reason::OutOfTime,
            () = self.stop.wished() => Reason::WorkerEnds,
        };
        let grace = match &reason {
            Reason::Lost(_) => Duration::ZERO,
            Reason::Cancelled(_) => CANCEL_GRACE,
            Reason::OutOfTime => margin / 4,
            Reason::WorkerEnds => STOP_GRACE,
        };
        if !grace.is_zero() {
            group.signal(rustix::process::Signal::TERM);
        }
        tokio::select! {
            biased;
            () = group.ended() => Some(reason),
            () = tokio::time::sleep(grace) => Some(reason),
            lost = until_lost(&mut heard) => Some(lost),
        }
    }
}

async fn reason_to_stop(heard: &mut watch::Receiver<Word>) -> Reason {
    let word = heard.wait_for(|word| *word != Word::GoOn).await;
    match word.map(|word| word.clone()) {
        Ok(Word::Cancel(reason)) => Reason::Cancelled(reason),
        Ok(Word::Lost(why)) => Reason::Lost(why),
        _ => std::future::pending().await,
    }
}

async fn until_lost(heard: &mut watch::Receiver<Word>) -> Reason {
    let word = heard.wait_for(|word| matches!(word, Word::Lost(_))).await;
    match word.map(|word| word.clone()) {
        Ok(Word::Lost(why)) => Reason::Lost(why),
        _ => std::future::pending().await,
    }
}

fn infrastructure(what: &str, error: &io::Error) -> NotStarted {
    NotStarted {
        category: ErrorCategory::Infrastructure,
        message: format!("{what}: {error}"),
    }
}
