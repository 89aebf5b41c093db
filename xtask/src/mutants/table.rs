//! What came of each planted bug is kept: the facts for whoever judges them, and a page for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json};

use crate::evidence;
use crate::process::{root, write};

/// Where the facts are.
const FACTS: &str = "mutants.json";
/// Where the page is.
const PAGE: &str = "docs/evidence/mutants.md";

/// What came of a mutant, as a row on a terminal.
pub(crate) fn words(facts: &Value) -> String {
    let lived = facts["lived"].as_u64().unwrap_or(0);
    match facts["seeds"].as_u64() {
        Some(seeds) => format!("{seeds:>6}  {}", text(&facts["rule"])),
        None => format!("{:>6}  SURVIVED {lived} seeds", "-"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// Keeps what came of a mutant beside what came of the others, those that are not in the list any more excepted.
///
/// The page is written once each mutant of the list has met the same source.
pub(crate) fn keep(facts: Value, names: &[&str], source: &str) -> Result<(), String> {
    evidence::note(FACTS, "cargo xtask mutants")?;
    let path = evidence::place().join(FACTS);
    let kept = fs::read(&path).ok();
    let kept = kept.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let mut by_name: BTreeMap<String, Value> = BTreeMap::new();
    for facts in kept
        .iter()
        .flat_map(|kept| kept["mutants"].as_array())
        .flatten()
    {
        by_name.insert(text(&facts["name"]).to_owned(), facts.clone());
    }
    by_name.insert(text(&facts["name"]).to_owned(), facts);
    let mutants: Vec<&Value> = names.iter().filter_map(|name| by_name.get(*name)).collect();
    let all = json!({ "mutants": mutants });
    write(&path, &format!("{all:#}\n"))?;
    let is_whole =
        mutants.len() == names.len() && mutants.iter().all(|facts| facts["source"] == source);
    if is_whole {
        write(&root().join(PAGE), &page(&mutants))?;
    }
    Ok(())
}

fn page(mutants: &[&Value]) -> String {
    let caught = mutants.iter().filter(|facts| facts["seeds"].is_u64());
    let caught: Vec<&&Value> = caught.collect();
    let mut page = format!(
        "# Planted bugs\n\n\
         `cargo xtask mutants` plants these bugs in a copy of the core, lets one loose at a time, and lives through the seeds 1, 2, 3 … of [the simulator](../simulator.md), \
         24 hours each, until one breaks a rule. It writes this page. {} of {} bugs were caught",
        caught.len(),
        mutants.len()
    );
    let most = caught
        .iter()
        .filter_map(|facts| facts["seeds"].as_u64())
        .max();
    let _ = write!(
        page,
        ", all within {} seeds.\n\n| bug | against | seeds | caught by |\n|---|---|---:|---|\n",
        most.unwrap_or(0)
    );
    for facts in mutants {
        let seeds = facts["seeds"].as_u64();
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} |",
            text(&facts["name"]),
            text(&facts["for"]),
            seeds.map_or("none".to_owned(), |seeds| seeds.to_string()),
            if seeds.is_some() {
                rule(facts)
            } else {
                "nothing".to_owned()
            },
        );
    }
    page
}

/// The rule, with the words of the assertion where that is what failed.
fn rule(facts: &Value) -> String {
    let rule = text(&facts["rule"]);
    if rule != "an assertion holds" {
        return rule.to_owned();
    }
    let detail = text(&facts["detail"]);
    let words = detail.split_once(": ").map_or(detail, |(_, words)| words);
    format!("{rule}: {}", words.replace('|', "/"))
}
