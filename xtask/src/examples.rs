//! The examples in the documents are run as they stand.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::{root, run};

/// Runs the blocks of one language in `docs/identity.md` with an interpreter, from a file in a directory.
pub(crate) fn run_blocks(
    language: &str,
    interpreter: &Path,
    directory: &Path,
    name: &str,
) -> Result<(), String> {
    let document = root().join("docs/identity.md");
    let text = fs::read_to_string(&document)
        .map_err(|error| format!("{}: {error}", document.display()))?;
    let start = format!("```{language}\n");
    let blocks: Vec<&str> = text
        .split(start.as_str())
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    if blocks.is_empty() {
        return Err(format!(
            "{} has no example in {language}",
            document.display()
        ));
    }
    let script = directory.join(name);
    fs::write(&script, blocks.join("\n"))
        .map_err(|error| format!("{}: {error}", script.display()))?;
    run(
        Command::new(interpreter).arg(&script),
        "correct the example in docs/identity.md",
    )
}
