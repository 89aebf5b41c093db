//! The door and the scheduler are measured beside the machine that carries them, and beside the peer that does the same work.

use std::process::Command;

use crate::process::{cargo, root, run};
use crate::samples;

/// How often each of the two is asked, in turn.
const ROUNDS: usize = 2;
/// What they are called in the samples.
const OURS: &str = "arcoflow";
const THEIRS: &str = "Restate";

/// The name of a figure here and there, its unit, and whether more of it is better.
const SHARED: &[(&str, &str, &str, bool)] = &[
    ("fan-out of 1000", "fan-out of 1000", "tasks/s", true),
    ("fan-out of 10000", "fan-out of 10000", "tasks/s", true),
    (
        "fan-out of 10000, processor time of the house",
        "fan-out of 10000, processor",
        "µs/task",
        false,
    ),
    (
        "fan-out of 10000, disk",
        "fan-out of 10000, disk",
        "bytes/task",
        false,
    ),
    (
        "a level: lease, started, completed, next lease",
        "a level",
        "ms",
        false,
    ),
    (
        "in a worker that waits over HTTP",
        "trigger to first user code",
        "ms",
        false,
    ),
    (
        "process start to the next task leased",
        "restart to first resumed task",
        "ms",
        false,
    ),
    ("resident memory", "resident memory", "MiB", false),
    ("processor", "processor", "%", false),
];

/// Runs the benchmark of the host, wholly or the named measures.
pub(crate) fn run_all(measures: &[&str]) -> Result<(), String> {
    let mut bench = bench();
    bench.args(measures);
    if measures.is_empty() {
        samples::kept_by(&mut bench, &samples::begin("host")?);
    }
    run(&mut bench, "the benchmark has to build")
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
    let file = samples::begin("restate")?;
    let mut theirs = Command::new(place.join("node_modules/.bin/node"));
    theirs.arg("bench.mjs").current_dir(&place);
    let mut ours = bench();
    ours.args(["fan-out", "chain", "trigger", "restart", "idle"]);
    for round in 1..=ROUNDS {
        println!("round {round} of {ROUNDS}: Restate");
        run(
            samples::kept_by(&mut theirs, &file),
            "Restate runs on Linux on x86-64 here",
        )?;
        println!("round {round} of {ROUNDS}: arcoflow");
        run(
            samples::kept_by(&mut ours, &file),
            "the benchmark has to build",
        )?;
    }
    println!(
        "\n{:<50} {:>12} {:>12} {:>8}",
        "", "arcoflow", "Restate", "ratio"
    );
    for (here, there, unit, more_is_better) in SHARED {
        let name = format!("{there}, {unit}");
        let (own, other) = (
            samples::median(&file, here, OURS)?,
            samples::median(&file, there, THEIRS)?,
        );
        let (Some(own), Some(other)) = (own, other) else {
            println!("{name:<50} {:>12}", "unknown");
            continue;
        };
        let ratio = if *more_is_better {
            own / other
        } else {
            other / own
        };
        println!("{name:<50} {own:>12.2} {other:>12.2} {ratio:>7.1}x");
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
