//! API keys are kept as digests, compared in constant time, and open only the routes of their scopes.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::identity::digest::{Sha256Digest, sha256};
use crate::identity::spelling;
use crate::wire::reader::Decode;
use crate::wire::scope::Scope;

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Decode, Deserialize)]
pub enum Permission {
    /// Trigger, cancel and rerun.
    #[serde(rename = "runs:write")]
    RunsWrite,
    /// Deploy.
    #[serde(rename = "manifests:write")]
    ManifestsWrite,
    /// Lease work.
    #[serde(rename = "leases")]
    Leases,
    /// Decide: take the scheduler's lease and append.
    #[serde(rename = "ledger")]
    Ledger,
    /// Read everything.
    #[serde(rename = "read")]
    Read,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Permission; 5] = [
        Permission::RunsWrite,
        Permission::ManifestsWrite,
        Permission::Leases,
        Permission::Ledger,
        Permission::Read,
    ];

    /// The name as it stands in configuration and documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Permission::RunsWrite => "runs:write",
            Permission::ManifestsWrite => "manifests:write",
            Permission::Leases => "leases",
            Permission::Ledger => "ledger",
            Permission::Read => "read",
        }
    }
}

/// One API key, as the door knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize)]
pub struct Credential {
    /// The public part of the key; it names the caller in the ledger.
    pub name: String,
    /// The digest of the whole key.
    pub digest: Sha256Digest,
    /// Whose workspace it opens.
    pub scope: Scope,
    /// What it may do there.
    pub permissions: Vec<Permission>,
    /// A revoked key stays in the list, so that it can be told from a wrong one by the operator.
    #[serde(default)]
    pub revoked: bool,
}

/// What every API key begins with; a task token never does.
pub const PREFIX: &str = "arco_";

/// An API key of a name and 32 secret bytes: `arco_NAME_SECRET`.
#[must_use]
pub fn key_of(name: &str, secret: &[u8; 32]) -> String {
    [PREFIX, name, "_", &spelling::base64url(secret)].concat()
}

impl Credential {
    /// What the door keeps of a key.
    #[must_use]
    pub fn new(name: &str, key: &str, scope: Scope, permissions: &[Permission]) -> Credential {
        Credential {
            name: name.to_string(),
            digest: sha256(key.as_bytes()),
            scope,
            permissions: permissions.to_vec(),
            revoked: false,
        }
    }
}

/// The credential that a key belongs to. Every one is compared, so the time does not tell which came close.
#[must_use]
pub fn find<'a>(credentials: &'a [Credential], key: &str) -> Option<&'a Credential> {
    let digest = sha256(key.as_bytes()).to_bytes();
    let mut found = None;
    for credential in credentials {
        if bool::from(credential.digest.to_bytes().ct_eq(&digest)) {
            found = Some(credential);
        }
    }
    found.filter(|credential| !credential.revoked)
}
