//! The facts of many lives are written to a file, for whoever judges them later.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::lives::Lived;
use crate::options::Options;

/// The facts, without any verdict.
pub(crate) fn of(options: &Options, lived: &Lived) -> Value {
    let marks = lived.marks();
    json!({
        "from": options.from,
        "fresh": options.is_fresh,
        "seeds": lived.reports.len(),
        "hours": options.settings.hours,
        "without": options.settings.without,
        "simulatedMs": lived.sum(|report| report.at_ms),
        "steps": lived.sum(|report| report.steps),
        "records": lived.sum(|report| report.records),
        "runs": lived.sum(|report| report.runs as u64),
        "wallMs": lived.wall.as_millis() as u64,
        "processorMs": lived.processor.as_millis() as u64,
        "happened": marks.0,
        "neverHappened": marks.missing(),
        "again": lived.again,
        "lives": lived.reports.iter().map(arcoflow_simulator::report::Report::to_json).collect::<Vec<_>>(),
    })
}

/// Writes a file, and the folder that it stands in.
pub(crate) fn write(path: &Path, facts: &Value) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, format!("{facts:#}\n")).map_err(failed)
}
