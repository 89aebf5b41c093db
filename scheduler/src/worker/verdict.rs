//! The exit of the process decides whether a task has succeeded; what the program wrote only says how and why.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;

use arcoflow_core::identity::keys::Operation;
use arcoflow_core::wire::body;
use arcoflow_core::wire::callback::{Completed, Outcome};
use arcoflow_core::wire::envelope::Envelope;
use arcoflow_core::wire::event::{ErrorCategory, Output, TaskError};

use super::group::NotStarted;
use super::log::head;
use super::result_file::ResultFile;

/// The longest message of a failure; the door cuts there, too.
const LONGEST_MESSAGE: usize = 8 << 10;
/// The most bytes of a completion; the door's route takes no more.
const MOST_BYTES: usize = 256 << 10;

/// How an attempt ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The program ended by itself.
    Ended(ExitStatus),
    /// The program did not start.
    NotStarted(NotStarted),
    /// It was stopped because the run was cancelled, for this reason.
    Cancelled(String),
    /// It was stopped because its time was over.
    TimedOut,
    /// It was stopped, or found stopped, because its worker was.
    WorkerEnded,
}

/// The output of a program that ended well.
#[derive(Debug)]
pub(crate) struct Made<'a> {
    /// The directory of the attempt's output, if there is something in it.
    pub(crate) directory: Option<&'a Path>,
    /// How many bytes its files have.
    pub(crate) bytes: u64,
}

/// The report of an attempt whose program exited with 0.
pub(crate) fn success(
    envelope: &Envelope,
    worker: &str,
    result: ResultFile,
    made: &Made<'_>,
) -> Completed {
    let is_materialized = envelope.task_key.operation() == Operation::Materialize;
    let own = made.directory.and_then(Path::to_str).map(str::to_owned);
    let output = Output {
        materialization_id: None,
        row_count: result.row_count,
        byte_size: result.byte_size.or(is_materialized.then_some(made.bytes)),
        output_path: result.output_path.or(own),
        metrics: result.metrics,
        checks: result.checks,
    };
    let mut report = report(envelope, worker, Outcome::Succeeded);
    report.output = Some(output).filter(|output| *output != Output::default());
    report.findings = result.findings;
    match unfit(&report) {
        None => report,
        Some(why) => failure(envelope, worker, error(ErrorCategory::UserCode, why)),
    }
}

/// The report of an attempt that did not end well. `result` is what the program wrote, if it can be read.
pub(crate) fn of(
    ending: &Ending,
    envelope: &Envelope,
    worker: &str,
    result: Result<ResultFile, String>,
    tail: &str,
) -> Completed {
    match ending {
        Ending::Ended(status) => ended(*status, envelope, worker, result, tail),
        Ending::NotStarted(reason) => {
            let reason = error(reason.category, reason.message.clone());
            failure(envelope, worker, reason)
        }
        Ending::Cancelled(reason) => Completed {
            error: Some(error(ErrorCategory::Cancelled, reason.clone())),
            ..report(envelope, worker, Outcome::Cancelled)
        },
        Ending::TimedOut => {
            let message = "the attempt took longer than the asset's `attemptMs`".to_owned();
            let message = with_tail(message, tail);
            failure(envelope, worker, error(ErrorCategory::Timeout, message))
        }
        Ending::WorkerEnded => {
            let message = "the worker stopped while the task ran".to_owned();
            let reason = TaskError {
                retry_after_ms: Some(0),
                ..error(ErrorCategory::Infrastructure, message)
            };
            failure(envelope, worker, reason)
        }
    }
}

fn ended(
    status: ExitStatus,
    envelope: &Envelope,
    worker: &str,
    result: Result<ResultFile, String>,
    tail: &str,
) -> Completed {
    let (result, unreadable) = match result {
        Ok(result) => (result, None),
        Err(sentence) => (ResultFile::default(), Some(sentence)),
    };
    let reason = match (result.error, unreadable) {
        (Some(reason), _) => TaskError {
            message: head(&reason.message, LONGEST_MESSAGE).to_owned(),
            truncated: reason.truncated || reason.message.len() > LONGEST_MESSAGE,
            ..reason
        },
        (None, unreadable) => {
            let mut message = exit(status);
            if let Some(sentence) = unreadable {
                message = format!("{message}; {sentence}");
            }
            error(ErrorCategory::UserCode, with_tail(message, tail))
        }
    };
    let output = Output {
        metrics: result.metrics,
        checks: result.checks,
        ..Output::default()
    };
    let mut report = failure(envelope, worker, reason);
    report.output = Some(output).filter(|output| *output != Output::default());
    if unfit(&report).is_some() {
        report.output = None;
    }
    report
}

/// A report that the door may not refuse.
pub(crate) fn failure(envelope: &Envelope, worker: &str, reason: TaskError) -> Completed {
    Completed {
        error: Some(reason),
        ..report(envelope, worker, Outcome::Failed)
    }
}

/// A reason that leaves the retry to its category.
pub(crate) fn error(category: ErrorCategory, message: String) -> TaskError {
    TaskError {
        category,
        truncated: message.len() > LONGEST_MESSAGE,
        message: head(&message, LONGEST_MESSAGE).to_owned(),
        retryable: None,
        retry_after_ms: None,
    }
}

fn report(envelope: &Envelope, worker: &str, outcome: Outcome) -> Completed {
    Completed {
        attempt: envelope.attempt,
        attempt_id: Some(envelope.attempt_id),
        worker_id: worker.to_owned(),
        outcome,
        output: None,
        error: None,
        findings: None,
        extra: serde_json::Map::new(),
    }
}

/// Why the door would not take a report.
fn unfit(report: &Completed) -> Option<String> {
    let text = serde_json::to_vec(report).unwrap_or_default();
    if text.len() > MOST_BYTES {
        return Some(format!(
            "the result is larger than {MOST_BYTES} bytes; put what is large into the output"
        ));
    }
    let problem = body::canonical(&text, body::SMALL).err()?;
    let detail = problem.detail.as_deref().unwrap_or(problem.slug.title());
    Some(format!("the result cannot be reported: {detail}"))
}

fn with_tail(message: String, tail: &str) -> String {
    if tail.is_empty() {
        return message;
    }
    format!("{message}; the log ends with:\n{tail}")
}

fn exit(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(9)) => {
            "killed by signal 9 (the system sends it when memory runs out)".to_owned()
        }
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    }
}
