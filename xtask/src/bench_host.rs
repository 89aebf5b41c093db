//! The door and the scheduler are measured beside the machine that carries them, and beside the peer that does the same work.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

use crate::process::{cargo, read, root, run, target};

/// How often each of the two is asked, in turn.
const ROUNDS: usize = 2;

/// The name of a figure here and there, and whether more of it is better.
const SHARED: &[(&str, &str, bool)] = &[
    ("fan-out of 1000", "fan-out of 1000, tasks/s", true),
    ("fan-out of 10000", "fan-out of 10000, tasks/s", true),
    (
        "fan-out of 10000, processor time of the house",
        "fan-out of 10000, server µs/task",
        false,
    ),
    (
        "fan-out of 10000, disk",
        "fan-out of 10000, disk bytes/task",
        false,
    ),
    (
        "a level: lease, started, completed, next lease",
        "chain of 100, ms/level",
        false,
    ),
    (
        "in a worker that waits over HTTP",
        "trigger to first user code, ms",
        false,
    ),
    (
        "process start to the next task leased",
        "restart to first resumed task, ms",
        false,
    ),
    ("resident memory", "idle memory, MiB", false),
    ("processor", "idle processor, %", false),
];

/// Runs the benchmark of the host, wholly or the named measures.
pub(crate) fn run_all(measures: &[&str]) -> Result<(), String> {
    run(bench().args(measures), "the benchmark has to build")
}

/// Runs the same work here and on Restate, in turn.
pub(crate) fn beside_restate() -> Result<(), String> {
    let place = root().join("tests/restate");
    run(
        Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&place),
        "npm has to reach a registry once",
    )?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}: Restate");
        theirs.push(measure_restate(&place)?);
        println!("round {round} of {ROUNDS}: arcoflow");
        ours.push(measure_ours()?);
    }
    println!(
        "\n{:<50} {:>12} {:>12} {:>8}",
        "", "arcoflow", "Restate", "ratio"
    );
    for (here, there, more_is_better) in SHARED {
        let (Some(own), Some(other)) = (middle(&ours, here), middle(&theirs, there)) else {
            println!("{there:<50} {:>12}", "unknown");
            continue;
        };
        let ratio = if *more_is_better {
            own / other
        } else {
            other / own
        };
        println!("{there:<50} {own:>12.2} {other:>12.2} {ratio:>7.1}x");
    }
    println!(
        "\nA ratio above 1 is in favour of arcoflow. Both sync each step to the disk. Restate's worker and the driver are one Node"
    );
    println!(
        "process each, arcoflow's worker and driver are one process; processor and memory are those of the servers alone."
    );
    Ok(())
}

fn bench() -> Command {
    let mut command = cargo();
    command.args([
        "bench",
        "--quiet",
        "--package",
        "arcoflow",
        "--bench",
        "host",
        "--",
    ]);
    command
}

fn measure_ours() -> Result<Map<String, Value>, String> {
    let file = target().join("figures.json");
    let mut command = bench();
    command
        .args(["fan-out", "chain", "trigger", "restart", "idle"])
        .env("ARCOFLOW_FIGURES", &file);
    run(&mut command, "the benchmark has to build")?;
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    parse(&text)
}

fn measure_restate(place: &Path) -> Result<Map<String, Value>, String> {
    let mut command = Command::new(place.join("node_modules/.bin/node"));
    command.arg("bench.mjs").current_dir(place);
    let text = read(&mut command, "Restate runs on Linux on x86-64 here")?;
    parse(text.lines().last().unwrap_or(""))
}

fn parse(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("no figures came: {error}"))
}

/// The middle of a figure over the rounds; of two the mean.
fn middle(rounds: &[Map<String, Value>], name: &str) -> Option<f64> {
    let mut values: Vec<f64> = rounds
        .iter()
        .filter_map(|round| round.get(name)?.as_f64())
        .collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (
        values.get((values.len().checked_sub(1)?) / 2)?,
        values.get(values.len() / 2)?,
    );
    Some((low + high) / 2.0)
}
