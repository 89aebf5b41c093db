//! A verb finds its door by argument, by environment, or by the directory that it is called in.

use std::path::{Path, PathBuf};

use arcoflow_core::door::config::Config;

use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::local::short;
use crate::cli::pipeline::FILE_NAMES;
use crate::cli::screen::Screen;
use crate::client::Client;
use crate::client::transport::Transport;
use crate::host::door::{LEDGER, LocalDoor};
use crate::host::lock::{DataLock, LockError};
use crate::local::DEFAULT_PORT;
use crate::local::credentials::{CONNECTION, Connection, Credentials};

/// The directory beside a pipeline file that holds everything local.
pub(crate) const DATA_DIR: &str = ".arcoflow";
/// The example that the demo runs.
const EXAMPLE: &str = "examples/weather";

/// What a verb works with.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// Where output goes.
    pub(crate) screen: Screen,
    url: Option<String>,
    token: Option<String>,
}

impl Context {
    /// What a verb works with.
    pub(crate) fn new(json: bool, url: Option<String>, token: Option<String>) -> Context {
        Context {
            screen: Screen::new(json),
            url,
            token,
        }
    }

    /// The same with another door.
    pub(crate) fn at(&self, url: &str) -> Context {
        Context {
            url: Some(url.to_string()),
            ..self.clone()
        }
    }

    /// A client of the door that the verb is about; the door must run.
    pub(crate) fn client(&self) -> Outcome<Client> {
        if let Some(url) = &self.url {
            let client = Client::remote(url, &self.key_of(url)?)?;
            return Ok(client);
        }
        let (data, connection) = started_here()?;
        if !connection.elsewhere && is_free(&data)? {
            return Err(Failure::new(
                Exit::Unreachable,
                "the door that was started here does not run",
            )
            .at(data.display())
            .hint(format!(
                "start it: `arcoflow dev {}`",
                short(data.parent().unwrap_or(&data))
            )));
        }
        self.client_of(&connection)
    }

    /// A client that reads, also when the door that was started here does not run: then its ledger is opened in this process.
    pub(crate) fn reader(&self) -> Outcome<Client> {
        if self.url.is_some() {
            return self.client();
        }
        let (data, connection) = started_here()?;
        if connection.elsewhere {
            return self.client_of(&connection);
        }
        match DataLock::take(&data) {
            Ok(lock) => open(&data, lock),
            Err(LockError::Held { .. }) => self.client_of(&connection),
            Err(error) => Err(Failure::new(Exit::Unreachable, error.to_string())),
        }
    }

    fn client_of(&self, connection: &Connection) -> Outcome<Client> {
        let key = self.token.as_ref().unwrap_or(&connection.key);
        Ok(Client::remote(&connection.url, key)?)
    }

    /// The key that was given, or that of the door that was started here when it is the same door.
    fn key_of(&self, url: &str) -> Outcome<String> {
        let bare = |url: &str| url.trim_end_matches('/').to_string();
        let local = started_here()
            .ok()
            .filter(|(_, local)| bare(&local.url) == bare(url));
        let key = self.token.clone().or(local.map(|(_, local)| local.key));
        key.ok_or_else(|| {
            Failure::usage(format!("there is no API key for `{url}`"))
                .hint("set `ARCOFLOW_TOKEN` or `--token`")
        })
    }

    /// The database of the door that was started here, unless another door was named.
    pub(crate) fn ledger_file(&self) -> Option<PathBuf> {
        if self.url.is_some() {
            return None;
        }
        let (data, connection) = started_here().ok()?;
        let ledger = data.join(LEDGER);
        (!connection.elsewhere && ledger.is_file()).then_some(ledger)
    }

    /// The data directory of the door that was started here, in this directory, above it, or in the example.
    pub(crate) fn data_dir(&self) -> Option<PathBuf> {
        started_here().ok().map(|(data, _)| data)
    }
}

/// The same client at one ledger, of a workspace that may have several; without a number the door chooses, and that is the first.
pub(crate) async fn at_ledger(client: Client, shard: Option<u32>) -> Outcome<Client> {
    let Some(shard) = shard else {
        return Ok(client);
    };
    match client.shards().await? {
        1 if shard == 0 => Ok(client),
        shards if shard < shards => Ok(client.at_shard(shard)),
        1 => Err(
            Failure::usage(format!("there is no ledger {shard}: the workspace has one"))
                .hint("leave `--shard` away"),
        ),
        shards => Err(Failure::usage(format!(
            "there is no ledger {shard}: the workspace has {shards}"
        ))
        .hint(format!(
            "ledgers are `--shard 0` to `--shard {}`",
            shards - 1
        ))),
    }
}

/// The data directory and the connection of the door that was started in this directory, above it, or in the example.
fn started_here() -> Outcome<(PathBuf, Connection)> {
    let missing = || {
        Failure::new(Exit::Unreachable, "no door was ever started here")
            .at("no `.arcoflow/client.json` in this directory or above")
            .hint("start one with `arcoflow dev PIPELINE_DIR`, or name one with `--url` and `--token`")
    };
    let file = candidates()
        .into_iter()
        .find(|file| file.is_file())
        .ok_or_else(missing)?;
    let data = file.parent().unwrap_or(Path::new(".")).to_path_buf();
    let connection = Connection::load(&data).map_err(|error| {
        Failure::usage(error.to_string()).hint("start the door again: `arcoflow dev PIPELINE_DIR`")
    })?;
    Ok((data, connection.ok_or_else(missing)?))
}

/// Whether no process has the data directory.
fn is_free(data: &Path) -> Outcome<bool> {
    match DataLock::take(data) {
        Ok(_) => Ok(true),
        Err(LockError::Held { .. }) => Ok(false),
        Err(error) => Err(Failure::new(Exit::Unreachable, error.to_string())),
    }
}

fn candidates() -> Vec<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let above = here.ancestors().map(|directory| directory.join(DATA_DIR));
    let mut files: Vec<PathBuf> = above.map(|data| data.join(CONNECTION)).collect();
    if let Some(example) = here.ancestors().find_map(example_in) {
        files.push(example.join(DATA_DIR).join(CONNECTION));
    }
    files
}

/// A client of the door over a directory, opened in this process.
fn open(data: &Path, lock: DataLock) -> Outcome<Client> {
    let fault = |detail: String| {
        Failure::new(Exit::Unreachable, detail)
            .at(data.display())
            .hint("`arcoflow doctor` looks at the directory")
    };
    let credentials = Credentials::load_or_make(data).map_err(|error| fault(error.to_string()))?;
    let mut config = Config::new(
        credentials.scope.clone(),
        &format!("http://localhost:{DEFAULT_PORT}"),
    );
    credentials.apply(&mut config);
    let door = LocalDoor::open(lock, config).map_err(|error| fault(error.to_string()))?;
    Ok(Client::over(Transport::Local(door), &credentials.key))
}

/// The directory of the example: in this directory, above it, or in the checkout that the program was built from.
pub(crate) fn example_dir() -> Option<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    here.ancestors().chain(checkout).find_map(example_in)
}

/// The checkout that has the edge: this directory, one above it, or the one that the program was built from.
pub(crate) fn checkout() -> Option<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let mut candidates = here.ancestors().chain(built_from);
    candidates
        .find(|directory| directory.join("edge/serve.mjs").is_file())
        .map(Path::to_path_buf)
}

fn example_in(directory: &Path) -> Option<PathBuf> {
    let example = directory.join(EXAMPLE);
    example.join(FILE_NAMES[0]).is_file().then_some(example)
}
