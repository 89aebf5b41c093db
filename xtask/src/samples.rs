//! A benchmark that runs as a whole leaves every sample behind; a part of one leaves nothing, so that samples of one file are of one run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::evidence;

/// Where a benchmark adds its samples, a line of JSON each; `tests/samples` has the writer of each language.
const FILE: &str = "ARCOFLOW_SAMPLES";

/// A new file for the samples of a benchmark.
pub(crate) fn begin(bench: &str) -> Result<PathBuf, String> {
    let name = format!("samples/{bench}.jsonl");
    evidence::begin(&name, &format!("cargo xtask bench {bench}"))
}

/// Tells a program of the benchmark where they go.
pub(crate) fn kept_by<'a>(command: &'a mut Command, file: &Path) -> &'a mut Command {
    command.env(FILE, file)
}

/// The median of a measure of somebody, if it was taken.
pub(crate) fn median(file: &Path, measure: &str, subject: &str) -> Result<Option<f64>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut values = Vec::new();
    for line in text.lines() {
        let sample: Value =
            serde_json::from_str(line).map_err(|error| format!("{}: {error}", file.display()))?;
        if sample["measure"] == measure && sample["subject"] == subject {
            values.extend(sample["value"].as_f64());
        }
    }
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else {
        return Ok(None);
    };
    Ok(Some((values[last / 2] + values[values.len() / 2]) / 2.0))
}
