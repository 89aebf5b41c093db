//! The commands that a reader may type are those that the programs themselves list.

use std::collections::BTreeSet;
use std::fs;

use crate::pages::{Page, root};

/// The fixed first words of each command in the usage of a program.
pub(crate) fn listed(path: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(root().join(path)).expect("the program");
    let usage = text.split("USAGE: &str = \"").nth(1).expect("a usage");
    let usage = usage.split("\";").next().unwrap_or("");
    let commands = usage.lines().filter_map(|line| line.strip_prefix("  "));
    let words = |line: &str| {
        let is_fixed = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        let command = line.split("  ").next().unwrap_or("").split(' ');
        let fixed = command.take_while(|word| !word.is_empty() && is_fixed(word));
        fixed.map(str::to_owned).collect::<Vec<String>>()
    };
    commands
        .map(words)
        .filter(|words| !words.is_empty())
        .collect()
}

/// The verbs of the command line, as its page lists them.
pub(crate) struct Verbs {
    known: Vec<Vec<String>>,
    /// Those that mean nothing without a verb of their own.
    groups: BTreeSet<String>,
}

impl Verbs {
    pub(crate) fn read() -> Verbs {
        let page = Page::read("docs/cli.md");
        let lines = || page.lines().map(|(_, line)| line);
        let headings = lines().filter(|line| line.starts_with('#'));
        let verb = |line: &str| {
            let verb = line.trim_start_matches('#').trim().trim_matches('`');
            let words = verb.strip_prefix("arcoflow ")?.split(' ');
            Some(words.map(str::to_owned).collect())
        };
        let group = |line: &str| {
            let usage = line.strip_prefix("Usage: arcoflow ")?;
            let is_group = usage.contains("<COMMAND>") && !usage.starts_with('[');
            is_group.then(|| usage.split(' ').next().unwrap_or("").to_owned())
        };
        Verbs {
            known: headings.filter_map(verb).collect(),
            groups: lines().filter_map(group).collect(),
        }
    }

    /// Whether these words begin with a verb.
    pub(crate) fn has(&self, words: &[String]) -> bool {
        let is_group = words.len() > 1 && self.groups.contains(&words[0]);
        self.known
            .iter()
            .any(|verb| words.starts_with(verb) && (verb.len() > 1 || !is_group))
    }
}
