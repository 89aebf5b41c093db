//! A worker does what it leased and reports how it ended; what it reports is on its disk before the door hears of it.

mod leasing;
pub mod identity;
mod hold;
mod no_op;
mod process_runner;
mod execution;
mod directory;
mod output;
mod latest;
mod group;
mod orphan;
mod log;
mod shipping;
mod heartbeat;
mod result_file;
mod verdict;
mod recovery;
mod retention;
#[cfg(test)]
mod sample;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arcoflow_core::wire::envelope::Envelope;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::leasing::Leasing;
use self::no_op::NoOp;
use self::process_runner::ProcessRunner;
use crate::client::Client;

/// How a worker works.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// The worker's name at the door: 1 to 128 letters, digits or `-_.:@/`. The attempts of an earlier life of the same data directory
    /// are spoken for under this name, so it does not change; see [`identity::persistent_id`].
    pub worker_id: String,
    /// The queues that it serves, 1 to 64.
    pub queues: Vec<String>,
    /// How many tasks run at once; at least 1. [`default_slots`] is one for each core.
    pub slots: usize,
    /// Where `work/`, `out/` and `latest/` are.
    pub data_dir: PathBuf,
    /// The directory of the pipeline file, in which programs run.
    pub pipeline_dir: PathBuf,
    /// How many directories of finished attempts stay for a person to look at.
    pub keep: usize,
}

/// One slot for each core.
#[must_use]
pub fn default_slots() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// What is done with a leased task.
#[derive(Debug)]
pub(crate) enum Runner {
    /// Its program is run.
    Process(Arc<ProcessRunner>),
    /// It is reported as done at once: what is left is the cost of the machinery.
    NoOp(NoOp),
}

impl Runner {
    /// Sees a leased attempt through to its end.
    async fn run(&self, envelope: Envelope) {
        match self {
            Runner::Process(runner) => runner.run(envelope).await,
            Runner::NoOp(runner) => runner.run(envelope).await,
        }
    }

    /// Puts an attempt aside that was leased in the last moment; the next life of the worker begins it.
    async fn put_aside(&self, envelope: Envelope) {
        match self {
            Runner::Process(runner) => runner.put_aside(envelope).await,
            Runner::NoOp(_) => {}
        }
    }
}

/// A worker at work.
#[derive(Debug)]
pub struct Worker {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Worker {
    /// Starts a worker that runs programs. It first takes up what an earlier life of the same data directory left, while it already
    /// leases.
    ///
    /// Must be called in a tokio runtime.
    ///
    /// # Errors
    /// When the data directory cannot be written, or another worker works in it.
    pub fn start(client: Client, options: WorkerOptions) -> io::Result<Worker> {
        let (stop, stopped) = watch::channel(false);
        let stop_of_runner = Stop(stopped.clone());
        let runner = ProcessRunner::open(client.clone(), &options, stop_of_runner)?;
        let runner = Arc::new(runner);
        let left = runner.left_by_an_earlier_life()?;
        let leasing = Leasing {
            client,
            worker_id: options.worker_id,
            queues: options.queues,
            slots: options.slots.max(1),
            runner: Arc::new(Runner::Process(runner.clone())),
            stop: Stop(stopped),
        };
        let task = tokio::spawn(leasing.work(Some((runner, left))));
        Ok(Worker { stop, task })
    }

    /// Starts a worker that reports every task as done at once, for measurements.
    ///
    /// Must be called in a tokio runtime.
    #[must_use]
    pub fn start_no_op(
        client: Client,
        worker_id: String,
        queues: Vec<String>,
        slots: usize,
    ) -> Worker {
        let (stop, stopped) = watch::channel(false);
        let no_op = NoOp {
            client: client.clone(),
            worker_id: worker_id.clone(),
            stop: Stop(stopped.clone()),
        };
        let leasing = Leasing {
            client,
            worker_id,
            queues,
            slots: slots.max(1),
            runner: Arc::new(Runner::NoOp(no_op)),
            stop: Stop(stopped),
        };
        let task = tokio::spawn(leasing.work(None));
        Worker { stop, task }
    }

    /// Ends the worker: nothing more is leased, programs are told to stop (and killed when they do not), and what ran is reported so
    /// that it is tried again at once. Takes some seconds at most; what the door did not hear of by then, it hears at the next start.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

/// The wish that the worker ends; a worker that was dropped is to end, too.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Waits for the wish.
    async fn wished(&self) {
        let mut receiver = self.0.clone();
        let _ = receiver.wait_for(|wished| *wished).await;
    }

    /// Waits for the wish, and so long after it.
    async fn wished_since(&self, time: Duration) {
        self.wished().await;
        tokio::time::sleep(time).await;
    }
}
