//! What a door refuses comes back as a typed error with its place and its next step, not as a status code.

use std::fmt;

use arcoflow_core::wire::problem::{PROBLEM_BASE, Slug};
use serde_json::{Map, Value};

use super::transport::{Answer, TransportError};

/// Why a request did not do what it asked for.
#[derive(Clone, Debug)]
pub enum ClientError {
    /// No answer came.
    Unreachable {
        /// Where the door was looked for.
        url: String,
        /// What happened on the way.
        detail: String,
    },
    /// The door refused.
    Refused(Box<Refusal>),
    /// An answer came that this version cannot read.
    Unreadable {
        /// Its status.
        status: u16,
        /// What could not be read.
        detail: String,
    },
}

/// An RFC 9457 problem, parsed.
#[derive(Clone, Debug, Default)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The last segment of the type; empty when the answer was no problem of a door.
    pub kind: String,
    /// The constant title of the kind.
    pub title: String,
    /// A sentence about this occurrence.
    pub detail: Option<String>,
    /// Places of the request and what is wrong with each.
    pub errors: Vec<Place>,
    /// Everything that the problem says, as it came.
    pub members: Map<String, Value>,
    /// When to come back, in seconds.
    pub retry_after_s: Option<u64>,
}

/// A place of the request that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// A JSON pointer into the body, or `?name` for a query parameter.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
    /// A stable code, when there is one.
    pub code: Option<String>,
    /// What to do instead, when there is something to say.
    pub hint: Option<String>,
}

impl Refusal {
    pub(super) fn of(answer: &Answer) -> Refusal {
        let members = match serde_json::from_slice(&answer.body) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let kind = text("type")
            .and_then(|kind| kind.strip_prefix(PROBLEM_BASE))
            .unwrap_or("");
        let places = members.get("errors").and_then(Value::as_array);
        Refusal {
            status: answer.status,
            kind: kind.to_owned(),
            title: text("title").unwrap_or("").to_owned(),
            detail: text("detail").map(str::to_owned),
            errors: places.into_iter().flatten().map(place_of).collect(),
            retry_after_s: answer
                .header("retry-after")
                .and_then(|seconds| seconds.parse().ok()),
            members,
        }
    }

    /// The kind, when this version knows it.
    #[must_use]
    pub fn slug(&self) -> Option<Slug> {
        Slug::ALL
            .iter()
            .copied()
            .find(|slug| slug.as_str() == self.kind)
    }

    /// What the caller can do about it, when this version knows the kind.
    #[must_use]
    pub fn help(&self) -> Option<&'static str> {
        self.slug().map(Slug::help)
    }

    /// Whether the same request may be taken later.
    #[must_use]
    pub fn asks_to_repeat(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 502 | 503 | 504)
            || self.slug() == Some(Slug::IdempotencyInFlight)
    }
}

fn place_of(value: &Value) -> Place {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    Place {
        pointer: text("pointer").unwrap_or_default(),
        detail: text("detail")
            .or_else(|| text("message"))
            .unwrap_or_default(),
        code: text("code"),
        hint: text("hint"),
    }
}

impl ClientError {
    /// The problem, when the door refused.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            ClientError::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The kind of the problem, when the door refused with one that this version knows.
    #[must_use]
    pub fn slug(&self) -> Option<Slug> {
        self.refusal().and_then(Refusal::slug)
    }

    /// The status of the answer, when there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            ClientError::Unreachable { .. } => None,
            ClientError::Refused(refusal) => Some(refusal.status),
            ClientError::Unreadable { status, .. } => Some(*status),
        }
    }

    /// Whether the door could not be reached.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, ClientError::Unreachable { .. })
    }
}

impl From<TransportError> for ClientError {
    fn from(error: TransportError) -> Self {
        ClientError::Unreachable {
            url: error.url,
            detail: error.detail,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Unreachable { url, detail } => {
                write!(f, "no door answers at `{url}`: {detail}")
            }
            ClientError::Refused(refusal) => refusal.fmt(f),
            ClientError::Unreadable { status, detail } => {
                write!(
                    f,
                    "the answer with status {status} cannot be read: {detail}"
                )
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.detail, self.kind.is_empty()) {
            (Some(detail), false) => write!(f, "{detail} ({}, {})", self.kind, self.status)?,
            (None, false) => write!(f, "{} ({}, {})", self.title, self.kind, self.status)?,
            (_, true) => write!(f, "the door answered with status {}", self.status)?,
        }
        for place in &self.errors {
            write!(f, "\n  {}: {}", place.pointer, place.detail)?;
            if let Some(hint) = &place.hint {
                write!(f, " ({hint})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ClientError {}

impl std::error::Error for Refusal {}
