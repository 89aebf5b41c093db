//! The house rules are kept by this test, and each of its failures says what to do instead.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A file of the checkout.
struct File {
    path: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
        .to_path_buf()
}

/// The files that are ours: what git would not ignore, by ending.
fn files(endings: &[&str]) -> Vec<File> {
    let mut found = Vec::new();
    walk(&root(), &mut |path| {
        let name = path
            .strip_prefix(root())
            .expect("below the root")
            .to_string_lossy()
            .replace('\\', "/");
        if endings.iter().any(|ending| name.ends_with(ending))
            && let Ok(text) = fs::read_to_string(path)
        {
            found.push(File { path: name, text });
        }
    });
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(directory: &Path, each: &mut dyn FnMut(&Path)) {
    const NOT_OURS: &[&str] = &[
        "target",
        "built",
        "node_modules",
        ".git",
        ".venv",
        ".arcoflow",
        "__pycache__",
        "dist",
        "corpus",
    ];
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !NOT_OURS.contains(&name.as_str()) {
                walk(&path, each);
            }
        } else {
            each(&path);
        }
    }
}

fn rust() -> Vec<File> {
    files(&[".rs"])
}

#[track_caller]
fn report(faults: Vec<String>, instead: &str) {
    assert!(
        faults.is_empty(),
        "\n{}\n\nInstead: {instead}\n",
        faults.join("\n")
    );
}

/// What stands before the tests of a file.
fn code(text: &str) -> &str {
    text.find("#[cfg(test)]").map_or(text, |at| &text[..at])
}

/// Lines of code with their numbers, without comments.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    code(text)
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.split("//").next().unwrap_or("")))
        .filter(|(_, line)| !line.trim().is_empty())
}

#[test]
fn a_file_opens_with_a_claim() {
    let faults = rust()
        .into_iter()
        .filter(|file| {
            let first = file.text.lines().next().unwrap_or("");
            !(first.starts_with("//! ") && first.len() > 12)
        })
        .map(|file| file.path)
        .collect();
    report(
        faults,
        "open the file with one `//!` sentence that claims what is true in it",
    );
}

#[test]
fn names_say_what_is_inside() {
    const EMPTY_WORDS: &[&str] = &[
        "util", "utils", "common", "helper", "helpers", "misc", "types", "manager", "mod",
    ];
    let faults = rust()
        .into_iter()
        .filter(|file| {
            let stem = Path::new(&file.path)
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned());
            stem.is_some_and(|stem| EMPTY_WORDS.contains(&stem.as_str()))
        })
        .map(|file| file.path)
        .collect();
    report(
        faults,
        "name the file after the thing in it; a module with parts is `x.rs` beside `x/`",
    );
}

#[test]
fn no_file_is_a_heap() {
    const MOST_LINES: usize = 500;
    let faults = files(&[".rs", ".py", ".ts", ".mjs", ".js"])
        .into_iter()
        .map(|file| (file.text.lines().count(), file.path))
        .filter(|(lines, _)| *lines > MOST_LINES)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    report(
        faults,
        "split the file where a newcomer would look for a part of it",
    );
}

#[test]
fn core_cannot_reach_the_world() {
    let banned: BTreeMap<&str, &str> = BTreeMap::from([
        (
            "std::",
            "use `core::` or `alloc::`; a host lends what is missing",
        ),
        ("HashMap", "use `BTreeMap`: the same order everywhere"),
        ("HashSet", "use `BTreeSet`: the same order everywhere"),
        ("SystemTime", "take the time as an argument"),
        ("Instant", "take the time as an argument"),
        ("f32", "use integers: floats differ between machines"),
        ("f64", "use integers: floats differ between machines"),
        (
            "cfg(feature",
            "there is one core; a host decides by what it calls",
        ),
        ("static mut", "pass state as an argument"),
        ("todo!", "write it"),
        ("unimplemented!", "write it"),
    ]);
    // A serializer is asked about floats, and says no.
    const FLOATS_ARE_REFUSED_IN: &[&str] = &["core/src/identity/canonical_json/value.rs"];
    let mut faults = Vec::new();
    for file in rust()
        .into_iter()
        .filter(|file| file.path.starts_with("core/src/"))
    {
        for (number, line) in lines(&file.text) {
            for (word, instead) in &banned {
                let allowed =
                    FLOATS_ARE_REFUSED_IN.contains(&file.path.as_str()) && word.starts_with('f');
                if contains_word(line, word) && !allowed {
                    faults.push(format!("{}:{number}: `{word}`: {instead}", file.path));
                }
            }
        }
    }
    report(
        faults,
        "see `docs/contract.md` for what core and host each own",
    );
    let crate_root = fs::read_to_string(root().join("core/src/lib.rs")).expect("core");
    assert!(crate_root.contains("#![no_std]") && crate_root.contains("#![forbid(unsafe_code)]"));
}

/// Whether a word stands in a line, not as a part of a longer one.
fn contains_word(line: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let starts = !word.starts_with(part_of_name) || !before.is_some_and(part_of_name);
        let ends = !word.ends_with(part_of_name) || !after.is_some_and(part_of_name);
        starts && ends
    })
}

#[test]
fn arrows_inside_core_go_one_way() {
    const ROOMS: &[(&str, &[&str])] = &[
        ("identity", &[]),
        ("wire", &["identity"]),
        ("plan", &["identity", "wire"]),
        ("automation", &["identity", "wire", "plan"]),
        ("run", &["identity", "wire", "plan", "automation"]),
        ("door", &["identity", "wire", "plan", "run", "automation"]),
    ];
    let mut faults = Vec::new();
    for file in rust() {
        let Some(path) = file.path.strip_prefix("core/src/") else {
            continue;
        };
        let room = path.split(['/', '.']).next().unwrap_or("");
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            continue;
        };
        for (number, line) in lines(&file.text) {
            for (_, used) in line
                .match_indices("crate::")
                .map(|(at, word)| (at, &line[at + word.len()..]))
            {
                let used = used
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
                    .unwrap_or("");
                let known = ROOMS.iter().any(|(name, _)| *name == used);
                if known && used != room && !allowed.contains(&used) {
                    faults.push(format!("{}:{number}: {room} uses {used}", file.path));
                }
            }
        }
    }
    report(
        faults,
        "move what both need towards identity; door → run → automation → plan → wire → identity",
    );
}

#[test]
fn crates_are_used_in_one_direction() {
    // Who may name whom among our own crates.
    const MAY_USE: &[(&str, &[&str])] = &[
        ("core", &["arcoflow-derive"]),
        ("core/derive", &[]),
        // The stories are for its tests alone; the release build knows nothing of them.
        ("scheduler", &["arcoflow-core", "arcoflow-stories"]),
        ("edge", &["arcoflow-core"]),
        ("bindings/npm", &["arcoflow-core"]),
        ("bindings/npm/replay", &["arcoflow-core"]),
        ("bindings/python", &["arcoflow-core"]),
        ("tests", &["arcoflow-core"]),
        ("tests/simulator", &["arcoflow-core"]),
        ("tests/stories", &["arcoflow-core"]),
        (
            "tests/stories/web",
            &["arcoflow-core", "arcoflow-simulator", "arcoflow-stories"],
        ),
        (
            "xtask",
            &["arcoflow-core", "arcoflow-stories", "arcoflow-tests"],
        ),
    ];
    let mut faults = Vec::new();
    for (room, allowed) in MAY_USE {
        let Ok(manifest) = fs::read_to_string(root().join(room).join("Cargo.toml")) else {
            continue;
        };
        for (number, line) in manifest.lines().enumerate() {
            let name = line.split(['.', ' ', '=']).next().unwrap_or("");
            let dependency = line.contains(".workspace")
                || line.contains("path =")
                || line.contains("version =");
            let ours = name == "arcoflow" || name.starts_with("arcoflow-");
            if ours && dependency && !allowed.contains(&name) {
                faults.push(format!("{room}/Cargo.toml:{}: uses {name}", number + 1));
            }
        }
    }
    report(
        faults,
        "use the other crate by its public face: HTTP, the answerer protocol, a package",
    );
}

#[test]
fn sql_lives_in_core() {
    let mut faults = Vec::new();
    for file in rust() {
        let host = file.path.starts_with("scheduler/src/") || file.path.starts_with("edge/src/");
        for (number, line) in lines(&file.text) {
            let sql = [
                "\"SELECT ",
                "\"INSERT ",
                "\"UPDATE ",
                "\"DELETE ",
                "\"CREATE ",
            ]
            .iter()
            .any(|word| line.contains(word));
            if host && sql {
                faults.push(format!("{}:{number}", file.path));
            }
        }
    }
    report(
        faults,
        "put the statement into `core/src/door`: the ledger is written once, for every host",
    );
}

#[test]
fn text_is_written_for_a_reader_who_was_not_there() {
    // Spelled apart, so that this list does not find itself.
    let banned = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("/work", "/"),
        concat!("crates", ".io"),
        concat!("registry.", "npmjs"),
        concat!("py", "pi.org"),
        concat!("deb.", "debian"),
        concat!("#[ig", "nore"),
    ];
    let mut faults = Vec::new();
    for file in files(&[
        ".rs", ".md", ".toml", ".py", ".ts", ".mjs", ".js", ".yml", ".html",
    ]) {
        for (number, line) in file.text.lines().enumerate() {
            for word in banned.iter().filter(|word| line.contains(**word)) {
                faults.push(format!("{}:{}: `{word}`", file.path, number + 1));
            }
        }
    }
    report(
        faults,
        "finish it, or say it so that it is true in any checkout",
    );
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut faults = Vec::new();
    for file in files(&[".md"]) {
        let directory = root()
            .join(&file.path)
            .parent()
            .expect("a directory")
            .to_path_buf();
        for link in links(&file.text) {
            let path = link.split('#').next().unwrap_or("");
            let outside = link.contains("://") || link.starts_with("mailto:") || path.is_empty();
            if !outside && !directory.join(path).exists() {
                faults.push(format!("{}: {link}", file.path));
            }
        }
    }
    report(
        faults,
        "link to a file that is in the repository, relative to the document",
    );
}

/// The targets of Markdown links, without those in code blocks.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            if let Some(end) = line[at + 2..].find(')') {
                found.push(line[at + 2..at + 2 + end].to_string());
            }
        }
    }
    found
}

#[test]
fn decisions_are_listed() {
    let directory = root().join("docs/decisions");
    let list = fs::read_to_string(directory.join("README.md")).unwrap_or_default();
    let faults = fs::read_dir(&directory)
        .expect("decisions")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "README.md" && !list.contains(name.as_str()))
        .collect();
    report(
        faults,
        "name the decision in docs/decisions/README.md with its one sentence",
    );
}
