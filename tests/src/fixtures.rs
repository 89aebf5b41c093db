//! A fixture is a question with its right answer; whoever answers is only seen through the protocol.

pub mod target;
pub mod random;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use arcoflow_core::identity::digest::sha256;
use serde::Deserialize;
use serde_json::{Value, json};

/// One question, why it is asked, and what is right.
#[derive(Clone, Debug)]
pub struct Case {
    /// The permanent name.
    pub name: String,
    /// Why the case exists.
    pub why: String,
    /// The line to send, without its line feed.
    pub line: String,
    expected: Expected,
}

#[derive(Clone, Debug)]
enum Expected {
    Ok(Value),
    /// SHA-256 of a string that is too long to write down.
    Hash(String),
    Error(Value),
}

#[derive(Deserialize)]
struct Set {
    count: usize,
    refusals: usize,
    cases: Vec<Written>,
}

#[derive(Deserialize)]
struct Written {
    name: String,
    why: String,
    op: String,
    #[serde(default, deserialize_with = "present")]
    input: Option<Value>,
    input_base64: Option<String>,
    input_repeat: Option<Vec<(String, usize)>>,
    #[serde(default, deserialize_with = "present")]
    ok: Option<Value>,
    ok_sha256: Option<String>,
    error: Option<Value>,
}

/// A member that stands there, even as null.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Where the identity fixtures stand.
pub fn identity_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/identity")
}

/// Reads every set of a directory, and checks counts and names.
///
/// # Errors
/// A sentence that says which file is wrong and what to do.
pub fn load(directory: &Path) -> Result<Vec<Case>, String> {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory)
        .map_err(|error| format!("{}: {error}", directory.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    paths.sort();
    let mut cases = Vec::new();
    let mut names = BTreeSet::new();
    for path in paths {
        let say = |problem: &dyn std::fmt::Display| format!("{}: {problem}", path.display());
        let text = fs::read_to_string(&path).map_err(|error| say(&error))?;
        let set: Set = serde_json::from_str(&text).map_err(|error| say(&error))?;
        let refusals = set.cases.iter().filter(|case| case.error.is_some()).count();
        if (set.count, set.refusals) != (set.cases.len(), refusals) {
            return Err(say(&format!(
                "has {} cases and {refusals} refusals; correct the counts",
                set.cases.len()
            )));
        }
        for written in set.cases {
            if !names.insert(written.name.clone()) {
                return Err(say(&format!(
                    "`{}` stands twice; give each case its own name",
                    written.name
                )));
            }
            cases.push(Case::read(written).map_err(|problem| say(&problem))?);
        }
    }
    Ok(cases)
}

impl Case {
    fn read(written: Written) -> Result<Self, String> {
        let name = written.name;
        let expected = match (written.ok, written.ok_sha256, written.error) {
            (Some(value), None, None) => Expected::Ok(value),
            (None, Some(hash), None) => Expected::Hash(hash),
            (None, None, Some(error)) => Expected::Error(error),
            _ => {
                return Err(format!(
                    "`{name}` has not one of `ok`, `ok_sha256` and `error`"
                ));
            }
        };
        let (member, input) = match (written.input, written.input_base64, written.input_repeat) {
            (Some(input), None, None) => ("input", input),
            (None, Some(bytes), None) => ("input_base64", Value::from(bytes)),
            (None, None, Some(pieces)) => (
                "input",
                Value::from(
                    pieces
                        .iter()
                        .map(|(text, times)| text.repeat(*times))
                        .collect::<String>(),
                ),
            ),
            _ => {
                return Err(format!(
                    "`{name}` has not one of `input`, `input_base64` and `input_repeat`"
                ));
            }
        };
        let line = json!({"id": name, "op": written.op, member: input}).to_string();
        Ok(Self {
            name,
            why: written.why,
            line,
            expected,
        })
    }

    /// A question with the line that is its right answer.
    pub(crate) fn answered(
        name: String,
        why: String,
        line: String,
        answer: &str,
    ) -> Result<Self, String> {
        let answer: Value =
            serde_json::from_str(answer).map_err(|error| format!("{name}: {error}: {answer}"))?;
        let expected = match (answer.get("ok"), answer.get("error")) {
            (Some(ok), None) => Expected::Ok(ok.clone()),
            (None, Some(error)) => Expected::Error(error.clone()),
            _ => return Err(format!("{name}: {answer} is no answer")),
        };
        Ok(Self {
            name,
            why,
            line,
            expected,
        })
    }

    /// Whether a line is the right answer.
    ///
    /// # Errors
    /// A sentence with what was wanted and what came.
    pub fn check(&self, answer: &str) -> Result<(), String> {
        let came: Value = serde_json::from_str(answer)
            .map_err(|error| format!("{}: {error}: {answer}", self.name))?;
        let right = came.get("id").and_then(Value::as_str) == Some(self.name.as_str())
            && came.as_object().is_some_and(|object| object.len() == 2)
            && match &self.expected {
                Expected::Ok(value) => came.get("ok") == Some(value),
                Expected::Error(error) => came.get("error") == Some(error),
                Expected::Hash(hash) => {
                    came.get("ok").and_then(Value::as_str).is_some_and(|text| {
                        sha256(text.as_bytes()).to_string().strip_prefix("sha256:") == Some(hash)
                    })
                }
            };
        if right {
            return Ok(());
        }
        let wanted = match &self.expected {
            Expected::Ok(value) => format!("ok {value}"),
            Expected::Hash(hash) => format!("ok with SHA-256 {hash}"),
            Expected::Error(error) => format!("error {error}"),
        };
        let short = |text: &str| text.chars().take(400).collect::<String>();
        Err(format!(
            "{} ({})\n  question {}\n  wanted   {}\n  came     {}",
            self.name,
            self.why,
            short(&self.line),
            short(&wanted),
            short(answer)
        ))
    }
}
