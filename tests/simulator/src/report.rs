//! What a life came to.

use serde_json::{Value, json};

use crate::judge::Broken;
use crate::marks::Marks;
use crate::settings::Settings;

/// What a life came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it followed from.
    pub settings: Settings,
    /// The kinds of faults that were on.
    pub kinds: Vec<&'static str>,
    /// The rule that was broken.
    pub broken: Option<Broken>,
    /// How long it was, in simulated milliseconds.
    pub at_ms: u64,
    /// The moments that it had.
    pub steps: u64,
    /// The records of its ledger.
    pub records: u64,
    /// The runs that began.
    pub runs: usize,
    /// What happened in it.
    pub marks: Marks,
    /// Equal for lives that were the same: over the chain of the ledger, the moments, and what happened.
    pub digest: String,
}

impl Report {
    /// A life that ended in an assertion, with its words.
    #[must_use]
    pub fn of_panic(settings: &Settings, words: String) -> Report {
        let broken = Broken {
            rule: "an assertion holds",
            detail: words,
        };
        Report {
            settings: settings.clone(),
            kinds: Vec::new(),
            broken: Some(broken),
            at_ms: 0,
            steps: 0,
            records: 0,
            runs: 0,
            marks: Marks::default(),
            digest: String::new(),
        }
    }

    /// The rule that was broken.
    #[must_use]
    pub fn rule(&self) -> Option<&'static str> {
        self.broken.as_ref().map(|broken| broken.rule)
    }

    /// The facts of it, for files.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let broken = self.broken.as_ref();
        json!({
            "seed": self.settings.seed,
            "hours": self.settings.hours,
            "without": self.settings.without,
            "faults": self.kinds,
            "simulatedMs": self.at_ms,
            "steps": self.steps,
            "records": self.records,
            "runs": self.runs,
            "digest": self.digest,
            "broken": broken.map(|broken| json!({ "rule": broken.rule, "detail": broken.detail })),
        })
    }
}
