//! A page is prose for people and code that they may type.

use std::fs;
use std::path::{Path, PathBuf};

/// A page of the repository.
pub(crate) struct Page {
    pub(crate) path: String,
    text: String,
}

/// Written by code out of code, so they can only say what the code says.
const GENERATED: &[&str] = &["docs/http.md", "docs/problems.md", "docs/cli.md"];

pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("the workspace").to_path_buf()
}

/// Every page for readers of the repository.
pub(crate) fn pages() -> Vec<Page> {
    let mut found = vec![Page::read("README.md"), Page::read("CONTRIBUTING.md")];
    for room in ["docs", "fixtures", "examples", "bindings"] {
        collect(&root().join(room), &mut found);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(directory: &Path, found: &mut Vec<Page>) {
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir()
            && !["node_modules", ".arcoflow", "dist", "target"].contains(&name.as_str())
        {
            collect(&path, found);
        } else if name.ends_with(".md") {
            let path = path.strip_prefix(root()).expect("below the root");
            found.push(Page::read(&path.to_string_lossy().replace('\\', "/")));
        }
    }
}

impl Page {
    pub(crate) fn read(path: &str) -> Page {
        let text =
            fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Page {
            path: path.to_owned(),
            text,
        }
    }

    /// Whether code writes the page: from itself, or from a verified bundle.
    pub(crate) fn is_generated(&self) -> bool {
        let of_bundle =
            self.path.starts_with("docs/evidence/") && !self.path.ends_with("README.md");
        GENERATED.contains(&self.path.as_str()) || of_bundle
    }

    /// Its lines.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// The text with code, addresses of links, and links to verdicts taken out, line by line.
    pub(crate) fn prose(&self) -> String {
        let mut fenced = false;
        let mut prose = String::new();
        for (_, line) in self.lines() {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            if !fenced && !fence {
                let spans = line.split('`').step_by(2);
                let outside: Vec<&str> = spans.collect();
                prose.push_str(&without_links(&outside.join("`")));
            }
            prose.push('\n');
        }
        prose
    }

    /// Inline code and lines of code blocks.
    pub(crate) fn code(&self) -> Vec<(usize, String)> {
        let mut fenced = false;
        let mut found = Vec::new();
        for (number, line) in self.lines() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            } else if fenced {
                found.push((number, line.to_owned()));
            } else {
                let spans = line.split('`').skip(1).step_by(2);
                found.extend(spans.map(|span| (number, span.to_owned())));
            }
        }
        found
    }

    /// Text and target of each link.
    pub(crate) fn links(&self) -> Vec<(usize, String, String)> {
        let mut found = Vec::new();
        let mut fenced = false;
        for (number, line) in self.lines() {
            fenced ^= line.trim_start().starts_with("```");
            if fenced {
                continue;
            }
            // A link inside code is an example of one.
            let spans = line.split('`').enumerate();
            let shown = spans.map(|(index, span)| match index % 2 {
                1 if span.contains("](") => "",
                _ => span,
            });
            let line = shown.collect::<Vec<&str>>().join("`");
            for (at, _) in line.match_indices("](") {
                let (before, after) = (&line[..at], &line[at + 2..]);
                if let (Some(open), Some(close)) = (before.rfind('['), after.find(')')) {
                    let text = before[open + 1..].to_owned();
                    found.push((number, text, after[..close].to_owned()));
                }
            }
        }
        found
    }
}

/// A line without the addresses of its links, and without the texts of those that lead to a verdict.
fn without_links(line: &str) -> String {
    let mut kept = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("](") {
        let Some(close) = rest[at..].find(')') else {
            break;
        };
        let quoted = rest[at..at + close].contains("verdict.md#");
        let open = rest[..at].rfind('[').unwrap_or(at);
        kept.push_str(&rest[..if quoted { open } else { at }]);
        rest = &rest[at + close + 1..];
    }
    kept + rest
}
