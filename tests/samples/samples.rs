//! Each sample of a benchmark is a line of JSON for whoever computes its figures again.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

/// The file that samples are added to; its stem is the name of the benchmark. Without it they are only printed.
const FILE: &str = "ARCOFLOW_SAMPLES";

/// Keeps the samples of what was measured of somebody, in a unit.
pub(crate) fn keep(measure: &str, subject: &str, unit: &str, values: &[f64]) {
    let Some(path) = std::env::var_os(FILE).map(PathBuf::from) else {
        return;
    };
    let bench = path.file_stem().unwrap_or_default().to_string_lossy();
    let lines: String = values
        .iter()
        .map(|value| {
            let line = serde_json::json!({
                "bench": bench, "measure": measure.trim(), "subject": subject, "unit": unit, "value": value,
            });
            format!("{line}\n")
        })
        .collect();
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .expect("a place for the samples");
    file.write_all(lines.as_bytes()).expect("room");
}
