//! A keyring says who may come in and which keys sign, in one JSON text that every host of a door reads alike.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::door::config::Config;
use crate::door::credential::Credential;
use crate::door::token::{KeyStage, TokenKey};
use crate::door::webhook::Webhook;
use crate::identity::keys::{TenantId, WorkspaceId};
use crate::identity::spelling;
use crate::wire::reader::{self, Decode};
use crate::wire::scope::Scope;
use crate::wire::shard::{self, MOST_SHARDS, Shard};

/// The keys of one workspace. API keys stand in it as digests, signing keys as they are: it is a secret.
#[derive(Clone, Debug, Serialize, Decode, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Keyring {
    /// Who owns the workspace.
    pub tenant: TenantId,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The audience of task tokens; it stays when the address of the door changes.
    pub audience: String,
    /// The keys that sign and verify task tokens; the first active one signs.
    pub token_keys: Vec<SigningKey>,
    /// The API keys.
    pub credentials: Vec<Credential>,
    /// Over how many ledgers the workspace is split, a power of two up to 256. It stays: the runs of a ledger are found by it.
    #[serde(default = "shard::one", skip_serializing_if = "shard::is_one")]
    pub shards: u32,
    /// The senders whose signed deliveries start runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub webhooks: Vec<Webhook>,
}

/// A signing key as it is written down.
#[derive(Clone, Serialize, Decode, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningKey {
    /// `[a-z0-9-]{1,32}`.
    pub id: String,
    /// 64 hexadecimal digits.
    pub secret: String,
    /// Where it is in its life.
    pub stage: KeyStage,
}

impl core::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

impl Keyring {
    /// Reads a keyring.
    ///
    /// # Errors
    /// A sentence about what is wrong with it. It never holds a secret.
    pub fn parse(text: &[u8]) -> Result<Keyring, String> {
        let keyring: Keyring = reader::read(text).map_err(|misfit| misfit.sentence)?;
        if Shard::new(0, keyring.shards).is_none() {
            return Err(alloc::format!(
                "a workspace has 1, 2, 4 or another power of two up to {MOST_SHARDS} ledgers, not {}",
                keyring.shards
            ));
        }
        for (index, key) in keyring.token_keys.iter().enumerate() {
            let id = key.id.as_bytes();
            let grammar =
                |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
            if !(1..=32).contains(&id.len()) || !id.iter().all(grammar) {
                return Err(alloc::format!(
                    "token key {index} needs an id of 1 to 32 lower-case letters, digits or hyphens"
                ));
            }
            if key.bytes().is_none() {
                return Err(alloc::format!(
                    "the secret of token key `{}` is not 64 hexadecimal digits",
                    key.id
                ));
            }
        }
        for webhook in &keyring.webhooks {
            webhook.check()?;
        }
        Ok(keyring)
    }

    /// Whose keys they are.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope {
            tenant: self.tenant.clone(),
            workspace: self.workspace.clone(),
        }
    }

    /// The configuration of a door at a base URL that knows these keys.
    #[must_use]
    pub fn config(&self, base_url: &str) -> Config {
        let mut config = Config::new(self.scope(), base_url);
        config.audience = self.audience.clone();
        config.shard = Shard::new(0, self.shards).unwrap_or_default();
        config.credentials = self.credentials.clone();
        config.webhooks = self.webhooks.clone();
        config.token_keys = self
            .token_keys
            .iter()
            .filter_map(|key| {
                Some(TokenKey {
                    id: key.id.clone(),
                    secret: key.bytes()?,
                    stage: key.stage,
                })
            })
            .collect();
        config
    }
}

impl SigningKey {
    fn bytes(&self) -> Option<[u8; 32]> {
        let digits = self.secret.to_ascii_lowercase();
        spelling::of_hex(&digits)?.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0f0e0d0c0b0a09080706050403020100000102030405060708090a0b0c0d0e0f";

    fn keyring(id: &str, secret: &str, more: &str) -> String {
        alloc::format!(
            r#"{{"tenant":"acme","workspace":"main","audience":"door","tokenKeys":[{{"id":"{id}","secret":"{secret}","stage":"active"}}],"credentials":[]{more}}}"#
        )
    }

    fn keyring_of(more: &str) -> Keyring {
        Keyring::parse(keyring("k1", SECRET, more).as_bytes()).expect("a keyring")
    }

    #[test]
    fn a_keyring_configures_a_door() {
        let keyring = keyring_of("");
        let config = keyring.config("https://door.example/");
        assert_eq!(config.base_url, "https://door.example");
        assert_eq!(config.audience, "door");
        assert_eq!(config.token_keys[0].secret[0], 15);
        assert_eq!(config.scope, keyring.scope());
        assert!(config.shard.is_only());
        let split = keyring_of(",\"shards\":8");
        assert_eq!(split.config("https://door.example").shard.count(), 8);
    }

    #[test]
    fn a_faulty_keyring_is_refused_without_its_secrets() {
        for text in [
            String::new(),
            keyring("K 1", SECRET, ""),
            keyring("", SECRET, ""),
            keyring("k1", &SECRET[2..], ""),
            keyring("k1", &SECRET.replace('0', "g"), ""),
            keyring("k1", SECRET, ",\"more\":1"),
            keyring("k1", SECRET, ",\"shards\":3"),
            keyring("k1", SECRET, ",\"shards\":0"),
            keyring("k1", SECRET, ",\"shards\":512"),
        ] {
            let sentence = Keyring::parse(text.as_bytes()).expect_err(&text);
            assert!(!sentence.contains(&SECRET[4..20]), "{sentence}");
        }
        let keyring = keyring_of("");
        assert!(!alloc::format!("{keyring:?}").contains(&SECRET[4..20]));
    }
}
