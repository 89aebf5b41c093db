//! The edge can be on this machine: workerd, which is what Cloudflare runs, is built, started and watched like any other door.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use super::scheduler;
use super::{Work, start_worker};
use crate::cli::connection::checkout;
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::screen::{Screen, Tone};
use crate::client::Client;
use crate::host::lock::DataLock;
use crate::local::credentials::Connection;
use crate::worker::Worker;

/// How long workerd may take to answer.
const START: Duration = Duration::from_secs(30);

/// A door on local workerd, with a scheduler and a worker of this process that reach it over HTTP alone.
pub(crate) struct EdgeHouse {
    client: Client,
    server: Child,
    worker: Option<Worker>,
    stop: watch::Sender<bool>,
    _lock: DataLock,
}

impl EdgeHouse {
    /// Builds what is missing, and starts everything over a data directory.
    pub(crate) async fn open(
        screen: &Screen,
        data: &Path,
        port: u16,
        work: &Work,
    ) -> Outcome<EdgeHouse> {
        let edge = build(screen).await?;
        let lock = DataLock::take(data).map_err(|error| {
            Failure::new(Exit::Conflict, error.to_string())
                .hint("talk to the one that runs: `arcoflow status`")
        })?;
        let server = serve(&edge, data, port)?;
        let (server, client) = reach(server, data).await?;
        let (stop, stopped) = watch::channel(false);
        let progress = scheduler::start(client.clone(), stopped)?;
        let told = screen.clone();
        tokio::spawn(async move { scheduler::tell_roles(&told, progress).await });
        let worker = start_worker(client.clone(), data, work)?;
        Ok(EdgeHouse {
            client,
            server,
            worker: Some(worker),
            stop,
            _lock: lock,
        })
    }

    /// A client of the door, which waits while workerd is started again.
    pub(crate) fn client(&self) -> Client {
        self.client.clone().patient(START)
    }

    /// Where the door is.
    pub(crate) fn url(&self) -> &str {
        self.client.base_url()
    }

    /// Ends everything: programs first, then the scheduler, then workerd.
    pub(crate) async fn close(mut self) {
        if let Some(worker) = self.worker.take() {
            worker.shutdown().await;
        }
        self.stop.send_replace(true);
        // The runner ends workerd when its input closes.
        drop(self.server.stdin.take());
        let _ = tokio::time::timeout(Duration::from_secs(5), self.server.wait()).await;
    }
}

/// Installs and builds what the edge needs; the answer is its directory.
async fn build(screen: &Screen) -> Outcome<PathBuf> {
    let root = checkout().ok_or_else(|| {
        Failure::usage("the edge is not here")
            .at("no `edge/serve.mjs` in this directory or above")
            .hint("run this in a checkout of arcoflow")
    })?;
    screen.note(screen.paint_note(
        "building the edge; the first time takes some minutes",
        Tone::Quiet,
    ));
    let status = Command::new("cargo")
        .args(["xtask", "edge", "build"])
        .current_dir(&root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .await;
    match status {
        Ok(status) if status.success() => Ok(root.join("edge")),
        Ok(status) => Err(Failure::new(
            Exit::Unreachable,
            format!("`cargo xtask edge build` ended with {status}"),
        )
        .hint("its own words stand above")),
        Err(error) => Err(Failure::new(
            Exit::Unreachable,
            format!("cargo does not start: {error}"),
        )
        .hint("the edge is built with cargo and npm")),
    }
}

fn serve(edge: &Path, data: &Path, port: u16) -> Outcome<Child> {
    Command::new("node")
        .arg(edge.join("serve.mjs"))
        .arg("--data")
        .arg(data)
        .args(["--port", &port.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        // An interrupt at the terminal is for this process, which ends workerd in its turn.
        .process_group(0)
        .spawn()
        .map_err(|error| {
            Failure::new(Exit::Unreachable, format!("node does not start: {error}"))
                .hint("install Node 20 or later")
        })
}

/// Waits for the first line of the runner, and then for the object behind `/health`.
async fn reach(mut server: Child, data: &Path) -> Outcome<(Child, Client)> {
    let silent = || {
        Failure::new(Exit::Unreachable, "workerd does not answer")
            .hint("its own words stand above; another port may help: `--port 0`")
    };
    let output = server.stdout.take().ok_or_else(silent)?;
    let mut lines = BufReader::new(output).lines();
    let first = tokio::time::timeout(START, lines.next_line()).await;
    if !matches!(first, Ok(Ok(Some(_)))) {
        return Err(silent());
    }
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let connection = Connection::load(data)
        .map_err(|error| Failure::usage(error.to_string()))?
        .ok_or_else(silent)?;
    let client = Client::remote(&connection.url, &connection.key)?;
    client.clone().patient(START).health().await?;
    Ok((server, client))
}
