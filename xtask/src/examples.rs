//! The examples in the documents are run as they stand.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::{root, run};

/// The pages with examples in every language, and where the files are that their examples read.
const PAGES: [(&str, &str); 3] = [
    ("identity", "."),
    ("identity-elsewhere", "."),
    ("ledger", "fixtures/ledger"),
];

/// Runs the blocks of one language with an interpreter, each page from a script in a directory.
pub(crate) fn run_blocks(
    language: &str,
    interpreter: &Path,
    directory: &Path,
    extension: &str,
) -> Result<(), String> {
    for (page, place) in PAGES {
        let name = format!("{page}.{extension}");
        let place = root().join(place);
        run_page(page, language, interpreter, &directory.join(name), &place)?;
    }
    Ok(())
}

/// Runs the blocks of one page as one script.
fn run_page(
    page: &str,
    language: &str,
    interpreter: &Path,
    script: &Path,
    place: &Path,
) -> Result<(), String> {
    let document = root().join(format!("docs/{page}.md"));
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
    fs::write(script, blocks.join("\n"))
        .map_err(|error| format!("{}: {error}", script.display()))?;
    run(
        Command::new(interpreter).arg(script).current_dir(place),
        &format!("correct the example in docs/{page}.md"),
    )
}
