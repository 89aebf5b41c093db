//! The examples in the documents are run as they stand.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::{root, run};

/// A document whose examples are run.
struct Page {
    /// Its path without the ending.
    document: &'static str,
    /// The languages that it has examples in.
    languages: &'static [&'static str],
    /// Where the files are that they read.
    place: &'static str,
}

const EVERY: &[&str] = &["ts", "python"];

#[rustfmt::skip]
const PAGES: [Page; 5] = [
    Page { document: "docs/identity", languages: EVERY, place: "." },
    Page { document: "docs/identity-elsewhere", languages: EVERY, place: "." },
    Page { document: "docs/ledger", languages: EVERY, place: "fixtures/ledger" },
    Page { document: "bindings/npm/README", languages: &["ts"], place: "." },
    Page { document: "bindings/python/README", languages: &["python"], place: "." },
];

/// Runs the blocks of one language with an interpreter, each page from a script in a directory.
pub(crate) fn run_blocks(
    language: &str,
    interpreter: &Path,
    directory: &Path,
    extension: &str,
) -> Result<(), String> {
    for page in PAGES {
        let name = page.document.replace('/', "-");
        let script = directory.join(format!("{name}.{extension}"));
        run_page(&page, language, interpreter, &script)?;
    }
    Ok(())
}

/// Runs the blocks of one page as one script, where it is to have some.
fn run_page(page: &Page, language: &str, interpreter: &Path, script: &Path) -> Result<(), String> {
    let document = root().join(page.document).with_extension("md");
    let text = fs::read_to_string(&document)
        .map_err(|error| format!("{}: {error}", document.display()))?;
    let start = format!("```{language}\n");
    let blocks: Vec<&str> = text
        .split(start.as_str())
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    match (page.languages.contains(&language), blocks.is_empty()) {
        (true, false) => {}
        (false, true) => return Ok(()),
        (is_wanted, _) => {
            let has = if is_wanted {
                "no example"
            } else {
                "an example that nobody asked for"
            };
            return Err(format!("{} has {has} in {language}", document.display()));
        }
    }
    fs::write(script, blocks.join("\n"))
        .map_err(|error| format!("{}: {error}", script.display()))?;
    run(
        Command::new(interpreter)
            .arg(script)
            .current_dir(root().join(page.place)),
        &format!("correct the example in {}.md", page.document),
    )
}
