//! One process is a whole house: the door on its file, the scheduler beside it, and HTTP in front, on one port.

pub mod credentials;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use arcoflow_core::door::config::Config;
use arcoflow_core::run::world::Limits;
use tokio::net::TcpListener;
use tokio::sync::watch;

use self::credentials::{Connection, CredentialError, Credentials};
use crate::client::Client;
use crate::client::transport::Transport;
use crate::decider::{self, Progress};
use crate::host::door::{DoorError, LocalDoor};
use crate::host::entropy;
use crate::host::http::{Patience, Server};
use crate::host::lock::{DataLock, LockError};

/// The port of a door that was given none.
pub const DEFAULT_PORT: u16 = 2726;

/// What a local house is made of.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// Where everything is kept; made when it is missing.
    pub data_dir: PathBuf,
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether this process decides.
    pub scheduler: bool,
    /// How many places there are.
    pub limits: Limits,
    /// How long callers may take to say what they want.
    pub patience: Patience,
}

impl LocalOptions {
    /// A house in a directory, on the default port of the loopback address.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> LocalOptions {
        LocalOptions {
            data_dir: data_dir.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], DEFAULT_PORT)),
            scheduler: true,
            limits: Limits::default(),
            patience: Patience::default(),
        }
    }
}

/// Why a local house does not start.
#[derive(Debug)]
pub enum LocalError {
    /// Another process has the directory, or it cannot be made.
    Lock(LockError),
    /// The door cannot be opened.
    Door(DoorError),
    /// The credentials cannot be read or made.
    Credentials(CredentialError),
    /// The address is taken, or not this machine's.
    Listen(SocketAddr, std::io::Error),
    /// No thread can be started.
    Thread(std::io::Error),
}

impl std::fmt::Display for LocalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LocalError::Lock(error) => error.fmt(f),
            LocalError::Door(error) => error.fmt(f),
            LocalError::Credentials(error) => error.fmt(f),
            LocalError::Listen(address, error) => write!(
                f,
                "cannot listen on `{address}`: {error}; choose another port with `--listen`, 0 for a free one"
            ),
            LocalError::Thread(error) => write!(f, "no thread can be started: {error}"),
        }
    }
}

impl std::error::Error for LocalError {}

/// A local house at work.
#[derive(Debug)]
pub struct Local {
    /// Where it listens, for instance `http://127.0.0.1:2726`.
    pub url: String,
    /// An API key that may do everything.
    pub api_key: String,
    /// A client that takes the short way into this process.
    pub client: Client,
    /// What the scheduler shows of itself.
    pub progress: watch::Receiver<Progress>,
    door: LocalDoor,
    server: Server,
    stop: watch::Sender<bool>,
    scheduler: Option<std::thread::JoinHandle<()>>,
}

impl Local {
    /// Starts everything. It is reachable when this returns.
    ///
    /// # Errors
    /// [`LocalError`]
    pub async fn start(options: LocalOptions) -> Result<Local, LocalError> {
        let directory = options.data_dir.as_path();
        // Whoever has the lock owns every file in the directory.
        let lock = DataLock::take(directory).map_err(LocalError::Lock)?;
        let credentials = Credentials::load_or_make(directory).map_err(LocalError::Credentials)?;
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(|error| LocalError::Listen(options.listen, error))?;
        let address = listener
            .local_addr()
            .map_err(|error| LocalError::Listen(options.listen, error))?;
        let url = format!("http://{}", reachable(address));
        let mut config = Config::new(credentials.scope.clone(), &url);
        credentials.apply(&mut config);
        config.plan_tasks = options.limits.plan_tasks;
        let door = LocalDoor::open(lock, config).map_err(LocalError::Door)?;
        let connection = Connection {
            url: url.clone(),
            key: credentials.key.clone(),
            elsewhere: false,
        };
        connection
            .save(directory)
            .map_err(LocalError::Credentials)?;
        let server = Server::start(listener, door.clone(), options.patience)
            .map_err(|error| LocalError::Listen(options.listen, error))?;
        let client = Client::over(Transport::Local(door.clone()), &credentials.key);
        let (stop, stopped) = watch::channel(false);
        let (shown, progress) = watch::channel(Progress::default());
        let scheduler = if options.scheduler {
            let options = decider::Options {
                holder: holder("local"),
                lease: Duration::from_secs(30),
                take_over: true,
                limits: options.limits,
            };
            Some(
                decide_apart(client.clone(), options, shown, stopped)
                    .map_err(LocalError::Thread)?,
            )
        } else {
            None
        };
        Ok(Local {
            url,
            api_key: connection.key,
            client,
            progress,
            door,
            server,
            stop,
            scheduler,
        })
    }

    /// The door itself.
    #[must_use]
    pub fn door(&self) -> &LocalDoor {
        &self.door
    }

    /// Ends everything in good order: nothing new is taken, what has come is answered, the ledger is closed.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        self.door.release();
        self.server.stop().await;
        let (door, scheduler) = (self.door, self.scheduler);
        let ended = tokio::task::spawn_blocking(move || {
            if let Some(scheduler) = scheduler {
                let _ = scheduler.join();
            }
            door.close();
        });
        let _ = ended.await;
    }
}

/// The scheduler has a thread of its own, because compiling a large plan takes long enough to hold up callers.
pub(crate) fn decide_apart(
    client: Client,
    options: decider::Options,
    progress: watch::Sender<Progress>,
    stop: watch::Receiver<bool>,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new()
        .name("scheduler".to_owned())
        .spawn(move || runtime.block_on(decider::run(client, options, progress, stop)))
}

/// A name that no other scheduler has, so that the lease of one that was killed is not taken for ours.
pub(crate) fn holder(kind: &str) -> String {
    let name: String = entropy::bytes::<4>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{kind}-{name}")
}

/// An address that listens everywhere is reached at the loopback address.
fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    let loopback: std::net::IpAddr = if address.is_ipv4() {
        std::net::Ipv4Addr::LOCALHOST.into()
    } else {
        std::net::Ipv6Addr::LOCALHOST.into()
    };
    SocketAddr::new(loopback, address.port())
}
