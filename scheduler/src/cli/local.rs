//! A house is a door, a scheduler and a worker in this process, over one directory and one port.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::screen::{Screen, Tone};
use crate::cli::table::Table;
use crate::client::Client;
use crate::host::lock::LockError;
use crate::local::{DEFAULT_PORT, Local, LocalError, LocalOptions};
use edge::EdgeHouse;

use crate::worker::{Worker, WorkerOptions, default_slots, identity};

pub(crate) mod demo;
pub(crate) mod dev;
pub(crate) mod serve;
pub(crate) mod scheduler;
mod edge;

/// The exit code of a process that was interrupted, as shells write it.
pub(crate) const INTERRUPTED: i32 = 130;
/// Directories of finished attempts that stay for a person to look at.
const KEPT: usize = 1_000;

/// The default address of a door: this machine only.
pub(crate) fn default_listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT))
}

/// A door and a scheduler, and a worker when there is one.
pub(crate) struct House {
    local: Local,
    worker: Option<Worker>,
}

/// What a worker of this process works on.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    /// The directory that programs run in.
    pub(crate) pipeline_dir: PathBuf,
    /// How many tasks run at once; one for each core when absent.
    pub(crate) slots: Option<usize>,
    /// The queues that it serves.
    pub(crate) queues: Vec<String>,
}

impl House {
    /// Opens a house over a data directory.
    pub(crate) async fn open(options: LocalOptions, work: Option<&Work>) -> Outcome<House> {
        let data = options.data_dir.clone();
        let local = Local::start(options)
            .await
            .map_err(|error| refuse(&error))?;
        let worker = match work {
            Some(work) => Some(start_worker(local.client.clone(), &data, work)?),
            None => None,
        };
        Ok(House { local, worker })
    }

    /// A client of the door.
    pub(crate) fn client(&self) -> Client {
        self.local.client.clone()
    }

    /// Where the door is.
    pub(crate) fn url(&self) -> &str {
        &self.local.url
    }

    /// Ends everything: programs first, then the scheduler, then the door.
    pub(crate) async fn close(self) {
        if let Some(worker) = self.worker {
            worker.shutdown().await;
        }
        self.local.shutdown().await;
    }
}

/// A house whose door is in this process, or on local workerd.
pub(crate) enum Home {
    Here(House),
    Edge(EdgeHouse),
}

impl Home {
    /// Opens a house over a data directory, with its door on workerd when `edge`.
    pub(crate) async fn open(
        screen: &Screen,
        data: &Path,
        listen: SocketAddr,
        work: &Work,
        edge: bool,
    ) -> Outcome<Home> {
        if edge {
            let house = EdgeHouse::open(screen, data, listen.port(), work).await?;
            Ok(Home::Edge(house))
        } else {
            let options = LocalOptions {
                listen,
                ..LocalOptions::new(data)
            };
            Ok(Home::Here(House::open(options, Some(work)).await?))
        }
    }

    /// A client of the door.
    pub(crate) fn client(&self) -> Client {
        match self {
            Home::Here(house) => house.client(),
            Home::Edge(house) => house.client(),
        }
    }

    /// Where the door is.
    pub(crate) fn url(&self) -> &str {
        match self {
            Home::Here(house) => house.url(),
            Home::Edge(house) => house.url(),
        }
    }

    /// Ends everything.
    pub(crate) async fn close(self) {
        match self {
            Home::Here(house) => house.close().await,
            Home::Edge(house) => house.close().await,
        }
    }
}

/// Starts a worker over a data directory.
pub(crate) fn start_worker(client: Client, data: &Path, work: &Work) -> Outcome<Worker> {
    let fault = |error: std::io::Error| {
        Failure::new(Exit::Conflict, format!("the worker cannot start: {error}")).at(data.display())
    };
    let options = WorkerOptions {
        worker_id: identity::persistent_id(data).map_err(fault)?,
        queues: work.queues.clone(),
        slots: work.slots.unwrap_or_else(default_slots),
        data_dir: data.to_path_buf(),
        pipeline_dir: work.pipeline_dir.clone(),
        keep: KEPT,
    };
    Worker::start(client, options).map_err(fault)
}

fn refuse(error: &LocalError) -> Failure {
    let failure = Failure::new(Exit::Conflict, error.to_string());
    match error {
        LocalError::Lock(LockError::Held { .. }) => failure
            .hint("talk to the one that runs: `arcoflow status`, `arcoflow run --all --wait`"),
        _ => failure.hint("`arcoflow doctor` looks at the directory, the disk and the port"),
    }
}

/// What a house tells about itself when it stands.
pub(crate) fn show_banner(screen: &Screen, facts: &[(&str, String)]) {
    let head = format!("arcoflow {}", env!("CARGO_PKG_VERSION"));
    screen.note(screen.paint_note(head, Tone::Strong));
    let mut table = Table::new(&[]).indent(2);
    for (name, said) in facts {
        table.row([screen.paint_note(name, Tone::Quiet), said.clone()]);
    }
    screen.note(table.to_text(screen.width).trim_end());
}

/// Waits until somebody wants this process to end: an interrupt, or what service managers send.
pub(crate) async fn wanted_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// A path as it is short to type from here.
pub(crate) fn short(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let shorter = path
        .strip_prefix(&here)
        .or(path.strip_prefix("./"))
        .unwrap_or(path);
    if shorter.as_os_str().is_empty() {
        ".".to_string()
    } else {
        shorter.display().to_string()
    }
}
