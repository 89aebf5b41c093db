//! Some documents follow from the code; they are written by it and kept equal to it.

use std::fmt::Write as _;
use std::fs;

use arcoflow_core::door::openapi;
use arcoflow_core::wire::manifest::schema;
use arcoflow_core::wire::problem::{PROBLEM_BASE, Slug};

use crate::process::root;

fn documents() -> [(&'static str, String); 4] {
    [
        ("core/src/door/openapi/document.json", openapi_line()),
        ("docs/manifest.schema.json", manifest_schema()),
        ("docs/openapi.json", openapi_json()),
        ("docs/problems.md", problems()),
    ]
}

/// Writes every such document.
pub(crate) fn write() -> Result<(), String> {
    for (path, text) in documents() {
        fs::write(root().join(path), text)
            .map_err(|error| format!("{path} cannot be written: {error}"))?;
        println!("wrote {path}");
    }
    Ok(())
}

/// Fails when one of them is not what the code would write.
pub(crate) fn check() -> Result<(), String> {
    for (path, text) in documents() {
        if fs::read_to_string(root().join(path)).unwrap_or_default() != text {
            return Err(format!(
                "{path} is out of date; `cargo xtask docs` writes it"
            ));
        }
    }
    Ok(())
}

/// The document as the door sends it.
fn openapi_line() -> String {
    openapi::document(openapi::WRITTEN_URL).to_string()
}

fn openapi_json() -> String {
    let document = openapi::document(openapi::WRITTEN_URL);
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn manifest_schema() -> String {
    let mut text = serde_json::to_string_pretty(&schema::json_schema()).unwrap_or_default();
    text.push('\n');
    text
}

fn problems() -> String {
    let mut text = String::from(
        "# Problems\n\n\
         Every refusal is an [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problem: `application/problem+json` with `type`, `title`,\n\
         `status`, `instance`, often `detail`, and the members named below. `type` ends in the name of a section of this page, and for one\n\
         `type` the title and the status never change. `instance` names the request in the log of the door.\n\n\
         | type | status | title |\n|---|---|---|\n",
    );
    for slug in Slug::ALL {
        let _ = writeln!(
            text,
            "| [`{0}`](#{0}) | {1} | {2} |",
            slug.as_str(),
            slug.status(),
            slug.title()
        );
    }
    for slug in Slug::ALL {
        let _ = write!(
            text,
            "\n## {}\n\n`{}{}` · {}\n\n{}\n",
            slug.as_str(),
            PROBLEM_BASE,
            slug.as_str(),
            slug.status(),
            slug.help()
        );
    }
    text
}
