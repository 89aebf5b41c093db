//! What a program says about itself is read as strictly as what comes over the network, and a mistake is named with its place.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use arcoflow_core::wire::body::{self, SMALL};
use arcoflow_core::wire::event::{CheckResult, Figure, TaskError};
use arcoflow_core::wire::problem::Problem;
use arcoflow_core::wire::reader::Decode;
use arcoflow_core::wire::sensor::SensorFindings;
use serde_json::{Map, Value};

/// The most bytes of a result file.
pub(crate) const MOST_BYTES: u64 = 192 << 10;
/// The members that mean something.
const KNOWN: [&str; 7] = [
    "byteSize",
    "checks",
    "error",
    "findings",
    "metrics",
    "outputPath",
    "rowCount",
];

/// The file `result.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Decode)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResultFile {
    /// Rows in the output.
    #[serde(default)]
    pub(crate) row_count: Option<u64>,
    /// Bytes in the output, when the worker is not to count them.
    #[serde(default)]
    pub(crate) byte_size: Option<u64>,
    /// Where the output is, when it is not in the attempt's directory.
    #[serde(default)]
    pub(crate) output_path: Option<String>,
    /// Figures by name.
    #[serde(default)]
    pub(crate) metrics: BTreeMap<String, Figure>,
    /// Results of checks.
    #[serde(default)]
    pub(crate) checks: Vec<CheckResult>,
    /// Why the task failed.
    #[serde(default)]
    pub(crate) error: Option<TaskError>,
    /// What the program of a sensor found.
    #[serde(default)]
    pub(crate) findings: Option<SensorFindings>,
    /// Members that nobody reads, mistyped ones among them.
    #[serde(skip)]
    pub(crate) unknown: Vec<String>,
}

/// Reads the file; a program need not write one.
///
/// # Errors
/// A sentence for the program's author.
pub(crate) fn read(path: &Path) -> Result<ResultFile, String> {
    let Some(text) = contents(path)? else {
        return Ok(ResultFile::default());
    };
    let canonical = body::canonical(&text, SMALL).map_err(|problem| sentence(&problem))?;
    if !canonical.starts_with(b"{") {
        return Err("`result.json` is wrong: expected an object".to_owned());
    }
    let mut result: ResultFile = body::typed(&canonical).map_err(|problem| sentence(&problem))?;
    let members: Map<String, Value> = serde_json::from_slice(&canonical).unwrap_or_default();
    result.unknown = members
        .keys()
        .filter(|member| !KNOWN.contains(&member.as_str()))
        .cloned()
        .collect();
    Ok(result)
}

fn contents(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let unreadable = |error: io::Error| format!("`result.json` cannot be read: {error}");
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
        // Opening a pipe would wait for somebody to write into it.
        Ok(found) if !found.is_file() => return Err("`result.json` is not a file".to_owned()),
        Ok(_) => {}
    }
    let mut text = Vec::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut bounded = file.take(MOST_BYTES + 1);
    bounded.read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(format!("`result.json` has more than {MOST_BYTES} bytes"));
    }
    Ok(Some(text))
}

/// What is wrong, and where.
fn sentence(problem: &Problem) -> String {
    let extension = |name: &str| problem.extensions.get(name);
    let detail = problem
        .detail
        .as_deref()
        .unwrap_or(problem.slug.title())
        .to_owned();
    if let Some(place) = extension("errors").and_then(|errors| errors.get(0)) {
        let text = |name: &str| place.get(name).and_then(Value::as_str).unwrap_or("");
        return format!(
            "`result.json` is wrong at `{}`: {}",
            text("pointer"),
            text("detail")
        );
    }
    match (extension("pointer"), extension("offset")) {
        (Some(Value::String(pointer)), _) => {
            format!("`result.json` is wrong at `{pointer}`: {detail}")
        }
        (_, Some(offset)) => format!("`result.json` is no JSON: {detail} (byte {offset})"),
        _ => format!("`result.json` is wrong: {detail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<ResultFile, String> {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("result.json");
        fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn a_result_is_figures_and_checks() {
        let result = read_text(
            r#"{"rowCount": 3, "metrics": {"b": "1.5", "a": -2}, "checks": [{"name": "n", "passed": false}],
                "error": {"category": "DATA_QUALITY", "message": "no"}, "rowcount": 4}"#,
        )
        .unwrap();
        assert_eq!(result.row_count, Some(3));
        assert_eq!(result.metrics["a"], Figure::Integer(-2));
        assert_eq!(result.metrics["b"], Figure::Text("1.5".to_owned()));
        assert!(!result.checks[0].passed);
        assert_eq!(result.unknown, ["rowcount"]);
        assert_eq!(read_text("{}"), Ok(ResultFile::default()));
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        for (text, expected) in [
            ("", "(byte 0)"),
            ("{\"rowCount\": 1,}", "(byte 15)"),
            ("[]", "expected an object"),
            ("{\"rowCount\": -1}", "wrong at `/rowCount`"),
            (
                "{\"rowCount\": 18446744073709551616}",
                "wrong at `/rowCount`",
            ),
            ("{\"metrics\": {\"mean\": 1.5}}", "wrong at `/metrics/mean`"),
            (
                "{\"metrics\": {\"a\": 1, \"a\": 2}}",
                "wrong at `/metrics/a`",
            ),
            ("{\"metrics\": {\"a\": null}}", "wrong at `/metrics/a`"),
            (
                "{\"error\": {\"category\": \"OOPS\"}}",
                "wrong at `/error/category`",
            ),
            ("{\"checks\": [{\"name\": 1}]}", "wrong at `/checks/0/name`"),
        ] {
            let sentence = read_text(text).unwrap_err();
            assert!(sentence.contains(expected), "{text}: {sentence}");
        }
        let long = format!("{{\"outputPath\": \"{}\"}}", "x".repeat(200 << 10));
        assert!(read_text(&long).unwrap_err().contains("more than"));
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let scratch = tempfile::tempdir().unwrap();
        assert_eq!(
            read(&scratch.path().join("absent")),
            Ok(ResultFile::default())
        );
        let pipe = scratch.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        for path in [pipe.as_path(), scratch.path()] {
            assert_eq!(read(path), Err("`result.json` is not a file".to_owned()));
        }
    }
}
