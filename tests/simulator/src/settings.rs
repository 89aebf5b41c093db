//! A life follows from its settings: the seed, the hours, and what is left out of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client;
use crate::faults;

/// What a life follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// How long the faults go on, in simulated hours.
    pub hours: u64,
    /// Kinds of faults and wishes of callers that do not happen.
    pub without: BTreeSet<String>,
}

impl Settings {
    /// A whole life.
    #[must_use]
    pub fn new(seed: u64, hours: u64) -> Settings {
        Settings {
            seed,
            hours,
            without: BTreeSet::new(),
        }
    }

    /// The same life without one more kind.
    #[must_use]
    pub fn but_without(&self, kind: &str) -> Settings {
        let mut settings = self.clone();
        settings.without.insert(kind.to_owned());
        settings
    }

    /// Everything that can be left out.
    pub fn kinds() -> impl Iterator<Item = &'static str> {
        faults::KINDS.iter().chain(client::WISHES).copied()
    }

    pub(crate) fn has(&self, kind: &str) -> bool {
        !self.without.contains(kind)
    }

    /// The settings as they stand in a file.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({ "seed": self.seed, "hours": self.hours, "without": self.without })
    }

    /// Reads settings.
    ///
    /// # Errors
    /// What is missing, or is no kind.
    pub fn from_json(json: &Value) -> Result<Settings, String> {
        let number = |member: &str| {
            let number = json[member].as_u64();
            number.ok_or_else(|| format!("`{member}` is no number"))
        };
        let mut settings = Settings::new(number("seed")?, number("hours")?);
        for kind in json["without"].as_array().into_iter().flatten() {
            settings.leave_out(kind.as_str().unwrap_or(""))?;
        }
        Ok(settings)
    }

    /// Leaves a kind out.
    ///
    /// # Errors
    /// It is no kind.
    pub fn leave_out(&mut self, kind: &str) -> Result<(), String> {
        if !Settings::kinds().any(|known| known == kind) {
            let kinds: Vec<&str> = Settings::kinds().collect();
            return Err(format!("`{kind}` is no kind; use {}", kinds.join(", ")));
        }
        self.without.insert(kind.to_owned());
        Ok(())
    }
}
