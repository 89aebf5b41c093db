//! A task token is a JWS that only the door mints and verifies; it opens the callbacks of one attempt and nothing else.

use alloc::format;
use alloc::string::String;

use jwt_compact::alg::{Hs256, Hs256Key, Hs256Signature};
use jwt_compact::{Algorithm, AlgorithmSignature};
use serde::{Deserialize, Serialize};

use crate::identity::ids::{AttemptId, RunId, TaskId};
use crate::identity::keys::{TenantId, WorkspaceId};
use crate::identity::spelling;
use crate::wire::problem::{Problem, Slug};
use crate::wire::reader::{self, Decode};

/// The `typ` of the header (RFC 8725, 3.11): no other token of ours carries it.
pub const TYPE: &str = "arcoflow-task+jwt";
/// The longest token that is looked at, in bytes.
pub const LONGEST: usize = 2_048;
/// What HS256 signs with: the library panics at any other length.
const SIGNATURE_BYTES: usize = 32;
/// How far two clocks may be apart, in milliseconds.
pub const LEEWAY_MS: u64 = 30_000;

/// A signing key and where it is in its life.
#[derive(Clone)]
pub struct TokenKey {
    /// `[a-z0-9-]{1,32}`.
    pub id: String,
    /// 256 bits.
    pub secret: [u8; 32],
    /// Whether it signs, only verifies, or is refused.
    pub stage: KeyStage,
}

impl core::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TokenKey")
            .field("id", &self.id)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

/// The life of a signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Decode, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyStage {
    /// Known, and not used to sign.
    Pending,
    /// Signs and verifies.
    Active,
    /// Verifies what it signed before.
    Retiring,
    /// Refused.
    Revoked,
}

/// What a task token says. Times are seconds since 1970 in the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize)]
pub struct TaskClaims {
    /// Who minted it.
    pub iss: String,
    /// Which environment it is for.
    pub aud: String,
    /// The task.
    pub sub: TaskId,
    /// The tenant.
    pub tid: TenantId,
    /// The workspace.
    pub wid: WorkspaceId,
    /// The run.
    pub run: RunId,
    /// The attempt, from 1.
    pub att: u32,
    /// The attempt's id.
    pub aid: AttemptId,
    /// The attempt's deadline in milliseconds since 1970.
    pub dl: u64,
    /// The version of these claims.
    pub ver: u32,
}

/// A verified token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize)]
pub struct Verified {
    /// What it says.
    pub claims: TaskClaims,
    /// When it was minted, in milliseconds since 1970.
    pub issued_ms: u64,
    /// When it ends, in milliseconds since 1970.
    pub expires_ms: u64,
}

/// How long a token lives, in milliseconds: four heartbeat time-outs, 5 to 15 minutes, never past the deadline and its grace.
#[must_use]
pub fn life_ms(heartbeat_timeout_ms: u64, now_ms: u64, deadline_ms: u64, grace_ms: u64) -> u64 {
    let life = heartbeat_timeout_ms
        .saturating_mul(4)
        .clamp(300_000, 900_000);
    life.min(
        deadline_ms
            .saturating_add(grace_ms)
            .saturating_sub(now_ms)
            .max(1_000),
    )
}

/// Mints a token; `None` when no key is active. Its end is rounded up to a second.
#[must_use]
pub fn mint(
    keys: &[TokenKey],
    claims: TaskClaims,
    now_ms: u64,
    life_ms: u64,
) -> Option<(String, u64)> {
    let key = keys.iter().find(|key| key.stage == KeyStage::Active)?;
    let expires_s = (now_ms + life_ms).div_ceil(1_000);
    let issued_s = now_ms / 1_000;
    let own = serde_json::to_string(&claims).ok()?;
    let own = own.strip_prefix('{')?;
    let all = format!("{{\"exp\":{expires_s},\"nbf\":{issued_s},\"iat\":{issued_s},{own}");
    let mut token = spelling::base64url(header_of(key).as_bytes());
    token.push('.');
    token.push_str(&spelling::base64url(all.as_bytes()));
    let signature = Hs256.sign(&Hs256Key::new(key.secret), token.as_bytes());
    token.push('.');
    token.push_str(&spelling::base64url(&signature.as_bytes()));
    Some((token, expires_s * 1_000))
}

/// Verifies a token from the header alone, before anything is looked up.
///
/// # Errors
/// `invalid-token` with the same bytes for every reason, and `token-expired` after a good signature.
pub fn verify(
    keys: &[TokenKey],
    issuer: &str,
    audience: &str,
    token: &str,
    now_ms: u64,
) -> Result<Verified, Problem> {
    let verified = signed(keys, token).filter(|verified| {
        let claims = &verified.claims;
        claims.iss == issuer
            && claims.aud == audience
            && claims.ver == 1
            && verified.issued_ms <= now_ms.saturating_add(LEEWAY_MS)
    });
    let verified = verified.ok_or_else(invalid)?;
    if now_ms > verified.expires_ms.saturating_add(LEEWAY_MS) {
        let half = verified.issued_ms
            + (verified.expires_ms - verified.issued_ms.min(verified.expires_ms)) / 2;
        return Err(
            Problem::new(Slug::TokenExpired, "the task token has expired")
                .with("renewBefore", half)
                .header("www-authenticate", "Bearer error=\"invalid_token\""),
        );
    }
    Ok(verified)
}

/// The answer to a credential that was not accepted.
#[must_use]
pub fn invalid() -> Problem {
    Problem::new(Slug::InvalidToken, "the credential was not accepted")
        .header("www-authenticate", "Bearer error=\"invalid_token\"")
}

fn signed(keys: &[TokenKey], token: &str) -> Option<Verified> {
    if token.len() > LONGEST {
        return None;
    }
    let (message, signature) = token.rsplit_once('.')?;
    let (head, claims) = message.split_once('.')?;
    // A strict decoding of each part, so that no two spellings are the same token (RFC 8725, 3.10).
    let head = spelling::of_base64url(head)?;
    let claims = spelling::of_base64url(claims)?;
    let signature =
        spelling::of_base64url(signature).filter(|signature| signature.len() == SIGNATURE_BYTES)?;
    let signature = Hs256Signature::try_from_slice(&signature).ok()?;
    let key = keys.iter().find(|key| {
        key.stage != KeyStage::Revoked
            && key.stage != KeyStage::Pending
            && head == header_of(key).as_bytes()
    })?;
    Hs256
        .verify_signature(&signature, &Hs256Key::new(key.secret), message.as_bytes())
        .then_some(())?;
    let life: Life = reader::read(&claims).ok()?;
    (life.nbf <= life.iat).then_some(())?;
    Some(Verified {
        claims: reader::read(&claims).ok()?,
        issued_ms: life.iat.checked_mul(1_000)?,
        expires_ms: life.exp.checked_mul(1_000)?,
    })
}

/// The registered claims that bound a life, in seconds since 1970 (RFC 7519, 4.1).
#[derive(Decode)]
struct Life {
    iat: u64,
    nbf: u64,
    exp: u64,
}

/// The only header that a key signs, so the allow-list of header members is a comparison.
fn header_of(key: &TokenKey) -> String {
    [
        "{\"alg\":\"HS256\",\"kid\":\"",
        &key.id,
        "\",\"typ\":\"",
        TYPE,
        "\"}",
    ]
    .concat()
}
