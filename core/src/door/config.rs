//! What a door has to be told: who may come in, which keys sign tokens, and where callbacks go.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::door::credential::Credential;
use crate::door::token::TokenKey;
use crate::door::webhook::Webhook;
use crate::wire::scope::Scope;
use crate::wire::shard::Shard;

/// The configuration of a door.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whose ledger this door serves; credentials of another workspace are unknown to it.
    pub scope: Scope,
    /// Which ledger of the workspace it is, and how many there are.
    pub shard: Shard,
    /// The issuer of task tokens.
    pub issuer: String,
    /// The audience of task tokens: this environment and no other.
    pub audience: String,
    /// The base of callback URLs, without a slash at the end.
    pub base_url: String,
    /// The keys that sign and verify task tokens; the first active one signs.
    pub token_keys: Vec<TokenKey>,
    /// The API keys.
    pub credentials: Vec<Credential>,
    /// The senders whose signed deliveries start runs.
    pub webhooks: Vec<Webhook>,
    /// Tasks in a plan, at most.
    pub plan_tasks: u32,
    /// Bytes of log that are kept of one attempt.
    pub log_bytes: u64,
    /// How long an idempotency key is remembered, in milliseconds.
    pub answer_life_ms: u64,
}

impl Config {
    /// A door without credentials: everything but health is refused.
    #[must_use]
    pub fn new(scope: Scope, base_url: &str) -> Config {
        Config {
            scope,
            shard: Shard::default(),
            issuer: "arcoflow".to_string(),
            audience: base_url.to_string(),
            base_url: base_url.trim_end_matches('/').to_string(),
            token_keys: Vec::new(),
            credentials: Vec::new(),
            webhooks: Vec::new(),
            plan_tasks: 1_000_000,
            log_bytes: 4 << 20,
            answer_life_ms: 24 * 3_600_000,
        }
    }
}

/// What a host lends to one request: the time, and randomness that was used for nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Milliseconds since 1970 by the host's clock.
    pub now_ms: u64,
    /// Fresh random bytes.
    pub entropy: [u8; 32],
}

impl Moment {
    /// The half that names the request.
    #[must_use]
    pub fn request(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.entropy[16..]);
        bytes
    }

    /// The half that names what the request makes.
    #[must_use]
    pub fn random(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes.copy_from_slice(&self.entropy[..10]);
        bytes
    }
}
