//! Every target is asked every fixture, and a missing target fails the run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use arcoflow_tests::fixtures::random::questions;
use arcoflow_tests::fixtures::target::{Report, ask};
use arcoflow_tests::fixtures::{Case, identity_directory, load};

use serde_json::{Map, Value, json};

use crate::process::{cargo, root, run, target};
use crate::{evidence, examples, npm, python};

const TARGETS: [&str; 6] = ["native", "node", "chromium", "vite", "workerd", "python"];
const SHOWN_FAILURES: usize = 5;
/// How many questions are drawn beside the written ones.
const DRAWN: usize = 4_000;
/// Repeats the questions of an earlier run.
const SEED: &str = "ARCOFLOW_SEED";

/// Asks the named targets, or all of them, and prints a table.
pub(crate) fn run_all(wanted: &[&str]) -> Result<(), String> {
    if let Some(unknown) = wanted.iter().find(|name| !TARGETS.contains(name)) {
        return Err(format!(
            "`{unknown}` is no target; the targets are {}",
            TARGETS.join(", ")
        ));
    }
    let mut cases = load(&identity_directory())?;
    let written = cases.len();
    let seed = seed()?;
    cases.extend(questions(&cases, seed, DRAWN)?);
    let mut consumer = None;
    let mut rows = Vec::new();
    for name in TARGETS {
        if wanted.is_empty() || wanted.contains(&name) {
            rows.push((name, ask_target(name, &cases, &mut consumer)));
        }
    }
    println!("{written} written questions, and {DRAWN} drawn with {SEED}={seed}");
    println!("{:<10} {:>6} {:>7}", "target", "cases", "passed");
    for (name, report) in &rows {
        match report {
            Ok(report) => println!("{name:<10} {:>6} {:>7}", report.cases, report.passed()),
            Err(_) => println!("{name:<10} {:>6} {:>7}", cases.len(), "missing"),
        }
    }
    let facts =
        json!({ "seed": seed, "written": written, "drawn": DRAWN, "targets": asked(&rows) });
    evidence::keep("parity/fixtures.json", "cargo xtask fixtures", &facts)?;
    let problems: Vec<String> = rows
        .into_iter()
        .filter_map(|(_, report)| problem(report))
        .collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.join("\n"))
    }
}

/// What each target was asked and got right, without a word on whether that is enough.
fn asked(rows: &[(&str, Result<Report, String>)]) -> Map<String, Value> {
    let facts = |report: &Result<Report, String>| match report {
        Ok(report) => json!({ "asked": report.cases, "right": report.passed() }),
        Err(problem) => json!({ "missing": evidence::sentence(problem) }),
    };
    let rows = rows.iter();
    rows.map(|(name, report)| ((*name).to_owned(), facts(report)))
        .collect()
}

/// Where the drawn questions begin: another place each time, unless one is given.
fn seed() -> Result<u64, String> {
    match std::env::var(SEED) {
        Ok(seed) => seed
            .parse()
            .map_err(|_| format!("{SEED} is a whole number, not `{seed}`")),
        Err(_) => Ok(SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_secs())),
    }
}

fn problem(report: Result<Report, String>) -> Option<String> {
    match report {
        Ok(report) if report.failures.is_empty() => None,
        Ok(report) => {
            let shown: Vec<&str> = report
                .failures
                .iter()
                .take(SHOWN_FAILURES)
                .map(String::as_str)
                .collect();
            Some(format!(
                "{}: {} wrong\n{}",
                report.target,
                report.failures.len(),
                shown.join("\n")
            ))
        }
        Err(problem) => Some(problem),
    }
}

fn ask_target(
    name: &str,
    cases: &[Case],
    consumer: &mut Option<PathBuf>,
) -> Result<Report, String> {
    let mut command = match name {
        "native" => native()?,
        "python" => {
            let interpreter = python::environment()?;
            python::install_peers(&interpreter)?;
            examples::run_blocks("python", &interpreter, &target().join("python"), "py")?;
            let mut command = Command::new(interpreter);
            command.arg(root().join("bindings/python/answerer/answer.py"));
            command
        }
        _ => {
            let place = match consumer {
                Some(place) => place,
                None => consumer.insert(install_package()?),
            };
            in_consumer(name, place)?
        }
    };
    ask(name, &mut command, cases)
}

fn native() -> Result<Command, String> {
    run(
        cargo().args(["build", "--quiet", "--package", "arcoflow"]),
        "the binary has to build",
    )?;
    let mut command = Command::new(target().join("debug/arcoflow"));
    command.arg("answer");
    Ok(command)
}

/// A project that has the packed package installed, with the answerers in it.
pub(crate) fn install_package() -> Result<PathBuf, String> {
    let packed = npm::pack()?;
    let source = root().join("bindings/npm/answerer");
    let place = target().join("npm/consumer");
    fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    for entry in fs::read_dir(&source).map_err(|error| format!("{}: {error}", source.display()))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_file() {
            let copied = place.join(path.file_name().unwrap_or_default());
            fs::copy(&path, copied).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    let hint = "npm has to reach its registry once, for esbuild, vite and workerd";
    run(
        Command::new("npm")
            .args(["ci", "--silent"])
            .current_dir(&place),
        hint,
    )?;
    let install = ["install", "--silent", "--no-save", "--no-audit"];
    run(
        Command::new("npm")
            .args(install)
            .arg(packed)
            .current_dir(&place),
        hint,
    )?;
    Ok(place)
}

fn in_consumer(name: &str, place: &Path) -> Result<Command, String> {
    let mut command = Command::new("node");
    command.current_dir(place);
    match name {
        "node" => {
            examples::run_blocks("ts", Path::new("node"), place, "mjs")?;
            run(
                Command::new("node")
                    .current_dir(place)
                    .arg("replay.js")
                    .arg(root().join("fixtures/ledger")),
                "the package has to come to the states in fixtures/ledger/states.json",
            )?;
            command.arg("node.js")
        }
        "workerd" => command.arg("workerd.js"),
        "vite" => {
            let build = [
                "vite",
                "build",
                "--logLevel",
                "error",
                "--config",
                "vite.config.js",
            ];
            run(
                Command::new("npx").args(build).current_dir(place),
                "the package has to build with Vite",
            )?;
            command.args(["browser.js", "--built"])
        }
        _ => command.arg("browser.js"),
    };
    Ok(command)
}
