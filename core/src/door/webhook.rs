//! A sender that holds no key of ours signs what it sends; a good signature starts the run that the keyring names.
//!
//! The signature is over the raw bytes, so nothing is parsed before it, and nothing at all of the body is believed after it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::door::accept;
use crate::door::admit::Admitted;
use crate::door::answer::Answered;
use crate::door::http::{Head, Response};
use crate::door::session::Session;
use crate::identity::digest::sha256;
use crate::identity::spelling;
use crate::wire::problem::{Problem, Slug};
use crate::wire::reader::Decode;
use crate::wire::trigger::Trigger;

/// How far the time of a Standard Webhooks delivery may be from the door's, in milliseconds.
pub const WINDOW_MS: u64 = 300_000;

/// How a sender signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Decode, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature` with `v1` signatures.
    Standard,
    /// GitHub: `X-Hub-Signature-256`, with `X-GitHub-Delivery` as the name of the delivery. It signs no time.
    Github,
}

/// A sender, as the keyring has it.
#[derive(Clone, Serialize, Decode, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// `[a-z0-9-]{1,64}`; the last segment of its path.
    pub name: String,
    /// How it signs.
    pub scheme: Scheme,
    /// One secret, or two while it changes: `whsec_` and base64 of Standard Webhooks, any text of GitHub.
    pub secrets: Vec<String>,
    /// What a delivery starts.
    pub trigger: Trigger,
}

impl core::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Webhook")
            .field("name", &self.name)
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

/// The headers that say who signed what; all others are not looked at.
const HEADERS: [&str; 6] = [
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "x-github-delivery",
    "x-github-event",
    "x-hub-signature-256",
];

/// The headers of a delivery, in the order in which they came.
#[must_use]
pub(crate) fn headers_of(head: &Head<'_>) -> Vec<(String, String)> {
    let of_delivery = head
        .headers
        .iter()
        .filter(|(name, _)| HEADERS.contains(name));
    of_delivery
        .map(|(name, value)| ((*name).to_string(), (*value).to_string()))
        .collect()
}

/// Whether a text can name a webhook.
#[must_use]
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// HMAC-SHA-256 (RFC 2104) of the parts, one after another.
#[must_use]
pub fn mac(secret: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    started(secret, parts).map_or([0; 32], |mac| mac.finalize().into_bytes().into())
}

/// A key of any length fits HMAC, so this is always something.
fn started(secret: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(secret).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac)
}

/// Compares in constant time.
fn signs(secret: &[u8], parts: &[&[u8]], signature: &[u8]) -> bool {
    started(secret, parts).is_some_and(|mac| mac.verify_slice(signature).is_ok())
}

impl Webhook {
    /// What is wrong with it, in a sentence without its secrets.
    ///
    /// # Errors
    /// The sentence.
    pub fn check(&self) -> Result<(), String> {
        if !is_name(&self.name) {
            return Err(
                "a webhook needs a name of 1 to 64 lower-case letters, digits or hyphens"
                    .to_string(),
            );
        }
        let fits = |secret: &String| key_of(self.scheme, secret).is_some_and(|key| key.len() >= 16);
        if !(1..=2).contains(&self.secrets.len()) || !self.secrets.iter().all(fits) {
            return Err(format!(
                "webhook `{}` needs one or two secrets of 16 bytes or more, those of Standard Webhooks as `whsec_` and base64",
                self.name
            ));
        }
        self.trigger
            .validate()
            .map_err(|finding| format!("the trigger of webhook `{}`: {finding}", self.name))
    }

    /// The name that a delivery gives itself.
    #[must_use]
    pub fn delivery<'a>(&self, headers: &'a [(String, String)]) -> Option<&'a str> {
        let name = match self.scheme {
            Scheme::Standard => "webhook-id",
            Scheme::Github => "x-github-delivery",
        };
        only(headers, name).filter(|id| is_id(id))
    }

    /// The name of a delivery whose signature is good.
    ///
    /// # Errors
    /// `invalid-signature` with the same bytes for every reason, and `timestamp-out-of-window` after a good signature.
    pub fn verify(
        &self,
        headers: &[(String, String)],
        body: &[u8],
        now_ms: u64,
    ) -> Result<String, Problem> {
        let id = self.delivery(headers).ok_or_else(invalid)?;
        let keys = self
            .secrets
            .iter()
            .filter_map(|secret| key_of(self.scheme, secret));
        match self.scheme {
            Scheme::Standard => {
                let time = only(headers, "webhook-timestamp").ok_or_else(invalid)?;
                let given = only(headers, "webhook-signature").ok_or_else(invalid)?;
                let signed: [&[u8]; 5] = [id.as_bytes(), b".", time.as_bytes(), b".", body];
                let signatures: Vec<Vec<u8>> = given
                    .split(' ')
                    .filter_map(|one| spelling::of_base64(one.strip_prefix("v1,")?))
                    .take(8)
                    .collect();
                let is_good = keys.fold(false, |good, key| {
                    signatures.iter().fold(good, |good, signature| {
                        good | signs(&key, &signed, signature)
                    })
                });
                if !is_good {
                    return Err(invalid());
                }
                let at_ms = time
                    .parse::<u64>()
                    .map_err(|_| invalid())?
                    .saturating_mul(1_000);
                if at_ms.abs_diff(now_ms) > WINDOW_MS {
                    return Err(Problem::new(
                        Slug::TimestampOutOfWindow,
                        "the delivery was signed more than five minutes from now",
                    ));
                }
            }
            Scheme::Github => {
                let given = only(headers, "x-hub-signature-256")
                    .and_then(|given| given.strip_prefix("sha256="))
                    .and_then(spelling::of_hex)
                    .ok_or_else(invalid)?;
                if !keys.fold(false, |good, key| good | signs(&key, &[body], &given)) {
                    return Err(invalid());
                }
            }
        }
        Ok(id.to_string())
    }
}

/// The bytes of a secret.
fn key_of(scheme: Scheme, secret: &str) -> Option<Vec<u8>> {
    match scheme {
        Scheme::Standard => spelling::of_base64(secret.strip_prefix("whsec_")?),
        Scheme::Github => Some(secret.as_bytes().to_vec()),
    }
}

/// The value of a header that came once.
fn only<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = headers.iter().filter(|(header, _)| header == name);
    let value = values.next()?;
    values.next().is_none().then_some(value.1.as_str())
}

/// A point would let a signed text be read as another id, time and body.
fn is_id(id: &str) -> bool {
    let fits = |byte| (0x21..0x7f).contains(&byte) && byte != b'.';
    (1..=128).contains(&id.len()) && id.bytes().all(fits)
}

fn invalid() -> Problem {
    Problem::new(
        Slug::InvalidSignature,
        "the delivery is not signed by a sender that is known here",
    )
}

/// `POST /v1/webhooks/{webhook}`
pub(crate) fn receive(session: &mut Session<'_>, admitted: &Admitted, body: &[u8]) -> Answered {
    let config = session.config;
    let named = |webhook: &&Webhook| Some(&webhook.name) == admitted.params.webhook.as_ref();
    let webhook = config.webhooks.iter().find(named).ok_or_else(invalid)?;
    let id = webhook.verify(&admitted.signed, body, session.moment.now_ms)?;
    if webhook.scheme == Scheme::Github && only(&admitted.signed, "x-github-event") == Some("ping")
    {
        return Ok(Response::json(200, b"{}".to_vec()).into());
    }
    session.act_as(format!("webhook:{}", webhook.name));
    let mut keyed = admitted.clone();
    keyed.idempotency_key = Some([webhook.name.as_str(), " ", &id].concat());
    accept::begin(session, &keyed, webhook.trigger.clone(), &sha256(body))
}
