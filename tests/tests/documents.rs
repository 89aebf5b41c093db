//! A document quotes no figure that is in no evidence bundle, and names no file, command or state that is not there.

#[path = "documents/pages.rs"]
mod pages;
#[path = "documents/commands.rs"]
mod commands;
#[path = "documents/quantities.rs"]
mod quantities;
#[path = "documents/verdicts.rs"]
mod verdicts;

use std::collections::BTreeSet;

use commands::{Verbs, listed};
use pages::{Page, pages, root};
use verdicts::Published;

#[track_caller]
fn report(faults: Vec<String>, instead: &str) {
    assert!(
        faults.is_empty(),
        "\n{}\n\nInstead: {instead}\n",
        faults.join("\n")
    );
}

/// The rooms whose files a document may name.
const ROOMS: &[&str] = &[
    ".ci/",
    "bindings/",
    "core/",
    "docs/",
    "edge/",
    "examples/",
    "fixtures/",
    "fuzz/",
    "scheduler/",
    "tests/",
    "xtask/",
];
/// What is made by commands and kept by nobody.
const MADE: &[&str] = &["built", "dist", "node_modules", ".arcoflow", "corpus"];

#[test]
fn a_quantity_is_a_limit_or_a_figure_of_the_bundle() {
    let limits = quantities::limits();
    let mut used = BTreeSet::new();
    let mut faults = Vec::new();
    for page in pages().iter().filter(|page| !page.is_generated()) {
        for (line, quantity) in quantities::quantities(&page.prose()) {
            let limit = limits
                .iter()
                .find(|limit| limit.page == page.path && limit.quantity == quantity);
            match limit {
                Some(limit) => drop(used.insert(limit.number)),
                None => faults.push(format!("{}:{line}: {quantity}", page.path)),
            }
        }
    }
    for limit in &limits {
        if !used.contains(&limit.number) {
            faults.push(format!(
                "{}:{}: `{}` no longer stands in {}",
                quantities::LIMITS,
                limit.number,
                limit.quantity,
                limit.page
            ));
        }
        faults.extend(limit.fault());
    }
    report(
        faults,
        "link what was measured to its claim, as in `[1.5 ms](evidence/verdict.md#host-level)`; name a limit in \
         tests/documents/limits.txt with the place that sets it",
    );
}

#[test]
fn a_quoted_figure_is_that_of_its_claim() {
    let published = Published::read();
    let faults = pages()
        .iter()
        .flat_map(|page| published.quote_faults(page))
        .collect();
    report(
        faults,
        "`cargo xtask evidence publish BUNDLE` writes quoted figures again; a claim that is gone takes its sentence along",
    );
}

#[test]
fn what_is_kept_of_a_bundle_is_one_bundle() {
    report(
        Published::read().own_faults(),
        "publish a bundle as a whole, and edit nothing by hand",
    );
}

#[test]
fn a_state_of_the_gap_tracker_follows_from_its_claims() {
    let page = Page::read("docs/production-readiness.md");
    report(
        Published::read().state_faults(&page),
        "`cargo xtask evidence publish BUNDLE` writes the states again; a row without a claim is `not shown`",
    );
}

#[test]
fn files_that_documents_name_are_there() {
    let mut faults = Vec::new();
    for page in pages() {
        for (line, snippet) in page.code() {
            let words = snippet.split(|c: char| c.is_whitespace() || "'\"`()=,;:<>|$".contains(c));
            for word in words.filter(|word| ROOMS.iter().any(|room| word.starts_with(room))) {
                // A pattern names the directory before it.
                let path = word.split(['*', '{', '…', '[']).next().unwrap_or("");
                let is_made = path.split('/').any(|part| MADE.contains(&part));
                let is_name = path.contains("NAME");
                // A room may be named without its `src`, as commits do.
                let room = path.replacen('/', "/src/", 1);
                let is_there = [path, &room].iter().any(|path| root().join(path).exists());
                if !is_made && !is_name && !is_there {
                    faults.push(format!("{}:{line}: {word}", page.path));
                }
            }
        }
    }
    report(faults, "name a file that is in the repository");
}

#[test]
fn commands_that_documents_name_exist() {
    let tasks = listed("xtask/src/main.rs");
    let verbs = Verbs::read();
    let mut faults = Vec::new();
    for page in pages() {
        for (line, snippet) in page.code() {
            for words in after(&snippet, "cargo xtask ") {
                let known = tasks.iter().any(|task| words.starts_with(task));
                if !words.is_empty() && !known {
                    faults.push(format!(
                        "{}:{line}: cargo xtask {}",
                        page.path,
                        words.join(" ")
                    ));
                }
            }
            for start in ["arcoflow ", "cargo run --release -- "] {
                for words in after(&snippet, start) {
                    if !words.is_empty() && !verbs.has(&words) {
                        faults.push(format!("{}:{line}: {start}{}", page.path, words.join(" ")));
                    }
                }
            }
        }
    }
    report(
        faults,
        "name a command that `cargo xtask help` or docs/cli.md lists",
    );
}

/// The words in lower case that follow each place where a command begins.
fn after(snippet: &str, start: &str) -> Vec<Vec<String>> {
    let begins = |at: &usize| {
        let before = snippet[..*at].split_whitespace().next_back();
        let is_joined = *at > 0 && !snippet[..*at].ends_with(char::is_whitespace);
        !is_joined
            && before.is_none_or(|word| ["$", "&&", "|"].contains(&word) || word.contains('='))
    };
    let is_word = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
    };
    snippet
        .match_indices(start)
        .map(|(at, _)| at)
        .filter(begins)
        .map(|at| {
            let words = snippet[at + start.len()..].split(' ');
            words.take_while(is_word).map(str::to_owned).collect()
        })
        .collect()
}

#[test]
fn the_checks_see_what_they_are_for() {
    let seen = |text: &str| -> Vec<String> {
        let found = quantities::quantities(text).into_iter();
        found.map(|(_, quantity)| quantity).collect()
    };
    for (text, quantity) in [
        ("a level takes 1.5 ms.", "1.5 ms"),
        ("at 9,280 requests a second", "9,280 requests"),
        ("3.6× as fast", "3.6×"),
        ("uses 0.4 % of a core", "0.4 %"),
        ("twice in 12\ns", "12 s"),
        ("under 300KB", "300KB"),
    ] {
        assert_eq!(seen(text), [quantity], "{text}");
    }
    for text in [
        "version 1.5",
        "RFC 9457",
        "sha-256 bytes",
        "port 2726",
        "four seconds",
        "n=5ms-x",
    ] {
        assert_eq!(seen(text), [""; 0], "{text}");
    }
    let verbs = Verbs::read();
    let has = |text: &str| verbs.has(&after(text, "arcoflow ").concat());
    assert!(has("$ arcoflow ledger verify --json") && has("A=1 arcoflow run raw/x"));
    assert!(!has("arcoflow ledger verfy") && !has("arcoflow walk"));
    assert!(after("the arcoflow binary", "arcoflow ").is_empty());
}
