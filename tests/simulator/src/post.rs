//! Nodes only talk by messages, and only know time by the alarms that they set.

use std::sync::Arc;

use serde_json::Value;

use crate::judge::{Broken, rule};

/// Who sends and gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    Client,
    Scheduler(usize),
    Worker(usize),
}

/// A request on its way; a repetition has the same number.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) number: u64,
    pub(crate) from: Node,
    /// The life of the node that sent it: a later one does not know of it.
    pub(crate) life: u64,
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) token: String,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) body: Arc<Vec<u8>>,
    /// How long the node waits for the answer.
    pub(crate) patience_ms: u64,
}

/// An answer as a node sees it; `None` when none came in time.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) json: Value,
}

impl Seen {
    /// The last part of a problem's type.
    pub(crate) fn slug(&self) -> &str {
        let slug = self.json["type"].as_str().unwrap_or("");
        slug.rsplit('/').next().unwrap_or("")
    }

    pub(crate) fn text(&self, member: &str) -> String {
        self.json[member].as_str().unwrap_or("").to_owned()
    }
}

/// What a node sends and sets while it is awake.
#[derive(Debug, Default)]
pub(crate) struct Out {
    pub(crate) calls: Vec<Draft>,
    /// Milliseconds from here, and what for.
    pub(crate) alarms: Vec<(u64, u64)>,
    /// What a node saw that may not be.
    pub(crate) broken: Option<Broken>,
}

impl Out {
    /// Says that a rule is broken unless it holds. The first one counts.
    pub(crate) fn demand(
        &mut self,
        holds: bool,
        name: &'static str,
        detail: impl FnOnce() -> String,
    ) {
        if self.broken.is_none() {
            self.broken = rule(holds, name, detail).err();
        }
    }
}

/// A request that a node writes.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// What the answer is for.
    pub(crate) tag: u64,
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) token: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) body: Value,
    pub(crate) patience_ms: u64,
}

/// How long a node waits for an ordinary answer, in milliseconds.
pub(crate) const PATIENCE_MS: u64 = 10_000;

impl Draft {
    pub(crate) fn get(tag: u64, target: impl Into<String>) -> Draft {
        Draft {
            tag,
            method: "GET",
            target: target.into(),
            token: None,
            idempotency_key: None,
            body: Value::Null,
            patience_ms: PATIENCE_MS,
        }
    }

    pub(crate) fn post(tag: u64, target: impl Into<String>, body: Value) -> Draft {
        Draft {
            method: "POST",
            body,
            ..Draft::get(tag, target)
        }
    }

    pub(crate) fn waits(mut self, seconds: u64) -> Draft {
        self.patience_ms = seconds * 1_000 + PATIENCE_MS;
        self
    }

    pub(crate) fn with_token(mut self, token: &str) -> Draft {
        self.token = Some(token.to_owned());
        self
    }
}
