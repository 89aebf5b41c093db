//! A life that broke a rule once is lived again for ever, as small as it was found.

use std::fs;
use std::path::{Path, PathBuf};

use arcoflow_simulator::report::Report;
use arcoflow_simulator::settings::Settings;
use serde_json::{Value, json};

use crate::lives::live;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions")
}

/// Lives every life of the folder; none may break a rule.
pub(crate) fn live_all() -> Result<(), String> {
    let folder = folder();
    let listed = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    paths.sort();
    let mut broken = Vec::new();
    for path in &paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let report = live(&read(path)?, false);
        let verdict = report.rule().unwrap_or("holds");
        println!("{name:<44} {verdict}");
        broken.extend(
            report
                .broken
                .map(|broken| format!("{name}: {}", broken.detail)),
        );
    }
    match broken.len() {
        0 if !paths.is_empty() => Ok(()),
        0 => Err(format!("{} has no lives", folder.display())),
        _ => Err(broken.join("\n")),
    }
}

fn read(path: &Path) -> Result<Settings, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let json: Value =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    if json["why"].as_str().is_none_or(str::is_empty) {
        return Err(format!(
            "{}: it does not say `why` it is kept",
            path.display()
        ));
    }
    Settings::from_json(&json).map_err(|problem| format!("{}: {problem}", path.display()))
}

/// A broken life as it is kept.
pub(crate) fn file_of(report: &Report) -> String {
    let mut file = report.settings.to_json();
    file["rule"] = json!(report.rule());
    file["why"] = json!("");
    format!("{file:#}")
}
