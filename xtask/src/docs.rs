//! Some documents follow from the code; they are written by it and kept equal to it.

use std::fmt::Write as _;
use std::fs;

use arcoflow_core::door::openapi;
use arcoflow_core::door::routes::{Guard, ROUTES};
use arcoflow_core::wire::manifest::schema;
use arcoflow_core::wire::problem::{PROBLEM_BASE, Slug};

use crate::process::root;

fn documents() -> [(&'static str, String); 5] {
    [
        ("core/src/door/openapi/document.json", openapi_line()),
        ("docs/manifest.schema.json", manifest_schema()),
        ("docs/openapi.json", openapi_json()),
        ("docs/problems.md", problems()),
        ("docs/http.md", routes()),
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

const ROUTES_HEAD: &str = "# HTTP

Generated from the table of routes; `cargo xtask docs` writes this page again. The shapes of bodies are in
[openapi.json](openapi.json), which every door answers at `/openapi.json`, too.

- Requests and answers are JSON. A refusal is a problem (RFC 9457) with a stable `type`; [problems](problems.md) says what to do.
- `Authorization: Bearer KEY` carries an API key with the permission that a route names, or on task routes the task token of the
  envelope.
- An answer with a status below 300 means that what it says is on disk.
- A list says in `next` how to go on, and in `asOf` up to which record it is true. Partition and asset keys in a query are
  percent-encoded.
";

/// The page of every route.
fn routes() -> String {
    let mut text = String::from(ROUTES_HEAD);
    for route in ROUTES {
        let _ = write!(
            text,
            "\n## `{} {}`\n\n{}\n\n",
            route.method, route.path, route.summary
        );
        let guard = match route.guard {
            Guard::Open => "Open to anyone.".to_string(),
            Guard::Key(permission) => format!("Needs a key with `{}`.", permission.as_str()),
            Guard::Task => "Needs the task token of the attempt.".to_string(),
        };
        let _ = write!(text, "{guard} Answers {}", route.success);
        if route.body_cap > 0 {
            let optional = if route.body_optional {
                ", may be left out"
            } else {
                ""
            };
            let _ = write!(text, "; body up to {} bytes{optional}", route.body_cap);
        }
        text.push_str(".\n");
        if !route.query.is_empty() {
            text.push_str("\n| query | |\n|---|---|\n");
            for (name, meaning) in route.query {
                let _ = writeln!(text, "| `{name}` | {meaning} |");
            }
        }
        if !route.refusals.is_empty() {
            let refusals: Vec<String> = route
                .refusals
                .iter()
                .map(|slug| format!("[`{}`](problems.md) ({})", slug.as_str(), slug.status()))
                .collect();
            let _ = write!(text, "\nRefusals of its own: {}.\n", refusals.join(", "));
        }
    }
    text
}
