//! An attempt goes one way: saved, started, run, concluded on disk, reported, kept.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use arcoflow_core::identity::keys::Operation;
use arcoflow_core::wire::callback::{CallbackAnswer, Completed, Outcome};
use arcoflow_core::wire::envelope::Envelope;
use arcoflow_core::wire::event::ErrorCategory;
use rustix::fs::{FlockOperation, flock};
use tokio::sync::watch;

use super::directory::{Directory, remove_tree};
use super::heartbeat::{self, Word};
use super::hold::{Hold, Setback};
use super::log::Log;
use super::recovery::{self, Left};
use super::retention::Retention;
use super::verdict::{self, Ending, Made};
use super::{Stop, WorkerOptions, latest, output, result_file, shipping};
use crate::client::Client;
use crate::host::crash;

/// Runs programs in directories of their own.
#[derive(Debug)]
pub(crate) struct ProcessRunner {
    client: Client,
    worker_id: String,
    data_dir: PathBuf,
    pub(crate) pipeline_dir: PathBuf,
    work: PathBuf,
    retention: Arc<Retention>,
    pub(crate) stop: Stop,
    _lock: File,
}

/// One attempt at work.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) envelope: Envelope,
    pub(crate) directory: Directory,
    pub(crate) output: PathBuf,
    pub(crate) hold: Hold,
}

impl ProcessRunner {
    /// Takes possession of a data directory.
    pub(crate) fn open(
        client: Client,
        options: &WorkerOptions,
        stop: Stop,
    ) -> io::Result<ProcessRunner> {
        fs::create_dir_all(&options.data_dir)?;
        let data_dir = options.data_dir.canonicalize()?;
        let work = data_dir.join("work");
        fs::create_dir_all(&work)?;
        let lock = File::create(work.join("lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            let work = work.display();
            io::Error::other(format!("another worker works in `{work}`"))
        })?;
        Ok(ProcessRunner {
            client,
            worker_id: options.worker_id.clone(),
            retention: Arc::new(Retention::open(&data_dir, &work, options.keep)?),
            pipeline_dir: options.pipeline_dir.canonicalize()?,
            data_dir,
            work,
            stop,
            _lock: lock,
        })
    }

    /// What is to be taken up.
    pub(crate) fn left_by_an_earlier_life(&self) -> io::Result<Vec<Left>> {
        recovery::left_in(&self.work)
    }

    /// An attempt in a directory.
    pub(crate) fn attempt(&self, envelope: Envelope, directory: Directory) -> Attempt {
        let hold = Hold::new(
            self.client.clone(),
            &self.worker_id,
            &envelope,
            self.stop.clone(),
        );
        Attempt {
            output: output::directory(&self.data_dir, &envelope),
            envelope,
            directory,
            hold,
        }
    }

    /// Sees a leased attempt through to its end.
    pub(crate) async fn run(&self, envelope: Envelope) {
        let directory = Directory::of(&self.work, &envelope);
        let mut attempt = self.attempt(envelope, directory);
        if attempt.envelope.payload.inputs_truncated {
            let Ok(inputs) = attempt.hold.inputs().await else {
                return;
            };
            attempt.envelope.payload.inputs = inputs;
            attempt.envelope.payload.inputs_truncated = false;
        }
        match self.save(&attempt).await {
            Ok(()) => self.begin(&attempt).await,
            Err(error) => self.refuse(&attempt, &error).await,
        }
    }

    /// Keeps an attempt for the next life.
    pub(crate) async fn put_aside(&self, envelope: Envelope) {
        let directory = Directory::of(&self.work, &envelope);
        let _ = self.save(&self.attempt(envelope, directory)).await;
    }

    async fn save(&self, attempt: &Attempt) -> io::Result<()> {
        let (directory, envelope) = (attempt.directory.clone(), attempt.envelope.clone());
        blocking(move || directory.create(&envelope)).await
    }

    /// Reports an attempt for which there is no room on the disk.
    async fn refuse(&self, attempt: &Attempt, error: &io::Error) {
        let message = format!("the worker cannot prepare the attempt: {error}");
        let reason = verdict::error(ErrorCategory::Infrastructure, message);
        let report = verdict::failure(&attempt.envelope, &self.worker_id, reason);
        let _ = attempt.hold.completed(&report).await;
        let _ = attempt.directory.remove();
    }

    /// Claims the attempt and runs it; an attempt that is not this worker's any more is thrown away.
    pub(crate) async fn begin(&self, attempt: &Attempt) {
        let answer = match attempt.hold.started().await {
            Ok(answer) => answer,
            Err(Setback::Ending) => return,
            Err(setback) => {
                let task = attempt.envelope.task_key.as_str();
                tracing::debug!(task, %setback, "an attempt is not begun");
                let _ = attempt.directory.remove();
                return;
            }
        };
        crash::point("W2");
        let (word, heard) = watch::channel(Word::GoOn);
        let interval_ms = attempt.envelope.heartbeat_interval_ms;
        let beat = heartbeat::beat(&attempt.hold, &attempt.directory, interval_ms, &word);
        let work = self.work(attempt, &answer, heard);
        tokio::pin!(work);
        // The heart beats until the door has the report.
        tokio::select! {
            biased;
            () = &mut work => return,
            () = beat => {}
        }
        work.await;
    }

    /// Runs the program, concludes, and reports.
    async fn work(&self, attempt: &Attempt, answer: &CallbackAnswer, heard: watch::Receiver<Word>) {
        let log = Arc::new(Log::new());
        let log_path = attempt.directory.log_path();
        let ship = shipping::ship(&attempt.hold, &log_path, log.watch());
        let execute = async {
            let ending = self.execute(attempt, answer, heard, &log).await;
            let report = match ending {
                Ok(ending) => Ok(self.judge(attempt, &ending, &log).await),
                Err(why) => {
                    log.close();
                    Err(why)
                }
            };
            if let Ok(report) = &report {
                self.conclude(attempt, report).await;
            }
            report
        };
        let (report, _) = tokio::join!(execute, ship);
        match report {
            Ok(report) => self.report(attempt, report).await,
            Err(why) => self.throw_away(attempt, &why).await,
        }
    }

    /// What is to be reported.
    async fn judge(&self, attempt: &Attempt, ending: &Ending, log: &Log) -> Completed {
        let path = attempt.directory.result_path();
        let result = blocking(move || Ok(result_file::read(&path))).await;
        let mut result = result.unwrap_or_else(|error| Err(error.to_string()));
        let succeeded = matches!(ending, Ending::Ended(status) if status.success());
        if let Ok(result) = &mut result {
            for note in notes(result, succeeded) {
                let _ = log.note(&attempt.directory.log_path(), &note).await;
            }
        }
        log.close();
        let (envelope, worker) = (&attempt.envelope, self.worker_id.as_str());
        match (succeeded, result) {
            (true, Ok(result)) => match self.make_durable(attempt).await {
                Ok((bytes, directory)) => {
                    let directory = directory.as_deref();
                    verdict::success(envelope, worker, result, &Made { directory, bytes })
                }
                Err(error) => {
                    let message = format!("the output cannot be made durable: {error}");
                    let reason = verdict::error(ErrorCategory::Infrastructure, message);
                    verdict::failure(envelope, worker, reason)
                }
            },
            (true, Err(sentence)) => {
                let reason = verdict::error(ErrorCategory::UserCode, sentence);
                verdict::failure(envelope, worker, reason)
            }
            (false, result) => verdict::of(ending, envelope, worker, result, &log.tail()),
        }
    }

    /// The bytes of the output and where it is; a check that wrote nothing has none.
    async fn make_durable(&self, attempt: &Attempt) -> io::Result<(u64, Option<PathBuf>)> {
        let (root, out) = (self.data_dir.clone(), attempt.output.clone());
        let is_check = attempt.envelope.task_key.operation() == Operation::Check;
        blocking(move || {
            if is_check && output::remove_if_empty(&out) {
                return Ok((0, None));
            }
            Ok((output::make_durable(&root, &out)?, Some(out)))
        })
        .await
    }

    /// Puts a report on disk. What cannot be put there is reported all the same: a repetition with another report is refused.
    pub(crate) async fn conclude(&self, attempt: &Attempt, report: &Completed) {
        let (directory, report) = (attempt.directory.clone(), report.clone());
        if let Err(error) = blocking(move || directory.conclude(&report)).await {
            tracing::warn!(%error, "an outcome could not be put on disk");
        }
    }

    /// Tells the door how the attempt ended, for as long as it takes.
    pub(crate) async fn report(&self, attempt: &Attempt, mut report: Completed) {
        crash::point("W3");
        let mut answer = attempt.hold.completed(&report).await;
        if let Err(Setback::Unfit(why)) = &answer {
            let message = format!("the door did not take the report of the task: {why}");
            let reason = verdict::error(ErrorCategory::UserCode, message);
            report = verdict::failure(&attempt.envelope, &self.worker_id, reason);
            self.conclude(attempt, &report).await;
            answer = attempt.hold.completed(&report).await;
        }
        crash::point("W4");
        match answer {
            Ok(_) => self.settle(attempt, &report).await,
            // The report stands on disk, and the next life sends it.
            Err(Setback::Ending) => {}
            Err(setback) => self.throw_away(attempt, &setback.to_string()).await,
        }
    }

    /// Publishes what was reported, and keeps the attempt's directory for a while.
    async fn settle(&self, attempt: &Attempt, report: &Completed) {
        let made = report.outcome == Outcome::Succeeded
            && attempt.envelope.task_key.operation() == Operation::Materialize;
        let (data_dir, retention) = (self.data_dir.clone(), self.retention.clone());
        let (directory, envelope) = (attempt.directory.clone(), attempt.envelope.clone());
        let kept = blocking(move || {
            if made {
                latest::point_at_output(&data_dir, &envelope)?;
            }
            retention.keep(&directory)
        });
        if let Err(error) = kept.await {
            let task = attempt.envelope.task_key.as_str();
            tracing::warn!(task, %error, "a finished attempt could not be put away");
        }
    }

    /// Removes everything of an attempt that has no say any more.
    async fn throw_away(&self, attempt: &Attempt, why: &str) {
        let task = attempt.envelope.task_key.as_str();
        tracing::warn!(task, why, "an attempt is not this worker's any more");
        let (directory, out) = (attempt.directory.clone(), attempt.output.clone());
        let removed = blocking(move || {
            remove_tree(&out)?;
            directory.remove()
        });
        if let Err(error) = removed.await {
            tracing::warn!(task, %error, "a lost attempt could not be removed");
        }
    }
}

/// What the program's author should hear about a result that can be read.
fn notes(result: &result_file::ResultFile, succeeded: bool) -> Vec<String> {
    let mut notes: Vec<String> = result
        .unknown
        .iter()
        .map(|member| format!("nobody reads the member `{member}` of `result.json`"))
        .collect();
    if succeeded && result.error.is_some() {
        notes.push("`result.json` has an error, but exit code 0 is a success".to_owned());
    }
    notes
}

/// Work on the disk, where it keeps nobody from the network.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}
