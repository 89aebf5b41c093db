//! Everything that can be refused from the headers alone is refused here, in a fixed order, before anything is looked up.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::door::config::Config;
use crate::door::credential::{self, Permission};
use crate::door::http::{Head, split_target};
use crate::door::rate::{Class, Limiter};
use crate::door::routes::{Guard, Params, ROUTES, Route, Shown, find};
use crate::door::token::{self, Verified};
use crate::door::webhook;
use crate::wire::problem::{Problem, Slug};
use crate::wire::reader::Decode;
use crate::wire::scope::Scope;
use crate::wire::shard::Shard;
use crate::wire::view::DeployAnswer;

/// The longest request target, in bytes.
pub const LONGEST_TARGET: usize = 2_048;
/// The most bytes of headers.
pub const MOST_HEADER_BYTES: usize = 16 * 1_024;

/// A request that may go on to the body and to the ledger.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// Which route.
    pub route: &'static Route,
    /// What the path names.
    pub params: Params,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// Who asks.
    pub caller: Caller,
    /// The idempotency key, when one was sent.
    pub idempotency_key: Option<String>,
    /// Whether the caller asked for an event stream.
    pub wants_stream: bool,
    /// The headers of a delivery that say who signed it.
    pub signed: Vec<(String, String)>,
    /// Which ledger of the workspace answers.
    pub shard: u32,
    /// For another ledger than the first: what the first has answered to this deployment.
    pub told: Option<DeployAnswer>,
}

impl Admitted {
    /// What a host asks of itself: a route that needs no parameters. `None` when there is no route of that name.
    #[must_use]
    pub fn by_host(name: &str) -> Option<Admitted> {
        Some(Admitted {
            route: ROUTES.iter().find(|route| route.name == name)?,
            params: Params::default(),
            query: Vec::new(),
            caller: Caller::Anyone,
            idempotency_key: None,
            wants_stream: false,
            signed: Vec::new(),
            shard: 0,
            told: None,
        })
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Decode, Deserialize)]
pub enum Caller {
    /// Anyone.
    Anyone,
    /// The holder of an API key.
    Key {
        /// The name of the key.
        name: String,
        /// Whose workspace it opens.
        scope: Scope,
    },
    /// The worker of one attempt.
    Task(Verified),
}

impl Caller {
    /// Whose data the request is about.
    #[must_use]
    pub fn scope(&self) -> Option<Scope> {
        match self {
            Caller::Anyone => None,
            Caller::Key { scope, .. } => Some(scope.clone()),
            Caller::Task(token) => Some(Scope {
                tenant: token.claims.tid.clone(),
                workspace: token.claims.wid.clone(),
            }),
        }
    }
}

impl Admitted {
    /// The first value of a query parameter.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether a query parameter is `true`.
    ///
    /// # Errors
    /// `validation-failed` (422) when it is neither `true` nor `false`.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.query(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::validation(
                &format!("?{name}"),
                "expected `true` or `false`",
            )),
        }
    }

    /// A whole number in the query.
    ///
    /// # Errors
    /// `validation-failed` (422) when it is none.
    pub fn number(&self, name: &str, default: u64, most: u64) -> Result<u64, Problem> {
        match self.query(name) {
            None => Ok(default),
            Some(text) => match text.parse::<u64>() {
                Ok(number) if number <= most && !text.starts_with('+') => Ok(number),
                _ => Err(Problem::validation(
                    &format!("?{name}"),
                    &format!("expected a whole number up to {most}"),
                )),
            },
        }
    }
}

/// Steps 1 to 6 of the order of checks: route, sizes, content type, credential, scope, rate.
///
/// # Errors
/// The problem of the first step that fails.
pub fn admit(
    config: &Config,
    limiter: &mut Limiter,
    head: &Head<'_>,
    now_ms: u64,
) -> Result<Admitted, Problem> {
    let (path, query) = split_target(head.target.get(..LONGEST_TARGET).unwrap_or(head.target));
    let (route, params) = find(head.method, path)?;
    check_sizes(head)?;
    check_content(head, route)?;
    let caller = identify(config, head, route, now_ms)?;
    if caller.scope().is_some_and(|scope| scope != config.scope) {
        return Err(token::invalid());
    }
    check_scope(&caller, route, &params)?;
    if let Some(scope) = caller.scope() {
        limiter.take(&scope.tenant, class_of(route), now_ms)?;
    }
    let idempotency_key = idempotency_key(head)?;
    check_shard(config.shard, route, &query)?;
    let wants_stream = head
        .header("accept")
        .is_some_and(|accept| accept.contains("text/event-stream"));
    let mut query = query;
    if wants_stream && let Some(seen) = head.header("last-event-id") {
        go_on_after(&mut query, seen);
    }
    Ok(Admitted {
        route,
        params,
        query,
        caller,
        idempotency_key,
        wants_stream,
        signed: match route.name {
            "receiveWebhook" => webhook::headers_of(head),
            _ => Vec::new(),
        },
        shard: 0,
        told: None,
    })
}

/// Sets the record that a stream begins after: where a client stopped when it comes back (HTML, 9.2.3), where the host is when it asks again.
pub fn go_on_after(query: &mut Vec<(String, String)>, seen: &str) {
    query.retain(|(name, _)| name != "after");
    query.push(("after".to_string(), seen.to_string()));
}

fn check_sizes(head: &Head<'_>) -> Result<(), Problem> {
    if head.target.len() > LONGEST_TARGET {
        return Err(Problem::bare(Slug::UriTooLong).header("connection", "close"));
    }
    let bytes: usize = head
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + 4)
        .sum();
    if bytes > MOST_HEADER_BYTES {
        return Err(Problem::bare(Slug::HeadersTooLarge).header("connection", "close"));
    }
    Ok(())
}

fn check_content(head: &Head<'_>, route: &Route) -> Result<(), Problem> {
    if head.count("content-length") > 1
        || (head.count("content-length") == 1 && head.count("transfer-encoding") > 0)
    {
        return Err(
            Problem::new(Slug::BadRequest, "the length of the body is given twice")
                .header("connection", "close"),
        );
    }
    let length = match head
        .header("content-length")
        .map(|length| length.trim().parse::<u64>())
    {
        Some(Err(_)) => {
            return Err(
                Problem::new(Slug::BadRequest, "the length of the body is no number")
                    .header("connection", "close"),
            );
        }
        Some(Ok(length)) => Some(length),
        None => None,
    };
    if route.body_cap == 0 {
        return Ok(());
    }
    let has_body = length.unwrap_or(0) > 0 || head.count("transfer-encoding") > 0;
    if has_body || !route.body_optional {
        let kind = head
            .header("content-type")
            .unwrap_or("")
            .split(';')
            .next()
            .unwrap_or("")
            .trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Problem::new(
                Slug::UnsupportedMediaType,
                "the body must be `application/json`",
            )
            .header("accept-post", "application/json"));
        }
    }
    if let Some(encoding) = head.header("content-encoding")
        && !encoding.trim().eq_ignore_ascii_case("identity")
    {
        return Err(
            Problem::new(Slug::UnsupportedMediaType, "the body must not be encoded")
                .header("accept-encoding", "identity"),
        );
    }
    match length {
        Some(length) if length > route.body_cap as u64 => Err(too_large(route)),
        _ => Ok(()),
    }
}

/// The answer to a body over the cap of its route; a host gives it when a stream passes the cap.
#[must_use]
pub fn too_large(route: &Route) -> Problem {
    Problem::new(
        Slug::BodyTooLarge,
        format!("the body is larger than {} bytes", route.body_cap),
    )
    .with("limit", route.body_cap as u64)
}

fn identify(
    config: &Config,
    head: &Head<'_>,
    route: &Route,
    now_ms: u64,
) -> Result<Caller, Problem> {
    if head.count("authorization") > 1 {
        return Err(Problem::new(
            Slug::BadRequest,
            "there are two `Authorization` headers",
        ));
    }
    if matches!(route.guard, Guard::Open) {
        return Ok(Caller::Anyone);
    }
    let Some(value) = head.header("authorization") else {
        return Err(unauthorized());
    };
    let Some((scheme, secret)) = value.split_once(' ') else {
        return Err(unauthorized());
    };
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unauthorized());
    }
    let secret = secret.trim_start_matches(' ');
    if secret.starts_with(credential::PREFIX) {
        let found = credential::find(&config.credentials, secret).ok_or_else(token::invalid)?;
        return match route.guard {
            Guard::Key(permission) if found.permissions.contains(&permission) => Ok(Caller::Key {
                name: found.name.clone(),
                scope: found.scope.clone(),
            }),
            Guard::Key(permission) => Err(insufficient(Some(permission))),
            Guard::Task | Guard::Open => Err(token::invalid()),
        };
    }
    let verified = token::verify(
        &config.token_keys,
        &config.issuer,
        &config.audience,
        secret,
        now_ms,
    )?;
    Ok(Caller::Task(verified))
}

fn unauthorized() -> Problem {
    Problem::new(
        Slug::Unauthorized,
        "send a credential in the `Authorization` header",
    )
    .header("www-authenticate", "Bearer realm=\"arcoflow\"")
}

fn insufficient(permission: Option<Permission>) -> Problem {
    let problem = Problem::new(
        Slug::InsufficientScope,
        "the credential is not for this route",
    )
    .header("www-authenticate", "Bearer error=\"insufficient_scope\"");
    match permission {
        Some(permission) => problem.with("scope", permission.as_str()),
        None => problem,
    }
}

fn check_scope(caller: &Caller, route: &Route, params: &Params) -> Result<(), Problem> {
    match (caller, &route.guard) {
        (Caller::Task(_), Guard::Key(permission)) => Err(insufficient(Some(*permission))),
        (Caller::Task(token), Guard::Task) if params.task != Some(token.claims.sub) => {
            Err(scope_mismatch())
        }
        _ => Ok(()),
    }
}

/// The answer to a token of another task or attempt, whether that one exists or not.
#[must_use]
pub fn scope_mismatch() -> Problem {
    Problem::new(
        Slug::TokenScopeMismatch,
        "the task token belongs to another task or attempt",
    )
}

/// A request that is about one ledger names one that there is.
fn check_shard(shard: Shard, route: &Route, query: &[(String, String)]) -> Result<(), Problem> {
    if !route.is_about_one_ledger() {
        return Ok(());
    }
    let named = query.iter().filter(|(name, _)| name == "shard");
    for (_, text) in named {
        if !text.parse().is_ok_and(|index| shard.other(index).is_some()) {
            return Err(Problem::validation(
                "?shard",
                &format!(
                    "expected a whole number below {}: so many ledgers has the workspace",
                    shard.count()
                ),
            ));
        }
    }
    Ok(())
}

fn idempotency_key(head: &Head<'_>) -> Result<Option<String>, Problem> {
    match head.header("idempotency-key") {
        None => Ok(None),
        Some(key)
            if (1..=256).contains(&key.len())
                && key.bytes().all(|byte| (0x20..0x7f).contains(&byte)) =>
        {
            Ok(Some(key.to_string()))
        }
        Some(_) => Err(Problem::new(
            Slug::BadRequest,
            "the `Idempotency-Key` must have 1 to 256 printable ASCII characters",
        )),
    }
}

fn class_of(route: &Route) -> Class {
    match (&route.guard, route.shown) {
        (Guard::Task | Guard::Key(Permission::Leases | Permission::Ledger), _) => Class::Callback,
        (_, Shown::Read) => Class::Read,
        _ => Class::Trigger,
    }
}
