//! A finding names a rule, the place that breaks it and what to do about it.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing that is wrong with a document, at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Finding {
    /// Stable, for programs: `manifest.cycle`, `plan.too_large`.
    pub code: Cow<'static, str>,
    /// RFC 6901 pointer into the document; empty for the whole of it.
    pub pointer: String,
    /// A sentence for a person: lower case, no period, input in backticks.
    pub message: String,
    /// What to do instead.
    pub hint: String,
}

impl Finding {
    /// A finding of the rule `code` at `pointer`.
    pub fn new(
        code: &'static str,
        pointer: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Finding {
        Finding {
            code: Cow::Borrowed(code),
            pointer: pointer.into(),
            message: message.into(),
            hint: hint.into(),
        }
    }
}

impl Finding {
    /// The entry of a problem's `errors`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "code": self.code, "pointer": self.pointer, "detail": self.message, "hint": self.hint })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            write!(formatter, "{} ({})", self.message, self.hint)
        } else {
            write!(
                formatter,
                "{}: {} ({})",
                self.pointer, self.message, self.hint
            )
        }
    }
}

impl core::error::Error for Finding {}
