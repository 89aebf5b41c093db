//! What a worker reports follows from the way of its attempt; one that was sent to look says what it saw outside.

use serde_json::{Value, json};

use super::{Attempt, Way};
use crate::dice::Dice;
use crate::faults::Faults;

/// Outside a file comes this often, in milliseconds; the files are counted.
const FILE_MS: u64 = 1_200_000;
/// The most files that one look takes.
const MOST_FILES: u64 = 3;

impl Attempt {
    /// Whether it was sent to look.
    pub(super) fn is_look(&self) -> bool {
        !self.envelope["payload"]["look"].is_null()
    }

    /// What it reports, with the words that decide about a retry.
    pub(super) fn outcome(&self, now_ms: u64, faults: &Faults, dice: &mut Dice) -> Value {
        match self.way {
            _ if self.is_told_to_stop => json!({ "outcome": "CANCELLED" }),
            Way::Fails(category) => failure(category, faults, dice),
            _ if self.is_look() => self.findings(now_ms, dice),
            _ => json!({ "outcome": "SUCCEEDED", "output": { "rowCount": 7 } }),
        }
    }

    /// The files that came since the last look, as far as one look goes; and at times the last one again.
    fn findings(&self, now_ms: u64, dice: &mut Dice) -> Value {
        let newest = now_ms / FILE_MS;
        let known = self.envelope["payload"]["look"]["cursor"]
            .as_str()
            .and_then(|cursor| cursor.parse().ok());
        let cursor = known.unwrap_or(newest - 1);
        let last = newest.min(cursor + MOST_FILES);
        let again = known.filter(|_| dice.below(10) == 0);
        let runs: Vec<Value> = again
            .into_iter()
            .chain(cursor + 1..=last)
            .map(|file| json!({ "runKey": format!("file-{file}") }))
            .collect();
        let cursor = last.max(cursor).to_string();
        json!({ "outcome": "SUCCEEDED", "findings": { "cursor": cursor, "runs": runs } })
    }
}

/// With its worker's own word about a retry at times; that there is none only where tasks are bad.
fn failure(category: &str, faults: &Faults, dice: &mut Dice) -> Value {
    let mut error = json!({ "category": category, "message": "no luck" });
    match dice.below(16) {
        0 if faults.bad_tasks => error["retryable"] = json!(false),
        1 => error["retryable"] = json!(true),
        2 => error["retryAfterMs"] = json!(dice.between(1_000, 90_000)),
        _ => {}
    }
    json!({ "outcome": "FAILED", "error": error })
}
