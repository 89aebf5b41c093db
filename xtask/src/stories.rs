//! Every story is played on every target, and each step has to leave the same state behind on all of them.

mod workerd;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use arcoflow_core::identity::digest::sha256;
use arcoflow_stories::library::{play_on_core, stories};
use arcoflow_stories::story::Story;
use serde_json::{Map, Value, json};
use wasm_bindgen_cli_support::Bindgen;

use crate::evidence;
use crate::process::{cargo, read, root, run, target};

const TARGETS: [&str; 4] = ["native", "wasm", "http", "workerd"];
const SHOWN_FAILURES: usize = 5;
/// The first Node with the SQLite that is lent to the core.
const NODE: u32 = 24;

/// The fingerprints after the steps of each story, by its name, or what went another way.
type Played = BTreeMap<String, Result<String, String>>;

/// What a target came to.
struct Report {
    told: usize,
    passed: usize,
    problems: Vec<String>,
    /// A digest of the states after the steps of each story, where the target tells them.
    states: Option<Map<String, Value>>,
}

/// Plays the stories on the named targets, or on all of them, and prints a table.
pub(crate) fn run_all(wanted: &[&str]) -> Result<(), String> {
    if let Some(unknown) = wanted.iter().find(|name| !TARGETS.contains(name)) {
        return Err(format!(
            "`{unknown}` is no target; the targets are {}",
            TARGETS.join(", ")
        ));
    }
    let stories = stories()?;
    let native = native(&stories);
    let mut rows = Vec::new();
    for name in TARGETS {
        if wanted.is_empty() || wanted.contains(&name) {
            let report = match name {
                "native" => Ok(compare(&stories, &native, &native)),
                "wasm" => wasm().map(|played| compare(&stories, &native, &played)),
                "workerd" => {
                    workerd::play_all(&stories).map(|played| compare(&stories, &native, &played))
                }
                _ => http(),
            };
            rows.push((name, report));
        }
    }
    let facts = json!({ "stories": stories.len(), "targets": told(&rows) });
    evidence::keep("parity/stories.json", "cargo xtask stories", &facts)?;
    println!("{:<10} {:>7} {:>7}", "target", "stories", "passed");
    let mut problems = Vec::new();
    for (name, report) in rows {
        match report {
            Ok(report) => {
                println!("{name:<10} {:>7} {:>7}", report.told, report.passed);
                let shown = report.problems.into_iter().take(SHOWN_FAILURES);
                problems.extend(shown.map(|problem| format!("{name}: {problem}")));
                if report.told != stories.len() {
                    problems.push(format!(
                        "{name}: played {} of {} stories",
                        report.told,
                        stories.len()
                    ));
                }
            }
            Err(problem) => {
                println!("{name:<10} {:>7} {:>7}", stories.len(), "missing");
                problems.push(format!("{name}: {problem}"));
            }
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.join("\n"))
    }
}

/// What each target played, without a word on whether that is enough.
fn told(rows: &[(&str, Result<Report, String>)]) -> Map<String, Value> {
    let facts = |report: &Result<Report, String>| match report {
        Ok(report) => match &report.states {
            Some(states) => json!({ "told": report.told, "same": report.passed, "states": states }),
            None => json!({ "told": report.told, "same": report.passed }),
        },
        Err(problem) => json!({ "missing": evidence::sentence(problem) }),
    };
    let rows = rows.iter();
    rows.map(|(name, report)| ((*name).to_owned(), facts(report)))
        .collect()
}

fn native(stories: &[Story]) -> Played {
    stories
        .iter()
        .map(|story| {
            let trace = play_on_core(story).map(|trace| trace.fingerprints.join(","));
            (story.name.clone(), trace)
        })
        .collect()
}

/// What a target came to, beside what the core came to.
fn compare(stories: &[Story], native: &Played, played: &Played) -> Report {
    let mut problems = Vec::new();
    for story in stories {
        match (played.get(&story.name), native.get(&story.name)) {
            (Some(Ok(here)), Some(Ok(core))) if here == core => {}
            (Some(Ok(here)), Some(Ok(core))) => {
                let same = here.split(',').zip(core.split(','));
                let step = same.take_while(|(here, core)| here == core).count();
                problems.push(format!("{}: step {step} leaves another state", story.name));
            }
            (Some(Err(problem)), _) | (_, Some(Err(problem))) => problems.push(problem.clone()),
            (None, _) | (_, None) => problems.push(format!("{}: was not played", story.name)),
        }
    }
    Report {
        told: played.len(),
        passed: stories.len() - problems.len(),
        problems,
        states: Some(states(played)),
    }
}

fn states(played: &Played) -> Map<String, Value> {
    let digest = |trace: &String| {
        let digest = sha256(trace.as_bytes()).to_string();
        Value::from(digest.trim_start_matches("sha256:"))
    };
    let told = played.iter();
    told.filter_map(|(name, trace)| Some((name.clone(), digest(trace.as_ref().ok()?))))
        .collect()
}

/// Builds the player for WebAssembly, and has Node play with it.
fn wasm() -> Result<Played, String> {
    let package = root().join("tests/stories/web");
    let bound = bind()?;
    let printed = read(
        Command::new(node()?)
            .arg(package.join("play.mjs"))
            .arg(bound)
            .arg(root().join("fixtures/run")),
        "Node has to have `node:sqlite`",
    )?;
    printed
        .lines()
        .map(|line| {
            let (name, played) = line
                .split_once('\t')
                .ok_or_else(|| format!("an unknown line: {line}"))?;
            let played = match played.strip_prefix('!') {
                None => Ok(played.to_owned()),
                Some(problem) => Err(problem.to_owned()),
            };
            Ok((name.to_owned(), played))
        })
        .collect()
}

/// Builds what plays and lives inside WebAssembly, with the checks of a development build, so that a number that does not fit 32 bits
/// is seen; the answer is the folder of the module for Node.
pub(crate) fn bind() -> Result<PathBuf, String> {
    run(
        cargo()
            .args(["build", "--quiet", "--locked", "--lib"])
            .args(["--profile", "checked", "--package", "arcoflow-stories-web"])
            .args(["--target", "wasm32-unknown-unknown"]),
        "install the target with `rustup target add wasm32-unknown-unknown`",
    )?;
    let built = target().join("wasm32-unknown-unknown/checked/arcoflow_stories_web.wasm");
    let bound = target().join("stories/bound");
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(built)
        .nodejs(true)
        .map_err(|error| error.to_string())?;
    bindgen
        .typescript(false)
        .generate(&bound)
        .map_err(|error| format!("wasm-bindgen: {error:#}"))?;
    Ok(bound)
}

/// A Node that has SQLite: the system's when it is new enough, and one from the registry otherwise.
pub(crate) fn node() -> Result<PathBuf, String> {
    let version = read(Command::new("node").arg("--version"), "install Node");
    let major = version.ok().and_then(|version| {
        let number = version.trim().trim_start_matches('v').split('.').next()?;
        number.parse::<u32>().ok()
    });
    if major.is_some_and(|major| major >= NODE) {
        return Ok(PathBuf::from("node"));
    }
    let package = root().join("tests/stories/web");
    let installed = package.join("node_modules/.bin/node");
    if !installed.exists() {
        run(
            Command::new("npm")
                .args(["ci", "--silent"])
                .current_dir(&package),
            "install Node 24 or later",
        )?;
    }
    Ok(installed)
}

/// The local door plays them in a test of its own, which compares with the core itself; here its count is read.
fn http() -> Result<Report, String> {
    let printed = read(
        cargo()
            .args(["test", "--quiet", "--locked", "--package", "arcoflow"])
            .args(["--test", "stories", "--", "--nocapture"]),
        "run `cargo test -p arcoflow --test stories`",
    )?;
    let count = printed
        .lines()
        .find_map(|line| line.strip_prefix("stories over HTTP: "));
    let (passed, of) = count
        .and_then(|count| count.split_once(" of "))
        .ok_or("the test printed no count")?;
    let number = |text: &str| {
        text.parse::<usize>()
            .map_err(|_| format!("`{text}` is no count"))
    };
    let (passed, of) = (number(passed)?, number(of)?);
    Ok(Report {
        told: of,
        passed,
        problems: Vec::new(),
        states: None,
    })
}
