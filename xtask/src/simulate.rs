//! The simulator lives through seeds; a seed that breaks is printed, and lived through again alone.

use std::process::Command;

use serde_json::Value;

use crate::evidence;
use crate::process::{cargo, read, root, run, target};
use crate::stories::{bind, node};

/// The seeds and the hours of each, when nothing is said. They are the same every time: fresh ones are for the night.
const USUAL: [&str; 7] = ["200", "24", "--from", "1", "--twice", "50", "--sometimes"];
/// Seeds that nobody lived, for an hour of the processor.
const FRESH: [&str; 6] = ["100000", "24", "--fresh", "--sometimes", "--minutes", "60"];
/// The seeds that are lived inside WebAssembly too, for so many hours: two in a hundred of the usual ones.
const INSIDE: [&str; 4] = ["50", "100", "150", "200"];
const HOURS: &str = "24";

/// Lives through seeds.
pub(crate) fn simulate(arguments: &[&str]) -> Result<(), String> {
    let mut command = simulator();
    let kept = |name: &str, words: &str| evidence::begin(name, &format!("cargo xtask {words}"));
    match arguments {
        [] => {
            let report = kept("simulate.json", "simulate")?;
            command.args(USUAL).arg("--report").arg(report)
        }
        ["--fresh"] => {
            let report = kept("simulate-fresh.json", "simulate --fresh")?;
            command.args(FRESH).arg("--report").arg(report)
        }
        _ => command.args(arguments),
    };
    run(
        &mut command,
        "the report above says which seed broke which rule; `--tell` prints its records",
    )
}

fn simulator() -> Command {
    let mut command = cargo();
    command
        .args(["run", "--quiet", "--release", "--locked"])
        .args(["--package", "arcoflow-simulator", "--"]);
    command
}

/// Lives the same lives natively and inside WebAssembly: each has to be the same one.
pub(crate) fn inside_wasm() -> Result<(), String> {
    let printed = read(
        Command::new(node()?)
            .arg(root().join("tests/stories/web/live.mjs"))
            .arg(bind()?)
            .arg(HOURS)
            .args(INSIDE),
        "Node has to have `node:sqlite`",
    )?;
    let mut lives = Vec::new();
    println!("{:>5} {:>7} {:>8}  digest", "seed", "records", "steps");
    for line in printed.lines() {
        let inside: Value =
            serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
        let native = native(&inside["seed"].to_string())?;
        println!(
            "{:>5} {:>7} {:>8}  {}",
            inside["seed"],
            inside["records"],
            inside["steps"],
            inside["digest"].as_str().unwrap_or("")
        );
        if inside != native {
            return Err(format!(
                "inside WebAssembly another life is lived: {inside}\nnatively: {native}"
            ));
        }
        lives.push((native, inside));
    }
    if lives.len() != INSIDE.len() {
        return Err(format!(
            "{} of {} lives were lived",
            lives.len(),
            INSIDE.len()
        ));
    }
    let (native, inside): (Vec<Value>, Vec<Value>) = lives.into_iter().unzip();
    let facts = serde_json::json!({ "hours": HOURS, "native": native, "inside": inside });
    evidence::keep("simulate-wasm.json", "cargo xtask simulate --wasm", &facts)
}

/// The report of one native life.
fn native(seed: &str) -> Result<Value, String> {
    let path = target().join("simulator/native.json");
    let arguments = ["1", HOURS, "--from", seed, "--report"];
    read(
        simulator().args(arguments).arg(&path),
        "that seed breaks a rule; live it alone",
    )?;
    let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let report: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok(report["lives"][0].clone())
}
