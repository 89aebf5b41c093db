//! A task token is a JWS that only the door mints and verifies; it opens the callbacks of one attempt and nothing else.

use alloc::string::{String, ToString};

use data_encoding::BASE64URL_NOPAD;
use jwt_compact::alg::{Hs256, Hs256Key};
use jwt_compact::{AlgorithmExt, Claims, Header, UntrustedToken};
use serde::{Deserialize, Serialize};

use crate::identity::ids::{AttemptId, RunId, TaskId};
use crate::identity::keys::{TenantId, WorkspaceId};
use crate::wire::problem::{Problem, Slug};
use crate::wire::reader;

/// The `typ` of the header (RFC 8725, 3.11): no other token of ours carries it.
pub const TYPE: &str = "arcoflow-task+jwt";
/// The longest token that is looked at, in bytes.
pub const LONGEST: usize = 2_048;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    let mut all = Claims::new(claims);
    all.issued_at = chrono_seconds(now_ms / 1_000);
    all.not_before = all.issued_at;
    all.expiration = chrono_seconds(expires_s);
    let token = Hs256
        .token(&header(&key.id), &all, &Hs256Key::new(key.secret))
        .ok()?;
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

fn header(key_id: &str) -> Header {
    Header::empty().with_token_type(TYPE).with_key_id(key_id)
}

fn signed(keys: &[TokenKey], token: &str) -> Option<Verified> {
    if token.len() > LONGEST {
        return None;
    }
    let (head, rest) = token.split_once('.')?;
    let (claims, signature) = rest.split_once('.')?;
    // A strict decoding of each part, so that no two spellings are the same token (RFC 8725, 3.10).
    let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
    decode(head)?;
    decode(signature)?;
    let claims = decode(claims)?;
    let key = keys.iter().find(|key| {
        key.stage != KeyStage::Revoked && key.stage != KeyStage::Pending && head == header_of(key)
    })?;
    let untrusted = UntrustedToken::new(token).ok()?;
    Hs256
        .validator::<Signed>(&Hs256Key::new(key.secret))
        .validate(&untrusted)
        .ok()?;
    let life: Life = reader::read(&claims).ok()?;
    (life.nbf <= life.iat).then_some(())?;
    Some(Verified {
        claims: reader::read(&claims).ok()?,
        issued_ms: life.iat.checked_mul(1_000)?,
        expires_ms: life.exp.checked_mul(1_000)?,
    })
}

/// What the library is asked to read of the claims: the signature is its part, and the one reader of the wire reads what was signed.
#[derive(Deserialize)]
struct Signed {}

/// The registered claims that bound a life, in seconds since 1970 (RFC 7519, 4.1).
#[derive(Deserialize)]
struct Life {
    iat: u64,
    nbf: u64,
    exp: u64,
}

/// The only header that a key signs, so the allow-list of header members is a comparison.
fn header_of(key: &TokenKey) -> String {
    let json = [
        "{\"alg\":\"HS256\",\"kid\":\"",
        &key.id,
        "\",\"typ\":\"",
        TYPE,
        "\"}",
    ]
    .concat();
    BASE64URL_NOPAD.encode(json.as_bytes()).to_string()
}

type Time = chrono::DateTime<chrono::Utc>;

fn chrono_seconds(seconds: u64) -> Option<Time> {
    chrono::DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)
}
