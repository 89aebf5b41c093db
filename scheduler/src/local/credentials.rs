//! A local door makes its own keys at its first start; they are readable by their owner only, and the API keys only as digests.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use arcoflow_core::door::config::Config;
use arcoflow_core::door::credential::{Credential, Permission, key_of};
use arcoflow_core::door::keyring::{Keyring, SigningKey};
use arcoflow_core::door::token::KeyStage;
use arcoflow_core::identity::keys::{TenantId, WorkspaceId};
use arcoflow_core::wire::scope::Scope;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::host::entropy;

/// The name of the file with the keys of a door.
pub const CREDENTIALS: &str = "credentials.json";
/// The name of the file that tells the commands of this directory where its door is.
pub const CONNECTION: &str = "client.json";

/// The keys of a local door, and the one key that its owner uses.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Whose workspace it is.
    pub scope: Scope,
    /// The API key of the owner.
    pub key: String,
    keyring: Keyring,
}

/// Where a door is, and how to come in.
#[derive(Clone, Serialize, Deserialize)]
pub struct Connection {
    /// The base URL.
    pub url: String,
    /// An API key.
    pub key: String,
    /// Whether the door is another program's, which keeps the ledger where only it can read it.
    #[serde(default)]
    pub elsewhere: bool,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// A file with keys that cannot be used.
#[derive(Debug)]
pub enum CredentialError {
    /// It cannot be read or written.
    Io(PathBuf, std::io::Error),
    /// It does not say what it should.
    Shape(PathBuf, String),
    /// It is of a workspace that is split over several ledgers.
    Split(PathBuf, u32),
}

impl std::fmt::Display for CredentialError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CredentialError::Io(path, error) => {
                write!(f, "cannot use `{}`: {error}", path.display())
            }
            CredentialError::Shape(path, sentence) => write!(
                f,
                "`{}` is not what arcoflow wrote: {sentence}; restore it, or remove it for new keys",
                path.display()
            ),
            CredentialError::Split(path, shards) => write!(
                f,
                "`{}` splits its workspace over {shards} ledgers, and a local door has one; serve it with `node edge/serve.mjs`, or start here with another `--data` directory",
                path.display()
            ),
        }
    }
}

impl std::error::Error for CredentialError {}

impl Credentials {
    /// Reads the keys of a directory, or makes them when there are none.
    ///
    /// # Errors
    /// [`CredentialError`]
    pub fn load_or_make(directory: &Path) -> Result<Credentials, CredentialError> {
        let path = directory.join(CREDENTIALS);
        std::fs::create_dir_all(directory)
            .map_err(|error| CredentialError::Io(directory.to_owned(), error))?;
        let known: Option<Connection> = load(&directory.join(CONNECTION))?;
        let (mut keyring, is_new) = match read(&path)? {
            Some(text) => {
                let shape = |sentence| CredentialError::Shape(path.clone(), sentence);
                let keyring = Keyring::parse(&text).map_err(shape)?;
                if keyring.shards > 1 {
                    return Err(CredentialError::Split(path, keyring.shards));
                }
                (keyring, false)
            }
            None => (fresh(&path)?, true),
        };
        let known = known.map(|connection| connection.key).filter(|key| {
            arcoflow_core::door::credential::find(&keyring.credentials, key).is_some()
        });
        let is_known = known.is_some();
        let key = known.unwrap_or_else(|| add_owner(&mut keyring));
        if is_new || !is_known {
            save(&path, &keyring)?;
        }
        let scope = keyring.scope();
        Ok(Credentials {
            scope,
            key,
            keyring,
        })
    }

    /// Tells a door who may come in, and which keys sign.
    pub fn apply(&self, config: &mut Config) {
        let told = self.keyring.config(&config.base_url);
        config.audience = told.audience;
        config.credentials = told.credentials;
        config.token_keys = told.token_keys;
        config.webhooks = told.webhooks;
    }
}

/// The keys of a door that starts for the first time.
fn fresh(path: &Path) -> Result<Keyring, CredentialError> {
    let name = |error: arcoflow_core::identity::error::Error| {
        CredentialError::Shape(path.to_owned(), error.to_string())
    };
    Ok(Keyring {
        tenant: TenantId::parse("local").map_err(name)?,
        workspace: WorkspaceId::parse("default").map_err(name)?,
        audience: format!("arcoflow-local-{}", hex(&entropy::bytes::<8>())),
        token_keys: vec![SigningKey {
            id: "k1".to_owned(),
            secret: hex(&entropy::bytes::<32>()),
            stage: KeyStage::Active,
        }],
        credentials: Vec::new(),
        shards: 1,
        webhooks: Vec::new(),
    })
}

/// Adds a key for the owner. Keys that were given out before stay good.
fn add_owner(keyring: &mut Keyring) -> String {
    let name = match keyring.credentials.len() {
        0 => "owner".to_owned(),
        count => format!("owner-{}", count + 1),
    };
    let key = key_of(&name, &entropy::bytes());
    let scope = keyring.scope();
    keyring
        .credentials
        .push(Credential::new(&name, &key, scope, &Permission::ALL));
    key
}

impl Connection {
    /// The way to the door of a directory; `None` when no door was started there.
    ///
    /// # Errors
    /// [`CredentialError`]
    pub fn load(directory: &Path) -> Result<Option<Connection>, CredentialError> {
        load(&directory.join(CONNECTION))
    }

    /// Tells the commands of a directory where its door is.
    ///
    /// # Errors
    /// [`CredentialError`]
    pub fn save(&self, directory: &Path) -> Result<(), CredentialError> {
        save(&directory.join(CONNECTION), self)
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, CredentialError> {
    match std::fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CredentialError::Io(path.to_owned(), error)),
    }
}

fn load<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, CredentialError> {
    let Some(text) = read(path)? else {
        return Ok(None);
    };
    match serde_json::from_slice(&text) {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(CredentialError::Shape(path.to_owned(), error.to_string())),
    }
}

/// Writes a file that its owner alone can read: wholly or not at all, also when the machine stops in between.
fn save<T: Serialize>(path: &Path, value: &T) -> Result<(), CredentialError> {
    let io = |error| CredentialError::Io(path.to_owned(), error);
    let text = serde_json::to_vec_pretty(value)
        .map_err(|error| CredentialError::Shape(path.to_owned(), error.to_string()))?;
    let beside = path.with_extension("json.new");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .map_err(io)?;
    file.write_all(&text).map_err(io)?;
    file.write_all(b"\n").map_err(io)?;
    file.sync_all().map_err(io)?;
    std::fs::rename(&beside, path).map_err(io)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_door_has_one_ledger() {
        let directory = tempfile::tempdir().expect("a directory");
        Credentials::load_or_make(directory.path()).expect("fresh keys");
        let path = directory.path().join(CREDENTIALS);
        let made = std::fs::read(&path).expect("the keys");
        for (shards, sentence) in [
            (1, None),
            (4, Some("splits its workspace over 4 ledgers")),
            (3, Some("power of two")),
        ] {
            let mut keyring: serde_json::Value = serde_json::from_slice(&made).expect("JSON");
            keyring["shards"] = shards.into();
            std::fs::write(&path, keyring.to_string()).expect("the file is there");
            let loaded = Credentials::load_or_make(directory.path());
            let said = loaded.err().map(|error| error.to_string());
            match sentence {
                None => assert_eq!(said, None),
                Some(sentence) => {
                    let said = said.expect("a refusal");
                    assert!(said.contains(sentence), "{said}");
                    assert!(said.contains(CREDENTIALS), "{said}");
                }
            }
        }
    }
}
